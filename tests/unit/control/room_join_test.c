/* Joining and what is told to whom, frame by frame as recorded from the server before this one. */
#include "tests/unit/control/room_stage.h"

#define NICKNAME_MAX 512 /* rooms_config_init */

static void test_join_is_told_to_others(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    struct peer *alice = enter(&stage, 1, 7);
    struct peer *bob = enter(&stage, 2, 3);
    say(&stage, 1, "420[\"request\",{\"method\":\"join\",\"data\":{\"nickname\":\"Alice\"}}]");
    for (uint64_t ws = 1; ws <= 2; ws++)
        expectf(ws,
                "42[\"notification\",{\"method\":\"changeNickname\",\"data\":{\"peerId\":\"%s\",\"nickname\":"
                "\"Alice\"}}]",
                alice->id);
    expectf(
        2,
        "42[\"notification\",{\"method\":\"newPeer\",\"data\":{\"id\":\"%s\",\"language\":null,\"nickname\":"
        "\"Alice\",\"role\":7,\"raisedHand\":false}}]",
        alice->id);
    expectf(1,
            "430[null,{\"peers\":[{\"id\":\"%s\",\"language\":null,\"nickname\":false,\"role\":3,"
            "\"raisedHand\":false}]"
            ",\"id\":\"%s\",\"language\":null,\"nickname\":\"Alice\",\"role\":7,\"raisedHand\":false}]",
            bob->id, alice->id);
    expect_silence(1);
    expect_silence(2);
    stage_close(&stage);
}

static void test_second_join_answers_again(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    struct peer *alice = enter_and_join(&stage, 1, 7, "Alice");
    say(&stage, 1, "421[\"request\",{\"method\":\"join\",\"data\":{\"nickname\":\"Alice2\"}}]");
    expect_prefix(1, "42[\"notification\",{\"method\":\"changeNickname\"");
    expectf(1,
            "431[null,{\"peers\":[],\"id\":\"%s\",\"language\":null,\"nickname\":\"Alice2\",\"role\":7,"
            "\"raisedHand\":false}]",
            alice->id);
    say(&stage, 1, "422[\"request\",{\"method\":\"join\",\"data\":{\"nickname\":\"Alice2\"}}]");
    expect_prefix(1, "432[null,{\"peers\":[]");
    assert_non_null(alice->capabilities); /* kept from the first */
    stage_close(&stage);
}

static void test_join_without_nickname(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    struct peer *peer = enter(&stage, 1, 1);
    say(&stage, 1, "420[\"request\",{\"method\":\"join\",\"data\":{}}]");
    expectf(1, "42[\"notification\",{\"method\":\"changeNickname\",\"data\":{\"peerId\":\"%s\"}}]", peer->id);
    expectf(1, "430[null,{\"peers\":[],\"id\":\"%s\",\"language\":null,\"role\":1,\"raisedHand\":false}]",
            peer->id);
    say(&stage, 1, "421[\"request\",{\"method\":\"join\",\"data\":{\"nickname\":null}}]");
    expectf(
        1,
        "42[\"notification\",{\"method\":\"changeNickname\",\"data\":{\"peerId\":\"%s\",\"nickname\":null}}]",
        peer->id);
    stage_close(&stage);
}

static void test_bad_join_changes_nothing(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    struct peer *peer = enter(&stage, 1, 1);
    static const char *const bad[] = {
        "{\"nickname\":5}",
        "{\"nickname\":{\"a\":1}}",
        "{\"nickname\":\"x\",\"rtpCapabilities\":5}",
        "{\"nickname\":\"x\",\"rtpCapabilities\":{\"codecs\":[{}]}}",
        "null",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        sayf(&stage, 1, "420[\"request\",{\"method\":\"join\",\"data\":%s}]", bad[i]);
        expect(1, "430[500,\"request join failed\"]");
        expect_silence(1);
    }
    assert_false(peer->joined);
    assert_true(json_is_false(peer->nickname));
    stage_close(&stage);
}

static void test_nickname_has_a_limit_in_characters(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    enter_and_join(&stage, 1, 3, "A");
    char name[4 * NICKNAME_MAX + 8] = "";
    for (size_t i = 0; i < NICKNAME_MAX; i++)
        strcat(name, "\xc3\xbc");
    sayf(&stage, 1, "421[\"request\",{\"method\":\"changeNickname\",\"data\":{\"nickname\":\"%s\"}}]", name);
    expect_prefix(1, "42[\"notification\",{\"method\":\"changeNickname\"");
    expect(1, "431[]");
    strcat(name, "x");
    sayf(&stage, 1, "422[\"request\",{\"method\":\"changeNickname\",\"data\":{\"nickname\":\"%s\"}}]", name);
    expect(1, "432[500,\"request changeNickname failed\"]");
    stage_close(&stage);
}

static void test_only_changes_are_told(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    struct peer *peer = enter_and_join(&stage, 1, 3, "A");
    say(&stage, 1, "421[\"request\",{\"method\":\"changeNickname\",\"data\":{\"nickname\":\"A\"}}]");
    expect(1, "431[]");
    say(&stage, 1, "422[\"request\",{\"method\":\"raisedHand\",\"data\":{\"raisedHand\":1}}]");
    expectf(1,
            "42[\"notification\",{\"method\":\"changeRaisedHand\",\"data\":{\"peerId\":\"%s\",\"raisedHand\":"
            "1}}]",
            peer->id);
    expect(1, "432[]");
    say(&stage, 1, "423[\"request\",{\"method\":\"raisedHand\",\"data\":{\"raisedHand\":true}}]");
    expect(1, "433[]");
    say(&stage, 1, "424[\"request\",{\"method\":\"raisedHand\",\"data\":{}}]");
    expectf(1, "42[\"notification\",{\"method\":\"changeRaisedHand\",\"data\":{\"peerId\":\"%s\"}}]",
            peer->id);
    expect(1, "434[]");
    say(&stage, 1, "425[\"request\",{\"method\":\"raisedHand\",\"data\":{\"raisedHand\":{}}}]");
    expect(1, "435[500,\"request raisedHand failed\"]");
    stage_close(&stage);
}

static void test_chat_is_told_to_all(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    struct peer *alice = enter_and_join(&stage, 1, 3, "A");
    enter(&stage, 2, 0);
    say(&stage, 1,
        "421[\"request\",{\"method\":\"chatMessage\",\"data\":{\"message\":{\"o\":1.5,\"t\":"
        "\"\\u0000\\n\xf0\x9f\x98\x80"
        "\"}}}]");
    for (uint64_t ws = 1; ws <= 2; ws++)
        expectf(
            ws,
            "42[\"notification\",{\"method\":\"chatMessage\",\"data\":{\"peerId\":\"%s\",\"nickname\":\"A\","
            "\"message\":{\"o\":1.5,\"t\":\"\\u0000\\n\xf0\x9f\x98\x80\"}}}]",
            alice->id);
    expect(1, "431[]");
    say(&stage, 1, "422[\"request\",{\"method\":\"chatMessage\",\"data\":{}}]");
    expectf(
        1,
        "42[\"notification\",{\"method\":\"chatMessage\",\"data\":{\"peerId\":\"%s\",\"nickname\":\"A\"}}]",
        alice->id);
    stage_close(&stage);
}

static void test_signal_goes_by_role(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    enter(&stage, 1, 7);
    enter(&stage, 2, 0);
    room_notify_role(stage.room, 31, "signal:x", json_string("str"));
    expect(1, "42[\"notification\",{\"method\":\"signal:x\",\"data\":\"str\"}]");
    expect_silence(2);
    room_notify(stage.room, NULL, "signal:y", NULL);
    expect(2, "42[\"notification\",{\"method\":\"signal:y\"}]");
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_join_is_told_to_others),
        cmocka_unit_test(test_second_join_answers_again),
        cmocka_unit_test(test_join_without_nickname),
        cmocka_unit_test(test_bad_join_changes_nothing),
        cmocka_unit_test(test_nickname_has_a_limit_in_characters),
        cmocka_unit_test(test_only_changes_are_told),
        cmocka_unit_test(test_chat_is_told_to_all),
        cmocka_unit_test(test_signal_goes_by_role),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
