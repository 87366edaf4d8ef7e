/* Two workers in threads of their own: references, slots and wakes between them. */
#include "tests/unit/dataplane/engine_pair.h"

#include <pthread.h>

#define PACKETS 1500u
#define BURST 10u

static atomic_bool stop;

static void *run(void *argument)
{
    worker_run(argument, &stop);
    return NULL;
}

static void send_burst(struct call *call, uint16_t first)
{
    for (uint16_t i = 0; i < BURST; i++) {
        struct rig_rtp rtp = {.ssrc = ALICE_AUDIO_SSRC,
                              .payload_type = 111,
                              .sequence = (uint16_t)(first + i),
                              .timestamp = (first + i) * 960u,
                              .mid = "0",
                              .payload = opus,
                              .payload_length = sizeof(opus)};
        uint8_t data[512];
        size_t length = rig_write_rtp(data, sizeof(data) - 64, &rtp);
        length = client_protect(&call->alice, data, length, false);
        assert_int_equal(send(call->alice.socket, data, length, 0), (int)length);
    }
}

/* The next packet, waited for: the two workers must be woken. */
static void expect_audio(struct call *call, uint16_t *sequence, bool first)
{
    struct rig_packet packet;
    struct rtp_header header;

    do {
        rig_await(call->bob.socket);
    } while (!client_receive_rtp(&call->bob, &packet, &header));
    assert_int_equal(header.payload_length, sizeof(opus));
    assert_memory_equal(packet.data + header.payload_offset, opus, sizeof(opus));
    if (!first)
        assert_int_equal(header.sequence, (uint16_t)(*sequence + 1));
    *sequence = header.sequence;
}

static void live(enum worker_poll poll_mode, bool wrong_socket)
{
    struct pair pair;
    pthread_t threads[2];
    struct worker *workers[2];
    uint16_t sequence = 0;

    pair_init(&pair);
    pair_consume(&pair);
    workers[0] = pair.call.rig.worker;
    workers[1] = pair.second.worker;
    if (wrong_socket)
        client_connect(&pair.call.alice, &pair.second);
    atomic_init(&stop, false);
    for (unsigned i = 0; i < 2; i++) {
        workers[i]->poll = poll_mode;
        workers[i]->spin_us = 50;
        assert_int_equal(pthread_create(&threads[i], NULL, run, workers[i]), 0);
    }
    for (unsigned i = 0; i < PACKETS; i += BURST) {
        send_burst(&pair.call, (uint16_t)i);
        for (unsigned j = 0; j < BURST; j++)
            expect_audio(&pair.call, &sequence, i + j == 0);
    }
    atomic_store(&stop, true);
    for (unsigned i = 0; i < 2; i++) {
        eventfd_write(i == 0 ? pair.call.rig.worker_wake : pair.second.worker_wake, 1);
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(workers[0]->totals.references_sent, PACKETS);
    assert_int_equal(workers[1]->totals.references_received, PACKETS);
    assert_int_equal(workers[1]->totals.handed_over, wrong_socket ? PACKETS : 0);
    assert_int_equal(workers[0]->totals.taken_over, wrong_socket ? PACKETS : 0);
    pair_deinit(&pair);
}

static void test_sleeping(void **state)
{
    (void)state;
    live(WORKER_POLL_SLEEP, false);
}

static void test_adaptive(void **state)
{
    (void)state;
    live(WORKER_POLL_ADAPTIVE, false);
}

static void test_handed_over(void **state)
{
    (void)state;
    live(WORKER_POLL_SLEEP, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sleeping),
        cmocka_unit_test(test_adaptive),
        cmocka_unit_test(test_handed_over),
    };
    rig_is_threaded = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
