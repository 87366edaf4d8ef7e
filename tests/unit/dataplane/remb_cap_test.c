#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dataplane/remb_cap.h"
#include "proto/wire/bytes.h"
#include "proto/wire/rtcp_feedback.h"

static struct rtcp_remb parse(const uint8_t *buffer, int length)
{
    struct rtcp_iterator iterator;
    struct rtcp_packet packet;
    struct rtcp_feedback feedback;
    struct rtcp_remb remb;
    assert_int_equal(rtcp_begin(&iterator, buffer, (size_t)length), 0);
    assert_true(rtcp_next(&iterator, &packet));
    assert_int_equal(rtcp_parse_feedback(&packet, &feedback), 0);
    assert_int_equal(rtcp_parse_remb(&feedback, &remb), 0);
    return remb;
}

static void test_every_interval(void **state)
{
    (void)state;
    const uint32_t ssrcs[] = {0x11, 0x22};
    struct remb_cap cap = {0};
    uint8_t buffer[128];

    assert_false(remb_cap_due(&cap, 1000000));
    remb_cap_set(&cap, 1500000);
    assert_int_equal(remb_cap_write(&cap, 1, ssrcs, 0, 1000000, buffer, sizeof(buffer)),
                     0); /* nobody to tell */
    assert_true(remb_cap_due(&cap, 1000000));
    assert_int_equal(remb_cap_write(&cap, 1, ssrcs, 2, 1000000, buffer, 10), -ENOSPC);
    int length = remb_cap_write(&cap, 1, ssrcs, 2, 1000000, buffer, sizeof(buffer));
    struct rtcp_remb remb = parse(buffer, length);
    assert_in_range(remb.bitrate_bps, 1500000 - 8, 1500000);
    assert_int_equal(remb.ssrc_count, 2);
    assert_int_equal(load_be32(remb.ssrcs + 4), 0x22);

    assert_false(remb_cap_due(&cap, 2499999));
    assert_true(remb_cap_due(&cap, 2500000));

    /* Another cap is told at once. */
    remb_cap_set(&cap, 300000);
    assert_true(remb_cap_due(&cap, 1000001));
}

static void test_lifting(void **state)
{
    (void)state;
    const uint32_t ssrc = 0x11;
    struct remb_cap cap = {0};
    uint8_t buffer[128];
    uint64_t now_us = 1000000;
    int messages = 0;

    remb_cap_set(&cap, 0); /* there was none */
    assert_false(remb_cap_due(&cap, now_us));
    remb_cap_set(&cap, 1500000);
    remb_cap_set(&cap, 0);
    for (int i = 0; i < 20; i++, now_us += REMB_CAP_INTERVAL_US) {
        int length = remb_cap_write(&cap, 1, &ssrc, 1, now_us, buffer, sizeof(buffer));
        if (length == 0)
            continue;
        assert_int_equal(parse(buffer, length).bitrate_bps, 0);
        messages++;
    }
    assert_int_equal(messages, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_interval),
        cmocka_unit_test(test_lifting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
