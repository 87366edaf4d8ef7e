/* Many consumers of one producer come, go, pause and begin: each is sent all that it takes, and what stops
 * before it is counted. */
#include "tests/unit/dataplane/engine_call.h"

#include "dataplane/fanout.h"

#define RECEIVERS 15u

struct crowd {
    struct call call;
    struct client clients[RECEIVERS];
    shm_handle consumers[RECEIVERS];
    unsigned generation;
};

static void consume(struct crowd *crowd, uint32_t i)
{
    crowd->consumers[i] = shm_handle_make(10 + i, crowd->generation);
    struct rig_consumer consumer = {.handle = crowd->consumers[i],
                                    .transport = crowd->clients[i].transport,
                                    .producer = crowd->call.audio,
                                    .ssrc = 1000 * crowd->generation + i,
                                    .mid = "7"};
    assert_int_equal(rig_install_consumer(&crowd->call.rig, &consumer), 0);
}

static void crowd_init(struct crowd *crowd)
{
    memset(crowd, 0, sizeof(*crowd));
    crowd->generation = 1;
    rig_init(&crowd->call.rig);
    client_join(&crowd->call.alice, &crowd->call.rig, 0, SRTP_AEAD_AES_128_GCM);
    call_produce(&crowd->call);
    for (uint32_t i = 0; i < RECEIVERS; i++) {
        client_join(&crowd->clients[i], &crowd->call.rig, 1 + i, SRTP_AEAD_AES_128_GCM);
        consume(crowd, i);
    }
}

static void crowd_deinit(struct crowd *crowd)
{
    for (uint32_t i = 0; i < RECEIVERS; i++)
        client_close(&crowd->clients[i]);
    client_close(&crowd->call.alice);
    rig_deinit(&crowd->call.rig);
}

/* One packet; who is in takers gets it, nobody else. */
static void check_sent(struct crowd *crowd, uint32_t takers)
{
    struct rig_packet packet;
    struct rtp_header header;

    send_audio(&crowd->call, ++crowd->call.sequence, crowd->call.timestamp += 960);
    for (uint32_t i = 0; i < RECEIVERS; i++) {
        bool has_come = client_receive_rtp(&crowd->clients[i], &packet, &header);
        assert_int_equal(has_come, takers >> i & 1);
        if (has_come)
            assert_int_equal(header.ssrc % 1000, i);
    }
}

static void test_come_and_go(void **state)
{
    static struct crowd crowd;
    const uint32_t all = (1u << RECEIVERS) - 1;
    const struct fanout *fanout;

    (void)state;
    crowd_init(&crowd);
    fanout = &producer_find(&crowd.call.rig.worker->streams, crowd.call.audio)->fanout;
    assert_int_equal(fanout->count, RECEIVERS);
    assert_int_equal(fanout->order, 4);
    check_sent(&crowd, all);

    uint32_t takers = all;
    for (uint32_t i = 0; i < RECEIVERS; i += 2) { /* the last ones take their places */
        assert_int_equal(rig_remove(&crowd.call.rig, KM__COMMAND__BODY_REMOVE_CONSUMER, crowd.consumers[i]),
                         0);
        takers &= ~(1u << i);
        check_sent(&crowd, takers);
    }
    assert_int_equal(fanout->count, RECEIVERS / 2);
    for (uint32_t i = 1; i < RECEIVERS - 4; i += 2)
        assert_int_equal(rig_remove(&crowd.call.rig, KM__COMMAND__BODY_REMOVE_CONSUMER, crowd.consumers[i]),
                         0);
    assert_int_equal(fanout->count, 2);
    assert_int_equal(fanout->order, 2); /* it gives back what it needs no more */
    check_sent(&crowd, 1u << 11 | 1u << 13);

    crowd.generation = 2;
    for (uint32_t i = 0; i < RECEIVERS; i++) {
        if (i != 11 && i != 13)
            consume(&crowd, i);
    }
    check_sent(&crowd, all);
    crowd_deinit(&crowd);
}

static uint64_t told_dropped(const struct crowd *crowd, uint32_t i)
{
    struct statistics_consumer block;

    assert_int_equal(statistics_read(&crowd->call.rig.statistics, STATISTICS_CONSUMER,
                                     shm_handle_index(crowd->consumers[i]), &block, sizeof(block)),
                     0);
    return block.packets_dropped;
}

static void test_what_stops_is_counted(void **state)
{
    static struct crowd crowd;
    struct rig *rig = &crowd.call.rig;
    const uint32_t all = (1u << RECEIVERS) - 1;

    (void)state;
    crowd_init(&crowd);
    assert_int_equal(rig_pause(rig, KM__COMMAND__BODY_PAUSE_CONSUMER, crowd.consumers[4], true), 0);
    for (unsigned i = 0; i < 5; i++)
        check_sent(&crowd, all & ~(1u << 4));
    assert_int_equal(rig_drops(rig, DROP_consumer_paused), 5);
    const struct consumer *consumer = consumer_find(&rig->worker->streams, crowd.consumers[4]);
    assert_true(fanout_stops(&consumer->producer->fanout.lines[consumer->line], 0, true));
    assert_int_equal(consumer->producer->fanout.lines[consumer->line].dropped,
                     5); /* its row was not touched */
    rig_wait_ms(rig, 2000);
    assert_int_equal(told_dropped(&crowd, 4), 5);
    assert_int_equal(told_dropped(&crowd, 5), 0);
    assert_int_equal(consumer->row->packets_dropped, 5);

    assert_int_equal(rig_pause(rig, KM__COMMAND__BODY_PAUSE_CONSUMER, crowd.consumers[4], false), 0);
    check_sent(&crowd, all);
    assert_int_equal(rig_drops(rig, DROP_consumer_paused), 5);
    crowd_deinit(&crowd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_come_and_go),
        cmocka_unit_test(test_what_stops_is_counted),
    };
    return RIG_RUN(tests);
}
