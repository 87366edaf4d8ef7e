/* A worker in a thread of its own, as it runs in the forwarder: commands, tuples, injected packets and media
 * come from another thread, and each side is woken when it sleeps. */
#include "tests/unit/dataplane/engine_client.h"

#include <pthread.h>

#define ROUNDS 300u

struct shared {
    struct worker *worker;
    atomic_bool stop;
};

static void *run(void *argument)
{
    struct shared *shared = argument;

    worker_run(shared->worker, &shared->stop);
    return NULL;
}

static void wake_worker(struct rig *rig, struct ring_producer *ring)
{
    if (ring_wants_wake(ring))
        eventfd_write(rig->worker_wake, 1);
}

/* The next Ack, waited for as control does: empty, announce, look again, block. */
static uint32_t wait_for_ack(struct rig *rig, uint64_t sequence)
{
    for (unsigned i = 0; i < 1000; i++) {
        Km__Event *event = rig_find_event(rig, KM__EVENT__BODY_ACK);
        if (event) {
            uint32_t error = event->ack->error;
            assert_int_equal(event->ack->sequence, sequence);
            km__event__free_unpacked(event, NULL);
            return error;
        }
        if (!ring_sleep(&rig->events))
            continue;
        struct pollfd fd = {.fd = rig->control_wake, .events = POLLIN};
        eventfd_t count;
        assert_true(poll(&fd, 1, RIG_ARRIVAL_MS) == 1); /* else it was not woken */
        eventfd_read(rig->control_wake, &count);
        ring_awake(&rig->events);
    }
    return UINT32_MAX;
}

static uint32_t command(struct rig *rig, Km__Command__BodyCase body, void *message)
{
    uint8_t packed[512];
    Km__Command wrapper = KM__COMMAND__INIT;

    wrapper.sequence = ++rig->sequence;
    wrapper.body_case = body;
    wrapper.install_transport = message;
    uint32_t length = (uint32_t)km__command__pack(&wrapper, packed);
    assert_int_equal(ring_push(&rig->commands, packed, length), 0);
    wake_worker(rig, &rig->commands);
    return wait_for_ack(rig, rig->sequence);
}

static void inject_hello(struct rig *rig, const struct client *client)
{
    static const uint8_t hello[] = {'h', 'e', 'l', 'l', 'o'};
    struct shm_datagram *record = ring_reserve(&rig->injects, sizeof(*record) + sizeof(hello));

    assert_non_null(record);
    *record = (struct shm_datagram){.remote = client->address, .length = sizeof(hello)};
    memcpy(record + 1, hello, sizeof(hello));
    ring_commit(&rig->injects, sizeof(*record) + sizeof(hello));
    wake_worker(rig, &rig->injects);
}

static void wait_for(const struct client *client)
{
    uint8_t data[64];

    rig_await(client->socket);
    assert_int_equal(recv(client->socket, data, sizeof(data), 0), 5);
}

static void live(enum worker_poll poll_mode)
{
    struct rig rig;
    struct client client;
    struct shared shared;
    pthread_t thread;
    struct statistics_worker totals;

    rig_init(&rig);
    rig.worker->poll = poll_mode;
    rig.worker->spin_us = 50;
    shared.worker = rig.worker;
    atomic_init(&shared.stop, false);
    client_open(&client, &rig);
    assert_int_equal(pthread_create(&thread, NULL, run, &shared), 0);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        Km__InstallTransport install = KM__INSTALL_TRANSPORT__INIT;
        Km__SelectTuple select = KM__SELECT_TUPLE__INIT;
        Km__Remove remove = KM__REMOVE__INIT;
        shm_handle handle = shm_handle_make(i % 7, i / 7 + 1);

        install.transport = handle;
        install.ice_ufrag = install.ice_password = (char *)"ufrag";
        assert_int_equal(command(&rig, KM__COMMAND__BODY_INSTALL_TRANSPORT, &install), 0);
        assert_int_equal(tuple_map_insert(&rig.tuples, &client.address, handle, 0), 0);
        select.transport = handle;
        select.address = (ProtobufCBinaryData){16, client.address.ip};
        select.port = client.address.port;
        assert_int_equal(command(&rig, KM__COMMAND__BODY_SELECT_TUPLE, &select), 0);
        if (i % 10 == 0)
            usleep(3000); /* it sleeps by now */
        inject_hello(&rig, &client);
        wait_for(&client);
        assert_int_equal(send(client.socket, "\x80mmmmmmmmmmmm", 13, 0), 13); /* media without keys */
        tuple_map_remove(&rig.tuples, &client.address, handle);
        remove.handle = handle;
        assert_int_equal(command(&rig, KM__COMMAND__BODY_REMOVE_TRANSPORT, &remove), 0);
    }
    for (unsigned i = 0; i < RIG_ARRIVAL_MS / 10; i++) { /* until it has published all of it */
        assert_int_equal(statistics_read(&rig.statistics, STATISTICS_WORKER, 0, &totals, sizeof(totals)), 0);
        if (totals.drops[DROP_no_keys] + totals.drops[DROP_unknown_tuple] == ROUNDS &&
            totals.commands == 3 * ROUNDS)
            break;
        usleep(10000);
    }
    assert_int_equal(totals.injected, ROUNDS);
    assert_int_equal(totals.commands, 3 * ROUNDS);
    assert_int_equal(totals.drops[DROP_no_keys] + totals.drops[DROP_unknown_tuple], ROUNDS);
    if (poll_mode == WORKER_POLL_BUSY)
        assert_int_equal(totals.sleeps, 0);
    else
        assert_true(totals.sleeps > 0);
    atomic_store(&shared.stop, true);
    eventfd_write(rig.worker_wake, 1);
    pthread_join(thread, NULL);
    client_close(&client);
    rig_deinit(&rig);
}

static void test_sleeping(void **state)
{
    (void)state;
    live(WORKER_POLL_SLEEP);
}

static void test_adaptive(void **state)
{
    (void)state;
    live(WORKER_POLL_ADAPTIVE);
}

static void test_busy(void **state)
{
    (void)state;
    live(WORKER_POLL_BUSY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sleeping),
        cmocka_unit_test(test_adaptive),
        cmocka_unit_test(test_busy),
    };
    rig_is_threaded = true;
    return RIG_RUN(tests);
}
