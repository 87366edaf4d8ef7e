/* The HTTP API: routes, token, bodies, answers, as recorded, or better where the contract says so. */
#include "tests/unit/control/room_stage.h"

#include "control/api/api.h"
#include "control/api/etag.h"
#include "control/counters.h"

#define TOKEN "Welcome2KolabSystems"
#define JSON_TYPE "application/json; charset=utf-8"
#define HTML_TYPE "text/html; charset=utf-8"

struct scene {
    struct stage stage;
    struct api *api;
};

static void scene_open(struct scene *scene, bool demo)
{
    stage_open(&scene->stage, NULL);
    struct api_config config = {
        .rooms = scene->stage.rooms,
        .auth_token = TOKEN,
        .public_domain = "meet.example.org",
        .secure = true,
        .demo = demo,
    };
    assert_int_equal(api_create(&config, &scene->api), 0);
}

static void scene_close(struct scene *scene)
{
    api_destroy(scene->api);
    stage_close(&scene->stage);
}

static struct gateway_http_request make_request(const char *method, const char *path)
{
    return (struct gateway_http_request){
        .id = 1, .method = method, .path = path, .query = "", .auth_token = TOKEN};
}

static void ask(struct scene *scene, const char *method, const char *path)
{
    struct gateway_http_request request = make_request(method, path);
    unsigned before = fake_http.answers;
    api_answer(scene->api, &request);
    assert_int_equal(fake_http.answers, before + 1);
}

static void post(struct scene *scene, const char *path, const char *type, const char *body)
{
    struct gateway_http_request request = make_request("POST", path);
    request.content_type = type;
    request.has_body = true;
    request.body = (const uint8_t *)body;
    request.body_bytes = strlen(body);
    unsigned before = fake_http.answers;
    api_answer(scene->api, &request);
    assert_int_equal(fake_http.answers, before + 1);
}

static void expect_answer(unsigned status, const char *type, const char *body)
{
    assert_int_equal(fake_http.status, status);
    assert_string_equal(fake_http.type, type);
    assert_string_equal(fake_http.body, body);
}

static void test_ping_and_paths(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, false);
    static const char *const paths[] = {"/meetmedia/api/ping", "/meetmedia/api/ping/", "/MeetMedia/API/PING"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        ask(&scene, "GET", paths[i]);
        expect_answer(200, HTML_TYPE, "PONG");
        assert_string_equal(fake_http.etag, "W/\"4-I9F3ujgFtMoFxmN97ms/HglqL5s\"");
    }
    ask(&scene, "HEAD", paths[0]);
    expect_answer(200, HTML_TYPE, "PONG"); /* the gateway leaves the body out */
    ask(&scene, "OPTIONS", paths[0]);
    expect_answer(200, HTML_TYPE, "GET,HEAD");
    assert_string_equal(fake_http.allow, "GET,HEAD");
    ask(&scene, "OPTIONS", "/meetmedia/api/sessions");
    expect_answer(200, HTML_TYPE, "GET,HEAD,POST");

    static const char *const unknown[] = {"/",
                                          "/meetmedia",
                                          "/meetmedia/api",
                                          "/meetmedia/api/",
                                          "//meetmedia/api/ping",
                                          "/meetmedia/api/ping//",
                                          "/meetmedia/api/../api/ping",
                                          "/meetmedia/api/p%69ng",
                                          "*",
                                          "/meetmedia/api/sessions/x/connection/y",
                                          "/demo/api/join"};
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        ask(&scene, i % 2 ? "GET" : "OPTIONS", unknown[i]);
        assert_int_equal(fake_http.status, 404);
    }
    ask(&scene, "POST", "/meetmedia/api/a\"<b>&'");
    expect_answer(
        404, HTML_TYPE,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta "
        "charset=\"utf-8\">\n<title>Error</title>\n</head>\n"
        "<body>\n<pre>Cannot POST /meetmedia/api/a&quot;&lt;b&gt;&amp;&#39;</pre>\n</body>\n</html>\n");
    ask(&scene, "POST", "/meetmedia/api/ping");
    assert_int_equal(fake_http.status, 404);
    ask(&scene, "DELETE", "/meetmedia/api/sessions/xyz");
    assert_int_equal(fake_http.status, 404);
    scene_close(&scene);
}

static void test_etag(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, false);
    struct gateway_http_request request = make_request("GET", "/meetmedia/api/ping");
    request.if_none_match = "W/\"4-I9F3ujgFtMoFxmN97ms/HglqL5s\"";
    api_answer(scene.api, &request);
    expect_answer(304, "", "");
    assert_string_equal(fake_http.etag, request.if_none_match);
    request.if_none_match = "\"x\", \"4-I9F3ujgFtMoFxmN97ms/HglqL5s\"";
    api_answer(scene.api, &request);
    assert_int_equal(fake_http.status, 304);
    request.if_none_match = "\"4-other\"";
    api_answer(scene.api, &request);
    assert_int_equal(fake_http.status, 200);
    assert_true(etag_matches("*", "W/\"1\""));
    assert_false(etag_matches(",", "W/\"1\""));
    scene_close(&scene);
}

static void test_token(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, false);
    static const char *const wrong[] = {NULL, "", "nope", "Welcome2KolabSystemz", "Welcome2KolabSystems2"};
    static const char *const paths[] = {"/meetmedia/api/ping", "/foo", "/meetmedia/api/sessions"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        for (size_t k = 0; k < sizeof(paths) / sizeof(paths[0]); k++) {
            struct gateway_http_request request = make_request("POST", paths[k]);
            request.auth_token = wrong[i];
            request.content_type = "application/json";
            request.body = (const uint8_t *)"{bad";
            request.body_bytes = 4;
            api_answer(scene.api, &request);
            expect_answer(403, "", "");
        }
    }
    assert_int_equal(rooms_count(scene.stage.rooms), 1);
    scene_close(&scene);
}

static void test_health(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, false);
    ask(&scene, "GET", "/meetmedia/api/health");
    expect_answer(200, JSON_TYPE, "{\"success\":true,\"message\":\"Healthy\"}");
    fake_forwarder.unhealthy = true;
    ask(&scene, "GET", "/meetmedia/api/health");
    expect_answer(503, JSON_TYPE, "{\"success\":false,\"message\":\"No forwarder answers\"}");
    scene_close(&scene);
}

static void test_sessions(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, false);
    char expected[256], path[256];
    snprintf(expected, sizeof(expected), "[{\"roomId\":\"%s\",\"createdAt\":%lld}]", scene.stage.room->id,
             (long long)scene.stage.room->created_at);
    ask(&scene, "GET", "/meetmedia/api/sessions");
    expect_answer(200, JSON_TYPE, expected);

    /* Whatever the body is, if it is no JSON or good JSON. */
    static const char *const types[] = {NULL, "text/plain", "application/json",
                                        "application/json; charset=UTF-8",
                                        "application/x-www-form-urlencoded"};
    static const char *const bodies[] = {"", "hello", "[]", "{}", "role=3"};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        post(&scene, "/meetmedia/api/sessions", types[i], bodies[i]);
        assert_int_equal(fake_http.status, 200);
        json_t *answer = json_loads(fake_http.body, 0, NULL);
        assert_non_null(rooms_find(scene.stage.rooms, json_string_value(json_object_get(answer, "id"))));
        json_decref(answer);
    }
    assert_int_equal(rooms_count(scene.stage.rooms), 6);

    snprintf(path, sizeof(path), "/meetmedia/api/sessions/%s", scene.stage.room->id);
    ask(&scene, "GET", path);
    expect_answer(200, "", "");
    ask(&scene, "GET", "/meetmedia/api/sessions/00000000-0000-4000-8000-000000000000");
    expect_answer(404, "", "");
    ask(&scene, "GET", "/meetmedia/api/sessions/%E0%A4%A");
    expect_answer(404, "", "");
    scene_close(&scene);
}

static void test_bad_bodies(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, false);
    static const struct {
        const char *type, *body;
        unsigned status;
    } rows[] = {
        {"application/json", "{\"role\": ", 400},
        {"application/json", "5", 400},
        {"application/json", "null", 400},
        {"application/json", "{\"a\":1,\"a\":2}", 400},
        {"application/json", "\"x\"", 400},
        {"application/json; charset=foo", "{}", 415},
        {"application/json;charset=\"utf-16\"", "{}", 415},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        post(&scene, "/meetmedia/api/sessions", rows[i].type, rows[i].body);
        assert_int_equal(fake_http.status, rows[i].status);
        assert_memory_equal(fake_http.body, "{\"error\":\"", 10);
    }
    struct gateway_http_request request = make_request("POST", "/meetmedia/api/signal");
    request.too_large = true;
    api_answer(scene.api, &request);
    assert_int_equal(fake_http.status, 413);
    request.too_large = false;
    request.content_type = "application/json";
    request.content_encoding = "gzip";
    request.body = (const uint8_t *)"{}";
    request.body_bytes = 2;
    api_answer(scene.api, &request);
    assert_int_equal(fake_http.status, 415);
    assert_int_equal(rooms_count(scene.stage.rooms), 1);
    scene_close(&scene);
}

static void test_connection(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, false);
    static const struct {
        const char *body;
        int role; /* -1: refused */
    } rows[] = {{"{\"role\":7}", 7},
                {"{\"role\":31}", 31},
                {"{\"role\":\"3\"}", 3},
                {"{\"role\":null}", 0},
                {"{}", 0},
                {"[1]", 0},
                {"{\"role\":32}", -1},
                {"{\"role\":-1}", -1},
                {"{\"role\":\"3x\"}", -1},
                {"{\"role\":[3]}", -1},
                {"{\"role\":1.5}", -1}};
    char path[256], expected[512];
    snprintf(path, sizeof(path), "/meetmedia/api/sessions/%s/connection", scene.stage.room->id);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        post(&scene, path, "application/json", rows[i].body);
        assert_int_equal(fake_http.status, rows[i].role < 0 ? 400 : 200);
        if (rows[i].role < 0)
            continue;
        const struct peer *peer = TAILQ_LAST(&scene.stage.room->places, peer_list);
        assert_int_equal(peer->role, rows[i].role);
        snprintf(expected, sizeof(expected),
                 "{\"id\":\"%s\",\"token\":\"wss://meet.example.org?peerId=%s&roomId=%s&authToken=%s\"}",
                 peer->id, peer->id, scene.stage.room->id, peer->auth_token);
        expect_answer(200, JSON_TYPE, expected);
    }
    post(&scene, "/meetmedia/api/sessions/nope/connection", "application/json", "{\"role\":7}");
    expect_answer(404, "", "");
    ask(&scene, "GET", path);
    assert_int_equal(fake_http.status, 404);
    scene_close(&scene);
}

static void test_signal(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, false);
    enter(&scene.stage, 1, 7);
    enter(&scene.stage, 2, 1);
    static const struct {
        const char *members, *heard;
        bool second;
    } rows[] = {
        {",\"type\":\"joinRequest\",\"data\":{\"a\":\"r1\"}",
         "\"signal:joinRequest\",\"data\":{\"a\":\"r1\"}", true},
        {",\"type\":\"x\",\"role\":4,\"data\":\"str\"", "\"signal:x\",\"data\":\"str\"", false},
        {",\"type\":\"rolestring\",\"role\":\"4\"", "\"signal:rolestring\"", false},
        {",\"type\":\"nobody\",\"role\":16", NULL, false},
        {",\"type\":\"nobody\",\"role\":[1]", NULL, false},
        {",\"type\":\"all\",\"role\":null,\"data\":null", "\"signal:all\",\"data\":null", true},
        {"", "\"signal:undefined\"", true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char body[512];
        snprintf(body, sizeof(body), "{\"roomId\":\"%s\"%s}", scene.stage.room->id, rows[i].members);
        post(&scene, "/meetmedia/api/signal", "application/json", body);
        expect_answer(200, JSON_TYPE, "{}");
        for (uint64_t ws = 1; ws <= 2; ws++) {
            if (rows[i].heard && (ws == 1 || rows[i].second))
                expectf(ws, "42[\"notification\",{\"method\":%s}]", rows[i].heard);
            expect_silence(ws);
        }
    }
    static const char *const nowhere[] = {"{}", "[]", "{\"roomId\":\"nope\",\"type\":\"x\"}",
                                          "{\"roomId\":5}"};
    for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
        post(&scene, "/meetmedia/api/signal", "application/json", nowhere[i]);
        expect_answer(200, JSON_TYPE, "{}");
    }
    scene_close(&scene);
}

static void test_stats(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, false);
    struct peer *peer = enter(&scene.stage, 1, 3);
    char expected[512];
    snprintf(expected, sizeof(expected),
             "{\"%s\":{\"%s\":{\"id\":\"%s\",\"nickname\":false,\"audioLevel\":-127,"
             "\"activeSpeaker\":false,\"producers\":[],\"consumers\":[],"
             "\"transports\":[]}}}",
             scene.stage.room->id, peer->id, peer->id);
    ask(&scene, "GET", "/meetmedia/api/stats");
    expect_answer(200, JSON_TYPE, expected);
    scene_close(&scene);
}

static json_t *get(struct scene *scene, const char *path)
{
    ask(scene, "GET", path);
    assert_int_equal(fake_http.status, 200);
    json_t *body = json_loads(fake_http.body, 0, NULL);
    assert_non_null(body);
    return body;
}

/* The first of what getStats would give. */
static json_int_t measured(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(json_array_get(json_object_get(object, "stats"), 0), key));
}

static void test_stats_of_one(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, false);
    struct peer *peer = enter_and_join(&scene.stage, 1, 3, "P");
    const char *transport = make_transport(&scene.stage, 1, peer, false);
    const struct producer *producer = produce(&scene.stage, 1, peer, transport, true);
    char path[128];

    json_t *rooms = get(&scene, "/meetmedia/api/stats/rooms");
    const json_t *row = json_object_get(rooms, scene.stage.room->id);
    assert_int_equal(json_integer_value(json_object_get(row, "peers")), 1);
    assert_int_equal(json_integer_value(json_object_get(row, "packetsReceived")), FAKE_PACKETS);
    assert_true(json_is_null(json_object_get(row, "speaker")));
    json_decref(rooms);

    const char *const ids[] = {scene.stage.room->id, peer->id, transport, producer->id};
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof(path), "/meetmedia/api/stats/%s", ids[i]);
        json_t *one = get(&scene, path);
        if (i == 0)
            assert_non_null(json_object_get(one, peer->id));
        else if (i == 1)
            assert_int_equal(measured(json_array_get(json_object_get(one, "producers"), 0), "packetCount"),
                             FAKE_PACKETS);
        else
            assert_int_equal(measured(one, i == 2 ? "packetsReceived" : "packetCount"), FAKE_PACKETS);
        json_decref(one);
    }
    static const char *const wrong[] = {"00000000-0000-4000-8000-000000000000", "0", "%00", "peers"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        snprintf(path, sizeof(path), "/meetmedia/api/stats/%s", wrong[i]);
        ask(&scene, "GET", path);
        assert_int_equal(fake_http.status, 404);
        assert_int_equal(fake_http.body_bytes, 0);
    }
    ask(&scene, "OPTIONS", "/meetmedia/api/stats/rooms");
    assert_string_equal(fake_http.allow, "GET,HEAD");
    scene_close(&scene);
}

static void test_counters(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, false);
    uint64_t limited = counters_get(COUNTER_REQUESTS_LIMITED);
    counters_count(COUNTER_REQUESTS_LIMITED);
    ask(&scene, "GET", "/meetmedia/api/counters");
    json_t *body = json_loads(fake_http.body, 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(body, "requestsLimited")), limited + 1);
    assert_int_equal(json_integer_value(json_object_get(body, "gatewayConnections")), 7);
    assert_int_equal(json_object_size(body), COUNTER_COUNT + 8);
    json_decref(body);
    scene_close(&scene);
}

static json_t *demo_post(struct scene *scene, const char *path, const char *body)
{
    struct gateway_http_request request = make_request("POST", path);
    request.auth_token = NULL;
    request.content_type = "application/json";
    request.body = (const uint8_t *)body;
    request.body_bytes = strlen(body);
    api_answer(scene->api, &request);
    return json_loads(fake_http.body, 0, NULL);
}

static json_t *demo_join(struct scene *scene, const char *body)
{
    return demo_post(scene, "/demo/api/join", body);
}

static void test_demo_stats(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, true);
    const struct peer *peer = enter_and_join(&scene.stage, 1, 3, "P");
    const struct peer *other = enter_and_join(&scene.stage, 2, 3, "Q");
    const struct {
        const char *room, *peer, *token;
        unsigned status;
    } asked[] = {{scene.stage.room->id, peer->id, peer->auth_token, 200},
                 {scene.stage.room->id, other->id, peer->auth_token, 403},
                 {scene.stage.room->id, peer->id, "", 403},
                 {peer->id, peer->id, peer->auth_token, 403}};
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        char body[256];
        snprintf(body, sizeof(body), "{\"roomId\":\"%s\",\"peerId\":\"%s\",\"authToken\":\"%s\"}",
                 asked[i].room, asked[i].peer, asked[i].token);
        json_t *answer = demo_post(&scene, "/demo/api/stats", body);
        assert_int_equal(fake_http.status, asked[i].status);
        if (asked[i].status == 200)
            assert_string_equal(json_string_value(json_object_get(answer, "id")), peer->id);
        json_decref(answer);
    }
    json_decref(demo_post(&scene, "/demo/api/stats", "{\"roomId\":5}"));
    assert_int_equal(fake_http.status, 403);
    scene_close(&scene);

    scene_open(&scene, false);
    json_decref(demo_post(&scene, "/demo/api/stats", "{}"));
    assert_int_equal(fake_http.status, 403); /* as any path without the token */
    scene_close(&scene);
}

static void test_demo(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, true);
    json_t *first = demo_join(&scene, "{\"room\":\"standup\"}");
    assert_int_equal(fake_http.status, 200);
    json_t *second = demo_join(&scene, "{\"room\":\"standup\"}");
    json_t *third = demo_join(&scene, "{\"room\":\"standup\",\"role\":1}");
    json_t *other = demo_join(&scene, "{\"room\":\"other\"}");
    const char *room_id = json_string_value(json_object_get(first, "roomId"));
    assert_string_equal(room_id, json_string_value(json_object_get(second, "roomId")));
    assert_string_not_equal(room_id, json_string_value(json_object_get(other, "roomId")));
    struct room *room = rooms_find(scene.stage.rooms, room_id);
    assert_non_null(room);
    const struct peer *peer = TAILQ_FIRST(&room->places);
    assert_int_equal(peer->role, 31);
    peer = TAILQ_NEXT(peer, link);
    assert_int_equal(peer->role, 3);
    peer = TAILQ_NEXT(peer, link);
    assert_int_equal(peer->role, 1);
    char url[512];
    snprintf(url, sizeof(url), "wss://meet.example.org?peerId=%s&roomId=%s&authToken=%s", peer->id, room->id,
             peer->auth_token);
    assert_string_equal(json_string_value(json_object_get(third, "url")), url);
    assert_string_equal(json_string_value(json_object_get(third, "peerId")), peer->id);

    /* A name whose room has closed makes a new one. */
    char old_id[IDS_UUID_BYTES];
    memcpy(old_id, room->id, sizeof(old_id));
    room_close(room);
    json_t *again = demo_join(&scene, "{\"room\":\"standup\"}");
    assert_string_not_equal(json_string_value(json_object_get(again, "roomId")), old_id);

    static const char *const bad[] = {"{}",
                                      "{\"room\":\"\"}",
                                      "{\"room\":5}",
                                      "{\"room\":\"a\",\"role\":99}",
                                      "[]",
                                      "{\"room\":\"a\\u0000\"}",
                                      "{"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        json_decref(demo_join(&scene, bad[i]));
        assert_int_equal(fake_http.status, 400);
    }
    json_decref(first);
    json_decref(second);
    json_decref(third);
    json_decref(other);
    json_decref(again);
    scene_close(&scene);

    scene_open(&scene, false);
    json_decref(demo_join(&scene, "{\"room\":\"standup\"}"));
    assert_int_equal(fake_http.status, 403);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ping_and_paths), cmocka_unit_test(test_etag),
        cmocka_unit_test(test_token),          cmocka_unit_test(test_health),
        cmocka_unit_test(test_sessions),       cmocka_unit_test(test_bad_bodies),
        cmocka_unit_test(test_connection),     cmocka_unit_test(test_signal),
        cmocka_unit_test(test_stats),          cmocka_unit_test(test_stats_of_one),
        cmocka_unit_test(test_counters),       cmocka_unit_test(test_demo),
        cmocka_unit_test(test_demo_stats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
