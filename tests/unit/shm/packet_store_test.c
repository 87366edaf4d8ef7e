/* The packet store: a position finds its packet until the circle comes round, and never another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shm/packet_store.h"
#include "shm/segment.h"

#define SLOTS 8u

static struct shm_segment segment;

static int set_up(void **state)
{
    struct shm_capacities capacities = shm_capacities_default(2);

    (void)state;
    capacities.transports = capacities.producers = capacities.streams = capacities.consumers = 4;
    capacities.store_slots = SLOTS;
    return shm_segment_create(&capacities, &segment);
}

static int tear_down(void **state)
{
    (void)state;
    shm_segment_deinit(&segment, false);
    return 0;
}

static uint64_t write_number(struct packet_store *store, uint32_t number)
{
    struct shm_slot *slot = packet_store_begin(store);

    memcpy(slot->data, &number, sizeof(number));
    slot->length = sizeof(number);
    return packet_store_commit(store, slot);
}

static uint32_t read_number(const struct shm_slot *slot)
{
    uint32_t number;

    memcpy(&number, slot->data, sizeof(number));
    return number;
}

static void a_position_finds_its_packet_until_it_is_overwritten(void **state)
{
    struct packet_store writer, reader;
    uint64_t positions[3 * SLOTS];

    (void)state;
    packet_store_init(&writer, &segment, 1);
    packet_store_init(&reader, &segment, 0);
    assert_null(packet_store_find(&reader, 1, 0));
    for (uint32_t i = 0; i < 3 * SLOTS; i++) {
        positions[i] = write_number(&writer, 1000 + i);
        for (uint32_t j = 0; j <= i; j++) {
            const struct shm_slot *slot = packet_store_find(&reader, 1, positions[j]);
            if (i - j >= SLOTS) {
                assert_null(slot);
                continue;
            }
            assert_non_null(slot);
            assert_int_equal(read_number(slot), 1000 + j);
            assert_true(packet_store_holds(slot, positions[j]));
        }
        assert_null(packet_store_find(&reader, 0, positions[i])); /* the other circle */
    }
    assert_null(packet_store_find(&reader, 2, positions[0]));
    assert_null(packet_store_find(&reader, 1, UINT64_MAX));
}

static void a_reader_is_told_that_its_slot_was_taken(void **state)
{
    struct packet_store store;

    (void)state;
    packet_store_init(&store, &segment, 0);
    uint64_t position = write_number(&store, 1);
    const struct shm_slot *slot = packet_store_find(&store, 0, position);
    for (uint32_t i = 1; i < SLOTS; i++)
        write_number(&store, 2);
    assert_true(packet_store_holds(slot, position));
    struct shm_slot *taken = packet_store_begin(&store);
    assert_ptr_equal(taken, slot);
    assert_false(packet_store_holds(slot, position)); /* from the first byte on */
    packet_store_commit(&store, taken);
    assert_false(packet_store_holds(slot, position));
    assert_null(packet_store_find(&store, 0, position));
}

/* As after a kill: positions go on, so that an old one never means a new packet. */
static void another_process_goes_on_with_the_numbers(void **state)
{
    struct packet_store store, next;

    (void)state;
    packet_store_init(&store, &segment, 0);
    uint64_t position = write_number(&store, 1);
    packet_store_begin(&store); /* and dies */
    packet_store_init(&next, &segment, 0);
    assert_int_equal(write_number(&next, 2), position + 1);
    assert_int_equal(read_number(packet_store_find(&next, 0, position)), 1);
}

static void the_size_is_shared_out(void **state)
{
    (void)state;
    assert_int_equal(shm_store_slots(64, 1), 32768);
    assert_int_equal(shm_store_slots(64, 2), 16384);
    assert_int_equal(shm_store_slots(64, 64), 512);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_position_finds_its_packet_until_it_is_overwritten, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_reader_is_told_that_its_slot_was_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_process_goes_on_with_the_numbers, set_up, tear_down),
        cmocka_unit_test(the_size_is_shared_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
