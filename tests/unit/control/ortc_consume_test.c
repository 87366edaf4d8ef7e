#include "tests/unit/control/ortc_data.h"

#include <errno.h>
#include <string.h>

#include "control/ortc/consume.h"

#define AUDIO                                                                                                \
    "{'codecs':[{'mimeType':'audio/opus','payloadType':111,'clockRate':48000,'channels':2,"                  \
    "'rtcpFeedback':[{'type':'nack'},{'type':'transport-cc'}]}],'encodings':[{'ssrc':1}]}"
#define VP8 "{'mimeType':'video/VP8','payloadType':96,'clockRate':90000}"

static struct ortc_producer *produce(const struct ortc_router *router, enum media_kind kind, const char *text)
{
    json_t *json = json_of(text);
    struct ortc_producer *producer = NULL;
    assert_int_equal(ortc_produce(router, kind, json, "default", &producer), 0);
    json_decref(json);
    return producer;
}

static struct ortc_capabilities *capabilities_of(const char *text)
{
    json_t *json = json_of(text);
    struct ortc_capabilities *capabilities = NULL;
    assert_int_equal(ortc_capabilities_parse(json, &capabilities), 0);
    json_decref(json);
    return capabilities;
}

/* What a consumer's rtpParameters say must be what the structure tells the forwarder. */
static void check_structure(const struct ortc_consumer *consumer)
{
    const json_t *json = consumer->rtp_parameters;
    const json_t *encoding = json_array_get(json_object_get(json, "encodings"), 0);
    const json_t *rtx = json_object_get(encoding, "rtx");
    assert_int_equal(json_integer_value(json_object_get(encoding, "ssrc")), consumer->ssrc);
    assert_int_equal(json_integer_value(json_object_get(rtx, "ssrc")), consumer->rtx_ssrc);
    assert_string_equal(json_string_value(json_object_get(json, "mid")), consumer->mid);

    const json_t *codecs = json_object_get(json, "codecs");
    const struct ortc_payload_type *first = &consumer->payload_types[0];
    assert_int_equal(json_integer_value(json_object_get(json_array_get(codecs, 0), "payloadType")),
                     first->router_payload_type);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(codecs, 1), "payloadType")),
                     first->router_rtx_payload_type);

    const json_t *extensions = json_object_get(json, "headerExtensions");
    size_t kept = 0;
    for (size_t i = 0; i < ORTC_EXT_COUNT; i++)
        kept += consumer->extensions.id[i] != 0;
    assert_int_equal(kept, json_array_size(extensions));

    struct ortc_feedback feedback = {0};
    ortc_codec_add_feedback(json_object_get(json_array_get(codecs, 0), "rtcpFeedback"), &feedback);
    assert_memory_equal(&feedback, &consumer->feedback, sizeof feedback);
}

static void recorded_consumers_come_out_the_same(void **state)
{
    (void)state;
    struct ortc_router *router = router_of(NULL);
    json_t *cases = load(ORTC_DATA "consumers.json");
    assert_int_equal(json_array_size(cases), 15);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *recorded = json_array_get(cases, i);
        const json_t *expected = json_object_get(recorded, "consumed");
        const char *cname = json_string_value(json_object_get(json_object_get(expected, "rtcp"), "cname"));
        const json_t *encoding = json_array_get(json_object_get(expected, "encodings"), 0);
        print_message("%s\n", json_string_value(json_object_get(recorded, "name")));
        enum media_kind kind;
        assert_true(media_kind_parse(json_string_value(json_object_get(recorded, "kind")), &kind));

        struct ortc_producer *producer = NULL;
        struct ortc_capabilities *capabilities = NULL;
        struct ortc_consumer *consumer = NULL;
        assert_int_equal(ortc_produce(router, kind, json_object_get(recorded, "produced"), cname, &producer),
                         0);
        assert_int_equal(ortc_capabilities_parse(json_object_get(recorded, "capabilities"), &capabilities),
                         0);
        assert_true(ortc_can_consume(producer, capabilities));
        unsigned mid = (unsigned)strtoul(json_string_value(json_object_get(expected, "mid")), NULL, 10);
        uint32_t ssrc = (uint32_t)json_integer_value(json_object_get(encoding, "ssrc"));
        assert_int_equal(ortc_consume(producer, capabilities, mid, ssrc, NULL, &consumer), 0);

        assert_same_json(consumer->rtp_parameters, expected);
        assert_string_equal(ortc_type_name(consumer->type),
                            json_string_value(json_object_get(recorded, "type")));
        assert_int_equal(consumer->kind, kind);
        check_structure(consumer);

        ortc_consumer_destroy(consumer);
        ortc_capabilities_destroy(capabilities);
        ortc_producer_destroy(producer);
    }
    json_decref(cases);
    ortc_router_destroy(router);
    ortc_consumer_destroy(NULL);
    ortc_capabilities_destroy(NULL);
}

/* ws-35: a client without VP8 gets no consumer for VP8. */
static void nothing_in_common_is_refused(void **state)
{
    (void)state;
    struct ortc_router *router = router_of(NULL);
    struct ortc_producer *producer =
        produce(router, MEDIA_VIDEO, "{'codecs':[" VP8 "],'encodings':[{'ssrc':1}]}");
    static const char *const useless[] = {
        "{}",
        "{'codecs':[]}",
        "{'codecs':[{'mimeType':'audio/opus','clockRate':48000,'channels':2}]}",
        "{'codecs':[{'mimeType':'video/VP8','clockRate':90001}]}",
        "{'codecs':[{'mimeType':'video/rtx','clockRate':90000,'parameters':{'apt':101}}]}",
    };
    for (size_t i = 0; i < sizeof useless / sizeof *useless; i++) {
        struct ortc_capabilities *capabilities = capabilities_of(useless[i]);
        struct ortc_consumer *consumer = NULL;
        assert_false(ortc_can_consume(producer, capabilities));
        assert_int_equal(ortc_consume(producer, capabilities, 0, 1, NULL, &consumer), -ENOTSUP);
        assert_null(consumer);
        ortc_capabilities_destroy(capabilities);
    }
    assert_false(ortc_can_consume(producer, NULL));
    ortc_producer_destroy(producer);
    ortc_router_destroy(router);
}

static struct ortc_consumer *consume_vp8(const struct ortc_router *router, const char *capability_members)
{
    char text[2048];
    snprintf(text, sizeof text, "{'codecs':[{'mimeType':'VIDEO/vp8','clockRate':90000,%s}",
             capability_members);
    struct ortc_producer *producer =
        produce(router, MEDIA_VIDEO, "{'codecs':[" VP8 "],'encodings':[{'ssrc':1}]}");
    struct ortc_capabilities *capabilities = capabilities_of(text);
    struct ortc_consumer *consumer = NULL;
    assert_int_equal(ortc_consume(producer, capabilities, 12345, 77, NULL, &consumer), 0);
    ortc_capabilities_destroy(capabilities);
    ortc_producer_destroy(producer);
    return consumer; /* lives on without what it was made of */
}

static void check_feedback(const struct ortc_consumer *consumer, const char *expected_text)
{
    json_t *expected = json_of(expected_text);
    const json_t *codecs = json_object_get(consumer->rtp_parameters, "codecs");
    assert_same_json(json_object_get(json_array_get(codecs, 0), "rtcpFeedback"), expected);
    json_decref(expected);
    check_structure(consumer);
}

#define FEEDBACK                                                                                             \
    "'rtcpFeedback':[{'type':'goog-remb'},{'type':'x','parameter':'y'},{'type':'transport-cc'},"             \
    "{'type':'nack','parameter':'pli'}]}],"
#define ABS_SEND_TIME                                                                                        \
    "{'kind':'video','uri':'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time','preferredId':4}"
#define TWCC(id, kind)                                                                                       \
    "{'kind':'" kind "','uri':'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',"  \
    "'preferredId':" id "}"

static void congestion_feedback_follows_the_extensions(void **state)
{
    (void)state;
    struct ortc_router *router = router_of(NULL);
    static const struct {
        const char *extensions;
        const char *feedback;
        bool transport_cc, goog_remb;
    } cases[] = {
        {"[" TWCC("5", "video") "," ABS_SEND_TIME "]",
         "[{'type':'x','parameter':'y'},{'type':'transport-cc','parameter':''},{'type':'nack','parameter':'"
         "pli'}]",
         true, false},
        {"[" ABS_SEND_TIME "]",
         "[{'type':'goog-remb','parameter':''},{'type':'x','parameter':'y'},{'type':'nack','parameter':'pli'}"
         "]",
         false, true},
        {"[]", "[{'type':'x','parameter':'y'},{'type':'nack','parameter':'pli'}]", false, false},
        /* Another id, or another kind, is another extension. */
        {"[" TWCC("6", "video") "]", "[{'type':'x','parameter':'y'},{'type':'nack','parameter':'pli'}]",
         false, false},
        {"[" TWCC("5", "audio") "]", "[{'type':'x','parameter':'y'},{'type':'nack','parameter':'pli'}]",
         false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char members[1024];
        snprintf(members, sizeof members, FEEDBACK "'headerExtensions':%s", cases[i].extensions);
        struct ortc_consumer *consumer = consume_vp8(router, members);
        check_feedback(consumer, cases[i].feedback);
        assert_int_equal(consumer->feedback.transport_cc, cases[i].transport_cc);
        assert_int_equal(consumer->feedback.goog_remb, cases[i].goog_remb);
        assert_true(consumer->feedback.pli);
        assert_false(consumer->feedback.nack);
        ortc_consumer_destroy(consumer);
    }
    ortc_router_destroy(router);
}

static void audio_is_not_asked_for_again(void **state)
{
    (void)state;
    struct ortc_router *router = router_of(NULL);
    struct ortc_producer *producer = produce(router, MEDIA_AUDIO, AUDIO);
    struct ortc_capabilities *capabilities =
        capabilities_of("{'codecs':[{'mimeType':'audio/opus','clockRate':48000,'channels':2,"
                        "'rtcpFeedback':[{'type':'nack'},{'type':'transport-cc'}]}],"
                        "'headerExtensions':[" TWCC("5", "audio") "]}");
    struct ortc_consumer *consumer = NULL;
    assert_int_equal(ortc_consume(producer, capabilities, 0, 5, NULL, &consumer), 0);
    json_t *expected = json_of("{'codecs':[{'mimeType':'audio/opus','payloadType':100,'clockRate':48000,"
                               "'channels':2,'parameters':{},'rtcpFeedback':[]}],'headerExtensions':[],"
                               "'encodings':[{'ssrc':5}],'rtcp':{'cname':'default','reducedSize':true},"
                               "'mid':'0'}");
    assert_same_json(consumer->rtp_parameters, expected);
    assert_true(producer->feedback.nack);
    assert_false(producer->feedback.transport_cc); /* without the extension */
    json_decref(expected);
    ortc_consumer_destroy(consumer);
    ortc_capabilities_destroy(capabilities);
    ortc_producer_destroy(producer);
    ortc_router_destroy(router);
}

static void callers_choose_mid_and_cname(void **state)
{
    (void)state;
    struct ortc_router *router = router_of(NULL);
    struct ortc_producer *producer = produce(router, MEDIA_AUDIO, AUDIO);
    struct ortc_capabilities *capabilities =
        capabilities_of("{'codecs':[{'mimeType':'audio/opus','clockRate':48000,'channels':2}]}");
    struct ortc_consumer *consumer = NULL;
    char cname[ORTC_CNAME_BYTES + 1];
    memset(cname, 'c', sizeof cname);
    cname[ORTC_CNAME_BYTES] = '\0';
    assert_int_equal(ortc_consume(producer, capabilities, 0, 1, cname, &consumer), -EINVAL);
    assert_int_equal(ortc_consume(producer, capabilities, 0, 0, NULL, &consumer), -EINVAL);
    assert_int_equal(ortc_consume(producer, capabilities, 0, UINT32_MAX, NULL, &consumer), -EINVAL);
    assert_null(consumer);
    cname[ORTC_CNAME_BYTES - 1] = '\0';
    assert_int_equal(ortc_consume(producer, capabilities, UINT32_MAX, 1, cname, &consumer), 0);
    assert_string_equal(consumer->mid, "4294967295");
    assert_string_equal(consumer->cname, cname);
    check_structure(consumer);
    ortc_consumer_destroy(consumer);
    ortc_capabilities_destroy(capabilities);
    ortc_producer_destroy(producer);
    ortc_router_destroy(router);
}

/* Two payload types of a producer that are one codec of the router are one codec for consumers; codecs that
 * the client lacks are left out. */
static void each_codec_is_named_once(void **state)
{
    (void)state;
    struct ortc_router *router = router_of(NULL);
    struct ortc_producer *producer = produce(
        router, MEDIA_VIDEO,
        "{'codecs':[" VP8 ",{'mimeType':'video/VP8','payloadType':98,'clockRate':90000,'parameters':{'a':1}},"
        "{'mimeType':'video/VP9','payloadType':99,'clockRate':90000,'parameters':{'profile-id':2}}],"
        "'encodings':[{'ssrc':1}]}");
    struct ortc_capabilities *capabilities =
        capabilities_of("{'codecs':[{'mimeType':'video/VP8','clockRate':90000}]}");
    struct ortc_consumer *consumer = NULL;
    assert_int_equal(ortc_consume(producer, capabilities, 0, 1, NULL, &consumer), 0);
    json_t *expected = json_of("[{'mimeType':'video/VP8','payloadType':101,'clockRate':90000,'parameters':{},"
                               "'rtcpFeedback':[]}]");
    assert_same_json(json_object_get(consumer->rtp_parameters, "codecs"), expected);
    assert_int_equal(consumer->payload_type_count, 2);
    assert_int_equal(consumer->payload_types[0].payload_type, 96);
    assert_int_equal(consumer->payload_types[1].payload_type, 98);
    assert_int_equal(consumer->payload_types[1].router_payload_type, 101);
    assert_int_equal(consumer->payload_types[1].router_rtx_payload_type, 0);
    assert_int_equal(consumer->rtx_ssrc, 0);
    json_decref(expected);
    ortc_consumer_destroy(consumer);
    ortc_capabilities_destroy(capabilities);
    ortc_producer_destroy(producer);
    ortc_router_destroy(router);
}

static void wrong_capabilities_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "null",
        "5",
        "'x'",
        "[]",
        "{'codecs':{}}",
        "{'codecs':'x'}",
        "{'headerExtensions':1}",
        "{'codecs':[null]}",
        "{'codecs':[{}]}",
        "{'codecs':[{'mimeType':'video/VP8'}]}",
        "{'codecs':[{'mimeType':'VP8','clockRate':90000}]}",
        "{'codecs':[{'mimeType':'video/','clockRate':90000}]}",
        "{'codecs':[{'mimeType':'video/V P8','clockRate':90000}]}",
        "{'codecs':[{'mimeType':'video/VP8','clockRate':0}]}",
        "{'codecs':[{'mimeType':'video/VP8','clockRate':4294967296}]}",
        "{'codecs':[{'mimeType':'video/VP8','clockRate':'90000'}]}",
        "{'codecs':[{'mimeType':'video/VP8','clockRate':90000,'kind':'audio'}]}",
        "{'codecs':[{'mimeType':'video/VP8','clockRate':90000,'kind':'vide'}]}",
        "{'codecs':[{'mimeType':'video/VP8','clockRate':90000,'preferredPayloadType':128}]}",
        "{'codecs':[{'mimeType':'video/VP8','clockRate':90000,'preferredPayloadType':-1}]}",
        "{'codecs':[{'mimeType':'audio/opus','clockRate':48000,'channels':0}]}",
        "{'codecs':[{'mimeType':'audio/opus','clockRate':48000,'channels':256}]}",
        "{'codecs':[{'mimeType':'video/VP8','clockRate':90000,'parameters':[]}]}",
        "{'codecs':[{'mimeType':'video/VP8','clockRate':90000,'parameters':{'a':{}}}]}",
        "{'codecs':[{'mimeType':'video/VP8','clockRate':90000,'parameters':{'a':'\\n'}}]}",
        "{'codecs':[{'mimeType':'video/VP8','clockRate':90000,'parameters':{'a\\r\\n':1}}]}",
        "{'codecs':[{'mimeType':'video/VP8','clockRate':90000,'parameters':{'':1}}]}",
        "{'codecs':[{'mimeType':'video/VP8','clockRate':90000,'rtcpFeedback':{}}]}",
        "{'codecs':[{'mimeType':'video/VP8','clockRate':90000,'rtcpFeedback':[{}]}]}",
        "{'codecs':[{'mimeType':'video/VP8','clockRate':90000,'rtcpFeedback':['nack']}]}",
        "{'codecs':[{'mimeType':'video/VP8','clockRate':90000,'rtcpFeedback':[{'type':'nack\\u0000'}]}]}",
        "{'headerExtensions':[null]}",
        "{'headerExtensions':[{'preferredId':1}]}",
        "{'headerExtensions':[{'uri':'a'}]}",
        "{'headerExtensions':[{'uri':'a','preferredId':0}]}",
        "{'headerExtensions':[{'uri':'a','preferredId':256}]}",
        "{'headerExtensions':[{'uri':'a','preferredId':1,'kind':'data'}]}",
        "{'headerExtensions':[{'uri':'a','preferredId':1,'direction':5}]}",
        "{'headerExtensions':[{'uri':'a','preferredId':1,'preferredEncrypt':'no'}]}",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[256];
        size_t length = 0;
        for (const char *c = wrong[i]; *c; c++)
            text[length++] = (char)(*c == '\'' ? '"' : *c);
        json_error_t error;
        json_t *json = json_loadb(text, length, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
        struct ortc_capabilities *capabilities = NULL;
        assert_non_null(json);
        if (ortc_capabilities_parse(json, &capabilities) != -EINVAL)
            fail_msg("taken: %s", wrong[i]);
        assert_null(capabilities);
        json_decref(json);
    }
}

static void capabilities_are_bounded(void **state)
{
    (void)state;
    struct ortc_capabilities *capabilities = NULL;
    json_t *codec = json_of("{'mimeType':'video/VP8','clockRate':90000}");
    json_t *json = json_of("{'codecs':[]}");
    for (size_t i = 0; i < ORTC_MAX_CAPABILITIES; i++)
        json_array_append(json_object_get(json, "codecs"), codec);
    assert_int_equal(ortc_capabilities_parse(json, &capabilities), 0);
    assert_int_equal(capabilities->codec_count, ORTC_MAX_CAPABILITIES);
    ortc_capabilities_destroy(capabilities);
    json_array_append(json_object_get(json, "codecs"), codec);
    assert_int_equal(ortc_capabilities_parse(json, &capabilities), -EINVAL);
    json_decref(json);
    json_decref(codec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_consumers_come_out_the_same),
        cmocka_unit_test(nothing_in_common_is_refused),
        cmocka_unit_test(congestion_feedback_follows_the_extensions),
        cmocka_unit_test(audio_is_not_asked_for_again),
        cmocka_unit_test(callers_choose_mid_and_cname),
        cmocka_unit_test(each_codec_is_named_once),
        cmocka_unit_test(wrong_capabilities_are_refused),
        cmocka_unit_test(capabilities_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
