/* Sessions as a state machine: polls, upgrades, frames, broken connections and time, in any order, under both
 * protocols. Each line of the input is one step; its first byte says which.
 *
 *     3 4     a new session of that protocol over long polling
 *     w x     a new session of protocol 4 or 3 over a websocket
 *     g       a GET; G: its connection breaks
 *     p…      a POST of the rest of the line, "\1" in it is a separator, "\2" a line end
 *     u       the upgrade's websocket; its frames are m…, c: it closes
 *     t…      time passes, a second for each byte that follows */
#include "control/log.h"
#include "control/ortc/router.h"
#include "control/room/peer.h"
#include "control/room/rooms.h"
#include "control/signaling/signaling.h"
#include "tests/fuzz/must.h"
#include "tests/unit/control/room_fakes.h"
#include "tests/unit/control/session_clock.h"

#include <event2/event.h>

#define STEPS_MAX 200

struct scene {
    struct plain_service *plain;
    struct rooms *rooms;
    struct signaling *signaling;
    char credentials[256];
    char sid[32];
    uint64_t next_id;
    uint64_t get;       /* the last */
    uint64_t websocket; /* the last, or 0 */
};

static struct event_base *base;
static struct ortc_router *router;

static const char *make_query(const struct scene *scene, const char *transport, int protocol, bool with_sid)
{
    static char query[512];
    snprintf(query, sizeof(query), "EIO=%d&transport=%s&%s%s%s", protocol, transport, scene->credentials,
             with_sid ? "&sid=" : "", with_sid ? scene->sid : "");
    return query;
}

static unsigned count_answers(uint64_t id)
{
    unsigned count = 0;
    for (size_t i = 0; i < fake_http.answers && i < FAKE_ANSWERS_MAX; i++)
        count += fake_answers[i].id == id;
    return count;
}

static uint64_t ask(struct scene *scene, const char *method, const char *query, const char *body,
                    size_t length)
{
    struct gateway_http_request request = {
        .id = scene->next_id++,
        .method = method,
        .path = SIGNALING_PATH,
        .query = query,
        .peer = "192.0.2.1",
        .body = (const uint8_t *)body,
        .body_bytes = length,
    };
    signaling_answer_http(scene->signaling, &request);
    return request.id;
}

static void begin_polling(struct scene *scene, int protocol)
{
    ask(scene, "GET", make_query(scene, "polling", protocol, false), "", 0);
    const char *sid = fake_http.body ? strstr(fake_http.body, "{\"sid\":\"") : NULL;
    MUST(sid && strlen(sid) > 28);
    memcpy(scene->sid, sid + 8, 20);
}

static void open_websocket(struct scene *scene, const char *query)
{
    if (scene->next_id >= FAKE_SOCKETS_MAX || signaling_check_upgrade(scene->signaling, query))
        return;
    scene->websocket = scene->next_id++;
    signaling_open(scene->signaling, scene->websocket, query, "192.0.2.1");
}

static void close_websocket(struct scene *scene)
{
    if (scene->websocket)
        signaling_close(scene->signaling, scene->websocket);
    scene->websocket = 0;
}

static void post(struct scene *scene, const char *text, size_t length)
{
    char body[4096];
    if (length > sizeof(body))
        length = sizeof(body);
    for (size_t i = 0; i < length; i++)
        body[i] = text[i] == '\1' ? '\x1e' : text[i] == '\2' ? '\n' : text[i];
    uint64_t id = ask(scene, "POST", make_query(scene, "polling", 4, true), body, length);
    MUST(count_answers(id) == 1);
}

static void step(struct scene *scene, const char *text, size_t length)
{
    switch (text[0]) {
    case '3':
    case '4':
        begin_polling(scene, text[0] - '0');
        break;
    case 'w':
    case 'x':
        close_websocket(scene);
        open_websocket(scene, make_query(scene, "websocket", text[0] == 'w' ? 4 : 3, false));
        break;
    case 'g':
        scene->get = ask(scene, "GET", make_query(scene, "polling", 4, true), "", 0);
        break;
    case 'G':
        if (count_answers(scene->get) == 0)
            signaling_http_gone(scene->signaling, scene->get);
        break;
    case 'p':
        post(scene, text + 1, length - 1);
        break;
    case 'u':
        close_websocket(scene);
        open_websocket(scene, make_query(scene, "websocket", 4, true));
        break;
    case 'm':
    case 'b':
        if (scene->websocket)
            signaling_message(scene->signaling, scene->websocket, (const uint8_t *)text + 1, length - 1,
                              text[0] == 'b');
        break;
    case 'c':
        close_websocket(scene);
        break;
    case 't':
        clock_advance(1000 * (unsigned)(length - 1));
        break;
    default:
        break;
    }
    /* No request is answered twice. */
    for (uint64_t id = 1; id < scene->next_id; id++)
        MUST(count_answers(id) <= 1);
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
    struct signaling_config signaling;
    signaling_config_init(&signaling);
    signaling.base = base;
    signaling.max_sessions = STEPS_MAX;
    MUST(rooms_create(&rooms, &scene->rooms) == 0);
    signaling.rooms = scene->rooms;
    struct room *room;
    struct peer *peer;
    MUST(signaling_create(&signaling, &scene->signaling) == 0);
    MUST(rooms_open(scene->rooms, &room) == 0);
    MUST(room_add_peer(room, 3, &peer) == 0);
    snprintf(scene->credentials, sizeof(scene->credentials), "peerId=%s&roomId=%s&authToken=%s", peer->id,
             room->id, peer->auth_token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!base) {
        char error[256];
        log_set_level(LOG_LEVEL_ERROR);
        base = event_base_new();
        MUST(base && ortc_router_create(NULL, &router, error, sizeof(error)) == 0);
    }
    fakes_reset();
    struct scene scene = {.next_id = 1};
    open_scene(&scene);
    const char *text = (const char *)data, *end = text + size;
    for (int i = 0; text < end && i < STEPS_MAX; i++) {
        const char *line_end = memchr(text, '\n', (size_t)(end - text));
        size_t length = (size_t)((line_end ? line_end : end) - text);
        if (length > 0)
            step(&scene, text, length);
        text += length + 1;
    }
    /* Whoever says nothing more is gone after a while, and every GET has its answer unless it broke. */
    close_websocket(&scene);
    clock_advance(120 * 1000);
    MUST(LIST_EMPTY(&clock_timers));
    signaling_destroy(scene.signaling);
    rooms_destroy(scene.rooms);
    plain_service_destroy(scene.plain);
    return 0;
}
