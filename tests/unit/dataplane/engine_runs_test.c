/* A burst to more receivers than send buffers can hold at once: no receiver's packets are torn apart. */
#include "tests/unit/dataplane/engine_call.h"

#define RECEIVERS 15u
#define BURST 5u

/* All of them wait in the worker's socket before it looks. */
static void send_burst(struct call *call)
{
    for (unsigned i = 0; i < BURST; i++) {
        uint8_t data[256];
        struct rig_rtp rtp = {.ssrc = ALICE_AUDIO_SSRC,
                              .payload_type = 111,
                              .sequence = (uint16_t)(100 + i),
                              .timestamp = 960 * i,
                              .payload = opus,
                              .payload_length = sizeof(opus)};
        size_t length = rig_write_rtp(data, sizeof(data) - 64, &rtp);
        length = client_protect(&call->alice, data, length, false);
        assert_int_equal(send(call->alice.socket, data, length, 0), (int)length);
        rig_await(call->alice.workers_socket);
    }
    rig_rounds(&call->rig);
}

static void join_and_consume(struct call *call, struct client *client, uint32_t index)
{
    struct rig_consumer consumer = {
        .handle = shm_handle_make(10 + index, 1), .producer = call->audio, .ssrc = 1000 + index, .mid = "7"};

    client_join(client, &call->rig, index, SRTP_AEAD_AES_128_GCM);
    consumer.transport = client->transport;
    assert_int_equal(rig_install_consumer(&call->rig, &consumer), 0);
}

static void test_burst_leaves_in_whole_runs(void **state)
{
    struct call call = {0};
    struct client clients[RECEIVERS];
    struct rig_packet packet;
    struct rtp_header header;

    (void)state;
    _Static_assert(RECEIVERS * BURST > PORT_SEND_BUFFERS && PORT_SEND_BUFFERS % BURST != 0,
                   "a run is at the edge");
    rig_init(&call.rig);
    client_join(&call.alice, &call.rig, 0, SRTP_AEAD_AES_128_GCM);
    call_produce(&call);
    for (uint32_t i = 0; i < RECEIVERS; i++)
        join_and_consume(&call, &clients[i], 1 + i);

    const struct port_counters before = call.rig.worker->port->counters;
    send_burst(&call);
    const struct port_counters *after = &call.rig.worker->port->counters;
    assert_int_equal(after->sent_in_runs - before.sent_in_runs, RECEIVERS * BURST);
    assert_int_equal(after->sent_runs - before.sent_runs, RECEIVERS);

    for (uint32_t i = 0; i < RECEIVERS; i++) {
        for (unsigned n = 0; n < BURST; n++) {
            assert_true(client_receive_rtp(&clients[i], &packet, &header));
            assert_int_equal(header.ssrc, 1001 + i);
            assert_int_equal(header.timestamp, 960 * n);
        }
        client_close(&clients[i]);
    }
    client_close(&call.alice);
    rig_deinit(&call.rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_burst_leaves_in_whole_runs),
    };
    return RIG_RUN(tests);
}
