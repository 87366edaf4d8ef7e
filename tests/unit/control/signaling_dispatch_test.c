/* Which requests there are, and what is answered to those that make no sense. */
#include "tests/unit/control/room_stage.h"

static void test_unknown_methods(void **state)
{
    (void)state;
    static const struct {
        const char *body, *text;
    } rows[] = {
        {"{\"method\":\"foo\",\"data\":{\"a\":1}}", "foo"},
        {"{\"method\":\"toString\",\"data\":{}}", "toString"},
        {"{\"method\":\"\"}", ""},
        {"{\"method\":\"a\\\"b\"}", "a\\\"b"},
        {"{\"method\":null}", "null"},
        {"{\"method\":5}", "5"},
        {"{\"method\":true}", "true"},
        {"{\"method\":{}}", "[object Object]"},
        {"{\"data\":{}}", "undefined"},
        {"5", "undefined"},
        {"\"\"", "undefined"},
        {"[]", "undefined"},
        {"null", "undefined"},
        {"{\"method\":\"ping\\u0000\"}", "ping\\u0000"},
    };
    struct stage stage;
    stage_open(&stage, NULL);
    enter(&stage, 1, 31);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sayf(&stage, 1, "421[\"request\",%s]", rows[i].body);
        expectf(1, "431[500,\"unknown request.method \\\"%s\\\"\"]", rows[i].text);
    }
    say(&stage, 1, "422[\"request\"]");
    expect(1, "432[500,\"unknown request.method \\\"undefined\\\"\"]");
    stage_close(&stage);
}

static void test_missing_data(void **state)
{
    (void)state;
    static const char *const methods[] = {
        "join",
        "createPlainTransport",
        "connectPlainTransport",
        "createWebRtcTransport",
        "connectWebRtcTransport",
        "restartIce",
        "produce",
        "closeProducer",
        "pauseProducer",
        "resumeProducer",
        "pauseConsumer",
        "resumeConsumer",
        "changeNickname",
        "chatMessage",
        "raisedHand",
        "moderator:addRole",
        "moderator:removeRole",
        "moderator:changeLanguage",
        "moderator:joinRequestAccept",
        "moderator:joinRequestDeny",
        "moderator:kickPeer",
    };
    struct stage stage;
    stage_open(&stage, NULL);
    enter_and_join(&stage, 1, 31, "A");
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        sayf(&stage, 1, "421[\"request\",{\"method\":\"%s\"}]", methods[i]);
        expectf(1, "431[500,\"request %s failed\"]", methods[i]);
        sayf(&stage, 1, "422[\"request\",{\"method\":\"%s\",\"data\":null}]", methods[i]);
        expectf(1, "432[500,\"request %s failed\"]", methods[i]);
    }
    static const char *const looking_up[] = {"connectWebRtcTransport", "restartIce",     "produce",
                                             "closeProducer",          "pauseProducer",  "resumeProducer",
                                             "pauseConsumer",          "resumeConsumer", "changeNickname"};
    for (size_t i = 0; i < sizeof(looking_up) / sizeof(looking_up[0]); i++) {
        sayf(&stage, 1, "421[\"request\",{\"method\":\"%s\",\"data\":\"str\"}]", looking_up[i]);
        expectf(1, "431[500,\"request %s failed\"]", looking_up[i]);
        sayf(&stage, 1, "422[\"request\",{\"method\":\"%s\",\"data\":{}}]", looking_up[i]);
        expectf(1, "432[500,\"request %s failed\"]", looking_up[i]);
    }
    stage_close(&stage);
}

static void test_requests_without_data(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    enter(&stage, 1, 0);
    say(&stage, 1, "421[\"request\",{\"method\":\"ping\",\"data\":{}}]");
    expect(1, "431[null]");
    say(&stage, 1, "422[\"request\",{\"method\":\"dumpStats\"}]");
    expect(1, "432[null]");
    say(&stage, 1, "423[\"request\",{\"method\":\"getRouterRtpCapabilities\",\"data\":null}]");
    expect_prefix(1, "433[null,{\"codecs\":[{\"kind\":\"audio\",\"mimeType\":\"audio/opus\",");
    stage_close(&stage);
}

static void test_requests_keep_their_order(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    enter_and_join(&stage, 1, 3, "A");
    say(&stage, 1, "421[\"request\",{\"method\":\"createWebRtcTransport\",\"data\":{\"producing\":true}}]");
    say(&stage, 1, "422[\"request\",{\"method\":\"ping\"}]");
    say(&stage, 1, "423[\"request\",{\"method\":\"restartIce\",\"data\":{\"transportId\":\"x\"}}]");
    expect_prefix(1, "431[null,{\"id\":");
    expect(1, "432[null]");
    expect(1, "433[500,\"request restartIce failed\"]");
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown_methods),
        cmocka_unit_test(test_missing_data),
        cmocka_unit_test(test_requests_without_data),
        cmocka_unit_test(test_requests_keep_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
