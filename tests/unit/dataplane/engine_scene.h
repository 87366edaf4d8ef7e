/* Alice speaks to Bob, and a stranger listens: what the tests of disbelief begin with. */
#pragma once

#include "tests/unit/dataplane/engine_client.h"

#define ALICE_SSRC 0x11111111u
#define BOB_SSRC 0xaaaaaaaau

struct scene {
    struct rig rig;
    struct client alice;
    struct client bob;
    struct client stranger;
    uint16_t sequence;
};

__attribute__((unused)) static void scene_init(struct scene *scene)
{
    memset(scene, 0, sizeof(*scene));
    rig_init(&scene->rig);
    client_join(&scene->alice, &scene->rig, 0, SRTP_AEAD_AES_128_GCM);
    client_join(&scene->bob, &scene->rig, 1, SRTP_AES128_CM_SHA1_80);
    client_open(&scene->stranger, &scene->rig);
    struct rig_producer audio = {.handle = shm_handle_make(0, 1),
                                 .transport = scene->alice.transport,
                                 .codec = KM__CODEC__OPUS,
                                 .payload_type = 111,
                                 .ssrcs = {ALICE_SSRC},
                                 .encodings = 1,
                                 .mid = "0"};
    struct rig_consumer consumer = {.handle = shm_handle_make(0, 1),
                                    .transport = scene->bob.transport,
                                    .producer = audio.handle,
                                    .ssrc = BOB_SSRC,
                                    .mid = "0"};
    assert_int_equal(rig_install_producer(&scene->rig, &audio), 0);
    assert_int_equal(rig_install_consumer(&scene->rig, &consumer), 0);
}

__attribute__((unused)) static void scene_deinit(struct scene *scene)
{
    client_close(&scene->alice);
    client_close(&scene->bob);
    client_close(&scene->stranger);
    rig_deinit(&scene->rig);
}

/* The next packet of alice's stream, protected, not yet sent. */
__attribute__((unused)) static size_t write_audio(struct scene *scene, uint8_t *data, size_t capacity)
{
    static const uint8_t payload[] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct rig_rtp rtp = {.ssrc = ALICE_SSRC,
                          .payload_type = 111,
                          .sequence = ++scene->sequence,
                          .timestamp = 960u * scene->sequence,
                          .mid = "0",
                          .payload = payload,
                          .payload_length = sizeof(payload)};
    return client_protect(&scene->alice, data, rig_write_rtp(data, capacity - 64, &rtp), false);
}

__attribute__((unused)) static bool bob_hears(struct scene *scene)
{
    struct rig_packet packet;
    struct rtp_header header;
    bool heard = false;

    while (client_receive_rtp(&scene->bob, &packet, &header))
        heard = true;
    return heard;
}

__attribute__((unused)) static bool alice_is_heard(struct scene *scene)
{
    uint8_t data[512];
    size_t length = write_audio(scene, data, sizeof(data));

    client_send_raw(&scene->alice, &scene->rig, data, length);
    return bob_hears(scene);
}
