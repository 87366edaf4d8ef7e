/* A call over two workers: alice is on one, bob on the other. */
#pragma once

#include "tests/unit/dataplane/engine_call.h"

struct pair {
    struct call call;  /* alice's worker */
    struct rig second; /* bob's */
};

static inline uint32_t follow(struct pair *pair, shm_handle producer, bool follows)
{
    Km__SetFollower message = KM__SET_FOLLOWER__INIT;

    message.producer = producer;
    message.worker = 1;
    message.follows = follows;
    return rig_command(&pair->call.rig, KM__COMMAND__BODY_SET_FOLLOWER, &message);
}

static inline uint32_t mirror(struct pair *pair, struct rig_producer producer)
{
    producer.is_mirror = true;
    return rig_install_producer(&pair->second, &producer);
}

static inline void consume(struct pair *pair, shm_handle handle, shm_handle producer, uint32_t ssrc)
{
    struct rig_consumer consumer = {.handle = handle,
                                    .transport = pair->call.bob.transport,
                                    .producer = producer,
                                    .ssrc = ssrc,
                                    .rtx_ssrc = ssrc == BOB_VIDEO_SSRC ? BOB_VIDEO_RTX_SSRC : 0,
                                    .mid = "7"};
    assert_int_equal(rig_install_consumer(&pair->second, &consumer), 0);
}

static inline void pair_init(struct pair *pair)
{
    memset(pair, 0, sizeof(*pair));
    rig_init_pair(&pair->call.rig, &pair->second);
    client_join(&pair->call.alice, &pair->call.rig, 0, SRTP_AEAD_AES_128_GCM);
    client_join(&pair->call.bob, &pair->second, 1, SRTP_AES128_CM_SHA1_80);
    call_produce(&pair->call);
}

static inline void pair_consume(struct pair *pair)
{
    assert_int_equal(mirror(pair, call_audio(&pair->call)), 0);
    assert_int_equal(mirror(pair, call_video(&pair->call)), 0);
    consume(pair, pair->call.audio_consumer, pair->call.audio, BOB_AUDIO_SSRC);
    consume(pair, pair->call.video_consumer, pair->call.video, BOB_VIDEO_SSRC);
    assert_int_equal(follow(pair, pair->call.audio, true), 0);
    assert_int_equal(follow(pair, pair->call.video, true), 0);
}

static inline void pair_deinit(struct pair *pair)
{
    client_close(&pair->call.alice);
    client_close(&pair->call.bob);
    rig_deinit(&pair->second);
    rig_deinit(&pair->call.rig);
}
