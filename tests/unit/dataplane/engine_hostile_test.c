/* What a worker does not believe: strangers, forgeries, replays, torn packets, floods. */
#include "tests/unit/dataplane/engine_scene.h"

#include <malloc.h>

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

/* Authentic, and says that all of it and more is padding. */
static void send_lying_padding(struct scene *scene, uint32_t ssrc)
{
    uint8_t data[512];
    struct rig_rtp rtp = {.ssrc = ssrc,
                          .payload_type = 111,
                          .sequence = 1,
                          .payload = (const uint8_t *)"abcd",
                          .payload_length = 4};
    size_t length = rig_write_rtp(data, 400, &rtp);

    data[0] |= 0x20;
    data[length - 1] = 0;
    length = client_protect(&scene->alice, data, length, false);
    client_send_raw(&scene->alice, &scene->rig, data, length);
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
        /* Those that a producer's MID would let in but for their payload type, and those that cannot be
         * parsed. */
        struct rig_rtp unnamed = {.ssrc = 0x51000000 + i, .payload_type = 33, .sequence = 1, .mid = "0"};
        client_send_rtp(&scene.alice, &scene.rig, &unnamed);
        send_lying_padding(&scene, 0x52000000 + i);
        srtp_remove_stream(scene.alice.out, htonl(0x50000000 + i)); /* the client's own memory */
        srtp_remove_stream(scene.alice.out, htonl(0x51000000 + i));
        srtp_remove_stream(scene.alice.out, htonl(0x52000000 + i));
        srtp_remove_stream(scene.alice.out, htonl(0x60000000 + i));
        if (i == 100)
            before = mallinfo2();
    }
    assert_int_equal(rig_drops(&scene.rig, DROP_unknown_ssrc), 4000);
    assert_int_equal(rig_drops(&scene.rig, DROP_unknown_payload_type), 4000);
    assert_int_equal(rig_drops(&scene.rig, DROP_rtp_malformed), 4000);
    assert_int_equal(rig_drops(&scene.rig, DROP_feedback_unknown_ssrc), 4000);
    struct mallinfo2 after = mallinfo2();
    assert_true(after.uordblks < before.uordblks + 20000);
    assert_true(alice_is_heard(&scene));
    scene_deinit(&scene);
}

static void test_flood_of_a_known_sender_is_cut(void **state)
{
    struct scene scene;
    uint8_t data[512];

    (void)state;
    scene_init(&scene);
    struct shm_transport_row *row = shm_segment_at(&scene.rig.segment, SHM_SECTION_TRANSPORT, 0);
    row->remb.bitrate_bps = 1000; /* four times that: some ten packets a second */
    uint64_t begin_us = scene.rig.worker->now_us;
    for (unsigned i = 0; i < 400; i++) {
        size_t length = write_audio(&scene, data, sizeof(data));
        client_send_raw(&scene.alice, &scene.rig, data, length);
    }
    uint64_t seconds = (scene.rig.worker->now_us - begin_us) / 1000000 + 1;
    uint64_t forwarded = scene.rig.worker->totals.rtp_forwarded;
    assert_true(forwarded >= 5 && forwarded <= 15 * (seconds + 1));
    assert_int_equal(rig_drops(&scene.rig, DROP_incoming_limit), 400 - forwarded);
    row->remb.bitrate_bps = 0;
    while (bob_hears(&scene))
        continue;
    assert_true(alice_is_heard(&scene));
    scene_deinit(&scene);
}

/* 50 of the most that a worker can be asked to look at in the fewest bytes: "2048 packets are lost". */
static size_t write_lost_feedback(uint8_t *data)
{
    static const uint8_t feedback[24] = {0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 1,
                                         0,    0,   8, 0, 0, 0, 1, 1, 8, 0, 0, 0};

    for (unsigned i = 0; i < 50; i++)
        memcpy(data + i * sizeof(feedback), feedback, sizeof(feedback));
    return 50 * sizeof(feedback);
}

static void test_flood_of_feedback_is_cut(void **state)
{
    struct scene scene;
    uint8_t rtcp[1400];

    (void)state;
    scene_init(&scene);
    const struct shm_transport_row *row =
        shm_segment_at(&scene.rig.segment, SHM_SECTION_TRANSPORT, shm_handle_index(scene.bob.transport));
    size_t length = write_lost_feedback(rtcp);
    for (unsigned i = 0; i < 100; i++)
        client_send_rtcp(&scene.bob, &scene.rig, rtcp, length);
    assert_int_equal(rig_drops(&scene.rig, DROP_rtcp_malformed), 0);
    assert_in_range(row->twcc_feedbacks_received, 100, 4200 / 33);
    assert_in_range(rig_drops(&scene.rig, DROP_rtcp_limit), 96, 98);
    assert_true(alice_is_heard(&scene));

    rig_wait_ms(&scene.rig, 1000);
    uint64_t before = row->twcc_feedbacks_received;
    client_send_rtcp(&scene.bob, &scene.rig, rtcp, length);
    assert_int_equal(row->twcc_feedbacks_received, before + 50);
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
        cmocka_unit_test(test_flood_of_a_known_sender_is_cut),
        cmocka_unit_test(test_flood_of_feedback_is_cut),
    };
    return RIG_RUN(tests);
}
