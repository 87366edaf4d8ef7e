/* The ring: records of every length over many wraps, two processes, two threads, and a hostile other side. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/ring.h"

#define CAPACITY 4096u
#define HAMMER_RECORDS 300000u

static struct shm_ring *make_ring(void)
{
    void *memory =
        mmap(NULL, SHM_RING_BYTES(CAPACITY), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    ring_format(memory, CAPACITY);
    return memory;
}

static void drop_ring(struct shm_ring *ring)
{
    munmap(ring, SHM_RING_BYTES(CAPACITY));
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Record n: its length and every byte follow from n, so that the consumer can tell loss, reorder and damage.
 */
static uint32_t record_length(uint32_t n)
{
    uint32_t state = n * 2654435761u;
    return 4 + next_random(&state) % 200;
}

static void fill_record(uint32_t n, uint8_t *data, uint32_t length)
{
    memcpy(data, &n, 4);
    memset(data + 4, (int)(n & 0xff), length - 4);
}

static bool record_is(uint32_t n, const uint8_t *data, uint32_t length)
{
    uint8_t expected[256];
    if (length != record_length(n))
        return false;
    fill_record(n, expected, length);
    return memcmp(expected, data, length) == 0;
}

static void keeps_order_and_bytes_over_wraps(void **state)
{
    (void)state;
    struct shm_ring *ring = make_ring();
    struct ring_producer producer;
    struct ring_consumer consumer;
    uint8_t data[256];
    uint32_t length;
    uint32_t read = 0;

    assert_int_equal(ring_producer_init(&producer, ring, CAPACITY), 0);
    assert_int_equal(ring_consumer_init(&consumer, ring, CAPACITY), 0);
    for (uint32_t written = 0; written < 10000; written++) {
        fill_record(written, data, record_length(written));
        while (ring_push(&producer, data, record_length(written)) == -ENOBUFS) {
            assert_int_equal(ring_pop(&consumer, data, sizeof data, &length), 0);
            assert_true(record_is(read++, data, length));
            fill_record(written, data, record_length(written));
        }
    }
    while (ring_pop(&consumer, data, sizeof data, &length) == 0)
        assert_true(record_is(read++, data, length));
    assert_int_equal(read, 10000);
    assert_true(atomic_load(&ring->producer.refused) > 0);
    drop_ring(ring);
}

static void reserve_and_peek_work_in_place(void **state)
{
    (void)state;
    struct shm_ring *ring = make_ring();
    struct ring_producer producer;
    struct ring_consumer consumer;
    uint32_t length;

    assert_int_equal(ring_producer_init(&producer, ring, CAPACITY), 0);
    assert_int_equal(ring_consumer_init(&consumer, ring, CAPACITY), 0);
    assert_null(ring_peek(&consumer, &length));

    uint8_t *room = ring_reserve(&producer, 100);
    assert_non_null(room);
    memcpy(room, "abc", 3);
    assert_null(ring_peek(&consumer, &length)); /* nothing before the commit */
    ring_commit(&producer, 3);

    const void *data = ring_peek(&consumer, &length);
    assert_non_null(data);
    assert_int_equal(length, 3);
    assert_memory_equal(data, "abc", 3);
    assert_ptr_equal(ring_peek(&consumer, &length), data); /* until it is released */
    ring_release(&consumer);
    assert_null(ring_peek(&consumer, &length));
    drop_ring(ring);
}

static void refuses_what_cannot_fit(void **state)
{
    (void)state;
    struct shm_ring *ring = make_ring();
    struct ring_producer producer;
    struct ring_consumer consumer;
    static uint8_t data[CAPACITY];
    uint32_t length = 77;

    assert_int_equal(ring_producer_init(&producer, ring, CAPACITY), 0);
    assert_int_equal(ring_consumer_init(&consumer, ring, CAPACITY), 0);
    assert_int_equal(ring_push(&producer, data, SHM_RING_RECORD_MAX(CAPACITY) + 1), -EMSGSIZE);
    assert_int_equal(ring_push(&producer, data, SHM_RING_RECORD_MAX(CAPACITY)), 0);
    assert_int_equal(ring_pop(&consumer, data, 10, &length), -EMSGSIZE);
    assert_int_equal(length, 77);
    assert_int_equal(ring_pop(&consumer, data, sizeof data, &length), -EAGAIN);
    drop_ring(ring);
}

static void a_successor_takes_up_where_the_other_was_killed(void **state)
{
    (void)state;
    struct shm_ring *ring = make_ring();
    struct ring_producer producer;
    struct ring_consumer consumer;
    uint8_t data[16];
    uint32_t length;

    assert_int_equal(ring_producer_init(&producer, ring, CAPACITY), 0);
    assert_int_equal(ring_push(&producer, "one", 3), 0);
    assert_non_null(ring_reserve(&producer, 10)); /* killed here */
    assert_int_equal(ring_producer_init(&producer, ring, CAPACITY), 0);
    assert_int_equal(ring_push(&producer, "two", 3), 0);

    assert_int_equal(ring_consumer_init(&consumer, ring, CAPACITY), 0);
    assert_int_equal(ring_pop(&consumer, data, sizeof data, &length), 0);
    assert_memory_equal(data, "one", 3);
    assert_int_equal(ring_consumer_init(&consumer, ring, CAPACITY), 0);
    assert_int_equal(ring_pop(&consumer, data, sizeof data, &length), 0);
    assert_memory_equal(data, "two", 3);
    assert_int_equal(ring_pop(&consumer, data, sizeof data, &length), -EAGAIN);
    drop_ring(ring);
}

static void a_hostile_producer_is_counted_never_followed(void **state)
{
    (void)state;
    static const uint64_t heads[] = {CAPACITY + 8, 4, ~0ull, 1ull << 40};
    static const uint32_t lengths[] = {0xffffffff, 0xfffffff8, CAPACITY, CAPACITY - 7, 0x80000000};
    uint8_t data[CAPACITY];
    uint32_t length;

    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        struct shm_ring *ring = make_ring();
        struct ring_consumer consumer;
        assert_int_equal(ring_consumer_init(&consumer, ring, CAPACITY), 0);
        atomic_store(&ring->producer.head, heads[i]);
        assert_int_equal(ring_pop(&consumer, data, sizeof data, &length), -EBADMSG);
        assert_int_equal(atomic_load(&ring->consumer.corrupt), 1);
        drop_ring(ring);
    }
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct shm_ring *ring = make_ring();
        struct ring_producer producer;
        struct ring_consumer consumer;
        assert_int_equal(ring_producer_init(&producer, ring, CAPACITY), 0);
        assert_int_equal(ring_consumer_init(&consumer, ring, CAPACITY), 0);
        assert_int_equal(ring_push(&producer, "bad", 3), 0);
        memcpy(ring->data, &lengths[i], 4);
        assert_int_equal(ring_pop(&consumer, data, sizeof data, &length), -EBADMSG);
        /* All that was queued is gone; what comes after is read. */
        assert_int_equal(ring_push(&producer, "good", 4), 0);
        assert_int_equal(ring_pop(&consumer, data, sizeof data, &length), 0);
        assert_int_equal(length, 4);
        assert_memory_equal(data, "good", 4);
        drop_ring(ring);
    }
    struct shm_ring *ring = make_ring();
    struct ring_consumer consumer;
    struct ring_producer producer;
    ring->shared.capacity = CAPACITY * 2;
    assert_int_equal(ring_consumer_init(&consumer, ring, CAPACITY), -EBADMSG);
    ring->shared.capacity = CAPACITY;
    assert_int_equal(ring_producer_init(&producer, ring, CAPACITY), 0);
    atomic_store(&ring->consumer.tail, 8); /* beyond the head */
    for (int i = 0; i < 100; i++)
        (void)ring_push(&producer, data, 900);
    assert_true(atomic_load(&ring->producer.refused) > 0);
    drop_ring(ring);
}

static void a_sleeper_is_woken_once(void **state)
{
    (void)state;
    struct shm_ring *ring = make_ring();
    struct ring_producer producer;
    struct ring_consumer consumer;
    uint8_t data[16];
    uint32_t length;

    assert_int_equal(ring_producer_init(&producer, ring, CAPACITY), 0);
    assert_int_equal(ring_consumer_init(&consumer, ring, CAPACITY), 0);
    assert_false(ring_wants_wake(&producer));
    assert_true(ring_sleep(&consumer));
    assert_int_equal(ring_push(&producer, "x", 1), 0);
    assert_true(ring_wants_wake(&producer));
    assert_false(ring_wants_wake(&producer));
    assert_false(ring_sleep(&consumer)); /* a record waits */
    assert_int_equal(ring_pop(&consumer, data, sizeof data, &length), 0);
    assert_true(ring_sleep(&consumer));
    ring_awake(&consumer);
    assert_false(ring_wants_wake(&producer));
    drop_ring(ring);
}

static void produce_all(struct shm_ring *ring)
{
    struct ring_producer producer;
    if (ring_producer_init(&producer, ring, CAPACITY) != 0)
        abort();
    for (uint32_t n = 0; n < HAMMER_RECORDS; n++) {
        uint8_t *room;
        while (!(room = ring_reserve(&producer, record_length(n))))
            sched_yield();
        fill_record(n, room, record_length(n));
        ring_commit(&producer, record_length(n));
    }
}

static uint32_t consume_all(struct shm_ring *ring)
{
    struct ring_consumer consumer;
    uint8_t data[256];
    uint32_t length;
    uint32_t n = 0;
    if (ring_consumer_init(&consumer, ring, CAPACITY) != 0)
        return 0;
    while (n < HAMMER_RECORDS) {
        int err = ring_pop(&consumer, data, sizeof data, &length);
        if (err == -EAGAIN)
            sched_yield();
        else if (err != 0 || !record_is(n++, data, length))
            return 0;
    }
    return n;
}

static void two_processes_hammer_it(void **state)
{
    (void)state;
    struct shm_ring *ring = make_ring();
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        produce_all(ring);
        _exit(0);
    }
    assert_int_equal(consume_all(ring), HAMMER_RECORDS);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    drop_ring(ring);
}

/* Bursts of up to 40 KB, each drained to the last record but every fifth: all come in order, and the far end
 * is never touched. */
static void an_empty_ring_starts_over(void **state)
{
    (void)state;
    enum { LARGE = 1 << 20, BURST = 200 };
    struct shm_ring *ring =
        mmap(NULL, SHM_RING_BYTES(LARGE), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct ring_producer producer;
    struct ring_consumer consumer;
    uint8_t data[256];
    uint32_t length, written = 0, read = 0, random = 3;

    assert_ptr_not_equal(ring, MAP_FAILED);
    ring_format(ring, LARGE);
    assert_int_equal(ring_producer_init(&producer, ring, LARGE), 0);
    assert_int_equal(ring_consumer_init(&consumer, ring, LARGE), 0);
    for (uint32_t burst = 0; burst < 2000; burst++) {
        for (uint32_t i = next_random(&random) % BURST; i > 0; i--, written++) {
            fill_record(written, data, record_length(written));
            assert_int_equal(ring_push(&producer, data, record_length(written)), 0);
        }
        uint32_t left = burst % 5 == 0 && written > read ? 1 : 0;
        for (; read < written - left; read++) {
            assert_int_equal(ring_pop(&consumer, data, sizeof data, &length), 0);
            assert_true(record_is(read, data, length));
        }
    }
    assert_true(written > 100000);
    for (size_t i = LARGE / 2; i < LARGE; i++)
        if (ring->data[i] != 0)
            fail_msg("byte %zu was touched", i);
    assert_int_equal(atomic_load(&ring->producer.refused), 0);
    assert_int_equal(atomic_load(&ring->consumer.corrupt), 0);
    munmap(ring, SHM_RING_BYTES(LARGE));
}

static void *produce_thread(void *ring)
{
    produce_all(ring);
    return NULL;
}

static void two_threads_hammer_one_mapping(void **state)
{
    (void)state;
    struct shm_ring *ring = make_ring();
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, produce_thread, ring), 0);
    assert_int_equal(consume_all(ring), HAMMER_RECORDS);
    assert_int_equal(pthread_join(thread, NULL), 0);
    drop_ring(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_order_and_bytes_over_wraps),
        cmocka_unit_test(reserve_and_peek_work_in_place),
        cmocka_unit_test(refuses_what_cannot_fit),
        cmocka_unit_test(a_successor_takes_up_where_the_other_was_killed),
        cmocka_unit_test(a_hostile_producer_is_counted_never_followed),
        cmocka_unit_test(a_sleeper_is_woken_once),
        cmocka_unit_test(an_empty_ring_starts_over),
        cmocka_unit_test(two_processes_hammer_it),
        cmocka_unit_test(two_threads_hammer_one_mapping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
