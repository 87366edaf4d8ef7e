/* A stream's history: what was stored is found by its number, and never another packet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/history.h"
#include "shm/segment.h"
#include "tests/unit/dataplane/prng.h"

#define CHUNKS 3u
#define NOW_US 5000000u
#define STREAM shm_handle_make(2, 7)

static struct shm_segment segment;
static struct packet_store store;
static struct packet_store reader;
static struct history writing;
static struct history reading;

static int set_up(void **state)
{
    struct shm_capacities capacities = shm_capacities_default(2);

    (void)state;
    capacities.transports = capacities.producers = capacities.streams = capacities.consumers = 4;
    capacities.store_chunks = CHUNKS;
    if (shm_segment_create(&capacities, &segment) != 0)
        return -1;
    packet_store_init(&store, &segment, 1, NOW_US);
    packet_store_init(&reader, &segment, 0, NOW_US);
    struct shm_history *shared = shm_segment_at(&segment, SHM_SECTION_HISTORY, 2);
    writing = (struct history){.shared = shared, .store = &store, .worker = 1, .stream = STREAM};
    reading = (struct history){.shared = shared, .store = &reader, .worker = 1, .stream = STREAM};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    shm_segment_deinit(&segment, false);
    return 0;
}

static uint64_t keep(shm_handle stream, uint16_t sequence, uint32_t restarts, bool key_frame)
{
    struct shm_packet *packet = packet_store_begin(&store, 100, NOW_US);

    packet->stream = stream;
    packet->sequence = sequence;
    packet->restarts = restarts;
    struct packet_place place = packet_store_commit(&store);
    if (stream == STREAM)
        history_note(&writing, &place, key_frame);
    return place.position;
}

static void nothing_is_found_in_a_new_history(void **state)
{
    struct packet_place place;

    (void)state;
    for (uint32_t i = 0; i < 65536; i++)
        assert_false(history_find(&reading, (uint16_t)i, 0, &place));
    assert_false(history_newest(&reading, 0, &place));
    assert_false(history_key_frame(&reading, 0, &place));
}

/* Over the wrap of the numbers, with loss, reordering and other streams in between: a number is found exactly
 * when it came, is not too old, and its chunk was not taken since. */
static void what_was_stored_is_found(void **state)
{
    static uint64_t positions[4096]; /* by number, plus 1 */
    struct prng prng = {.state = 42};
    struct packet_place place;
    uint64_t last = 0;

    (void)state;
    for (uint32_t i = 0; i < 4000; i++) {
        uint32_t number = i % 10 == 3 ? i + 2 : i % 10 == 5 ? i - 2 : i; /* two in ten change places */
        while (prng_below(&prng, 5) == 0)
            last = keep(shm_handle_make(1, 1), (uint16_t)i, 0, false);
        if (prng_below(&prng, 20) == 0)
            continue;
        last = keep(STREAM, (uint16_t)(64000 + number), 0, false);
        positions[number] = last + 1;
        for (uint32_t j = 0; j <= i; j += 1 + prng_below(&prng, 60)) {
            bool found = history_find(&reading, (uint16_t)(64000 + j), 0, &place);
            bool stored =
                positions[j] != 0 && last / SHM_CHUNK_BYTES - (positions[j] - 1) / SHM_CHUNK_BYTES < CHUNKS;
            if (found) {
                assert_int_equal(place.position, positions[j] - 1);
                assert_int_equal(place.packet->sequence, (uint16_t)(64000 + j));
            }
            assert_true(stored || !found);
            if (stored && i - j < SHM_HISTORY_PACKETS - 10)
                assert_true(found);
        }
    }
}

static void a_restart_hides_what_was_before(void **state)
{
    struct packet_place place;

    (void)state;
    keep(STREAM, 100, 0, true);
    keep(STREAM, 101, 0, false);
    assert_true(history_find(&reading, 100, 0, &place));
    assert_false(history_find(&reading, 100, 1, &place));
    assert_false(history_key_frame(&reading, 1, &place));
    keep(STREAM, 50, 1, false);
    assert_true(history_newest(&reading, 1, &place));
    assert_int_equal(place.packet->sequence, 50);
    assert_false(history_find(&reading, 100, 1, &place));
}

static void the_key_frame_is_the_newest_one(void **state)
{
    struct packet_place place;

    (void)state;
    keep(STREAM, 65530, 0, true);
    keep(STREAM, 65534, 0, false);
    keep(STREAM, 4, 0, true); /* over the wrap */
    assert_true(history_key_frame(&reading, 0, &place));
    assert_int_equal(place.packet->sequence, 4);
    keep(STREAM, 65533, 0, true); /* late */
    assert_true(history_key_frame(&reading, 0, &place));
    assert_int_equal(place.packet->sequence, 4);
    assert_true(history_newest(&reading, 0, &place));
    assert_int_equal(place.packet->sequence, 4);
}

/* The stream of another time in the same row has the same history, and none of its packets. */
static void another_life_of_the_row_finds_nothing(void **state)
{
    struct packet_place place;
    struct history next = reading;

    (void)state;
    keep(STREAM, 1, 0, true);
    next.stream = shm_handle_make(2, 8);
    assert_false(history_find(&next, 1, 0, &place));
    assert_false(history_newest(&next, 0, &place));
    assert_false(history_key_frame(&next, 0, &place));
}

static void a_new_process_finds_what_the_one_before_stored(void **state)
{
    struct packet_store again;
    struct packet_place place;

    (void)state;
    keep(STREAM, 7, 0, true);
    packet_store_init(&again, &segment, 1, NOW_US);
    struct history history = writing;
    history.store = &again;
    assert_true(history_find(&history, 7, 0, &place));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_found_in_a_new_history),     TEST(what_was_stored_is_found),
        TEST(a_restart_hides_what_was_before),       TEST(the_key_frame_is_the_newest_one),
        TEST(another_life_of_the_row_finds_nothing), TEST(a_new_process_finds_what_the_one_before_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
