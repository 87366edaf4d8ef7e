#include "tests/unit/control/ortc_data.h"

#include <errno.h>

#include "control/ortc/produce.h"

#define OPUS "{'mimeType':'audio/opus','payloadType':111,'clockRate':48000,'channels':2}"
#define VP8 "{'mimeType':'video/VP8','payloadType':96,'clockRate':90000}"
#define RTX "{'mimeType':'video/rtx','payloadType':97,'clockRate':90000,'parameters':{'apt':96}}"
#define ONE "'encodings':[{'ssrc':1}]"

static struct ortc_router *router;

static int make_router(void **state)
{
    (void)state;
    router = router_of("opus, VP8, VP9;profile-id=0, VP9;profile-id=2, H264;profile-level-id=4d0032,"
                       "H264;profile-level-id=42e01f, AV1, PCMU");
    return 0;
}

static int destroy_router(void **state)
{
    (void)state;
    ortc_router_destroy(router);
    return 0;
}

static int try_produce(enum media_kind kind, const char *text, struct ortc_producer **ret_producer)
{
    json_t *json = json_of(text);
    int error = ortc_produce(router, kind, json, "fallback", ret_producer);
    json_decref(json);
    return error;
}

static struct ortc_producer *produce(enum media_kind kind, const char *text)
{
    struct ortc_producer *producer = NULL;
    int error = try_produce(kind, text, &producer);
    if (error != 0)
        fail_msg("%d: %s", error, text);
    return producer;
}

static void recorded_requests_are_judged(void **state)
{
    (void)state;
    struct ortc_router *default_router = router_of(NULL);
    json_t *cases = load(ORTC_DATA "producers.json");
    assert_int_equal(json_array_size(cases), 11);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *recorded = json_array_get(cases, i);
        const char *error = json_string_value(json_object_get(recorded, "error"));
        enum media_kind kind;
        print_message("%s\n", json_string_value(json_object_get(recorded, "name")));
        assert_true(media_kind_parse(json_string_value(json_object_get(recorded, "kind")), &kind));
        struct ortc_producer *producer = NULL;
        int got = ortc_produce(default_router, kind, json_object_get(recorded, "rtpParameters"), "fallback",
                               &producer);
        assert_int_equal(got, *error == '\0' ? 0 : strcmp(error, "ENOTSUP") == 0 ? -ENOTSUP : -EINVAL);
        assert_int_equal(producer != NULL, got == 0);
        ortc_producer_destroy(producer);
    }
    json_decref(cases);
    ortc_router_destroy(default_router);
    ortc_producer_destroy(NULL);
}

/* The Kolab client's camera (ws-26). */
static void simulcast_camera_fills_the_structure(void **state)
{
    (void)state;
    json_t *cases = load(ORTC_DATA "consumers.json");
    struct ortc_router *default_router = router_of(NULL);
    struct ortc_producer *producer = NULL;
    assert_int_equal(ortc_produce(default_router, MEDIA_VIDEO,
                                  json_object_get(json_array_get(cases, 1), "produced"), "fallback",
                                  &producer),
                     0);
    assert_int_equal(producer->kind, MEDIA_VIDEO);
    assert_int_equal(producer->type, ORTC_SIMULCAST);
    assert_string_equal(producer->mid, "0");
    assert_string_equal(producer->cname, "c9Yl9dGtqhXqMvQG");
    assert_int_equal(producer->payload_type_count, 1);
    const struct ortc_payload_type *type = &producer->payload_types[0];
    assert_int_equal(type->codec, ORTC_CODEC_VP8);
    assert_int_equal(type->clock_rate, 90000);
    assert_int_equal(type->payload_type, 96);
    assert_int_equal(type->rtx_payload_type, 97);
    assert_int_equal(type->router_payload_type, 101);
    assert_int_equal(type->router_rtx_payload_type, 102);
    assert_int_equal(producer->encoding_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct ortc_encoding *encoding = &producer->encodings[i];
        assert_int_equal(encoding->ssrc, 0);
        assert_int_equal(encoding->rtx_ssrc, 0);
        assert_string_equal(encoding->rid, i == 0 ? "r0" : "r1");
        assert_false(encoding->dtx);
        assert_int_equal(encoding->max_bitrate_bps, i == 0 ? 300000 : 800000);
        assert_int_equal(encoding->spatial_layers, 1);
        assert_int_equal(encoding->temporal_layers, 3);
    }
    static const uint8_t ids[ORTC_EXT_COUNT] = {
        [ORTC_EXT_MID] = 4,
        [ORTC_EXT_RID] = 10,
        [ORTC_EXT_REPAIRED_RID] = 11,
        [ORTC_EXT_ABS_SEND_TIME] = 2,
        [ORTC_EXT_TRANSPORT_WIDE_CC] = 3,
        [ORTC_EXT_TOFFSET] = 14,
    };
    assert_memory_equal(producer->extensions.id, ids, sizeof ids);
    const struct ortc_feedback all = {true, true, true, true, true};
    assert_memory_equal(&producer->feedback, &all, sizeof all);
    ortc_producer_destroy(producer);
    ortc_router_destroy(default_router);
    json_decref(cases);
}

static void a_codec_with_dtx_may_fall_silent(void **state)
{
    (void)state;
    static const struct {
        const char *parameters;
        bool dtx;
    } cases[] = {{"{'usedtx':1}", true}, {"{'usedtx':0}", false}, {"{}", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        snprintf(text, sizeof text,
                 "{'codecs':[{'mimeType':'audio/opus','payloadType':111,'clockRate':48000,'channels':2,"
                 "'parameters':%s}],'encodings':[{'ssrc':1}]}",
                 cases[i].parameters);
        struct ortc_producer *producer = produce(MEDIA_AUDIO, text);
        assert_int_equal(producer->encodings[0].dtx, cases[i].dtx);
        ortc_producer_destroy(producer);
    }
}

static void encodings_are_read(void **state)
{
    (void)state;
    struct ortc_producer *producer =
        produce(MEDIA_VIDEO, "{'codecs':[" VP8 "," RTX "],'encodings':[{'ssrc':4294967295,'rtx':{'ssrc':1},"
                             "'rid':'aB-_0123456789xy','dtx':true,'maxBitrate':1.5e6,'codecPayloadType':96},"
                             "{'ssrc':2,'maxBitrate':1e300,'scalabilityMode':'L1T2'},{'rid':'c'}]}");
    const struct ortc_encoding *encodings = producer->encodings;
    assert_int_equal(producer->encoding_count, 3);
    assert_int_equal(encodings[0].ssrc, 4294967295);
    assert_int_equal(encodings[0].rtx_ssrc, 1);
    assert_string_equal(encodings[0].rid, "aB-_0123456789xy");
    assert_true(encodings[0].dtx);
    assert_int_equal(encodings[0].max_bitrate_bps, 1500000);
    assert_int_equal(encodings[0].temporal_layers, 1);
    assert_int_equal(encodings[1].max_bitrate_bps, UINT32_MAX);
    assert_int_equal(encodings[1].temporal_layers, 2);
    assert_int_equal(encodings[2].ssrc, 0);
    assert_string_equal(producer->cname, "fallback");
    assert_string_equal(producer->mid, "");
    ortc_producer_destroy(producer);
}

static void rtx_ssrc_needs_an_rtx_codec(void **state)
{
    (void)state;
    struct ortc_producer *producer =
        produce(MEDIA_VIDEO, "{'codecs':[" VP8 "],'encodings':[{'ssrc':1,'rtx':{'ssrc':2}}]}");
    assert_int_equal(producer->payload_types[0].rtx_payload_type, 0);
    assert_int_equal(producer->payload_types[0].router_rtx_payload_type, 102);
    assert_int_equal(producer->encodings[0].rtx_ssrc, 0);
    ortc_producer_destroy(producer);
}

static void type_follows_codec_and_layers(void **state)
{
    (void)state;
#define CODEC(name, parameters)                                                                              \
    "{'codecs':[{'mimeType':'video/" name "','payloadType':96,'clockRate':90000,'parameters':{" parameters   \
    "}}],"
    static const struct {
        const char *text;
        int result;
        enum ortc_type type;
        uint8_t spatial, temporal;
    } cases[] = {
        {CODEC("VP8", "") ONE "}", 0, ORTC_SIMPLE, 1, 1},
        {CODEC("VP8", "") "'encodings':[{'ssrc':1,'scalabilityMode':'L1T3'}]}", 0, ORTC_SIMULCAST, 1, 3},
        {CODEC("VP8", "") "'encodings':[{'ssrc':1,'scalabilityMode':'L3T1'}]}", 0, ORTC_SIMPLE, 1, 1},
        {CODEC("VP8", "") "'encodings':[{'ssrc':1},{'ssrc':2}]}", 0, ORTC_SIMULCAST, 1, 1},
        {CODEC("H264", "'packetization-mode':1") "'encodings':[{'ssrc':1},{'ssrc':2}]}", 0, ORTC_SIMULCAST, 1,
         1},
        {CODEC("VP9", "") "'encodings':[{'ssrc':1,'scalabilityMode':'L1T1'}]}", 0, ORTC_SIMPLE, 1, 1},
        {CODEC("VP9", "") "'encodings':[{'ssrc':1,'scalabilityMode':'L3T3_KEY'}]}", 0, ORTC_SVC, 3, 3},
        {CODEC("VP9", "") "'encodings':[{'ssrc':1,'scalabilityMode':'S2T1'}]}", 0, ORTC_SVC, 2, 1},
        {CODEC("AV1", "") "'encodings':[{'ssrc':1,'scalabilityMode':'L1T2'}]}", 0, ORTC_SVC, 1, 2},
        {CODEC("VP9", "") "'encodings':[{'ssrc':1},{'ssrc':2}]}", -ENOTSUP, 0, 0, 0},
        {CODEC("AV1", "") "'encodings':[{'ssrc':1},{'ssrc':2}]}", -ENOTSUP, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ortc_producer *producer = NULL;
        if (try_produce(MEDIA_VIDEO, cases[i].text, &producer) != cases[i].result)
            fail_msg("%s", cases[i].text);
        if (cases[i].result != 0)
            continue;
        assert_int_equal(producer->type, cases[i].type);
        assert_int_equal(producer->encodings[0].spatial_layers, cases[i].spatial);
        assert_int_equal(producer->encodings[0].temporal_layers, cases[i].temporal);
        ortc_producer_destroy(producer);
    }
    struct ortc_producer *producer = NULL;
    assert_int_equal(
        try_produce(MEDIA_AUDIO, "{'codecs':[" OPUS "],'encodings':[{'ssrc':1},{'ssrc':2}]}", &producer),
        -ENOTSUP);
}

static void codecs_must_be_the_routers(void **state)
{
    (void)state;
    static const struct {
        const char *codec;
        enum media_kind kind;
        int router_payload_type; /* 0: refused */
    } cases[] = {
        {"'mimeType':'AUDIO/Opus','clockRate':48000,'channels':2", MEDIA_AUDIO, 100},
        {"'mimeType':'audio/opus','clockRate':48000", MEDIA_AUDIO, 0},
        {"'mimeType':'audio/opus','clockRate':48000,'channels':1", MEDIA_AUDIO, 0},
        {"'mimeType':'audio/opus','clockRate':44100,'channels':2", MEDIA_AUDIO, 0},
        {"'mimeType':'video/vp9','clockRate':90000", MEDIA_VIDEO, 103},
        {"'mimeType':'video/vp9','clockRate':90000,'parameters':{'profile-id':0}", MEDIA_VIDEO, 103},
        {"'mimeType':'video/vp9','clockRate':90000,'parameters':{'profile-id':2}", MEDIA_VIDEO, 105},
        {"'mimeType':'video/vp9','clockRate':90000,'parameters':{'profile-id':1}", MEDIA_VIDEO, 0},
        {"'mimeType':'video/vp9','clockRate':90000,'parameters':{'profile-id':'0'}", MEDIA_VIDEO, 0},
        {"'mimeType':'video/AV1','clockRate':90000,'parameters':{'profile':0}", MEDIA_VIDEO, 111},
        {"'mimeType':'video/AV1','clockRate':90000,'parameters':{'profile':1}", MEDIA_VIDEO, 0},
        {"'mimeType':'video/AV1','clockRate':90000,'channels':7", MEDIA_VIDEO, 111}, /* means nothing there */
        {"'mimeType':'video/VP7','clockRate':90000", MEDIA_VIDEO, 0},
        {"'mimeType':'video/H264','clockRate':90000", MEDIA_VIDEO, 0}, /* packetization-mode 0 */
        {"'mimeType':'video/H264','clockRate':90000,'parameters':{'packetization-mode':1}", MEDIA_VIDEO, 109},
        {"'mimeType':'video/H264','clockRate':90000,'parameters':{'packetization-mode':1,"
         "'profile-level-id':'4D001f'}",
         MEDIA_VIDEO, 107},
        {"'mimeType':'video/H264','clockRate':90000,'parameters':{'packetization-mode':1,"
         "'profile-level-id':'64001f'}",
         MEDIA_VIDEO, 0},
        {"'mimeType':'video/H264','clockRate':90000,'parameters':{'packetization-mode':1,"
         "'profile-level-id':640032}",
         MEDIA_VIDEO, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        struct ortc_producer *producer = NULL;
        snprintf(text, sizeof text, "{'codecs':[{'payloadType':96,%s}]," ONE "}", cases[i].codec);
        int error = try_produce(cases[i].kind, text, &producer);
        if (error != (cases[i].router_payload_type ? 0 : -ENOTSUP))
            fail_msg("%d: %s", error, text);
        if (error == 0)
            assert_int_equal(producer->payload_types[0].router_payload_type, cases[i].router_payload_type);
        ortc_producer_destroy(producer);
    }
}

/* An encoding may name its codec; the type is then decided by that one. */
static void encodings_choose_the_codec(void **state)
{
    (void)state;
#define TWO "'codecs':[" VP8 ",{'mimeType':'video/VP9','payloadType':98,'clockRate':90000}]"
    struct ortc_producer *producer = produce(
        MEDIA_VIDEO, "{" TWO ",'encodings':[{'ssrc':1,'codecPayloadType':98,'scalabilityMode':'L2T1'}]}");
    assert_int_equal(producer->payload_type_count, 2);
    assert_int_equal(producer->payload_types[0].codec, ORTC_CODEC_VP9);
    assert_int_equal(producer->payload_types[1].codec, ORTC_CODEC_VP8);
    assert_int_equal(producer->type, ORTC_SVC);
    ortc_producer_destroy(producer);

    producer = NULL;
    assert_int_equal(try_produce(MEDIA_VIDEO,
                                 "{" TWO ",'encodings':[{'ssrc':1,'codecPayloadType':98},"
                                 "{'ssrc':2,'codecPayloadType':96}]}",
                                 &producer),
                     -ENOTSUP);
    assert_int_equal(
        try_produce(MEDIA_VIDEO, "{" TWO ",'encodings':[{'ssrc':1,'codecPayloadType':97}]}", &producer),
        -EINVAL);
    assert_null(producer);
}

static void feedback_needs_its_extension(void **state)
{
    (void)state;
    struct ortc_producer *producer =
        produce(MEDIA_AUDIO,
                "{'codecs':[{'mimeType':'audio/opus','payloadType':111,'clockRate':48000,'channels':2,"
                "'rtcpFeedback':[{'type':'transport-cc'},{'type':'goog-remb','parameter':null}]}],"
                "'headerExtensions':[{'uri':'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time',"
                "'id':31},{'uri':'urn:unknown','id':255}]," ONE "}");
    assert_false(producer->feedback.transport_cc);
    assert_true(producer->feedback.goog_remb);
    assert_false(producer->feedback.nack);
    assert_int_equal(producer->extensions.id[ORTC_EXT_ABS_SEND_TIME], 31);
    ortc_producer_destroy(producer);
}

#define EXTENSIONS(list) "{'codecs':[" VP8 "]," ONE ",'headerExtensions':[" list "]}"
#define ENCODINGS(list) "{'codecs':[" VP8 "," RTX "],'encodings':[" list "]}"
#define CODECS(list) "{'codecs':[" list "]," ONE "}"
#define MORE(members) "{'codecs':[" VP8 "]," ONE "," members "}"

static void nonsense_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "null",
        "[]",
        "'x'",
        "{}",
        "{'codecs':null}",
        "{'codecs':{}}",
        /* codecs */
        CODECS(""),
        CODECS("null"),
        CODECS(OPUS),
        CODECS(VP8 "," OPUS),
        CODECS(RTX),
        CODECS(VP8 "," VP8),
        CODECS("{'mimeType':'video/VP8','clockRate':90000}"),
        CODECS("{'mimeType':'video/VP8','clockRate':90000,'payloadType':300}"),
        CODECS("{'mimeType':'video/VP8','clockRate':90000,'payloadType':128}"),
        CODECS("{'mimeType':'video/VP8','clockRate':90000,'payloadType':-1}"),
        CODECS("{'mimeType':'video/VP8','clockRate':90000,'payloadType':96.5}"),
        CODECS("{'mimeType':'video/VP8','clockRate':90000,'payloadType':'96'}"),
        CODECS("{'mimeType':5,'clockRate':90000,'payloadType':96}"),
        CODECS("{'mimeType':'video/VP8\\r\\na=x','clockRate':90000,'payloadType':96}"),
        CODECS("{'mimeType':'video/VP8','clockRate':90000,'payloadType':96,'parameters':{'a':true}}"),
        CODECS(VP8 ",{'mimeType':'video/rtx','payloadType':97,'clockRate':90000}"),
        CODECS(VP8 ",{'mimeType':'video/rtx','payloadType':97,'clockRate':90000,'parameters':{'apt':'96'}}"),
        CODECS(VP8 ",{'mimeType':'video/rtx','payloadType':97,'clockRate':90000,'parameters':{'apt':95}}"),
        CODECS(VP8 ",{'mimeType':'video/rtx','payloadType':97,'clockRate':90000,'parameters':{'apt':97}}"),
        CODECS(VP8 ",{'mimeType':'video/rtx','payloadType':97,'clockRate':90000,'parameters':{'apt':300}}"),
        CODECS(VP8 ",{'mimeType':'video/rtx','payloadType':97,'clockRate':8000,'parameters':{'apt':96}}"),
        CODECS(VP8 "," RTX
                   ",{'mimeType':'video/rtx','payloadType':98,'clockRate':90000,'parameters':{'apt':96}}"),
        /* header extensions */
        MORE("'headerExtensions':{}"),
        EXTENSIONS("null"),
        EXTENSIONS("{'uri':'a'}"),
        EXTENSIONS("{'id':1}"),
        EXTENSIONS("{'uri':'','id':1}"),
        EXTENSIONS("{'uri':'a','id':0}"),
        EXTENSIONS("{'uri':'a','id':256}"),
        EXTENSIONS("{'uri':'a','id':'1'}"),
        EXTENSIONS("{'uri':'a','id':1},{'uri':'b','id':1}"),
        EXTENSIONS("{'uri':'a','id':1,'encrypt':1}"),
        EXTENSIONS("{'uri':'a','id':1,'parameters':[]}"),
        /* encodings */
        MORE("'encodings':{}"),
        ENCODINGS("null"),
        ENCODINGS("{}"),
        ENCODINGS("{'ssrc':1},{}"),
        ENCODINGS("{'ssrc':0}"),
        ENCODINGS("{'ssrc':-1}"),
        ENCODINGS("{'ssrc':4294967296}"),
        ENCODINGS("{'ssrc':'1'}"),
        ENCODINGS("{'ssrc':1.5}"),
        ENCODINGS("{'ssrc':1},{'ssrc':1}"),
        ENCODINGS("{'ssrc':1,'rtx':{'ssrc':1}}"),
        ENCODINGS("{'ssrc':1,'rtx':{'ssrc':2}},{'ssrc':2}"),
        ENCODINGS("{'ssrc':1,'rtx':{}}"),
        ENCODINGS("{'ssrc':1,'rtx':2}"),
        ENCODINGS("{'rid':5}"),
        ENCODINGS("{'rid':''}"),
        ENCODINGS("{'rid':'a b'}"),
        ENCODINGS("{'rid':'\\u00e4'}"),
        ENCODINGS("{'rid':'12345678901234567'}"),
        ENCODINGS("{'rid':'a'},{'rid':'a'}"),
        ENCODINGS("{'ssrc':1,'dtx':1}"),
        ENCODINGS("{'ssrc':1,'maxBitrate':-1}"),
        ENCODINGS("{'ssrc':1,'maxBitrate':'1'}"),
        ENCODINGS("{'ssrc':1,'scalabilityMode':3}"),
        ENCODINGS("{'ssrc':1,'scalabilityMode':'L9T1'}"),
        ENCODINGS("{'ssrc':1,'scalabilityMode':'L1T0'}"),
        ENCODINGS("{'ssrc':1,'scalabilityMode':'full'}"),
        ENCODINGS("{'ssrc':1,'codecPayloadType':97}"),
        ENCODINGS("{'ssrc':1,'codecPayloadType':'96'}"),
        ENCODINGS("{'ssrc':1},{'ssrc':2},{'ssrc':3},{'ssrc':4},{'ssrc':5}"),
        /* mid and rtcp */
        MORE("'mid':5"),
        MORE("'mid':'12345678901234567'"),
        MORE("'mid':'a b'"),
        MORE("'mid':'a\\n'"),
        MORE("'rtcp':[]"),
        MORE("'rtcp':{'cname':5}"),
        MORE("'rtcp':{'cname':'a\\r\\na=b'}"),
        MORE("'rtcp':{'reducedSize':'yes'}"),
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct ortc_producer *producer = NULL;
        int error = try_produce(MEDIA_VIDEO, wrong[i], &producer);
        if (error != -EINVAL || producer)
            fail_msg("%d: %s", error, wrong[i]);
    }
    struct ortc_producer *producer = NULL;
    assert_int_equal(try_produce(MEDIA_AUDIO, CODECS(VP8), &producer), -EINVAL);
    assert_int_equal(ortc_produce(router, MEDIA_AUDIO, NULL, "fallback", &producer), -EINVAL);
    assert_int_equal(try_produce(MEDIA_VIDEO, EXTENSIONS("{'uri':'a','id':1,'encrypt':true}"), &producer),
                     -ENOTSUP);
    assert_null(producer);
}

/* Repeats item count times with commas between, each # in it replaced by its number from 1. */
static char *repeat(const char *head, const char *item, size_t count, const char *tail)
{
    char *text = NULL;
    size_t length;
    FILE *stream = open_memstream(&text, &length);
    fputs(head, stream);
    for (size_t i = 1; i <= count; i++) {
        if (i > 1)
            fputc(',', stream);
        for (const char *c = item; *c; c++) {
            if (*c == '#')
                fprintf(stream, "%zu", i);
            else
                fputc(*c, stream);
        }
    }
    fputs(tail, stream);
    fclose(stream);
    return text;
}

static void sizes_are_bounded(void **state)
{
    (void)state;
    static const struct {
        const char *head, *item, *tail;
        size_t most;
    } cases[] = {
        {"{'codecs':[", "{'mimeType':'video/VP8','payloadType':#,'clockRate':90000}", "]," ONE "}",
         ORTC_MAX_MEDIA_CODECS},
        {"{'codecs':[" VP8 "]," ONE ",'headerExtensions':[", "{'uri':'urn:x:#','id':#}", "]}",
         ORTC_MAX_HEADER_EXTENSIONS},
        {"{'codecs':[" VP8 "],'encodings':[", "{'ssrc':#}", "]}", ORTC_MAX_ENCODINGS},
        {"{'codecs':[{'mimeType':'video/VP8','payloadType':96,'clockRate':90000,'parameters':{", "'p#':1",
         "}}]," ONE "}", 32},
        {"{'codecs':[{'mimeType':'video/VP8','payloadType':96,'clockRate':90000,'rtcpFeedback':[",
         "{'type':'x#'}", "]}]," ONE "}", 32},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t over = 0; over < 2; over++) {
            char *text = repeat(cases[i].head, cases[i].item, cases[i].most + over, cases[i].tail);
            struct ortc_producer *producer = NULL;
            int error = try_produce(MEDIA_VIDEO, text, &producer);
            if (error != (over ? -EINVAL : 0))
                fail_msg("%d: %s", error, text);
            ortc_producer_destroy(producer);
            free(text);
        }
    }
}

static void names_are_bounded(void **state)
{
    (void)state;
    static const struct {
        const char *format;
        int most;
    } cases[] = {
        {MORE("'mid':'%s'"), ORTC_MID_BYTES - 1},
        {MORE("'rtcp':{'cname':'%s'}"), ORTC_CNAME_BYTES - 1},
        {EXTENSIONS("{'id':1,'uri':'%s'}"), 255},
        {ENCODINGS("{'rid':'%s'}"), ORTC_RID_BYTES - 1},
        {CODECS("{'mimeType':'video/VP8','payloadType':96,'clockRate':90000,'parameters':{'a':'%s'}}"), 512},
        {CODECS("{'mimeType':'video/VP8','payloadType':96,'clockRate':90000,'parameters':{'%s':1}}"), 64},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int over = 0; over < 2; over++) {
            char name[1024], text[2048];
            memset(name, 'x', sizeof name);
            name[cases[i].most + over] = '\0';
            const char *place = strstr(cases[i].format, "%s");
            snprintf(text, sizeof text, "%.*s%s%s", (int)(place - cases[i].format), cases[i].format, name,
                     place + 2);
            struct ortc_producer *producer = NULL;
            int error = try_produce(MEDIA_VIDEO, text, &producer);
            if (error != (over ? -EINVAL : 0))
                fail_msg("%d: %s", error, text);
            ortc_producer_destroy(producer);
        }
    }
}

/* ws-37: the same MID or SSRC again on one transport. */
static void producers_of_one_transport_must_differ(void **state)
{
    (void)state;
#define NAMED(mid, list, extensions)                                                                         \
    "{'codecs':[" VP8 "," RTX "],'mid':'" mid "','encodings':[" list "],'headerExtensions':[" extensions "]" \
    "}"
#define WITH(mid, list) "{'codecs':[" VP8 "," RTX "],'mid':'" mid "','encodings':[" list "]}"
    static const struct {
        const char *a, *b;
        bool conflict;
    } cases[] = {
        {WITH("0", "{'ssrc':1}"), WITH("0", "{'ssrc':2}"), true},
        {WITH("0", "{'ssrc':1}"), WITH("1", "{'ssrc':1}"), true},
        {WITH("0", "{'ssrc':1}"), WITH("1", "{'ssrc':2}"), false},
        {WITH("0", "{'ssrc':1,'rtx':{'ssrc':2}}"), WITH("1", "{'ssrc':2}"), true},
        {WITH("0", "{'ssrc':1,'rtx':{'ssrc':2}}"), WITH("1", "{'ssrc':3,'rtx':{'ssrc':2}}"), true},
        {WITH("", "{'ssrc':1}"), WITH("", "{'ssrc':2}"), false},
        {WITH("0", "{'rid':'a'},{'rid':'b'}"), WITH("1", "{'rid':'a'}"), false},
        {WITH("0", "{'rid':'a'},{'rid':'b'}"), WITH("", "{'rid':'b'}"), true},
        {WITH("0", "{'rid':'a'},{'rid':'b'}"), WITH("", "{'rid':'c'}"), false},
        {NAMED("0", "{'ssrc':1}", "{'id':3,'uri':'urn:ietf:params:rtp-hdrext:toffset'}"),
         NAMED("1", "{'ssrc':2}", "{'id':3,'uri':'urn:ietf:params:rtp-hdrext:toffset'}"), false},
        {NAMED("0", "{'ssrc':1}", "{'id':3,'uri':'urn:ietf:params:rtp-hdrext:toffset'}"),
         NAMED("1", "{'ssrc':2}", "{'id':3,'uri':'urn:3gpp:video-orientation'}"), true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ortc_producer *a = produce(MEDIA_VIDEO, cases[i].a), *b = produce(MEDIA_VIDEO, cases[i].b);
        assert_int_equal(ortc_producers_conflict(a, b), cases[i].conflict);
        assert_int_equal(ortc_producers_conflict(b, a), cases[i].conflict);
        ortc_producer_destroy(a);
        ortc_producer_destroy(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_requests_are_judged),
        cmocka_unit_test(simulcast_camera_fills_the_structure),
        cmocka_unit_test(encodings_are_read),
        cmocka_unit_test(a_codec_with_dtx_may_fall_silent),
        cmocka_unit_test(rtx_ssrc_needs_an_rtx_codec),
        cmocka_unit_test(type_follows_codec_and_layers),
        cmocka_unit_test(codecs_must_be_the_routers),
        cmocka_unit_test(encodings_choose_the_codec),
        cmocka_unit_test(feedback_needs_its_extension),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(names_are_bounded),
        cmocka_unit_test(producers_of_one_transport_must_differ),
    };
    return cmocka_run_group_tests(tests, make_router, destroy_router);
}
