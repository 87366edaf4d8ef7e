#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/vp8_continuity.h"
#include "tests/unit/dataplane/prng.h"

static struct vp8_descriptor picture(uint16_t id, uint8_t tl0)
{
    return (struct vp8_descriptor){.has_picture_id = true,
                                   .long_picture_id = true,
                                   .picture_id = id & 0x7fff,
                                   .has_tl0_picture_index = true,
                                   .tl0_picture_index = tl0};
}

static struct vp8_descriptor short_picture(uint8_t id)
{
    return (struct vp8_descriptor){.has_picture_id = true, .picture_id = id & 0x7f};
}

/* Sends and returns the picture id, or -errno. */
static int send_picture(struct vp8_continuity *vp8, struct vp8_descriptor descriptor)
{
    struct rewrite_numbers numbers = {0};
    int error = vp8_continuity_packet(vp8, &descriptor, &numbers);
    return error ? error : numbers.picture_id;
}

static void test_first_stream_keeps_its_numbers(void **state)
{
    (void)state;
    struct vp8_continuity vp8 = {0};
    struct rewrite_numbers numbers;
    struct vp8_descriptor descriptor = picture(0x7ffe, 250);
    assert_int_equal(vp8_continuity_packet(&vp8, &descriptor, &numbers), 0);
    assert_int_equal(numbers.picture_id, 0x7ffe);
    assert_int_equal(numbers.tl0_picture_index, 250);
    assert_int_equal(send_picture(&vp8, picture(0x7ffe, 250)), 0x7ffe);
    assert_int_equal(send_picture(&vp8, picture(0x7fff, 251)), 0x7fff);
    assert_int_equal(send_picture(&vp8, picture(1, 252)), 1);
    assert_int_equal(send_picture(&vp8, picture(0, 252)), 0); /* late */
}

static void test_switch(void **state)
{
    (void)state;
    struct vp8_continuity vp8 = {0};
    struct rewrite_numbers numbers;
    struct vp8_descriptor first = picture(100, 255), second = picture(20000, 7), third = picture(20001, 8);
    vp8_continuity_packet(&vp8, &first, &numbers);
    vp8_continuity_sync(&vp8, &second);
    assert_int_equal(vp8_continuity_packet(&vp8, &second, &numbers), 0);
    assert_int_equal(numbers.picture_id, 101);
    assert_int_equal(numbers.tl0_picture_index, 0);
    assert_int_equal(vp8_continuity_packet(&vp8, &third, &numbers), 0);
    assert_int_equal(numbers.picture_id, 102);
    assert_int_equal(numbers.tl0_picture_index, 1);

    /* A stream without numbers in between leaves them alone. */
    struct vp8_descriptor bare = {.length = 1};
    vp8_continuity_sync(&vp8, &bare);
    assert_int_equal(vp8_continuity_packet(&vp8, &bare, &numbers), 0);
    vp8_continuity_sync(&vp8, &first);
    assert_int_equal(vp8_continuity_packet(&vp8, &first, &numbers), 0);
    assert_int_equal(numbers.picture_id, 103);
    assert_int_equal(numbers.tl0_picture_index, 2);
}

static void test_pictures_left_out(void **state)
{
    (void)state;
    struct vp8_continuity vp8 = {0};
    struct vp8_descriptor dropped = picture(11, 0), sent = picture(12, 0), lost_then_dropped = picture(14, 0);
    assert_int_equal(send_picture(&vp8, picture(10, 0)), 10);
    vp8_continuity_drop(&vp8, &dropped);
    vp8_continuity_drop(&vp8, &dropped); /* its other packets */
    assert_int_equal(send_picture(&vp8, dropped), -ESTALE);
    assert_int_equal(send_picture(&vp8, sent), 11);
    vp8_continuity_drop(&vp8, &sent); /* out already */
    assert_int_equal(send_picture(&vp8, sent), 11);
    vp8_continuity_drop(&vp8, &lost_then_dropped);
    assert_int_equal(send_picture(&vp8, picture(13, 0)), 12);
    assert_int_equal(send_picture(&vp8, picture(15, 0)), 13);
}

static void test_one_byte_ids(void **state)
{
    (void)state;
    struct vp8_continuity vp8 = {0};
    assert_int_equal(send_picture(&vp8, short_picture(126)), 126);
    assert_int_equal(send_picture(&vp8, short_picture(127)), 127);
    assert_int_equal(send_picture(&vp8, short_picture(0)) & 0x7f, 0);
    assert_int_equal(send_picture(&vp8, short_picture(127)), 127);
    assert_int_equal(send_picture(&vp8, short_picture(2)) & 0x7f, 2);

    /* A switch to long ones and back goes on in what both show. */
    struct vp8_descriptor long_one = picture(9000, 0), short_one = short_picture(77);
    vp8_continuity_sync(&vp8, &long_one);
    int id = send_picture(&vp8, long_one);
    assert_int_equal(id & 0x7f, 3);
    vp8_continuity_sync(&vp8, &short_one);
    assert_int_equal(send_picture(&vp8, short_one), id + 1);
    /* Without a sync too: the encoder changed its mind. */
    assert_int_equal(send_picture(&vp8, picture(5000, 0)), id + 2);
    assert_int_equal(send_picture(&vp8, picture(5001, 0)), id + 3);
}

static void test_encoder_that_numbers_anew(void **state)
{
    (void)state;
    struct vp8_continuity vp8 = {0};
    assert_int_equal(send_picture(&vp8, picture(10000, 0)), 10000);
    assert_int_equal(send_picture(&vp8, picture(9937, 0)), 9937);
    assert_int_equal(send_picture(&vp8, picture(9936, 0)), -ESTALE);
    struct vp8_descriptor key = picture(9900, 0);
    key.key_frame = true;
    assert_int_equal(send_picture(&vp8, key), 10001);
    assert_int_equal(send_picture(&vp8, picture(9901, 0)), 10002);
    assert_int_equal(send_picture(&vp8, picture(3, 0)), 10003);
}

/* Temporal layers left out, packets late, streams switched: against plain numbers. */
static void test_against_oracle(void **state)
{
    (void)state;
    enum { STEPS = 300000, KEPT = 64 };
    struct prng prng = {.state = 99};
    struct vp8_continuity vp8 = {0};
    int64_t output_of[KEPT]; /* of the newest inputs; -1 left out */
    uint64_t input = 5, output = 5;
    bool first = true;

    memset(output_of, 0xff, sizeof(output_of));
    for (int step = 0; step < STEPS; step++) {
        bool is_switch = !first && prng_below(&prng, 1000) == 0;
        if (is_switch) {
            input = prng_next(&prng);
            memset(output_of, 0xff, sizeof(output_of));
            struct vp8_descriptor descriptor = picture((uint16_t)input, 0);
            vp8_continuity_sync(&vp8, &descriptor);
        } else if (!first) {
            input++;
        }
        struct vp8_descriptor descriptor = picture((uint16_t)input, 0);
        if (!first && !is_switch && prng_below(&prng, 2) == 0) {
            vp8_continuity_drop(&vp8, &descriptor);
            output_of[input % KEPT] = -1;
        } else {
            output += !first;
            output_of[input % KEPT] = (int64_t)output;
            assert_int_equal(send_picture(&vp8, descriptor), output & 0x7fff);
        }
        first = false;
        uint64_t late = input - prng_below(&prng, KEPT);
        if (output_of[late % KEPT] >= 0)
            assert_int_equal(send_picture(&vp8, picture((uint16_t)late, 0)), output_of[late % KEPT] & 0x7fff);
    }
    assert_true(output > 0x8000); /* the ids wrapped */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_stream_keeps_its_numbers),
        cmocka_unit_test(test_switch),
        cmocka_unit_test(test_pictures_left_out),
        cmocka_unit_test(test_one_byte_ids),
        cmocka_unit_test(test_encoder_that_numbers_anew),
        cmocka_unit_test(test_against_oracle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
