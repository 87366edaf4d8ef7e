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
    assert_int_equal(send_history_received(history, 65535, &packet), SEND_HISTORY_FIRST);
    assert_in_range(5000000000 - packet.sent_us, 0, SEND_HISTORY_UNIT_US - 1);
    assert_int_equal(packet.bytes, 1000);
    assert_int_equal(packet.cluster, 3);
    assert_int_equal(send_history_received(history, 65535, &packet), SEND_HISTORY_UNKNOWN);
    assert_int_equal(send_history_lost(history, 65535), SEND_HISTORY_UNKNOWN);
    assert_int_equal(send_history_lost(history, 0), SEND_HISTORY_FIRST);
    assert_int_equal(send_history_lost(history, 0), SEND_HISTORY_UNKNOWN);
    assert_int_equal(history->in_flight, 0);
    assert_int_equal(send_history_received(history, 0, &packet), SEND_HISTORY_LATE);
    assert_int_equal(send_history_received(history, 0, &packet), SEND_HISTORY_UNKNOWN);
    assert_int_equal(history->in_flight, 0);
    free(history);
}

static void test_never_sent_and_too_old(void **state)
{
    (void)state;
    struct send_history *history = calloc(1, sizeof(*history));
    struct send_history_packet packet = {0};

    assert_int_equal(send_history_received(history, 7, &packet), SEND_HISTORY_UNKNOWN);
    for (uint32_t i = 0; i < 3 * SEND_HISTORY_PACKETS; i++)
        send_history_add(history, (uint16_t)i, 100, 0, 1000 + i);
    assert_int_equal(history->in_flight, SEND_HISTORY_PACKETS);
    assert_int_equal(send_history_received(history, 3 * SEND_HISTORY_PACKETS, &packet), SEND_HISTORY_UNKNOWN);
    assert_int_equal(send_history_received(history, 2 * SEND_HISTORY_PACKETS - 1, &packet),
                     SEND_HISTORY_UNKNOWN);
    assert_int_equal(send_history_received(history, 2 * SEND_HISTORY_PACKETS, &packet), SEND_HISTORY_FIRST);
    /* A gap: what was not sent is not found. */
    send_history_add(history, 3 * SEND_HISTORY_PACKETS + 2, 100, 0, 9500);
    assert_int_equal(send_history_received(history, 3 * SEND_HISTORY_PACKETS + 1, &packet),
                     SEND_HISTORY_UNKNOWN);
    assert_int_equal(send_history_received(history, 3 * SEND_HISTORY_PACKETS + 2, &packet),
                     SEND_HISTORY_FIRST);
    /* A jump: what was before is another numbering. */
    send_history_add(history, 50000, 100, 0, 10000);
    assert_int_equal(send_history_received(history, 3 * SEND_HISTORY_PACKETS - 1, &packet),
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
    assert_int_equal(send_history_received(history, 1, &packet), SEND_HISTORY_FIRST);
    assert_int_equal(packet.bytes, 1170);
    assert_int_equal(send_history_received(history, 2, &packet), SEND_HISTORY_FIRST);
    assert_int_equal(packet.bytes, 1000);
    /* Hours of audio alone are no packet of hours. */
    for (int i = 0; i < 100000; i++)
        send_history_carry(history, 1000);
    uint32_t carried = 0;
    for (uint16_t i = 3; i < 20; i++) {
        send_history_add(history, i, 1000, 0, 1000);
        send_history_received(history, i, &packet);
        assert_in_range(packet.bytes, 1000, SEND_HISTORY_BYTES_MAX);
        carried += packet.bytes - 1000;
    }
    assert_int_equal(packet.bytes, 1000);
    assert_in_range(carried, 16384, 16384 + 1000);
    free(history);
}

/* Every pace from many packets at a time to one in some seconds, and pauses: a time that is found is the
 * right one, and found is what is young enough. */
static void test_times(void **state)
{
    (void)state;
    struct send_history *history = calloc(1, sizeof(*history));
    static uint64_t sent_us[65536];
    struct send_history_packet packet;
    uint64_t now_us = 123456789012345, random = 1, newest_us = 0;
    uint32_t found = 0, too_old = 0;

    for (uint32_t i = 0; i < 300000; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        uint64_t pace_us = (uint64_t)1 << (i / 7000 % 23);
        now_us += (random >> 33) % pace_us;
        send_history_add(history, (uint16_t)i, 100, 0, now_us);
        sent_us[i % 65536] = newest_us = now_us;
        uint32_t back = (uint32_t)(random >> 20) % (SEND_HISTORY_PACKETS + 100);
        if (back > i || i % 3 != 0)
            continue;
        uint64_t age_us = newest_us - sent_us[(i - back) % 65536];
        enum send_history_match match = send_history_received(history, (uint16_t)(i - back), &packet);
        if (match != SEND_HISTORY_UNKNOWN) {
            found++;
            assert_true(back < SEND_HISTORY_PACKETS && age_us < SEND_HISTORY_US);
            assert_in_range(sent_us[(i - back) % 65536] - packet.sent_us, 0, SEND_HISTORY_UNIT_US - 1);
        } else if (back < SEND_HISTORY_PACKETS && age_us >= SEND_HISTORY_US) {
            too_old++;
        }
        assert_true(history->in_flight <= SEND_HISTORY_PACKETS);
    }
    assert_true(found > 10000 && too_old > 10000);

    send_history_add(history, 7, 100, 0, now_us); /* a jump */
    send_history_add(history, 8, 100, 0, now_us + SEND_HISTORY_US - SEND_HISTORY_UNIT_US);
    assert_int_equal(history->in_flight, 2);
    send_history_add(history, 9, 100, 0, now_us + SEND_HISTORY_US);
    assert_int_equal(history->in_flight, 2);
    assert_int_equal(send_history_received(history, 7, &packet), SEND_HISTORY_UNKNOWN);
    assert_int_equal(send_history_received(history, 8, &packet), SEND_HISTORY_FIRST);
    free(history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_told_once),
        cmocka_unit_test(test_never_sent_and_too_old),
        cmocka_unit_test(test_audio_counts_with_the_next_number),
        cmocka_unit_test(test_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
