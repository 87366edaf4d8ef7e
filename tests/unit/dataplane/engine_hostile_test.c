/* What a worker does not believe: strangers, forgeries, replays, torn packets, floods; and how ICE consent
 * holds. */
#include "tests/unit/dataplane/engine_rig.h"

#include <malloc.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "dataplane/consent.h"
#include "proto/wire/stun.h"
#include "proto/wire/stun_write.h"

#define ALICE_SSRC 0x11111111u
#define BOB_SSRC 0xaaaaaaaau

struct scene {
    struct rig rig;
    struct client alice;
    struct client bob;
    struct client stranger;
    uint16_t sequence;
};

static void scene_init(struct scene *scene)
{
    memset(scene, 0, sizeof(*scene));
    rig_init(&scene->rig);
    client_join(&scene->alice, &scene->rig, 0, SRTP_AEAD_AES_128_GCM);
    client_join(&scene->bob, &scene->rig, 1, SRTP_AES128_CM_SHA1_80);
    client_open(&scene->stranger, &scene->rig);
    struct rig_producer audio = {.handle = shm_handle_make(0, 1),
                                 .transport = scene->alice.transport,
                                 .codec = KM__CODEC__OPUS,
                                 .payload_type = 111,
                                 .ssrcs = {ALICE_SSRC},
                                 .encodings = 1,
                                 .mid = "0"};
    struct rig_consumer consumer = {.handle = shm_handle_make(0, 1),
                                    .transport = scene->bob.transport,
                                    .producer = audio.handle,
                                    .ssrc = BOB_SSRC,
                                    .mid = "0"};
    assert_int_equal(rig_install_producer(&scene->rig, &audio), 0);
    assert_int_equal(rig_install_consumer(&scene->rig, &consumer), 0);
}

static void scene_deinit(struct scene *scene)
{
    client_close(&scene->alice);
    client_close(&scene->bob);
    client_close(&scene->stranger);
    rig_deinit(&scene->rig);
}

/* The next packet of alice's stream, protected, not yet sent. */
static size_t write_audio(struct scene *scene, uint8_t *data, size_t capacity)
{
    static const uint8_t payload[] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct rig_rtp rtp = {.ssrc = ALICE_SSRC,
                          .payload_type = 111,
                          .sequence = ++scene->sequence,
                          .timestamp = 960u * scene->sequence,
                          .mid = "0",
                          .payload = payload,
                          .payload_length = sizeof(payload)};
    return client_protect(&scene->alice, data, rig_write_rtp(data, capacity - 64, &rtp), false);
}

static bool bob_hears(struct scene *scene)
{
    struct rig_packet packet;
    struct rtp_header header;
    bool heard = false;

    while (client_receive_rtp(&scene->bob, &packet, &header))
        heard = true;
    return heard;
}

static bool alice_is_heard(struct scene *scene)
{
    uint8_t data[512];
    size_t length = write_audio(scene, data, sizeof(data));

    client_send_raw(&scene->alice, &scene->rig, data, length);
    return bob_hears(scene);
}

static void test_strangers_are_not_heard(void **state)
{
    struct scene scene;
    uint8_t data[512];
    static const uint8_t client_hello[] = {22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0};
    static const uint8_t rtcp[] = {0x80, 200, 0, 6, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    static const uint8_t quic[] = {0xc0, 1, 2, 3};

    (void)state;
    scene_init(&scene);
    size_t length = write_audio(&scene, data, sizeof(data));
    client_send_raw(&scene.stranger, &scene.rig, data, length);
    client_send_raw(&scene.stranger, &scene.rig, rtcp, sizeof(rtcp));
    client_send_raw(&scene.stranger, &scene.rig, client_hello, sizeof(client_hello));
    assert_int_equal(rig_drops(&scene.rig, DROP_unknown_tuple), 3);
    client_send_raw(&scene.stranger, &scene.rig, quic, sizeof(quic));
    assert_int_equal(rig_drops(&scene.rig, DROP_unknown_class), 1);
    client_send_raw(&scene.stranger, &scene.rig, "", 0);
    assert_int_equal(rig_drops(&scene.rig, DROP_empty), 1);
    uint32_t record;
    assert_null(ring_peek(&scene.rig.punts, &record));
    assert_false(bob_hears(&scene));

    /* The very packet is good when it comes from where ICE has seen alice. */
    client_send_raw(&scene.alice, &scene.rig, data, length);
    assert_true(bob_hears(&scene));
    scene_deinit(&scene);
}

static void test_forgeries_change_nothing(void **state)
{
    struct scene scene;
    uint8_t data[512], forged[512];

    (void)state;
    scene_init(&scene);
    assert_true(alice_is_heard(&scene));
    size_t length = write_audio(&scene, data, sizeof(data));
    for (size_t i = 2; i < length; i++) {
        memcpy(forged, data, length);
        forged[i] ^= 0x40;
        client_send_raw(&scene.alice, &scene.rig, forged, length);
    }
    assert_false(bob_hears(&scene));
    uint64_t refused = rig_drops(&scene.rig, DROP_srtp_authentication) +
                       rig_drops(&scene.rig, DROP_srtp_replay) + rig_drops(&scene.rig, DROP_srtp_too_short) +
                       rig_drops(&scene.rig, DROP_srtp_other);
    assert_int_equal(refused, length - 2);
    assert_true(rig_drops(&scene.rig, DROP_srtp_authentication) > length / 2);
    const struct shm_transport_row *row = shm_segment_at(&scene.rig.segment, SHM_SECTION_TRANSPORT, 0);
    assert_int_equal(row->drops_srtp, length - 2);
    client_send_raw(&scene.alice, &scene.rig, data, length);
    assert_true(bob_hears(&scene));
    scene_deinit(&scene);
}

static void test_replays_are_dropped(void **state)
{
    struct scene scene;
    uint8_t data[512], copy[512], rtcp[64];

    (void)state;
    scene_init(&scene);
    size_t length = write_audio(&scene, data, sizeof(data));
    for (unsigned i = 0; i < 3; i++) {
        memcpy(copy, data, length);
        client_send_raw(&scene.alice, &scene.rig, copy, length);
    }
    assert_int_equal(rig_drops(&scene.rig, DROP_srtp_replay), 2);
    assert_int_equal(scene.rig.worker->totals.rtp_forwarded, 1);

    int rtcp_length = rtcp_write_pli(rtcp, sizeof(rtcp), 1, BOB_SSRC);
    size_t protected_length = client_protect(&scene.bob, rtcp, (size_t)rtcp_length, true);
    client_send_raw(&scene.bob, &scene.rig, rtcp, protected_length);
    client_send_raw(&scene.bob, &scene.rig, rtcp, protected_length);
    assert_int_equal(rig_drops(&scene.rig, DROP_srtcp_replay), 1);

    for (unsigned i = 0; i < 1100; i++)
        write_audio(&scene, copy, sizeof(copy));
    assert_true(alice_is_heard(&scene));
    client_send_raw(&scene.alice, &scene.rig, data, length); /* long out of the window */
    assert_int_equal(rig_drops(&scene.rig, DROP_srtp_replay), 3);
    scene_deinit(&scene);
}

static void test_torn_packets(void **state)
{
    struct scene scene;
    uint8_t data[512], torn[512];

    (void)state;
    scene_init(&scene);
    size_t length = write_audio(&scene, data, sizeof(data));
    for (size_t cut = 1; cut < length; cut++) {
        memcpy(torn, data, cut);
        client_send_raw(&scene.alice, &scene.rig, torn, cut);
        torn[1] = 200; /* as SRTCP */
        client_send_raw(&scene.alice, &scene.rig, torn, cut);
    }
    /* CSRCs and an extension block that run past the end, before the cipher is asked. */
    memcpy(torn, data, length);
    torn[0] = 0x9f;
    client_send_raw(&scene.alice, &scene.rig, torn, length);
    assert_int_equal(scene.rig.worker->totals.rtp_forwarded, 0);
    assert_true(rig_drops(&scene.rig, DROP_srtp_too_short) > 30);
    assert_true(alice_is_heard(&scene));
    scene_deinit(&scene);
}

/* Authentic, but nonsense inside. */
static void test_malformed_inside(void **state)
{
    struct scene scene;
    uint8_t data[256];

    (void)state;
    scene_init(&scene);
    struct rig_rtp rtp = {.ssrc = ALICE_SSRC, .payload_type = 111, .sequence = 900, .padding = 8};
    size_t length = rig_write_rtp(data, sizeof(data), &rtp);
    data[length - 1] = 200; /* more padding than packet */
    client_send_raw(&scene.alice, &scene.rig, data, client_protect(&scene.alice, data, length, false));
    assert_int_equal(rig_drops(&scene.rig, DROP_rtp_malformed), 1);

    rtp = (struct rig_rtp){.ssrc = ALICE_SSRC, .payload_type = 55, .sequence = 901, .padding = 8};
    client_send_rtp(&scene.alice, &scene.rig, &rtp);
    assert_int_equal(rig_drops(&scene.rig, DROP_unknown_payload_type), 1);

    static const uint8_t lengths[][16] = {
        {0x80, 200, 0xff, 0xff, 0, 0, 0, 1, 1, 2, 3, 4},
        {0x9f, 201, 0, 2, 0, 0, 0, 1, 1, 2, 3, 4},
        {0x8f, 205, 0, 2, 0, 0, 0, 1, 1, 2, 3, 4},
        {0x40, 200, 0, 2, 0, 0, 0, 1, 1, 2, 3, 4},
    };
    for (unsigned i = 0; i < 4; i++) {
        if (lengths[i][0] >> 6 != 2)
            continue;
        client_send_rtcp(&scene.alice, &scene.rig, lengths[i], 12);
    }
    assert_int_equal(rig_drops(&scene.rig, DROP_rtcp_malformed), 3);

    uint8_t pli[16];
    int pli_length = rtcp_write_pli(pli, sizeof(pli), 1, 0x31337);
    client_send_rtcp(&scene.bob, &scene.rig, pli, (size_t)pli_length);
    assert_int_equal(rig_drops(&scene.rig, DROP_feedback_unknown_ssrc), 1);
    assert_true(alice_is_heard(&scene));
    scene_deinit(&scene);
}

/* Feedback counts only for what the same transport is sent. */
static void test_feedback_of_others_is_ignored(void **state)
{
    struct scene scene;
    uint8_t rtcp[64];

    (void)state;
    scene_init(&scene);
    struct rtcp_report_block block = {.ssrc = BOB_SSRC, .fraction_lost = 255, .cumulative_lost = 1000};
    int length = rtcp_write_rr(rtcp, sizeof(rtcp), 1, &block, 1);
    client_send_rtcp(&scene.alice, &scene.rig, rtcp, (size_t)length);
    const struct shm_consumer_row *row = shm_segment_at(&scene.rig.segment, SHM_SECTION_CONSUMER, 0);
    assert_int_equal(row->media.stats.packets_lost, 0);
    client_send_rtcp(&scene.bob, &scene.rig, rtcp, (size_t)length);
    assert_int_equal(row->media.stats.packets_lost, 1000);
    scene_deinit(&scene);
}

static void test_made_up_ssrcs_cost_no_memory(void **state)
{
    struct scene scene;
    struct mallinfo2 before = {0};
    uint8_t rtcp[16];

    (void)state;
    scene_init(&scene);
    for (uint32_t i = 0; i < 4000; i++) {
        struct rig_rtp rtp = {
            .ssrc = 0x50000000 + i, .payload_type = 111, .sequence = 1, .mid = "9", .padding = 4};
        client_send_rtp(&scene.alice, &scene.rig, &rtp);
        int length = rtcp_write_pli(rtcp, sizeof(rtcp), 0x60000000 + i, 1);
        client_send_rtcp(&scene.alice, &scene.rig, rtcp, (size_t)length);
        srtp_remove_stream(scene.alice.out, htonl(0x50000000 + i)); /* the client's own memory */
        srtp_remove_stream(scene.alice.out, htonl(0x60000000 + i));
        if (i == 100)
            before = mallinfo2();
    }
    assert_int_equal(rig_drops(&scene.rig, DROP_unknown_ssrc), 4000);
    assert_int_equal(rig_drops(&scene.rig, DROP_feedback_unknown_ssrc), 4000);
    struct mallinfo2 after = mallinfo2();
    assert_true(after.uordblks < before.uordblks + 20000);
    assert_true(alice_is_heard(&scene));
    scene_deinit(&scene);
}

static void test_media_without_keys(void **state)
{
    struct scene scene;
    uint8_t data[512];
    shm_handle transport = shm_handle_make(5, 1);

    (void)state;
    scene_init(&scene);
    assert_int_equal(rig_install_transport(&scene.rig, transport), 0);
    assert_int_equal(tuple_map_insert(&scene.rig.tuples, &scene.stranger.address, transport, 0), 0);
    size_t length = write_audio(&scene, data, sizeof(data));
    client_send_raw(&scene.stranger, &scene.rig, data, length);
    assert_int_equal(rig_drops(&scene.rig, DROP_no_keys), 1);
    scene_deinit(&scene);
}

static void hmac_sha1(const uint8_t *key, size_t key_length, const uint8_t *data, size_t length,
                      uint8_t ret_mac[STUN_INTEGRITY_BYTES])
{
    unsigned mac_length;
    HMAC(EVP_sha1(), key, (int)key_length, data, length, ret_mac, &mac_length);
}

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
    struct stun_key key = {(const uint8_t *)check->password, strlen(check->password), hmac_sha1};
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
    assert_true(stun_check_integrity(&message, (const uint8_t *)password, strlen(password), hmac_sha1));
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
    struct stun_key key = {(const uint8_t *)good_check.password, strlen(good_check.password), hmac_sha1};
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strangers_are_not_heard),
        cmocka_unit_test(test_forgeries_change_nothing),
        cmocka_unit_test(test_replays_are_dropped),
        cmocka_unit_test(test_torn_packets),
        cmocka_unit_test(test_malformed_inside),
        cmocka_unit_test(test_feedback_of_others_is_ignored),
        cmocka_unit_test(test_made_up_ssrcs_cost_no_memory),
        cmocka_unit_test(test_media_without_keys),
        cmocka_unit_test(test_checks_on_the_pair_are_answered),
        cmocka_unit_test(test_what_control_must_see_is_punted),
        cmocka_unit_test(test_bad_checks_are_dropped),
        cmocka_unit_test(test_punts_have_a_quota),
        cmocka_unit_test(test_consent_runs_out_and_comes_back),
        cmocka_unit_test(test_inject),
    };
    return RIG_RUN(tests);
}
