/* Frames of three clients in one room, over fakes of forwarder, transports and gateway.
 *
 * The input is lines. The first character of a line, '1' to '3', says whose it is, the rest is a text frame,
 * in which $T, $P, $C and $I stand for the last transport, producer, consumer and peer of that client, and $1
 * to $3 for the peers of all clients, since nobody can guess an id. A line that starts with something else is
 * an event from outside: see act(). */
#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>

#include "control/api/api.h"
#include "control/log.h"
#include "control/ortc/router.h"
#include "control/room/consumer.h"
#include "control/room/floor.h"
#include "control/room/floor.h"
#include "control/room/peer.h"
#include "control/room/peer_transport.h"
#include "control/room/producer.h"
#include "control/room/room.h"
#include "control/room/rooms.h"
#include "control/signaling/signaling.h"
#include "tests/fuzz/must.h"
#include "tests/unit/control/room_fakes.h"

#define CLIENTS 3
#define FRAME_BYTES_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct event_base *base;
static struct ortc_router *router;

struct client {
    char peer_id[IDS_UUID_BYTES];
    char query[256];
    uint64_t websocket;
};

struct scene {
    struct plain_service *plain;
    struct rooms *rooms;
    struct signaling *signaling;
    struct api *api;
    char room_id[IDS_UUID_BYTES];
    struct client clients[CLIENTS];
    uint64_t next_websocket;
    uint64_t now_ms;
};

static struct peer *find_peer(struct scene *scene, const struct client *client)
{
    struct room *room = rooms_find(scene->rooms, scene->room_id);
    struct peer *peer = room ? TAILQ_FIRST(&room->peers) : NULL;
    while (peer && strcmp(peer->id, client->peer_id) != 0)
        peer = TAILQ_NEXT(peer, link);
    return peer;
}

static const char *stand_in(const struct scene *scene, const struct peer *peer, const struct client *client,
                            char letter)
{
    switch (letter) {
    case '1':
    case '2':
    case '3':
        return scene->clients[letter - '1'].peer_id;
    case 'I':
        return client->peer_id;
    case 'T':
        return peer && !TAILQ_EMPTY(&peer->transports)
                   ? peer_transport_id(TAILQ_LAST(&peer->transports, transport_list))
                   : NULL;
    case 'P':
        return peer && !TAILQ_EMPTY(&peer->producers) ? TAILQ_LAST(&peer->producers, producer_list)->id
                                                      : NULL;
    case 'C':
        return peer && !TAILQ_EMPTY(&peer->consumers) ? TAILQ_LAST(&peer->consumers, consumer_list)->id
                                                      : NULL;
    default:
        return NULL;
    }
}

static void say(struct scene *scene, const struct client *client, const char *text, size_t length)
{
    static char frame[FRAME_BYTES_MAX + IDS_UUID_BYTES];
    const struct peer *peer = find_peer(scene, client);
    size_t used = 0;
    for (size_t i = 0; i < length && used < FRAME_BYTES_MAX; i++) {
        const char *id = text[i] == '$' && i + 1 < length ? stand_in(scene, peer, client, text[i + 1]) : NULL;
        if (id) {
            memcpy(frame + used, id, strlen(id));
            used += strlen(id);
            i++;
        } else {
            frame[used++] = text[i];
        }
    }
    /* Exactly as long as it is, so that a read beyond its end is seen. */
    char *exact = malloc(used + 1);
    memcpy(exact, frame, used);
    exact[used] = '\0';
    signaling_message(scene->signaling, client->websocket, (const uint8_t *)exact, used, false);
    free(exact);
}

static void open_websocket(struct scene *scene, struct client *client)
{
    if (scene->next_websocket >= FAKE_SOCKETS_MAX)
        return;
    client->websocket = scene->next_websocket++;
    signaling_open(scene->signaling, client->websocket, client->query, "192.0.2.1");
    signaling_message(scene->signaling, client->websocket, (const uint8_t *)"40", 2, false);
}

static void post(struct scene *scene, const char *text, size_t length)
{
    struct gateway_http_request request = {
        .id = 1,
        .method = "POST",
        .path = "/meetmedia/api/signal",
        .query = "",
        .auth_token = "t",
        .content_type = "application/json",
        .body = (const uint8_t *)text,
        .body_bytes = length,
    };
    api_answer(scene->api, &request);
}

static void act(struct scene *scene, const char *text, size_t length)
{
    struct client *client = &scene->clients[length > 1 ? (unsigned char)text[1] % CLIENTS : 0];
    switch (text[0]) {
    case 'b': /* the connection breaks */
        signaling_close(scene->signaling, client->websocket);
        break;
    case 'o': /* a new connection */
        open_websocket(scene, client);
        break;
    case 'l':
        rooms_forwarder_lost(scene->rooms);
        break;
    case 'e':
        fake_forwarder.error = fake_forwarder.error ? 0 : -EAGAIN;
        break;
    case 'c':
        rooms_layers_changed(scene->rooms, fake_last(FAKE_CONSUMER), (int)(length % 4) - 1, 0);
        rooms_score_changed(scene->rooms, fake_last(FAKE_CONSUMER), 10, 10, (const unsigned[]){10, 0},
                            length % 3);
        break;
    case 'r': {
        struct room *room = rooms_find(scene->rooms, scene->room_id);
        if (room && length > 4)
            room_close(room);
        break;
    }
    case 'v': /* a voice, for some tenths of a second */
        for (size_t i = 0; i < length % 16; i++) {
            struct forwarder_level level = {fake_last(FAKE_PRODUCER), 97, 100};
            rooms_audio_levels(scene->rooms, &level, 1, scene->now_ms += 200);
        }
        break;
    case 's':
        json_decref(rooms_stats(scene->rooms));
        break;
    case 'h':
        post(scene, text + 1, length - 1);
        break;
    default:
        signaling_message(scene->signaling, client->websocket, (const uint8_t *)text, length, true);
    }
}

static void open_scene(struct scene *scene)
{
    struct rooms_config rooms;
    rooms_config_init(&rooms);
    static const struct plain_service_config plain = {
        .listen_ip = "127.0.0.1", .port_min = 42400, .port_max = 42499};
    MUST(plain_service_create(&plain, NULL, &scene->plain) == 0);
    rooms.plain = scene->plain;
    rooms.base = base;
    rooms.router = router;
    rooms.last_n = 1;
    scene->now_ms = floor_now_ms();
    struct signaling_config signaling;
    signaling_config_init(&signaling);
    signaling.base = base;
    if (rooms_create(&rooms, &scene->rooms))
        abort();
    signaling.rooms = scene->rooms;
    struct api_config api = {.rooms = scene->rooms, .auth_token = "t", .public_domain = "x"};
    struct room *room;
    if (signaling_create(&signaling, &scene->signaling) || api_create(&api, &scene->api) ||
        rooms_open(scene->rooms, &room))
        abort();
    memcpy(scene->room_id, room->id, sizeof(scene->room_id));
    for (size_t i = 0; i < CLIENTS; i++) {
        struct client *client = &scene->clients[i];
        struct peer *peer;
        if (room_add_peer(room, ROLE_ALL >> i, &peer))
            abort();
        memcpy(client->peer_id, peer->id, sizeof(client->peer_id));
        snprintf(client->query, sizeof(client->query),
                 "EIO=4&transport=websocket&peerId=%s&roomId=%s&authToken=%s", peer->id, room->id,
                 peer->auth_token);
        open_websocket(scene, client);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!base) {
        char error[256];
        log_set_level(LOG_LEVEL_ERROR);
        base = event_base_new();
        if (!base || ortc_router_create(NULL, &router, error, sizeof(error)))
            abort();
    }
    fakes_reset();
    struct scene scene = {.next_websocket = 1};
    open_scene(&scene);
    const char *text = (const char *)data, *end = text + size;
    while (text < end) {
        const char *line_end = memchr(text, '\n', (size_t)(end - text));
        size_t length = (size_t)((line_end ? line_end : end) - text);
        if (length > 0 && text[0] >= '1' && text[0] < '1' + CLIENTS)
            say(&scene, &scene.clients[text[0] - '1'], text + 1, length - 1);
        else if (length > 0)
            act(&scene, text, length);
        text += length + 1;
    }
    event_base_loop(base, EVLOOP_NONBLOCK);
    signaling_destroy(scene.signaling);
    api_destroy(scene.api);
    rooms_destroy(scene.rooms);
    plain_service_destroy(scene.plain);
    /* Whatever was said, nothing stays behind in the forwarder. */
    if (fake_count(FAKE_TRANSPORT) + fake_count(FAKE_PRODUCER) + fake_count(FAKE_CONSUMER) != 0)
        abort();
    return 0;
}
