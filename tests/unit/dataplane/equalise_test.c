/* Padding that makes packets equally long: which get it, and what it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "dataplane/equalise.h"
#include "dataplane/rewrite_packet.h"

#define FLIGHTS_MAX 8u

struct scene {
    struct flight flights[FLIGHTS_MAX];
    uint8_t data[FLIGHTS_MAX][256];
};

/* Equalises packets of these payload sizes; returns the paddings in one number, a decimal digit each. */
static unsigned paddings(struct scene *scene, const unsigned *sizes, unsigned count)
{
    unsigned digits = 0;

    memset(scene, 0, sizeof(*scene));
    for (unsigned i = 0; i < count; i++) {
        struct flight *flight = &scene->flights[i];
        memset(scene->data[i], 0xee, sizeof(scene->data[i]));
        flight->data = scene->data[i];
        flight->room = scene->data[i] + 12 + sizes[i];
        flight->next = i + 1 < count ? flight + 1 : NULL;
        flight->view.header.payload_offset = 12;
        flight->view.header.payload_length = (uint16_t)sizes[i];
    }
    equalise(scene->flights);
    for (unsigned i = 0; i < count; i++) {
        const struct rtp_header *header = &scene->flights[i].view.header;
        assert_int_equal(header->payload_length, sizes[i]);
        assert_int_equal(scene->flights[i].view.is_padded, header->padding_length > 0);
        assert_int_equal(scene->data[i][12 + sizes[i] + header->padding_length], 0xee);
        digits = digits * 10 + header->padding_length;
    }
    return digits;
}

#define PADDINGS(scene, ...)                                                                                 \
    paddings(scene, (const unsigned[]){__VA_ARGS__},                                                         \
             sizeof((const unsigned[]){__VA_ARGS__}) / sizeof(unsigned))

static void test_which(void **state)
{
    struct scene scene;

    (void)state;
    assert_int_equal(PADDINGS(&scene, 100), 0);
    assert_int_equal(PADDINGS(&scene, 100, 100, 100), 0);
    assert_int_equal(PADDINGS(&scene, 100, 100, 101, 101), 1100);
    assert_int_equal(PADDINGS(&scene, 101, 100, 101), 10);
    assert_int_equal(PADDINGS(&scene, 101, 101, 100), 0); /* the last may be shorter */
    assert_int_equal(PADDINGS(&scene, 100, 108), 80);
    assert_int_equal(PADDINGS(&scene, 100, 109), 0);
    assert_int_equal(PADDINGS(&scene, 100, 101, 50, 52, 0, 53, 54), 1020010);
    assert_int_equal(PADDINGS(&scene, 100, 105, 110), 500); /* 5 more would be too many */
}

static void test_not_ours(void **state)
{
    struct scene scene;

    (void)state;
    PADDINGS(&scene, 100, 101);
    scene.flights[0].view.is_padded = false;
    scene.flights[0].view.header.padding_length = 0;
    scene.flights[0].room = NULL;
    equalise(scene.flights);
    assert_int_equal(scene.flights[0].view.header.padding_length, 0);
}

/* The packet that a consumer gets has the padding, and says so. */
static void test_is_sent(void **state)
{
    struct scene scene;
    struct rewrite_state rewrite;
    const struct rewrite_extensions extensions = {.id = {0}};
    const struct rewrite_numbers numbers = {.sequence = 7, .timestamp = 9};
    const struct rewrite_egress egress = {.now_us = 1};
    uint8_t out[256];
    struct rtp_header header;

    (void)state;
    assert_int_equal(PADDINGS(&scene, 100, 104), 40);
    rewrite_init(&rewrite, 1, 100, 7, false);
    int length = rewrite_packet(&rewrite, &extensions, scene.data[0], &scene.flights[0].view, &numbers,
                                &egress, out, sizeof(out));
    assert_int_equal(length, 12 + 104);
    assert_int_equal(rtp_parse(out, (size_t)length, &header), 0);
    assert_int_equal(header.padding_length, 4);
    assert_int_equal(header.payload_length, 100);
    assert_int_equal(out[12 + 99], 0xee);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which),
        cmocka_unit_test(test_not_ours),
        cmocka_unit_test(test_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
