/* A worker carries media between two clients: what comes out decrypts, and bears the receiver's numbers. */
#include "tests/unit/dataplane/engine_call.h"

static void carries_audio(enum srtp_profile alice, enum srtp_profile bob)
{
    struct call call;
    uint16_t sequence = 0;

    call_init(&call, alice, bob);
    consume_audio(&call);
    for (unsigned i = 0; i < 12; i++) { /* over the wrap of the sequence number */
        send_audio(&call, (uint16_t)(65530 + i), 960 * i);
        check_audio(&call, &sequence, i == 0);
    }
    assert_int_equal(call.rig.worker->totals.rtp_forwarded, 12);
    call_deinit(&call);
}

static void test_carries_audio(void **state)
{
    (void)state;
    carries_audio(SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_256_GCM);
    carries_audio(SRTP_AEAD_AES_256_GCM, SRTP_AES128_CM_SHA1_80);
    carries_audio(SRTP_AES128_CM_SHA1_80, SRTP_AEAD_AES_128_GCM);
}

static void test_numbers_transport_wide(void **state)
{
    struct call call;
    struct rig_packet packet = {0};
    struct rtp_header header = {0};
    struct rtp_ext_element element = {0};

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_audio(&call);
    consume_video(&call, false);
    send_audio(&call, 1, 960);
    send_frame(&call, true);
    send_audio(&call, 2, 1920);
    for (uint16_t i = 0; i < 3; i++) {
        assert_true(client_receive_rtp(&call.bob, &packet, &header));
        assert_true(rtp_ext_find(packet.data, &header, 6, &element));
        assert_int_equal(load_be16(packet.data + element.offset), i);
    }
    call_deinit(&call);
}

static void test_video_waits_for_key_frame(void **state)
{
    struct call call;
    struct rig_packet packet = {0};
    struct rtcp_packet part;
    struct rtcp_feedback feedback;
    struct rtp_header header = {0}, next = {0};
    struct vp8_descriptor vp8 = {0}, vp8_next = {0};

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(&call, false);
    send_frame(&call, false);
    send_frame(&call, false);
    assert_false(receive_frame(&call, &header, &vp8));
    assert_int_equal(rig_drops(&call.rig, DROP_consumer_waits_key_frame), 2);
    assert_int_equal(client_count_rtcp(&call.alice, RTCP_PSFB, RTCP_PSFB_PLI, &packet, &part), 1);
    assert_int_equal(rtcp_parse_feedback(&part, &feedback), 0);
    assert_int_equal(feedback.media_ssrc, ALICE_VIDEO_SSRC);
    assert_true(feedback.sender_ssrc != 0);

    send_frame(&call, true);
    send_frame(&call, false);
    assert_true(receive_frame(&call, &header, &vp8));
    assert_true(vp8.key_frame);
    assert_true(receive_frame(&call, &next, &vp8_next));
    assert_false(vp8_next.key_frame);
    assert_int_equal(next.sequence, (uint16_t)(header.sequence + 1));
    assert_int_equal(next.timestamp, header.timestamp + 3000);
    assert_int_equal(vp8_next.picture_id, vp8.picture_id + 1);
    assert_true(header.marker);
    call_deinit(&call);
}

static void test_paused_consumer_goes_on_at_key_frame(void **state)
{
    struct call call;
    struct rig_packet packet = {0};
    struct rtcp_packet part;
    struct rtp_header before = {0}, after = {0};
    struct vp8_descriptor vp8_before = {0}, vp8_after = {0};

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(&call, true);
    send_frame(&call, true);
    assert_false(receive_frame(&call, &before, &vp8_before));
    assert_int_equal(client_count_rtcp(&call.alice, RTCP_PSFB, RTCP_PSFB_PLI, &packet, &part), 0);
    assert_int_equal(rig_pause(&call.rig, KM__COMMAND__BODY_PAUSE_CONSUMER, call.video_consumer, false), 0);
    assert_int_equal(client_count_rtcp(&call.alice, RTCP_PSFB, RTCP_PSFB_PLI, &packet, &part), 0);
    assert_true(receive_frame(&call, &before, &vp8_before)); /* out of the store */

    assert_int_equal(rig_pause(&call.rig, KM__COMMAND__BODY_PAUSE_CONSUMER, call.video_consumer, true), 0);
    for (unsigned i = 0; i < 30; i++)
        send_frame(&call, i % 10 == 0);
    assert_false(receive_frame(&call, &after, &vp8_after));
    assert_int_equal(rig_pause(&call.rig, KM__COMMAND__BODY_PAUSE_CONSUMER, call.video_consumer, false), 0);
    for (unsigned i = 0; i < 10; i++) {
        assert_true(receive_frame(&call, &after, &vp8_after));
        assert_int_equal(vp8_after.key_frame, i == 0);
        assert_int_equal(after.sequence, (uint16_t)(before.sequence + 1));
        assert_int_equal(vp8_after.picture_id, vp8_before.picture_id + 1);
        assert_true(rtp_timestamp_newer(after.timestamp, before.timestamp));
        before = after;
        vp8_before = vp8_after;
    }
    send_frame(&call, false);
    assert_true(receive_frame(&call, &after, &vp8_after));
    assert_int_equal(after.sequence, (uint16_t)(before.sequence + 1));
    assert_int_equal(after.timestamp, before.timestamp + 3000);
    call_deinit(&call);
}

static void test_paused_producer_is_counted_not_forwarded(void **state)
{
    struct call call;
    struct rig_packet packet = {0};
    struct rtp_header header = {0};
    uint16_t sequence;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_audio(&call);
    send_audio(&call, 10, 9600);
    check_audio(&call, &sequence, true);
    assert_int_equal(rig_pause(&call.rig, KM__COMMAND__BODY_PAUSE_PRODUCER, call.audio, true), 0);
    for (uint16_t i = 11; i < 31; i++)
        send_audio(&call, i, 960u * i);
    assert_false(client_receive_rtp(&call.bob, &packet, &header));
    assert_int_equal(rig_drops(&call.rig, DROP_producer_paused), 20);
    const struct shm_stream_row *stream = shm_segment_at(&call.rig.segment, SHM_SECTION_STREAM, 0);
    assert_int_equal(stream->stats.packets, 21);
    assert_int_equal(rig_pause(&call.rig, KM__COMMAND__BODY_PAUSE_PRODUCER, call.audio, false), 0);
    send_audio(&call, 31, 960 * 31);
    check_audio(&call, &sequence, false);
    call_deinit(&call);
}

static void test_padding_leaves_no_gap(void **state)
{
    struct call call;
    struct rig_packet packet = {0};
    struct rtp_header header = {0};
    uint16_t sequence;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_audio(&call);
    send_audio(&call, 50, 1000);
    check_audio(&call, &sequence, true);
    struct rig_rtp padding = {
        .ssrc = ALICE_AUDIO_SSRC, .payload_type = 111, .sequence = 51, .timestamp = 1000, .padding = 100};
    client_send_rtp(&call.alice, &call.rig, &padding);
    assert_false(client_receive_rtp(&call.bob, &packet, &header));
    assert_int_equal(rig_drops(&call.rig, DROP_padding_only), 1);
    send_audio(&call, 52, 1960);
    check_audio(&call, &sequence, false);
    call_deinit(&call);
}

static void test_simulcast_by_rid(void **state)
{
    struct call call;
    struct rtp_header header = {0};
    struct vp8_descriptor vp8 = {0};
    shm_handle producer = shm_handle_make(2, 1);
    uint8_t key[] = {0x90, 0x80, 0x80, 1, 0x10, 2, 0, 0x9d, 0x01, 0x2a, 0x40, 1, 0xf0, 0};
    uint8_t delta[] = {0x90, 0x80, 0x80, 2, 0x11, 2, 0, 9, 9, 9};

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    struct rig_producer simulcast = {.handle = producer,
                                     .transport = call.alice.transport,
                                     .codec = KM__CODEC__VP8,
                                     .payload_type = 96,
                                     .encodings = 2,
                                     .mid = "2"};
    struct rig_consumer consumer = {.handle = call.video_consumer,
                                    .transport = call.bob.transport,
                                    .producer = producer,
                                    .ssrc = BOB_VIDEO_SSRC,
                                    .mid = "8"};
    assert_int_equal(rig_install_producer(&call.rig, &simulcast), 0);
    assert_int_equal(rig_install_consumer(&call.rig, &consumer), 0);
    assert_int_equal(call.rig.layers_changed, 0);

    struct rig_rtp low = {.ssrc = 1001,
                          .payload_type = 96,
                          .sequence = 500,
                          .timestamp = 90000,
                          .marker = true,
                          .mid = "2",
                          .rid = "r0",
                          .payload = key,
                          .payload_length = sizeof(key)};
    client_send_rtp(&call.alice, &call.rig, &low);
    assert_true(receive_frame(&call, &header, &vp8));
    Km__Event *event = rig_find_event(&call.rig, KM__EVENT__BODY_LAYERS_CHANGED);
    assert_non_null(event);
    assert_int_equal(event->layers_changed->consumer, call.video_consumer);
    assert_int_equal(event->layers_changed->spatial_layer, 0);
    km__event__free_unpacked(event, NULL);

    /* The upper encoding comes alive, but begins only with its key frame; till then the lower one goes on. */
    struct rig_rtp high = low;
    high.ssrc = 1002;
    high.rid = "r1";
    high.sequence = 9000;
    high.timestamp = 777;
    high.payload = delta;
    high.payload_length = sizeof(delta);
    client_send_rtp(&call.alice, &call.rig, &high);
    assert_false(receive_frame(&call, &header, &vp8));
    low.sequence++;
    low.timestamp += 3000;
    low.rid = low.mid = NULL; /* it is known now */
    low.payload = delta;
    low.payload_length = sizeof(delta);
    client_send_rtp(&call.alice, &call.rig, &low);
    assert_true(receive_frame(&call, &header, &vp8));
    uint16_t sequence = header.sequence;
    uint32_t timestamp = header.timestamp;

    high.sequence++;
    high.timestamp += 3000;
    high.payload = key;
    high.payload_length = sizeof(key);
    client_send_rtp(&call.alice, &call.rig, &high);
    assert_true(receive_frame(&call, &header, &vp8));
    assert_true(vp8.key_frame);
    assert_int_equal(header.sequence, (uint16_t)(sequence + 1));
    assert_true(rtp_timestamp_newer(header.timestamp, timestamp));
    event = rig_find_event(&call.rig, KM__EVENT__BODY_LAYERS_CHANGED);
    assert_non_null(event);
    assert_int_equal(event->layers_changed->spatial_layer, 1);
    km__event__free_unpacked(event, NULL);

    low.sequence++;
    client_send_rtp(&call.alice, &call.rig, &low);
    assert_false(receive_frame(&call, &header, &vp8));
    assert_int_equal(rig_drops(&call.rig, DROP_consumer_other_layer), 2);

    /* Paused, nothing is forwarded, and control is told so. */
    call.rig.layers_changed = 0;
    assert_int_equal(rig_pause(&call.rig, KM__COMMAND__BODY_PAUSE_CONSUMER, call.video_consumer, true), 0);
    assert_int_equal(call.rig.layers_changed, 1);
    call_deinit(&call);
}

static void test_late_transport_gets_key_frame(void **state)
{
    struct call call;
    struct client carol;
    struct rig_packet packet = {0};
    struct rtcp_packet part;
    struct rtp_header header = {0};

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    send_frame(&call, true);
    client_open(&carol, &call.rig);
    carol.transport = shm_handle_make(2, 1);
    assert_int_equal(rig_install_transport(&call.rig, carol.transport), 0);
    struct rig_consumer consumer = {.handle = shm_handle_make(9, 1),
                                    .transport = carol.transport,
                                    .producer = call.video,
                                    .ssrc = 77,
                                    .mid = "0"};
    assert_int_equal(rig_install_consumer(&call.rig, &consumer), 0);
    send_frame(&call, true);
    assert_int_equal(rig_drops(&call.rig, DROP_consumer_no_address), 1);
    assert_int_equal(client_count_rtcp(&call.alice, RTCP_PSFB, RTCP_PSFB_PLI, &packet, &part), 0);

    assert_int_equal(tuple_map_insert(&call.rig.tuples, &carol.address, carol.transport, 0), 0);
    assert_int_equal(rig_select(&call.rig, carol.transport, &carol.address), 0);
    assert_int_equal(rig_install_keys(&call.rig, carol.transport, SRTP_AEAD_AES_128_GCM, 21), 0);
    carol.in = client_context(SRTP_AEAD_AES_128_GCM, ssrc_any_inbound, 121);
    assert_int_equal(client_count_rtcp(&call.alice, RTCP_PSFB, RTCP_PSFB_PLI, &packet, &part), 0);
    assert_true(client_receive_rtp(&carol, &packet, &header));
    assert_int_equal(header.ssrc, 77);
    client_close(&carol);
    call_deinit(&call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_carries_audio),
        cmocka_unit_test(test_numbers_transport_wide),
        cmocka_unit_test(test_video_waits_for_key_frame),
        cmocka_unit_test(test_paused_consumer_goes_on_at_key_frame),
        cmocka_unit_test(test_paused_producer_is_counted_not_forwarded),
        cmocka_unit_test(test_padding_leaves_no_gap),
        cmocka_unit_test(test_simulcast_by_rid),
        cmocka_unit_test(test_late_transport_gets_key_frame),
    };
    return RIG_RUN(tests);
}
