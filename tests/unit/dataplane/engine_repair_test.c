/* What a sender lost on its way here is asked for, and goes to receivers under its own number. */
#include "tests/unit/dataplane/engine_pair.h"

#include "dataplane/key_frame.h"
#include "proto/wire/rtcp_xr.h"

#define ALICE_RTX_SSRC 0x22222223u

/* The frame that is next is lost. */
static void lose_frame(struct call *call)
{
    call->sequence++;
    call->picture++;
    call->timestamp += 3000;
}

/* Alice sends the frame that was lost so many frames ago, as RTX. */
static void repair(struct call *call, unsigned ago, uint16_t *rtx_sequence)
{
    uint16_t sequence = (uint16_t)(call->sequence - ago);
    uint16_t picture = (uint16_t)(call->picture - ago);
    uint8_t payload[] = {(uint8_t)(sequence >> 8),
                         (uint8_t)sequence,
                         0x90,
                         0x80,
                         (uint8_t)(0x80 | picture >> 8),
                         (uint8_t)picture,
                         0x11,
                         2,
                         0,
                         0x9d,
                         0x01,
                         0x2a,
                         0x40,
                         1,
                         0xf0,
                         0,
                         5,
                         5};
    struct rig_rtp rtp = {.ssrc = ALICE_RTX_SSRC,
                          .payload_type = 97,
                          .sequence = (*rtx_sequence)++,
                          .timestamp = call->timestamp - 3000 * ago,
                          .marker = true,
                          .mid = "1",
                          .payload = payload,
                          .payload_length = sizeof(payload)};
    client_send_rtp(&call->alice, &call->rig, &rtp);
}

/* The numbers that alice is asked for, in order. */
static unsigned asked_of_alice(struct call *call, uint16_t *ret_sequences, unsigned capacity)
{
    struct rig_packet packet;
    unsigned count = 0;

    while (client_receive(&call->alice, &packet)) {
        struct rtcp_iterator iterator;
        struct rtcp_packet part;
        struct rtcp_feedback feedback;
        struct rtcp_nack_iterator nacks;
        if (!packet.rtcp)
            continue;
        assert_int_equal(rtcp_begin(&iterator, packet.data, packet.length), 0);
        while (rtcp_next(&iterator, &part)) {
            if (part.type != RTCP_RTPFB || part.count != RTCP_RTPFB_NACK)
                continue;
            assert_int_equal(rtcp_parse_feedback(&part, &feedback), 0);
            assert_int_equal(feedback.media_ssrc, ALICE_VIDEO_SSRC);
            rtcp_nack_begin(&nacks, &feedback);
            while (count < capacity && rtcp_nack_next(&nacks, &ret_sequences[count]))
                count++;
        }
    }
    return count;
}

static unsigned plis_of_alice(struct call *call)
{
    struct rig_packet packet;
    struct rtcp_packet part;

    return client_count_rtcp(&call->alice, RTCP_PSFB, RTCP_PSFB_PLI, &packet, &part);
}

static const struct shm_stream_row *video_row(const struct call *call)
{
    return shm_segment_at(&call->rig.segment, SHM_SECTION_STREAM, 3);
}

static uint16_t receive_number(struct call *call, uint16_t *ret_picture)
{
    struct rtp_header header;
    struct vp8_descriptor vp8;

    assert_true(receive_frame(call, &header, &vp8));
    *ret_picture = vp8.picture_id;
    return header.sequence;
}

/* bob: on which worker he is. */
static void check_repair(struct call *call)
{
    uint16_t asked[8], picture, rtx_sequence = 500, first_picture;

    send_frame(call, true);
    uint16_t first = receive_number(call, &first_picture);
    lose_frame(call);
    lose_frame(call);
    send_frame(call, false);
    assert_int_equal(receive_number(call, &picture), (uint16_t)(first + 3));
    assert_int_equal(asked_of_alice(call, asked, 8), 2);
    assert_int_equal(asked[0], (uint16_t)(call->sequence - 3));
    assert_int_equal(asked[1], (uint16_t)(call->sequence - 2));

    repair(call, 2, &rtx_sequence);
    assert_int_equal(receive_number(call, &picture), (uint16_t)(first + 2));
    assert_int_equal(picture, first_picture + 2);
    repair(call, 3, &rtx_sequence);
    assert_int_equal(receive_number(call, &picture), (uint16_t)(first + 1));
    assert_int_equal(picture, first_picture + 1);
    assert_int_equal(video_row(call)->stats.repaired, 2);
    assert_int_equal(video_row(call)->nacks_sent, 2);

    /* What is not missing is a probe. */
    repair(call, 3, &rtx_sequence);
    repair(call, 1, &rtx_sequence);
    repair(call, 0, &rtx_sequence);
    assert_int_equal(rig_drops(&call->rig, DROP_rtx_unasked), 3);
    assert_int_equal(video_row(call)->stats.repaired, 2);
    assert_int_equal(video_row(call)->rtx_packets, 5);
    rig_wait_ms(&call->rig, 250);
    assert_int_equal(asked_of_alice(call, asked, 8), 0);
}

static void test_gaps_are_repaired(void **state)
{
    struct call call;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AES128_CM_SHA1_80);
    consume_video(&call, false);
    check_repair(&call);
    call_deinit(&call);
}

static void test_gaps_are_repaired_for_another_worker(void **state)
{
    struct pair pair;

    (void)state;
    pair_init(&pair);
    pair_consume(&pair);
    check_repair(&pair.call);
    pair_deinit(&pair);
}

static void test_questions_are_repeated_and_given_up(void **state)
{
    struct call call;
    struct rtp_header header;
    struct vp8_descriptor vp8;
    uint16_t asked[32];
    unsigned count = 0, plis;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(&call, false);
    send_frame(&call, true);
    assert_true(receive_frame(&call, &header, &vp8));
    plis = plis_of_alice(&call);
    lose_frame(&call);
    send_frame(&call, false);
    for (unsigned i = 0; i < 14; i++) {
        count += asked_of_alice(&call, asked + count, 32 - count);
        rig_wait_ms(&call.rig, 100);
        if (i == 10)
            assert_in_range(count, 5, 10);
    }
    count += asked_of_alice(&call, asked + count, 32 - count);
    assert_int_equal(count, 10);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(asked[i], (uint16_t)(call.sequence - 2));
    assert_true(video_row(&call)->plis_sent > plis);
    call_deinit(&call);
}

static void test_nobody_is_asked_for_what_nobody_gets(void **state)
{
    struct call call;
    uint16_t asked[8];

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    send_frame(&call, true);
    lose_frame(&call);
    send_frame(&call, false);
    assert_int_equal(asked_of_alice(&call, asked, 8), 0);
    call_deinit(&call);
}

/* The producer goes while something of it is missing. */
static void test_removal_while_something_is_missing(void **state)
{
    struct call call;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(&call, false);
    send_frame(&call, true);
    lose_frame(&call);
    send_frame(&call, false);
    assert_int_equal(rig_remove(&call.rig, KM__COMMAND__BODY_REMOVE_PRODUCER, call.video), 0);
    rig_wait_ms(&call.rig, 200);
    assert_null(call.rig.worker->repairs.first);
    call_deinit(&call);
}

static void test_broken_rtx(void **state)
{
    struct call call;
    const uint8_t payload[] = {0};
    struct rig_rtp rtp = {.ssrc = ALICE_RTX_SSRC,
                          .payload_type = 97,
                          .sequence = 1,
                          .mid = "1",
                          .payload = payload,
                          .payload_length = 1};

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(&call, false);
    send_frame(&call, true);
    client_send_rtp(&call.alice, &call.rig, &rtp);
    assert_int_equal(rig_drops(&call.rig, DROP_rtx_malformed), 1);
    rtp.sequence++;
    rtp.payload_length = 0;
    rtp.padding = 200;
    client_send_rtp(&call.alice, &call.rig, &rtp);
    assert_int_equal(rig_drops(&call.rig, DROP_rtx_unasked), 1);
    call_deinit(&call);
}

/* Alice answers our reference time as Chromium does, 30 ms later. */
static void test_round_trip_to_a_sender(void **state)
{
    struct call call;
    struct rig_packet packet;
    struct rtcp_packet part;
    struct rtcp_xr_iterator iterator;
    struct rtcp_xr_block block;
    uint32_t ssrc;
    uint64_t ntp;
    uint8_t answer[64];

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(&call, false);
    send_frame(&call, true);
    for (unsigned i = 0; i < 40; i++) {
        rig_wait_ms(&call.rig, 50);
        if (client_count_rtcp(&call.alice, RTCP_XR, -1, &packet, &part) > 0)
            break;
    }
    assert_int_equal(rtcp_xr_begin(&iterator, &part, &ssrc), 0);
    assert_int_equal(rtcp_xr_next(&iterator, &block), 1);
    assert_int_equal(rtcp_xr_parse_rrtr(&block, &ntp), 0);
    rig_pass_us(30000);
    struct rtcp_xr_dlrr dlrr = {.ssrc = ssrc + 1, .lrr = (uint32_t)(ntp >> 16), .dlrr = 0};
    const struct shm_transport_row *row = shm_segment_at(&call.rig.segment, SHM_SECTION_TRANSPORT, 0);
    int length = rtcp_write_xr_dlrr(answer, sizeof(answer), ALICE_VIDEO_SSRC, &dlrr, 1);
    client_send_rtcp(&call.alice, &call.rig, answer, (size_t)length);
    assert_int_equal(row->sender_rtt_us, 0); /* somebody else's */
    dlrr.ssrc = ssrc;
    length = rtcp_write_xr_dlrr(answer, sizeof(answer), ALICE_VIDEO_SSRC, &dlrr, 1);
    client_send_rtcp(&call.alice, &call.rig, answer, (size_t)length);
    assert_in_range(row->sender_rtt_us, 30000, 32000);
    call_deinit(&call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gaps_are_repaired),
        cmocka_unit_test(test_gaps_are_repaired_for_another_worker),
        cmocka_unit_test(test_questions_are_repeated_and_given_up),
        cmocka_unit_test(test_nobody_is_asked_for_what_nobody_gets),
        cmocka_unit_test(test_removal_while_something_is_missing),
        cmocka_unit_test(test_broken_rtx),
        cmocka_unit_test(test_round_trip_to_a_sender),
    };
    return RIG_RUN(tests);
}
