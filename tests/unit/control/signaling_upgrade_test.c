/* From long polling to a websocket, and sessions of protocol 3. */
#include "tests/unit/control/signaling_poller.h"

static void test_upgrade(void **state)
{
    (void)state;
    struct stage stage;
    struct poller poller;
    open_stage(&stage);
    for (int protocol = 3; protocol <= 4; protocol++) {
        uint64_t ws = (uint64_t)protocol;
        const struct peer *peer = enter_polling(&stage, &poller, protocol);
        uint64_t hanging = get(&poller);
        open_upgrade(&poller, ws);
        expect_silence(ws);
        expect_hanging(hanging);
        say(&stage, ws, "2probe");
        expect(ws, "3probe");
        expect_payload(hanging, protocol == 4 ? "6" : "1:6");

        /* The client did not see that answer before it asked again. */
        hanging = get(&poller);
        clock_advance(99);
        expect_hanging(hanging);
        clock_advance(1);
        expect_payload(hanging, protocol == 4 ? "6" : "1:6");

        /* What is said in between takes the way that is open, once. */
        const char *ping = protocol == 4 ? PING : "34:" PING;
        post(&poller, ping);
        expect_silence(ws);
        say(&stage, ws, "5");
        expect(ws, PONG);
        expect_silence(ws);
        say(&stage, ws, PING);
        expect(ws, PONG);
        expect_answer(get(&poller), 400, "application/json", BAD_REQUEST);
        expect_answer(post_bytes(&poller, ping, strlen(ping)), 400, "application/json", BAD_REQUEST);
        assert_string_equal(refuse_upgrade(&poller), "Bad request");
        clock_advance(10000);
        assert_false(fake_sockets[ws].closed);
        assert_true(outbox_is_attached(&peer->outbox));
        signaling_close(stage.signaling, ws);
        assert_false(outbox_is_attached(&peer->outbox));
        assert_string_equal(refuse_upgrade(&poller), "Session ID unknown");
    }
    stage_close(&stage);
}

static void test_upgrade_with_a_get_under_way(void **state)
{
    (void)state;
    struct stage stage;
    struct poller poller;
    open_stage(&stage);
    enter_polling(&stage, &poller, 4);
    open_upgrade(&poller, 1);
    say(&stage, 1, "2probe");
    expect(1, "3probe");
    uint64_t hanging = get(&poller);
    say(&stage, 1, "5");
    expect_payload(hanging, "6");
    signaling_http_gone(stage.signaling, hanging);
    say(&stage, 1, PING);
    expect(1, PONG);
    stage_close(&stage);
}

/* Upgrades that come to nothing leave the session as it was. */
static void test_failed_upgrades(void **state)
{
    (void)state;
    static const char *const frames[] = {"",   "x",  "2",  "2prob", "3", "3probe",
                                         PING, "41", "40", "0",     "1", "6"};
    struct stage stage;
    struct poller poller;
    open_stage(&stage);
    const struct peer *peer = enter_polling(&stage, &poller, 4);
    uint64_t ws = 1;
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++, ws++) {
        open_upgrade(&poller, ws);
        assert_string_equal(refuse_upgrade(&poller), "Bad request"); /* one at a time */
        say(&stage, ws, frames[i]);
        if (!fake_sockets[ws].closed)
            fail_msg("not closed after %s", frames[i]);
        say(&stage, ws, "5");
        signaling_close(stage.signaling, ws);
    }
    open_upgrade(&poller, ws);
    signaling_message(stage.signaling, ws, (const uint8_t *)"5", 1, true);
    assert_true(fake_sockets[ws++].closed);
    open_upgrade(&poller, ws);
    signaling_close(stage.signaling, ws++);
    open_upgrade(&poller, ws);
    say(&stage, ws, "2probe");
    clock_advance(10000);
    assert_true(fake_sockets[ws].closed);

    post(&poller, PING);
    expect_payload(get(&poller), PONG);
    assert_true(outbox_is_attached(&peer->outbox));

    /* A session that ends takes its upgrade along. */
    open_upgrade(&poller, ++ws);
    post(&poller, "1");
    assert_true(fake_sockets[ws].closed);
    say(&stage, ws, "5");
    expect_silence(ws);

    /* A websocket's session has nothing to upgrade. */
    enter(&stage, ++ws, 3);
    stage_close(&stage);
}

static void test_protocol_3(void **state)
{
    (void)state;
    struct stage stage;
    struct poller poller;
    struct peer *peer;
    char expected[512];
    open_stage(&stage);
    assert_int_equal(room_add_peer(stage.room, 3, &peer), 0);
    const char *payload = begin(&stage, &poller, 3, peer);
    snprintf(expected, sizeof(expected),
             "118:0{\"sid\":\"%s\",\"upgrades\":[\"websocket\"],\"pingInterval\":25000,\"pingTimeout\":20000,"
             "\"maxPayload\":1000000}2:40116:42[\"notification\",{\"method\":\"roomReady\",\"data\":{"
             "\"iceServers\":"
             "null,\"roomId\":\"%s\"}}]",
             poller.sid, stage.room->id);
    assert_string_equal(payload, expected);

    /* The lengths are those of JavaScript. */
    post(&poller, "1:270:42900[\"request\",{\"method\":\"changeNickname\",\"data\":{\"nickname\":"
                  "\"\xc3\xa9\xf0\x9f\x98\x80\"}}]");
    snprintf(
        expected, sizeof(expected),
        "1:3120:42[\"notification\",{\"method\":\"changeNickname\",\"data\":{\"peerId\":\"%s\",\"nickname\":"
        "\"\xc3\xa9\xf0\x9f\x98\x80\"}}]7:43900[]",
        peer->id);
    expect_payload(get(&poller), expected);

    /* The client pings. */
    for (int i = 0; i < 4; i++) {
        clock_advance(44999);
        assert_true(outbox_is_attached(&peer->outbox));
        post(&poller, "1:2");
        expect_payload(get(&poller), "1:3");
    }
    post(&poller, "8:40/a?b=c");
    expect_payload(get(&poller), "36:44/a,{\"message\":\"Invalid namespace\"}");
    uint64_t hanging = get(&poller);
    clock_advance(45000);
    expect_payload(hanging, "1:1");
    assert_false(outbox_is_attached(&peer->outbox));

    /* Framing of protocol 4 is none here. */
    begin(&stage, &poller, 3, peer);
    expect_answer(post_bytes(&poller, "2", 1), 400, "application/json", BAD_REQUEST);
    stage_close(&stage);
}

static void test_protocol_3_over_websocket(void **state)
{
    (void)state;
    struct stage stage;
    struct peer *peer;
    char query[512];
    open_stage(&stage);
    assert_int_equal(room_add_peer(stage.room, 3, &peer), 0);
    snprintf(query, sizeof(query), "EIO=3&transport=websocket&peerId=%s&roomId=%s&authToken=%s", peer->id,
             stage.room->id, peer->auth_token);
    assert_null(signaling_check_upgrade(stage.signaling, query));
    signaling_open(stage.signaling, 1, query, "192.0.2.1");
    expect_prefix(1, "0{\"sid\":\"");
    expect(1, "40");
    expect_prefix(1, "42[\"notification\",{\"method\":\"roomReady\"");
    say(&stage, 1, PING);
    expect(1, PONG);
    clock_advance(44999);
    say(&stage, 1, "2");
    expect(1, "3");
    clock_advance(44999);
    expect_silence(1);
    assert_false(fake_sockets[1].closed);
    clock_advance(1);
    assert_true(fake_sockets[1].closed);
    signaling_close(stage.signaling, 1);

    /* Wrong heartbeats and a second connect close it. */
    static const char *const frames[] = {"3", "40", "40/?a=b,", "x"};
    for (uint64_t ws = 2; ws < 6; ws++) {
        signaling_open(stage.signaling, ws, query, "192.0.2.1");
        say(&stage, ws, frames[ws - 2]);
        assert_true(fake_sockets[ws].closed);
        signaling_close(stage.signaling, ws);
    }

    /* A wrong token. */
    signaling_open(stage.signaling, 6, "EIO=3&transport=websocket&peerId=x", "192.0.2.1");
    expect_prefix(6, "0{\"sid\":\"");
    expect(6, "40");
    expect(6, "41");
    assert_true(fake_sockets[6].closed);
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_upgrade),
        cmocka_unit_test(test_upgrade_with_a_get_under_way),
        cmocka_unit_test(test_failed_upgrades),
        cmocka_unit_test(test_protocol_3),
        cmocka_unit_test(test_protocol_3_over_websocket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
