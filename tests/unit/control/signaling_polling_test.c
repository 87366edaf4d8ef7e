/* Sessions over long polling: requests right and wrong, heartbeat, what waits for slow clients. */
#include "tests/unit/control/signaling_poller.h"

static void test_handshake(void **state)
{
    (void)state;
    struct stage stage;
    struct poller poller;
    struct peer *peer;
    open_stage(&stage);
    assert_int_equal(room_add_peer(stage.room, 3, &peer), 0);
    const char *payload = begin(&stage, &poller, 4, peer);
    assert_memory_equal(payload, "0{\"sid\":\"", 9);
    assert_string_equal(payload + 29, "\",\"upgrades\":[\"websocket\"],\"pingInterval\":25000,"
                                      "\"pingTimeout\":20000,\"maxPayload\":1000000}");
    post(&poller, "40");
    char expected[256];
    const struct fake_answer *answer = find_answer(get(&poller));
    assert_non_null(answer);
    assert_memory_equal(answer->body, "40{\"sid\":\"", 10);
    snprintf(expected, sizeof(expected),
             "\"}" SEPARATOR "42[\"notification\",{\"method\":\"roomReady\",\"data\":{\"iceServers\":null,"
             "\"roomId\":\"%s\"}}]",
             stage.room->id);
    assert_string_equal(answer->body + 30, expected);

    /* Several packets a request, their answers in one payload. */
    post(&poller, "420[\"request\",{\"method\":\"ping\"}]" SEPARATOR
                  "421[\"request\",{\"method\":\"changeNickname\",\"data\":{\"nickname\":\"n\"}}]");
    snprintf(expected, sizeof(expected),
             "430[null]" SEPARATOR "42[\"notification\",{\"method\":\"changeNickname\",\"data\":{\"peerId\":"
             "\"%s\",\"nickname\":\"n\"}}]" SEPARATOR "431[]",
             peer->id);
    expect_payload(get(&poller), expected);

    /* With nothing to say, a GET hangs until there is. */
    uint64_t hanging = get(&poller);
    expect_hanging(hanging);
    post(&poller, PING);
    expect_payload(hanging, PONG);
    stage_close(&stage);
}

static void test_wrong_credentials(void **state)
{
    (void)state;
    struct stage stage;
    struct poller poller;
    struct peer *peer;
    open_stage(&stage);
    assert_int_equal(room_add_peer(stage.room, 3, &peer), 0);
    struct peer stranger = *peer;
    memset(stranger.auth_token, 'f', sizeof(stranger.auth_token) - 1);
    begin(&stage, &poller, 4, &stranger);
    post(&poller, "40");
    const struct fake_answer *answer = find_answer(get(&poller));
    assert_non_null(answer);
    assert_memory_equal(answer->body, "40{\"sid\":\"", 10);
    assert_string_equal(answer->body + 30, "\"}" SEPARATOR "41");
    expect_payload(get(&poller), "1");
    expect_answer(get(&poller), 400, "application/json", UNKNOWN_SID);
    assert_false(outbox_is_attached(&peer->outbox));

    /* One who leaves by itself. */
    begin(&stage, &poller, 4, &stranger);
    post(&poller, "40");
    post(&poller, "1");
    expect_answer(get(&poller), 400, "application/json", UNKNOWN_SID);

    /* One who never fetches the bad news is forgotten, in time. */
    begin(&stage, &poller, 4, &stranger);
    post(&poller, "40");
    post(&poller, PING);
    clock_advance(29999);
    assert_string_equal(refuse_upgrade(&poller), "Bad request");
    clock_advance(1);
    assert_string_equal(refuse_upgrade(&poller), "Session ID unknown");
    stage_close(&stage);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *method, *query, *body;
    } rows[] = {
        {"GET", "EIO=4", "{\"code\":0,\"message\":\"Transport unknown\"}"},
        {"GET", "EIO=4&transport=webtransport", "{\"code\":0,\"message\":\"Transport unknown\"}"},
        {"GET", "EIO=4&transport=polling&sid=nosuch", UNKNOWN_SID},
        {"POST", "EIO=4&transport=polling&sid=nosuch", UNKNOWN_SID},
        {"GET", "EIO=4&transport=polling&sid=a-sid-that-is-longer-than-any", UNKNOWN_SID},
        {"POST", "EIO=4&transport=polling", "{\"code\":2,\"message\":\"Bad handshake method\"}"},
        {"OPTIONS", "EIO=4&transport=polling", "{\"code\":2,\"message\":\"Bad handshake method\"}"},
        {"HEAD", "EIO=4&transport=polling", "{\"code\":2,\"message\":\"Bad handshake method\"}"},
        {"GET", "EIO=4&transport=websocket", BAD_REQUEST},
        {"GET", "transport=polling", "{\"code\":5,\"message\":\"Unsupported protocol version\"}"},
        {"GET", "EIO=5&transport=polling", "{\"code\":5,\"message\":\"Unsupported protocol version\"}"},
    };
    struct stage stage;
    open_stage(&stage);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect_answer(ask(&stage, rows[i].method, rows[i].query, "", 0), 400, "application/json",
                      rows[i].body);

    /* A sid without its credentials is no session's. */
    struct poller poller, thief;
    enter_polling(&stage, &poller, 4);
    thief = poller;
    thief.credentials[0] = '\0';
    expect_answer(get(&thief), 400, "application/json", UNKNOWN_SID);
    expect_answer(post_bytes(&thief, "41", 2), 400, "application/json", UNKNOWN_SID);
    assert_string_equal(refuse_upgrade(&thief), "Session ID unknown");
    thief = poller;
    thief.credentials[strlen(thief.credentials) - 1] ^= 1;
    expect_answer(get(&thief), 400, "application/json", UNKNOWN_SID);
    char query[512];
    snprintf(query, sizeof(query), "EIO=4&transport=polling&%s&sid=%s", poller.credentials, poller.sid);
    expect_answer(ask(&stage, "DELETE", query, "", 0), 400, "application/json", BAD_REQUEST);
    snprintf(query, sizeof(query), "EIO=4&transport=websocket&%s&sid=%s", poller.credentials, poller.sid);
    expect_answer(ask(&stage, "GET", query, "", 0), 400, "application/json", BAD_REQUEST);

    post(&poller, PING);
    expect_payload(get(&poller), PONG);
    stage_close(&stage);
}

static void test_bad_payloads(void **state)
{
    (void)state;
    static const char *const payloads[] = {
        "", "x", SEPARATOR, "3" SEPARATOR, "3" SEPARATOR SEPARATOR "3", "bAAAA", "4\xff", "4\xed\xa0\x80",
    };
    struct stage stage;
    struct poller poller;
    open_stage(&stage);
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        const struct peer *peer = enter_polling(&stage, &poller, 4);
        uint64_t hanging = get(&poller);
        expect_answer(post_bytes(&poller, payloads[i], strlen(payloads[i])), 400, "application/json",
                      BAD_REQUEST);
        expect_payload(hanging, "1");
        assert_false(outbox_is_attached(&peer->outbox));
        expect_answer(get(&poller), 400, "application/json", UNKNOWN_SID);
    }

    /* Good packets before a bad one are received; what socket.io refuses closes in good order. */
    enter_polling(&stage, &poller, 4);
    expect_answer(post_bytes(&poller, PING SEPARATOR "x", sizeof(PING SEPARATOR "x") - 1), 400,
                  "application/json", BAD_REQUEST);
    enter_polling(&stage, &poller, 4);
    post(&poller, PING SEPARATOR "42{}" SEPARATOR PING);
    expect_payload(get(&poller), PONG);
    expect_payload(get(&poller), "1");
    expect_answer(get(&poller), 400, "application/json", UNKNOWN_SID);
    enter_polling(&stage, &poller, 4);
    post(&poller, "451-[\"request\",{\"_placeholder\":true,\"num\":0}]");
    expect_payload(get(&poller), "1");

    /* Too much is refused, and changes nothing. */
    enter_polling(&stage, &poller, 4);
    char *large = malloc(1000001);
    assert_non_null(large);
    memset(large, '4', 1000001);
    expect_answer(post_bytes(&poller, large, 1000001), 413, "", "");
    free(large);
    post(&poller, PING);
    expect_payload(get(&poller), PONG);
    stage_close(&stage);
}

static void test_only_one_get(void **state)
{
    (void)state;
    struct stage stage;
    struct poller poller;
    open_stage(&stage);
    const struct peer *peer = enter_polling(&stage, &poller, 4);
    uint64_t first = get(&poller), second = get(&poller);
    expect_answer(second, 400, "", "");
    expect_payload(first, "1");
    assert_false(outbox_is_attached(&peer->outbox));
    expect_answer(get(&poller), 400, "application/json", UNKNOWN_SID);

    /* A GET that breaks takes the session along; so does the client's close packet. */
    peer = enter_polling(&stage, &poller, 4);
    signaling_http_gone(stage.signaling, get(&poller));
    assert_false(outbox_is_attached(&peer->outbox));
    expect_answer(get(&poller), 400, "application/json", UNKNOWN_SID);
    peer = enter_polling(&stage, &poller, 4);
    uint64_t hanging = get(&poller);
    post(&poller, "1");
    expect_payload(hanging, "6");
    assert_false(outbox_is_attached(&peer->outbox));
    expect_answer(get(&poller), 400, "application/json", UNKNOWN_SID);
    signaling_http_gone(stage.signaling, 1); /* of somebody else */
    stage_close(&stage);
}

static void test_goodbye(void **state)
{
    (void)state;
    struct stage stage;
    struct poller poller;
    open_stage(&stage);
    enter_polling(&stage, &poller, 4);
    size_t before = stage.room->peer_count;
    post(&poller, "41" SEPARATOR "1");
    assert_int_equal(stage.room->peer_count, before - 1);
    expect_answer(get(&poller), 400, "application/json", UNKNOWN_SID);
    stage_close(&stage);
}

static void test_heartbeat(void **state)
{
    (void)state;
    struct stage stage;
    struct poller poller, deaf;
    open_stage(&stage);
    const struct peer *peer = enter_polling(&stage, &poller, 4);
    const struct peer *deaf_peer = enter_polling(&stage, &deaf, 4);
    uint64_t hanging = get(&poller);
    clock_advance(24999);
    expect_hanging(hanging);
    clock_advance(1);
    expect_payload(hanging, "2");
    post(&poller, "3");
    hanging = get(&poller);
    clock_advance(20000);
    expect_hanging(hanging);
    assert_true(outbox_is_attached(&peer->outbox));
    assert_false(outbox_is_attached(&deaf_peer->outbox));
    expect_answer(get(&deaf), 400, "application/json", UNKNOWN_SID);
    clock_advance(5000);
    expect_payload(hanging, "2");
    clock_advance(20000);
    assert_false(outbox_is_attached(&peer->outbox));
    stage_close(&stage);
}

static void test_never_connected(void **state)
{
    (void)state;
    struct stage stage;
    struct poller poller;
    struct peer *peer;
    open_stage(&stage);
    assert_int_equal(room_add_peer(stage.room, 3, &peer), 0);
    begin(&stage, &poller, 4, peer);
    clock_advance(25000);
    expect_payload(get(&poller), "2");
    post(&poller, "3");
    uint64_t hanging = get(&poller);
    clock_advance(19999);
    expect_hanging(hanging);
    clock_advance(1);
    expect_payload(hanging, "1");

    /* Nothing is done before the connect packet. */
    begin(&stage, &poller, 4, peer);
    post(&poller, PING);
    expect_payload(get(&poller), "1");
    stage_close(&stage);
}

static void test_slow_client(void **state)
{
    (void)state;
    struct stage stage;
    struct poller poller;
    open_stage(&stage);
    const struct peer *peer = enter_polling(&stage, &poller, 4);
    enter(&stage, 1, 3);
    char *message = malloc(600000), *frame = malloc(600100);
    assert_non_null(message);
    assert_non_null(frame);
    memset(message, 'x', 599999);
    message[599999] = '\0';
    snprintf(frame, 600100, "42[\"request\",{\"method\":\"chatMessage\",\"data\":{\"message\":\"%s\"}}]",
             message);
    for (int i = 0; i < 6; i++)
        say(&stage, 1, frame);
    assert_string_equal(refuse_upgrade(&poller) ? "no" : "yes", "yes");
    say(&stage, 1, frame);
    assert_string_equal(refuse_upgrade(&poller), "Session ID unknown");
    clock_advance(0);
    assert_false(outbox_is_attached(&peer->outbox));
    expect_answer(get(&poller), 400, "application/json", UNKNOWN_SID);
    free(message);
    free(frame);
    stage_close(&stage);
}

static void test_a_reconnect_takes_over(void **state)
{
    (void)state;
    struct stage stage;
    struct poller poller, again;
    open_stage(&stage);
    const struct peer *peer = enter_polling(&stage, &poller, 4);
    uint64_t hanging = get(&poller);
    begin(&stage, &again, 4, peer);
    post(&again, "40");
    const struct fake_answer *answer = find_answer(get(&again));
    assert_non_null(answer);
    assert_non_null(strstr(answer->body, "roomBack"));
    assert_non_null(find_answer(hanging));
    post(&again, PING);
    expect_payload(get(&again), PONG);
    assert_true(outbox_is_attached(&peer->outbox));
    stage_close(&stage);
}

static void test_table_is_bounded(void **state)
{
    (void)state;
    struct stage stage;
    struct poller poller;
    struct peer *peer;
    open_stage(&stage);
    assert_int_equal(room_add_peer(stage.room, 3, &peer), 0);
    struct signaling_config config;
    signaling_config_init(&config);
    config.base = stage.base;
    config.rooms = stage.rooms;
    config.max_sessions = 2;
    signaling_destroy(stage.signaling);
    assert_int_equal(signaling_create(&config, &stage.signaling), 0);
    begin(&stage, &poller, 4, peer);
    begin(&stage, &poller, 4, peer);
    expect_answer(ask(&stage, "GET", "EIO=4&transport=polling", "", 0), 503, "", "");
    signaling_open(stage.signaling, 1, "EIO=4&transport=websocket", "192.0.2.1");
    assert_true(fake_sockets[1].closed);
    assert_int_equal(fake_sockets[1].close_code, 1013);
    post(&poller, "1");
    clock_advance(0);
    begin(&stage, &poller, 4, peer);
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshake),        cmocka_unit_test(test_wrong_credentials),
        cmocka_unit_test(test_refusals),         cmocka_unit_test(test_bad_payloads),
        cmocka_unit_test(test_only_one_get),     cmocka_unit_test(test_goodbye),
        cmocka_unit_test(test_heartbeat),        cmocka_unit_test(test_never_connected),
        cmocka_unit_test(test_slow_client),      cmocka_unit_test(test_a_reconnect_takes_over),
        cmocka_unit_test(test_table_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
