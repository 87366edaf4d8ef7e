/* How ICE consent holds, what control is told, and what it may have sent. */
#include "tests/unit/dataplane/engine_scene.h"

#include "dataplane/consent.h"
#include "proto/wire/stun.h"
#include "proto/wire/stun_write.h"
#include "tests/unit/wire/hmac_sha1.h"

struct check {
    const char *ufrag;
    const char *password;
    bool use_candidate;
    bool controlled;
};

static const uint8_t transaction[STUN_TRANSACTION_ID_BYTES] = "transaction!";

static void send_check(struct client *client, struct rig *rig, const struct check *check)
{
    uint8_t data[256];
    char username[64];
    struct stun_key key = {(const uint8_t *)check->password, strlen(check->password), hmac_sha1_by_hand};
    snprintf(username, sizeof(username), "%s:remote", check->ufrag);
    struct stun_binding_request request = {.transaction_id = transaction,
                                           .username = username,
                                           .username_length = strlen(username),
                                           .priority = 1,
                                           .tiebreaker = 5,
                                           .controlling = !check->controlled,
                                           .use_candidate = check->use_candidate};
    int length = stun_write_binding_request(data, sizeof(data), &request, &key);

    assert_true(length > 0);
    client_send_raw(client, rig, data, (size_t)length);
}

static bool is_answered(struct client *client, const char *password)
{
    uint8_t data[512];
    struct stun_message message;
    struct sockaddr_storage mapped;
    size_t length = client_receive_raw(client, data, sizeof(data));

    if (length == 0)
        return false;
    assert_int_equal(stun_parse(data, length, &message), 0);
    assert_int_equal(message.class, STUN_SUCCESS);
    assert_memory_equal(message.transaction_id, transaction, sizeof(transaction));
    assert_true(stun_check_fingerprint(&message));
    assert_true(stun_check_integrity(
        &message, &(struct stun_key){(const uint8_t *)password, strlen(password), hmac_sha1_by_hand}));
    assert_int_equal(stun_xor_mapped_address(&message, &mapped), 0);
    assert_int_equal(mapped.ss_family, AF_INET);
    assert_int_equal(ntohs(((struct sockaddr_in *)&mapped)->sin_port), client->address.port);
    return true;
}

/* Takes one punted packet; false when there is none. */
static bool take_punt(struct rig *rig, struct shm_datagram *ret_datagram)
{
    uint8_t record[2200];
    uint32_t length;

    if (ring_pop(&rig->punts, record, sizeof(record), &length) != 0)
        return false;
    memcpy(ret_datagram, record, sizeof(*ret_datagram));
    assert_int_equal(length, sizeof(*ret_datagram) + ret_datagram->length);
    return true;
}

static const struct check good_check = {"localufrag", "localpasswordlocalpassword", false, false};

static void test_checks_on_the_pair_are_answered(void **state)
{
    struct scene scene;
    struct shm_datagram punted = {0};
    struct shm_transport_row *row;

    (void)state;
    scene_init(&scene);
    row = shm_segment_at(&scene.rig.segment, SHM_SECTION_TRANSPORT, 0);
    row->consent_us = scene.rig.worker->now_us - 1000000;
    send_check(&scene.alice, &scene.rig, &good_check);
    assert_true(is_answered(&scene.alice, good_check.password));
    assert_true(row->consent_us > scene.rig.worker->now_us - 1000000);
    struct check nominating = good_check;
    nominating.use_candidate = true;
    send_check(&scene.alice, &scene.rig, &nominating);
    assert_true(is_answered(&scene.alice, good_check.password));
    assert_false(take_punt(&scene.rig, &punted));
    assert_int_equal(scene.rig.worker->totals.stun_answered, 2);

    /* After an ICE restart, the old credentials stay good beside the new ones. */
    Km__SetIceCredentials restart = KM__SET_ICE_CREDENTIALS__INIT;
    restart.transport = scene.alice.transport;
    restart.ice_ufrag = (char *)"newufrag";
    restart.ice_password = (char *)"newpasswordnewpasswordnew";
    assert_int_equal(rig_command(&scene.rig, KM__COMMAND__BODY_SET_ICE_CREDENTIALS, &restart), 0);
    struct check renewed = {"newufrag", "newpasswordnewpasswordnew", false, false};
    send_check(&scene.alice, &scene.rig, &good_check);
    assert_true(is_answered(&scene.alice, good_check.password));
    send_check(&scene.alice, &scene.rig, &renewed);
    assert_true(is_answered(&scene.alice, renewed.password));

    /* The nomination that ends the restart is control's; with it the old credentials go. */
    row->consent_us = scene.rig.worker->now_us - 1000000;
    renewed.use_candidate = true;
    send_check(&scene.alice, &scene.rig, &renewed);
    assert_true(take_punt(&scene.rig, &punted));
    assert_true(row->consent_us > scene.rig.worker->now_us - 1000000);
    assert_int_equal(rig_select(&scene.rig, scene.alice.transport, &scene.alice.address), 0);
    send_check(&scene.alice, &scene.rig, &renewed);
    assert_true(is_answered(&scene.alice, renewed.password));
    send_check(&scene.alice, &scene.rig, &good_check);
    assert_true(take_punt(&scene.rig, &punted));
    assert_false(is_answered(&scene.alice, good_check.password));
    scene_deinit(&scene);
}

static void test_what_control_must_see_is_punted(void **state)
{
    struct scene scene;
    struct shm_datagram punted = {0};
    static const uint8_t dtls[] = {20, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1};

    (void)state;
    scene_init(&scene);
    send_check(&scene.stranger, &scene.rig, &good_check);
    assert_true(take_punt(&scene.rig, &punted));
    assert_true(punted.transport == SHM_HANDLE_NONE);
    assert_int_equal(punted.datagram_class, SHM_DATAGRAM_STUN);
    assert_memory_equal(&punted.remote, &scene.stranger.address, sizeof(punted.remote));

    struct check other = {"anotherufrag", "localpasswordlocalpassword", false, false};
    send_check(&scene.alice, &scene.rig, &other);
    assert_true(take_punt(&scene.rig, &punted));
    assert_true(punted.transport == scene.alice.transport);
    struct check conflict = good_check;
    conflict.controlled = true;
    send_check(&scene.alice, &scene.rig, &conflict);
    assert_true(take_punt(&scene.rig, &punted));

    /* A second pair of alice's: plain checks are answered, a nomination is control's. */
    assert_int_equal(tuple_map_insert(&scene.rig.tuples, &scene.stranger.address, scene.alice.transport, 0),
                     0);
    send_check(&scene.stranger, &scene.rig, &good_check);
    assert_true(is_answered(&scene.stranger, good_check.password));
    struct check nominating = good_check;
    nominating.use_candidate = true;
    send_check(&scene.stranger, &scene.rig, &nominating);
    assert_true(take_punt(&scene.rig, &punted));
    assert_false(is_answered(&scene.stranger, good_check.password));

    client_send_raw(&scene.alice, &scene.rig, dtls, sizeof(dtls));
    assert_true(take_punt(&scene.rig, &punted));
    assert_int_equal(punted.datagram_class, SHM_DATAGRAM_DTLS);
    assert_int_equal(punted.length, sizeof(dtls));
    assert_int_equal(scene.rig.worker->totals.punted, 5);
    scene_deinit(&scene);
}

static void test_bad_checks_are_dropped(void **state)
{
    struct scene scene;
    struct shm_datagram punted = {0};
    uint8_t data[128] = {0};
    struct stun_key key = {(const uint8_t *)good_check.password, strlen(good_check.password),
                           hmac_sha1_by_hand};
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = 1};

    (void)state;
    scene_init(&scene);
    struct check wrong = {"localufrag", "not the password", false, false};
    send_check(&scene.alice, &scene.rig, &wrong);
    assert_int_equal(rig_drops(&scene.rig, DROP_stun_integrity), 1);
    client_send_raw(&scene.alice, &scene.rig, data, 20);
    assert_int_equal(rig_drops(&scene.rig, DROP_stun_malformed), 1);
    int length = stun_write_success(data, sizeof(data), transaction, (struct sockaddr *)&name, &key);
    client_send_raw(&scene.alice, &scene.rig, data, (size_t)length);
    assert_int_equal(rig_drops(&scene.rig, DROP_stun_not_request), 1);
    assert_false(is_answered(&scene.alice, good_check.password));
    assert_false(take_punt(&scene.rig, &punted));
    scene_deinit(&scene);
}

static void test_punts_have_a_quota(void **state)
{
    struct scene scene;
    struct shm_datagram punted = {0};
    unsigned count = 0;

    (void)state;
    scene_init(&scene);
    for (unsigned i = 0; i < 2000; i++) {
        send_check(&scene.stranger, &scene.rig, &good_check);
        while (take_punt(&scene.rig, &punted))
            count++;
    }
    assert_true(count >= PUNT_SOURCE_BURST);
    assert_true(count < 1500);
    assert_int_equal(count + rig_drops(&scene.rig, DROP_stun_quota), 2000);

    /* Alice shares the stranger's address, not his quota. */
    struct check other = {"anotherufrag", "x", false, false};
    send_check(&scene.alice, &scene.rig, &other);
    assert_true(take_punt(&scene.rig, &punted));
    scene_deinit(&scene);
}

/* Strangers, of whom there can be many, leave room in control's ring for those whom ICE knows. */
static void test_strangers_do_not_fill_the_ring(void **state)
{
    struct scene scene;
    struct shm_datagram punted = {0};
    struct check other = {"anotherufrag", "x", false, false};
    unsigned known = 0;

    (void)state;
    scene_init(&scene);
    for (unsigned i = 0; i < PUNT_SOURCE_BURST; i++)
        send_check(&scene.stranger, &scene.rig, &good_check);
    assert_true(rig_drops(&scene.rig, DROP_punt_ring_full) > 0);
    for (unsigned i = 0; i < 20; i++)
        send_check(&scene.alice, &scene.rig, &other);
    while (take_punt(&scene.rig, &punted))
        known += punted.transport == scene.alice.transport;
    assert_int_equal(known, 20);
    scene_deinit(&scene);
}

/* One that was killed had noted that consent is lost, and not yet said so. */
static void test_lost_consent_is_told_after_a_kill(void **state)
{
    struct scene scene;
    struct shm_transport_row *row;

    (void)state;
    scene_init(&scene);
    row = shm_segment_at(&scene.rig.segment, SHM_SECTION_TRANSPORT, 1);
    worker_destroy(scene.rig.worker);
    row->has_consent = 0;
    rig_start_worker(&scene.rig);
    rig_wait_ms(&scene.rig, 80);
    Km__Event *event = rig_find_event(&scene.rig, KM__EVENT__BODY_TRANSPORT_STATE);
    assert_non_null(event);
    assert_int_equal(event->transport_state->state, KM__TRANSPORT_STATE__STATE__CONSENT_LOST);
    assert_true(event->transport_state->transport == scene.bob.transport);
    km__event__free_unpacked(event, NULL);
    rig_wait_ms(&scene.rig, 80);
    assert_null(rig_find_event(&scene.rig, KM__EVENT__BODY_TRANSPORT_STATE));
    scene_deinit(&scene);
}

static void test_consent_runs_out_and_comes_back(void **state)
{
    struct scene scene;
    struct shm_transport_row *row;

    (void)state;
    scene_init(&scene);
    row = shm_segment_at(&scene.rig.segment, SHM_SECTION_TRANSPORT, 1);
    assert_true(alice_is_heard(&scene));
    row->consent_us -= CONSENT_TIMEOUT_US - 2000000;
    rig_wait_ms(&scene.rig, 80);
    assert_true(alice_is_heard(&scene));
    row->consent_us -= 3000000;
    rig_wait_ms(&scene.rig, 80);
    Km__Event *event = rig_find_event(&scene.rig, KM__EVENT__BODY_TRANSPORT_STATE);
    assert_non_null(event);
    assert_int_equal(event->transport_state->state, KM__TRANSPORT_STATE__STATE__CONSENT_LOST);
    assert_true(event->transport_state->transport == scene.bob.transport);
    km__event__free_unpacked(event, NULL);
    assert_false(alice_is_heard(&scene));
    assert_true(rig_drops(&scene.rig, DROP_consumer_no_address) > 0);

    send_check(&scene.bob, &scene.rig, &good_check);
    assert_true(is_answered(&scene.bob, good_check.password));
    rig_wait_ms(&scene.rig, 80);
    event = rig_find_event(&scene.rig, KM__EVENT__BODY_TRANSPORT_STATE);
    assert_non_null(event);
    assert_int_equal(event->transport_state->state, KM__TRANSPORT_STATE__STATE__CONSENT_BACK);
    km__event__free_unpacked(event, NULL);
    assert_true(alice_is_heard(&scene));
    scene_deinit(&scene);
}

static void test_inject(void **state)
{
    struct scene scene;
    uint8_t record[sizeof(struct shm_datagram) + 64] = {0}, data[128];
    static const uint8_t hello[] = {'h', 'e', 'l', 'l', 'o'};
    struct shm_datagram datagram = {.length = 5};

    (void)state;
    scene_init(&scene);
    datagram.remote = scene.stranger.address;
    memcpy(record, &datagram, sizeof(datagram));
    memcpy(record + sizeof(datagram), hello, sizeof(hello));
    assert_int_equal(ring_push(&scene.rig.injects, record, sizeof(datagram) + 5), 0);
    rig_rounds(&scene.rig);
    assert_int_equal(client_receive_raw(&scene.stranger, data, sizeof(data)), 5);
    assert_memory_equal(data, hello, 5);

    datagram.length = 65; /* more than is there */
    memcpy(record, &datagram, sizeof(datagram));
    assert_int_equal(ring_push(&scene.rig.injects, record, sizeof(record)), 0);
    assert_int_equal(ring_push(&scene.rig.injects, record, 10), 0);
    datagram.length = 1u << 31;
    memcpy(record, &datagram, sizeof(datagram));
    assert_int_equal(ring_push(&scene.rig.injects, record, sizeof(record)), 0);
    datagram.length = 5;
    datagram.remote.port = 0;
    memcpy(record, &datagram, sizeof(datagram));
    assert_int_equal(ring_push(&scene.rig.injects, record, sizeof(record)), 0);
    rig_rounds(&scene.rig);
    assert_int_equal(rig_drops(&scene.rig, DROP_inject_malformed), 4);
    assert_int_equal(client_receive_raw(&scene.stranger, data, sizeof(data)), 0);
    scene_deinit(&scene);
}

/* A control that sleeps with empty rings is let sleep. */
static void test_control_is_not_woken_for_nothing(void **state)
{
    struct scene scene;
    eventfd_t count;
    Km__Event *event;

    (void)state;
    scene_init(&scene);
    rig_rounds(&scene.rig);
    while ((event = rig_next_event(&scene.rig)))
        km__event__free_unpacked(event, NULL);
    eventfd_read(scene.rig.control_wake, &count);
    for (int i = 0; i < 100; i++) {
        assert_true(ring_sleep(&scene.rig.events) && ring_sleep(&scene.rig.punts));
        worker_round(scene.rig.worker);
        assert_int_equal(eventfd_read(scene.rig.control_wake, &count), -1);
    }
    scene_deinit(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checks_on_the_pair_are_answered),
        cmocka_unit_test(test_what_control_must_see_is_punted),
        cmocka_unit_test(test_bad_checks_are_dropped),
        cmocka_unit_test(test_punts_have_a_quota),
        cmocka_unit_test(test_strangers_do_not_fill_the_ring),
        cmocka_unit_test(test_lost_consent_is_told_after_a_kill),
        cmocka_unit_test(test_consent_runs_out_and_comes_back),
        cmocka_unit_test(test_inject),
        cmocka_unit_test(test_control_is_not_woken_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
