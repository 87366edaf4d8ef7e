/* A forwarder of cameras with simulcast and temporal layers on a simulated path (path_sim.h): the layers are
 * shared out as allocation.c does, a change of the spatial layer sends a key frame, and all of it goes
 * through a bucket as in pacer.c. Frames are told apart, so that their gaps at the receiver are known. */
#pragma once

#include <math.h>

#include "dataplane/allocation.h"
#include "dataplane/pacer.h"
#include "tests/unit/dataplane/path_sim.h"

#define CAMERAS_MAX 4u
#define CAMERA_FRAME_US 33000u
#define CAMERA_KEY_WAIT_US 150000u /* from asking for a key frame to its first packet */
#define CAMERA_PACKET_BYTES 1100u
#define LAYERS_SIM_QUEUE 4096u
#define LAYERS_SIM_TURN_US 100000u

struct camera {
    uint32_t bps[2][3]; /* up to each temporal layer, on average */
    double scale;       /* of it now: scenes differ */
    int8_t spatial, temporal;
    int8_t wanted_spatial;
    uint64_t key_us; /* when the key frame of the wanted layer comes */
    uint64_t last_frame_us;
    uint32_t frames;
    uint32_t longest_gap_us;
    uint32_t changes; /* of its layers */
};

struct layers_sim {
    struct sim *path;
    struct camera cameras[CAMERAS_MAX];
    unsigned count;
    double swing; /* of the scale */
    uint64_t lowered_us, raised_us, hold_us;
    struct {
        uint16_t bytes;
        uint8_t camera;
        bool is_last; /* of its frame */
    } queue[LAYERS_SIM_QUEUE];
    uint32_t first, waiting, waiting_bytes;
    int64_t tokens_bytes;
    uint32_t longest_wait_bytes;
};

/* sim->media has no room for more. */
static struct layers_sim layers_sim;

static inline void layers_sim_push(uint8_t camera, uint32_t bytes)
{
    struct layers_sim *sim = &layers_sim;

    while (bytes > 0) {
        uint32_t part = bytes < CAMERA_PACKET_BYTES ? bytes : CAMERA_PACKET_BYTES;
        uint32_t place = (sim->first + sim->waiting) % LAYERS_SIM_QUEUE;
        if (sim->waiting == LAYERS_SIM_QUEUE)
            abort();
        bytes -= part;
        sim->queue[place].bytes = (uint16_t)part;
        sim->queue[place].camera = camera;
        sim->queue[place].is_last = bytes == 0;
        sim->waiting++;
        sim->waiting_bytes += part;
    }
}

static inline void camera_frame(struct camera *camera, uint8_t index)
{
    static const int8_t temporal_of[4] = {0, 2, 1, 2};
    struct sim *path = layers_sim.path;
    uint32_t number = camera->frames++;
    int8_t temporal = temporal_of[number % 4];

    if (camera->wanted_spatial != camera->spatial && camera->wanted_spatial < 0)
        camera->spatial = -1;
    bool is_key = camera->wanted_spatial != camera->spatial && path->now_us >= camera->key_us;
    if (is_key)
        camera->spatial = camera->wanted_spatial;
    if (camera->spatial < 0 || (!is_key && temporal > camera->temporal))
        return;
    const uint32_t *bps = camera->bps[camera->spatial];
    double frames_per_s = 1e6 / CAMERA_FRAME_US / (temporal == 2 ? 2 : 4);
    double bits = (bps[temporal] - (temporal > 0 ? bps[temporal - 1] : 0)) / frames_per_s;
    if (is_key)
        bits = bps[2] * 0.3;
    bits *= camera->scale * (0.7 + 0.6 * sim_chance(path));
    layers_sim_push(index, (uint32_t)(bits / 8));
}

static inline void layers_sim_share(void)
{
    struct layers_sim *sim = &layers_sim;
    struct estimator *estimator = &sim->path->estimator;
    struct bitrate_share shares[CAMERAS_MAX] = {0};
    uint64_t now_us = sim->path->now_us, lowered_before_us = sim->lowered_us;
    uint64_t desired_bps = SIM_AUDIO_BPS;
    bool may_rise = sim->lowered_us == 0 || now_us - sim->lowered_us >= sim->hold_us;

    for (unsigned i = 0; i < sim->count; i++) {
        const struct camera *camera = &sim->cameras[i];
        shares[i] = (struct bitrate_share){.priority = 1,
                                           .preferred_spatial = 1,
                                           .preferred_temporal = 2,
                                           .held_spatial = camera->wanted_spatial,
                                           .held_temporal = camera->temporal,
                                           .was_refused = camera->wanted_spatial < 0 && camera->changes > 0};
        for (unsigned s = 0; s < 2; s++)
            for (unsigned t = 0; t < 3; t++)
                shares[i].bps[s][t] = (uint32_t)(camera->bps[s][t] * camera->scale);
    }
    bitrate_share_out(shares, sim->count,
                      estimator->estimate_bps > SIM_AUDIO_BPS ? estimator->estimate_bps - SIM_AUDIO_BPS : 0,
                      may_rise);
    for (unsigned i = 0; i < sim->count; i++) {
        struct camera *camera = &sim->cameras[i];
        int step = shares[i].spatial != camera->wanted_spatial ? shares[i].spatial - camera->wanted_spatial
                                                               : shares[i].temporal - camera->temporal;
        desired_bps += bitrate_share_desired_bps(&shares[i]);
        if (step == 0)
            continue;
        camera->changes++;
        if (step < 0)
            sim->lowered_us = now_us;
        else
            sim->raised_us = now_us;
        if (shares[i].spatial != camera->wanted_spatial)
            camera->key_us = now_us + CAMERA_KEY_WAIT_US;
        camera->wanted_spatial = shares[i].spatial;
        camera->temporal = shares[i].temporal;
    }
    bool lowered = sim->lowered_us != lowered_before_us;
    uint64_t risen_for_us = now_us - sim->raised_us;
    if (sim->hold_us == 0 || (!lowered && risen_for_us >= ALLOCATION_LASTING_US))
        sim->hold_us = ALLOCATION_HOLD_US;
    else if (lowered && sim->raised_us > lowered_before_us && risen_for_us < ALLOCATION_LASTING_US &&
             sim->hold_us < ALLOCATION_HOLD_MAX_US)
        sim->hold_us *= 2;
    estimator->desired_bps = (uint32_t)desired_bps;
}

static inline void layers_sim_pace(void)
{
    struct layers_sim *sim = &layers_sim;
    uint64_t rate_bps = estimator_pacing_bps(&sim->path->estimator);
    uint64_t drain_bps = (uint64_t)sim->waiting_bytes * 8;

    rate_bps = rate_bps > drain_bps ? rate_bps : drain_bps;
    int64_t burst_bytes = (int64_t)(rate_bps * PACER_BURST_US / 8000000);
    burst_bytes = burst_bytes < PACER_BURST_BYTES_MIN ? PACER_BURST_BYTES_MIN : burst_bytes;
    sim->tokens_bytes += (int64_t)(rate_bps / 8000);
    sim->tokens_bytes = sim->tokens_bytes > burst_bytes ? burst_bytes : sim->tokens_bytes;
    while (sim->waiting > 0 && sim->tokens_bytes > 0) {
        uint32_t bytes = sim->queue[sim->first].bytes;
        struct camera *camera = &sim->cameras[sim->queue[sim->first].camera];
        sim_send(sim->path, bytes, true);
        if (sim->queue[sim->first].is_last) {
            uint64_t arrived_us =
                sim->path->link_free_us > sim->path->now_us ? sim->path->link_free_us : sim->path->now_us;
            uint64_t gap_us = camera->last_frame_us == 0 ? 0 : arrived_us - camera->last_frame_us;
            if (gap_us > camera->longest_gap_us)
                camera->longest_gap_us = (uint32_t)gap_us;
            camera->last_frame_us = arrived_us;
        }
        sim->tokens_bytes -= bytes;
        sim->waiting_bytes -= bytes;
        sim->waiting--;
        sim->first = (sim->first + 1) % LAYERS_SIM_QUEUE;
    }
    if (sim->waiting > 0)
        estimator_paces(&sim->path->estimator, sim->path->now_us);
    if (sim->waiting_bytes > sim->longest_wait_bytes)
        sim->longest_wait_bytes = sim->waiting_bytes;
}

static inline void layers_sim_media(struct sim *path)
{
    struct layers_sim *sim = &layers_sim;

    if (path->now_us % 20000 == 0) {
        sim_send(path, 100, false);
        sim->tokens_bytes -= 100;
    }
    if (path->now_us % LAYERS_SIM_TURN_US == 0)
        layers_sim_share();
    for (unsigned i = 0; i < sim->count; i++)
        sim->cameras[i].scale = 1 + sim->swing * sin((double)path->now_us / 1e6 + 2 * i);
    for (unsigned i = 0; i < sim->count; i++)
        if ((path->now_us + i * 11000) % CAMERA_FRAME_US == 0)
            camera_frame(&sim->cameras[i], (uint8_t)i);
    layers_sim_pace();
}

static inline struct sim *layers_sim_create(unsigned cameras, uint32_t rate_bps)
{
    struct sim *path = sim_create(1000000, rate_bps);

    memset(&layers_sim, 0, sizeof(layers_sim));
    layers_sim.path = path;
    layers_sim.count = cameras;
    for (unsigned i = 0; i < cameras; i++)
        layers_sim.cameras[i] = (struct camera){.bps = {{112000, 168000, 280000}, {300000, 450000, 750000}},
                                                .spatial = -1,
                                                .wanted_spatial = -1,
                                                .temporal = -1};
    path->media = layers_sim_media;
    return path;
}

static inline void layers_sim_forget(void)
{
    sim_forget(layers_sim.path);
    layers_sim.longest_wait_bytes = 0;
    for (unsigned i = 0; i < layers_sim.count; i++)
        layers_sim.cameras[i].longest_gap_us = layers_sim.cameras[i].changes = 0;
}

static inline uint32_t layers_sim_longest_gap_us(void)
{
    uint32_t longest_us = 0;

    for (unsigned i = 0; i < layers_sim.count; i++)
        if (layers_sim.cameras[i].longest_gap_us > longest_us)
            longest_us = layers_sim.cameras[i].longest_gap_us;
    return longest_us;
}

static inline uint32_t layers_sim_changes(void)
{
    uint32_t changes = 0;

    for (unsigned i = 0; i < layers_sim.count; i++)
        changes += layers_sim.cameras[i].changes;
    return changes;
}
