/* What may be sent once more: once a round trip, a share of the bitrate, and no more questions than that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/resend_limit.h"
#include "tests/unit/dataplane/prng.h"

static void once_a_round_trip(void **state)
{
    struct resend_limit limit = {0};
    uint64_t now_us = 70000000;

    (void)state;
    assert_false(resend_limit_is_repeat(&limit, 0, 0, now_us));
    resend_limit_sent(&limit, 0, now_us);
    assert_true(resend_limit_is_repeat(&limit, 0, 40000, now_us + 30000));
    assert_false(resend_limit_is_repeat(&limit, 0, 40000, now_us + 40000));
    assert_true(resend_limit_is_repeat(&limit, 0, 0, now_us + 80000)); /* 100 ms while none is known */
    assert_false(resend_limit_is_repeat(&limit, 0, 0, now_us + 100000));
    assert_false(resend_limit_is_repeat(&limit, 1, 40000, now_us));
    for (uint16_t i = 0; i < RESEND_LIMIT_RECENT; i++)
        resend_limit_sent(&limit, (uint16_t)(65530 + i), now_us + 200000);
    for (uint16_t i = 0; i < RESEND_LIMIT_RECENT; i++)
        assert_true(resend_limit_is_repeat(&limit, (uint16_t)(65530 + i), 40000, now_us + 210000));
}

/* Whoever asks without end gets no more than the share and the burst. */
static void a_share_of_the_bitrate(void **state)
{
    struct prng prng = {.state = 3};
    struct resend_limit limit = {0};
    uint64_t now_us = 1000000, begin_us = now_us, bytes = 0, items = 0;
    const uint64_t bitrate_bps = 2000000;

    (void)state;
    while (now_us < begin_us + 20000000) {
        now_us += prng_below(&prng, 3000);
        resend_limit_refill(&limit, bitrate_bps, now_us);
        for (unsigned i = 0; i < 10; i++) {
            if (!resend_limit_take_item(&limit))
                continue;
            items++;
            if (resend_limit_take_bytes(&limit, 1200))
                bytes += 1200;
        }
    }
    uint64_t share = bitrate_bps / 8 * RESEND_LIMIT_PERCENT / 100 * 20;
    assert_true(bytes <= share + RESEND_LIMIT_BURST_BYTES + 1200);
    assert_true(bytes >= share * 8 / 10);
    assert_true(items <= 20u * RESEND_LIMIT_ITEMS + RESEND_LIMIT_ITEMS);
    assert_true(items >= 15u * RESEND_LIMIT_ITEMS);
}

static void a_quiet_stream_may_be_repaired_too(void **state)
{
    struct resend_limit limit = {0};

    (void)state;
    resend_limit_refill(&limit, 0, 1000000);
    assert_true(resend_limit_take_bytes(&limit, RESEND_LIMIT_BURST_BYTES));
    assert_false(resend_limit_take_bytes(&limit, 1));
    resend_limit_refill(&limit, 0, 2000000);
    assert_true(resend_limit_take_bytes(&limit, RESEND_LIMIT_LEAST_BPS / 8));
    assert_false(resend_limit_take_bytes(&limit, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(once_a_round_trip),
        cmocka_unit_test(a_share_of_the_bitrate),
        cmocka_unit_test(a_quiet_stream_may_be_repaired_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
