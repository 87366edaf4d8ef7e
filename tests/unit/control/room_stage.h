/* Rooms and signaling on a stage of fakes: clients that say frames and hear frames. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>

#include "control/ortc/router.h"
#include "control/room/consumer.h"
#include "control/room/peer.h"
#include "control/room/peer_transport.h"
#include "control/room/producer.h"
#include "control/room/room.h"
#include "control/room/rooms.h"
#include "control/signaling/signaling.h"
#include "tests/unit/control/own_time.h"
#include "tests/unit/control/room_fakes.h"
#include "tests/unit/control/room_media.h"

struct stage {
    struct event_base *base;
    struct ortc_router *router;
    struct plain_service *plain;
    struct rooms *rooms;
    struct signaling *signaling;
    struct room *room;
};

/* What a test may shorten, or set, before the stage opens. */
struct stage_times {
    unsigned peer_grace_ms, room_linger_ms, unused_ms, request_timeout_ms;
    unsigned ping_interval_ms, ping_timeout_ms, connect_timeout_ms;
    size_t rooms_max, room_peers_max, nickname_max, chat_bytes_max, last_n;
    struct address_limits *limits;
};

static inline void stage_open(struct stage *stage, const struct stage_times *times)
{
    char error[256];
    fakes_reset();
    stage->base = event_base_new();
    assert_int_equal(ortc_router_create(NULL, &stage->router, error, sizeof(error)), 0);

    struct rooms_config rooms;
    rooms_config_init(&rooms);
    rooms.base = stage->base;
    rooms.router = stage->router;
    static const struct plain_service_config plain = {
        .listen_ip = "127.0.0.1", .port_min = 42000, .port_max = 42399, .targets = "any"};
    assert_int_equal(plain_service_create(&plain, NULL, &stage->plain), 0);
    rooms.plain = stage->plain;
    struct signaling_config signaling;
    signaling_config_init(&signaling);
    signaling.base = stage->base;
    if (times) {
        rooms.peer_grace_ms = times->peer_grace_ms ? times->peer_grace_ms : rooms.peer_grace_ms;
        rooms.room_linger_ms = times->room_linger_ms ? times->room_linger_ms : rooms.room_linger_ms;
        rooms.unused_ms = times->unused_ms ? times->unused_ms : rooms.unused_ms;
        rooms.place_ms = times->unused_ms ? times->unused_ms : rooms.place_ms;
        rooms.rooms_max = times->rooms_max ? times->rooms_max : rooms.rooms_max;
        rooms.room_peers_max = times->room_peers_max ? times->room_peers_max : rooms.room_peers_max;
        rooms.nickname_max = times->nickname_max ? times->nickname_max : rooms.nickname_max;
        rooms.chat_bytes_max = times->chat_bytes_max ? times->chat_bytes_max : rooms.chat_bytes_max;
        rooms.last_n = times->last_n;
        signaling.limits = times->limits;
        rooms.request_timeout_ms =
            times->request_timeout_ms ? times->request_timeout_ms : rooms.request_timeout_ms;
        signaling.ping_interval_ms =
            times->ping_interval_ms ? times->ping_interval_ms : signaling.ping_interval_ms;
        signaling.ping_timeout_ms =
            times->ping_timeout_ms ? times->ping_timeout_ms : signaling.ping_timeout_ms;
        signaling.connect_timeout_ms =
            times->connect_timeout_ms ? times->connect_timeout_ms : signaling.connect_timeout_ms;
    }
    assert_int_equal(rooms_create(&rooms, &stage->rooms), 0);
    signaling.rooms = stage->rooms;
    assert_int_equal(signaling_create(&signaling, &stage->signaling), 0);
    assert_int_equal(rooms_open(stage->rooms, &stage->room), 0);
}

static inline void stage_close(struct stage *stage)
{
    signaling_destroy(stage->signaling);
    rooms_destroy(stage->rooms);
    plain_service_destroy(stage->plain);
    ortc_router_destroy(stage->router);
    event_base_free(stage->base);
    assert_int_equal(fake_count(FAKE_TRANSPORT) + fake_count(FAKE_PRODUCER) + fake_count(FAKE_CONSUMER), 0);
    fakes_reset();
}

static inline void stage_run(struct stage *stage, unsigned ms)
{
    own_time_run(stage->base, ms);
}

/* Clients. ws names one, from 1. */

static inline void say(struct stage *stage, uint64_t ws, const char *frame)
{
    signaling_message(stage->signaling, ws, (const uint8_t *)frame, strlen(frame), false);
}

__attribute__((format(printf, 3, 4))) static inline void sayf(struct stage *stage, uint64_t ws,
                                                              const char *format, ...)
{
    char *frame;
    va_list arguments;
    va_start(arguments, format);
    assert_true(vasprintf(&frame, format, arguments) >= 0);
    va_end(arguments);
    say(stage, ws, frame);
    free(frame);
}

/* The next frame that the client got, or NULL. */
static inline const char *hear(uint64_t ws)
{
    return fake_sockets[ws].read < fake_sockets[ws].count ? fake_sockets[ws].frames[fake_sockets[ws].read++]
                                                          : NULL;
}

static inline void expect(uint64_t ws, const char *frame)
{
    const char *heard = hear(ws);
    assert_non_null(heard);
    assert_string_equal(heard, frame);
}

__attribute__((format(printf, 2, 3))) static inline void expectf(uint64_t ws, const char *format, ...)
{
    char *frame;
    va_list arguments;
    va_start(arguments, format);
    assert_true(vasprintf(&frame, format, arguments) >= 0);
    va_end(arguments);
    expect(ws, frame);
    free(frame);
}

static inline void expect_silence(uint64_t ws)
{
    const char *heard = hear(ws);
    if (heard)
        fail_msg("heard %s", heard);
}

static inline void forget(uint64_t ws)
{
    fake_sockets[ws].read = fake_sockets[ws].count;
}

static inline void expect_prefix(uint64_t ws, const char *prefix)
{
    const char *heard = hear(ws);
    assert_non_null(heard);
    if (strncmp(heard, prefix, strlen(prefix)) != 0)
        fail_msg("heard %s instead of %s", heard, prefix);
}

static inline void open_websocket(struct stage *stage, uint64_t ws, const struct peer *peer)
{
    char query[512];
    snprintf(query, sizeof(query), "EIO=4&transport=websocket&peerId=%s&roomId=%s&authToken=%s", peer->id,
             peer->room->id, peer->auth_token);
    signaling_open(stage->signaling, ws, query, "192.0.2.1");
    expect_prefix(ws, "0{\"sid\":\"");
    say(stage, ws, "40");
    expect_prefix(ws, "40{\"sid\":\"");
}

/* A peer that is connected, and has heard roomReady. */
static inline struct peer *enter(struct stage *stage, uint64_t ws, unsigned role)
{
    struct peer *peer;
    assert_int_equal(room_add_peer(stage->room, role, &peer), 0);
    open_websocket(stage, ws, peer);
    expectf(
        ws,
        "42[\"notification\",{\"method\":\"roomReady\",\"data\":{\"iceServers\":null,\"roomId\":\"%s\"}}]",
        stage->room->id);
    return peer;
}

/* A peer that has joined with a browser's capabilities; everybody's frames are forgotten. */
static inline struct peer *enter_and_join(struct stage *stage, uint64_t ws, unsigned role,
                                          const char *nickname)
{
    struct peer *peer = enter(stage, ws, role);
    sayf(stage, ws,
         "42900[\"request\",{\"method\":\"join\",\"data\":{\"nickname\":\"%s\",\"rtpCapabilities\":%s}}]",
         nickname, media_capabilities);
    assert_true(peer->joined);
    for (uint64_t i = 0; i < FAKE_SOCKETS_MAX; i++)
        forget(i);
    return peer;
}

/* A transport of the peer; its frames are forgotten. */
static inline const char *make_transport(struct stage *stage, uint64_t ws, const struct peer *peer,
                                         bool consuming)
{
    sayf(stage, ws, "42901[\"request\",{\"method\":\"createWebRtcTransport\",\"data\":{\"%s\":true}}]",
         consuming ? "consuming" : "producing");
    expect_prefix(ws, "43901[null,{\"id\":\"");
    return peer_transport_id(TAILQ_LAST(&peer->transports, transport_list));
}

/* A producer of the peer; its own frames are forgotten. */
static inline struct producer *produce(struct stage *stage, uint64_t ws, const struct peer *peer,
                                       const char *transport_id, bool video)
{
    sayf(stage, ws,
         "42902[\"request\",{\"method\":\"produce\",\"data\":{\"transportId\":\"%s\",\"kind\":\"%s\","
         "\"rtpParameters\":%s,\"appData\":{\"source\":\"%s\"}}}]",
         transport_id, video ? "video" : "audio", video ? media_vp8_parameters : media_opus_parameters,
         video ? "webcam" : "mic");
    expect_prefix(ws, "43902[null,{\"id\":\"");
    return TAILQ_LAST(&peer->producers, producer_list);
}
