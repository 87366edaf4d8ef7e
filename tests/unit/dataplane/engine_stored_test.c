/* What stands in the store is sent again: as RTX, by the worker that stored it, by another one, and by the
 * process after it. */
#include "tests/unit/dataplane/engine_pair.h"

#include <errno.h>

#include "dataplane/stored.h"

/* Sends the packet of alice's video with that number to bob as RTX, as if it had been sent as `out`. */
static int resend(struct rig *rig, const struct call *call, uint16_t sequence, uint16_t out)
{
    struct stream *stream = producer_find(&rig->worker->streams, call->video)->streams[0];
    struct consumer *consumer = consumer_find(&rig->worker->streams, call->video_consumer);
    struct history history = stored_history(rig->worker, stream);
    struct rewrite_numbers numbers = {.sequence = out, .timestamp = 12345, .picture_id = 77};
    struct packet_place place;
    struct stored_facts facts;
    struct stored_packet packet;

    assert_true(history_find(&history, sequence, stream->row->stats.restarts, &place));
    assert_int_equal(stored_open(stream, &place, &facts, &packet), 0);
    int result = stored_send_rtx(rig->worker, consumer, &packet, &numbers);
    egress_flush(rig->worker);
    return result;
}

/* The next packet is RTX of `out`. Returns its own number. */
static uint16_t expect_rtx(struct call *call, uint16_t out)
{
    struct rig_packet packet;
    struct rtp_header header;
    struct vp8_descriptor vp8;
    struct rtp_ext_element element;

    assert_true(client_receive_rtp(&call->bob, &packet, &header));
    assert_int_equal(header.ssrc, BOB_VIDEO_RTX_SSRC);
    assert_int_equal(header.payload_type, 102);
    assert_int_equal(header.timestamp, 12345);
    assert_true(header.marker);
    assert_true(rtp_ext_find(packet.data, &header, 6, &element)); /* transport-wide number */
    const uint8_t *payload = packet.data + header.payload_offset;
    assert_int_equal(load_be16(payload), out);
    assert_int_equal(vp8_parse(payload + 2, header.payload_length - 2u, &vp8), 0);
    assert_int_equal(vp8.picture_id, 77);
    return header.sequence;
}

static void receive_one(struct call *call)
{
    struct rtp_header header;
    struct vp8_descriptor vp8;
    assert_true(receive_frame(call, &header, &vp8));
}

static void test_rtx_has_numbers_of_its_own(void **state)
{
    struct call call;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(&call, false);
    for (unsigned i = 0; i < 20; i++) {
        send_frame(&call, i == 0);
        receive_one(&call);
    }
    assert_true(resend(&call.rig, &call, 65530, 1000) > 0);
    uint16_t own = expect_rtx(&call, 1000);
    assert_true(own >= 1 && own <= 32000);
    for (uint16_t i = 1; i < 20; i++) { /* the same packet twice is two packets of RTX */
        assert_true(resend(&call.rig, &call, (uint16_t)(65530 + i), (uint16_t)(1000 + i)) > 0);
        assert_int_equal(expect_rtx(&call, (uint16_t)(1000 + i)), (uint16_t)(own + i));
    }
    const struct shm_consumer_row *row = shm_segment_at(&call.rig.segment, SHM_SECTION_CONSUMER, 6);
    assert_int_equal(row->media.stats.retransmissions, 20);
    call_deinit(&call);
}

static void test_no_rtx_without_an_ssrc_for_it(void **state)
{
    struct call call;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    struct rig_consumer consumer = {.handle = call.video_consumer,
                                    .transport = call.bob.transport,
                                    .producer = call.video,
                                    .ssrc = BOB_VIDEO_SSRC,
                                    .mid = "8"};
    assert_int_equal(rig_install_consumer(&call.rig, &consumer), 0);
    send_frame(&call, true);
    receive_one(&call);
    assert_int_equal(resend(&call.rig, &call, 65530, 1000), -EOPNOTSUPP);
    call_deinit(&call);
}

static void test_another_worker_sends_it(void **state)
{
    struct pair pair;

    (void)state;
    pair_init(&pair);
    pair_consume(&pair);
    send_frame(&pair.call, true);
    receive_one(&pair.call);
    assert_true(resend(&pair.second, &pair.call, 65530, 500) > 0);
    expect_rtx(&pair.call, 500);
    pair_deinit(&pair);
}

/* The circle goes round between the choice of the packet and the cipher: nothing leaves. */
static void test_what_is_overwritten_is_not_sent(void **state)
{
    struct call call;
    struct packet_place place;
    struct stored_facts facts;
    struct stored_packet packet;
    struct rewrite_numbers numbers = {.sequence = 1};
    struct rig_packet received;
    struct rtp_header header;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(&call, false);
    send_frame(&call, true);
    receive_one(&call);
    struct worker *worker = call.rig.worker;
    struct stream *stream = producer_find(&worker->streams, call.video)->streams[0];
    struct consumer *consumer = consumer_find(&worker->streams, call.video_consumer);
    struct history history = stored_history(worker, stream);
    assert_true(history_find(&history, 65530, stream->row->stats.restarts, &place));
    assert_int_equal(stored_open(stream, &place, &facts, &packet), 0);
    assert_true(stored_send_rtx(worker, consumer, &packet, &numbers) > 0);
    while (packet_store_holds(&place)) {
        packet_store_begin(&worker->peers.store, SHM_PACKET_DATA_MAX, worker->now_us);
        packet_store_commit(&worker->peers.store);
    }
    egress_flush(worker);
    assert_int_equal(rig_drops(&call.rig, DROP_store_overwritten), 1);
    assert_false(client_receive_rtp(&call.bob, &received, &header));
    assert_int_equal(stored_open(stream, &place, &facts, &packet), -ESTALE);
    assert_false(history_find(&history, 65530, stream->row->stats.restarts, &place));
    call_deinit(&call);
}

/* Lengths are believed as far as they can be. */
static void test_what_makes_no_sense_is_not_read(void **state)
{
    struct call call;
    struct packet_place place;
    struct stored_facts facts;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(&call, false);
    send_frame(&call, true);
    receive_one(&call);
    const struct worker *worker = call.rig.worker;
    const struct stream *stream = producer_find(&worker->streams, call.video)->streams[0];
    struct history history = stored_history(worker, stream);
    assert_true(history_find(&history, 65530, stream->row->stats.restarts, &place));
    struct shm_packet *packet = (struct shm_packet *)place.packet;
    const struct shm_packet before = *packet;
    for (uint32_t wrong = 0; wrong <= UINT16_MAX; wrong++) {
        packet->length = (uint16_t)wrong;
        assert_int_equal(stored_read(&place, &facts),
                         wrong >= before.length && wrong <= SHM_PACKET_DATA_MAX ? 0 : -EBADMSG);
        packet->length = before.length;
        packet->facts_bytes = (uint16_t)wrong;
        if (wrong != sizeof(facts.view)) /* that is how long it might be */
            assert_int_equal(stored_read(&place, &facts), wrong == before.facts_bytes ? 0 : -EBADMSG);
        packet->facts_bytes = before.facts_bytes;
    }
    call_deinit(&call);
}

/* A new process goes on with the store and with the numbers. */
static void test_the_next_process_sends_it(void **state)
{
    struct call call;

    (void)state;
    if (rig_srtp == &srtp_libsrtp2) /* whose state ends with the process */
        skip();
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(&call, false);
    send_frame(&call, true);
    receive_one(&call);
    assert_true(resend(&call.rig, &call, 65530, 1000) > 0);
    uint16_t own = expect_rtx(&call, 1000);
    worker_destroy(call.rig.worker);
    rig_start_worker(&call.rig);
    assert_true(resend(&call.rig, &call, 65530, 1000) > 0);
    assert_int_equal(expect_rtx(&call, 1000), (uint16_t)(own + 1));
    call_deinit(&call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rtx_has_numbers_of_its_own),
        cmocka_unit_test(test_no_rtx_without_an_ssrc_for_it),
        cmocka_unit_test(test_another_worker_sends_it),
        cmocka_unit_test(test_what_is_overwritten_is_not_sent),
        cmocka_unit_test(test_what_makes_no_sense_is_not_read),
        cmocka_unit_test(test_the_next_process_sends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
