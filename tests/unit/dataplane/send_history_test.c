#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dataplane/send_history.h"

static void test_told_once(void **state)
{
    (void)state;
    struct send_history *history = calloc(1, sizeof(*history));
    struct send_history_packet packet = {0};

    send_history_add(history, 65535, 1000, 3, 5000000000);
    send_history_add(history, 0, 1200, 0, 5000001000);
    assert_int_equal(history->in_flight, 2);
    assert_int_equal(send_history_received(history, 65535, 5000100000, &packet), SEND_HISTORY_FIRST);
    assert_int_equal(packet.sent_us, 5000000000);
    assert_int_equal(packet.bytes, 1000);
    assert_int_equal(packet.cluster, 3);
    assert_int_equal(send_history_received(history, 65535, 5000100000, &packet), SEND_HISTORY_UNKNOWN);
    assert_int_equal(send_history_lost(history, 65535), SEND_HISTORY_UNKNOWN);
    assert_int_equal(send_history_lost(history, 0), SEND_HISTORY_FIRST);
    assert_int_equal(send_history_lost(history, 0), SEND_HISTORY_UNKNOWN);
    assert_int_equal(history->in_flight, 0);
    assert_int_equal(send_history_received(history, 0, 5000200000, &packet), SEND_HISTORY_LATE);
    assert_int_equal(send_history_received(history, 0, 5000200000, &packet), SEND_HISTORY_UNKNOWN);
    assert_int_equal(history->in_flight, 0);
    free(history);
}

static void test_never_sent_and_too_old(void **state)
{
    (void)state;
    struct send_history *history = calloc(1, sizeof(*history));
    struct send_history_packet packet = {0};

    assert_int_equal(send_history_received(history, 7, 1, &packet), SEND_HISTORY_UNKNOWN);
    for (uint32_t i = 0; i < 3 * SEND_HISTORY_PACKETS; i++)
        send_history_add(history, (uint16_t)i, 100, 0, 1000 + i);
    assert_int_equal(history->in_flight, SEND_HISTORY_PACKETS);
    assert_int_equal(send_history_received(history, 3 * SEND_HISTORY_PACKETS, 9000, &packet),
                     SEND_HISTORY_UNKNOWN);
    assert_int_equal(send_history_received(history, 2 * SEND_HISTORY_PACKETS - 1, 9000, &packet),
                     SEND_HISTORY_UNKNOWN);
    assert_int_equal(send_history_received(history, 2 * SEND_HISTORY_PACKETS, 9000, &packet),
                     SEND_HISTORY_FIRST);
    /* A gap: what was not sent is not found. */
    send_history_add(history, 3 * SEND_HISTORY_PACKETS + 2, 100, 0, 9500);
    assert_int_equal(send_history_received(history, 3 * SEND_HISTORY_PACKETS + 1, 9600, &packet),
                     SEND_HISTORY_UNKNOWN);
    assert_int_equal(send_history_received(history, 3 * SEND_HISTORY_PACKETS + 2, 9600, &packet),
                     SEND_HISTORY_FIRST);
    /* A jump: what was before is another numbering. */
    send_history_add(history, 50000, 100, 0, 10000);
    assert_int_equal(send_history_received(history, 3 * SEND_HISTORY_PACKETS - 1, 11000, &packet),
                     SEND_HISTORY_UNKNOWN);
    assert_int_equal(history->in_flight, 1);
    free(history);
}

static void test_audio_counts_with_the_next_number(void **state)
{
    (void)state;
    struct send_history *history = calloc(1, sizeof(*history));
    struct send_history_packet packet = {0};

    send_history_carry(history, 80);
    send_history_carry(history, 90);
    send_history_add(history, 1, 1000, 0, 1000);
    send_history_add(history, 2, 1000, 0, 1000);
    assert_int_equal(send_history_received(history, 1, 2000, &packet), SEND_HISTORY_FIRST);
    assert_int_equal(packet.bytes, 1170);
    assert_int_equal(send_history_received(history, 2, 2000, &packet), SEND_HISTORY_FIRST);
    assert_int_equal(packet.bytes, 1000);
    /* Hours of audio alone are no packet of hours. */
    for (int i = 0; i < 100000; i++)
        send_history_carry(history, 1000);
    send_history_add(history, 3, 1000, 0, 1000);
    send_history_received(history, 3, 2000, &packet);
    assert_in_range(packet.bytes, 16000, 16383);
    free(history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_told_once),
        cmocka_unit_test(test_never_sent_and_too_old),
        cmocka_unit_test(test_audio_counts_with_the_next_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
