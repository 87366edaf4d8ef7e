#include "control/address_limits.h"
#include "control/counters.h"
#include "tests/unit/control/room_stage.h"

static void test_rooms(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, &(struct stage_times){.rooms_max = 2});
    uint64_t refused = counters_get(COUNTER_ROOMS_REFUSED);
    struct room *room;
    assert_int_equal(rooms_open(stage.rooms, &room), 0);
    assert_int_equal(rooms_open(stage.rooms, &room), -ENOSPC);
    assert_int_equal(counters_get(COUNTER_ROOMS_REFUSED), refused + 1);
    room_close(stage.room);
    assert_int_equal(rooms_open(stage.rooms, &room), 0);
    stage_close(&stage);
}

static void test_peers_of_a_room(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, &(struct stage_times){.room_peers_max = 2});
    uint64_t refused = counters_get(COUNTER_PEERS_REFUSED);
    struct peer *alice = enter(&stage, 1, 3);
    struct peer *place, *next;
    assert_int_equal(room_add_peer(stage.room, 1, &place), 0);
    char id[IDS_UUID_BYTES];
    strcpy(id, place->id);
    /* The oldest place that nobody took gives way. */
    assert_int_equal(room_add_peer(stage.room, 1, &next), 0);
    assert_int_equal(stage.room->place_count, 1);
    open_websocket(&stage, 2, next);
    assert_int_equal(room_add_peer(stage.room, 1, &place), -ENOSPC);
    assert_int_equal(counters_get(COUNTER_PEERS_REFUSED), refused + 1);
    peer_close(alice);
    assert_int_equal(room_add_peer(stage.room, 1, &place), 0);
    stage_close(&stage);
}

static void test_place_that_nobody_takes_expires(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, &(struct stage_times){.unused_ms = 30});
    uint64_t expired = counters_get(COUNTER_PLACES_EXPIRED);
    enter(&stage, 1, 3);
    struct peer *place;
    assert_int_equal(room_add_peer(stage.room, 1, &place), 0);
    stage_run(&stage, 80);
    assert_int_equal(stage.room->place_count, 0);
    assert_int_equal(counters_get(COUNTER_PLACES_EXPIRED), expired + 1);
    expect_silence(1);
    stage_close(&stage);
}

static void test_nicknames_and_chat(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, &(struct stage_times){.nickname_max = 3, .chat_bytes_max = 8});
    uint64_t names = counters_get(COUNTER_NICKNAMES_REFUSED), chats = counters_get(COUNTER_CHATS_REFUSED);
    enter_and_join(&stage, 1, 3, "A");
    say(&stage, 1, "421[\"request\",{\"method\":\"changeNickname\",\"data\":{\"nickname\":\"äöü\"}}]");
    forget(1);
    say(&stage, 1, "421[\"request\",{\"method\":\"changeNickname\",\"data\":{\"nickname\":\"abcd\"}}]");
    expect(1, "431[500,\"request changeNickname failed\"]");
    say(&stage, 1, "422[\"request\",{\"method\":\"chatMessage\",\"data\":{\"message\":\"1234567\"}}]");
    expect(1, "432[500,\"request chatMessage failed\"]");
    say(&stage, 1, "423[\"request\",{\"method\":\"chatMessage\",\"data\":{\"message\":[1,2,3,4,5]}}]");
    expect(1, "433[500,\"request chatMessage failed\"]");
    say(&stage, 1, "424[\"request\",{\"method\":\"chatMessage\",\"data\":{\"message\":\"123456\"}}]");
    expect_prefix(1, "42[\"notification\",{\"method\":\"chatMessage\"");
    expect(1, "434[]");
    assert_int_equal(counters_get(COUNTER_NICKNAMES_REFUSED), names + 1);
    assert_int_equal(counters_get(COUNTER_CHATS_REFUSED), chats + 2);
    stage_close(&stage);
}

static struct address_limits *limit(unsigned connections, unsigned rate, unsigned rate_all)
{
    struct address_limits *limits;
    assert_int_equal(
        address_limits_create(
            &(struct address_limits_config){.connections = connections, .rate = rate, .rate_all = rate_all},
            &limits),
        0);
    return limits;
}

static void test_requests_over_the_rate_fail_and_change_nothing(void **state)
{
    (void)state;
    for (int all = 0; all < 2; all++) {
        struct address_limits *limits = limit(0, all ? 0 : 1, all ? 1 : 0);
        enum counter counter = all ? COUNTER_REQUESTS_LIMITED_ALL : COUNTER_REQUESTS_LIMITED;
        uint64_t limited = counters_get(counter);
        struct stage stage;
        stage_open(&stage, &(struct stage_times){.limits = limits});
        struct peer *peer = enter(&stage, 1, 3);
        for (int i = 0; i < ADDRESS_LIMITS_BURST_S; i++) {
            say(&stage, 1, "421[\"request\",{\"method\":\"ping\"}]");
            expect(1, "431[null]");
        }
        say(&stage, 1, "422[\"request\",{\"method\":\"raisedHand\",\"data\":{\"raisedHand\":true}}]");
        expect(1, "432[500,\"request raisedHand failed\"]");
        say(&stage, 1, "423[\"request\",{\"method\":\"foo\"}]");
        expect(1, "433[500,\"unknown request.method \\\"foo\\\"\"]");
        assert_true(json_is_false(peer->raised_hand));
        assert_int_equal(counters_get(counter), limited + 2);
        stage_close(&stage);
        address_limits_destroy(limits);
    }
}

static void test_sessions_of_an_address(void **state)
{
    (void)state;
    struct address_limits *limits = limit(2, 0, 0);
    uint64_t refused = counters_get(COUNTER_CONNECTIONS_REFUSED);
    struct stage stage;
    stage_open(&stage, &(struct stage_times){.limits = limits});
    struct peer *peer;
    enter(&stage, 1, 3);
    enter(&stage, 2, 3);
    signaling_open(stage.signaling, 3, "EIO=4&transport=websocket", "192.0.2.1");
    assert_true(fake_sockets[3].closed);
    assert_int_equal(fake_sockets[3].close_code, 1013);
    expect_silence(3);
    assert_int_equal(counters_get(COUNTER_CONNECTIONS_REFUSED), refused + 1);
    signaling_open(stage.signaling, 4, "EIO=4&transport=websocket", "192.0.2.2");
    expect_prefix(4, "0{\"sid\":\"");

    /* One that went makes room. */
    signaling_close(stage.signaling, 1);
    stage_run(&stage, 10);
    assert_int_equal(room_add_peer(stage.room, 1, &peer), 0);
    open_websocket(&stage, 5, peer);
    stage_close(&stage);
    address_limits_destroy(limits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rooms),
        cmocka_unit_test(test_peers_of_a_room),
        cmocka_unit_test(test_place_that_nobody_takes_expires),
        cmocka_unit_test(test_nicknames_and_chat),
        cmocka_unit_test(test_requests_over_the_rate_fail_and_change_nothing),
        cmocka_unit_test(test_sessions_of_an_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
