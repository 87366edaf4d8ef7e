/* Copies ahead of a loss. */
#include "tests/unit/dataplane/engine_call.h"

#include "dataplane/bandwidth.h"
#include "dataplane/estimator.h"
#include "dataplane/redundancy.h"

#define START_BPS 5000000u

static struct transport *bob_of(struct call *call)
{
    return transport_find(&call->rig.worker->transports, call->bob.transport);
}

static void begin(struct call *call)
{
    memset(call, 0, sizeof(*call));
    rig_init(&call->rig);
    call->rig.start_bps = START_BPS;
    client_join(&call->alice, &call->rig, 0, SRTP_AEAD_AES_128_GCM);
    client_join(&call->bob, &call->rig, 1, SRTP_AEAD_AES_128_GCM);
    call_produce(call);
    consume_video(call, false);
}

/* The path loses so much, says the receiver. */
static void lose(struct call *call, double ratio)
{
    struct transport *bob = bob_of(call);

    bob->estimator->loss.smoothed = ratio;
    redundancy_turn(bob, call->rig.worker->now_us);
}

/* Frames of one packet, each the last of its picture; how many bob gets of the stream, and of its RTX. */
static void exchange(struct call *call, unsigned frames, unsigned *ret_media, unsigned *ret_copies)
{
    struct rig_packet packet;
    struct rtp_header header;
    uint16_t newest = 0;

    *ret_media = *ret_copies = 0;
    for (unsigned i = 0; i < frames; i++) {
        send_frame(call, i == 0);
        rig_wait_ms(&call->rig, REDUNDANCY_DELAY_US / 1000 + 3);
        while (client_receive_rtp(&call->bob, &packet, &header)) {
            if (header.ssrc == BOB_VIDEO_SSRC) {
                newest = header.sequence;
                ++*ret_media;
            } else if (header.ssrc == BOB_VIDEO_RTX_SSRC && header.payload_length > 2) {
                assert_int_equal(load_be16(packet.data + header.payload_offset), newest);
                ++*ret_copies;
            }
        }
    }
}

static void test_last_packets_are_copied_where_some_are_lost(void **state)
{
    (void)state;
    struct call call;
    unsigned media, copies;

    begin(&call);
    exchange(&call, 5, &media, &copies);
    assert_int_equal(media, 5);
    assert_int_equal(copies, 0);
    for (unsigned i = 0; i < 5; i++) {
        lose(&call, 0.03); /* which a turn in between may have found to be otherwise */
        rig_pass_us(2000); /* the bucket for copies begins empty */
        unsigned one, copy;
        exchange(&call, 1, &one, &copy);
        assert_int_equal(one, 1);
        assert_int_equal(copy, 1);
    }
    assert_int_equal(bob_of(&call)->redundancy.copies, 5);
    assert_null(call.rig.worker->transports.busy);
    lose(&call, 0.001);
    assert_int_equal(bob_of(&call)->redundancy.level, REDUNDANCY_LEVEL_NONE);
    call_deinit(&call);
}

static void test_nothing_is_left_over(void **state)
{
    (void)state;
    struct call call;
    struct transport *bob;

    begin(&call);
    bob = bob_of(&call);
    bob->estimator->desired_bps = START_BPS;
    lose(&call, 0.2);
    assert_int_equal(bob->redundancy.level, REDUNDANCY_LEVEL_ALL);
    assert_int_equal(bob->redundancy.rate_bps, 0);
    assert_int_equal(redundancy_repeats(bob, 100, call.rig.worker->now_us + 1000000), 0);

    bob->estimator->desired_bps = START_BPS / 2;
    lose(&call, 0.2);
    assert_int_equal(bob->redundancy.rate_bps, START_BPS * 4 / 10);
    assert_int_equal(redundancy_repeats(bob, 100, call.rig.worker->now_us + 1000000), 2);
    bob->estimator->overuse.state = OVERUSE_OVERUSING;
    lose(&call, 0.2);
    assert_int_equal(bob->redundancy.rate_bps, 0);
    assert_int_equal(redundancy_repeats(bob, 100, call.rig.worker->now_us + 1000000), 0); /* nor saved */

    bob->row->available_bps = 0; /* no estimate: nothing is known of the path */
    lose(&call, 0.2);
    assert_int_equal(bob->redundancy.level, REDUNDANCY_LEVEL_NONE);
    call_deinit(&call);
}

/* A level ends at half of the loss that began it. */
static void test_levels(void **state)
{
    (void)state;
    static const struct {
        double loss;
        enum redundancy_level level;
    } steps[] = {{0.015, REDUNDANCY_LEVEL_NONE}, {0.02, REDUNDANCY_LEVEL_SOME},
                 {0.011, REDUNDANCY_LEVEL_SOME}, {0.07, REDUNDANCY_LEVEL_SOME},
                 {0.08, REDUNDANCY_LEVEL_ALL},   {0.05, REDUNDANCY_LEVEL_ALL},
                 {0.03, REDUNDANCY_LEVEL_SOME},  {0.009, REDUNDANCY_LEVEL_NONE}};
    struct call call;

    begin(&call);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        lose(&call, steps[i].loss);
        assert_int_equal(bob_of(&call)->redundancy.level, steps[i].level);
    }
    call_deinit(&call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_last_packets_are_copied_where_some_are_lost),
        cmocka_unit_test(test_nothing_is_left_over),
        cmocka_unit_test(test_levels),
    };
    return RIG_RUN(tests);
}
