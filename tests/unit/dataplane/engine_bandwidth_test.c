/* Bandwidth of a receiver, in a worker: its feedback, the estimate in the row, probes on the probator stream.
 */
#include "tests/unit/dataplane/engine_call.h"

#include "dataplane/allocation.h"
#include "dataplane/bandwidth.h"
#include "dataplane/layer_switch.h"
#include "dataplane/probator.h"
#include "dataplane/twcc_feedback.h"
#include "proto/wire/twcc_builder.h"

#define START_BPS 300000u

struct scene {
    struct call call;
    struct twcc_feedback_state arrivals;
    unsigned probes;
    unsigned probe_bytes;
    unsigned repeats; /* by RTX */
    uint64_t clock_us;
};

static struct transport *bob_of(struct scene *scene)
{
    return transport_find(&scene->call.rig.worker->transports, scene->call.bob.transport);
}

static void begin(struct scene *scene)
{
    struct call *call = &scene->call;

    memset(scene, 0, sizeof(*scene));
    rig_init(&call->rig);
    call->rig.start_bps = START_BPS;
    client_join(&call->alice, &call->rig, 0, SRTP_AEAD_AES_128_GCM);
    client_join(&call->bob, &call->rig, 1, SRTP_AEAD_AES_128_GCM);
    call_produce(call);
}

static void check_probe(struct scene *scene, const struct rig_packet *packet, const struct rtp_header *header)
{
    struct rtp_ext_element element;

    assert_int_equal(header->payload_type, PROBATOR_PAYLOAD_TYPE);
    assert_true(rtp_ext_find(packet->data, header, 1, &element));
    assert_int_equal(element.length, 8);
    assert_memory_equal(packet->data + element.offset, "probator", 8);
    assert_true(rtp_ext_find(packet->data, header, 3, &element));
    assert_int_equal(element.length, RTP_EXT_ABS_SEND_TIME_BYTES);
    scene->probes++;
    scene->probe_bytes += (unsigned)packet->length;
}

/* Bob notes what arrives. */
static void receive(struct scene *scene)
{
    struct rig_packet packet;

    while (client_receive(&scene->call.bob, &packet)) {
        struct rtp_header header;
        struct rtp_ext_element element;
        uint16_t number;
        if (packet.rtcp)
            continue;
        assert_int_equal(rtp_parse(packet.data, packet.length, &header), 0);
        if (header.ssrc == PROBATOR_SSRC)
            check_probe(scene, &packet, &header);
        scene->repeats += header.ssrc == BOB_VIDEO_RTX_SSRC;
        if (!rtp_ext_find(packet.data, &header, 6, &element))
            continue;
        assert_int_equal(
            rtp_ext_read_transport_sequence(packet.data + element.offset, element.length, &number), 0);
        twcc_feedback_packet(&scene->arrivals, number, BOB_VIDEO_SSRC, scene->call.rig.worker->now_us);
    }
}

static void give_feedback(struct scene *scene)
{
    uint8_t packet[TWCC_BUILDER_BYTES];
    int length =
        twcc_feedback_write(&scene->arrivals, 99, scene->call.rig.worker->now_us, packet, sizeof(packet));

    if (length > 0)
        client_send_rtcp(&scene->call.bob, &scene->call.rig, packet, (size_t)length);
}

static void run_ms(struct scene *scene, unsigned ms)
{
    for (unsigned i = 0; i < ms; i += 2) {
        if (i % 20 == 0)
            send_frame(&scene->call, i == 0);
        rig_rounds(&scene->call.rig);
        receive(scene);
        if (i % 50 == 0)
            give_feedback(scene);
        rig_pass_us(2000);
    }
}

/* Until probes have found that much. */
static void find(struct scene *scene, uint32_t desired_bps, uint32_t found_bps)
{
    for (unsigned i = 0; i < 100 && bandwidth_estimate_bps(bob_of(scene)) <= found_bps; i++) {
        bandwidth_set_desired(bob_of(scene), desired_bps); /* what is measured in between is less */
        run_ms(scene, 100);
    }
    assert_true(bandwidth_estimate_bps(bob_of(scene)) > found_bps);
}

static void test_estimate_begins_with_a_video_consumer(void **state)
{
    (void)state;
    struct scene scene;

    begin(&scene);
    assert_int_equal(bandwidth_estimate_bps(bob_of(&scene)), 0);
    consume_video(&scene.call, false);
    assert_int_equal(bandwidth_estimate_bps(bob_of(&scene)), START_BPS);
    /* One that gives no feedback says nothing about itself. */
    send_frame(&scene.call, true);
    bob_of(&scene)->estimator->first_numbered_us -= BANDWIDTH_MUTE_US + 1000;
    rig_wait_ms(&scene.call.rig, 120);
    assert_int_equal(bandwidth_estimate_bps(bob_of(&scene)), 0);
    /* Until it does. */
    receive(&scene);
    give_feedback(&scene);
    assert_int_equal(bandwidth_estimate_bps(bob_of(&scene)), START_BPS);
    call_deinit(&scene.call);
}

static void test_feedback_and_probes(void **state)
{
    (void)state;
    struct scene scene;

    begin(&scene);
    consume_audio(&scene.call);
    consume_video(&scene.call, false);
    run_ms(&scene, 200);
    assert_true(bob_of(&scene)->estimator->has_feedback);
    assert_int_equal(scene.probes, 0); /* nobody could use more */
    assert_true(bob_of(&scene)->estimator->history.in_flight < 30);

    find(&scene, 1200000, 2 * START_BPS);
    assert_true(scene.probes >= 5);
    assert_true(scene.probe_bytes >= 900000 / 8 / 50 * 8 / 10);
    assert_int_equal(bob_of(&scene)->estimator->reason, ESTIMATOR_PROBE);

    struct statistics_transport statistics;
    run_ms(&scene, 600);
    assert_int_equal(
        statistics_read(&scene.call.rig.statistics, STATISTICS_TRANSPORT, 1, &statistics, sizeof(statistics)),
        0);
    assert_in_range(statistics.bandwidth.available_bps, START_BPS, 2000000);
    assert_in_range(statistics.bandwidth.desired_bps, 1, 1199999); /* as measured */
    assert_true(statistics.bandwidth.probes >= statistics.bandwidth.probes_succeeded);
    assert_true(statistics.bandwidth.probes_succeeded > 0);
    assert_true(statistics.bandwidth.feedback_packets > 3);
    assert_string_equal(statistics_estimate_name(ESTIMATOR_PROBE), "probe");
    assert_string_equal(statistics_estimate_name(ESTIMATOR_SILENCE), "silence");
    assert_string_equal(statistics_delay_name(statistics.bandwidth.delay_state), "normal");
    assert_null(statistics_estimate_name(ESTIMATOR_SILENCE + 1));
    call_deinit(&scene.call);
}

/* Packets of a size that suits are sent once more instead of zeroes. */
static void test_probes_repeat_media(void **state)
{
    (void)state;
    struct scene scene;
    uint8_t payload[300] = {0x90, 0x80, 0x80, 0, 0x10, 2, 0, 0x9d, 0x01, 0x2a, 0x40, 1, 0xf0, 0};

    begin(&scene);
    consume_video(&scene.call, false);
    for (unsigned i = 0; i < 400 && scene.repeats < 3; i++) {
        struct rig_rtp rtp = {.ssrc = ALICE_VIDEO_SSRC,
                              .payload_type = 96,
                              .sequence = scene.call.sequence++,
                              .timestamp = scene.call.timestamp += 1800,
                              .marker = true,
                              .mid = "1",
                              .payload = payload,
                              .payload_length = sizeof(payload)};
        payload[3] = (uint8_t)scene.call.picture++;
        payload[4] = i == 0 ? 0x10 : 0x11;
        client_send_rtp(&scene.call.alice, &scene.call.rig, &rtp);
        bandwidth_set_desired(bob_of(&scene), i < 10 ? 0 : 500000); /* there is something to repeat */
        for (int j = 0; j < 10; j++) {
            rig_rounds(&scene.call.rig);
            receive(&scene);
            rig_pass_us(2000);
        }
        if (i % 3 == 0)
            give_feedback(&scene);
    }
    assert_true(scene.repeats >= 3);
    assert_true(bob_of(&scene)->estimator->probe.count > 0);
    call_deinit(&scene.call);
}

static void test_nobody_needs_the_probator(void **state)
{
    (void)state;
    struct scene scene;
    uint8_t nack[] = {0x81, 205, 0, 3, 0, 0, 0, 9, 0, 0, 0x04, 0xd2, 0, 1, 0, 0};
    uint8_t pli[] = {0x81, 206, 0, 2, 0, 0, 0, 9, 0, 0, 0x04, 0xd2};

    begin(&scene);
    consume_video(&scene.call, false);
    client_send_rtcp(&scene.call.bob, &scene.call.rig, nack, sizeof(nack));
    client_send_rtcp(&scene.call.bob, &scene.call.rig, pli, sizeof(pli));
    assert_int_equal(rig_drops(&scene.call.rig, DROP_feedback_unknown_ssrc), 0);
    nack[11]++;
    client_send_rtcp(&scene.call.bob, &scene.call.rig, nack, sizeof(nack));
    assert_int_equal(rig_drops(&scene.call.rig, DROP_feedback_unknown_ssrc), 1);
    call_deinit(&scene.call);
}

/* The next worker begins with the estimate, and sends no probe under an index that was used. */
static void test_survives_the_worker(void **state)
{
    (void)state;
    struct scene scene;

    begin(&scene);
    consume_video(&scene.call, false);
    run_ms(&scene, 200);
    find(&scene, 1200000, START_BPS);
    uint32_t before_bps = bandwidth_estimate_bps(bob_of(&scene));
    unsigned probes = scene.probes;
    assert_true(probes > 0);
    worker_destroy(scene.call.rig.worker);
    rig_start_worker(&scene.call.rig);
    rig_wait_ms(&scene.call.rig, 600);
    assert_non_null(bob_of(&scene)->estimator);
    assert_int_equal(bandwidth_estimate_bps(bob_of(&scene)), before_bps);
    find(&scene, 3 * before_bps, before_bps); /* what does not decrypt fails the test */
    assert_true(scene.probes > probes);
    call_deinit(&scene.call);
}

static void test_transport_that_goes_while_probing(void **state)
{
    (void)state;
    struct scene scene;

    begin(&scene);
    consume_video(&scene.call, false);
    bandwidth_set_desired(bob_of(&scene), 1200000);
    for (int i = 0; i < 200 && !scene.call.rig.worker->transports.busy; i++) {
        send_frame(&scene.call, i == 0);
        rig_pass_us(2000);
    }
    assert_ptr_equal(scene.call.rig.worker->transports.busy, bob_of(&scene));
    assert_int_equal(
        rig_remove(&scene.call.rig, KM__COMMAND__BODY_REMOVE_TRANSPORT, scene.call.bob.transport), 0);
    assert_null(scene.call.rig.worker->transports.busy);
    rig_wait_ms(&scene.call.rig, 50);
    call_deinit(&scene.call);
}

static void test_remb(void **state)
{
    (void)state;
    struct scene scene;
    uint8_t packet[64];
    const uint32_t ssrc = BOB_VIDEO_SSRC;

    begin(&scene);
    consume_video(&scene.call, false);
    int length = rtcp_write_remb(packet, sizeof(packet), 99, 200000, &ssrc, 1);
    client_send_rtcp(&scene.call.bob, &scene.call.rig, packet, (size_t)length);
    assert_in_range(bandwidth_estimate_bps(bob_of(&scene)), 199000, 200000);
    call_deinit(&scene.call);
}

/* What the receiver says falls below all video; the cheapest is tried again all the same, since nothing else
 * would let it say more. */
static void test_remb_alone_is_not_for_ever(void **state)
{
    (void)state;
    struct scene scene;
    uint8_t packet[64], payload[1000] = {0x90, 0x80, 0x80, 0, 0x10, 2, 0, 0x9d, 0x01, 0x2a, 0x40, 1, 0xf0, 0};
    const uint32_t ssrc = BOB_VIDEO_SSRC;

    begin(&scene);
    consume_video(&scene.call, false);
    struct worker *worker = scene.call.rig.worker;
    struct transport *bob = bob_of(&scene);
    struct rig_rtp rtp = {.ssrc = ALICE_VIDEO_SSRC,
                          .payload_type = 96,
                          .marker = true,
                          .payload = payload,
                          .payload_length = sizeof(payload)};
    const struct layer_switch *layer = &bob->consumers->row->media.layer;
    int length = rtcp_write_remb(packet, sizeof(packet), 99, 40000, &ssrc, 1);
    for (unsigned i = 0; i < 100 && layer->reason != LAYER_REASON_SUSPENDED; i++) {
        for (unsigned j = 0; j < 20; j++) { /* rates are known after a while */
            rtp.sequence = scene.call.sequence++;
            rtp.timestamp = scene.call.timestamp += 3000;
            payload[3] = (uint8_t)scene.call.picture++;
            payload[4] = i + j == 0 ? 0x10 : 0x11;
            client_send_rtp(&scene.call.alice, &scene.call.rig, &rtp);
        }
        client_send_rtcp(&scene.call.bob, &scene.call.rig, packet, (size_t)length);
        rig_wait_ms(&scene.call.rig, 100);
    }
    assert_int_equal(layer->reason, LAYER_REASON_SUSPENDED);
    allocation_turn(worker, bob);
    assert_int_equal(layer->reason, LAYER_REASON_SUSPENDED);

    bob->lowered_us -= ALLOCATION_HOLD_US; /* patience is over */
    allocation_turn(worker, bob);
    assert_int_not_equal(layer->reason, LAYER_REASON_SUSPENDED);
    allocation_turn(worker, bob);
    assert_int_not_equal(layer->reason, LAYER_REASON_SUSPENDED);

    rtp.sequence = scene.call.sequence++;
    rtp.timestamp = scene.call.timestamp += 3000;
    payload[3] = (uint8_t)scene.call.picture++;
    payload[4] = 0x10;
    client_send_rtp(&scene.call.alice, &scene.call.rig, &rtp);
    assert_int_equal(layer->current, 0);

    /* Nothing came of it: that was enough, and the next time is later. */
    bob->raised_us -= ALLOCATION_TRIAL_US;
    bob->lowered_us -= ALLOCATION_TRIAL_US;
    allocation_turn(worker, bob);
    assert_int_equal(layer->reason, LAYER_REASON_SUSPENDED);
    assert_int_equal(bob->hold_us, 2 * ALLOCATION_HOLD_US);
    call_deinit(&scene.call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_estimate_begins_with_a_video_consumer),
        cmocka_unit_test(test_feedback_and_probes),
        cmocka_unit_test(test_probes_repeat_media),
        cmocka_unit_test(test_nobody_needs_the_probator),
        cmocka_unit_test(test_survives_the_worker),
        cmocka_unit_test(test_transport_that_goes_while_probing),
        cmocka_unit_test(test_remb),
        cmocka_unit_test(test_remb_alone_is_not_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
