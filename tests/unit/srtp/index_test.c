/* Packet indices and replay windows by themselves. */
#include "dataplane/srtp_index.h"
#include "dataplane/srtp_replay.h"
#include "srtp_rig.h"

static void estimates_as_the_rfc_says(void **state)
{
    (void)state;
    assert_int_equal(srtp_index_estimate(0, 1), 1);
    assert_int_equal(srtp_index_estimate(0xffff, 0), 0x10000);
    assert_int_equal(srtp_index_estimate(0x10000, 0xffff), 0xffff);
    assert_int_equal(srtp_index_estimate(0x18000, 0), 0x10000); /* half a turn back is still back */
    assert_int_equal(srtp_index_estimate(0x18001, 0), 0x20000);
    assert_int_equal(srtp_index_estimate(0x17fff, 0xffff), 0x1ffff);
    assert_int_equal(srtp_index_estimate(0x17ffe, 0xffff), 0xffff);
    assert_int_equal(srtp_index_estimate(100, 0xffff), 0xffff); /* nothing is before the first turn */
}

static void estimates_whatever_is_near(void **state)
{
    (void)state;
    struct prng prng = {.state = 0x1234};

    for (int i = 0; i < 1000000; i++) {
        uint64_t highest = 0x10000 + ((uint64_t)prng_next(&prng) << 14 | prng_below(&prng, 1 << 14));
        uint64_t index = highest + prng_below(&prng, 0x10000) - 0x8000;
        if (index > highest || highest - index < 0x8000)
            assert_int_equal(srtp_index_estimate(highest, (uint16_t)index), index);
    }
}

static void claims_an_index_once(void **state)
{
    (void)state;
    struct srtp_send_stream stream = {0};
    struct srtp_hole_window window = {0};

    assert_true(srtp_index_claim(&stream, &window, 1, 1, 1000));
    assert_false(srtp_index_claim(&stream, &window, 1, 1, 1000));
    assert_true(srtp_index_claim(&stream, &window, 1, 1, 1001));
    assert_true(srtp_index_claim(&stream, &window, 1, 1, 999)); /* late, but never sent */
    assert_false(srtp_index_claim(&stream, &window, 1, 1, 999));
    assert_true(srtp_index_claim(&stream, &window, 1, 1, 1100));
    assert_true(srtp_index_claim(&stream, &window, 1, 1, 1100 - 98));
    assert_false(srtp_index_claim(&stream, &window, 1, 1, 1001));
    assert_false(srtp_index_claim(&stream, &window, 1, 1, 1100 - 512)); /* nobody knows */
    assert_true(srtp_index_claim(&stream, &window, 1, 1, 1100 - 511));
    assert_false(srtp_index_claim(&stream, &window, 1, 1, SRTP_INDEX_END));
    assert_true(srtp_index_claim(&stream, &window, 1, 1, SRTP_INDEX_END - 1));
}

static void never_claims_twice_whatever_is_asked(void **state)
{
    (void)state;
    static uint8_t used[1 << 20];
    struct prng prng = {.state = 77};
    struct srtp_send_stream stream = {0};
    struct srtp_hole_window window = {0};
    uint64_t highest = 500, life_begins = 0;
    uint32_t life = 1, claimed = 0;

    memset(used, 0, sizeof(used));
    while (highest + 1200 < sizeof(used)) {
        uint64_t index = highest + prng_below(&prng, 300) - 200;
        if (prng_below(&prng, 1000) == 0) {
            life++;
            life_begins = stream.next;
        }
        bool is_known = index >= stream.next || (index >= life_begins && stream.next - index <= 512);
        bool may = is_known && !used[index];
        assert_int_equal(srtp_index_claim(&stream, &window, 1, life, index), may);
        if (may) {
            used[index] = 1;
            claimed++;
        }
        if (prng_below(&prng, 300) == 0) { /* in order for longer than the window */
            for (unsigned i = 0; i < 400 + prng_below(&prng, 300); i++) {
                highest = stream.next;
                assert_true(srtp_index_claim(&stream, &window, 1, life, highest));
                used[highest] = 1;
            }
        }
        if (index > highest)
            highest = index;
    }
    assert_true(claimed > 20000);
}

/* So that a packet of a stream without loss costs a line of memory less. */
static void does_not_touch_the_window_in_order(void **state)
{
    (void)state;
    struct srtp_send_stream stream = {0};
    struct srtp_hole_window window = {0}, before;
    uint64_t index = 0;

    assert_true(srtp_index_claim(&stream, &window, 1, 1, 100));
    for (index = 101; index < 100 + 512; index++)
        assert_true(srtp_index_claim(&stream, &window, 1, 1, index));
    memset(&window, 0xa5, sizeof(window));
    before = window;
    for (; index < 2000; index++)
        assert_true(srtp_index_claim(&stream, &window, 1, 1, index));
    for (uint64_t old = 1480; old < 2000; old++) /* whatever stands there */
        assert_false(srtp_index_claim(&stream, &window, 1, 1, old));
    assert_memory_equal(&window, &before, sizeof(window));

    assert_true(srtp_index_claim(&stream, &window, 1, 1, 2001));
    assert_false(srtp_index_claim(&stream, &window, 1, 1, 1999));
    assert_true(srtp_index_claim(&stream, &window, 1, 1, 2000));
    assert_false(srtp_index_claim(&stream, &window, 1, 1, 2000));
}

/* Without a window: RTX and padding are always sent in order. */
static void only_rises_without_a_window(void **state)
{
    (void)state;
    struct srtp_send_stream stream = {0};

    assert_true(srtp_index_claim(&stream, NULL, 1, 1, 10));
    assert_false(srtp_index_claim(&stream, NULL, 1, 1, 10));
    assert_false(srtp_index_claim(&stream, NULL, 1, 1, 9));
    assert_true(srtp_index_claim(&stream, NULL, 1, 1, 5000));
    assert_false(srtp_index_claim(&stream, NULL, 1, 2, 5000)); /* another process */
    assert_true(srtp_index_claim(&stream, NULL, 1, 2, 5001));
    assert_false(srtp_index_claim(&stream, NULL, 1, 2, SRTP_INDEX_END));
    assert_true(srtp_index_claim(&stream, NULL, 2, 2, 1)); /* other keys */
}

static void another_process_goes_on_behind(void **state)
{
    (void)state;
    struct srtp_send_stream stream = {0};
    struct srtp_hole_window window = {0};

    assert_true(srtp_index_claim(&stream, &window, 1, 1, 50));
    assert_false(srtp_index_claim(&stream, &window, 1, 2, 50));
    assert_false(srtp_index_claim(&stream, &window, 1, 2, 49)); /* it cannot know */
    assert_true(srtp_index_claim(&stream, &window, 1, 2, 51));
    assert_false(srtp_index_claim(&stream, &window, 1, 2, 49));
    assert_true(srtp_index_claim(&stream, &window, 2, 3, 50)); /* other keys */
}

static void a_window_is_a_window(void **state)
{
    (void)state;
    static uint8_t seen[1 << 18];
    struct prng prng = {.state = 99};
    uint64_t ring[16] = {0};
    uint64_t highest = 2000;

    memset(seen, 0, sizeof(seen));
    srtp_replay_set(ring, 1024, highest);
    seen[highest] = 1;
    while (highest + 3000 < sizeof(seen)) {
        uint32_t reach = prng_below(&prng, 50) == 0 ? 2500 : 70;
        uint64_t index = highest + reach - prng_below(&prng, 1023 + reach);
        if (index > highest) {
            srtp_replay_advance(ring, 1024, highest, index);
            highest = index;
        } else {
            assert_int_equal(srtp_replay_is_set(ring, 1024, index), seen[index]);
        }
        srtp_replay_set(ring, 1024, index);
        seen[index] = 1;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(estimates_as_the_rfc_says),
        cmocka_unit_test(estimates_whatever_is_near),
        cmocka_unit_test(claims_an_index_once),
        cmocka_unit_test(never_claims_twice_whatever_is_asked),
        cmocka_unit_test(does_not_touch_the_window_in_order),
        cmocka_unit_test(only_rises_without_a_window),
        cmocka_unit_test(another_process_goes_on_behind),
        cmocka_unit_test(a_window_is_a_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
