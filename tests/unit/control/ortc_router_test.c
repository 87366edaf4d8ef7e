#include "tests/unit/control/ortc_data.h"

#include <errno.h>
#include <string.h>

static void recorded_capabilities_are_the_default(void **state)
{
    (void)state;
    struct ortc_router *router = router_of(NULL), *blank = router_of(" \t");
    json_t *recorded = load(ORTC_DATA "router-capabilities.json");
    assert_same_json(ortc_router_capabilities(router), recorded);
    assert_same_json(ortc_router_capabilities(blank), recorded);
    json_decref(recorded);
    ortc_router_destroy(blank);
    ortc_router_destroy(router);
    ortc_router_destroy(NULL);
}

static const json_t *codec_at(const struct ortc_router *router, size_t index)
{
    return json_array_get(json_object_get(ortc_router_capabilities(router), "codecs"), index);
}

static void vp9_profile_0_and_av1_can_be_switched_on(void **state)
{
    (void)state;
    struct ortc_router *router = router_of("opus, vp9 ; profile-id = 0, AV1");
    json_t *vp9 = json_of("{'kind':'video','mimeType':'video/VP9','clockRate':90000,'rtcpFeedback':["
                          "{'type':'nack','parameter':''},{'type':'nack','parameter':'pli'},"
                          "{'type':'ccm','parameter':'fir'},{'type':'goog-remb','parameter':''},"
                          "{'type':'transport-cc','parameter':''}],"
                          "'parameters':{'profile-id':0,'x-google-start-bitrate':1000},"
                          "'preferredPayloadType':101}");
    assert_same_json(codec_at(router, 1), vp9);
    assert_string_equal(json_string_value(json_object_get(codec_at(router, 3), "mimeType")), "video/AV1");
    assert_int_equal(json_integer_value(json_object_get(codec_at(router, 3), "preferredPayloadType")), 103);

    const json_t *extensions = json_object_get(ortc_router_capabilities(router), "headerExtensions");
    json_t *descriptor =
        json_of("{'kind':'video','uri':"
                "'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension',"
                "'preferredId':8,'preferredEncrypt':false,'direction':'sendrecv'}");
    assert_int_equal(json_array_size(extensions), 18);
    assert_same_json(json_array_get(extensions, 10), descriptor);
    assert_true(ortc_router_sent_extensions(router, MEDIA_VIDEO) & 1u << ORTC_EXT_DEPENDENCY_DESCRIPTOR);
    assert_false(ortc_router_sent_extensions(router, MEDIA_AUDIO) & 1u << ORTC_EXT_DEPENDENCY_DESCRIPTOR);

    json_decref(descriptor);
    json_decref(vp9);
    ortc_router_destroy(router);
}

static void payload_types_go_on_at_96(void **state)
{
    (void)state;
    /* 15 video codecs with rtx and one opus: 31 dynamic payload types. */
    struct ortc_router *router = router_of(
        "opus,VP8,VP9;profile-id=0,VP9;profile-id=1,VP9;profile-id=2,VP9;profile-id=3,AV1;profile=0,"
        "AV1;profile=1,AV1;profile=2,H264,H264;packetization-mode=0,H264;profile-level-id=42001f,"
        "H264;profile-level-id=4d001f,H264;profile-level-id=64001f,H264;profile-level-id=640c1f,"
        "H264;profile-level-id=f4001f");
    bool is_used[128] = {false};
    const json_t *codecs = json_object_get(ortc_router_capabilities(router), "codecs");
    assert_int_equal(json_array_size(codecs), 31);
    for (size_t i = 0; i < json_array_size(codecs); i++) {
        json_int_t type = json_integer_value(json_object_get(codec_at(router, i), "preferredPayloadType"));
        assert_in_range(type, 96, 127);
        assert_false(is_used[type]);
        is_used[type] = true;
    }
    assert_int_equal(json_integer_value(json_object_get(codec_at(router, 27), "preferredPayloadType")), 127);
    assert_int_equal(json_integer_value(json_object_get(codec_at(router, 28), "preferredPayloadType")), 96);
    ortc_router_destroy(router);
}

static void static_payload_types_are_those_of_rfc_3551(void **state)
{
    (void)state;
    struct ortc_router *router = router_of("PCMA,opus,pcmu,G722");
    static const int expected[] = {8, 100, 0, 9};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(json_integer_value(json_object_get(codec_at(router, i), "preferredPayloadType")),
                         expected[i]);
    ortc_router_destroy(router);
}

static void wrong_settings_are_refused_with_a_line(void **state)
{
    (void)state;
    static const struct {
        const char *setting;
        const char *word;
    } cases[] = {
        {"opus,VP7", "VP7"},
        {"opus,", "none of"},
        {",", "none of"},
        {"opus;foo=1", "foo"},
        {"opus;usedtx=2", "usedtx"},
        {"opus;usedtx", "name=value"},
        {"opus;usedtx=", "usedtx"},
        {"opus;usedtx=-1", "usedtx"},
        {"opus;usedtx=0x1", "usedtx"},
        {"VP9;profile-id=99999999999999999999", "profile-id"},
        {"H264;profile-level-id=1", "profile-level-id"},
        {"H264;profile-level-id=zzzzzz", "profile-level-id"},
        {"PCMU;x-google-start-bitrate=100", "x-google-start-bitrate"},
        {"VP8,vp8", "twice"},
        {"H264;profile-level-id=42e01f,H264;profile-level-id=42e032", "twice"},
        {"opus,VP8,VP9;profile-id=0,VP9;profile-id=1,VP9;profile-id=2,VP9;profile-id=3,AV1;profile=0,"
         "AV1;profile=1,AV1;profile=2,H264,H264;packetization-mode=0,H264;profile-level-id=42001f,"
         "H264;profile-level-id=4d001f,H264;profile-level-id=64001f,H264;profile-level-id=640c1f,"
         "H264;profile-level-id=f4001f,PCMU",
         "more than 16"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ortc_router *router = NULL;
        char error[256] = "";
        assert_int_equal(ortc_router_create(cases[i].setting, &router, error, sizeof error), -EINVAL);
        assert_null(router);
        assert_non_null(strstr(error, cases[i].word));
        assert_null(strchr(error, '\n'));
    }
    char tiny[4];
    struct ortc_router *router = NULL;
    assert_int_equal(ortc_router_create("foo", &router, tiny, sizeof tiny), -EINVAL);
    assert_string_equal(tiny, "cod");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_capabilities_are_the_default),
        cmocka_unit_test(vp9_profile_0_and_av1_can_be_switched_on),
        cmocka_unit_test(payload_types_go_on_at_96),
        cmocka_unit_test(static_payload_types_are_those_of_rfc_3551),
        cmocka_unit_test(wrong_settings_are_refused_with_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
