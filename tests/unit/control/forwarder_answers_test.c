/* What a killed forwarder took along is noticed by the answers that do not come, and only that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/forwarder/forwarder.h"
#include "control/forwarder/forwarder_private.h"
#include "control/forwarder/inventory.h"
#include "control/log.h"
#include "shm/rows.h"

#define WORKER 1u

struct stage {
    struct forwarder *forwarder;
    struct ring_consumer commands; /* as the worker has it */
    uint64_t failed[8];
    size_t failed_count;
};

static void on_failed(void *context, uint64_t transport)
{
    struct stage *stage = context;
    stage->failed[stage->failed_count++] = transport;
    struct object_transport *object = objects_find_transport(&stage->forwarder->objects, transport);
    objects_free_transport(&stage->forwarder->objects, object);
}

static void ignore(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    (void)context;
}

static void open_stage(struct stage *stage)
{
    struct shm_capacities c = shm_capacities_default(2);
    c.transports = c.producers = c.streams = c.consumers = 16;
    memset(stage, 0, sizeof(*stage));
    log_set_level(LOG_LEVEL_ERROR);
    struct forwarder *forwarder = stage->forwarder = calloc(1, sizeof(*forwarder));
    assert_non_null(forwarder);
    forwarder->handler.on_failed = on_failed;
    forwarder->context = stage;
    forwarder->worker_count = 2;
    forwarder->is_open = true;
    forwarder->base = event_base_new();
    forwarder->workers[WORKER].told_event = event_new(forwarder->base, -1, 0, ignore, NULL);
    assert_non_null(forwarder->workers[WORKER].told_event);
    assert_int_equal(objects_init(&forwarder->objects, &c), 0);
    assert_int_equal(shm_segment_create(&c, &forwarder->segment), 0);
    assert_int_equal(channel_init(&forwarder->workers[WORKER].channel, &forwarder->segment, WORKER, -1, -1),
                     0);
    assert_int_equal(ring_consumer_init(&stage->commands,
                                        shm_segment_at(&forwarder->segment, SHM_SECTION_COMMAND_RING, WORKER),
                                        c.command_ring_bytes),
                     0);
}

static void close_stage(struct stage *stage)
{
    struct forwarder *forwarder = stage->forwarder;
    answers_deinit(&forwarder->workers[WORKER].answers);
    removals_deinit(&forwarder->workers[WORKER].removals);
    objects_deinit(&forwarder->objects);
    shm_segment_deinit(&forwarder->segment, true);
    event_free(forwarder->workers[WORKER].told_event);
    event_base_free(forwarder->base);
    free(forwarder);
}

static uint64_t add_transport(struct stage *stage)
{
    struct object_transport *transport = objects_add_transport(&stage->forwarder->objects, WORKER, false);
    assert_non_null(transport);
    return transport->handle;
}

static void install_keys(struct stage *stage, uint64_t transport)
{
    Km__Command command = KM__COMMAND__INIT;
    Km__InstallKeys keys = KM__INSTALL_KEYS__INIT;
    keys.transport = transport;
    command.body_case = KM__COMMAND__BODY_INSTALL_KEYS;
    command.install_keys = &keys;
    assert_int_equal(forwarder_send(stage->forwarder, WORKER, &command), 0);
}

static void remove_consumer(struct stage *stage, uint64_t consumer)
{
    Km__Command command = KM__COMMAND__INIT;
    Km__Remove remove = KM__REMOVE__INIT;
    remove.handle = consumer;
    command.body_case = KM__COMMAND__BODY_REMOVE_CONSUMER;
    command.remove_consumer = &remove;
    assert_int_equal(forwarder_send(stage->forwarder, WORKER, &command), 0);
}

static void answer(struct stage *stage, uint64_t sequence, uint32_t error)
{
    Km__Ack ack = KM__ACK__INIT;
    ack.sequence = sequence;
    ack.error = error;
    ack.reason = (char *)"because";
    answers_take(stage->forwarder, WORKER, &ack);
}

static uint32_t expected(const struct stage *stage)
{
    return stage->forwarder->workers[WORKER].answers.count;
}

static void test_answered_in_order(void **state)
{
    struct stage stage;

    (void)state;
    open_stage(&stage);
    uint64_t transport = add_transport(&stage);
    for (unsigned i = 0; i < 200; i++) { /* more than there is room for at first, and round its end */
        install_keys(&stage, transport);
        if (i % 3 == 2)
            answer(&stage, i / 3 + 1, 0);
    }
    assert_int_equal(expected(&stage), 200 - 66);
    for (unsigned i = 66; i < 200; i++)
        answer(&stage, i + 1, 0);
    assert_int_equal(expected(&stage), 0);
    answer(&stage, 500, 0); /* nonsense changes nothing */
    answer(&stage, 0, EBADMSG);
    assert_int_equal(stage.failed_count, 0);
    assert_int_equal(stage.forwarder->counts.lost_commands, 0);
    close_stage(&stage);
}

/* Killed before it wiped the command: it is done by the next one. After: the next one finds no command.
 * Behind it: the next answer skips one. */
static void test_what_was_taken_along_fails(void **state)
{
    struct stage stage;
    uint64_t transports[3];

    (void)state;
    open_stage(&stage);
    for (unsigned i = 0; i < 3; i++)
        install_keys(&stage, transports[i] = add_transport(&stage));
    answer(&stage, 1, 0);
    answer(&stage, 0, EBADMSG);
    assert_int_equal(stage.failed_count, 1);
    assert_int_equal(stage.failed[0], transports[1]);
    answer(&stage, 3, 0);
    assert_int_equal(stage.failed_count, 1);

    install_keys(&stage, transports[0]);
    install_keys(&stage, transports[2]);
    answer(&stage, 5, 0);
    assert_int_equal(stage.failed_count, 2);
    assert_int_equal(stage.failed[1], transports[0]);
    assert_int_equal(stage.forwarder->counts.lost_commands, 2);
    assert_int_equal(expected(&stage), 0);
    close_stage(&stage);
}

static void test_removal_is_said_again(void **state)
{
    struct stage stage;
    uint32_t length;

    (void)state;
    open_stage(&stage);
    remove_consumer(&stage, 77);
    assert_non_null(ring_peek(&stage.commands, &length));
    ring_release(&stage.commands);
    answer(&stage, 0, EBADMSG);
    assert_int_equal(stage.failed_count, 0);
    assert_int_equal(expected(&stage), 1);
    const uint8_t *record = ring_peek(&stage.commands, &length);
    assert_non_null(record);
    Km__Command *again = km__command__unpack(NULL, length, record);
    assert_non_null(again);
    assert_int_equal(again->body_case, KM__COMMAND__BODY_REMOVE_CONSUMER);
    assert_int_equal(again->remove_consumer->handle, 77);
    assert_int_equal(again->sequence, 2);
    km__command__free_unpacked(again, NULL);
    answer(&stage, 2, ENOENT); /* it had been done: that is no matter */
    assert_int_equal(stage.failed_count, 0);
    close_stage(&stage);
}

static void test_refused_installation_fails(void **state)
{
    struct stage stage;

    (void)state;
    open_stage(&stage);
    uint64_t transport = add_transport(&stage);
    install_keys(&stage, transport);
    answer(&stage, 1, ENOMEM);
    assert_int_equal(stage.failed_count, 1);
    assert_int_equal(stage.failed[0], transport);
    assert_int_equal(stage.forwarder->counts.refused_commands, 1);
    install_keys(&stage, transport); /* it is gone by now */
    answer(&stage, 2, ENOENT);
    assert_int_equal(stage.failed_count, 1);
    close_stage(&stage);
}

/* A row that is not there after a restart fails its transport, once all is answered. */
static void test_what_was_not_taken_over_fails(void **state)
{
    struct stage stage;
    uint64_t transports[3];

    (void)state;
    open_stage(&stage);
    struct forwarder *forwarder = stage.forwarder;
    struct shm_segment *segment = &forwarder->segment;
    forwarder->capacities = segment->capacities;
    for (unsigned i = 0; i < 3; i++) {
        transports[i] = add_transport(&stage);
        struct shm_row *row = shm_segment_at(segment, SHM_SECTION_TRANSPORT, shm_handle_index(transports[i]));
        row->generation = shm_handle_generation(transports[i]);
        row->state = SHM_ROW_FREE + 1;
    }
    struct object_transport *first = objects_find_transport(&forwarder->objects, transports[0]);
    struct object_producer *producer = objects_add_producer(&forwarder->objects, first, 1);
    struct shm_row *row = shm_segment_at(segment, SHM_SECTION_PRODUCER, shm_handle_index(producer->handle));
    row->generation = shm_handle_generation(producer->handle);
    row->state = SHM_ROW_FREE + 1;
    forwarder->state = FORWARDER_READY;
    forwarder->has_gone_on = true;
    inventory_turn(forwarder);
    assert_int_equal(stage.failed_count, 0);

    row->state = SHM_ROW_FREE;
    inventory_turn(forwarder); /* looks only after a restart */
    assert_int_equal(stage.failed_count, 0);
    forwarder->has_gone_on = true;
    install_keys(&stage, transports[2]);
    inventory_turn(forwarder);
    assert_int_equal(stage.failed_count, 0);
    answer(&stage, 1, 0);
    struct shm_row *other = shm_segment_at(segment, SHM_SECTION_TRANSPORT, shm_handle_index(transports[1]));
    other->generation++;
    inventory_turn(forwarder);
    assert_int_equal(stage.failed_count, 2);
    assert_int_equal(stage.failed[0], transports[0]);
    assert_int_equal(stage.failed[1], transports[1]);
    inventory_turn(forwarder);
    assert_int_equal(stage.failed_count, 2);
    close_stage(&stage);
}

static struct shm_row *stand(struct stage *stage, enum shm_section_kind kind, uint64_t handle)
{
    struct shm_row *row = shm_segment_at(&stage->forwarder->segment, kind, shm_handle_index(handle));
    row->generation = shm_handle_generation(handle);
    row->state = SHM_ROW_FREE + 1;
    return row;
}

/* With a producer its consumers go: whoever received them loses no more than that. */
static void test_receivers_outlive_a_producer_that_is_missing(void **state)
{
    struct stage stage;

    (void)state;
    open_stage(&stage);
    struct forwarder *forwarder = stage.forwarder;
    struct objects *objects = &forwarder->objects;
    forwarder->capacities = forwarder->segment.capacities;
    struct object_transport *to = objects_add_transport(objects, WORKER, true);
    struct object_transport *from = objects_add_transport(objects, WORKER, false);
    struct object_transport *torn = objects_add_transport(objects, WORKER, true);
    uint64_t from_handle = from->handle, torn_handle = torn->handle;
    struct object_producer *producer = objects_add_producer(objects, from, 1);
    struct object_producer *other = objects_add_producer(objects, to, 1);
    (void)objects_add_consumer(objects, to, producer); /* has no row any more, as the producer */
    struct object_consumer *missing = objects_add_consumer(objects, torn, other);
    stand(&stage, SHM_SECTION_TRANSPORT, to->handle);
    stand(&stage, SHM_SECTION_TRANSPORT, from->handle);
    stand(&stage, SHM_SECTION_TRANSPORT, torn->handle);
    stand(&stage, SHM_SECTION_PRODUCER, other->handle);
    stand(&stage, SHM_SECTION_CONSUMER, missing->handle)->state = SHM_ROW_FREE;
    forwarder->state = FORWARDER_READY;
    forwarder->has_gone_on = true;
    inventory_turn(forwarder);
    assert_int_equal(stage.failed_count, 2);
    assert_int_equal(stage.failed[0], from_handle);
    assert_int_equal(stage.failed[1], torn_handle);
    close_stage(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answered_in_order),
        cmocka_unit_test(test_what_was_taken_along_fails),
        cmocka_unit_test(test_removal_is_said_again),
        cmocka_unit_test(test_refused_installation_fails),
        cmocka_unit_test(test_what_was_not_taken_over_fails),
        cmocka_unit_test(test_receivers_outlive_a_producer_that_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
