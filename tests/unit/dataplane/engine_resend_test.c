/* A receiver that misses packets gets them once more, and no more than that. */
#include "tests/unit/dataplane/engine_pair.h"

#include "dataplane/resend_limit.h"
#include "dataplane/retransmit.h"

static void ask(struct call *call, struct rig *rig, uint32_t ssrc, const uint16_t *sequences, size_t count)
{
    uint8_t nack[1400];
    int length = rtcp_write_nack(nack, sizeof(nack), 1, ssrc, sequences, count);

    assert_true(length > 0);
    client_send_rtcp(&call->bob, rig, nack, (size_t)length);
}

/* Sends so many frames; ret_frames are as bob got them. */
static void exchange(struct call *call, unsigned count, struct rig_packet *ret_frames)
{
    struct rtp_header header;

    for (unsigned i = 0; i < count; i++) {
        send_frame(call, i == 0);
        assert_true(client_receive_rtp(&call->bob, &ret_frames[i], &header));
        assert_int_equal(header.ssrc, BOB_VIDEO_SSRC);
    }
}

/* The next packet is RTX of that frame: timestamp, marker and payload are the same, its number stands before
 * the payload. */
static bool receive_again(struct call *call, const struct rig_packet *frame)
{
    struct rig_packet packet;
    struct rtp_header header, original;

    if (!client_receive_rtp(&call->bob, &packet, &header))
        return false;
    assert_int_equal(rtp_parse(frame->data, frame->length, &original), 0);
    assert_int_equal(header.ssrc, BOB_VIDEO_RTX_SSRC);
    assert_int_equal(header.timestamp, original.timestamp);
    assert_int_equal(header.marker, original.marker);
    assert_int_equal(header.payload_length, original.payload_length + 2);
    assert_int_equal(load_be16(packet.data + header.payload_offset), original.sequence);
    assert_memory_equal(packet.data + header.payload_offset + 2, frame->data + original.payload_offset,
                        original.payload_length);
    return true;
}

static uint16_t number_of(const struct rig_packet *frame)
{
    return load_be16(frame->data + 2);
}

static void test_missing_packets_come_as_rtx(void **state)
{
    struct call call;
    struct rig_packet frames[40];

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(&call, false);
    exchange(&call, 40, frames);
    uint16_t missing[] = {number_of(&frames[1]), number_of(&frames[2]), number_of(&frames[39])};
    ask(&call, &call.rig, BOB_VIDEO_SSRC, missing, 3);
    assert_true(receive_again(&call, &frames[1]));
    assert_true(receive_again(&call, &frames[2]));
    assert_true(receive_again(&call, &frames[39]));
    assert_false(receive_again(&call, &frames[0]));
    const struct shm_consumer_row *row = shm_segment_at(&call.rig.segment, SHM_SECTION_CONSUMER, 6);
    assert_int_equal(row->media.stats.nacks, 3);
    assert_int_equal(row->media.stats.retransmissions, 3);
    call_deinit(&call);
}

static void test_once_a_round_trip(void **state)
{
    struct call call;
    struct rig_packet frames[2];

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(&call, false);
    exchange(&call, 2, frames);
    uint16_t missing = number_of(&frames[1]);
    ask(&call, &call.rig, BOB_VIDEO_SSRC, &missing, 1);
    assert_true(receive_again(&call, &frames[1]));
    ask(&call, &call.rig, BOB_VIDEO_SSRC, &missing, 1);
    assert_false(receive_again(&call, &frames[1]));
    assert_int_equal(rig_drops(&call.rig, DROP_nack_repeated), 1);
    rig_pass_us(RESEND_LIMIT_ROUND_TRIP_US);
    ask(&call, &call.rig, BOB_VIDEO_SSRC, &missing, 1);
    assert_true(receive_again(&call, &frames[1]));
    call_deinit(&call);
}

/* What was not sent, is too old, or of another time is not made up. */
static void test_what_cannot_be_answered_is_counted(void **state)
{
    struct call call;
    struct rig_packet frames[3];

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(&call, false);
    exchange(&call, 3, frames);
    uint16_t missing = (uint16_t)(number_of(&frames[2]) + 1);
    ask(&call, &call.rig, BOB_VIDEO_SSRC, &missing, 1);
    assert_int_equal(rig_drops(&call.rig, DROP_nack_not_sent), 1);
    missing = (uint16_t)(number_of(&frames[0]) - 1);
    ask(&call, &call.rig, BOB_VIDEO_SSRC, &missing, 1);
    assert_int_equal(rig_drops(&call.rig, DROP_nack_too_old), 1);
    ask(&call, &call.rig, BOB_VIDEO_RTX_SSRC, &missing, 1);
    assert_int_equal(rig_drops(&call.rig, DROP_feedback_unknown_ssrc), 1);
    rig_pass_us(RETRANSMIT_VIDEO_US + 10000);
    missing = number_of(&frames[2]);
    ask(&call, &call.rig, BOB_VIDEO_SSRC, &missing, 1);
    assert_int_equal(rig_drops(&call.rig, DROP_nack_too_old), 2);
    assert_false(receive_again(&call, &frames[2]));
    call_deinit(&call);
}

/* Audio of the rig has no RTX: the old index must not be used for other bytes. */
static void test_nothing_is_sent_twice_without_rtx(void **state)
{
    struct call call;
    struct rig_packet packet;
    struct rtp_header header;
    uint16_t sequence = 0;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_audio(&call);
    send_audio(&call, 1, 960);
    check_audio(&call, &sequence, true);
    ask(&call, &call.rig, BOB_AUDIO_SSRC, &sequence, 1);
    assert_false(client_receive_rtp(&call.bob, &packet, &header));
    assert_int_equal(rig_drops(&call.rig, DROP_nack_without_rtx), 1);
    call_deinit(&call);
}

/* A receiver that asks for everything all the time gets no more than its share. */
static void test_no_amplification(void **state)
{
    struct call call;
    struct rig_packet frames[20], packet;
    uint16_t missing[20];
    uint64_t bytes = 0;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(&call, false);
    exchange(&call, 20, frames);
    for (unsigned i = 0; i < 20; i++)
        missing[i] = number_of(&frames[i]);
    for (unsigned i = 0; i < 100; i++)
        ask(&call, &call.rig, BOB_VIDEO_SSRC, missing, 20);
    while (client_receive(&call.bob, &packet))
        bytes += packet.length;
    assert_true(bytes < 20 * 200);
    assert_int_equal(rig_drops(&call.rig, DROP_nack_repeated) + rig_drops(&call.rig, DROP_nack_quota),
                     100 * 20 - 20);
    assert_true(rig_drops(&call.rig, DROP_nack_quota) > 0);
    call_deinit(&call);
}

/* More than may be sent again, after an outage: its sender is asked for a key frame, and nothing is sent. */
static void test_a_key_frame_instead(void **state)
{
    enum { FRAMES = 60, ASKED = 50 };
    struct call call;
    static struct rig_packet frames[FRAMES];
    struct rig_packet packet;
    uint16_t missing[ASKED];

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(&call, false);
    exchange(&call, FRAMES, frames);
    struct shm_consumer_row *row = shm_segment_at(&call.rig.segment, SHM_SECTION_CONSUMER, 6);
    struct shm_stream_row *stream = shm_segment_at(&call.rig.segment, SHM_SECTION_STREAM, 3);
    for (unsigned i = 0; i < ASKED; i++)
        missing[i] = number_of(&frames[FRAMES - ASKED + i]);
    /* As if they had been larger: the share's buckets hold 40,000 bytes. */
    row->media.stats.bytes = row->media.stats.packets * 1000;
    stream->key_frame.seen_us = 0; /* long ago, that is */
    uint32_t asked = stream->key_frame.asked + stream->key_frame.wanted;
    ask(&call, &call.rig, BOB_VIDEO_SSRC, missing, ASKED);
    assert_false(client_receive(&call.bob, &packet));
    assert_int_equal(rig_drops(&call.rig, DROP_nack_budget), ASKED);
    assert_true(stream->key_frame.asked + stream->key_frame.wanted > asked);
    ask(&call, &call.rig, BOB_VIDEO_SSRC, missing, 3);
    assert_true(receive_again(&call, &frames[FRAMES - ASKED]));
    call_deinit(&call);
}

static void test_another_worker_answers(void **state)
{
    struct pair pair;
    struct rig_packet frames[10];

    (void)state;
    pair_init(&pair);
    pair_consume(&pair);
    exchange(&pair.call, 10, frames);
    uint16_t missing[] = {number_of(&frames[3]), number_of(&frames[4])};
    ask(&pair.call, &pair.second, BOB_VIDEO_SSRC, missing, 2);
    assert_true(receive_again(&pair.call, &frames[3]));
    assert_true(receive_again(&pair.call, &frames[4]));
    pair_deinit(&pair);
}

/* A forwarder that was killed does not keep its receivers from being answered. */
static void test_the_next_process_answers(void **state)
{
    struct call call;
    struct rig_packet frames[10];

    (void)state;
    if (rig_srtp == &srtp_libsrtp2) /* whose state ends with the process */
        skip();
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(&call, false);
    exchange(&call, 10, frames);
    worker_destroy(call.rig.worker);
    rig_start_worker(&call.rig);
    uint16_t missing[] = {number_of(&frames[3]), number_of(&frames[4])};
    ask(&call, &call.rig, BOB_VIDEO_SSRC, missing, 2);
    assert_true(receive_again(&call, &frames[3]));
    assert_true(receive_again(&call, &frames[4]));
    call_deinit(&call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing_packets_come_as_rtx),
        cmocka_unit_test(test_once_a_round_trip),
        cmocka_unit_test(test_what_cannot_be_answered_is_counted),
        cmocka_unit_test(test_nothing_is_sent_twice_without_rtx),
        cmocka_unit_test(test_no_amplification),
        cmocka_unit_test(test_a_key_frame_instead),
        cmocka_unit_test(test_another_worker_answers),
        cmocka_unit_test(test_the_next_process_answers),
    };
    return RIG_RUN(tests);
}
