#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/ntp_time.h"
#include "dataplane/rewrite.h"
#include "dataplane/srtp_index.h"
#include "tests/unit/dataplane/prng.h"

#define SSRC 0xabcd0123u

static struct rewrite_state started(uint16_t first_out, uint16_t first_in, uint32_t timestamp, bool video)
{
    struct rewrite_state state;
    struct rewrite_start start = {.sequence = first_in, .timestamp = timestamp, .to = {.rate = 90000}};
    rewrite_init(&state, SSRC, 101, first_out, video);
    rewrite_sync(&state, &start);
    return state;
}

static int send_at(struct rewrite_state *state, uint16_t sequence, uint32_t timestamp, bool marker,
                   uint64_t now_us, struct rewrite_numbers *ret_numbers)
{
    struct rtp_header header = {.sequence = sequence, .timestamp = timestamp, .marker = marker};
    return rewrite_sequence(state, &header, now_us, ret_numbers);
}

/* Sends and returns the number, or -errno. */
static int64_t send_number(struct rewrite_state *state, uint16_t sequence)
{
    struct rewrite_numbers numbers;
    int error = send_at(state, sequence, 1000, true, 1, &numbers);
    return error ? error : (int64_t)numbers.sequence;
}

/* The roll-over counter begins anew with new keys, and no packet of before a wrap goes out after it. */
static void test_new_keys(void **unused)
{
    (void)unused;
    struct rewrite_state state = started(65534, 100, 0, false);
    assert_int_equal(send_number(&state, 100), 65534);
    assert_int_equal(send_number(&state, 102), 65536);
    rewrite_new_keys(&state);
    assert_int_equal(send_number(&state, 101), -EALREADY);
    assert_int_equal(send_number(&state, 103), 1);
    assert_int_equal(send_number(&state, 105), 3);
    assert_int_equal(send_number(&state, 104), 2);

    rewrite_init(&state, SSRC, 101, 0, false);
    rewrite_new_keys(&state);
    struct rewrite_start start = {.sequence = 7, .to = {.rate = 90000}};
    rewrite_sync(&state, &start);
    assert_int_equal(send_number(&state, 7), 1);
}

/* A receiver with new keys takes the roll-over counter for 0 when it hears of the stream (RFC 3711 section
 * 3.3.1), also when half a circle of numbers was lost before: it must be 0 then, for RTP and RTX. And the
 * numbers go on upwards, or else the receiver drops them for old ones. */
static void test_new_keys_far_from_the_wrap(void **unused)
{
    (void)unused;
    for (uint32_t last = 1; last <= 0x20000; last++) {
        struct rewrite_state state = started(1, 100, 0, false);
        struct rewrite_numbers numbers;
        state.highest_out = last;
        state.rtx_next = last + 1;
        rewrite_new_keys(&state);
        assert_int_equal(send_at(&state, 100, 1000, true, 1, &numbers), 0);
        assert_in_range(numbers.sequence, 1, 0x8002);
        assert_in_range(state.rtx_next, 1, 0x8002);
        assert_true(state.begin_out <= numbers.sequence && state.begin_out != 0);
        assert_true(rtp_seq_newer((uint16_t)numbers.sequence, (uint16_t)last));
        assert_true(rtp_seq_newer((uint16_t)state.rtx_next, (uint16_t)last));
        uint64_t heard = numbers.sequence + 0x7ffd;
        assert_int_equal(srtp_index_estimate(0, (uint16_t)heard), heard);
    }
}

static void test_plain_sequence(void **state)
{
    (void)state;
    struct rewrite_state rewrite;
    rewrite_init(&rewrite, SSRC, 101, 1000, true);
    assert_int_equal(send_number(&rewrite, 1), -ENOTCONN);
    assert_int_equal(rewrite_drop(&rewrite, 1), -ENOTCONN);

    rewrite = started(1000, 65534, 1000, true);
    assert_int_equal(send_number(&rewrite, 65534), 1000);
    assert_int_equal(send_number(&rewrite, 65535), 1001);
    assert_int_equal(send_number(&rewrite, 2), 1004); /* a loss stays a loss */
    assert_int_equal(send_number(&rewrite, 0), 1002); /* late */
    assert_int_equal(send_number(&rewrite, 0), -EALREADY);
    assert_int_equal(send_number(&rewrite, 2), -EALREADY);
    assert_int_equal(send_number(&rewrite, 65533), -EALREADY); /* before the beginning */
    assert_int_equal(send_number(&rewrite, 3), 1005);
}

static void test_dropped_packets_close_gaps(void **state)
{
    (void)state;
    struct rewrite_state rewrite = started(10, 100, 1000, true);
    assert_int_equal(send_number(&rewrite, 100), 10);
    assert_int_equal(rewrite_drop(&rewrite, 101), 0);
    assert_int_equal(rewrite_drop(&rewrite, 101), -EALREADY);
    assert_int_equal(send_number(&rewrite, 101), -EALREADY);
    assert_int_equal(send_number(&rewrite, 102), 11);
    /* 103 is late, 104 is left out, 105 goes on. */
    assert_int_equal(rewrite_drop(&rewrite, 104), 0);
    assert_int_equal(send_number(&rewrite, 103), 12);
    assert_int_equal(send_number(&rewrite, 105), 13);
    /* 106 is late too, and left out when 107 is gone: its number stays unused. */
    assert_int_equal(send_number(&rewrite, 107), 15);
    assert_int_equal(rewrite_drop(&rewrite, 106), 0);
    assert_int_equal(send_number(&rewrite, 106), -EALREADY);
    assert_int_equal(send_number(&rewrite, 108), 16);
    /* Left out across a loss: 109 still has its place. */
    assert_int_equal(rewrite_drop(&rewrite, 110), 0);
    assert_int_equal(send_number(&rewrite, 111), 18);
    assert_int_equal(send_number(&rewrite, 109), 17);
}

static void test_window(void **state)
{
    (void)state;
    struct rewrite_state rewrite = started(10, 100, 1000, true);
    assert_int_equal(send_number(&rewrite, 100), 10);
    assert_int_equal(send_number(&rewrite, 900), 810);
    assert_int_equal(send_number(&rewrite, 900 - 511), 810 - 511);
    assert_int_equal(send_number(&rewrite, 900 - 512), -ESTALE);
    assert_int_equal(rewrite_drop(&rewrite, 900 - 512), -ESTALE);
    assert_int_equal(send_number(&rewrite, (uint16_t)(900 + 32767)), 810 + 32767);
    assert_int_equal(send_number(&rewrite, (uint16_t)(900 + 65535)), -ESTALE); /* half the circle is behind */
}

static void test_switch_sequence(void **state)
{
    (void)state;
    struct rewrite_state rewrite = started(10, 100, 1000, true);
    struct rewrite_numbers numbers;
    struct rewrite_start start = {.sequence = 7000, .timestamp = 5, .to = {.rate = 90000}, .now_us = 100};

    assert_int_equal(send_at(&rewrite, 100, 1000, true, 1, &numbers), 0);
    rewrite_sync(&rewrite, &start);
    rewrite_sync(&rewrite, &start); /* twice is once */
    assert_int_equal(send_at(&rewrite, 7000, 5, false, 100, &numbers), 0);
    assert_int_equal(numbers.sequence, 11);
    assert_int_equal(send_number(&rewrite, 6999), -EALREADY);
    assert_int_equal(send_number(&rewrite, 6990), -EALREADY);
    assert_int_equal(send_number(&rewrite, 6000), -ESTALE);

    /* The last packet did not end its frame: one number is left out, once. */
    start.sequence = 300;
    rewrite_sync(&rewrite, &start);
    rewrite_sync(&rewrite, &start);
    assert_int_equal(send_at(&rewrite, 300, 5, true, 100, &numbers), 0);
    assert_int_equal(numbers.sequence, 13);

    /* Audio has no frames. */
    rewrite = started(10, 100, 1000, false);
    assert_int_equal(send_at(&rewrite, 100, 1000, false, 1, &numbers), 0);
    rewrite_sync(&rewrite, &start);
    assert_int_equal(send_at(&rewrite, 300, 5, false, 100, &numbers), 0);
    assert_int_equal(numbers.sequence, 11);
}

static void test_timestamps(void **state)
{
    (void)state;
    struct rewrite_numbers numbers;
    uint64_t t0_us = 1000000;
    struct rewrite_state rewrite = started(10, 100, 50000, true);
    assert_int_equal(send_at(&rewrite, 100, 50000, true, t0_us, &numbers), 0);
    assert_int_equal(numbers.timestamp, 50000); /* the first stream's own */

    /* Resume of the same stream: its clock went on. */
    struct rewrite_start start = {.sequence = 900,
                                  .timestamp = 50000 + 10 * 90000 + 77,
                                  .same_stream = true,
                                  .to = {.rate = 90000},
                                  .now_us = t0_us + 10000000};
    rewrite_sync(&rewrite, &start);
    assert_int_equal(send_at(&rewrite, 900, start.timestamp, true, start.now_us, &numbers), 0);
    assert_int_equal(numbers.timestamp, start.timestamp);
    uint32_t last = numbers.timestamp;

    /* The same stream with a clock that began anew: the time that passed counts. */
    start.timestamp = 3;
    start.now_us += 1000000;
    rewrite_sync(&rewrite, &start);
    assert_int_equal(send_at(&rewrite, 900, 3, true, start.now_us, &numbers), 0);
    assert_int_equal(numbers.timestamp, last + 90000);
    last = numbers.timestamp;

    /* Another stream of which nothing is known, half a second later. */
    start = (struct rewrite_start){
        .sequence = 5, .timestamp = 4000000000u, .to = {.rate = 90000}, .now_us = start.now_us + 500000};
    rewrite_sync(&rewrite, &start);
    assert_int_equal(send_at(&rewrite, 5, 4000000000u, true, start.now_us, &numbers), 0);
    assert_int_equal(numbers.timestamp, last + 45000);
    assert_int_equal(send_at(&rewrite, 6, 4000000000u + 3000, true, start.now_us, &numbers), 0);
    assert_int_equal(numbers.timestamp, last + 48000);
    last = numbers.timestamp;

    /* No time has passed: higher all the same. */
    start.timestamp = 17;
    start.sequence = 50;
    rewrite_sync(&rewrite, &start);
    assert_int_equal(send_at(&rewrite, 50, 17, true, start.now_us, &numbers), 0);
    assert_int_equal(numbers.timestamp, last + 1);
}

static void test_switch_by_sender_reports(void **state)
{
    (void)state;
    struct rewrite_numbers numbers;
    uint64_t wall_us = 3900000000000000ull;
    struct stream_clock low = {.ntp = ntp_time_from_us(wall_us), .rtp = 700000, .rate = 90000};
    struct stream_clock high = {.ntp = ntp_time_from_us(wall_us + 400000), .rtp = 12, .rate = 90000};
    struct rewrite_state rewrite = started(10, 100, 700000 + 90000, true);

    /* Low's frame of one second after its report; high's frame of 1.1 s after it arrives 160 ms later. */
    assert_int_equal(send_at(&rewrite, 100, 700000 + 90000, true, 5000000, &numbers), 0);
    struct rewrite_start start = {
        .sequence = 3, .timestamp = 12 + 63000, .from = low, .to = high, .now_us = 5160000};
    rewrite_sync(&rewrite, &start);
    assert_int_equal(send_at(&rewrite, 3, start.timestamp, true, start.now_us, &numbers), 0);
    assert_in_range(numbers.timestamp, 700000 + 99000 - 1, 700000 + 99000 + 1);

    /* Back, to a frame captured before the last one sent: never backwards. */
    uint32_t last = numbers.timestamp;
    start = (struct rewrite_start){
        .sequence = 101, .timestamp = 700000 + 99000 - 3000, .from = high, .to = low, .now_us = 5165000};
    rewrite_sync(&rewrite, &start);
    assert_int_equal(send_at(&rewrite, 101, start.timestamp, true, start.now_us, &numbers), 0);
    assert_int_equal(numbers.timestamp, last + 1);

    /* Reports that contradict the time that passed are lies. */
    high.rtp += 90000 * 30;
    start = (struct rewrite_start){
        .sequence = 9, .timestamp = 12, .from = low, .to = high, .now_us = 5165000 + 100000};
    rewrite_sync(&rewrite, &start);
    assert_int_equal(send_at(&rewrite, 9, 12, true, start.now_us, &numbers), 0);
    assert_int_equal(numbers.timestamp, last + 1 + 9000);
}

/* The state is plain data: a copy goes on where the original stopped. */
static void test_a_copy_goes_on(void **state)
{
    (void)state;
    struct rewrite_state rewrite = started(65000, 5, 1000, true);
    for (uint16_t i = 5; i < 3000; i++)
        assert_int_equal(send_number(&rewrite, i), 65000 + i - 5);
    struct rewrite_state copy;
    memcpy(&copy, &rewrite, sizeof(copy));
    assert_int_equal(send_number(&copy, 3000),
                     65000 + 2995); /* beyond 16 bits: the roll-over counter is in it */
}

/* Random streams with loss, lateness, repeats, packets left out and switches, against plain 64-bit
 * arithmetic. */

enum { STEPS = 1000000, LATE_MAX = 600, SEGMENT_MAX = 1 << 17 };

struct oracle {
    uint64_t first;    /* input number that the segment began with */
    uint64_t base_out; /* its output number */
    uint64_t highest;
    uint64_t closed_total;
    uint64_t *closed; /* inputs left out while newest, ascending */
    uint8_t *done;    /* inputs sent or left out, by distance from first */
    bool any;
};

static uint64_t oracle_number(const struct oracle *oracle, uint64_t input)
{
    uint64_t closed = oracle->closed_total;
    while (closed > 0 && oracle->closed[closed - 1] > input)
        closed--;
    return oracle->base_out + (input - oracle->first) - closed;
}

static void oracle_begin(struct oracle *oracle, uint64_t first, uint64_t base_out)
{
    oracle->first = first;
    oracle->base_out = base_out;
    oracle->highest = first - 1;
    oracle->closed_total = 0;
    memset(oracle->done, 0, SEGMENT_MAX);
}

struct late {
    uint64_t input;
    uint32_t due;
};

static void test_against_oracle(void **state)
{
    (void)state;
    static uint8_t used[2 * STEPS]; /* output numbers given out */
    struct oracle oracle = {.closed = calloc(SEGMENT_MAX, sizeof(uint64_t)), .done = calloc(SEGMENT_MAX, 1)};
    struct late late[64] = {{0}};
    struct prng prng = {.state = 20260101};
    uint64_t first_out = 32000, highest_out = first_out - 1;
    uint64_t next = 65530, now_us = 1, sent = 0, switches = 0;
    uint32_t segment_timestamp = 0xfffff000u, output_timestamp = 0, timestamp_offset = 0;
    bool marker = true, begun = false;
    struct rewrite_state rewrite;

    rewrite_init(&rewrite, SSRC, 101, (uint16_t)first_out, true);
    for (uint32_t step = 0; step < STEPS; step++) {
        now_us += 1000;
        uint64_t input = next;
        struct late *slot = &late[prng_below(&prng, 64)];

        if (step == 0 || (prng_below(&prng, 20000) == 0) || next - oracle.first > SEGMENT_MAX - 1000) {
            /* A switch to another stream, with numbers of its own. */
            next = input = 0x20000 + prng_next(&prng);
            segment_timestamp = prng_next(&prng);
            memset(late, 0, sizeof(late));
            struct rewrite_start start = {.sequence = (uint16_t)input,
                                          .timestamp = segment_timestamp,
                                          .same_stream = prng_below(&prng, 2) == 0,
                                          .to = {.rate = 90000},
                                          .now_us = now_us};
            rewrite_sync(&rewrite, &start);
            oracle_begin(&oracle, input, highest_out + 1 + !marker);
            switches++;
            next++;
        } else if (slot->input != 0 && slot->due <= step) {
            input = slot->input;
            if (prng_below(&prng, 8) != 0) /* else it comes again */
                slot->input = 0;
        } else {
            next++;
            uint32_t fate = prng_below(&prng, 100);
            if (fate < 3)
                continue; /* lost */
            if (fate < 10) {
                if (slot->input == 0)
                    *slot = (struct late){.input = input, .due = step + prng_below(&prng, LATE_MAX)};
                continue;
            }
        }

        if (prng_below(&prng, 16) == 0) {
            /* One of the new stream's from before the switch. */
            uint64_t early = oracle.first - 1 - prng_below(&prng, 100);
            int refused = oracle.highest - early > 511 ? -ESTALE : -EALREADY;
            if (oracle.highest - early < 32768)
                assert_int_equal(send_number(&rewrite, (uint16_t)early), refused);
        }

        uint64_t place = input - oracle.first;
        bool newest = input > oracle.highest;
        bool padding = place > 0 && prng_below(&prng, 12) == 0;
        int expected_error = 0;
        if (!newest && oracle.highest - input > 511)
            expected_error = -ESTALE;
        else if (oracle.done[place])
            expected_error = -EALREADY;

        if (padding) {
            assert_int_equal(rewrite_drop(&rewrite, (uint16_t)input), expected_error);
            if (expected_error)
                continue;
            oracle.done[place] = 1;
            if (newest) {
                oracle.closed[oracle.closed_total++] = input;
                oracle.highest = input;
                highest_out = oracle_number(&oracle, input); /* of the newest that was not left out */
            }
            continue;
        }

        uint32_t timestamp = segment_timestamp + (uint32_t)(place / 5) * 3000;
        bool ends = place % 5 == 4;
        struct rewrite_numbers numbers;
        assert_int_equal(send_at(&rewrite, (uint16_t)input, timestamp, ends, now_us, &numbers),
                         expected_error);
        if (expected_error)
            continue;
        oracle.done[place] = 1;
        sent++;
        assert_true(numbers.sequence == oracle_number(&oracle, input));
        assert_true(numbers.sequence >= first_out && numbers.sequence - first_out < sizeof(used));
        assert_int_equal(used[numbers.sequence - first_out], 0);
        used[numbers.sequence - first_out] = 1;
        if (place == 0 && begun)
            assert_true((int32_t)(numbers.timestamp - output_timestamp) > 0);
        if (place == 0)
            timestamp_offset = numbers.timestamp - timestamp;
        assert_int_equal(numbers.timestamp - timestamp, timestamp_offset);
        if (newest) {
            assert_true(!begun || (int32_t)(numbers.timestamp - output_timestamp) >= 0);
            output_timestamp = numbers.timestamp;
            oracle.highest = input;
            highest_out = numbers.sequence;
            marker = ends;
        } else if ((int32_t)(numbers.timestamp - output_timestamp) > 0) {
            output_timestamp = numbers.timestamp; /* what was newer was left out */
        }
        begun = true;
    }
    assert_true(sent > STEPS / 2);
    assert_true(switches > 20);
    assert_true(highest_out > 1u << 17); /* the 16 bits wrapped */
    free(oracle.closed);
    free(oracle.done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_sequence),
        cmocka_unit_test(test_new_keys),
        cmocka_unit_test(test_new_keys_far_from_the_wrap),
        cmocka_unit_test(test_dropped_packets_close_gaps),
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_switch_sequence),
        cmocka_unit_test(test_timestamps),
        cmocka_unit_test(test_switch_by_sender_reports),
        cmocka_unit_test(test_a_copy_goes_on),
        cmocka_unit_test(test_against_oracle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
