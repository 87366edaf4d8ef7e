/* Transports, producers, streams and consumers: rows, indexes, and what another worker makes of them. */
#include "tests/unit/dataplane/engine_client.h"

#include <errno.h>

/* Without its SRTP state nothing may be sent under the old keys; with new ones all goes on. */
static void check_keys_are_gone(struct rig *rig, const struct client *alice, const struct client *bob)
{
    static const struct srtp_session_keys none;
    const struct shm_transport_row *row = shm_segment_at(&rig->segment, SHM_SECTION_TRANSPORT, 3);

    assert_int_equal(row->has_keys, 0);
    assert_memory_equal(&row->srtp.receive, &none, sizeof(none));
    assert_memory_equal(&row->srtp.send, &none, sizeof(none));
    assert_int_equal(rig_drops(rig, DROP_no_keys), 1);
    assert_int_equal(rig_install_keys(rig, alice->transport, SRTP_AEAD_AES_128_GCM, 31), 0);
    assert_int_equal(rig_install_keys(rig, bob->transport, SRTP_AEAD_AES_128_GCM, 41), 0);
}

static void test_another_worker_takes_over(void **state)
{
    struct rig rig;
    struct client alice, bob;
    struct rig_packet packet;
    struct rtp_header before, after;
    static const uint8_t payload[] = {1, 2, 3, 4};

    (void)state;
    rig_init(&rig);
    client_join(&alice, &rig, 3, SRTP_AEAD_AES_128_GCM);
    client_join(&bob, &rig, 4, SRTP_AEAD_AES_128_GCM);
    struct rig_producer producer = {.handle = shm_handle_make(2, 1),
                                    .transport = alice.transport,
                                    .codec = KM__CODEC__OPUS,
                                    .payload_type = 111,
                                    .encodings = 1, /* its SSRC is learned */
                                    .mid = "0"};
    struct rig_consumer consumer = {.handle = shm_handle_make(9, 1),
                                    .transport = bob.transport,
                                    .producer = producer.handle,
                                    .ssrc = 77,
                                    .mid = "0"};
    assert_int_equal(rig_install_producer(&rig, &producer), 0);
    assert_int_equal(rig_install_consumer(&rig, &consumer), 0);
    struct rig_rtp rtp = {.ssrc = 1234,
                          .payload_type = 111,
                          .sequence = 1,
                          .timestamp = 960,
                          .mid = "0",
                          .rid = "r0",
                          .payload = payload,
                          .payload_length = sizeof(payload)};
    client_send_rtp(&alice, &rig, &rtp);
    assert_true(client_receive_rtp(&bob, &packet, &before));

    worker_destroy(rig.worker);
    rig_start_worker(&rig);
    assert_int_equal(rig.worker->transports.count, 2);
    assert_int_equal(rig.worker->streams.producer_count, 1);
    assert_int_equal(rig.worker->streams.consumer_count, 1);
    rtp.sequence = 2;
    rtp.timestamp = 1920;
    client_send_rtp(&alice, &rig, &rtp);
    if (rig_srtp == &srtp_libsrtp2) {
        check_keys_are_gone(&rig, &alice, &bob);
    } else {
        assert_true(client_receive_rtp(&bob, &packet, &before));
        /* Its replay window has survived too. */
        size_t length = rig_write_rtp(packet.data, sizeof(packet.data) - 64, &rtp);
        client_send_raw(&alice, &rig, packet.data, client_protect(&alice, packet.data, length, false));
        assert_int_equal(rig_drops(&rig, DROP_srtp_replay), 1);
    }
    rtp.sequence = 3;
    rtp.timestamp = 2880;
    rtp.mid = rtp.rid = NULL; /* the SSRC was learned, and is still known */
    client_send_rtp(&alice, &rig, &rtp);
    assert_true(client_receive_rtp(&bob, &packet, &after));
    assert_int_equal(after.ssrc, 77);
    assert_int_equal(after.sequence, (uint16_t)(before.sequence + 1));
    client_close(&alice);
    client_close(&bob);
    rig_deinit(&rig);
}

/* Rows that a worker left half-written, or whose owner is gone, are freed. */
static void test_broken_rows_are_freed(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(rig_install_transport(&rig, shm_handle_make(i, 1)), 0);
    struct rig_producer producer = {.codec = KM__CODEC__VP8, .payload_type = 96, .encodings = 1};
    for (uint32_t i = 0; i < 3; i++) {
        producer.handle = shm_handle_make(i, 1);
        producer.transport = shm_handle_make(i, 1);
        producer.ssrcs[0] = 100 + i;
        producer.mid = "0";
        assert_int_equal(rig_install_producer(&rig, &producer), 0);
        struct rig_consumer consumer = {.handle = shm_handle_make(i, 1),
                                        .transport = shm_handle_make((i + 1) % 3, 1),
                                        .producer = producer.handle,
                                        .ssrc = 50,
                                        .mid = "0"};
        assert_int_equal(rig_install_consumer(&rig, &consumer), 0);
    }
    worker_destroy(rig.worker);

    struct shm_transport_row *transport = shm_segment_at(&rig.segment, SHM_SECTION_TRANSPORT, 0);
    transport->row.sequence |= 1;
    struct shm_producer_row *row = shm_segment_at(&rig.segment, SHM_SECTION_PRODUCER, 1);
    row->encoding_count = 200;
    rig_start_worker(&rig);
    assert_int_equal(rig.worker->transports.count, 2);
    assert_int_equal(rig.worker->streams.producer_count, 1);
    assert_int_equal(rig.worker->streams.consumer_count, 0); /* of producer 2, by transport 0 */
    assert_null(transport_find(&rig.worker->transports, shm_handle_make(0, 1)));
    assert_non_null(producer_find(&rig.worker->streams, shm_handle_make(2, 1)));
    for (uint32_t i = 0; i < 2; i++) {
        const struct shm_stream_row *stream = shm_segment_at(&rig.segment, SHM_SECTION_STREAM, i * 3);
        assert_int_equal(stream->row.state, SHM_ROW_FREE);
    }
    /* The place can be lived in again. */
    assert_int_equal(rig_install_transport(&rig, shm_handle_make(0, 2)), 0);
    rig_deinit(&rig);
}

static void test_lists_after_removal(void **state)
{
    struct rig rig;
    unsigned count = 0;

    (void)state;
    rig_init(&rig);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(rig_install_transport(&rig, shm_handle_make(i, 1)), 0);
    struct rig_producer producer = {.handle = shm_handle_make(0, 1),
                                    .transport = shm_handle_make(0, 1),
                                    .codec = KM__CODEC__VP8,
                                    .payload_type = 96,
                                    .ssrcs = {100},
                                    .encodings = 1,
                                    .mid = "0"};
    assert_int_equal(rig_install_producer(&rig, &producer), 0);
    for (uint32_t i = 0; i < 12; i++) {
        struct rig_consumer consumer = {.handle = shm_handle_make(i, 1),
                                        .transport = shm_handle_make(1 + i % 3, 1),
                                        .producer = producer.handle,
                                        .ssrc = 500 + i,
                                        .mid = "0"};
        assert_int_equal(rig_install_consumer(&rig, &consumer), 0);
    }
    assert_int_equal(rig_remove(&rig, KM__COMMAND__BODY_REMOVE_CONSUMER, shm_handle_make(0, 1)), 0);
    assert_int_equal(rig_remove(&rig, KM__COMMAND__BODY_REMOVE_CONSUMER, shm_handle_make(11, 1)), 0);
    assert_int_equal(rig_remove(&rig, KM__COMMAND__BODY_REMOVE_CONSUMER, shm_handle_make(5, 1)), 0);
    assert_int_equal(rig_remove(&rig, KM__COMMAND__BODY_REMOVE_TRANSPORT, shm_handle_make(2, 1)), 0);

    const struct producer *found = producer_find(&rig.worker->streams, producer.handle);
    for (uint32_t i = 0; i < found->fanout.count; i++) {
        const struct consumer *c = found->fanout.lines[i].consumer;
        assert_int_equal(c->line, i);
        uint32_t index = shm_handle_index(c->handle);
        assert_true(index != 0 && index != 5 && index != 11 && index % 3 != 1);
        assert_ptr_equal(consumer_map_find(&rig.worker->streams.consumer_ssrcs, c->transport, 500 + index),
                         c);
        count++;
    }
    assert_int_equal(count, 5);
    assert_int_equal(rig.worker->streams.consumer_count, 5);
    struct transport *transport = transport_find(&rig.worker->transports, shm_handle_make(1, 1));
    assert_null(consumer_map_find(&rig.worker->streams.consumer_ssrcs, transport, 500));
    assert_non_null(consumer_map_find(&rig.worker->streams.consumer_ssrcs, transport, 503));
    rig_deinit(&rig);
}

static void test_every_transport_has_its_turn(void **state)
{
    struct rig rig;
    unsigned turns[4] = {0};

    (void)state;
    rig_init(&rig);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(rig_install_transport(&rig, shm_handle_make(i, 1)), 0);
    assert_int_equal(rig_remove(&rig, KM__COMMAND__BODY_REMOVE_TRANSPORT, shm_handle_make(1, 1)), 0);
    struct transport_table *table = &rig.worker->transports;
    uint64_t now_us = rig.worker->now_us;
    for (unsigned step = 1; step <= 100; step++) { /* ten seconds in steps of two turns */
        struct transport *transport;
        now_us += (uint64_t)2 * TRANSPORT_TURN_US;
        while ((transport = transport_take_turn(table, now_us)))
            turns[transport->index]++;
        assert_true(transport_latest_turn_us(table) > now_us);
    }
    assert_int_equal(turns[0], 100);
    assert_int_equal(turns[1], 0);
    assert_int_equal(turns[2], 100);
    assert_int_equal(turns[3], 100);
    rig_deinit(&rig);
}

static void test_token_bucket(void **state)
{
    struct token_bucket bucket = {0};
    unsigned granted = 0;

    (void)state;
    for (unsigned i = 0; i < 100; i++)
        granted += token_bucket_take(&bucket, 1, 10, 20, 1000);
    assert_int_equal(granted, 20);
    assert_false(token_bucket_take(&bucket, 1, 10, 20, 1000 + 99999));
    assert_true(token_bucket_take(&bucket, 1, 10, 20, 1000 + 100000));
    assert_false(token_bucket_take(&bucket, 1, 10, 20, 1000 + 100001));
    granted = 0;
    for (unsigned i = 0; i < 100; i++)
        granted += token_bucket_take(&bucket, 1, 10, 20, 3600000000u);
    assert_int_equal(granted, 20);
    /* Asked often, it still refills. */
    granted = 0;
    for (uint64_t now_us = 3600000000u; now_us < 3610000000u; now_us += 190000)
        granted += token_bucket_take(&bucket, 1, 5, 20, now_us);
    assert_true(granted >= 47 && granted <= 50); /* of 53 asked, 5 a second for ten seconds */
}

static void test_arena(void **state)
{
    static struct arena arena;

    (void)state;
    arena_init(&arena);
    uint8_t *first = arena_alloc(&arena, 1);
    uint8_t *second = arena_alloc(&arena, 100);
    assert_int_equal((uintptr_t)first % 16, 0);
    assert_int_equal(second - first, 16);
    memset(second, 0xaa, 100);
    assert_null(arena_alloc(&arena, ARENA_BYTES));
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc(&arena, SIZE_MAX - 8));
    assert_non_null(arena_alloc(&arena, ARENA_BYTES - 128));
    assert_null(arena_alloc(&arena, 1));
    arena_reset(&arena);
    for (unsigned i = 0; i < 200; i++)
        assert_int_equal(arena.memory[i], 0);
    assert_ptr_equal(arena_alloc(&arena, ARENA_BYTES), first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_another_worker_takes_over),
        cmocka_unit_test(test_broken_rows_are_freed),
        cmocka_unit_test(test_lists_after_removal),
        cmocka_unit_test(test_every_transport_has_its_turn),
        cmocka_unit_test(test_token_bucket),
        cmocka_unit_test(test_arena),
    };
    return RIG_RUN(tests);
}
