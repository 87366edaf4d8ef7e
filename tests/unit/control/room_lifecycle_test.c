/* How rooms and peers come and go. */
#include "tests/unit/control/room_stage.h"

#include "control/room/ice_servers.h"

static void test_empty_room_closes_after_a_while(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, &(struct stage_times){.room_linger_ms = 40});
    char id[IDS_UUID_BYTES];
    memcpy(id, stage.room->id, sizeof(id));
    stage_run(&stage, 80);
    assert_non_null(rooms_find(stage.rooms, id)); /* nobody was here yet */
    enter(&stage, 1, 3);
    say(&stage, 1, "41");
    stage_run(&stage, 10);
    assert_non_null(rooms_find(stage.rooms, id));
    enter(&stage, 2, 3);
    stage_run(&stage, 80);
    assert_non_null(rooms_find(stage.rooms, id)); /* somebody came in time */
    say(&stage, 2, "41");
    stage_run(&stage, 80);
    assert_null(rooms_find(stage.rooms, id));
    assert_int_equal(rooms_count(stage.rooms), 0);
    assert_int_equal(fake_forwarder.rooms, 0);
    stage_close(&stage);
}

static void test_unused_room_and_place_close(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, &(struct stage_times){.unused_ms = 40});
    char id[IDS_UUID_BYTES], place_id[IDS_UUID_BYTES], token[PEER_TOKEN_DIGITS + 1];
    memcpy(id, stage.room->id, sizeof(id));
    enter(&stage, 1, 3);
    struct room *unused;
    assert_int_equal(rooms_open(stage.rooms, &unused), 0);
    struct peer *place;
    assert_int_equal(room_add_peer(stage.room, 3, &place), 0);
    memcpy(place_id, place->id, sizeof(place_id));
    memcpy(token, place->auth_token, sizeof(token));
    assert_non_null(room_find_peer(stage.room, place_id, token));
    stage_run(&stage, 100);
    assert_int_equal(rooms_count(stage.rooms), 1);
    assert_non_null(rooms_find(stage.rooms, id));
    assert_null(room_find_peer(stage.room, place_id, token));
    expect_silence(1); /* nobody is told of a place that was not taken */
    stage_close(&stage);
}

static void test_token_is_checked(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    struct peer *peer;
    assert_int_equal(room_add_peer(stage.room, 3, &peer), 0);
    char token[PEER_TOKEN_DIGITS + 1];
    memcpy(token, peer->auth_token, sizeof(token));
    assert_ptr_equal(room_find_peer(stage.room, peer->id, token), peer);
    token[PEER_TOKEN_DIGITS - 1] ^= 1;
    assert_null(room_find_peer(stage.room, peer->id, token));
    token[PEER_TOKEN_DIGITS - 1] = '\0';
    assert_null(room_find_peer(stage.room, peer->id, token));
    assert_null(room_find_peer(stage.room, peer->id, NULL));
    assert_null(room_find_peer(stage.room, NULL, peer->auth_token));
    assert_null(room_find_peer(stage.room, "nobody", peer->auth_token));
    assert_null(rooms_find(stage.rooms, "00000000-0000-4000-8000-000000000000-and-more"));
    stage_close(&stage);
}

static void test_broken_connection_has_time_to_come_back(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, &(struct stage_times){.peer_grace_ms = 50});
    enter(&stage, 1, 3);
    struct peer *bob = enter(&stage, 2, 3);
    char bob_id[IDS_UUID_BYTES];
    memcpy(bob_id, bob->id, sizeof(bob_id));
    signaling_close(stage.signaling, 2);
    stage_run(&stage, 20);
    open_websocket(&stage, 3, bob);
    expect(3, "42[\"notification\",{\"method\":\"roomBack\",\"data\":{}}]");
    stage_run(&stage, 100);
    expect_silence(1);
    signaling_close(stage.signaling, 3);
    stage_run(&stage, 100);
    expectf(1, "42[\"notification\",{\"method\":\"peerClosed\",\"data\":{\"peerId\":\"%s\"}}]", bob_id);
    stage_close(&stage);
}

static void test_new_websocket_replaces_the_old_one(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, &(struct stage_times){.peer_grace_ms = 30});
    struct peer *alice = enter_and_join(&stage, 1, 3, "A");
    open_websocket(&stage, 2, alice);
    expect(1, "41");
    expect(2, "42[\"notification\",{\"method\":\"roomBack\",\"data\":{}}]");
    assert_false(fake_sockets[1].closed);
    /* The old one's end is not the peer's. */
    signaling_close(stage.signaling, 1);
    stage_run(&stage, 60);
    say(&stage, 2, "425[\"request\",{\"method\":\"chatMessage\",\"data\":{\"message\":\"once\"}}]");
    expect_prefix(2, "42[\"notification\",{\"method\":\"chatMessage\"");
    expect(2, "435[]");
    expect_silence(2);
    stage_close(&stage);
}

static void test_left_websocket_is_no_peer_anymore(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, &(struct stage_times){.connect_timeout_ms = 40});
    enter(&stage, 1, 3);
    say(&stage, 1, "41");
    assert_false(fake_sockets[1].closed);
    assert_int_equal(stage.room->peer_count, 0);
    stage_run(&stage, 80);
    assert_true(fake_sockets[1].closed);
    say(&stage, 1, "420[\"request\",{\"method\":\"ping\"}]");
    expect_silence(1);
    stage_close(&stage);
}

static void test_client_that_was_away_misses_nothing(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    struct peer *alice = enter_and_join(&stage, 1, 3, "A");
    struct peer *bob = enter_and_join(&stage, 2, 3, "B");
    const char *sending = make_transport(&stage, 1, alice, false);
    make_transport(&stage, 2, bob, true);
    struct producer *camera = produce(&stage, 1, alice, sending, true);
    expect_prefix(2, "420[\"request\"");
    signaling_close(stage.signaling, 2);

    say(&stage, 1, "421[\"request\",{\"method\":\"chatMessage\",\"data\":{\"message\":\"while away\"}}]");
    forget(1);
    produce(&stage, 1, alice, sending, false);
    producer_close(camera); /* its request was not answered: it is not repeated */
    expect_silence(2);

    open_websocket(&stage, 3, bob);
    expect(3, "42[\"notification\",{\"method\":\"roomBack\",\"data\":{}}]");
    expect_prefix(3, "42[\"notification\",{\"method\":\"chatMessage\"");
    expect_prefix(3, "421[\"request\",{\"method\":\"newConsumer\"");
    expect_prefix(3, "42[\"notification\",{\"method\":\"consumerClosed\"");
    expect_silence(3);
    stage_close(&stage);
}

static void test_unanswered_request_is_sent_again_after_a_break(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    struct peer *alice = enter_and_join(&stage, 1, 3, "A");
    struct peer *bob = enter_and_join(&stage, 2, 3, "B");
    const char *sending = make_transport(&stage, 1, alice, false);
    make_transport(&stage, 2, bob, true);
    produce(&stage, 1, alice, sending, true);
    signaling_close(stage.signaling, 2);
    open_websocket(&stage, 3, bob);
    expect(3, "42[\"notification\",{\"method\":\"roomBack\",\"data\":{}}]");
    expect_prefix(3, "421[\"request\",{\"method\":\"newConsumer\"");
    say(&stage, 3, "431[]");
    assert_false(fake_get(fake_last(FAKE_CONSUMER))->paused);
    stage_close(&stage);
}

static void test_what_waits_is_bounded(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    struct peer *bob = enter(&stage, 1, 3);
    signaling_close(stage.signaling, 1);
    static char text[200 * 1000];
    memset(text, 'x', sizeof(text) - 1);
    for (int i = 0; i < 10; i++)
        room_notify(stage.room, NULL, "chatMessage", json_string(text));
    assert_true(bob->outbox.waiting_bytes <= OUTBOX_WAITING_BYTES_MAX);
    open_websocket(&stage, 2, bob);
    assert_int_equal(bob->outbox.waiting_bytes, 0);
    expect_prefix(2, "42[\"notification\",{\"method\":\"roomBack\"");
    for (int i = 0; i < 5; i++)
        expect_prefix(2, "42[\"notification\",{\"method\":\"chatMessage\"");
    expect_silence(2);
    stage_close(&stage);
}

static void test_closed_room_disconnects_everybody(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    enter_and_join(&stage, 1, 3, "A");
    enter_and_join(&stage, 2, 3, "B");
    forget(1);
    room_close(stage.room);
    for (uint64_t ws = 1; ws <= 2; ws++) {
        expect(ws, "41");
        expect_silence(ws);
        assert_true(fake_sockets[ws].closed);
    }
    assert_int_equal(rooms_count_peers(stage.rooms), 0);
    stage_close(&stage);
}

static void test_room_is_full_of_peers_not_of_places(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    struct peer *first, *peer;
    assert_int_equal(room_add_peer(stage.room, 3, &first), 0);
    char first_id[IDS_UUID_BYTES], token[PEER_TOKEN_DIGITS + 1];
    memcpy(first_id, first->id, sizeof(first_id));
    memcpy(token, first->auth_token, sizeof(token));
    for (size_t i = 1; i < 1000; i++)
        assert_int_equal(room_add_peer(stage.room, 3, &peer), 0);
    assert_non_null(room_find_peer(stage.room, first_id, token));
    assert_int_equal(room_add_peer(stage.room, 3, &peer), 0);
    assert_null(room_find_peer(stage.room, first_id, token));
    assert_int_equal(stage.room->place_count, 1000);
    stage_close(&stage);
}

static void test_turn_credentials(void **state)
{
    (void)state;
    json_t *servers =
        ice_servers("turn:127.0.0.1:3478?transport=tcp, turns:t.example", "secret",
                    "81b2dcad-bed2-4de3-8527-d34b16e2fc62", 1795444717 - ICE_SERVERS_LIFETIME_S);
    char *text = json_dumps(servers, JSON_COMPACT);
    assert_string_equal(text, "[{\"urls\":[\"turn:127.0.0.1:3478?transport=tcp\",\"turns:t.example\"],"
                              "\"username\":\"1795444717:81b2dcad-bed2-4de3-8527-d34b16e2fc62\","
                              "\"credential\":\"x3Fm/2YOmOcrX2QvJ1rw6xBm8mo=\"}]");
    free(text);
    json_decref(servers);
    servers = ice_servers("turn:x", NULL, "p", 0);
    assert_true(json_is_null(servers));
    servers = ice_servers(NULL, "secret", "p", 0);
    assert_true(json_is_null(servers));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_room_closes_after_a_while),
        cmocka_unit_test(test_unused_room_and_place_close),
        cmocka_unit_test(test_token_is_checked),
        cmocka_unit_test(test_broken_connection_has_time_to_come_back),
        cmocka_unit_test(test_new_websocket_replaces_the_old_one),
        cmocka_unit_test(test_left_websocket_is_no_peer_anymore),
        cmocka_unit_test(test_client_that_was_away_misses_nothing),
        cmocka_unit_test(test_unanswered_request_is_sent_again_after_a_break),
        cmocka_unit_test(test_what_waits_is_bounded),
        cmocka_unit_test(test_closed_room_disconnects_everybody),
        cmocka_unit_test(test_room_is_full_of_peers_not_of_places),
        cmocka_unit_test(test_turn_credentials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
