/* What RTCP costs, and that nobody who has a reason to send it meets the limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/rtcp_limit.h"
#include "proto/wire/bytes.h"
#include "proto/wire/rtcp_feedback.h"

static struct rtcp_packet part_of(uint8_t type, uint8_t count, const uint8_t *data, uint32_t length)
{
    return (struct rtcp_packet){.data = data, .length = length, .type = type, .count = count};
}

static uint32_t twcc_units(uint16_t statuses, uint32_t length)
{
    uint8_t data[1500] = {0};
    struct rtcp_packet part = part_of(RTCP_RTPFB, RTCP_RTPFB_TWCC, data, length);

    store_be16(data + 14, statuses);
    return rtcp_limit_units(&part);
}

static void test_units(void **state)
{
    static const uint8_t data[1500];
    struct rtcp_packet part = part_of(RTCP_PSFB, RTCP_PSFB_PLI, data, 12);

    (void)state;
    assert_int_equal(rtcp_limit_units(&part), 1);
    part = part_of(RTCP_SDES, 0, data, 4);
    assert_int_equal(rtcp_limit_units(&part), 1);
    part = part_of(RTCP_RR, 1, data, 32);
    assert_int_equal(rtcp_limit_units(&part), 1);
    part = part_of(RTCP_RR, 31, data, 752);
    assert_int_equal(rtcp_limit_units(&part), 12);
    part = part_of(RTCP_RTPFB, RTCP_RTPFB_NACK, data, 12 + 4 * 30);
    assert_int_equal(rtcp_limit_units(&part), 31);
    assert_int_equal(twcc_units(50, 100), 2);
    assert_int_equal(twcc_units(2048, 24), 33); /* by what it makes a worker look at, not by its length */
    part =
        part_of(RTCP_RTPFB, RTCP_RTPFB_TWCC, data, 12); /* no feedback at all: refused where it is parsed */
    assert_int_equal(rtcp_limit_units(&part), 1);
}

/* Who is sent 200 videos of 30 Mbit/s in all, loses a twentieth, sends three layers and audio himself, and
 * reports each stream by itself; and at worst all of the reports fall on one moment. */
static void test_nobody_meets_the_limit(void **state)
{
    struct transport transport = {0};
    uint64_t now_us = 90000000;
    uint32_t refused = 0;

    (void)state;
    for (unsigned tick = 0; tick < 20 * 10; tick++, now_us += 50000) {
        refused += !rtcp_limit_admit(&transport, twcc_units(160, 20 + 160), now_us);
        for (unsigned i = 0; i < 6; i++) /* a compound: SR, SDES, REMB, XR, PLI, FIR */
            refused += !rtcp_limit_admit(&transport, 1, now_us);
        for (unsigned i = 0; i < 200 / 4; i++) /* NACKs of five a second and stream, two items each */
            refused += !rtcp_limit_admit(&transport, 2, now_us);
        for (unsigned i = 0; tick % 20 == 0 && i < (200 + 4) * 3; i++)
            refused += !rtcp_limit_admit(&transport, 1, now_us);
    }
    assert_int_equal(refused, 0);
}

static void test_a_flood_is_cut(void **state)
{
    struct transport transport = {0};
    uint64_t now_us = 90000000;
    uint64_t units = 0;

    (void)state;
    for (unsigned i = 0; i < 200000; i++, now_us += 10) /* two seconds */
        units += rtcp_limit_admit(&transport, twcc_units(2048, 24), now_us) ? 33 : 0;
    assert_in_range(units, 2.9 * RTCP_LIMIT_UNITS, 3 * RTCP_LIMIT_UNITS);
    now_us += 500000;
    assert_true(rtcp_limit_admit(&transport, RTCP_LIMIT_UNITS / 2, now_us));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_nobody_meets_the_limit),
        cmocka_unit_test(test_a_flood_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
