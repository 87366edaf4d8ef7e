/* A worker carries media between two clients: what comes out decrypts, and bears the receiver's numbers. */
#include "tests/unit/dataplane/engine_rig.h"

#include "dataplane/key_frame.h"
#include "proto/wire/twcc.h"
#include "proto/wire/vp8.h"

#define ALICE_AUDIO_SSRC 0x11111111u
#define ALICE_VIDEO_SSRC 0x22222222u
#define BOB_AUDIO_SSRC 0xaaaaaaaau
#define BOB_VIDEO_SSRC 0xbbbbbbbbu

static const uint8_t opus[] = {0xfc, 0xff, 0xfe, 1, 2, 3, 4, 5, 6, 7};

struct call {
    struct rig rig;
    struct client alice; /* sends */
    struct client bob;   /* receives */
    shm_handle audio;
    shm_handle video;
    shm_handle audio_consumer;
    shm_handle video_consumer;
    uint16_t sequence;
    uint16_t picture;
    uint32_t timestamp;
    uint16_t transport_sequence;
};

static void call_init(struct call *call, enum srtp_profile alice, enum srtp_profile bob)
{
    memset(call, 0, sizeof(*call));
    rig_init(&call->rig);
    client_join(&call->alice, &call->rig, 0, alice);
    client_join(&call->bob, &call->rig, 1, bob);
    call->audio = shm_handle_make(0, 1);
    call->video = shm_handle_make(1, 1);
    call->audio_consumer = shm_handle_make(5, 1);
    call->video_consumer = shm_handle_make(6, 1);
    call->sequence = 65530;
    call->picture = 100;
    call->timestamp = 0xfffff000u;
    struct rig_producer audio = {.handle = call->audio,
                                 .transport = call->alice.transport,
                                 .codec = KM__CODEC__OPUS,
                                 .payload_type = 111,
                                 .ssrcs = {ALICE_AUDIO_SSRC},
                                 .encodings = 1,
                                 .mid = "0"};
    struct rig_producer video = {.handle = call->video,
                                 .transport = call->alice.transport,
                                 .codec = KM__CODEC__VP8,
                                 .payload_type = 96,
                                 .ssrcs = {ALICE_VIDEO_SSRC},
                                 .encodings = 1,
                                 .mid = "1"};
    assert_int_equal(rig_install_producer(&call->rig, &audio), 0);
    assert_int_equal(rig_install_producer(&call->rig, &video), 0);
}

static void call_deinit(struct call *call)
{
    client_close(&call->alice);
    client_close(&call->bob);
    rig_deinit(&call->rig);
}

static void consume_audio(struct call *call)
{
    struct rig_consumer consumer = {.handle = call->audio_consumer,
                                    .transport = call->bob.transport,
                                    .producer = call->audio,
                                    .ssrc = BOB_AUDIO_SSRC,
                                    .mid = "7"};
    assert_int_equal(rig_install_consumer(&call->rig, &consumer), 0);
}

static void consume_video(struct call *call, bool paused)
{
    struct rig_consumer consumer = {.handle = call->video_consumer,
                                    .transport = call->bob.transport,
                                    .producer = call->video,
                                    .ssrc = BOB_VIDEO_SSRC,
                                    .mid = "8",
                                    .paused = paused};
    assert_int_equal(rig_install_consumer(&call->rig, &consumer), 0);
}

static void send_audio(struct call *call, uint16_t sequence, uint32_t timestamp)
{
    struct rig_rtp rtp = {.ssrc = ALICE_AUDIO_SSRC,
                          .payload_type = 111,
                          .sequence = sequence,
                          .timestamp = timestamp,
                          .mid = "0",
                          .transport_sequence = &call->transport_sequence,
                          .payload = opus,
                          .payload_length = sizeof(opus)};
    client_send_rtp(&call->alice, &call->rig, &rtp);
    call->transport_sequence++;
}

/* A whole VP8 frame in one packet: X, I (15 bits), then the frame tag, whose P bit tells key frames. */
static void send_frame(struct call *call, bool key)
{
    uint8_t payload[] = {0x90, 0x80, 0x80, 0, key ? 0x10 : 0x11, 2, 0, 0x9d, 0x01, 0x2a, 0x40, 1,
                         0xf0, 0,    5,    5};
    struct rig_rtp rtp = {.ssrc = ALICE_VIDEO_SSRC,
                          .payload_type = 96,
                          .sequence = call->sequence++,
                          .timestamp = call->timestamp,
                          .marker = true,
                          .transport_sequence = &call->transport_sequence,
                          .payload = payload,
                          .payload_length = sizeof(payload)};

    payload[2] = (uint8_t)(0x80 | call->picture >> 8);
    payload[3] = (uint8_t)call->picture++;
    call->timestamp += 3000;
    client_send_rtp(&call->alice, &call->rig, &rtp);
    call->transport_sequence++;
}

static bool receive_frame(struct call *call, struct rtp_header *ret_header, struct vp8_descriptor *ret_vp8)
{
    struct rig_packet packet;

    if (!client_receive_rtp(&call->bob, &packet, ret_header))
        return false;
    assert_int_equal(ret_header->ssrc, BOB_VIDEO_SSRC);
    assert_int_equal(ret_header->payload_type, 101);
    assert_int_equal(vp8_parse(packet.data + ret_header->payload_offset, ret_header->payload_length, ret_vp8),
                     0);
    return true;
}

static void check_audio(struct call *call, uint16_t *sequence, bool first)
{
    struct rig_packet packet;
    struct rtp_header header;
    struct rtp_ext_element element;

    assert_true(client_receive_rtp(&call->bob, &packet, &header));
    assert_int_equal(header.ssrc, BOB_AUDIO_SSRC);
    assert_int_equal(header.payload_type, 100);
    assert_int_equal(header.payload_length, sizeof(opus));
    assert_memory_equal(packet.data + header.payload_offset, opus, sizeof(opus));
    if (first)
        assert_true(header.sequence >= 1 && header.sequence <= 32767);
    else
        assert_int_equal(header.sequence, (uint16_t)(*sequence + 1));
    *sequence = header.sequence;

    assert_true(rtp_ext_find(packet.data, &header, 1, &element));
    assert_int_equal(element.length, 1);
    assert_int_equal(packet.data[element.offset], '7');
    assert_true(rtp_ext_find(packet.data, &header, 3, &element));
    assert_int_equal(element.length, 3);
    assert_true(rtp_ext_find(packet.data, &header, 6, &element));
    assert_false(rtp_ext_find(packet.data, &header, RIG_RID_ID, &element));
    assert_false(rtp_ext_find(packet.data, &header, RIG_TWCC_ID, &element));
}

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
    struct rig_packet packet;
    struct rtp_header header;
    struct rtp_ext_element element;

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
    struct rig_packet packet;
    struct rtcp_packet part;
    struct rtcp_feedback feedback;
    struct rtp_header header, next;
    struct vp8_descriptor vp8, vp8_next;

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
    struct rig_packet packet;
    struct rtcp_packet part;
    struct rtp_header before, after;
    struct vp8_descriptor vp8_before, vp8_after;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(&call, true);
    send_frame(&call, true);
    assert_false(receive_frame(&call, &before, &vp8_before));
    assert_int_equal(client_count_rtcp(&call.alice, RTCP_PSFB, RTCP_PSFB_PLI, &packet, &part), 0);
    assert_int_equal(rig_pause(&call.rig, KM__COMMAND__BODY_PAUSE_CONSUMER, call.video_consumer, false), 0);
    assert_int_equal(client_count_rtcp(&call.alice, RTCP_PSFB, RTCP_PSFB_PLI, &packet, &part), 1);
    send_frame(&call, true);
    assert_true(receive_frame(&call, &before, &vp8_before));

    assert_int_equal(rig_pause(&call.rig, KM__COMMAND__BODY_PAUSE_CONSUMER, call.video_consumer, true), 0);
    for (unsigned i = 0; i < 30; i++)
        send_frame(&call, i % 10 == 0);
    assert_false(receive_frame(&call, &after, &vp8_after));
    assert_int_equal(rig_pause(&call.rig, KM__COMMAND__BODY_PAUSE_CONSUMER, call.video_consumer, false), 0);
    send_frame(&call, false);
    assert_false(receive_frame(&call, &after, &vp8_after));
    send_frame(&call, true);
    assert_true(receive_frame(&call, &after, &vp8_after));
    assert_true(vp8_after.key_frame);
    assert_int_equal(after.sequence, (uint16_t)(before.sequence + 1));
    assert_int_equal(vp8_after.picture_id, vp8_before.picture_id + 1);
    assert_true(rtp_timestamp_newer(after.timestamp, before.timestamp));
    call_deinit(&call);
}

static void test_paused_producer_is_counted_not_forwarded(void **state)
{
    struct call call;
    struct rig_packet packet;
    struct rtp_header header;
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

static void send_pli(struct call *call)
{
    uint8_t rtcp[64];
    int length = rtcp_write_pli(rtcp, sizeof(rtcp), 1, BOB_VIDEO_SSRC);

    client_send_rtcp(&call->bob, &call->rig, rtcp, (size_t)length);
}

static void test_pli_goes_upstream_once_an_interval(void **state)
{
    struct call call;
    struct rig_packet packet;
    struct rtcp_packet part;
    const struct shm_stream_row *stream;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(&call, false);
    stream = shm_segment_at(&call.rig.segment, SHM_SECTION_STREAM, 3);
    send_frame(&call, true);
    assert_int_equal(stream->key_frames, 1);
    struct key_frame_request *request = &((struct shm_stream_row *)stream)->key_frame;
    request->asked_us = 0; /* as if the last request were long ago */
    client_count_rtcp(&call.alice, RTCP_PSFB, -1, &packet, &part);
    for (unsigned i = 0; i < 20; i++)
        send_pli(&call);
    assert_int_equal(client_count_rtcp(&call.alice, RTCP_PSFB, RTCP_PSFB_PLI, &packet, &part), 1);

    request->asked_us -= KEY_FRAME_INTERVAL_US; /* the interval is over, and none came */
    rig_wait_ms(&call.rig, 120);
    assert_int_equal(client_count_rtcp(&call.alice, RTCP_PSFB, RTCP_PSFB_PLI, &packet, &part), 1);

    send_frame(&call, true);
    request->asked_us -= KEY_FRAME_INTERVAL_US;
    rig_wait_ms(&call.rig, 120);
    assert_int_equal(client_count_rtcp(&call.alice, RTCP_PSFB, RTCP_PSFB_PLI, &packet, &part), 0);
    const struct shm_consumer_row *consumer = shm_segment_at(&call.rig.segment, SHM_SECTION_CONSUMER, 6);
    assert_int_equal(consumer->media.stats.plis, 20);
    call_deinit(&call);
}

static void test_reports(void **state)
{
    struct call call;
    struct rig_packet packet;
    struct rtcp_packet part;
    struct rtcp_sender_info info;
    struct rtcp_report_block block;
    uint8_t rtcp[128];
    uint32_t ssrc;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_audio(&call);
    for (uint16_t i = 0; i < 20; i++) {
        if (i != 5)
            send_audio(&call, (uint16_t)(100 + i), 960u * i);
    }
    struct rtcp_sender_info alice = {
        .ssrc = ALICE_AUDIO_SSRC, .ntp = 0x1122334455667788u, .rtp_timestamp = 960 * 19, .packet_count = 19};
    int length = rtcp_write_sr(rtcp, sizeof(rtcp), &alice, NULL, 0);
    client_send_rtcp(&call.alice, &call.rig, rtcp, (size_t)length);
    rig_wait_ms(&call.rig, 300);

    assert_true(client_count_rtcp(&call.alice, RTCP_RR, -1, &packet, &part) >= 1);
    assert_int_equal(rtcp_parse_rr(&part, &ssrc), 0);
    assert_true(rtcp_report_block(&part, 0, &block));
    assert_int_equal(block.ssrc, ALICE_AUDIO_SSRC);
    assert_int_equal(block.cumulative_lost, 1);
    assert_int_equal(block.highest_sequence & 0xffff, 119);

    assert_int_equal(client_count_rtcp(&call.bob, RTCP_SR, -1, &packet, &part), 1);
    assert_int_equal(rtcp_parse_sr(&part, &info), 0);
    assert_int_equal(info.ssrc, BOB_AUDIO_SSRC);
    assert_int_equal(info.packet_count, 19);
    assert_int_equal(info.octet_count, 19 * sizeof(opus));
    struct rtcp_packet sdes = {.data = part.data + part.length,
                               .length = load_be16(part.data + part.length + 2)};
    assert_int_equal(sdes.data[1], RTCP_SDES);
    assert_non_null(memmem(sdes.data, 24, "peer-cname", 10));

    struct rtcp_report_block answer = {.ssrc = BOB_AUDIO_SSRC,
                                       .fraction_lost = 12,
                                       .cumulative_lost = 2,
                                       .lsr = (uint32_t)(info.ntp >> 16),
                                       .dlsr = 0};
    length = rtcp_write_rr(rtcp, sizeof(rtcp), 1, &answer, 1);
    client_send_rtcp(&call.bob, &call.rig, rtcp, (size_t)length);
    const struct shm_consumer_row *consumer = shm_segment_at(&call.rig.segment, SHM_SECTION_CONSUMER, 5);
    assert_int_equal(consumer->media.stats.packets_lost, 2);
    assert_int_equal(consumer->media.stats.fraction_lost, 12);
    assert_true(consumer->media.stats.rtt_us > 0);
    call_deinit(&call);
}

static void test_transport_feedback(void **state)
{
    struct call call;
    struct rig_packet packet;
    struct rtcp_packet part;
    struct twcc_feedback feedback;
    struct twcc_iterator iterator;
    struct twcc_status status;
    unsigned received = 0, lost = 0;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    for (uint16_t i = 0; i < 9; i++) {
        send_audio(&call, i, 960u * i);
        if (i == 4)
            call.transport_sequence++; /* one is lost on the way */
    }
    struct rig_rtp padding = {.ssrc = ALICE_AUDIO_SSRC,
                              .payload_type = 111,
                              .sequence = 9,
                              .timestamp = 960 * 8,
                              .transport_sequence = &call.transport_sequence,
                              .padding = 200};
    client_send_rtp(&call.alice, &call.rig, &padding);
    rig_wait_ms(&call.rig, 130);
    assert_int_equal(client_count_rtcp(&call.alice, RTCP_RTPFB, RTCP_RTPFB_TWCC, &packet, &part), 1);
    assert_int_equal(twcc_parse(&part, &feedback), 0);
    assert_int_equal(feedback.base_sequence, 0);
    assert_int_equal(feedback.media_ssrc, ALICE_AUDIO_SSRC);
    twcc_begin(&iterator, &feedback);
    while (twcc_next(&iterator, &status)) {
        received += status.received;
        lost += !status.received;
        assert_int_equal(status.received, status.sequence != 5);
    }
    assert_int_equal(received, 10);
    assert_int_equal(lost, 1);
    call_deinit(&call);
}

static void test_padding_leaves_no_gap(void **state)
{
    struct call call;
    struct rig_packet packet;
    struct rtp_header header;
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
    struct rtp_header header;
    struct vp8_descriptor vp8;
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
    call_deinit(&call);
}

static void test_late_transport_gets_key_frame(void **state)
{
    struct call call;
    struct client carol;
    struct rig_packet packet;
    struct rtcp_packet part;
    struct rtp_header header;

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

    assert_int_equal(tuple_map_insert(&call.rig.tuples, &carol.address, carol.transport), 0);
    assert_int_equal(rig_select(&call.rig, carol.transport, &carol.address), 0);
    assert_int_equal(rig_install_keys(&call.rig, carol.transport, SRTP_AEAD_AES_128_GCM, 21), 0);
    carol.in = client_context(SRTP_AEAD_AES_128_GCM, ssrc_any_inbound, 121);
    assert_int_equal(client_count_rtcp(&call.alice, RTCP_PSFB, RTCP_PSFB_PLI, &packet, &part), 1);
    send_frame(&call, true);
    assert_true(client_receive_rtp(&carol, &packet, &header));
    assert_int_equal(header.ssrc, 77);
    client_close(&carol);
    call_deinit(&call);
}

static void test_statistics(void **state)
{
    struct call call;
    struct statistics_worker worker;
    struct statistics_transport transport;
    struct statistics_stream stream;
    struct statistics_consumer consumer;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_audio(&call);
    for (uint16_t i = 0; i < 10; i++)
        send_audio(&call, i, 960u * i);
    rig_wait_ms(&call.rig, 600);
    assert_int_equal(statistics_read(&call.rig.statistics, STATISTICS_WORKER, 0, &worker, sizeof(worker)), 0);
    assert_int_equal(worker.rtp_forwarded, 10);
    assert_int_equal(worker.transports, 2);
    assert_int_equal(worker.producers, 2);
    assert_int_equal(worker.consumers, 1);
    assert_int_equal(worker.packets_received, 10);
    assert_int_equal(
        statistics_read(&call.rig.statistics, STATISTICS_TRANSPORT, 0, &transport, sizeof(transport)), 0);
    assert_true(transport.handle == call.alice.transport);
    assert_int_equal(transport.packets_received, 10);
    assert_int_equal(transport.remote_port, call.alice.address.port);
    assert_int_equal(transport.has_keys, 1);
    assert_int_equal(transport.srtp_profile, SRTP_AEAD_AES_128_GCM);
    assert_int_equal(statistics_read(&call.rig.statistics, STATISTICS_STREAM, 0, &stream, sizeof(stream)), 0);
    assert_int_equal(stream.ssrc, ALICE_AUDIO_SSRC);
    assert_int_equal(stream.packets, 10);
    assert_int_equal(stream.codec, KM__CODEC__OPUS);
    assert_int_equal(
        statistics_read(&call.rig.statistics, STATISTICS_CONSUMER, 5, &consumer, sizeof(consumer)), 0);
    assert_int_equal(consumer.packets, 10);
    assert_int_equal(consumer.ssrc, BOB_AUDIO_SSRC);

    assert_int_equal(rig_remove(&call.rig, KM__COMMAND__BODY_REMOVE_TRANSPORT, call.alice.transport), 0);
    assert_int_equal(
        statistics_read(&call.rig.statistics, STATISTICS_TRANSPORT, 0, &transport, sizeof(transport)), 0);
    assert_true(transport.handle == SHM_HANDLE_NONE);
    assert_int_equal(
        statistics_read(&call.rig.statistics, STATISTICS_CONSUMER, 5, &consumer, sizeof(consumer)), 0);
    assert_true(consumer.handle == SHM_HANDLE_NONE);
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
        cmocka_unit_test(test_pli_goes_upstream_once_an_interval),
        cmocka_unit_test(test_reports),
        cmocka_unit_test(test_transport_feedback),
        cmocka_unit_test(test_padding_leaves_no_gap),
        cmocka_unit_test(test_simulcast_by_rid),
        cmocka_unit_test(test_late_transport_gets_key_frame),
        cmocka_unit_test(test_statistics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
