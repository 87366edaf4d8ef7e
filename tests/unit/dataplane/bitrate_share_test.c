#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/bitrate_share.h"
#include "tests/unit/dataplane/prng.h"

/* Two encodings of three temporal layers, as a camera sends them. */
static struct bitrate_share camera(uint8_t priority)
{
    return (struct bitrate_share){.priority = priority,
                                  .preferred_spatial = 1,
                                  .preferred_temporal = 3,
                                  .held_spatial = -1,
                                  .held_temporal = -1,
                                  .bps = {{60000, 90000, 150000}, {200000, 300000, 500000}}};
}

static void hold(struct bitrate_share *share)
{
    share->held_spatial = share->spatial;
    share->held_temporal = share->temporal;
    share->was_refused = share->spatial < 0;
}

static void assert_level(const struct bitrate_share *share, int spatial, int temporal)
{
    assert_int_equal(share->spatial, spatial);
    assert_int_equal(share->temporal, temporal);
}

static void test_enough_for_all(void **state)
{
    (void)state;
    struct bitrate_share shares[2] = {camera(1), camera(1)};

    assert_int_equal(bitrate_share_out(shares, 2, 2000000, true), 1000000);
    assert_level(&shares[0], 1, 2);
    assert_level(&shares[1], 1, 2);
    assert_false(shares[0].wants_more);
    assert_int_equal(bitrate_share_desired_bps(&shares[0]), 500000);
}

static void test_everyone_has_the_lowest_before_one_has_two(void **state)
{
    (void)state;
    struct bitrate_share shares[3] = {camera(9), camera(1), camera(1)};

    bitrate_share_out(shares, 3, 185000, true);
    assert_level(&shares[0], 0, 0);
    assert_level(&shares[1], 0, 0);
    assert_level(&shares[2], 0, 0);
    assert_true(shares[0].wants_more);

    /* Not even that: who comes last gets nothing. */
    bitrate_share_out(shares, 3, 130000, true);
    assert_level(&shares[0], 0, 0);
    assert_level(&shares[1], 0, 0);
    assert_level(&shares[2], -1, -1);
}

static void test_priority_climbs_faster(void **state)
{
    (void)state;
    struct bitrate_share shares[2] = {camera(255), camera(1)};

    bitrate_share_out(shares, 2, 640000, true);
    assert_level(&shares[0], 1, 2);
    assert_level(&shares[1], 0, 0);
    bitrate_share_out(shares, 2, 750000, true);
    assert_level(&shares[0], 1, 2);
    assert_level(&shares[1], 0, 2);
}

static void test_rising_needs_a_margin_and_leave(void **state)
{
    (void)state;
    struct bitrate_share share = camera(1);

    bitrate_share_out(&share, 1, 200000, true);
    assert_level(&share, 0, 2);
    hold(&share);
    bitrate_share_out(&share, 1, 310000, true); /* 300000 fits, with the margin it does not */
    assert_level(&share, 0, 2);
    bitrate_share_out(&share, 1, 2000000, false);
    assert_level(&share, 0, 2);
    assert_true(share.wants_more);
    bitrate_share_out(&share, 1, 340000, true);
    assert_level(&share, 1, 1);
    hold(&share);
    bitrate_share_out(&share, 1, 301000, true); /* what is held needs none */
    assert_level(&share, 1, 1);
    bitrate_share_out(&share, 1, 299000, true);
    assert_level(&share, 0, 2);
}

static void test_the_suspended_come_back_with_care(void **state)
{
    (void)state;
    struct bitrate_share share = camera(1);

    bitrate_share_out(&share, 1, 50000, true);
    assert_level(&share, -1, -1);
    hold(&share);
    bitrate_share_out(&share, 1, 61000, true);
    assert_level(&share, -1, -1);
    bitrate_share_out(&share, 1, 90000, false);
    assert_level(&share, -1, -1);
    bitrate_share_out(&share, 1, 90000, true);
    assert_level(&share, 0, 0);
    struct bitrate_share newcomer = camera(1);
    bitrate_share_out(&newcomer, 1, 61000, false); /* begins */
    assert_level(&newcomer, 0, 0);
}

static void test_layers_that_are_not_sent(void **state)
{
    (void)state;
    struct bitrate_share share = camera(1);

    memset(share.bps[0], 0, sizeof(share.bps[0]));
    bitrate_share_out(&share, 1, 2000000, true);
    assert_level(&share, 1, 2);
    bitrate_share_out(&share, 1, 250000, true);
    assert_level(&share, 1, 0); /* the lowest that there is */
    memset(share.bps[1], 0, sizeof(share.bps[1]));
    bitrate_share_out(&share, 1, 2000000, true);
    assert_level(&share, -1, -1);
    assert_false(share.wants_more);
    assert_int_equal(bitrate_share_desired_bps(&share), 0);

    share = camera(1); /* what is preferred is dead, above it something lives */
    share.preferred_spatial = 0;
    memset(share.bps[0], 0, sizeof(share.bps[0]));
    bitrate_share_out(&share, 1, 250000, true);
    assert_level(&share, 1, 0);
}

static void fill(struct bitrate_share *shares, unsigned count, struct prng *seed)
{
    for (unsigned i = 0; i < count; i++) {
        shares[i] = camera((uint8_t)(1 + (count - i) / 4));
        for (unsigned s = 0; s < 2; s++)
            for (unsigned t = 0; t < 3; t++)
                shares[i].bps[s][t] += (uint32_t)(prng_next(seed) % 10000);
    }
}

static void test_never_more_than_there_is(void **state)
{
    (void)state;
    struct bitrate_share shares[20];
    struct prng seed = {.state = 7};

    for (unsigned round = 0; round < 2000; round++) {
        unsigned count = 1 + (unsigned)(prng_next(&seed) % 20);
        fill(shares, count, &seed);
        for (unsigned turn = 0; turn < 4; turn++) {
            uint64_t available = prng_next(&seed) % 8000000;
            uint64_t used = bitrate_share_out(shares, count, available, turn % 2 == 0);
            uint64_t sum = 0;
            uint64_t lowest = 0, missing = UINT64_MAX;
            for (unsigned i = 0; i < count; i++) {
                bool nothing = shares[i].spatial < 0;
                sum += nothing ? 0 : shares[i].bps[shares[i].spatial][shares[i].temporal];
                lowest += nothing ? 0 : shares[i].bps[0][0];
                if (nothing && !shares[i].was_refused && shares[i].bps[0][0] < missing)
                    missing = shares[i].bps[0][0];
                hold(&shares[i]);
            }
            assert_int_equal(sum, used);
            assert_true(used <= available);
            /* A lowest level for all before a second for any. */
            assert_true(turn != 0 || missing == UINT64_MAX || lowest + missing > available);
        }
    }
}

static void test_does_not_flap_with_the_noise(void **state)
{
    (void)state;
    struct bitrate_share shares[4];
    struct prng seed = {.state = 11};

    for (uint64_t centre = 200000; centre < 2500000; centre += 50000) {
        unsigned changes = 0;
        fill(shares, 4, &seed);
        for (unsigned turn = 0; turn < 200; turn++) {
            uint64_t available = centre + centre * (prng_next(&seed) % 101) / 1000 - centre / 20;
            bitrate_share_out(shares, 4, available, true);
            for (unsigned i = 0; i < 4; i++) {
                changes += turn > 0 && shares[i].spatial != shares[i].held_spatial;
                hold(&shares[i]);
            }
        }
        /* Down to what the lowest of the noise carries; the margin is wider than the noise. */
        assert_in_range(changes, 0, 12);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_enough_for_all),
        cmocka_unit_test(test_everyone_has_the_lowest_before_one_has_two),
        cmocka_unit_test(test_priority_climbs_faster),
        cmocka_unit_test(test_rising_needs_a_margin_and_leave),
        cmocka_unit_test(test_the_suspended_come_back_with_care),
        cmocka_unit_test(test_layers_that_are_not_sent),
        cmocka_unit_test(test_never_more_than_there_is),
        cmocka_unit_test(test_does_not_flap_with_the_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
