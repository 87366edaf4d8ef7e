/* Bursts towards a receiver whose bandwidth is estimated. */
#define RIG_STORE_CHUNKS 64 /* more than wait to be paced */
#include "tests/unit/dataplane/engine_call.h"

#include "dataplane/bandwidth.h"

#define START_BPS 1100000u /* more than the burst is over half a second, so that all of it is forwarded */
#define PAYLOAD_BYTES 1000u

static void begin(struct call *call)
{
    memset(call, 0, sizeof(*call));
    rig_init(&call->rig);
    call->rig.start_bps = START_BPS;
    client_join(&call->alice, &call->rig, 0, SRTP_AEAD_AES_128_GCM);
    client_join(&call->bob, &call->rig, 1, SRTP_AEAD_AES_128_GCM);
    call_produce(call);
    consume_audio(call);
    consume_video(call, false);
}

/* A key frame of so many packets; of the rounds that they take most are within a millisecond. */
static void send_key_frame(struct call *call, unsigned packets)
{
    uint8_t payload[PAYLOAD_BYTES] = {0x90, 0x80, 0x80, 0, 0x10, 2, 0, 0x9d, 0x01, 0x2a, 0x40, 1, 0xf0, 0};

    payload[3] = (uint8_t)call->picture++;
    for (unsigned i = 0; i < packets; i++) {
        struct rig_rtp rtp = {.ssrc = ALICE_VIDEO_SSRC,
                              .payload_type = 96,
                              .sequence = call->sequence++,
                              .timestamp = call->timestamp,
                              .marker = i == packets - 1,
                              .mid = "1",
                              .payload = payload,
                              .payload_length = sizeof(payload)};
        payload[0] = i == 0 ? 0x90 : 0x80;
        client_send_rtp(&call->alice, &call->rig, &rtp);
    }
    call->timestamp += 3000;
}

static struct transport *bob_of(struct call *call)
{
    return transport_find(&call->rig.worker->transports, call->bob.transport);
}

/* What has come: video in the order of its numbers. */
static unsigned receive_video(struct call *call, uint16_t *last, unsigned *ret_audio)
{
    struct rig_packet packet;
    struct rtp_header header;
    unsigned count = 0;

    *ret_audio = 0;
    while (client_receive(&call->bob, &packet)) {
        if (packet.rtcp)
            continue;
        assert_int_equal(rtp_parse(packet.data, packet.length, &header), 0);
        *ret_audio += header.ssrc == BOB_AUDIO_SSRC;
        if (header.ssrc != BOB_VIDEO_SSRC)
            continue;
        if (*last != 0)
            assert_int_equal(header.sequence, (uint16_t)(*last + 1));
        *last = header.sequence;
        count++;
    }
    return count;
}

static void test_burst_is_spread(void **state)
{
    (void)state;
    struct call call;
    uint16_t last = 0;
    unsigned audio;

    begin(&call);
    send_key_frame(&call, 60);
    unsigned at_once = receive_video(&call, &last, &audio);
    assert_in_range(at_once, 5, 30);
    assert_in_range(bob_of(&call)->pacing.packets, 30, 55);
    assert_in_range(bob_of(&call)->pacing.queued, 60 - at_once, 55);

    /* Audio does not wait behind it. */
    send_audio(&call, 1, 960);
    unsigned next = receive_video(&call, &last, &audio);
    assert_int_equal(audio, 1);
    assert_true(bob_of(&call)->pacing.packets > 0);

    unsigned total = at_once + next;
    rig_wait_ms(&call.rig, 1200);
    total += receive_video(&call, &last, &audio);
    assert_int_equal(total, 60);
    assert_int_equal(bob_of(&call)->pacing.packets, 0);
    assert_int_equal(bob_of(&call)->pacing.bytes, 0);
    assert_int_equal(bob_of(&call)->pacing.dropped, 0);
    assert_null(call.rig.worker->transports.busy);

    /* What is below the budget goes at once. */
    send_key_frame(&call, 3);
    assert_int_equal(receive_video(&call, &last, &audio), 3);
    call_deinit(&call);
}

static void test_without_an_estimate_nothing_waits(void **state)
{
    (void)state;
    struct call call;
    uint16_t last = 0;
    unsigned audio;

    begin(&call);
    bob_of(&call)->row->available_bps = 0;
    send_key_frame(&call, 60);
    assert_int_equal(receive_video(&call, &last, &audio), 60);
    call_deinit(&call);
}

static void test_who_goes_takes_the_queue_along(void **state)
{
    (void)state;
    struct call call;
    uint16_t last = 0;
    unsigned audio;

    begin(&call);
    send_key_frame(&call, 60);
    receive_video(&call, &last, &audio);
    /* Without its consumer the rest leads nowhere. */
    assert_int_equal(rig_remove(&call.rig, KM__COMMAND__BODY_REMOVE_CONSUMER, call.video_consumer), 0);
    rig_wait_ms(&call.rig, 1200);
    assert_int_equal(bob_of(&call)->pacing.packets, 0);
    receive_video(&call, &last, &audio);
    call_deinit(&call);

    begin(&call);
    send_key_frame(&call, 60);
    assert_true(bob_of(&call)->pacing.packets > 0);
    assert_int_equal(rig_install_keys(&call.rig, call.bob.transport, SRTP_AEAD_AES_128_GCM, 11), 0);
    assert_int_equal(bob_of(&call)->pacing.packets, 0);
    call_deinit(&call);

    begin(&call);
    send_key_frame(&call, 60);
    assert_true(bob_of(&call)->pacing.packets > 0);
    assert_int_equal(rig_remove(&call.rig, KM__COMMAND__BODY_REMOVE_TRANSPORT, call.bob.transport), 0);
    assert_int_not_equal(call.rig.worker->pacer.free, 0); /* given back to the pool */
    rig_wait_ms(&call.rig, 50);
    call_deinit(&call);
}

/* More than the pool holds goes out all the same. */
static void test_pool_used_up(void **state)
{
    (void)state;
    struct call call;
    uint16_t last = 0;
    unsigned audio;

    begin(&call);
    call.rig.worker->pacer.begun = PACER_ENTRIES;
    send_key_frame(&call, 60);
    assert_int_equal(receive_video(&call, &last, &audio), 60);
    assert_int_equal(bob_of(&call)->pacing.packets, 0);
    call_deinit(&call);
}

/* The first go out to make room, so that none is sent behind hundreds of later ones, under an index that the
 * cipher would refuse. */
static void test_pool_used_up_by_a_long_queue(void **state)
{
    (void)state;
    struct call call;
    uint16_t last = 0;
    unsigned audio, received = 0;

    begin(&call);
    bob_of(&call)->pacing.tokens_bytes = -1000000; /* nothing goes for now */
    send_key_frame(&call, 100);
    for (unsigned i = 0; i < 6; i++) {
        bob_of(&call)->pacing.refilled_us = call.rig.worker->now_us;
        send_key_frame(&call, 100);
        received += receive_video(&call, &last, &audio);
    }
    uint32_t waiting = bob_of(&call)->pacing.packets;
    assert_in_range(waiting, 513, 700);
    call.rig.worker->pacer.begun = PACER_ENTRIES;
    call.rig.worker->pacer.free = 0;
    for (unsigned i = 0; i < 60; i++) {
        send_key_frame(&call, 1);
        received += receive_video(&call, &last, &audio); /* asserts the order */
    }
    assert_in_range(bob_of(&call)->pacing.packets, 1, waiting);
    assert_true(received >= 60);
    assert_int_equal(rig_drops(&call.rig, DROP_protect_failed), 0);
    call_deinit(&call);
}

static void test_too_late(void **state)
{
    (void)state;
    struct call call;
    uint16_t last = 0;
    unsigned audio;

    begin(&call);
    send_key_frame(&call, 60);
    uint32_t waiting = bob_of(&call)->pacing.packets;
    assert_true(waiting > 0);
    for (uint32_t i = 0; i < call.rig.worker->pacer.begun; i++)
        call.rig.worker->pacer.entries[i].queued_us -= PACER_LATE_US + 1;
    rig_wait_ms(&call.rig, 1200);
    assert_int_equal(bob_of(&call)->pacing.dropped, waiting);
    assert_int_equal(rig_drops(&call.rig, DROP_pacer_late), waiting);
    assert_int_equal(receive_video(&call, &last, &audio), 60 - waiting);
    call_deinit(&call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_burst_is_spread),
        cmocka_unit_test(test_without_an_estimate_nothing_waits),
        cmocka_unit_test(test_who_goes_takes_the_queue_along),
        cmocka_unit_test(test_pool_used_up),
        cmocka_unit_test(test_pool_used_up_by_a_long_queue),
        cmocka_unit_test(test_too_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
