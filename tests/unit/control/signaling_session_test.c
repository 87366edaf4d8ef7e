/* engine.io and socket.io as recorded from the server before this one. Time is what the test says. */
#include "tests/unit/control/room_stage.h"
#include "tests/unit/control/session_clock.h"

#include "control/json_input.h"
#include "control/signaling/query.h"

#define PING "42900[\"request\",{\"method\":\"ping\"}]"
#define PONG "43900[null]"

static void test_handshake(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    struct peer *peer;
    assert_int_equal(room_add_peer(stage.room, 3, &peer), 0);
    char query[512];
    snprintf(query, sizeof(query), "peerId=%s&roomId=%s&authToken=%s&EIO=4&transport=websocket", peer->id,
             stage.room->id, peer->auth_token);
    signaling_open(stage.signaling, 1, query, "192.0.2.1");
    const char *open = hear(1);
    assert_non_null(open);
    assert_memory_equal(open, "0{\"sid\":\"", 9);
    assert_string_equal(open + 9 + 20, "\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000,"
                                       "\"maxPayload\":1000000}");
    say(&stage, 1, "40{\"token\":\"x\"}");
    const char *connect = hear(1);
    assert_non_null(connect);
    assert_memory_equal(connect, "40{\"sid\":\"", 10);
    assert_string_equal(connect + 10 + 20, "\"}");
    expect_prefix(1, "42[\"notification\",{\"method\":\"roomReady\"");
    expect_silence(1);
    stage_close(&stage);
}

static void test_wrong_credentials_are_disconnected(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    struct peer *peer;
    struct room *other;
    assert_int_equal(room_add_peer(stage.room, 3, &peer), 0);
    assert_int_equal(rooms_open(stage.rooms, &other), 0);
    const char *nobody = "00000000-0000-4000-8000-000000000000";
    const struct {
        const char *peer_id, *room_id, *token;
    } wrong[] = {
        {peer->id, stage.room->id, "ffffffffffffffffffffffffffffffff"},
        {peer->id, nobody, peer->auth_token},
        {peer->id, other->id, peer->auth_token},
        {nobody, stage.room->id, peer->auth_token},
        {"", "", ""},
        {"%00", "%zz", "a-token-that-is-much-longer-than-any-token-that-this-server-would-ever-hand-out"},
    };
    for (uint64_t ws = 1; ws <= sizeof(wrong) / sizeof(wrong[0]); ws++) {
        char query[512];
        snprintf(query, sizeof(query), "EIO=4&transport=websocket&peerId=%s&roomId=%s&authToken=%s",
                 wrong[ws - 1].peer_id, wrong[ws - 1].room_id, wrong[ws - 1].token);
        signaling_open(stage.signaling, ws, query, "192.0.2.1");
        expect_prefix(ws, "0{");
        say(&stage, ws, "40");
        expect_prefix(ws, "40{\"sid\":\"");
        expect(ws, "41");
        expect_silence(ws);
        assert_true(fake_sockets[ws].closed);
        assert_int_equal(fake_sockets[ws].close_code, 0);
    }
    assert_int_equal(stage.room->peer_count, 0);
    stage_close(&stage);
}

/* Frames after which the server before this one closed, or went on as if nothing was said. */
static void test_odd_frames(void **state)
{
    (void)state;
    static const char *const closing[] = {
        "9",
        "x",
        "",
        "4",
        "49",
        "4abc",
        "42[",
        "42{}",
        "42[\"request\"",
        "42\"request\"",
        "44",
        "441",
        "45",
        "2",
        "2probe",
        "40[]",
        "40\"x\"",
        "42[\"connect\"]",
        "42[\"disconnect\"]",
        "42[]",
        "42[null]",
        "40",
        "42/admin,[\"a\"]",
        "451-[\"request\",{\"_placeholder\":true,\"num\":0}]",
    };
    static const char *const ignored[] = {
        "42",
        "420",
        "43",
        "430",
        "430[]",
        "4399[null]",
        "0",
        "1",
        "3",
        "5",
        "6",
        "42[\"error\"]",
        "42[5]",
        "42[5,{\"a\":1}]",
        "420[\"nosuchevent\",{}]",
        "42[\"foo\",{\"a\":1}]",
    };
    struct stage stage;
    stage_open(&stage, NULL);
    uint64_t ws = 1;
    for (size_t i = 0; i < sizeof(closing) / sizeof(closing[0]); i++, ws++) {
        const struct peer *peer = enter(&stage, ws, 3);
        say(&stage, ws, closing[i]);
        assert_false(outbox_is_attached(&peer->outbox));
        if (!fake_sockets[ws].closed)
            fail_msg("not closed after %s", closing[i]);
        assert_int_equal(fake_sockets[ws].close_code, 0);
        expect_silence(ws);
    }
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++, ws++) {
        enter(&stage, ws, 3);
        say(&stage, ws, ignored[i]);
        if (fake_sockets[ws].closed)
            fail_msg("closed after %s", ignored[i]);
        say(&stage, ws, PING);
        expect(ws, PONG);
    }
    enter(&stage, ws, 3);
    signaling_message(stage.signaling, ws, (const uint8_t *)"\1\2\3", 3, true);
    assert_true(fake_sockets[ws].closed);
    stage_close(&stage);
}

static void test_nothing_before_connect(void **state)
{
    (void)state;
    static const char *const frames[] = {PING, "41", "430[]", "42"};
    struct stage stage;
    stage_open(&stage, NULL);
    for (uint64_t ws = 1; ws <= sizeof(frames) / sizeof(frames[0]); ws++) {
        signaling_open(stage.signaling, ws, "EIO=4&transport=websocket", "192.0.2.1");
        forget(ws);
        say(&stage, ws, frames[ws - 1]);
        assert_true(fake_sockets[ws].closed);
        expect_silence(ws);
    }
    stage_close(&stage);
}

static void test_other_namespace_is_refused(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    enter(&stage, 1, 3);
    say(&stage, 1, "40/admin,");
    expect(1, "44/admin,{\"message\":\"Invalid namespace\"}");
    say(&stage, 1, PING);
    expect(1, PONG);
    stage_close(&stage);
}

static void test_acknowledgements(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    struct peer *peer = enter(&stage, 1, 3);
    say(&stage, 1, "42123456789012[\"request\",{\"method\":\"ping\"}]");
    expect(1, "43123456789012[null]");
    say(&stage, 1, "420[\"request\",{\"method\":\"ping\"},\"extra\"]");
    expect(1, "430[null]");
    say(&stage, 1, "42[\"request\",{\"method\":\"changeNickname\",\"data\":{\"nickname\":\"n\"}}]");
    expectf(1,
            "42[\"notification\",{\"method\":\"changeNickname\",\"data\":{\"peerId\":\"%s\",\"nickname\":"
            "\"n\"}}]",
            peer->id);
    expect_silence(1); /* no id, no acknowledgement */
    stage_close(&stage);
}

static void test_deep_json_is_refused(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    enter(&stage, 1, 3);
    enter(&stage, 2, 3);
    /* The array and two objects of the event are 3 levels. */
    for (int depth = JSON_INPUT_DEPTH_MAX - 3; depth <= JSON_INPUT_DEPTH_MAX - 2; depth++) {
        char open[64] = "", close[64] = "";
        memset(open, '[', (size_t)depth);
        memset(close, ']', (size_t)depth);
        sayf(&stage, 1, "420[\"request\",{\"method\":\"chatMessage\",\"data\":{\"message\":%s%s}}]", open,
             close);
    }
    expect_prefix(1, "42[\"notification\",{\"method\":\"chatMessage\"");
    expect(1, "430[]");
    expect_silence(1);
    assert_true(fake_sockets[1].closed);
    say(&stage, 2,
        "420[\"request\",{\"method\":\"chatMessage\",\"data\":{\"message\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
        "[["
        "[[[[[[[\"}}]");
    assert_false(fake_sockets[2].closed);
    stage_close(&stage);
}

static void test_pings(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, &(struct stage_times){.ping_interval_ms = 30, .ping_timeout_ms = 30});
    enter(&stage, 1, 3);
    enter(&stage, 2, 3);
    clock_advance(45);
    for (uint64_t ws = 1; ws <= 2; ws++)
        expect(ws, "2");
    say(&stage, 1, "3");
    clock_advance(40);
    expect(1, "2");
    say(&stage, 1, "3");
    assert_false(fake_sockets[1].closed);
    assert_true(fake_sockets[2].closed);
    expect_silence(2);
    stage_close(&stage);
}

static void test_connect_timeout(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, &(struct stage_times){.connect_timeout_ms = 30});
    signaling_open(stage.signaling, 1, "EIO=4&transport=websocket", "192.0.2.1");
    enter(&stage, 2, 3);
    clock_advance(60);
    assert_true(fake_sockets[1].closed);
    assert_false(fake_sockets[2].closed);
    stage_close(&stage);
}

static void test_upgrade_is_checked(void **state)
{
    (void)state;
    static const struct {
        const char *query, *refusal;
    } rows[] = {
        {"EIO=4&transport=websocket&peerId=x", NULL},
        {"EIO=3&transport=websocket", NULL},
        {"EIO=4&transport=websocket&sid=", NULL},
        {"EIO=4&transport=foo", "Transport unknown"},
        {"EIO=4", "Transport unknown"},
        {"", "Transport unknown"},
        {"EIO=4&transport=polling", "Bad request"},
        {"EIO=4&transport=websocket&sid=nosuchsid", "Session ID unknown"},
        {"EIO=4&transport=websocket&sid=a-sid-that-is-longer-than-any", "Session ID unknown"},
        {"transport=websocket", "Unsupported protocol version"},
        {"EIO=5&transport=websocket", "Unsupported protocol version"},
        {"EIO=44&transport=websocket", "Unsupported protocol version"},
    };
    struct stage stage;
    stage_open(&stage, NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *refusal = signaling_check_upgrade(stage.signaling, rows[i].query);
        if (rows[i].refusal ? !refusal || strcmp(refusal, rows[i].refusal) != 0 : refusal != NULL)
            fail_msg("%s: %s", rows[i].query, refusal ? refusal : "accepted");
    }
    stage_close(&stage);
}

static void test_path(void **state)
{
    (void)state;
    assert_true(signaling_owns_path("/meetmedia/signaling"));
    assert_true(signaling_owns_path("/meetmedia/signaling/"));
    assert_false(signaling_owns_path("/meetmedia/signalingX/"));
}

static void test_query(void **state)
{
    (void)state;
    char value[8];
    assert_int_equal(query_find("a=1&b=%41+%4&a=2", "a", value, sizeof(value)), 0);
    assert_string_equal(value, "1");
    assert_int_equal(query_find("a=1&b=%41+%4", "b", value, sizeof(value)), 0);
    assert_string_equal(value, "A %4");
    assert_int_equal(query_find("aa=1", "a", value, sizeof(value)), -ENOENT);
    assert_int_equal(query_find("a", "a", value, sizeof(value)), -ENOENT);
    assert_int_equal(query_find("&&a=", "a", value, sizeof(value)), 0);
    assert_string_equal(value, "");
    assert_int_equal(query_find("a=12345678", "a", value, sizeof(value)), -ENOSPC);
    assert_int_equal(query_find("a=%00", "a", value, sizeof(value)), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshake),
        cmocka_unit_test(test_wrong_credentials_are_disconnected),
        cmocka_unit_test(test_odd_frames),
        cmocka_unit_test(test_nothing_before_connect),
        cmocka_unit_test(test_other_namespace_is_refused),
        cmocka_unit_test(test_acknowledgements),
        cmocka_unit_test(test_deep_json_is_refused),
        cmocka_unit_test(test_pings),
        cmocka_unit_test(test_connect_timeout),
        cmocka_unit_test(test_upgrade_is_checked),
        cmocka_unit_test(test_path),
        cmocka_unit_test(test_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
