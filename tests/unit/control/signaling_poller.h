/* A client of long polling on the stage of fakes, with a clock that tests move. */
#pragma once

#include "tests/unit/control/room_stage.h"
#include "tests/unit/control/session_clock.h"

#define PING "42900[\"request\",{\"method\":\"ping\"}]"
#define PONG "43900[null]"
#define PAYLOAD_TYPE "text/plain; charset=UTF-8"
#define SEPARATOR "\x1e"
#define UNKNOWN_SID "{\"code\":1,\"message\":\"Session ID unknown\"}"
#define BAD_REQUEST "{\"code\":3,\"message\":\"Bad request\"}"

/* A client of long polling; its requests have numbers from 100. */
struct poller {
    struct stage *stage;
    struct peer *peer;
    char credentials[256];
    char sid[32];
    int protocol;
};

static uint64_t next_request;

static inline uint64_t ask(struct stage *stage, const char *method, const char *query, const void *body,
                           size_t length)
{
    struct gateway_http_request request = {
        .id = next_request++,
        .method = method,
        .path = SIGNALING_PATH "/",
        .query = query,
        .peer = "192.0.2.1",
        .has_body = length > 0,
        .body = body,
        .body_bytes = length,
    };
    signaling_answer_http(stage->signaling, &request);
    return request.id;
}

static inline const struct fake_answer *find_answer(uint64_t request)
{
    for (size_t i = 0; i < fake_http.answers && i < FAKE_ANSWERS_MAX; i++)
        if (fake_answers[i].id == request)
            return &fake_answers[i];
    return NULL;
}

static inline void expect_answer(uint64_t request, unsigned status, const char *type, const char *body)
{
    const struct fake_answer *answer = find_answer(request);
    assert_non_null(answer);
    assert_string_equal(answer->body, body);
    assert_int_equal(answer->status, status);
    assert_string_equal(answer->type, type);
}

static inline void expect_payload(uint64_t request, const char *payload)
{
    expect_answer(request, 200, PAYLOAD_TYPE, payload);
}

static inline void expect_hanging(uint64_t request)
{
    const struct fake_answer *answer = find_answer(request);
    if (answer)
        fail_msg("answered with %u %s", answer->status, answer->body);
}

static inline uint64_t get(const struct poller *poller)
{
    char query[512];
    snprintf(query, sizeof(query), "EIO=%d&transport=polling&%s&sid=%s", poller->protocol,
             poller->credentials, poller->sid);
    return ask(poller->stage, "GET", query, "", 0);
}

static inline uint64_t post_bytes(const struct poller *poller, const void *body, size_t length)
{
    char query[512];
    snprintf(query, sizeof(query), "EIO=%d&transport=polling&%s&sid=%s", poller->protocol,
             poller->credentials, poller->sid);
    return ask(poller->stage, "POST", query, body, length);
}

static inline void post(const struct poller *poller, const char *body)
{
    expect_answer(post_bytes(poller, body, strlen(body)), 200, "text/html", "ok");
}

/* Begins a session; returns the payload of the handshake. */
static inline const char *begin(struct stage *stage, struct poller *poller, int protocol,
                                const struct peer *peer)
{
    char query[512];
    *poller = (struct poller){.stage = stage, .protocol = protocol};
    snprintf(poller->credentials, sizeof(poller->credentials), "peerId=%s&roomId=%s&authToken=%s", peer->id,
             peer->room->id, peer->auth_token);
    snprintf(query, sizeof(query), "EIO=%d&transport=polling&%s", protocol, poller->credentials);
    const struct fake_answer *answer = find_answer(ask(stage, "GET", query, "", 0));
    assert_non_null(answer);
    assert_int_equal(answer->status, 200);
    assert_string_equal(answer->type, PAYLOAD_TYPE);
    const char *sid = strstr(answer->body, "{\"sid\":\"");
    assert_non_null(sid);
    memcpy(poller->sid, sid + 8, 20);
    return answer->body;
}

/* A peer that is connected over long polling and has heard roomReady. */
static inline struct peer *enter_polling(struct stage *stage, struct poller *poller, int protocol)
{
    struct peer *peer;
    assert_int_equal(room_add_peer(stage->room, 3, &peer), 0);
    begin(stage, poller, protocol, peer);
    if (protocol == 4) {
        post(poller, "40");
        const struct fake_answer *answer = find_answer(get(poller));
        assert_non_null(answer);
        assert_non_null(strstr(answer->body, SEPARATOR "42[\"notification\",{\"method\":\"roomReady\""));
    }
    poller->peer = peer;
    assert_true(outbox_is_attached(&peer->outbox));
    return peer;
}

static inline void open_upgrade(const struct poller *poller, uint64_t ws)
{
    char query[512];
    snprintf(query, sizeof(query), "EIO=%d&transport=websocket&%s&sid=%s", poller->protocol,
             poller->credentials, poller->sid);
    assert_null(signaling_check_upgrade(poller->stage->signaling, query));
    signaling_open(poller->stage->signaling, ws, query, "192.0.2.1");
}

static inline const char *refuse_upgrade(const struct poller *poller)
{
    char query[512];
    snprintf(query, sizeof(query), "EIO=4&transport=websocket&%s&sid=%s", poller->credentials, poller->sid);
    return signaling_check_upgrade(poller->stage->signaling, query);
}

static inline void open_stage(struct stage *stage)
{
    stage_open(stage, NULL);
    next_request = 100;
}
