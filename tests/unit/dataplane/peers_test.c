/* Whom a worker listens to when all others have more to say than fits into a round. */
#define RIG_WORKERS 3
#include "tests/unit/dataplane/engine_rig.h"

#define DATAGRAMS 200u

/* Datagrams of strangers, which other takes for worker 2's. */
static void hand_over(struct rig *rig, uint32_t other)
{
    struct packet_store store;
    struct ring_producer ring;
    uint32_t place = other * rig_capacities.workers + 2;

    packet_store_init(&store, &rig->segment, other, rig_now_us);
    assert_int_equal(ring_producer_init(&ring, shm_segment_at(&rig->segment, SHM_SECTION_PEER_RING, place),
                                        rig_capacities.peer_ring_bytes),
                     0);
    for (unsigned i = 0; i < DATAGRAMS; i++) {
        struct shm_packet *packet = packet_store_begin(&store, 1, rig_now_us);
        struct shm_peer_record record = {.kind = SHM_PEER_DATAGRAM, .remote.port = (uint16_t)(1 + other)};
        packet->length = 1;
        record.position = packet_store_commit(&store).position;
        assert_int_equal(ring_push(&ring, &record, sizeof(record)), 0);
    }
}

static void test_none_is_heard_only_when_others_are_silent(void **state)
{
    struct rig rig;
    struct port_packet packets[PORT_BATCH];
    unsigned heard[3] = {0};
    uint32_t count;

    (void)state;
    rig_make_memory(&rig);
    rig.index = 2;
    rig.other = &rig;
    rig_open(&rig);
    for (unsigned i = 0; i < RIG_WORKERS; i++)
        rig.wakes[i] = rig.worker_wake;
    rig_start_worker(&rig);
    hand_over(&rig, 0);
    hand_over(&rig, 1);
    for (unsigned round = 0; round < 4; round++) {
        assert_int_equal(peers_take(rig.worker, packets, &count), PORT_BATCH);
        assert_int_equal(count, PORT_BATCH);
        for (unsigned i = 0; i < count; i++)
            heard[packets[i].remote.port]++;
    }
    assert_int_equal(heard[1], 2 * PORT_BATCH);
    assert_int_equal(heard[2], 2 * PORT_BATCH);
    rig.index = 0;
    rig_deinit(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none_is_heard_only_when_others_are_silent),
    };
    return RIG_RUN(tests);
}
