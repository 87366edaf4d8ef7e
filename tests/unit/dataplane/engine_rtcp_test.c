/* What a worker says and hears by RTCP, and what it publishes. */
#include "tests/unit/dataplane/engine_call.h"

#include "dataplane/key_frame.h"
#include "dataplane/row.h"
#include "proto/wire/twcc.h"

static void send_pli(struct call *call)
{
    uint8_t rtcp[64];
    int length = rtcp_write_pli(rtcp, sizeof(rtcp), 1, BOB_VIDEO_SSRC);

    client_send_rtcp(&call->bob, &call->rig, rtcp, (size_t)length);
}

static void test_pli_goes_upstream_once_an_interval(void **state)
{
    struct call call;
    struct rig_packet packet;
    struct rtcp_packet part;
    const struct shm_stream_row *stream;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(&call, false);
    stream = shm_segment_at(&call.rig.segment, SHM_SECTION_STREAM, 3);
    send_frame(&call, true);
    assert_int_equal(stream->key_frames, 1);
    struct key_frame_request *request = &((struct shm_stream_row *)stream)->key_frame;
    request->asked_us = 0; /* as if the last request were long ago */
    struct shm_consumer_row *receiver = shm_segment_at(&call.rig.segment, SHM_SECTION_CONSUMER, 6);
    receiver->media.stats.rtt_us = 10000000;
    client_count_rtcp(&call.alice, RTCP_PSFB, -1, &packet, &part);
    send_pli(&call); /* on its way when the key frame was */
    assert_int_equal(client_count_rtcp(&call.alice, RTCP_PSFB, RTCP_PSFB_PLI, &packet, &part), 0);
    receiver->media.stats.rtt_us = 1;
    for (unsigned i = 1; i < 20; i++)
        send_pli(&call);
    assert_int_equal(client_count_rtcp(&call.alice, RTCP_PSFB, RTCP_PSFB_PLI, &packet, &part), 1);

    request->asked_us -= KEY_FRAME_INTERVAL_US; /* the interval is over, and none came */
    rig_wait_ms(&call.rig, 120);
    assert_int_equal(client_count_rtcp(&call.alice, RTCP_PSFB, RTCP_PSFB_PLI, &packet, &part), 1);

    send_frame(&call, true);
    request->asked_us -= KEY_FRAME_INTERVAL_US;
    rig_wait_ms(&call.rig, 120);
    assert_int_equal(client_count_rtcp(&call.alice, RTCP_PSFB, RTCP_PSFB_PLI, &packet, &part), 0);
    const struct shm_consumer_row *consumer = shm_segment_at(&call.rig.segment, SHM_SECTION_CONSUMER, 6);
    assert_int_equal(consumer->media.stats.plis, 20);
    call_deinit(&call);
}

static void test_reports(void **state)
{
    struct call call;
    struct rig_packet packet;
    struct rtcp_packet part;
    struct rtcp_sender_info info;
    struct rtcp_report_block block;
    uint8_t rtcp[128];
    uint32_t ssrc;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_audio(&call);
    for (uint16_t i = 0; i < 20; i++) {
        if (i != 5)
            send_audio(&call, (uint16_t)(100 + i), 960u * i);
    }
    struct rtcp_sender_info alice = {
        .ssrc = ALICE_AUDIO_SSRC, .ntp = 0x1122334455667788u, .rtp_timestamp = 960 * 19, .packet_count = 19};
    int length = rtcp_write_sr(rtcp, sizeof(rtcp), &alice, NULL, 0);
    client_send_rtcp(&call.alice, &call.rig, rtcp, (size_t)length);
    rig_wait_ms(&call.rig, 300);

    assert_true(client_count_rtcp(&call.alice, RTCP_RR, -1, &packet, &part) >= 1);
    assert_int_equal(rtcp_parse_rr(&part, &ssrc), 0);
    assert_true(rtcp_report_block(&part, 0, &block));
    assert_int_equal(block.ssrc, ALICE_AUDIO_SSRC);
    assert_int_equal(block.cumulative_lost, 1);
    assert_int_equal(block.highest_sequence & 0xffff, 119);

    assert_int_equal(client_count_rtcp(&call.bob, RTCP_SR, -1, &packet, &part), 1);
    assert_int_equal(rtcp_parse_sr(&part, &info), 0);
    assert_int_equal(info.ssrc, BOB_AUDIO_SSRC);
    assert_int_equal(info.packet_count, 19);
    assert_int_equal(info.octet_count, 19 * sizeof(opus));
    struct rtcp_packet sdes = {.data = part.data + part.length,
                               .length = load_be16(part.data + part.length + 2)};
    assert_int_equal(sdes.data[1], RTCP_SDES);
    assert_non_null(memmem(sdes.data, 24, "peer-cname", 10));

    struct rtcp_report_block answer = {.ssrc = BOB_AUDIO_SSRC,
                                       .fraction_lost = 12,
                                       .cumulative_lost = 2,
                                       .lsr = (uint32_t)(info.ntp >> 16),
                                       .dlsr = 0};
    length = rtcp_write_rr(rtcp, sizeof(rtcp), 1, &answer, 1);
    client_send_rtcp(&call.bob, &call.rig, rtcp, (size_t)length);
    const struct shm_consumer_row *consumer = shm_segment_at(&call.rig.segment, SHM_SECTION_CONSUMER, 5);
    assert_int_equal(consumer->media.stats.packets_lost, 2);
    assert_int_equal(consumer->media.stats.fraction_lost, 12);
    assert_true(consumer->media.stats.rtt_us > 0);
    call_deinit(&call);
}

static void test_transport_feedback(void **state)
{
    struct call call;
    struct rig_packet packet;
    struct rtcp_packet part;
    struct twcc_feedback feedback;
    struct twcc_iterator iterator;
    struct twcc_status status;
    unsigned received = 0, lost = 0;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    for (uint16_t i = 0; i < 9; i++) {
        send_audio(&call, i, 960u * i);
        if (i == 4)
            call.transport_sequence++; /* one is lost on the way */
    }
    struct rig_rtp padding = {.ssrc = ALICE_AUDIO_SSRC,
                              .payload_type = 111,
                              .sequence = 9,
                              .timestamp = 960 * 8,
                              .transport_sequence = &call.transport_sequence,
                              .padding = 200};
    client_send_rtp(&call.alice, &call.rig, &padding);
    rig_wait_ms(&call.rig, 130);
    assert_int_equal(client_count_rtcp(&call.alice, RTCP_RTPFB, RTCP_RTPFB_TWCC, &packet, &part), 1);
    assert_int_equal(twcc_parse(&part, &feedback), 0);
    assert_int_equal(feedback.base_sequence, 0);
    assert_int_equal(feedback.media_ssrc, ALICE_AUDIO_SSRC);
    twcc_begin(&iterator, &feedback);
    while (twcc_next(&iterator, &status)) {
        received += status.received;
        lost += !status.received;
        assert_int_equal(status.received, status.sequence != 5);
    }
    assert_int_equal(received, 10);
    assert_int_equal(lost, 1);
    call_deinit(&call);
}

/* How many arrivals the next feedback tells of. */
static unsigned take_feedback(struct call *call)
{
    struct rig_packet packet;
    struct rtcp_packet part;
    struct twcc_feedback feedback;
    struct twcc_iterator iterator;
    struct twcc_status status;
    unsigned received = 0;

    rig_wait_ms(&call->rig, 130);
    if (client_count_rtcp(&call->alice, RTCP_RTPFB, RTCP_RTPFB_TWCC, &packet, &part) == 0)
        return 0;
    assert_int_equal(twcc_parse(&part, &feedback), 0);
    twcc_begin(&iterator, &feedback);
    while (twcc_next(&iterator, &status))
        received += status.received;
    return received;
}

static void test_arrivals_take_no_memory_before_they_come(void **state)
{
    struct call call;
    struct rig_rtp plain = {.ssrc = ALICE_AUDIO_SSRC,
                            .payload_type = 111,
                            .mid = "0",
                            .payload = opus,
                            .payload_length = sizeof(opus)};

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_audio(&call);
    const struct shm_segment *segment = &call.rig.segment;
    for (uint16_t i = 0; i < 5; i++) {
        plain.sequence = i;
        client_send_rtp(&call.alice, &call.rig, &plain);
    }
    assert_int_equal(take_feedback(&call), 0);
    assert_int_equal(row_next_touched(segment, SHM_SECTION_TWCC, 0), segment->capacities.transports);

    call.transport_sequence = 100;
    send_audio(&call, 5, 960 * 5);
    assert_int_equal(row_next_touched(segment, SHM_SECTION_TWCC, 0), 0);
    assert_int_equal(take_feedback(&call), 1);
    call_deinit(&call);
}

/* What arrived before the worker went is told by the next one; another transport in the same row knows
 * nothing of it. */
static void test_arrivals_outlive_the_worker(void **state)
{
    struct call call;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    for (uint16_t i = 0; i < 5; i++)
        send_audio(&call, i, 960u * i);
    worker_destroy(call.rig.worker);
    rig_start_worker(&call.rig);
    const struct transport *alice = transport_find(&call.rig.worker->transports, call.alice.transport);
    assert_non_null(alice->twcc);
    assert_int_equal(alice->twcc->pending, 5);
    assert_null(transport_find(&call.rig.worker->transports, call.bob.transport)->twcc);

    shm_handle other = shm_handle_make(0, 2);
    assert_int_equal(rig_remove(&call.rig, KM__COMMAND__BODY_REMOVE_TRANSPORT, call.alice.transport), 0);
    assert_int_equal(rig_install_transport(&call.rig, other), 0);
    struct transport *next = transport_find(&call.rig.worker->transports, other);
    assert_null(next->twcc);
    transport_begin_twcc(next, &call.rig.segment);
    assert_int_equal(next->twcc->pending, 0);
    assert_int_equal(next->twcc->started, 0);
    call_deinit(&call);
}

static void expect_score(struct call *call, uint32_t score, uint32_t producer_score)
{
    rig_wait_ms(&call->rig, 600); /* twice a second, in a turn */
    Km__Event *event = rig_find_event(&call->rig, KM__EVENT__BODY_SCORE_CHANGED);

    assert_non_null(event);
    assert_true(event->score_changed->consumer == call->audio_consumer);
    assert_int_equal(event->score_changed->score, score);
    assert_int_equal(event->score_changed->producer_score, producer_score);
    assert_int_equal(event->score_changed->n_producer_scores, 1);
    assert_int_equal(event->score_changed->producer_scores[0], producer_score);
    km__event__free_unpacked(event, NULL);
}

static void test_scores(void **state)
{
    struct call call;
    uint8_t rtcp[64];
    struct shm_stream_row *stream;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_audio(&call);
    stream = shm_segment_at(&call.rig.segment, SHM_SECTION_STREAM, 0);
    send_audio(&call, 1, 960);
    expect_score(&call, 10, 10);
    send_audio(&call, 2, 1920);
    assert_null(rig_find_event(&call.rig, KM__EVENT__BODY_SCORE_CHANGED));

    stream->stats.last_packet_us -= 1600000; /* silent for longer than 1.5 s */
    rig_wait_ms(&call.rig, 80);
    expect_score(&call, 10, 0);
    rig_wait_ms(&call.rig, 80);
    assert_null(rig_find_event(&call.rig, KM__EVENT__BODY_SCORE_CHANGED));
    send_audio(&call, 3, 96000);
    expect_score(&call, 10, 10);

    /* Half of what was sent is lost on the way to bob. */
    for (uint16_t i = 4; i < 24; i++)
        send_audio(&call, i, 96000u + 960u * i);
    struct rtcp_report_block block = {.ssrc = BOB_AUDIO_SSRC, .fraction_lost = 128, .cumulative_lost = 12};
    int length = rtcp_write_rr(rtcp, sizeof(rtcp), 1, &block, 1);
    client_send_rtcp(&call.bob, &call.rig, rtcp, (size_t)length);
    const struct shm_consumer_row *consumer = shm_segment_at(&call.rig.segment, SHM_SECTION_CONSUMER, 5);
    assert_true(consumer->score.value < 10);
    expect_score(&call, consumer->score.value, 10);
    call_deinit(&call);
}

/* Time is spent where it should be; what was forwarded has a latency, what was received a batch. */
static void test_stages(void **state)
{
    struct call call;
    struct statistics_stages stages;
    uint64_t batches = 0;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_audio(&call);
    for (uint16_t i = 0; i < 10; i++)
        send_audio(&call, i, 960u * i);
    rig_wait_ms(&call.rig, 600);
    assert_int_equal(statistics_read(&call.rig.statistics, STATISTICS_STAGE, 0, &stages, sizeof(stages)), 0);
    for (unsigned i = 0; i < STAGE_COUNT; i++)
        assert_true(stages.ticks[i] > 0);
    assert_true(stages.ticks[STAGE_idle] > stages.ticks[STAGE_protect]);
    assert_true(stages.ticks_per_ms > 1000);
    for (unsigned i = 0; i < STATISTICS_BATCHES; i++)
        batches += stages.batches[i];
    assert_int_equal(batches, 10);
    assert_int_equal(stages.batches[0], 10);
    assert_int_equal(histogram_total(&stages.latency), 10);
    assert_in_range(histogram_quantile_us(&stages.latency, 0.5), 1, 1000000);
    assert_true(stages.receive_calls >= 10);
    call_deinit(&call);
}

static void test_statistics(void **state)
{
    struct call call;
    struct statistics_worker worker;
    struct statistics_transport transport;
    struct statistics_stream stream;
    struct statistics_consumer consumer;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_audio(&call);
    for (uint16_t i = 0; i < 10; i++)
        send_audio(&call, i, 960u * i);
    rig_wait_ms(&call.rig, 600);
    assert_int_equal(statistics_read(&call.rig.statistics, STATISTICS_WORKER, 0, &worker, sizeof(worker)), 0);
    assert_int_equal(worker.rtp_forwarded, 10);
    assert_int_equal(worker.transports, 2);
    assert_int_equal(worker.producers, 2);
    assert_int_equal(worker.consumers, 1);
    assert_int_equal(worker.packets_received, 10);
    assert_int_equal(
        statistics_read(&call.rig.statistics, STATISTICS_TRANSPORT, 0, &transport, sizeof(transport)), 0);
    assert_true(transport.handle == call.alice.transport);
    assert_int_equal(transport.packets_received, 10);
    assert_int_equal(transport.remote_port, call.alice.address.port);
    assert_int_equal(transport.has_keys, 1);
    assert_int_equal(transport.srtp_profile, SRTP_AEAD_AES_128_GCM);
    assert_int_equal(statistics_read(&call.rig.statistics, STATISTICS_STREAM, 0, &stream, sizeof(stream)), 0);
    assert_int_equal(stream.ssrc, ALICE_AUDIO_SSRC);
    assert_int_equal(stream.packets, 10);
    assert_int_equal(stream.codec, KM__CODEC__OPUS);
    assert_int_equal(
        statistics_read(&call.rig.statistics, STATISTICS_CONSUMER, 5, &consumer, sizeof(consumer)), 0);
    assert_int_equal(consumer.packets, 10);
    assert_int_equal(consumer.ssrc, BOB_AUDIO_SSRC);

    assert_int_equal(rig_remove(&call.rig, KM__COMMAND__BODY_REMOVE_TRANSPORT, call.alice.transport), 0);
    assert_int_equal(
        statistics_read(&call.rig.statistics, STATISTICS_TRANSPORT, 0, &transport, sizeof(transport)), 0);
    assert_true(transport.handle == SHM_HANDLE_NONE);
    assert_int_equal(
        statistics_read(&call.rig.statistics, STATISTICS_CONSUMER, 5, &consumer, sizeof(consumer)), 0);
    assert_true(consumer.handle == SHM_HANDLE_NONE);
    call_deinit(&call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pli_goes_upstream_once_an_interval),
        cmocka_unit_test(test_reports),
        cmocka_unit_test(test_transport_feedback),
        cmocka_unit_test(test_arrivals_take_no_memory_before_they_come),
        cmocka_unit_test(test_arrivals_outlive_the_worker),
        cmocka_unit_test(test_scores),
        cmocka_unit_test(test_statistics),
        cmocka_unit_test(test_stages),
    };
    return RIG_RUN(tests);
}
