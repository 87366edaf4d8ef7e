/* Layers of one stream on their way to a consumer, on its sender's worker and on another one. */
#include "tests/unit/dataplane/engine_pair.h"

#include "dataplane/allocation.h"
#include "dataplane/layer_switch.h"
#include "proto/wire/vp9.h"
#include "tests/unit/wire/dependency_write.h"

#define SVC_SSRC 3001u
#define LAYERS 3u

struct svc_call {
    struct pair pair;
    bool across;    /* bob is on the other worker */
    bool key_only;  /* k-SVC */
    uint16_t input; /* numbers of what is sent */
    uint16_t picture;
    uint32_t timestamp;
    uint16_t last; /* number that bob got last */
    bool has_last;
    struct dependency_structure structure; /* as bob knows it */
    uint32_t active;
};

static struct rig *bobs_rig(struct svc_call *call)
{
    return call->across ? &call->pair.second : &call->pair.call.rig;
}

static void svc_init(struct svc_call *call, bool across, bool key_only, Km__Codec codec)
{
    struct call *base = &call->pair.call;

    memset(call, 0, sizeof(*call));
    if (across)
        pair_init(&call->pair);
    else
        call_init(base, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    call->across = across;
    call->key_only = key_only;
    call->input = 65530;
    call->timestamp = 0xffffe000u;
    struct rig_producer producer = {.handle = shm_handle_make(2, 1),
                                    .transport = base->alice.transport,
                                    .codec = codec,
                                    .payload_type = 98,
                                    .ssrcs = {SVC_SSRC},
                                    .encodings = 1,
                                    .mid = "5",
                                    .spatial_layers = codec == KM__CODEC__AV1 ? 2 : LAYERS,
                                    .temporal_layers = 3};
    struct rig_consumer consumer = {.handle = base->video_consumer,
                                    .transport = base->bob.transport,
                                    .producer = producer.handle,
                                    .ssrc = BOB_VIDEO_SSRC,
                                    .mid = "7"};
    assert_int_equal(rig_install_producer(&base->rig, &producer), 0);
    if (across) {
        assert_int_equal(mirror(&call->pair, producer), 0);
        assert_int_equal(follow(&call->pair, producer.handle, true), 0);
    }
    assert_int_equal(rig_install_consumer(bobs_rig(call), &consumer), 0);
}

static void svc_deinit(struct svc_call *call)
{
    if (call->across)
        pair_deinit(&call->pair);
    else
        call_deinit(&call->pair.call);
}

static void send_packet(struct svc_call *call, const uint8_t *payload, size_t length, bool marker,
                        const struct bit_writer *dependency)
{
    struct rig_rtp rtp = {.ssrc = SVC_SSRC,
                          .payload_type = 98,
                          .sequence = call->input++,
                          .timestamp = call->timestamp,
                          .marker = marker,
                          .dependency = dependency ? dependency->bytes : NULL,
                          .dependency_length = dependency ? (uint8_t)bytes_of(dependency) : 0,
                          .payload = payload,
                          .payload_length = length};
    client_send_rtp(&call->pair.call.alice, &call->pair.call.rig, &rtp);
}

/* A picture of VP9, a packet a layer. */
static void send_picture(struct svc_call *call, uint8_t temporal, bool key)
{
    for (uint8_t s = 0; s < LAYERS; s++) {
        bool alone = s + 1 == LAYERS || (call->key_only && !key);
        bool predicted = s > 0 && (key || !call->key_only);
        bool structure = key && s == 0;
        uint8_t payload[] = {(uint8_t)(0xac | (key ? 0 : 0x40) | (structure ? 2 : 0) | (alone ? 1 : 0)),
                             (uint8_t)(0x80 | call->picture >> 8),
                             (uint8_t)call->picture,
                             (uint8_t)(temporal << 5 | 0x10 | s << 1 | predicted),
                             7,
                             structure ? (LAYERS - 1) << 5 : 'v',
                             'v'};
        send_packet(call, payload, sizeof(payload), s + 1 == LAYERS, NULL);
    }
    call->picture++;
    call->timestamp += 3000;
}

/* The layers that bob got since, as bits; their numbers are in a row, and only the last one has the marker.
 */
static unsigned receive_layers(struct svc_call *call)
{
    struct rig_packet packet;
    struct rtp_header header;
    struct vp9_descriptor descriptor;
    unsigned layers = 0;
    bool ended = true;

    while (client_receive_rtp(&call->pair.call.bob, &packet, &header)) {
        if (header.ssrc != BOB_VIDEO_SSRC)
            continue;
        assert_int_equal(vp9_parse(packet.data + header.payload_offset, header.payload_length, &descriptor),
                         0);
        if (call->has_last)
            assert_int_equal(header.sequence, (uint16_t)(call->last + 1));
        call->last = header.sequence;
        call->has_last = true;
        layers |= 1u << descriptor.spatial_layer;
        ended = header.marker;
    }
    assert_true(ended);
    return layers;
}

static struct consumer *bobs_consumer(struct svc_call *call)
{
    struct consumer *consumer =
        consumer_find(&bobs_rig(call)->worker->streams, call->pair.call.video_consumer);
    assert_non_null(consumer);
    return consumer;
}

static void allow(struct svc_call *call, int spatial, int temporal)
{
    layer_switch_allow(&bobs_consumer(call)->row->media.layer, spatial, temporal);
    rig_wait_ms(&call->pair.call.rig, 60); /* a turn */
}

static unsigned plis_of_alice(struct svc_call *call)
{
    struct rig_packet packet;
    struct rtcp_packet part;
    return client_count_rtcp(&call->pair.call.alice, RTCP_PSFB, RTCP_PSFB_PLI, &packet, &part);
}

static int told_spatial_layer(struct svc_call *call)
{
    int spatial = -2;
    Km__Event *event;

    rig_wait_ms(bobs_rig(call), 600); /* twice a second, in a turn */
    while ((event = rig_find_event(bobs_rig(call), KM__EVENT__BODY_LAYERS_CHANGED))) {
        spatial = event->layers_changed->spatial_layer;
        km__event__free_unpacked(event, NULL);
    }
    return spatial;
}

static void spatial_layers(bool across, bool key_only)
{
    struct svc_call call;
    unsigned all = key_only ? 4 : 7;

    svc_init(&call, across, key_only, KM__CODEC__VP9);
    send_picture(&call, 0, true);
    assert_int_equal(receive_layers(&call), 7);
    send_picture(&call, 2, false);
    assert_int_equal(receive_layers(&call), all);
    assert_int_equal(told_spatial_layer(&call), 2);

    /* Down: at once, or where the lower layers did not go along, with the next key picture. */
    allow(&call, 0, 3);
    send_picture(&call, 0, false);
    if (key_only) {
        receive_layers(&call);
        send_picture(&call, 0, false); /* what it would have needed is gone by now */
        assert_int_equal(receive_layers(&call) & ~5u, 0);
        send_picture(&call, 0, true);
    }
    assert_int_equal(receive_layers(&call), 1);
    send_picture(&call, 2, false);
    assert_int_equal(receive_layers(&call), 1);
    rig_wait_ms(&call.pair.call.rig, 60);
    assert_int_equal(told_spatial_layer(&call), 0);
    assert_true(rig_drops(bobs_rig(&call), DROP_consumer_other_layer) >= 2);

    /* Up: asked for, and taken when it comes. */
    plis_of_alice(&call);
    rig_wait_ms(&call.pair.call.rig, 1000); /* requests are joined for so long */
    allow(&call, 2, 3);
    send_picture(&call, 0, false);
    assert_int_equal(receive_layers(&call), 1);
    assert_true(plis_of_alice(&call) >= 1);
    send_picture(&call, 0, true);
    assert_int_equal(receive_layers(&call), 7);
    rig_wait_ms(&call.pair.call.rig, 60);
    assert_int_equal(told_spatial_layer(&call), 2);
    svc_deinit(&call);
}

static void test_spatial_layers(void **state)
{
    (void)state;
    spatial_layers(false, false);
    spatial_layers(false, true);
}

static void test_spatial_layers_across_workers(void **state)
{
    (void)state;
    spatial_layers(true, false);
    spatial_layers(true, true);
}

static void test_temporal_layers(void **state)
{
    struct svc_call call;

    (void)state;
    svc_init(&call, true, true, KM__CODEC__VP9);
    send_picture(&call, 0, true);
    assert_int_equal(receive_layers(&call), 7);
    allow(&call, 2, 0);
    for (unsigned i = 1; i < 9; i++) {
        static const uint8_t pattern[] = {0, 2, 1, 2};
        send_picture(&call, pattern[i % 4], false);
        assert_int_equal(receive_layers(&call), i % 4 == 0 ? 4 : 0);
    }
    assert_int_equal(rig_drops(bobs_rig(&call), DROP_consumer_temporal_layer), 18);
    svc_deinit(&call);
}

/* The upper layer is not sent any more: within two seconds nobody waits for it. */
static void test_dead_layer(void **state)
{
    struct svc_call call;

    (void)state;
    svc_init(&call, false, false, KM__CODEC__VP9);
    for (unsigned i = 0; i < 30; i++) {
        send_picture(&call, 0, i == 0);
        receive_layers(&call);
        rig_wait_ms(&call.pair.call.rig, 30);
    }
    assert_int_equal(told_spatial_layer(&call), 2);
    int told = 2;
    for (unsigned i = 0; i < 300 && told != 0; i++) {
        uint8_t payload[] = {0xec, 0x80, (uint8_t)call.picture++, 0x10, 7, 'v', 'v'};
        send_packet(&call, payload, sizeof(payload), true, NULL);
        call.timestamp += 3000;
        assert_int_equal(receive_layers(&call), 1);
        rig_wait_ms(&call.pair.call.rig, 10);
        told = told_spatial_layer(&call);
    }
    assert_int_equal(told, 0);
    assert_int_equal(bobs_consumer(&call)->row->media.layer.reason, LAYER_REASON_DEAD);
    svc_deinit(&call);
}

/* One frame of that template, its descriptor in front of any payload. */
static void send_frame_of(struct svc_call *call, unsigned template, bool key, bool marker,
                          const uint8_t *payload, size_t length)
{
    struct bit_writer writer = {0};

    put_mandatory(&writer, 1, 1, 10 + template, call->picture++);
    if (key) {
        put_flags(&writer, 1, 0, 0, 0, 0);
        put_structure(&writer, 10, l2t2_key, L2T2_KEY_TEMPLATES, 4, 2);
        put(&writer, 0, 1);
    }
    send_packet(call, payload, length, marker, &writer);
}

/* The aggregation header says whether a sequence begins. */
static void send_av1(struct svc_call *call, unsigned template, bool key, bool marker)
{
    const uint8_t payload[] = {key ? 0x18 : 0x10, 0x30, 1, 2, 3};
    send_frame_of(call, template, key, marker, payload, sizeof(payload));
}

static void send_h264(struct svc_call *call, unsigned template, bool key)
{
    const uint8_t payload[] = {key ? 0x65 : 0x41, 0x88, 1, 2};
    send_frame_of(call, template, key, true, payload, sizeof(payload));
    call->timestamp += 3000;
}

/* What bob's receiver takes as active (appendix A.8.3.4): a structure begins with all, a mask holds until the
 * next. */
static void note_active(struct svc_call *call, const uint8_t *value, size_t length)
{
    struct dependency_descriptor descriptor;

    assert_int_equal(
        dependency_descriptor_parse(value, length, &call->structure, &call->structure, &descriptor), 0);
    if (descriptor.has_active_targets)
        call->active = descriptor.active_targets;
    else if (descriptor.has_structure)
        call->active = 0xf;
}

/* The descriptors that bob got since: template numbers as bits. */
static unsigned receive_templates(struct svc_call *call)
{
    struct rig_packet packet;
    struct rtp_header header;
    struct rtp_ext_element element;
    unsigned templates = 0;
    bool ended = true;

    while (client_receive_rtp(&call->pair.call.bob, &packet, &header)) {
        if (header.ssrc != BOB_VIDEO_SSRC)
            continue;
        assert_true(rtp_ext_find(packet.data, &header, RIG_DEPENDENCY_ID, &element));
        if (call->has_last)
            assert_int_equal(header.sequence, (uint16_t)(call->last + 1));
        call->last = header.sequence;
        call->has_last = true;
        note_active(call, packet.data + element.offset, element.length);
        templates |= 1u << ((packet.data[element.offset] & 0x3f) - 10);
        ended = header.marker;
    }
    assert_true(ended);
    return templates;
}

static void test_av1_across_workers(void **state)
{
    struct svc_call call;

    (void)state;
    svc_init(&call, true, true, KM__CODEC__AV1);
    send_av1(&call, 0, true, false);
    send_av1(&call, 4, false, true);
    assert_int_equal(receive_templates(&call), 0x11);
    call.timestamp += 3000;
    send_av1(&call, 1, false, false);
    send_av1(&call, 5, false, true);
    assert_int_equal(receive_templates(&call), 0x20);
    assert_int_equal(call.active, 0xc); /* the lower layer is not sent whole */

    /* The lower layer alone, from a key picture on; its last packet gets the marker. */
    allow(&call, 0, 1);
    call.timestamp += 3000;
    send_av1(&call, 0, true, false);
    send_av1(&call, 4, false, true);
    assert_int_equal(receive_templates(&call), 0x01);
    call.timestamp += 3000;
    send_av1(&call, 3, false, false);
    send_av1(&call, 6, false, true);
    assert_int_equal(receive_templates(&call), 0x08);
    assert_int_equal(call.active, 0x3);
    allow(&call, 0, 0);
    call.timestamp += 3000;
    send_av1(&call, 3, false, false);
    send_av1(&call, 6, false, true);
    assert_int_equal(receive_templates(&call), 0);
    call.timestamp += 3000;
    send_av1(&call, 1, false, false);
    send_av1(&call, 5, false, true);
    assert_int_equal(receive_templates(&call), 0x02);
    assert_int_equal(call.active, 0x1);

    /* All again. */
    allow(&call, 1, 3);
    call.timestamp += 3000;
    send_av1(&call, 0, true, false);
    send_av1(&call, 4, false, true);
    assert_int_equal(receive_templates(&call), 0x11);
    assert_int_equal(call.active, 0xc);
    svc_deinit(&call);
}

/* The payload of H264 does not say its temporal layer. */
static void test_h264_temporal_layers(void **state)
{
    struct svc_call call;

    (void)state;
    svc_init(&call, false, true, KM__CODEC__H264);
    allow(&call, 0, 1);
    send_h264(&call, 0, true);
    send_h264(&call, 3, false);
    assert_int_equal(receive_templates(&call), 0x09);
    allow(&call, 0, 0);
    send_h264(&call, 1, false);
    send_h264(&call, 3, false);
    send_h264(&call, 2, false);
    assert_int_equal(receive_templates(&call), 0x06);
    allow(&call, 0, 1); /* nothing depends on what was left out */
    send_h264(&call, 3, false);
    assert_int_equal(receive_templates(&call), 0x08);
    svc_deinit(&call);
}

/* Descriptors that are none. */
static void test_av1_hostile(void **state)
{
    struct svc_call call;
    struct bit_writer writer = {0};
    const uint8_t payload[] = {0x18, 0x30, 1};

    (void)state;
    svc_init(&call, false, true, KM__CODEC__AV1);
    put_mandatory(&writer, 1, 1, 0, 1);
    put_flags(&writer, 1, 0, 0, 0, 0);
    put(&writer, 0, 6);
    put(&writer, 31, 5);
    writer.position = 255 * 8; /* templates without end */
    send_packet(&call, payload, sizeof(payload), true, &writer);
    assert_int_equal(rig_drops(&call.pair.call.rig, DROP_payload_malformed), 1);
    assert_int_equal(receive_templates(&call), 0);
    svc_deinit(&call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spatial_layers),       cmocka_unit_test(test_spatial_layers_across_workers),
        cmocka_unit_test(test_temporal_layers),      cmocka_unit_test(test_dead_layer),
        cmocka_unit_test(test_av1_across_workers),   cmocka_unit_test(test_av1_hostile),
        cmocka_unit_test(test_h264_temporal_layers),
    };
    return RIG_RUN(tests);
}
