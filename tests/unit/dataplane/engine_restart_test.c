/* A stream that begins anew, and what was sent of it before: its numbers mean nothing any more, and receivers
 * go on with a key frame. */
#include "tests/unit/dataplane/engine_call.h"

#include "dataplane/allocation.h"
#include "dataplane/forward.h"
#include "dataplane/layer_switch.h"

static struct shm_consumer_row *row_of(struct call *call)
{
    return shm_segment_at(&call->rig.segment, SHM_SECTION_CONSUMER, 6);
}

static void ask(struct call *call, uint16_t sequence)
{
    uint8_t nack[64];
    int length = rtcp_write_nack(nack, sizeof(nack), 1, BOB_VIDEO_SSRC, &sequence, 1);

    client_send_rtcp(&call->bob, &call->rig, nack, (size_t)length);
}

static void allow(struct call *call, uint32_t bps)
{
    struct transport *transport = transport_find(&call->rig.worker->transports, call->bob.transport);

    transport->row->available_bps = bps;
    allocation_estimate(call->rig.worker, transport);
}

/* The sender's numbers jump, which its second packet in a row confirms (RFC 3550 appendix A.1). */
static void jump(struct call *call, uint16_t by)
{
    call->sequence = (uint16_t)(call->sequence + by);
    send_frame(call, false);
    send_frame(call, false);
}

static unsigned count_frames(struct call *call, bool *ret_first_is_key, uint16_t *ret_sequence)
{
    struct rtp_header header;
    struct vp8_descriptor vp8;
    unsigned count = 0;

    while (receive_frame(call, &header, &vp8)) {
        if (count++ == 0)
            *ret_first_is_key = vp8.key_frame;
        *ret_sequence = header.sequence;
    }
    return count;
}

static void test_goes_on_with_a_key_frame(void **state)
{
    struct call call;
    struct rig_packet packet = {0};
    struct rtcp_packet part;
    bool is_key = false;
    uint16_t last = 0, next = 0;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(&call, false);
    for (unsigned i = 0; i < 5; i++)
        send_frame(&call, i == 0);
    assert_int_equal(count_frames(&call, &is_key, &last), 5);
    client_count_rtcp(&call.alice, RTCP_PSFB, RTCP_PSFB_PLI, &packet, &part);

    jump(&call, 20000);
    send_frame(&call, false);
    assert_int_equal(count_frames(&call, &is_key, &next), 0);
    rig_wait_ms(&call.rig, 1500); /* one request a second, and one was sent at the beginning */
    assert_true(client_count_rtcp(&call.alice, RTCP_PSFB, RTCP_PSFB_PLI, &packet, &part) > 0);

    send_frame(&call, true);
    send_frame(&call, false);
    assert_int_equal(count_frames(&call, &is_key, &next), 2);
    assert_true(is_key);
    assert_int_equal(next, (uint16_t)(last + 2));
    call_deinit(&call);
}

/* Who was suspended meanwhile has numbers of the life before: nothing of the new one is sent for them. */
static void test_while_suspended(void **state)
{
    struct call call;
    bool is_key = false;
    uint16_t last = 0, next = 0;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(&call, false);
    for (unsigned i = 0; i < 20; i++)
        send_frame(&call, i == 0);
    assert_int_equal(count_frames(&call, &is_key, &last), 20);
    allow(&call, 50);
    assert_int_equal(row_of(&call)->media.layer.reason, LAYER_REASON_SUSPENDED);

    uint16_t first = (uint16_t)(call.sequence - 20);
    jump(&call, 20000);
    assert_int_equal(row_of(&call)->restart, 1);
    /* It reaches the very numbers of the life before. */
    jump(&call, 20000);
    jump(&call, (uint16_t)(first - call.sequence));
    for (unsigned i = 0; i < 20; i++)
        send_frame(&call, false);
    uint64_t too_old = rig_drops(&call.rig, DROP_nack_too_old);
    ask(&call, last);
    assert_int_equal(rig_drops(&call.rig, DROP_nack_too_old), too_old + 1);
    assert_int_equal(row_of(&call)->media.stats.retransmissions, 0);

    allow(&call, 0);
    send_frame(&call, false);
    assert_int_equal(count_frames(&call, &is_key, &next), 0);
    send_frame(&call, true);
    assert_int_equal(count_frames(&call, &is_key, &next), 1);
    assert_true(is_key);
    assert_int_equal(next, (uint16_t)(last + 1));
    call_deinit(&call);
}

/* Suspended and back at any place between key frames, over and over: what follows a gap is always a key
 * frame. */
static void test_nothing_without_its_key_frame(void **state)
{
    struct call call;
    uint32_t random = 7;
    bool suspended = false, gap = false;
    unsigned seen = 0, resumed = 0;
    int last_picture = -1;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(&call, false);
    for (unsigned i = 0; i < 300; i++) {
        struct rtp_header header;
        struct vp8_descriptor vp8;

        random = random * 1664525u + 1013904223u;
        if (i > 30 && random >> 24 < 20) {
            suspended = !suspended;
            allow(&call, suspended ? 50 : 0);
            rig_rounds(&call.rig);
        }
        gap |= suspended;
        send_frame(&call, i % 25 == 0);
        while (receive_frame(&call, &header, &vp8)) {
            assert_false(suspended);
            if (gap) {
                assert_true(vp8.key_frame);
                resumed++;
            }
            gap = false;
            if (last_picture >= 0)
                assert_int_equal(vp8.picture_id, (last_picture + 1) & 0x7fff);
            last_picture = vp8.picture_id;
            seen++;
        }
    }
    assert_true(seen > 50 && resumed > 2);
    call_deinit(&call);
}

/* Of before a change of encoding nothing is sent once more, and nothing of the other encoding instead: the
 * key frame that follows makes it needless. */
static void test_numbers_before_a_change_of_encoding(void **state)
{
    enum { LOW_SSRC = 4001, HIGH_SSRC = 4101 };
    struct call call;
    struct rig_packet packet;
    struct rtp_header header;
    bool is_key = false;
    uint16_t low = 0, high = 0;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    struct rig_producer producer = {.handle = shm_handle_make(2, 1),
                                    .transport = call.alice.transport,
                                    .codec = KM__CODEC__VP8,
                                    .payload_type = 96,
                                    .ssrcs = {LOW_SSRC, HIGH_SSRC},
                                    .encodings = 2,
                                    .mid = "5"};
    assert_int_equal(rig_install_producer(&call.rig, &producer), 0);
    call.video = producer.handle;
    consume_video(&call, false);
    for (unsigned i = 0; i < 10; i++)
        send_frame_from(&call, LOW_SSRC, i == 0);
    assert_int_equal(count_frames(&call, &is_key, &low), 10);
    /* However long that took, the other one begins together with it. */
    producer_find(&call.rig.worker->streams, producer.handle)->alive_since_us = UINT64_MAX / 2;
    for (unsigned i = 0; i < 5; i++)
        send_frame_from(&call, HIGH_SSRC, i == 0);
    assert_int_equal(count_frames(&call, &is_key, &high), 5);
    assert_true(is_key);
    assert_int_equal(high, (uint16_t)(low + 5));

    ask(&call, low);
    ask(&call, (uint16_t)(low - 3));
    assert_int_equal(rig_drops(&call.rig, DROP_nack_too_old), 2);
    assert_false(client_receive_rtp(&call.bob, &packet, &header));
    ask(&call, (uint16_t)(low + 1));
    assert_true(client_receive_rtp(&call.bob, &packet, &header));
    assert_int_equal(header.ssrc, BOB_VIDEO_RTX_SSRC);
    call_deinit(&call);
}

/* An encoding that begins later than its producer is taken after two seconds of it, not before. */
static void test_newcomers_wait(void **state)
{
    enum { LOW_SSRC = 4001, HIGH_SSRC = 4101 };
    struct call call;
    struct rtp_header header;
    struct vp8_descriptor vp8;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    struct rig_producer producer = {.handle = shm_handle_make(2, 1),
                                    .transport = call.alice.transport,
                                    .codec = KM__CODEC__VP8,
                                    .payload_type = 96,
                                    .ssrcs = {LOW_SSRC, HIGH_SSRC},
                                    .encodings = 2,
                                    .mid = "5"};
    assert_int_equal(rig_install_producer(&call.rig, &producer), 0);
    call.video = producer.handle;
    consume_video(&call, false);
    send_frame_from(&call, LOW_SSRC, true);
    while (receive_frame(&call, &header, &vp8))
        ;
    struct producer *row = producer_find(&call.rig.worker->streams, producer.handle);
    row->alive_since_us -= LAYER_SWITCH_PROVEN_US; /* that long ago */
    struct transport *transport = transport_find(&call.rig.worker->transports, call.bob.transport);
    transport->row->available_bps = 3000000;

    send_frame_from(&call, HIGH_SSRC, true);
    assert_int_equal(row_of(&call)->media.layer.target, 0);
    assert_false(receive_frame(&call, &header, &vp8));
    row->streams[1]->alive_since_us -= LAYER_SWITCH_PROVEN_US;
    forward_turn(call.rig.worker, transport);
    assert_int_equal(row_of(&call)->media.layer.target, 1);
    send_frame_from(&call, HIGH_SSRC, true);
    assert_true(receive_frame(&call, &header, &vp8));
    call_deinit(&call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goes_on_with_a_key_frame),
        cmocka_unit_test(test_while_suspended),
        cmocka_unit_test(test_nothing_without_its_key_frame),
        cmocka_unit_test(test_numbers_before_a_change_of_encoding),
        cmocka_unit_test(test_newcomers_wait),
    };
    return RIG_RUN(tests);
}
