/* What is missing is asked for at once, again after a while, and not for ever; what is asked for is sent as
 * RFC 4588 has it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/wire/rtp.h"
#include "tools/kolabmeet-load/nack_list.h"
#include "tools/kolabmeet-load/packet_history.h"

static struct nack_list list;
static uint16_t due[NACK_LIST_MAX];

static int start(void **state)
{
    (void)state;
    memset(&list, 0, sizeof list);
    nack_list_take(&list, 70000, 0);
    return 0;
}

static void nothing_is_missing(void **state)
{
    (void)state;
    nack_list_take(&list, 70001, 0);
    nack_list_take(&list, 70001, 0);
    nack_list_take(&list, 69999, 0);
    assert_int_equal(nack_list_due(&list, 1000, due, NACK_LIST_MAX), 0);
}

static void a_gap_is_asked_for_at_once_and_again(void **state)
{
    (void)state;
    nack_list_take(&list, 70003, 1000);
    assert_int_equal(nack_list_due(&list, 1000, due, NACK_LIST_MAX), 2);
    assert_int_equal(due[0], 70001 - 65536);
    assert_int_equal(due[1], 70002 - 65536);
    assert_int_equal(nack_list_due(&list, 1000 + NACK_LIST_INTERVAL_NS - 1, due, NACK_LIST_MAX), 0);
    nack_list_take(&list, 70001, 2000);
    assert_int_equal(nack_list_due(&list, 1000 + NACK_LIST_INTERVAL_NS, due, NACK_LIST_MAX), 1);
    assert_int_equal(due[0], 70002 - 65536);
}

static void not_for_ever(void **state)
{
    unsigned asked = 0;

    (void)state;
    nack_list_take(&list, 70002, 0);
    for (uint64_t now_ns = 0; now_ns < 100 * NACK_LIST_INTERVAL_NS; now_ns += NACK_LIST_INTERVAL_NS)
        asked += (unsigned)nack_list_due(&list, now_ns, due, NACK_LIST_MAX);
    assert_int_equal(asked, NACK_LIST_TRIES);
    assert_int_equal(list.count, 0);
}

static void a_leap_keeps_the_newest(void **state)
{
    (void)state;
    nack_list_take(&list, 70010, 0);
    nack_list_take(&list, 80000, 0);
    assert_int_equal(nack_list_due(&list, 0, due, NACK_LIST_MAX), NACK_LIST_MAX);
    assert_int_equal(due[0], (uint16_t)(80000 - NACK_LIST_MAX));
    assert_int_equal(due[NACK_LIST_MAX - 1], (uint16_t)79999);
    nack_list_take(&list, 80002, 0);
    assert_int_equal(list.count, NACK_LIST_MAX);
    assert_int_equal(nack_list_due(&list, 0, due, NACK_LIST_MAX), 1);
    assert_int_equal(due[0], (uint16_t)80001);
}

static void history_forgets(void **state)
{
    static struct packet_history history;
    const uint8_t packet[20] = {0x80, 96};

    (void)state;
    assert_null(packet_history_find(&history, 0));
    packet_history_add(&history, 65535, packet, sizeof packet, 12);
    assert_non_null(packet_history_find(&history, 65535));
    packet_history_add(&history, (uint16_t)(65535 + PACKET_HISTORY_PACKETS), packet, sizeof packet, 12);
    assert_null(packet_history_find(&history, 65535));
}

static void rtx(void **state)
{
    static struct packet_history history;
    const struct rtp_header header = {
        .payload_type = 96, .marker = true, .sequence = 4711, .timestamp = 1234, .ssrc = 1};
    struct rtp_header repaired;
    uint8_t packet[20] = {0};
    uint8_t again[22];

    (void)state;
    rtp_write_fixed_header(packet, &header);
    memcpy(packet + 12, "payload!", 8);
    packet_history_add(&history, 4711, packet, sizeof packet, 12);
    const struct packet_history_entry *entry = packet_history_find(&history, 4711);
    assert_non_null(entry);
    assert_int_equal(packet_history_write_rtx(entry, 97, 2, 5, again, sizeof again - 1), 0);
    assert_int_equal(packet_history_write_rtx(entry, 97, 2, 5, again, sizeof again), 22);
    assert_int_equal(rtp_parse(again, sizeof again, &repaired), 0);
    assert_int_equal(repaired.payload_type, 97);
    assert_true(repaired.marker);
    assert_int_equal(repaired.sequence, 5);
    assert_int_equal(repaired.timestamp, 1234);
    assert_int_equal(repaired.ssrc, 2);
    assert_memory_equal(again + 12, "\x12\x67payload!", 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_is_missing, start),
        cmocka_unit_test_setup(a_gap_is_asked_for_at_once_and_again, start),
        cmocka_unit_test_setup(not_for_ever, start),
        cmocka_unit_test_setup(a_leap_keeps_the_newest, start),
        cmocka_unit_test(history_forgets),
        cmocka_unit_test(rtx),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
