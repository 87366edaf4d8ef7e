/* What the bandwidth of a receiver makes of what it is sent. */
#include "tests/unit/dataplane/engine_call.h"

#include "dataplane/allocation.h"
#include "dataplane/layer_switch.h"

/* A picture of a temporal layer in one packet: X; I (15 bits), L, T. */
static void send_picture(struct call *call, uint8_t temporal, bool sync, bool key)
{
    uint8_t payload[] = {0x90, 0xe0, 0x80, 0, 0, 0, key ? 0x10 : 0x11, 2, 0, 0x9d, 0x01, 0x2a,
                         0x40, 1,    0xf0, 0, 5, 5};
    struct rig_rtp rtp = {.ssrc = ALICE_VIDEO_SSRC,
                          .payload_type = 96,
                          .sequence = call->sequence++,
                          .timestamp = call->timestamp,
                          .marker = true,
                          .payload = payload,
                          .payload_length = sizeof(payload)};

    payload[2] = (uint8_t)(0x80 | call->picture >> 8);
    payload[3] = (uint8_t)call->picture++;
    payload[5] = (uint8_t)(temporal << 6 | (sync ? 0x20 : 0));
    call->timestamp += 3000;
    client_send_rtp(&call->alice, &call->rig, &rtp);
}

static struct consumer *video_consumer(struct call *call)
{
    struct consumer *consumer = consumer_find(&call->rig.worker->streams, call->video_consumer);
    assert_non_null(consumer);
    return consumer;
}

static void test_temporal_layers_leave_no_gap(void **state)
{
    struct call call;
    struct rtp_header header, next;
    struct vp8_descriptor vp8, next_vp8;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(&call, false);
    send_picture(&call, 0, false, true);
    assert_true(receive_frame(&call, &header, &vp8));

    layer_switch_allow(&video_consumer(&call)->row->media.layer, 0, 0);
    for (unsigned i = 0; i < 40; i++) {
        static const uint8_t pattern[] = {2, 1, 2, 0};
        send_picture(&call, pattern[i % 4], false, false);
        assert_int_equal(receive_frame(&call, &next, &next_vp8), i % 4 == 3);
        if (i % 4 != 3)
            continue;
        assert_int_equal(next.sequence, (uint16_t)(header.sequence + 1));
        assert_int_equal(next_vp8.picture_id, (vp8.picture_id + 1) & 0x7fff);
        assert_int_equal((uint32_t)(next.timestamp - header.timestamp), 12000);
        header = next;
        vp8 = next_vp8;
    }
    assert_int_equal(rig_drops(&call.rig, DROP_consumer_temporal_layer), 30);

    /* All come back, the layer between first. */
    layer_switch_allow(&video_consumer(&call)->row->media.layer, 0, 3);
    send_picture(&call, 2, true, false);
    assert_false(receive_frame(&call, &next, &next_vp8));
    send_picture(&call, 1, true, false);
    assert_true(receive_frame(&call, &next, &next_vp8));
    assert_int_equal(next.sequence, (uint16_t)(header.sequence + 1));
    assert_int_equal(next_vp8.picture_id, (vp8.picture_id + 1) & 0x7fff);
    send_picture(&call, 2, true, false);
    assert_true(receive_frame(&call, &next, &next_vp8));
    call_deinit(&call);
}

static void test_too_little_for_anything_suspends(void **state)
{
    struct call call;
    struct rtp_header header, next;
    struct vp8_descriptor vp8;
    struct rig_packet packet = {0};
    struct rtcp_packet part;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(&call, false);
    for (unsigned i = 0; i < 20; i++) {
        send_picture(&call, 0, false, i == 0);
        assert_true(receive_frame(&call, &header, &vp8));
    }
    struct consumer *consumer = video_consumer(&call);
    consumer->transport->row->available_bps = 50; /* bits a second */
    allocation_estimate(call.rig.worker, consumer->transport);
    assert_int_equal(consumer->row->media.layer.reason, LAYER_REASON_SUSPENDED);
    send_picture(&call, 0, false, true);
    assert_false(receive_frame(&call, &next, &vp8));
    assert_int_equal(rig_drops(&call.rig, DROP_consumer_suspended), 1);

    /* Back, and at once with a key frame. */
    client_count_rtcp(&call.alice, RTCP_PSFB, RTCP_PSFB_PLI, &packet, &part);
    consumer->transport->row->available_bps = 0;
    allocation_estimate(call.rig.worker, consumer->transport);
    assert_int_equal(consumer->row->media.layer.reason, LAYER_REASON_PREFERRED);
    send_picture(&call, 0, false, false);
    assert_true(receive_frame(&call, &next, &vp8)); /* out of the store */
    assert_true(vp8.key_frame);
    assert_int_equal(next.sequence, (uint16_t)(header.sequence + 1));
    assert_int_equal(client_count_rtcp(&call.alice, RTCP_PSFB, RTCP_PSFB_PLI, &packet, &part), 0);
    call_deinit(&call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_temporal_layers_leave_no_gap),
        cmocka_unit_test(test_too_little_for_anything_suspends),
    };
    return RIG_RUN(tests);
}
