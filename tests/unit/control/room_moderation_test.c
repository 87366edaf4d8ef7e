#include "tests/unit/control/room_stage.h"

#define NOTIFICATION(method, data) "42[\"notification\",{\"method\":\"" method "\",\"data\":" data "}]"

struct meeting {
    struct stage stage;
    struct peer *owner; /* websocket 1 */
    struct peer *guest; /* websocket 2 */
};

static void meet(struct meeting *meeting, unsigned guest_role)
{
    stage_open(&meeting->stage, NULL);
    meeting->owner = enter_and_join(&meeting->stage, 1, 23, "O");
    meeting->guest = enter_and_join(&meeting->stage, 2, guest_role, "G");
}

static void ask(struct meeting *meeting, uint64_t ws, const char *method, const struct peer *peer,
                const char *more)
{
    sayf(&meeting->stage, ws, "421[\"request\",{\"method\":\"moderator:%s\",\"data\":{\"peerId\":\"%s\"%s}}]",
         method, peer->id, more);
}

static void test_gaining_publisher_puts_the_hand_down(void **state)
{
    (void)state;
    struct meeting meeting;
    meet(&meeting, 1);
    say(&meeting.stage, 2, "420[\"request\",{\"method\":\"raisedHand\",\"data\":{\"raisedHand\":true}}]");
    forget(1);
    forget(2);
    ask(&meeting, 1, "addRole", meeting.guest, ",\"role\":2");
    for (uint64_t ws = 1; ws <= 2; ws++) {
        expectf(ws, NOTIFICATION("changeRaisedHand", "{\"peerId\":\"%s\",\"raisedHand\":false}"),
                meeting.guest->id);
        expectf(ws, NOTIFICATION("changeRole", "{\"peerId\":\"%s\",\"role\":3}"), meeting.guest->id);
    }
    expect(1, "431[]");
    ask(&meeting, 1, "addRole", meeting.guest, ",\"role\":2");
    expect(1, "431[]");
    expect_silence(2);
    stage_close(&meeting.stage);
}

static void test_losing_publisher_stops_forwarding_at_once(void **state)
{
    (void)state;
    struct meeting meeting;
    meet(&meeting, 3);
    const char *transport = make_transport(&meeting.stage, 2, meeting.guest, false);
    struct producer *producer = produce(&meeting.stage, 2, meeting.guest, transport, false);
    ask(&meeting, 1, "changeLanguage", meeting.guest, ",\"language\":\"de\"");
    forget(1);
    forget(2);

    ask(&meeting, 1, "removeRole", meeting.guest, ",\"role\":2");
    assert_true(fake_get(producer->handle)->paused);
    for (uint64_t ws = 1; ws <= 2; ws++) {
        expectf(ws, NOTIFICATION("changeLanguage", "{\"peerId\":\"%s\",\"language\":null}"),
                meeting.guest->id);
        expectf(ws, NOTIFICATION("changeRole", "{\"peerId\":\"%s\",\"role\":1}"), meeting.guest->id);
    }
    expect(1, "431[]");

    /* The client may pause, resume and close what it had, but not be heard. */
    sayf(&meeting.stage, 2,
         "421[\"request\",{\"method\":\"pauseProducer\",\"data\":{\"producerId\":\"%s\"}}]", producer->id);
    sayf(&meeting.stage, 2,
         "422[\"request\",{\"method\":\"resumeProducer\",\"data\":{\"producerId\":\"%s\"}}]", producer->id);
    expect(2, "431[]");
    expect(2, "432[]");
    assert_true(fake_get(producer->handle)->paused);

    ask(&meeting, 1, "addRole", meeting.guest, ",\"role\":2");
    assert_false(fake_get(producer->handle)->paused);
    ask(&meeting, 1, "removeRole", meeting.guest, ",\"role\":2");
    sayf(&meeting.stage, 2,
         "423[\"request\",{\"method\":\"closeProducer\",\"data\":{\"producerId\":\"%s\"}}]", producer->id);
    assert_int_equal(fake_count(FAKE_PRODUCER), 0);
    stage_close(&meeting.stage);
}

static void test_producer_that_cannot_be_stopped_is_closed(void **state)
{
    (void)state;
    struct meeting meeting;
    meet(&meeting, 3);
    const char *transport = make_transport(&meeting.stage, 2, meeting.guest, false);
    produce(&meeting.stage, 2, meeting.guest, transport, false);
    produce(&meeting.stage, 2, meeting.guest, transport, true);
    fake_forwarder.error = -EAGAIN;
    ask(&meeting, 1, "removeRole", meeting.guest, ",\"role\":2");
    assert_int_equal(fake_count(FAKE_PRODUCER), 0);
    stage_close(&meeting.stage);
}

static void test_roles_nobody_may_change(void **state)
{
    (void)state;
    struct meeting meeting;
    meet(&meeting, 7);
    static const char *const refused[] = {
        ",\"role\":16", ",\"role\":18",  ",\"role\":32",    ",\"role\":-1",  ",\"role\":null", "",
        ",\"role\":{}", ",\"role\":2.5", ",\"role\":\"x\"", ",\"role\":[2]", ",\"role\":true",
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        ask(&meeting, 2, "addRole", meeting.owner, refused[i]);
        expect(2, "431[500,\"request moderator:addRole failed\"]");
        ask(&meeting, 2, "removeRole", meeting.owner, refused[i]);
        expect(2, "431[500,\"request moderator:removeRole failed\"]");
    }
    ask(&meeting, 2, "removeRole", meeting.owner, ",\"role\":4");
    expect(2, "431[500,\"request moderator:removeRole failed\"]");
    assert_int_equal(meeting.owner->role, 23);
    expect_silence(1);
    stage_close(&meeting.stage);
}

static void test_only_moderators(void **state)
{
    (void)state;
    struct meeting meeting;
    meet(&meeting, 27); /* OWNER without MODERATOR: may close the room only */
    static const char *const methods[] = {"addRole",           "removeRole",      "changeLanguage",
                                          "joinRequestAccept", "joinRequestDeny", "kickPeer"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        ask(&meeting, 2, methods[i], meeting.owner, ",\"role\":1,\"language\":\"de\"");
        expectf(2, "431[500,\"request moderator:%s failed\"]", methods[i]);
    }
    expect_silence(1);
    stage_close(&meeting.stage);
}

static void test_kick_tells_in_order(void **state)
{
    (void)state;
    struct meeting meeting;
    meet(&meeting, 3);
    make_transport(&meeting.stage, 1, meeting.owner, true);
    const char *transport = make_transport(&meeting.stage, 2, meeting.guest, false);
    produce(&meeting.stage, 2, meeting.guest, transport, false);
    forget(1);
    char id[IDS_UUID_BYTES], token[PEER_TOKEN_DIGITS + 1], consumer[IDS_UUID_BYTES];
    strcpy(id, meeting.guest->id);
    strcpy(token, meeting.guest->auth_token);
    strcpy(consumer, TAILQ_FIRST(&meeting.owner->consumers)->id);

    ask(&meeting, 1, "kickPeer", meeting.guest, "");
    expect(2, NOTIFICATION("moderator:kickPeer", "{}"));
    expect(2, "41");
    assert_true(fake_sockets[2].closed);
    expectf(1, NOTIFICATION("peerClosed", "{\"peerId\":\"%s\"}"), id);
    expect(1, "431[]");
    expectf(1, NOTIFICATION("consumerClosed", "{\"consumerId\":\"%s\"}"), consumer);
    expect_silence(1);
    assert_null(room_find_peer(meeting.stage.room, id, token));
    assert_int_equal(fake_count(FAKE_PRODUCER) + fake_count(FAKE_CONSUMER), 0);
    stage_close(&meeting.stage);
}

static void test_kick_of_oneself_and_of_who_is_away(void **state)
{
    (void)state;
    struct meeting meeting;
    meet(&meeting, 3);
    char id[IDS_UUID_BYTES];
    strcpy(id, meeting.guest->id);
    signaling_close(meeting.stage.signaling, 2);
    ask(&meeting, 1, "kickPeer", meeting.guest, "");
    expectf(1, NOTIFICATION("peerClosed", "{\"peerId\":\"%s\"}"), id);
    expect(1, "431[]");
    ask(&meeting, 1, "kickPeer", meeting.owner, "");
    expect(1, NOTIFICATION("moderator:kickPeer", "{}"));
    expect(1, "41");
    expect_silence(1);
    assert_int_equal(meeting.stage.room->peer_count, 0);
    stage_close(&meeting.stage);
}

static void test_room_that_is_closed(void **state)
{
    (void)state;
    struct meeting meeting;
    meet(&meeting, 7);
    say(&meeting.stage, 2, "421[\"request\",{\"method\":\"moderator:closeRoom\"}]");
    expect(2, "431[500,\"request moderator:closeRoom failed\"]");
    char id[IDS_UUID_BYTES];
    strcpy(id, meeting.stage.room->id);
    say(&meeting.stage, 1, "421[\"request\",{\"method\":\"moderator:closeRoom\"}]");
    expect(1, "431[]");
    expect(1, "41");
    expect(2, NOTIFICATION("moderator:closeRoom", "null"));
    expect(2, "41");
    expect_silence(2);
    assert_true(fake_sockets[1].closed && fake_sockets[2].closed);
    assert_null(rooms_find(meeting.stage.rooms, id));
    stage_close(&meeting.stage);
}

static void test_languages(void **state)
{
    (void)state;
    struct meeting meeting;
    meet(&meeting, 3);
    static const char *const refused[] = {"\"d\"",    "\"DE\"", "\"deu\"", "\"d1\"",      "5",
                                          "[\"de\"]", "{}",     "true",    "\"d\\u0000\""};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        char more[64];
        snprintf(more, sizeof(more), ",\"language\":%s", refused[i]);
        ask(&meeting, 1, "changeLanguage", meeting.guest, more);
        expect(1, "431[500,\"request moderator:changeLanguage failed\"]");
    }
    expect_silence(2);
    ask(&meeting, 1, "changeLanguage", meeting.guest, ",\"language\":\"fr\"");
    expectf(2, NOTIFICATION("changeLanguage", "{\"peerId\":\"%s\",\"language\":\"fr\"}"), meeting.guest->id);
    ask(&meeting, 1, "changeLanguage", meeting.guest, "");
    expectf(2, NOTIFICATION("changeLanguage", "{\"peerId\":\"%s\",\"language\":null}"), meeting.guest->id);
    stage_close(&meeting.stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gaining_publisher_puts_the_hand_down),
        cmocka_unit_test(test_losing_publisher_stops_forwarding_at_once),
        cmocka_unit_test(test_producer_that_cannot_be_stopped_is_closed),
        cmocka_unit_test(test_roles_nobody_may_change),
        cmocka_unit_test(test_only_moderators),
        cmocka_unit_test(test_kick_tells_in_order),
        cmocka_unit_test(test_kick_of_oneself_and_of_who_is_away),
        cmocka_unit_test(test_room_that_is_closed),
        cmocka_unit_test(test_languages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
