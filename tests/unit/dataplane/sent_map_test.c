/* The way back from output numbers to input numbers, against a list of all that was sent. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/sent_map.h"
#include "dataplane/vp8_continuity.h"
#include "tests/unit/dataplane/prng.h"

#define STEPS 200000u

struct sent {
    uint32_t step; /* when it was sent; 0 = never */
    uint16_t input;
    uint32_t piece;
};

static int send_number(struct rewrite_state *rewrite, uint16_t sequence, uint64_t *ret_output)
{
    struct rtp_header header = {.sequence = sequence, .timestamp = sequence * 3000u, .marker = true};
    struct rewrite_numbers numbers;
    int error = rewrite_sequence(rewrite, &header, 1, &numbers);

    if (error == 0)
        *ret_output = numbers.sequence;
    return error;
}

static void begin(struct rewrite_state *rewrite, uint16_t sequence)
{
    struct rewrite_start start = {
        .sequence = sequence, .timestamp = sequence * 3000u, .to = {.rate = 90000}, .now_us = 1};
    rewrite_sync(rewrite, &start);
}

/* Loss, late packets, packets left out and switches: what the map says is true, and what was sent within the
 * last 400 numbers of this piece is found. */
static void what_was_sent_is_found(void **state)
{
    static struct sent list[2 * STEPS];
    struct prng prng = {.state = 99};
    struct rewrite_state rewrite;
    uint32_t input = 65000, piece = 1, newest = 0, found = 0;
    uint64_t first = 0, output = 0;

    (void)state;
    rewrite_init(&rewrite, 1, 100, 20000, true);
    begin(&rewrite, (uint16_t)input);
    assert_int_equal(send_number(&rewrite, (uint16_t)input, &first), 0);
    list[0] = (struct sent){.step = 1, .input = (uint16_t)input, .piece = piece};
    for (uint32_t step = 2; step < STEPS; step++) {
        uint32_t fate = prng_below(&prng, 100);
        uint16_t number = (uint16_t)++input;

        if (prng_below(&prng, 10000) == 0) {
            input += 5000;
            begin(&rewrite, (uint16_t)input);
            piece++;
            number = (uint16_t)input;
            fate = 99;
        }
        if (fate < 10)
            continue; /* lost */
        if (fate < 30) {
            rewrite_drop(&rewrite, number);
            continue;
        }
        if (fate < 40) /* late, perhaps again, perhaps never lost */
            number = (uint16_t)(input-- - prng_below(&prng, 100));
        if (send_number(&rewrite, number, &output) == 0) {
            uint32_t place = (uint32_t)(output - first);
            assert_int_equal(list[place].step, 0);
            list[place] = (struct sent){.step = step, .input = number, .piece = piece};
            newest = place > newest ? place : newest;
        }
        uint32_t back = prng_below(&prng, 700);
        uint32_t asked = back > newest ? 0 : newest - back;
        struct sent_number answer;
        int error = sent_map_find(&rewrite, (uint16_t)(first + asked), &answer);
        if (error == 0) {
            found++;
            assert_true(list[asked].step != 0);
            assert_int_equal(list[asked].piece, piece);
            assert_int_equal(list[asked].input, answer.input);
            assert_true(answer.sequence == first + asked);
        } else {
            assert_true(error == -ENOENT || error == -ESTALE);
            assert_true(list[asked].step == 0 || list[asked].piece != piece || back > 300);
        }
    }
    assert_true(found > STEPS / 4);
}

static void nothing_was_sent_before_the_first_packet(void **state)
{
    struct rewrite_state rewrite;
    struct sent_number number;

    (void)state;
    rewrite_init(&rewrite, 1, 100, 20000, true);
    for (uint32_t i = 0; i < 65536; i++)
        assert_true(sent_map_find(&rewrite, (uint16_t)i, &number) < 0);
    begin(&rewrite, 5);
    for (uint32_t i = 0; i < 65536; i++)
        assert_true(sent_map_find(&rewrite, (uint16_t)i, &number) < 0);
}

/* After new keys the numbers of before have no SRTP index. */
static void new_keys_end_what_can_be_found(void **state)
{
    struct rewrite_state rewrite;
    struct sent_number number;
    uint64_t output;

    (void)state;
    rewrite_init(&rewrite, 1, 100, 20000, true);
    begin(&rewrite, 5);
    assert_int_equal(send_number(&rewrite, 5, &output), 0);
    assert_int_equal(sent_map_find(&rewrite, 20000, &number), 0);
    rewrite_new_keys(&rewrite);
    assert_int_equal(sent_map_find(&rewrite, 20000, &number), -ESTALE);
    assert_int_equal(send_number(&rewrite, 6, &output), 0);
    assert_int_equal(sent_map_find(&rewrite, 20001, &number), 0);
    assert_int_equal(number.input, 6);
}

/* A packet that is sent again has the picture id that it had, whatever was left out since. */
static void pictures_keep_their_numbers(void **state)
{
    struct prng prng = {.state = 5};
    struct vp8_continuity vp8 = {0};
    uint16_t sent[4000];
    uint8_t tl0[4000];
    bool was_sent[4000] = {false};

    (void)state;
    for (unsigned i = 0; i < 4000; i++) {
        struct vp8_descriptor picture = {.has_picture_id = true,
                                         .long_picture_id = true,
                                         .picture_id = (uint16_t)((32000 + i) & 0x7fff),
                                         .has_tl0_picture_index = true,
                                         .tl0_picture_index = (uint8_t)i};
        struct rewrite_numbers numbers = {0};
        if (i > 0 && prng_below(&prng, 3) == 0) {
            vp8_continuity_drop(&vp8, &picture);
        } else {
            assert_int_equal(vp8_continuity_packet(&vp8, &picture, &numbers), 0);
            sent[i] = numbers.picture_id;
            tl0[i] = numbers.tl0_picture_index;
            was_sent[i] = true;
        }
        unsigned back = prng_below(&prng, 80);
        unsigned asked = back > i ? i : i - back;
        struct vp8_continuity before = vp8;
        picture.picture_id = (uint16_t)((32000 + asked) & 0x7fff);
        picture.tl0_picture_index = (uint8_t)asked;
        int error = vp8_continuity_find(&vp8, &picture, &numbers);
        assert_memory_equal(&vp8, &before, sizeof(vp8));
        assert_int_equal(error, was_sent[asked] && i - asked < 64 ? 0 : -ESTALE);
        if (error == 0) {
            assert_int_equal(numbers.picture_id, sent[asked]);
            assert_int_equal(numbers.tl0_picture_index, tl0[asked]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sent_is_found),
        cmocka_unit_test(nothing_was_sent_before_the_first_packet),
        cmocka_unit_test(new_keys_end_what_can_be_found),
        cmocka_unit_test(pictures_keep_their_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
