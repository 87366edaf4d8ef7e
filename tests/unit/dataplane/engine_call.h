/* A call on the rig: alice sends audio and video, bob may consume them. */
#pragma once

#include "tests/unit/dataplane/engine_client.h"

#include "proto/wire/vp8.h"

#define ALICE_AUDIO_SSRC 0x11111111u
#define ALICE_VIDEO_SSRC 0x22222222u
#define BOB_AUDIO_SSRC 0xaaaaaaaau
#define BOB_VIDEO_SSRC 0xbbbbbbbbu
#define BOB_VIDEO_RTX_SSRC 0xbbbbbbbcu

static const uint8_t opus[] = {0xfc, 0xff, 0xfe, 1, 2, 3, 4, 5, 6, 7};

struct call {
    struct rig rig;
    struct client alice; /* sends */
    struct client bob;   /* receives */
    shm_handle audio;
    shm_handle video;
    shm_handle audio_consumer;
    shm_handle video_consumer;
    uint16_t sequence;
    uint16_t picture;
    uint32_t timestamp;
    uint16_t transport_sequence;
};

static inline struct rig_producer call_audio(const struct call *call)
{
    return (struct rig_producer){.handle = call->audio,
                                 .transport = call->alice.transport,
                                 .codec = KM__CODEC__OPUS,
                                 .payload_type = 111,
                                 .ssrcs = {ALICE_AUDIO_SSRC},
                                 .encodings = 1,
                                 .mid = "0"};
}

static inline struct rig_producer call_video(const struct call *call)
{
    return (struct rig_producer){.handle = call->video,
                                 .transport = call->alice.transport,
                                 .codec = KM__CODEC__VP8,
                                 .payload_type = 96,
                                 .ssrcs = {ALICE_VIDEO_SSRC},
                                 .encodings = 1,
                                 .mid = "1"};
}

/* Alice has joined. */
static inline void call_produce(struct call *call)
{
    call->audio = shm_handle_make(0, 1);
    call->video = shm_handle_make(1, 1);
    call->audio_consumer = shm_handle_make(5, 1);
    call->video_consumer = shm_handle_make(6, 1);
    call->sequence = 65530;
    call->picture = 100;
    call->timestamp = 0xfffff000u;
    struct rig_producer audio = call_audio(call);
    struct rig_producer video = call_video(call);
    assert_int_equal(rig_install_producer(&call->rig, &audio), 0);
    assert_int_equal(rig_install_producer(&call->rig, &video), 0);
}

static inline void call_init(struct call *call, enum srtp_profile alice, enum srtp_profile bob)
{
    memset(call, 0, sizeof(*call));
    rig_init(&call->rig);
    client_join(&call->alice, &call->rig, 0, alice);
    client_join(&call->bob, &call->rig, 1, bob);
    call_produce(call);
}

static inline void call_deinit(struct call *call)
{
    client_close(&call->alice);
    client_close(&call->bob);
    rig_deinit(&call->rig);
}

static inline void consume_audio(struct call *call)
{
    struct rig_consumer consumer = {.handle = call->audio_consumer,
                                    .transport = call->bob.transport,
                                    .producer = call->audio,
                                    .ssrc = BOB_AUDIO_SSRC,
                                    .mid = "7"};
    assert_int_equal(rig_install_consumer(&call->rig, &consumer), 0);
}

static inline void consume_video(struct call *call, bool paused)
{
    struct rig_consumer consumer = {.handle = call->video_consumer,
                                    .transport = call->bob.transport,
                                    .producer = call->video,
                                    .ssrc = BOB_VIDEO_SSRC,
                                    .rtx_ssrc = BOB_VIDEO_RTX_SSRC,
                                    .mid = "8",
                                    .paused = paused};
    assert_int_equal(rig_install_consumer(&call->rig, &consumer), 0);
}

static inline void send_audio(struct call *call, uint16_t sequence, uint32_t timestamp)
{
    struct rig_rtp rtp = {.ssrc = ALICE_AUDIO_SSRC,
                          .payload_type = 111,
                          .sequence = sequence,
                          .timestamp = timestamp,
                          .mid = "0",
                          .transport_sequence = &call->transport_sequence,
                          .payload = opus,
                          .payload_length = sizeof(opus)};
    client_send_rtp(&call->alice, &call->rig, &rtp);
    call->transport_sequence++;
}

/* A whole VP8 frame in one packet: X, I (15 bits), then the frame tag, whose P bit tells key frames. */
static inline void send_frame_from(struct call *call, uint32_t ssrc, bool key)
{
    uint8_t payload[] = {0x90, 0x80, 0x80, 0, key ? 0x10 : 0x11, 2, 0, 0x9d, 0x01, 0x2a, 0x40, 1,
                         0xf0, 0,    5,    5};
    struct rig_rtp rtp = {.ssrc = ssrc,
                          .payload_type = 96,
                          .sequence = call->sequence++,
                          .timestamp = call->timestamp,
                          .marker = true,
                          .transport_sequence = &call->transport_sequence,
                          .payload = payload,
                          .payload_length = sizeof(payload)};

    payload[2] = (uint8_t)(0x80 | call->picture >> 8);
    payload[3] = (uint8_t)call->picture++;
    call->timestamp += 3000;
    client_send_rtp(&call->alice, &call->rig, &rtp);
    call->transport_sequence++;
}

static inline void send_frame(struct call *call, bool key)
{
    send_frame_from(call, ALICE_VIDEO_SSRC, key);
}

static inline bool receive_frame(struct call *call, struct rtp_header *ret_header,
                                 struct vp8_descriptor *ret_vp8)
{
    struct rig_packet packet;

    if (!client_receive_rtp(&call->bob, &packet, ret_header))
        return false;
    assert_int_equal(ret_header->ssrc, BOB_VIDEO_SSRC);
    assert_int_equal(ret_header->payload_type, 101);
    assert_int_equal(vp8_parse(packet.data + ret_header->payload_offset, ret_header->payload_length, ret_vp8),
                     0);
    return true;
}

static inline void check_audio(struct call *call, uint16_t *sequence, bool first)
{
    struct rig_packet packet;
    struct rtp_header header;
    struct rtp_ext_element element;

    assert_true(client_receive_rtp(&call->bob, &packet, &header));
    assert_int_equal(header.ssrc, BOB_AUDIO_SSRC);
    assert_int_equal(header.payload_type, 100);
    assert_int_equal(header.payload_length, sizeof(opus));
    assert_memory_equal(packet.data + header.payload_offset, opus, sizeof(opus));
    if (first)
        assert_true(header.sequence >= 1 && header.sequence <= 32767);
    else
        assert_int_equal(header.sequence, (uint16_t)(*sequence + 1));
    *sequence = header.sequence;

    assert_true(rtp_ext_find(packet.data, &header, 1, &element));
    assert_int_equal(element.length, 1);
    assert_int_equal(packet.data[element.offset], '7');
    assert_true(rtp_ext_find(packet.data, &header, 3, &element));
    assert_int_equal(element.length, 3);
    assert_true(rtp_ext_find(packet.data, &header, 6, &element));
    assert_false(rtp_ext_find(packet.data, &header, RIG_RID_ID, &element));
    assert_false(rtp_ext_find(packet.data, &header, RIG_TWCC_ID, &element));
}
