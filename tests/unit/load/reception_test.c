/* What receivers say: report blocks (RFC 3550 appendix A), and transport-wide feedback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/wire/twcc.h"
#include "tools/kolabmeet-load/reception.h"
#include "tools/kolabmeet-load/twcc_collector.h"

#define SECOND UINT64_C(1000000000)

static void loss_of_a_report(void **state)
{
    struct reception reception = {.clock_rate = 90000};
    struct rtcp_report_block block;

    (void)state;
    for (unsigned i = 0; i < 100; i++)
        if (i % 4 != 3)
            reception_take(&reception, (uint16_t)(65500 + i), 0, 0);
    reception_report(&reception, 7, SECOND, &block);
    assert_int_equal(block.ssrc, 7);
    assert_int_equal(block.cumulative_lost, 24); /* the last one is not missed yet */
    assert_int_equal(block.fraction_lost, 24 * 255 / 99);
    assert_int_equal(block.highest_sequence, 65500 + 98);
    assert_int_equal(block.lsr, 0);

    reception_take(&reception, (uint16_t)(65500 + 99), 0, 0);
    reception_report(&reception, 7, SECOND, &block);
    assert_int_equal(block.fraction_lost, 0); /* since then */
    assert_int_equal(block.cumulative_lost, 24);
}

static void time_since_the_sender_report(void **state)
{
    struct reception reception = {.clock_rate = 90000};
    struct rtcp_report_block block;

    (void)state;
    reception_take(&reception, 1, 0, 0);
    reception_take_sr(&reception, UINT64_C(0x1122334455667788), 10 * SECOND);
    reception_report(&reception, 7, 10 * SECOND + SECOND / 2, &block);
    assert_int_equal(block.lsr, 0x33445566);
    assert_int_equal(block.dlsr, 32768);
}

static void jitter(void **state)
{
    struct reception even = {.clock_rate = 90000};
    struct reception uneven = {.clock_rate = 90000};
    struct rtcp_report_block block;

    (void)state;
    for (unsigned i = 0; i < 1000; i++) { /* the timestamp wraps in between */
        uint32_t timestamp = 0xfffff000u + i * 3000;
        uint64_t arrival_ns = 10 * SECOND + i * SECOND / 30;
        reception_take(&even, (uint16_t)i, timestamp, arrival_ns);
        reception_take(&uneven, (uint16_t)i, timestamp, arrival_ns + (i % 2) * SECOND / 100);
    }
    reception_report(&even, 1, 0, &block);
    assert_in_range(block.jitter, 0, 2);
    reception_report(&uneven, 1, 0, &block);
    assert_in_range(block.jitter, 890, 910); /* 10 ms */
}

static void parse(const uint8_t *data, size_t length, struct twcc_feedback *ret_feedback)
{
    struct rtcp_iterator iterator;
    struct rtcp_packet packet;

    assert_int_equal(rtcp_begin(&iterator, data, length), 0);
    assert_true(rtcp_next(&iterator, &packet));
    assert_int_equal(twcc_parse(&packet, ret_feedback), 0);
}

static void feedback(void **state)
{
    static struct twcc_collector collector;
    struct twcc_feedback said;
    struct twcc_iterator iterator;
    struct twcc_status status;
    uint8_t buffer[1200];
    const uint16_t order[] = {65534, 0, 65535, 3};
    const bool arrived[] = {true, true, true, false, false, true};

    (void)state;
    twcc_collector_init(&collector, 9);
    assert_int_equal(twcc_collector_write(&collector, 1, buffer, sizeof buffer), 0);
    for (size_t i = 0; i < 4; i++)
        twcc_collector_take(&collector, order[i], SECOND + i * 1000000);
    size_t length = twcc_collector_write(&collector, 1, buffer, sizeof buffer);
    assert_true(length > 0);
    parse(buffer, length, &said);
    assert_int_equal(said.sender_ssrc, 9);
    assert_int_equal(said.base_sequence, 65534);
    assert_int_equal(said.status_count, 6);
    assert_int_equal(said.feedback_count, 0);
    twcc_begin(&iterator, &said);
    for (unsigned i = 0; i < 6; i++) {
        assert_true(twcc_next(&iterator, &status));
        assert_int_equal(status.sequence, (uint16_t)(65534 + i));
        assert_int_equal(status.received, arrived[i]);
    }

    twcc_collector_take(&collector, 2, 2 * SECOND); /* too late: said to be lost */
    twcc_collector_take(&collector, 5, 2 * SECOND);
    length = twcc_collector_write(&collector, 1, buffer, sizeof buffer);
    parse(buffer, length, &said);
    assert_int_equal(said.base_sequence, 4);
    assert_int_equal(said.status_count, 2);
    assert_int_equal(said.feedback_count, 1);
    assert_int_equal(twcc_collector_write(&collector, 1, buffer, sizeof buffer), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_of_a_report),
        cmocka_unit_test(time_since_the_sender_report),
        cmocka_unit_test(jitter),
        cmocka_unit_test(feedback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
