/* Who begins gets the last key frame out of the store, and what followed it, and then what is live. */
#include "tests/unit/dataplane/engine_pair.h"

#include "dataplane/bandwidth.h"
#include "dataplane/catch_up.h"

#define CAROL_SSRC 0xccccccccu

static unsigned plis_of_alice(struct call *call)
{
    struct rig_packet packet;
    struct rtcp_packet part;

    return client_count_rtcp(&call->alice, RTCP_PSFB, RTCP_PSFB_PLI, &packet, &part);
}

static void drain(struct client *client)
{
    struct rig_packet packet;

    while (client_receive(client, &packet))
        ;
}

/* Carol has a transport beside bob's, and consumes alice's video. */
static shm_handle carol_consumes(struct client *carol, struct call *call, struct rig *rig, bool paused)
{
    struct rig_consumer consumer = {.handle = shm_handle_make(9, 1),
                                    .transport = carol->transport,
                                    .producer = call->video,
                                    .ssrc = CAROL_SSRC,
                                    .mid = "8",
                                    .paused = paused};
    assert_int_equal(rig_install_consumer(rig, &consumer), 0);
    return consumer.handle;
}

/* The next frames of carol's are so many, a key frame and what followed it, each newer than the one before;
 * ret_last is the last. */
static void check_frames(struct client *carol, unsigned count, struct rtp_header *ret_last)
{
    struct rig_packet packet;
    struct rtp_header header;
    struct vp8_descriptor vp8, before = {0};

    for (unsigned i = 0; i < count; i++) {
        assert_true(client_receive_rtp(carol, &packet, &header));
        assert_int_equal(header.ssrc, CAROL_SSRC);
        assert_int_equal(vp8_parse(packet.data + header.payload_offset, header.payload_length, &vp8), 0);
        assert_int_equal(vp8.key_frame, i == 0);
        if (i > 0) {
            assert_int_equal(header.sequence, (uint16_t)(ret_last->sequence + 1));
            assert_int_equal(vp8.picture_id, (before.picture_id + 1) & 0x7fff);
            assert_true(rtp_timestamp_newer(header.timestamp, ret_last->timestamp));
        }
        before = vp8;
        *ret_last = header;
    }
}

static void check_joiner(struct pair *pair, struct rig *rig)
{
    struct call *call = &pair->call;
    struct client carol;
    struct rtp_header last = {0}, live;
    struct rig_packet packet;

    for (unsigned i = 0; i < 40; i++)
        send_frame(call, i == 0 || i == 10);
    drain(&call->bob);
    client_join(&carol, rig, 2 + rig->index, SRTP_AEAD_AES_128_GCM);
    plis_of_alice(call);
    carol_consumes(&carol, call, rig, false);
    check_frames(&carol, 30, &last);
    assert_int_equal(plis_of_alice(call), 0);

    /* What is live follows at its own distance. */
    send_frame(call, false);
    assert_true(client_receive_rtp(&carol, &packet, &live));
    assert_int_equal(live.sequence, (uint16_t)(last.sequence + 1));
    assert_int_equal(live.timestamp, last.timestamp + 3000);
    assert_false(client_receive_rtp(&carol, &packet, &live));
    client_close(&carol);
}

static void test_joiner_on_the_same_worker(void **state)
{
    struct pair pair;

    (void)state;
    pair_init(&pair);
    pair_consume(&pair);
    check_joiner(&pair, &pair.call.rig);
    pair_deinit(&pair);
}

static void test_joiner_on_another_worker(void **state)
{
    struct pair pair;

    (void)state;
    pair_init(&pair);
    pair_consume(&pair);
    check_joiner(&pair, &pair.second);
    pair_deinit(&pair);
}

/* However many begin at once, what is stored is looked at once. */
static void test_many_begin_at_once(void **state)
{
    enum { CONSUMERS = 8, FRAMES = 5 };
    struct call call;
    struct client carol;
    struct rig_packet packet;
    struct rtp_header header;
    unsigned received[CONSUMERS] = {0};

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(&call, true);
    client_join(&carol, &call.rig, 2, SRTP_AEAD_AES_128_GCM);
    struct shm_transport_row *row = shm_segment_at(&call.rig.segment, SHM_SECTION_TRANSPORT, 2);
    row->has_consent = 0;
    for (unsigned i = 0; i < CONSUMERS; i++) {
        struct rig_consumer consumer = {.handle = shm_handle_make(20 + i, 1),
                                        .transport = carol.transport,
                                        .producer = call.video,
                                        .ssrc = CAROL_SSRC + i,
                                        .mid = "8"};
        assert_int_equal(rig_install_consumer(&call.rig, &consumer), 0);
    }
    for (unsigned i = 0; i < FRAMES; i++)
        send_frame(&call, i == 0);
    uint64_t before = call.rig.worker->catch_ups.looks;
    assert_int_equal(rig_select(&call.rig, carol.transport, &carol.address), 0);
    assert_int_equal(call.rig.worker->catch_ups.looks, before + 1);
    while (client_receive_rtp(&carol, &packet, &header)) {
        assert_in_range(header.ssrc, CAROL_SSRC, CAROL_SSRC + CONSUMERS - 1);
        received[header.ssrc - CAROL_SSRC]++;
    }
    for (unsigned i = 0; i < CONSUMERS; i++)
        assert_int_equal(received[i], FRAMES);
    client_close(&carol);
    call_deinit(&call);
}

/* The old pictures come within a few milliseconds of the live one. */
static void test_timestamps_are_squeezed(void **state)
{
    struct call call;
    struct rig_packet packet;
    struct rtp_header first, header;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(&call, true);
    for (unsigned i = 0; i < 60; i++)
        send_frame(&call, i == 0);
    assert_int_equal(rig_pause(&call.rig, KM__COMMAND__BODY_PAUSE_CONSUMER, call.video_consumer, false), 0);
    assert_true(client_receive_rtp(&call.bob, &packet, &first));
    while (client_receive_rtp(&call.bob, &packet, &header))
        ;
    assert_int_equal(header.timestamp - first.timestamp, 59 * 3000 / 32);
    assert_int_equal(header.sequence, (uint16_t)(first.sequence + 59));

    /* And are the same when they are sent once more. */
    uint8_t nack[64];
    int length = rtcp_write_nack(nack, sizeof(nack), 1, BOB_VIDEO_SSRC, &first.sequence, 1);
    client_send_rtcp(&call.bob, &call.rig, nack, (size_t)length);
    assert_true(client_receive_rtp(&call.bob, &packet, &header));
    assert_int_equal(header.ssrc, BOB_VIDEO_RTX_SSRC);
    assert_int_equal(header.timestamp, first.timestamp);
    call_deinit(&call);
}

/* A frame of so many bytes. */
static void send_big_frame(struct call *call, bool key, size_t bytes)
{
    uint8_t payload[1200] = {0x90,
                             0x80,
                             (uint8_t)(0x80 | call->picture >> 8),
                             (uint8_t)call->picture,
                             key ? 0x10 : 0x11,
                             2,
                             0,
                             0x9d,
                             0x01,
                             0x2a,
                             0x40,
                             1};
    struct rig_rtp rtp = {.ssrc = ALICE_VIDEO_SSRC,
                          .payload_type = 96,
                          .timestamp = call->timestamp,
                          .payload = payload,
                          .payload_length = sizeof(payload)};

    for (size_t sent = 0; sent < bytes; sent += sizeof(payload)) {
        rtp.sequence = call->sequence++;
        rtp.marker = sent + sizeof(payload) >= bytes;
        client_send_rtp(&call->alice, &call->rig, &rtp);
        payload[0] = 0x80; /* no start of a partition any more */
    }
    call->picture++;
    call->timestamp += 3000;
}

/* What is too much for the receiver is not sent: a key frame is asked for. */
static void test_too_much_for_the_estimate(void **state)
{
    struct call call;
    struct rig_packet packet;
    struct rtp_header header;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(&call, true);
    send_big_frame(&call, true, 60000);
    for (unsigned i = 0; i < 4; i++) { /* until the bitrate is low again */
        rig_pass_us(550000);
        send_frame(&call, false);
    }
    struct consumer *consumer = consumer_find(&call.rig.worker->streams, call.video_consumer);
    consumer->transport->row->available_bps = 300000;
    assert_int_equal(rig_pause(&call.rig, KM__COMMAND__BODY_PAUSE_CONSUMER, call.video_consumer, false), 0);
    assert_int_equal(plis_of_alice(&call), 1);
    assert_false(client_receive_rtp(&call.bob, &packet, &header));
    call_deinit(&call);
}

/* What is much is spread, and live packets wait for their turn. */
static void test_nothing_overtakes(void **state)
{
    struct call call;
    struct rig_packet packet;
    struct rtp_header header;
    uint16_t expected = 0;
    unsigned received = 0;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(&call, true);
    send_big_frame(&call, true, 84000); /* 70 packets */
    assert_int_equal(rig_pause(&call.rig, KM__COMMAND__BODY_PAUSE_CONSUMER, call.video_consumer, false), 0);
    struct consumer *consumer = consumer_find(&call.rig.worker->streams, call.video_consumer);
    assert_true(consumer->catch_up.is_active);
    send_frame(&call, false);
    send_frame(&call, false);
    for (unsigned i = 0; i < 40 && consumer->catch_up.is_active; i++)
        rig_wait_ms(&call.rig, 5);
    assert_false(consumer->catch_up.is_active);
    send_frame(&call, false);
    while (client_receive_rtp(&call.bob, &packet, &header)) {
        if (received++ > 0)
            assert_int_equal(header.sequence, expected);
        expected = (uint16_t)(header.sequence + 1);
    }
    assert_int_equal(received, 73);
    call_deinit(&call);
}

/* One that goes, or pauses, while it is sent what is stored. */
static void test_ends_in_the_middle(void **state)
{
    struct call call;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(&call, true);
    send_big_frame(&call, true, 84000);
    struct consumer *consumer = consumer_find(&call.rig.worker->streams, call.video_consumer);
    assert_int_equal(rig_pause(&call.rig, KM__COMMAND__BODY_PAUSE_CONSUMER, call.video_consumer, false), 0);
    assert_true(consumer->catch_up.is_active);
    assert_int_equal(rig_pause(&call.rig, KM__COMMAND__BODY_PAUSE_CONSUMER, call.video_consumer, true), 0);
    assert_false(consumer->catch_up.is_active);
    send_big_frame(&call, true, 84000);
    assert_int_equal(rig_pause(&call.rig, KM__COMMAND__BODY_PAUSE_CONSUMER, call.video_consumer, false), 0);
    assert_true(consumer->catch_up.is_active);
    assert_int_equal(rig_remove(&call.rig, KM__COMMAND__BODY_REMOVE_CONSUMER, call.video_consumer), 0);
    assert_null(call.rig.worker->catch_ups.first);
    rig_wait_ms(&call.rig, 50);
    call_deinit(&call);
}

/* A receiver that paused for a moment has seen the last key frame: a new one is asked for. */
static void test_nothing_is_shown_twice(void **state)
{
    struct call call;
    struct rig_packet packet;
    struct rtp_header header;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(&call, false);
    for (unsigned i = 0; i < 10; i++)
        send_frame(&call, i == 0);
    drain(&call.bob);
    assert_int_equal(rig_pause(&call.rig, KM__COMMAND__BODY_PAUSE_CONSUMER, call.video_consumer, true), 0);
    send_frame(&call, false);
    rig_pass_us(1000000); /* since the request before */
    plis_of_alice(&call);
    assert_int_equal(rig_pause(&call.rig, KM__COMMAND__BODY_PAUSE_CONSUMER, call.video_consumer, false), 0);
    assert_int_equal(plis_of_alice(&call), 1);
    assert_false(client_receive_rtp(&call.bob, &packet, &header));
    call_deinit(&call);
}

/* The key frame is older than a receiver wants to see. */
static void test_old_key_frames_are_not_sent(void **state)
{
    struct call call;
    struct rig_packet packet;
    struct rtp_header header;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(&call, true);
    send_frame(&call, true);
    for (unsigned i = 0; i < CATCH_UP_AGE_MAX_US / 500000 + 1; i++) {
        rig_pass_us(500000);
        send_frame(&call, false);
    }
    plis_of_alice(&call);
    assert_int_equal(rig_pause(&call.rig, KM__COMMAND__BODY_PAUSE_CONSUMER, call.video_consumer, false), 0);
    assert_int_equal(plis_of_alice(&call), 1);
    assert_false(client_receive_rtp(&call.bob, &packet, &header));
    call_deinit(&call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_joiner_on_the_same_worker), cmocka_unit_test(test_joiner_on_another_worker),
        cmocka_unit_test(test_timestamps_are_squeezed),   cmocka_unit_test(test_too_much_for_the_estimate),
        cmocka_unit_test(test_nothing_overtakes),         cmocka_unit_test(test_ends_in_the_middle),
        cmocka_unit_test(test_nothing_is_shown_twice),    cmocka_unit_test(test_old_key_frames_are_not_sent),
        cmocka_unit_test(test_many_begin_at_once),
    };
    return RIG_RUN(tests);
}
