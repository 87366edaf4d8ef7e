/* Handles and the bookkeeping of objects: nothing leaks, nothing stale is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/forwarder/objects.h"

static struct shm_capacities small(void)
{
    struct shm_capacities c = shm_capacities_default(2);
    c.transports = 4;
    c.producers = 4;
    c.streams = 6;
    c.consumers = 8;
    return c;
}

static void a_freed_handle_is_stale_and_rests_longest(void **state)
{
    (void)state;
    struct handles handles;
    uint64_t first;

    assert_int_equal(handles_init(&handles, 3), 0);
    first = handles_take(&handles);
    assert_true(handles_is_live(&handles, first));
    handles_free(&handles, first);
    handles_free(&handles, first); /* twice is once */
    assert_false(handles_is_live(&handles, first));
    assert_int_equal(handles_in_use(&handles), 0);
    assert_int_not_equal(shm_handle_index(handles_take(&handles)), shm_handle_index(first));
    assert_int_not_equal(shm_handle_index(handles_take(&handles)), shm_handle_index(first));
    uint64_t again = handles_take(&handles);
    assert_int_equal(shm_handle_index(again), shm_handle_index(first));
    assert_int_equal(shm_handle_generation(again), shm_handle_generation(first) + 1);
    assert_int_equal(handles_take(&handles), SHM_HANDLE_NONE);
    assert_false(handles_is_live(&handles, SHM_HANDLE_NONE));
    assert_false(handles_is_live(&handles, shm_handle_make(1000, 1)));
    handles_reset(&handles);
    assert_false(handles_is_live(&handles, again));
    assert_int_equal(handles_in_use(&handles), 0);
    handles_deinit(&handles);
}

/* Coming and going does not walk through the table: what was never in use has no memory yet. */
static void churn_stays_in_few_rows(void **state)
{
    (void)state;
    struct handles handles;
    uint32_t highest = 0;

    assert_int_equal(handles_init(&handles, 100000), 0);
    for (int i = 0; i < 50000; i++) {
        uint64_t handle = handles_take(&handles);
        if (shm_handle_index(handle) > highest)
            highest = shm_handle_index(handle);
        handles_free(&handles, handle);
    }
    assert_in_range(highest, 1, HANDLES_REST);
    assert_int_equal(handles_in_use(&handles), 0);
    handles_deinit(&handles);
}

static void a_transport_takes_all_with_it(void **state)
{
    (void)state;
    struct shm_capacities c = small();
    struct objects objects;

    assert_int_equal(objects_init(&objects, &c), 0);
    struct object_transport *a = objects_add_transport(&objects, 0, false);
    struct object_transport *b = objects_add_transport(&objects, 1, false);
    struct object_producer *producer = objects_add_producer(&objects, a, 2);
    struct object_producer *other = objects_add_producer(&objects, b, 1);
    struct object_consumer *consumer = objects_add_consumer(&objects, b, producer);
    struct object_consumer *kept = objects_add_consumer(&objects, b, other);
    assert_int_equal(objects.load_by_worker[0], 1 + 4);     /* a, producer */
    assert_int_equal(objects.load_by_worker[1], 1 + 3 * 4); /* b, other, two consumers */
    assert_int_equal(objects_least_loaded(&objects), 0);
    assert_int_equal(producer->consumers_by_worker[1], 1);
    assert_ptr_equal(consumer->producer, producer);
    assert_ptr_equal(objects_find_consumer(&objects, consumer->handle), consumer);

    uint64_t gone = consumer->handle;
    objects_free_transport(&objects, a);
    assert_null(objects_find_consumer(&objects, gone));
    assert_ptr_equal(objects_find_consumer(&objects, kept->handle), kept);
    assert_int_equal(handles_in_use(&objects.stream_handles), 1);
    assert_int_equal(objects.load_by_worker[0], 0);
    assert_int_equal(objects.load_by_worker[1], 1 + 2 * 4);
    objects_free_transport(&objects, b);
    assert_int_equal(handles_in_use(&objects.transport_handles), 0);
    assert_int_equal(handles_in_use(&objects.producer_handles), 0);
    assert_int_equal(handles_in_use(&objects.stream_handles), 0);
    assert_int_equal(handles_in_use(&objects.consumer_handles), 0);
    objects_deinit(&objects);
}

static void clients_that_join_at_once_are_spread(void **state)
{
    (void)state;
    struct shm_capacities c = shm_capacities_default(2);
    struct objects objects;
    unsigned consuming[2] = {0, 0};

    assert_int_equal(objects_init(&objects, &c), 0);
    for (int client = 0; client < 20; client++) {
        uint32_t worker = objects_least_loaded(&objects);
        consuming[worker]++;
        assert_non_null(objects_add_transport(&objects, worker, true));
        assert_non_null(objects_add_transport(&objects, objects_least_loaded(&objects), false));
    }
    assert_in_range(consuming[0], 8, 12);
    assert_int_equal(consuming[0] + consuming[1], 20);
    objects_deinit(&objects);
}

static void a_full_table_takes_nothing(void **state)
{
    (void)state;
    struct shm_capacities c = small();
    struct objects objects;

    assert_int_equal(objects_init(&objects, &c), 0);
    struct object_transport *transport = objects_add_transport(&objects, 0, false);
    assert_null(objects_add_producer(&objects, transport, OBJECTS_ENCODINGS_MAX + 1));
    assert_non_null(objects_add_producer(&objects, transport, 4));
    assert_null(objects_add_producer(&objects, transport, 3)); /* two streams are left */
    assert_int_equal(handles_in_use(&objects.stream_handles), 4);
    assert_int_equal(handles_in_use(&objects.producer_handles), 1);
    for (int i = 0; i < 3; i++)
        assert_non_null(objects_add_transport(&objects, 0, false));
    assert_null(objects_add_transport(&objects, 0, false));
    objects_reset(&objects);
    assert_non_null(objects_add_transport(&objects, 0, false));
    objects_deinit(&objects);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_freed_handle_is_stale_and_rests_longest),
        cmocka_unit_test(churn_stays_in_few_rows),
        cmocka_unit_test(a_transport_takes_all_with_it),
        cmocka_unit_test(clients_that_join_at_once_are_spread),
        cmocka_unit_test(a_full_table_takes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
