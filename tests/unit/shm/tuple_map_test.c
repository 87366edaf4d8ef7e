/* The tuple map against a plain oracle, and against a reader that looks while control writes. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/tuple_map.h"

#define CAPACITY 1024u
#define ADDRESSES 700u

static const uint64_t seed[2] = {0x1234567890abcdefull, 42};

static struct shm_address address(uint32_t n)
{
    struct shm_address made = {.port = (uint16_t)(n * 7)};
    made.ip[10] = made.ip[11] = 0xff;
    memcpy(made.ip + 12, &n, 4);
    return made;
}

static void map_init_seeded(struct tuple_map *map, uint32_t capacity, const uint64_t *with)
{
    static struct shm_tuple_slot slots[CAPACITY];
    static struct shm_tuple_index index[CAPACITY / SHM_TUPLE_ENTRIES];

    memset(slots, 0, sizeof slots);
    memset(index, 0, sizeof index);
    tuple_map_init(map, slots, index, capacity, with);
}

static void map_init(struct tuple_map *map, uint32_t capacity)
{
    map_init_seeded(map, capacity, seed);
}

/* Each transport has a worker, by which half a slot would be told. */
static int insert(struct tuple_map *map, const struct shm_address *remote, shm_handle transport)
{
    return tuple_map_insert(map, remote, transport, (uint32_t)(transport % 61));
}

static shm_handle find(const struct tuple_map *map, const struct shm_address *remote)
{
    uint32_t worker = UINT32_MAX;
    shm_handle transport = tuple_map_find(map, remote, &worker);

    assert_int_equal(worker, transport == SHM_HANDLE_NONE ? UINT32_MAX : transport % 61);
    return transport;
}

static void answers_as_an_oracle_does(void **state)
{
    (void)state;
    uint64_t oracle[ADDRESSES] = {0};
    struct tuple_map map;
    uint32_t random = 1;

    map_init(&map, CAPACITY);
    for (uint32_t step = 0; step < 200000; step++) {
        random = random * 1664525u + 1013904223u;
        uint32_t n = (random >> 8) % ADDRESSES;
        struct shm_address remote = address(n);
        if (random >> 31) {
            assert_int_equal(insert(&map, &remote, step + 1), 0);
            oracle[n] = step + 1;
        } else {
            tuple_map_remove(&map, &remote, oracle[n]);
            oracle[n] = 0;
        }
        struct shm_address other = address((random >> 12) % ADDRESSES);
        assert_int_equal(find(&map, &other), oracle[(random >> 12) % ADDRESSES]);
    }
}

static void another_transports_tuple_is_not_removed(void **state)
{
    (void)state;
    struct tuple_map map;
    struct shm_address remote = address(1);

    map_init(&map, CAPACITY);
    assert_int_equal(insert(&map, &remote, 5), 0);
    assert_int_equal(insert(&map, &remote, 6), 0);
    tuple_map_remove(&map, &remote, 5);
    assert_int_equal(find(&map, &remote), 6);
    tuple_map_remove(&map, &remote, 6);
    assert_int_equal(find(&map, &remote), SHM_HANDLE_NONE);
}

static void a_full_map_says_so(void **state)
{
    (void)state;
    struct tuple_map map;

    map_init(&map, 16);
    for (uint32_t n = 0; n < 16; n++) {
        struct shm_address remote = address(n);
        assert_int_equal(insert(&map, &remote, n + 1), 0);
    }
    struct shm_address one_more = address(16);
    assert_int_equal(insert(&map, &one_more, 17), -ENOSPC);
    assert_int_equal(find(&map, &one_more), SHM_HANDLE_NONE);
    struct shm_address first = address(0);
    tuple_map_remove(&map, &first, 1);
    assert_int_equal(insert(&map, &one_more, 17), 0);
    assert_int_equal(find(&map, &one_more), 17);
}

/* However they are hashed, and whatever came and went before. */
static void tuples_stand_close_together(void **state)
{
    (void)state;
    struct tuple_map map;

    map_init(&map, CAPACITY);
    for (uint32_t n = 0; n < 1000; n++) {
        struct shm_address remote = address(n);
        assert_int_equal(insert(&map, &remote, n + 1), 0);
        if (n >= 10) {
            remote = address(n - 10);
            tuple_map_remove(&map, &remote, n - 9);
        }
    }
    for (uint32_t slot = 11; slot < CAPACITY; slot++)
        assert_int_equal(map.slots[slot].state, 0);
}

/* Killed between slot and index: the next control takes the slot for another tuple. */
static void a_slot_of_no_index_is_free(void **state)
{
    (void)state;
    struct tuple_map map;
    struct shm_address first = address(1), lost = address(2), next = address(3);

    map_init(&map, CAPACITY);
    assert_int_equal(insert(&map, &first, 1), 0);
    map.slots[1].state = 1;
    map.slots[1].remote = lost;
    map.first_free = 0;
    assert_int_equal(find(&map, &lost), SHM_HANDLE_NONE);
    assert_int_equal(insert(&map, &next, 3), 0);
    assert_int_equal(map.first_free, 2);
    assert_int_equal(find(&map, &first), 1);
    assert_int_equal(find(&map, &next), 3);
    assert_int_equal(insert(&map, &lost, 2), 0);
    assert_int_equal(find(&map, &lost), 2);
}

/* Addresses that stand behind one another with one seed do not with another: who is told nothing of the seed
 * cannot choose such. */
static void a_seed_spreads_what_collides_with_another(void **state)
{
    (void)state;
    static const uint64_t other_seed[2] = {7, 8};
    struct shm_address colliding[16];
    struct tuple_map map;
    unsigned count = 0, at_home = 0;

    for (uint32_t n = 0; count < 16; n++) { /* whatever goes to the first entry of an empty index */
        map_init(&map, CAPACITY);
        colliding[count] = address(n);
        assert_int_equal(insert(&map, &colliding[count], 1), 0);
        count += map.index[0] != 0;
    }
    map_init_seeded(&map, CAPACITY, other_seed);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(insert(&map, &colliding[i], 1 + i), 0);
    for (uint32_t entry = 1; entry < CAPACITY; entry++)
        at_home += map.index[entry] != 0 && map.index[entry - 1] == 0;
    assert_true(at_home >= 12);
}

struct churn {
    struct tuple_map map;
    _Atomic bool done;
};

static void *churn(void *context)
{
    struct churn *c = context;
    for (uint32_t round = 0; round < 20000; round++) {
        struct shm_address remote = address(1 + round % 50);
        if (insert(&c->map, &remote, 1 + round % 50) != 0)
            abort();
        struct shm_address old = address(1 + (round + 25) % 50);
        tuple_map_remove(&c->map, &old, 1 + (round + 25) % 50);
    }
    c->done = true;
    return NULL;
}

/* A reader sees the right transport or none, never half of one; and what is not touched is always there. */
static void a_reader_sees_whole_slots(void **state)
{
    (void)state;
    struct churn c = {.done = false};
    struct shm_address fixed = address(1000);
    pthread_t thread;

    map_init(&c.map, CAPACITY);
    assert_int_equal(insert(&c.map, &fixed, 1000), 0);
    assert_int_equal(pthread_create(&thread, NULL, churn, &c), 0);
    for (uint32_t n = 0; !c.done; n++) {
        struct shm_address remote = address(1 + n % 50);
        shm_handle found = find(&c.map, &remote);
        assert_true(found == SHM_HANDLE_NONE || found == 1 + n % 50);
        assert_int_equal(find(&c.map, &fixed), 1000);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_as_an_oracle_does),
        cmocka_unit_test(another_transports_tuple_is_not_removed),
        cmocka_unit_test(a_full_map_says_so),
        cmocka_unit_test(tuples_stand_close_together),
        cmocka_unit_test(a_slot_of_no_index_is_free),
        cmocka_unit_test(a_reader_sees_whole_slots),
        cmocka_unit_test(a_seed_spreads_what_collides_with_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
