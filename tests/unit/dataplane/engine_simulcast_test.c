/* Two encodings, shared out by the bandwidth of a receiver on another worker than the sender's. */
#include "tests/unit/dataplane/engine_pair.h"

#include "dataplane/allocation.h"

#define LOW_SSRC 4001u
#define HIGH_SSRC 4101u
#define LOW_BYTES 200u   /* a picture, each 20 ms: 80 kbit/s and heads */
#define HIGH_BYTES 1000u /* 400 kbit/s and heads */

struct simulcast {
    struct pair pair;
    uint16_t input[2];
    uint32_t timestamp;
    uint16_t last;
    bool has_last;
    unsigned low;  /* pictures that bob got */
    unsigned high; /* likewise */
};

static void simulcast_init(struct simulcast *scene)
{
    struct call *call = &scene->pair.call;

    memset(scene, 0, sizeof(*scene));
    pair_init(&scene->pair);
    struct rig_producer producer = {.handle = shm_handle_make(2, 1),
                                    .transport = call->alice.transport,
                                    .codec = KM__CODEC__VP8,
                                    .payload_type = 96,
                                    .ssrcs = {LOW_SSRC, HIGH_SSRC},
                                    .encodings = 2,
                                    .mid = "5"};
    assert_int_equal(rig_install_producer(&call->rig, &producer), 0);
    assert_int_equal(mirror(&scene->pair, producer), 0);
    assert_int_equal(follow(&scene->pair, producer.handle, true), 0);
    consume(&scene->pair, call->video_consumer, producer.handle, BOB_VIDEO_SSRC);
}

static void send_encoding(struct simulcast *scene, unsigned encoding, bool key)
{
    uint8_t payload[HIGH_BYTES] = {
        0x90, 0x80, 0x80, (uint8_t)scene->input[encoding], key ? 0x10 : 0x11, 2, 0, 0x9d, 0x01, 0x2a, 0x40,
        1,    0xf0, 0};
    struct rig_rtp rtp = {.ssrc = encoding ? HIGH_SSRC : LOW_SSRC,
                          .payload_type = 96,
                          .sequence = scene->input[encoding]++,
                          .timestamp = scene->timestamp + encoding * 1000000,
                          .marker = true,
                          .payload = payload,
                          .payload_length = encoding ? HIGH_BYTES : LOW_BYTES};
    payload[2] = (uint8_t)(0x80 | (rtp.sequence >> 8 & 0x7f));
    client_send_rtp(&scene->pair.call.alice, &scene->pair.call.rig, &rtp);
}

/* Pictures for that long, a key frame each half second; whatever bob gets has numbers in a row. */
static void run(struct simulcast *scene, unsigned ms)
{
    struct rig_packet packet;
    struct rtp_header header;

    scene->low = scene->high = 0;
    for (unsigned i = 0; i < ms / 20; i++) {
        send_encoding(scene, 0, i % 25 == 0);
        send_encoding(scene, 1, i % 25 == 0);
        scene->timestamp += 1800;
        rig_wait_ms(&scene->pair.call.rig, 20);
        while (client_receive(&scene->pair.call.bob, &packet)) {
            if (packet.rtcp)
                continue;
            assert_int_equal(rtp_parse(packet.data, packet.length, &header), 0);
            if (header.ssrc != BOB_VIDEO_SSRC)
                continue;
            if (scene->has_last)
                assert_int_equal(header.sequence, (uint16_t)(scene->last + 1));
            scene->last = header.sequence;
            scene->has_last = true;
            scene->low += header.payload_length < HIGH_BYTES;
            scene->high += header.payload_length >= HIGH_BYTES;
        }
    }
}

static void estimate(struct simulcast *scene, uint32_t bps)
{
    struct transport *transport =
        transport_find(&scene->pair.second.worker->transports, scene->pair.call.bob.transport);
    transport->row->available_bps = bps;
    allocation_estimate(scene->pair.second.worker, transport);
}

static void test_bandwidth_chooses_the_encoding(void **state)
{
    struct simulcast scene;

    (void)state;
    simulcast_init(&scene);
    run(&scene, 1500);
    assert_true(scene.high > scene.low);
    estimate(&scene, 3000000); /* enough: nothing changes */
    run(&scene, 500);
    assert_int_equal(scene.low, 0);
    assert_true(scene.high > 0);

    estimate(&scene, 200000);
    run(&scene, 600);
    run(&scene, 200);
    assert_int_equal(scene.high, 0);
    assert_true(scene.low > 0);

    /* Back, after a while of patience. */
    estimate(&scene, 3000000);
    run(&scene, ALLOCATION_HOLD_US / 1000 + 1500);
    estimate(&scene, 3500000);
    run(&scene, 1000);
    assert_true(scene.high > 0);
    run(&scene, 200);
    assert_int_equal(scene.low, 0);

    /* The numbers of it. */
    struct statistics_stream low, high;
    struct statistics_consumer consumer;
    const struct statistics *owners = &scene.pair.call.rig.statistics;
    assert_int_equal(statistics_read(owners, STATISTICS_STREAM, 6, &low, sizeof(low)), 0);
    assert_int_equal(statistics_read(owners, STATISTICS_STREAM, 7, &high, sizeof(high)), 0);
    assert_true(low.layer_kbps[0] > 0 && high.layer_kbps[0] > low.layer_kbps[0]);
    assert_int_equal(low.layer_kbps[4], 0);
    assert_int_equal(
        statistics_read(&scene.pair.second.statistics, STATISTICS_CONSUMER, 6, &consumer, sizeof(consumer)),
        0);
    assert_int_equal(consumer.spatial_layer, 1);
    assert_int_equal(consumer.layer_reason, LAYER_REASON_PREFERRED);
    pair_deinit(&scene.pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bandwidth_chooses_the_encoding)};
    return RIG_RUN(tests);
}
