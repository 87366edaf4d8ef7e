/* What is asked for, when, and how often. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/nack.h"
#include "tests/unit/dataplane/prng.h"

#define RTT_US 40000u
#define RETRY_US (RTT_US + RTT_US / 8)
#define START_US 0xffffff00ull /* the low half of the time wraps at once */

static struct nack_list list;
static struct nack_turn turn;

static int set_up(void **state)
{
    (void)state;
    memset(&list, 0, sizeof(list));
    return 0;
}

static void a_gap_is_asked_for_at_once_and_together(void **state)
{
    (void)state;
    assert_true(nack_missed(&list, 65534, 4, START_US));
    nack_turn(&list, RTT_US, START_US, &turn);
    assert_int_equal(turn.count, 4);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(turn.sequences[i], (uint16_t)(65534 + i));
    assert_true(turn.next_us == START_US + RETRY_US);
    nack_turn(&list, RTT_US, START_US + RETRY_US - 1, &turn);
    assert_int_equal(turn.count, 0);
    assert_int_equal(nack_arrived(&list, 0, true, RTT_US, START_US + RTT_US), NACK_REPAIRED);
    assert_int_equal(nack_arrived(&list, 0, true, RTT_US, START_US + RTT_US), NACK_NOT_MISSED);
    nack_turn(&list, RTT_US, START_US + RETRY_US, &turn);
    assert_int_equal(turn.count, 3);
}

static void it_is_given_up_after_ten_times(void **state)
{
    uint64_t now_us = START_US;
    unsigned asked = 0;

    (void)state;
    nack_missed(&list, 7, 1, now_us);
    do {
        nack_turn(&list, RTT_US, now_us, &turn);
        asked += (unsigned)turn.count;
        assert_false(turn.gave_up && turn.next_us != UINT64_MAX);
        now_us = turn.next_us;
    } while (now_us != UINT64_MAX);
    assert_int_equal(asked, NACK_TRIES_MAX);
    assert_true(turn.gave_up);
    assert_int_equal(list.count, 0);
}

static void a_long_way_is_not_asked_over_for_ever(void **state)
{
    uint64_t now_us = START_US;
    unsigned asked = 0;

    (void)state;
    nack_missed(&list, 7, 1, now_us);
    do {
        nack_turn(&list, 600000, now_us, &turn);
        asked += (unsigned)turn.count;
        now_us = turn.next_us;
    } while (now_us != UINT64_MAX);
    assert_true(asked >= 3 && asked <= 5);
}

static void what_a_key_frame_replaced_is_no_loss(void **state)
{
    uint64_t now_us = START_US;

    (void)state;
    nack_missed(&list, 7, 1, now_us);
    nack_key_frame(&list, 20);
    nack_key_frame(&list, 10); /* late */
    do {
        nack_turn(&list, RTT_US, now_us, &turn);
        assert_false(turn.gave_up);
        now_us = turn.next_us;
    } while (now_us != UINT64_MAX);
}

static void too_much_is_not_asked_for(void **state)
{
    (void)state;
    assert_true(nack_missed(&list, 0, 600, START_US));
    nack_key_frame(&list, 700);
    assert_true(nack_missed(&list, 800, 600, START_US)); /* the first 600 stand before the key frame */
    assert_int_equal(list.count, 600);
    assert_false(nack_missed(&list, 2000, 600, START_US));
    assert_int_equal(list.count, 0);
    assert_false(nack_missed(&list, 3000, NACK_LIST_MAX + 1, START_US));
    assert_true(nack_missed(&list, 5000, NACK_LIST_MAX, START_US));
    nack_turn(&list, RTT_US, START_US, &turn);
    assert_int_equal(turn.count, NACK_LIST_MAX);
}

/* A network that lets packets overtake one another is given the time that this takes; one that just loses
 * them is asked at once again. */
static void overtaking_is_waited_for(void **state)
{
    uint64_t now_us = START_US;

    (void)state;
    nack_missed(&list, 1, 1, now_us);
    nack_turn(&list, RTT_US, now_us, &turn);
    assert_int_equal(turn.count, 1);
    assert_int_equal(nack_arrived(&list, 1, false, RTT_US, now_us + 6000), NACK_OVERTAKEN);
    now_us += 20000;
    nack_missed(&list, 3, 1, now_us);
    nack_turn(&list, RTT_US, now_us, &turn);
    assert_int_equal(turn.count, 0);
    assert_true(turn.next_us == now_us + 9000);
    assert_int_equal(nack_arrived(&list, 3, false, RTT_US, now_us + 6000), NACK_OVERTAKEN);
    for (unsigned i = 0; i < 100; i++) {
        now_us += 100000;
        nack_missed(&list, (uint16_t)(10 + i), 1, now_us);
        now_us += list.hold_us;
        nack_turn(&list, RTT_US, now_us, &turn);
        assert_int_equal(turn.count, 1);
        assert_int_equal(nack_arrived(&list, (uint16_t)(10 + i), true, RTT_US, now_us + RTT_US),
                         NACK_REPAIRED);
    }
    assert_int_equal(list.hold_us, 0);
}

/* Audio has no RTX: what comes a round trip after the question is its answer. */
static void answers_without_rtx(void **state)
{
    (void)state;
    nack_missed(&list, 1, 1, START_US);
    nack_turn(&list, RTT_US, START_US, &turn);
    assert_int_equal(nack_arrived(&list, 1, false, RTT_US, START_US + RTT_US), NACK_REPAIRED);
    assert_int_equal(list.hold_us, 0);
}

/* Whatever is lost, late or repaired: nothing is asked for that came, none more than ten times, and in the
 * end nothing is left. */
static void only_what_is_missing_is_asked_for(void **state)
{
    static uint8_t asked[65536];
    static bool missing[65536];
    struct prng prng = {.state = 8};
    uint64_t now_us = START_US;
    uint16_t next = 0;

    (void)state;
    memset(asked, 0, sizeof(asked));
    memset(missing, 0, sizeof(missing));
    for (uint32_t step = 0; step < 60000; step++) {
        now_us += prng_below(&prng, 4000);
        uint32_t gap = prng_below(&prng, 100) < 10 ? 1 + prng_below(&prng, 5) : 0;
        if (next > 65000)
            break;
        for (uint32_t i = 0; i < gap; i++)
            missing[(uint16_t)(next + i)] = true;
        if (gap > 0)
            assert_true(nack_missed(&list, next, gap, now_us));
        next = (uint16_t)(next + gap + 1);
        nack_turn(&list, RTT_US, now_us, &turn);
        for (size_t i = 0; i < turn.count; i++) {
            assert_true(missing[turn.sequences[i]]);
            assert_true(++asked[turn.sequences[i]] <= NACK_TRIES_MAX);
        }
        uint16_t back = (uint16_t)(next - prng_below(&prng, 60));
        if (missing[back])
            nack_arrived(&list, back, prng_below(&prng, 2) == 0, RTT_US, now_us);
        missing[back] = false;
    }
    for (unsigned i = 0; i < 100; i++) {
        now_us += RETRY_US;
        nack_turn(&list, RTT_US, now_us, &turn);
    }
    assert_int_equal(list.count, 0);
    assert_true(turn.next_us == UINT64_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
    const struct CMUnitTest tests[] = {
        TEST(a_gap_is_asked_for_at_once_and_together),
        TEST(it_is_given_up_after_ten_times),
        TEST(a_long_way_is_not_asked_over_for_ever),
        TEST(what_a_key_frame_replaced_is_no_loss),
        TEST(too_much_is_not_asked_for),
        TEST(overtaking_is_waited_for),
        TEST(answers_without_rtx),
        TEST(only_what_is_missing_is_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
