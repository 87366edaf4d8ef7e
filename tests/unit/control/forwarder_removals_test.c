/* With the ring full installations are refused, and removals wait: none is lost, and none is overtaken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "control/forwarder/forwarder.h"
#include "control/forwarder/forwarder_private.h"
#include "control/log.h"

#define TRANSPORTS 1000u

struct stage {
    struct forwarder *forwarder;
    struct ring_consumer commands; /* as the worker has it */
    uint64_t transports[TRANSPORTS];
};

static const struct forwarder_transport credentials = {.ice_ufrag = "ufrag", .ice_password = "password"};

static void ignore(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    (void)context;
}

static void open_stage(struct stage *stage)
{
    struct shm_capacities c = shm_capacities_default(1);
    c.transports = c.producers = c.streams = c.consumers = TRANSPORTS;
    c.command_ring_bytes = 16384;
    memset(stage, 0, sizeof(*stage));
    log_set_level(LOG_LEVEL_ERROR);
    struct forwarder *forwarder = stage->forwarder = calloc(1, sizeof(*forwarder));
    assert_non_null(forwarder);
    forwarder->worker_count = 1;
    forwarder->is_open = true;
    forwarder->base = event_base_new();
    forwarder->workers[0].told_event = event_new(forwarder->base, -1, 0, ignore, NULL);
    assert_non_null(forwarder->workers[0].told_event);
    assert_int_equal(objects_init(&forwarder->objects, &c), 0);
    assert_int_equal(shm_segment_create(&c, &forwarder->segment), 0);
    tuple_map_init(&forwarder->tuples, shm_segment_section(&forwarder->segment, SHM_SECTION_TUPLE_MAP),
                   shm_segment_section(&forwarder->segment, SHM_SECTION_TUPLE_INDEX), c.tuples,
                   forwarder->segment.secret);
    assert_int_equal(channel_init(&forwarder->workers[0].channel, &forwarder->segment, 0, -1, -1), 0);
    assert_int_equal(ring_consumer_init(&stage->commands,
                                        shm_segment_at(&forwarder->segment, SHM_SECTION_COMMAND_RING, 0),
                                        c.command_ring_bytes),
                     0);
}

static void close_stage(struct stage *stage)
{
    struct forwarder *forwarder = stage->forwarder;
    answers_deinit(&forwarder->workers[0].answers);
    removals_deinit(&forwarder->workers[0].removals);
    objects_deinit(&forwarder->objects);
    shm_segment_deinit(&forwarder->segment, true);
    event_free(forwarder->workers[0].told_event);
    event_base_free(forwarder->base);
    free(forwarder);
}

/* The worker takes a command; false if there is none. */
static bool take(struct stage *stage, uint32_t *ret_body, uint64_t *ret_handle)
{
    uint32_t length;
    const uint8_t *record = ring_peek(&stage->commands, &length);
    if (!record)
        return false;
    Km__Command *command = km__command__unpack(NULL, length, record);
    assert_non_null(command);
    *ret_body = command->body_case;
    *ret_handle = command->body_case == KM__COMMAND__BODY_REMOVE_TRANSPORT
                      ? command->remove_transport->handle
                      : command->install_transport->transport;
    km__command__free_unpacked(command, NULL);
    ring_release(&stage->commands);
    return true;
}

static int install(struct stage *stage, uint64_t *ret_transport)
{
    return forwarder_install_transport(stage->forwarder, 0, &credentials, ret_transport);
}

static unsigned fill(struct stage *stage)
{
    unsigned count = 0;
    while (install(stage, &stage->transports[count]) == 0)
        count++;
    assert_in_range(count, 50, TRANSPORTS - 1); /* the ring was full, not the table */
    return count;
}

static void test_none_is_lost_and_none_overtaken(void **state)
{
    struct stage stage;
    uint64_t handle, again;
    uint32_t body = 0;

    (void)state;
    open_stage(&stage);
    unsigned count = fill(&stage);
    for (unsigned i = 0; i < count; i++)
        forwarder_remove_transport(stage.forwarder, stage.transports[i]);
    assert_int_equal(install(&stage, &again), -EAGAIN);
    for (unsigned i = 0; i < count; i++) {
        assert_true(take(&stage, &body, &handle));
        assert_int_equal(body, KM__COMMAND__BODY_INSTALL_TRANSPORT);
    }
    while (take(&stage, &body, &handle))
        assert_int_equal(body, KM__COMMAND__BODY_REMOVE_TRANSPORT);
    /* All of them had a place before; those that were not said yet go first. */
    assert_int_equal(install(&stage, &again), 0);
    unsigned removed = 0;
    while (take(&stage, &body, &handle) && body == KM__COMMAND__BODY_REMOVE_TRANSPORT)
        removed++;
    assert_int_equal(body, KM__COMMAND__BODY_INSTALL_TRANSPORT);
    assert_int_equal(handle, again);
    assert_in_range(removed, 1, count);
    assert_int_equal(stage.forwarder->workers[0].removals.count, 0);
    close_stage(&stage);
}

static void test_each_is_said_once_in_order_and_waits_for_its_answer(void **state)
{
    struct stage stage;
    uint64_t handle;
    uint32_t body = 0;

    (void)state;
    open_stage(&stage);
    struct forwarder_worker *worker = &stage.forwarder->workers[0];
    unsigned count = fill(&stage), next = 0;
    for (unsigned i = 0; i < count; i++)
        forwarder_remove_transport(stage.forwarder, stage.transports[i]);
    assert_true(worker->removals.count > 0);
    assert_int_equal(worker->answers.count + worker->removals.count, 2 * count);
    assert_false(removals_turn(stage.forwarder, 0));
    while (next < count) {
        assert_true(take(&stage, &body, &handle));
        if (body == KM__COMMAND__BODY_REMOVE_TRANSPORT)
            assert_int_equal(handle, stage.transports[next++]);
        (void)removals_turn(stage.forwarder, 0);
    }
    assert_false(take(&stage, &body, &handle));
    assert_int_equal(worker->answers.count, 2 * count);
    assert_int_equal(worker->removals.count, 0);
    close_stage(&stage);
}

static void test_what_is_lost_with_the_segment_is_not_said_to_the_next(void **state)
{
    struct stage stage;

    (void)state;
    open_stage(&stage);
    struct removals *removals = &stage.forwarder->workers[0].removals;
    unsigned count = fill(&stage);
    for (unsigned i = 0; i < count; i++)
        forwarder_remove_transport(stage.forwarder, stage.transports[i]);
    removals_forget(removals);
    stage.forwarder->is_open = false;
    removals_say(stage.forwarder, 0, KM__COMMAND__BODY_REMOVE_TRANSPORT, 1);
    assert_int_equal(removals->count, 0);
    close_stage(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none_is_lost_and_none_overtaken),
        cmocka_unit_test(test_each_is_said_once_in_order_and_waits_for_its_answer),
        cmocka_unit_test(test_what_is_lost_with_the_segment_is_not_said_to_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
