/* The packet store: a position finds its packet as long as that is kept, and never another; what is kept is
 * what came within a time, as far as there is memory. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/packet_store.h"
#include "shm/segment.h"
#include "tests/unit/dataplane/prng.h"

#define CHUNKS 64u
#define SMALL_CHUNKS 2u
#define PACKETS_MAX 65536u

static struct shm_segment segment;
static uint64_t now_us;

static int set_up_chunks(uint32_t chunks)
{
    struct shm_capacities capacities = shm_capacities_default(2);

    capacities.transports = capacities.producers = capacities.streams = capacities.consumers = 4;
    capacities.store_chunks = chunks;
    now_us = 1000000;
    return shm_segment_create(&capacities, &segment);
}

static int set_up(void **state)
{
    (void)state;
    return set_up_chunks(CHUNKS);
}

static int set_up_small(void **state)
{
    (void)state;
    return set_up_chunks(SMALL_CHUNKS);
}

static int tear_down(void **state)
{
    (void)state;
    shm_segment_deinit(&segment, false);
    return 0;
}

/* Words that only the packet with that number has. Word by word, as seqlock.h: a reader may be at it. */
static void fill(struct shm_packet *packet, uint64_t number, uint32_t bytes)
{
    uint64_t *words = (uint64_t *)(void *)packet->bytes;

    for (uint32_t i = 0; i < bytes / 8; i++)
        __atomic_store_n(&words[i], number * 0x9e3779b97f4a7c15ull + i, __ATOMIC_RELAXED);
}

static bool is_filled(const struct packet_place *place, uint64_t number, uint32_t bytes)
{
    const uint64_t *words = (const uint64_t *)(const void *)place->packet->bytes;
    bool is_equal = bytes <= packet_store_room(place);

    for (uint32_t i = 0; i < bytes / 8 && is_equal; i++)
        is_equal = __atomic_load_n(&words[i], __ATOMIC_RELAXED) == number * 0x9e3779b97f4a7c15ull + i;
    return is_equal;
}

static uint32_t bytes_of(uint64_t number)
{
    return (uint32_t)(number * 104729 % 240 + 1) * 8;
}

static struct packet_place write_number(struct packet_store *store, uint64_t number)
{
    fill(packet_store_begin(store, bytes_of(number), now_us), number, bytes_of(number));
    return packet_store_commit(store);
}

static bool reads_number(const struct packet_store *store, uint32_t worker, uint64_t position,
                         uint64_t number)
{
    struct packet_place place;

    return packet_store_find(store, worker, position, &place) &&
           is_filled(&place, number, bytes_of(number)) && packet_store_holds(&place);
}

static bool has(const struct packet_store *store, uint32_t worker, uint64_t position)
{
    struct packet_place place;

    return packet_store_find(store, worker, position, &place);
}

static void a_position_finds_its_packet_until_it_is_overwritten(void **state)
{
    static uint64_t positions[600];
    struct packet_store writer, reader;

    (void)state;
    packet_store_init(&writer, &segment, 1, now_us);
    packet_store_init(&reader, &segment, 0, now_us);
    assert_false(has(&reader, 1, 0));
    for (uint32_t i = 0; i < 600; i++) {
        positions[i] = write_number(&writer, i).position;
        assert_true(i == 0 || positions[i] > positions[i - 1]);
        for (uint32_t j = 0; j <= i; j++) {
            uint64_t chunks = positions[i] / SHM_CHUNK_BYTES - positions[j] / SHM_CHUNK_BYTES;
            if (chunks >= SMALL_CHUNKS)
                assert_false(has(&reader, 1, positions[j]));
            else
                assert_true(reads_number(&reader, 1, positions[j], j));
        }
        assert_false(has(&reader, 0, positions[i])); /* the other circle */
    }
    assert_true(positions[599] / SHM_CHUNK_BYTES > 8);
    assert_false(has(&reader, 2, positions[599]));
    assert_false(has(&reader, 1, positions[599] + 1));
    assert_false(has(&reader, 1, writer.next)); /* what comes next */
    assert_false(has(&reader, 1, UINT64_MAX));
    assert_false(has(&reader, 1, UINT64_MAX / SHM_CHUNK_BYTES * SHM_CHUNK_BYTES));
}

static void a_reader_is_told_that_its_packet_was_taken(void **state)
{
    struct packet_store store;

    (void)state;
    packet_store_init(&store, &segment, 0, now_us);
    struct packet_place place = write_number(&store, 1);
    while (store.next + 2048 < (uint64_t)SMALL_CHUNKS * SHM_CHUNK_BYTES)
        write_number(&store, 2);
    assert_true(packet_store_holds(&place));
    assert_true(reads_number(&store, 0, place.position, 1));
    struct packet_place last = place;
    while (packet_store_holds(&place)) {
        packet_store_begin(&store, SHM_PACKET_DATA_MAX, now_us); /* from the first byte on */
        last = packet_store_holds(&place) ? packet_store_commit(&store) : last;
    }
    assert_ptr_equal(store.begun, place.packet);
    assert_false(has(&store, 0, place.position));
    assert_true(has(&store, 0, last.position));
    assert_false(has(&store, 0, store.next)); /* nor is what is being written seen */
    packet_store_commit(&store);
    assert_false(packet_store_holds(&place));
    assert_false(has(&store, 0, place.position));
}

/* What a sender sends stands in the store as it is: a packet full of heads of packets is none. */
static void what_looks_like_a_head_is_none(void **state)
{
    static uint64_t positions[64];
    struct packet_store store;
    struct packet_place place;
    struct shm_packet head = {.stream = 7, .sequence = 9, .length = 1, .received_us = now_us};

    (void)state;
    packet_store_init(&store, &segment, 0, now_us);
    for (unsigned i = 0; i < 64; i++)
        positions[i] = write_number(&store, i).position;
    uint64_t end = store.next + 4ull * SMALL_CHUNKS * SHM_CHUNK_BYTES;
    while (store.next < end) {
        struct shm_packet *packet = packet_store_begin(&store, 28 * sizeof(head), now_us);
        *packet = (struct shm_packet){.stream = 1};
        for (unsigned i = 0; i < 28; i++)
            memcpy(packet->bytes + SHM_CACHE_LINE - SHM_PACKET_HEAD_BYTES + (size_t)i * sizeof(head) -
                       (i == 27 ? sizeof(head) : 0),
                   &head, sizeof(head));
        struct packet_place own = packet_store_commit(&store);
        assert_true(packet_store_find(&store, 0, own.position, &place));
        assert_int_equal(place.packet->stream, 1);
    }
    for (unsigned i = 0; i < 64; i++)
        assert_false(has(&store, 0, positions[i]));
    for (uint64_t ahead = store.next; ahead < store.next + (uint64_t)SMALL_CHUNKS * SHM_CHUNK_BYTES;
         ahead += 64)
        assert_false(has(&store, 0, ahead)); /* where heads of a round before stand */
}

/* Sends number on at bytes a second, and looks that all is there that is to be kept. */
static uint64_t send_for(struct packet_store *store, uint64_t number, uint64_t for_us, uint32_t packets_per_s,
                         uint64_t *positions, uint64_t *times)
{
    static uint64_t oldest;
    uint64_t end_us = now_us + for_us;

    if (number == 0)
        oldest = 0;
    for (; now_us < end_us; now_us += 1000000 / packets_per_s) {
        positions[number] = write_number(store, number).position;
        times[number] = now_us;
        while (now_us - times[oldest] > SHM_STORE_KEEP_US)
            oldest++;
        assert_true(reads_number(store, 0, positions[oldest], oldest));
        number++;
    }
    for (uint64_t i = oldest; i < number; i++)
        assert_true(reads_number(store, 0, positions[i], i));
    return number;
}

static uint32_t chunks_for(uint32_t packets_per_s)
{
    const uint32_t average_bytes = 1000 + 64; /* of what write_number writes */
    return (packets_per_s * average_bytes / 1000 * (SHM_STORE_KEEP_US / 1000) + SHM_CHUNK_BYTES - 1) /
               SHM_CHUNK_BYTES +
           2;
}

static uint64_t resident_bytes(void)
{
    struct stat status;

    assert_int_equal(fstat(segment.fd, &status), 0);
    return (uint64_t)status.st_blocks * 512;
}

static void it_grows_to_what_comes_within_the_time_and_no_further(void **state)
{
    static uint64_t positions[PACKETS_MAX], times[PACKETS_MAX];
    struct packet_store store;

    (void)state;
    packet_store_init(&store, &segment, 0, now_us);
    uint64_t number = send_for(&store, 0, 30000000, 100, positions, times);
    assert_in_range(store.head->begun, 3, chunks_for(100));
    number = send_for(&store, number, 30000000, 500, positions, times); /* at once five times as much */
    assert_in_range(store.head->begun, chunks_for(100) + 1, chunks_for(500));
    number = send_for(&store, number, 30000000, 20, positions, times);
    assert_in_range(store.head->begun, chunks_for(100) + 1, chunks_for(500));

    uint64_t busy_bytes = resident_bytes();
    uint32_t trimmed = 0;
    while (packet_store_trim(&store, now_us))
        trimmed++;
    assert_true(trimmed > 0);
    assert_true(resident_bytes() <= busy_bytes - (uint64_t)trimmed * SHM_CHUNK_BYTES);
    for (unsigned i = 0; i < 100; i++) { /* as a worker does, now and then */
        number = send_for(&store, number, 100000, 20, positions, times);
        packet_store_trim(&store, now_us);
    }
    assert_true(store.end / SHM_CHUNK_BYTES - store.first <= 2 * chunks_for(20));
    number = send_for(&store, number, 10000000, 500, positions, times);
    assert_in_range(store.head->begun, chunks_for(100) + 1, chunks_for(500)); /* what was given back */

    now_us += 2 * SHM_STORE_QUIET_US;
    while (packet_store_trim(&store, now_us)) {
    }
    assert_int_equal(store.end / SHM_CHUNK_BYTES - store.first, 1);
    send_for(&store, number, 1000000, 500, positions, times);
}

static void beyond_its_size_the_oldest_goes(void **state)
{
    struct packet_store store;
    uint64_t oldest = 0;

    (void)state;
    packet_store_init(&store, &segment, 0, now_us);
    while (store.next < 10ull * CHUNKS * SHM_CHUNK_BYTES) {
        write_number(&store, 1);
        while (!has(&store, 0, oldest))
            oldest += SHM_CACHE_LINE;
        assert_true(store.next - oldest <= (uint64_t)CHUNKS * SHM_CHUNK_BYTES);
        assert_true(oldest == 0 || store.next - oldest > (CHUNKS - 1ull) * SHM_CHUNK_BYTES);
    }
    assert_int_equal(store.head->begun, CHUNKS);
}

struct positions {
    _Atomic uint64_t count;
    uint64_t of[PACKETS_MAX];
};

static void write_on(struct packet_store *store, struct positions *positions)
{
    uint64_t number = atomic_load(&positions->count);

    positions->of[number] = write_number(store, number).position;
    atomic_store(&positions->count, number + 1);
}

/* Everything that was told is whole or gone, and what is gone is the oldest. */
static void expect_whole(const struct packet_store *store, const struct positions *positions,
                         uint64_t at_least)
{
    uint64_t count = atomic_load(&positions->count);
    uint64_t found = 0;

    for (uint64_t i = 0; i < count; i++) {
        bool is_there = has(store, 0, positions->of[i]);
        assert_true(is_there || found == 0);
        assert_true(!is_there || reads_number(store, 0, positions->of[i], i));
        found += is_there;
    }
    assert_true(found >= at_least);
}

/* As after a kill, at each step: positions go on, so that an old one never means a new packet. */
static void another_process_goes_on(void **state)
{
    static struct positions positions;
    struct packet_store store, next;

    (void)state;
    packet_store_init(&store, &segment, 0, now_us);
    for (unsigned i = 0; i < 2000; i++) {
        write_on(&store, &positions);
        fill(packet_store_begin(&store, 1600, now_us), 0, i % 1600); /* and dies in it */
        uint64_t half = store.next;
        now_us += i % 7 * 1000;
        packet_store_init(&next, &segment, 0, now_us);
        assert_false(has(&next, 0, half));
        assert_true(next.next > positions.of[i]);
        if (i % 100 == 0)
            expect_whole(&next, &positions, i < 100 ? 1 : 30);
        store = next;
        if (i % 500 == 499) { /* between taking the oldest place and telling whose it is now */
            store.head->first++;
            packet_store_init(&store, &segment, 0, now_us);
            assert_true(store.free != 0);
            expect_whole(&store, &positions, 30);
        } else if (i % 500 == 250) { /* the same with a place that was not used before */
            store.head->begun += store.head->begun < CHUNKS;
            packet_store_init(&store, &segment, 0, now_us);
            expect_whole(&store, &positions, 30);
        }
    }
    assert_true(store.head->begun <= CHUNKS);
}

/* Its only chunk was old and had been given up; nothing had been written to the next one. */
static void another_process_begins_behind_what_was_given_up(void **state)
{
    struct packet_store store;

    (void)state;
    packet_store_init(&store, &segment, 0, now_us);
    for (uint64_t i = 0; i < 10; i++)
        write_number(&store, i);
    atomic_fetch_add(&store.head->first, 1);
    packet_store_init(&store, &segment, 0, now_us);
    for (uint64_t i = 10; i < 20; i++) {
        struct packet_place place = write_number(&store, i);
        assert_true(has(&store, 0, place.position));
    }
}

static void a_writer_is_killed_anywhere(void **state)
{
    struct positions *positions =
        mmap(NULL, sizeof(*positions), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct prng prng = {.state = 7};
    struct packet_store store;

    (void)state;
    assert_ptr_not_equal(positions, MAP_FAILED);
    for (unsigned i = 0; i < 30; i++) {
        uint64_t until = atomic_load(&positions->count) + 1 + prng_below(&prng, 500);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            packet_store_init(&store, &segment, 0, now_us);
            while (atomic_load(&positions->count) < PACKETS_MAX - 1000)
                write_on(&store, positions);
            _exit(0);
        }
        while (atomic_load(&positions->count) < until && atomic_load(&positions->count) < PACKETS_MAX - 1000)
            sched_yield();
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        packet_store_init(&store, &segment, 0, now_us);
        expect_whole(&store, positions, 1);
        write_on(&store, positions);
        expect_whole(&store, positions, 1);
    }
    munmap(positions, sizeof(*positions));
}

/* A head or a table that cannot be: what was stored is gone, and positions go on. */
static void what_cannot_be_is_not_adopted(void **state)
{
    struct packet_store store;

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        packet_store_init(&store, &segment, 0, now_us);
        struct packet_place place;
        do
            place = write_number(&store, i);
        while (place.position < store.first * SHM_CHUNK_BYTES + 3ull * SHM_CHUNK_BYTES);
        uint64_t serial = place.position / SHM_CHUNK_BYTES;
        if (i == 0)
            store.own_chunks[serial % CHUNKS].place = CHUNKS;
        else if (i == 1)
            store.own_chunks[serial % CHUNKS].place = store.own_chunks[(serial - 1) % CHUNKS].place;
        else if (i == 2)
            store.head->begun = CHUNKS + 1;
        else
            store.head->first = serial + 5;
        packet_store_init(&store, &segment, 0, now_us);
        assert_false(has(&store, 0, place.position));
        struct packet_place after = write_number(&store, 9);
        assert_true(after.position > place.position);
        assert_true(reads_number(&store, 0, after.position, 9));
        assert_false(has(&store, 0, place.position));
    }
}

/* Two threads on one mapping: a reader that believes what it read has read the packet. */
struct race {
    struct packet_store writer;
    struct positions positions;
    _Atomic bool is_over;
};

static void *write_for_race(void *argument)
{
    struct race *race = argument;

    while (!atomic_load(&race->is_over)) {
        uint64_t number = atomic_load(&race->positions.count);
        uint64_t position = write_number(&race->writer, number).position;
        __atomic_store_n(&race->positions.of[number % PACKETS_MAX], position, __ATOMIC_RELAXED);
        atomic_store(&race->positions.count, number + 1);
    }
    return NULL;
}

static void what_is_overwritten_while_it_is_read_is_not_believed(void **state)
{
    static struct race race;
    struct prng prng = {.state = 3};
    struct packet_store reader;
    uint64_t whole = 0, gone = 0;
    pthread_t thread;

    (void)state;
    packet_store_init(&race.writer, &segment, 1, now_us);
    packet_store_init(&reader, &segment, 0, now_us);
    assert_int_equal(pthread_create(&thread, NULL, write_for_race, &race), 0);
    while (whole < 20000 || gone < 20000) {
        uint64_t count = atomic_load(&race.positions.count);
        uint64_t back = 1 + prng_below(&prng, 80);
        struct packet_place place;
        if (count <= back)
            continue;
        uint64_t number = count - back;
        uint64_t position = __atomic_load_n(&race.positions.of[number % PACKETS_MAX], __ATOMIC_RELAXED);
        if (!packet_store_find(&reader, 1, position, &place)) {
            gone++;
            continue;
        }
        bool is_equal = is_filled(&place, number, bytes_of(number));
        if (packet_store_holds(&place)) {
            assert_true(is_equal);
            whole++;
        } else {
            gone++;
        }
    }
    atomic_store(&race.is_over, true);
    pthread_join(thread, NULL);
}

static void the_size_is_shared_out(void **state)
{
    (void)state;
    assert_int_equal(shm_store_chunks(64, 1), 2048);
    assert_int_equal(shm_store_chunks(64, 2), 1024);
    assert_int_equal(shm_store_chunks(64, 64), 32);
    assert_int_equal(shm_store_chunks(8, 64), 4);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define SMALL(name) cmocka_unit_test_setup_teardown(name, set_up_small, tear_down)
    const struct CMUnitTest tests[] = {
        SMALL(a_position_finds_its_packet_until_it_is_overwritten),
        SMALL(a_reader_is_told_that_its_packet_was_taken),
        SMALL(what_looks_like_a_head_is_none),
        TEST(it_grows_to_what_comes_within_the_time_and_no_further),
        TEST(beyond_its_size_the_oldest_goes),
        TEST(another_process_goes_on),
        TEST(another_process_begins_behind_what_was_given_up),
        TEST(a_writer_is_killed_anywhere),
        TEST(what_cannot_be_is_not_adopted),
        SMALL(what_is_overwritten_while_it_is_read_is_not_believed),
        cmocka_unit_test(the_size_is_shared_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
