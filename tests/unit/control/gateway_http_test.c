#include "tests/unit/control/gateway_harness.h"

#include <sys/stat.h>

static struct harness harness;

#define HOST "Host: 127.0.0.1\r\n"

static int set_up(void **state)
{
    (void)state;
    harness_init(&harness);
    harness.config.max_body_bytes = 1000;
    harness.config.header_timeout_s = 1;
    harness.config.idle_timeout_s = 1;
    harness_start(&harness);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    harness_stop(&harness);
    return 0;
}

static void request_is_handed_over_as_sent(void **state)
{
    (void)state;
    int client = harness_connect(&harness);

    assert_string_equal(ask(client,
                            "GET /a%2Fb/../c//D?x=%20&y HTTP/1.1\r\n" HOST "x-auth-TOKEN:  t k \r\n\r\n",
                            "HTTP/1.1 200 OK\r\n"),
                        "GET /a%2Fb/../c//D ?x=%20&y token=t k body=0:");
    assert_string_equal(ask(client, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK\r\n"),
                        "OPTIONS * ? token=- body=0:");
    assert_string_equal(ask(client, "DELETE http://h:1/p?q HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK\r\n"),
                        "DELETE /p ?q token=- body=0:");
    assert_string_equal(ask(client, "GET http://h?q HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK\r\n"),
                        "GET / ?q token=- body=0:");
    close(client);
}

static void head_of_the_answer(void **state)
{
    (void)state;
    char head[4096], body[4096];
    int client = harness_connect(&harness);

    put_text(client, "GET / HTTP/1.1\r\n" HOST "\r\n");
    get_answer(client, false, head, sizeof(head), body, sizeof(body));
    const char *date = strstr(head, "Date: ");
    assert_non_null(date);
    assert_memory_equal(
        head,
        "HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=15552000; includeSubDomains\r\n"
        "X-Test: yes\r\nContent-Type: text/plain\r\nContent-Length: 23\r\nDate: ",
        (size_t)(date + 6 - head));
    assert_string_equal(date + 6 + 29, "\r\nConnection: keep-alive\r\nKeep-Alive: timeout=1\r\n\r\n");
    assert_null(strstr(head, "Injected"));

    put_text(client, "GET /nothing HTTP/1.1\r\n" HOST "\r\n");
    get_answer(client, false, head, sizeof(head), body, sizeof(body));
    assert_memory_equal(head, "HTTP/1.1 204 No Content\r\n", 25);
    assert_null(strstr(head, "Content-Length"));
    close(client);
}

static void head_request_has_no_body(void **state)
{
    (void)state;
    int client = harness_connect(&harness);

    ask(client, "HEAD /x HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK\r\n");
    /* The next byte on the wire belongs to the next answer. */
    assert_string_equal(ask(client, "GET /y HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK\r\n"),
                        "GET /y ? token=- body=0:");
    close(client);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    char head[4096], body[4096];
    int client = harness_connect(&harness);
    int other = harness_connect(&harness);

    put_text(client, "GET /hold HTTP/1.1\r\n" HOST "\r\nPOST /2 HTTP/1.1\r\n" HOST
                     "Content-Length: 3\r\n\r\nabcGET /3 HTTP/1.1\r\n" HOST "\r\n");
    wait_for(&harness.held_seen, 1);
    ask(other, "GET /release HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK\r\n");
    get_answer(client, false, head, sizeof(head), body, sizeof(body));
    assert_string_equal(body, "released");
    get_answer(client, false, head, sizeof(head), body, sizeof(body));
    assert_string_equal(body, "POST /2 ? token=- body=3:abc");
    get_answer(client, false, head, sizeof(head), body, sizeof(body));
    assert_string_equal(body, "GET /3 ? token=- body=0:");
    close(client);
    close(other);
}

static void many_pipelined_big_answers_wait_for_the_reader(void **state)
{
    (void)state;
    static char head[4096], body[(1 << 20) + 1];
    int client = harness_connect(&harness);

    for (int i = 0; i < 20; i++)
        put_text(client, "GET /big HTTP/1.1\r\n" HOST "\r\n");
    for (int i = 0; i < 20; i++)
        get_answer(client, false, head, sizeof(head), body, sizeof(body));
    close(client);
}

static void bodies(void **state)
{
    (void)state;
    int client = harness_connect(&harness);

    assert_string_equal(
        ask(client, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello", "HTTP/1.1 200 OK"),
        "POST / ? token=- body=5:hello");
    assert_string_equal(ask(client,
                            "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                            "3;x=y\r\nhel\r\n02\r\nlo\r\n0\r\nTrailer: t\r\n\r\n",
                            "HTTP/1.1 200 OK"),
                        "POST / ? token=- body=5:hello");
    assert_string_equal(ask(client, "POST / HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK"),
                        "POST / ? token=- body=0:");
    assert_string_equal(
        ask(client, "DELETE / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx", "HTTP/1.1 200 OK"),
        "DELETE / ? token=- body=1:x");
    close(client);
}

static void body_in_single_bytes(void **state)
{
    (void)state;
    static const char request[] = "POST /slow HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                                  "3\r\nabc\r\n0\r\n\r\n";
    char head[4096], body[4096];
    int client = harness_connect(&harness);

    for (size_t i = 0; i < sizeof(request) - 1; i++) {
        put(client, request + i, 1);
        usleep(500);
    }
    get_answer(client, false, head, sizeof(head), body, sizeof(body));
    assert_string_equal(body, "POST /slow ? token=- body=3:abc");
    close(client);
}

static void expectation_is_answered(void **state)
{
    (void)state;
    char head[4096], body[4096];
    int client = harness_connect(&harness);

    put_text(client, "POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    get_answer(client, false, head, sizeof(head), body, sizeof(body));
    assert_string_equal(head, "HTTP/1.1 100 Continue\r\n\r\n");
    assert_string_equal(ask(client, "{}", "HTTP/1.1 200 OK"), "POST / ? token=- body=2:{}");
    close(client);
}

static void too_large_body_is_delivered_without(void **state)
{
    (void)state;
    char request[4096];
    char *x = memset(calloc(1, 2001), 'x', 2000);
    int client = harness_connect(&harness);

    snprintf(request, sizeof(request), "POST / HTTP/1.1\r\n" HOST "Content-Length: 2000\r\n\r\n%s", x);
    assert_string_equal(ask(client, request, "HTTP/1.1 200 OK"), "POST / ? token=- body=0: TOO LARGE");
    snprintf(request, sizeof(request),
             "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n7d0\r\n%s\r\n0\r\n\r\n", x);
    assert_string_equal(ask(client, request, "HTTP/1.1 200 OK"), "POST / ? token=- body=0: TOO LARGE");
    assert_string_equal(ask(client, "GET /after HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK"),
                        "GET /after ? token=- body=0:");
    /* Far too large, or not even begun: answered at once, and closed. */
    assert_string_equal(
        ask(client, "POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999\r\n\r\n", "HTTP/1.1 200 OK"),
        "POST / ? token=- body=0: TOO LARGE");
    assert_true(is_closed(client));
    close(client);
    client = harness_connect(&harness);
    assert_string_equal(ask(client,
                            "POST / HTTP/1.1\r\n" HOST "Content-Length: 2000\r\nExpect: 100-continue\r\n\r\n",
                            "HTTP/1.1 200 OK"),
                        "POST / ? token=- body=0: TOO LARGE");
    assert_true(is_closed(client));
    close(client);
    free(x);
}

static void garbage_is_answered_and_closed(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        const char *answer;
    } cases[] = {
        {"HELLO\r\n\r\n", "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"},
        {"\x16\x03\x01", "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"},
        {"BREW / HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"},
        {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"},
        {"GET / HTTP/2.0\r\n" HOST "\r\n",
         "HTTP/1.1 505 HTTP Version Not Supported\r\nConnection: close\r\n\r\n"},
        {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
         "HTTP/1.1 400 Bad Request\r\n"},
        {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
         "HTTP/1.1 400 Bad Request\r\n"},
        {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n", "HTTP/1.1 501 Not Implemented\r\n"},
    };
    struct gateway_counters counters;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char answer[512] = "";
        int client = harness_connect(&harness);

        put_text(client, cases[i].request);
        get(client, answer, strlen(cases[i].answer));
        assert_string_equal(answer, cases[i].answer);
        while (recv(client, answer, sizeof(answer), 0) > 0)
            ;
        close(client);
    }
    gateway_counters(harness.gateway, &counters);
    assert_int_equal(counters.bad_requests, sizeof(cases) / sizeof(cases[0]));
}

static void endless_head_is_refused(void **state)
{
    (void)state;
    char answer[64] = "";
    int client = harness_connect(&harness);

    put_text(client, "GET / HTTP/1.1\r\nX: ");
    for (int i = 0; i < 18; i++) {
        char piece[1000];
        memset(piece, 'a', sizeof(piece));
        put(client, piece, sizeof(piece));
    }
    get(client, answer, 48);
    assert_string_equal(answer, "HTTP/1.1 431 Request Header Fields Too Large\r\nCo");
    close(client);
}

static void old_and_closing_clients(void **state)
{
    (void)state;
    char head[4096], body[4096];
    int client = harness_connect(&harness);

    put_text(client, "GET / HTTP/1.0\r\n\r\n");
    get_answer(client, false, head, sizeof(head), body, sizeof(body));
    assert_memory_equal(head, "HTTP/1.1 200 OK\r\n", 17);
    assert_non_null(strstr(head, "\r\nConnection: close\r\n\r\n"));
    assert_true(is_closed(client));
    close(client);

    client = harness_connect(&harness);
    ask(client, "GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "HTTP/1.1 200 OK");
    assert_true(is_closed(client));
    close(client);

    client = harness_connect(&harness);
    ask(client, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "HTTP/1.1 200 OK");
    ask(client, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK");
    assert_true(is_closed(client));
    close(client);
}

static void slow_and_idle_clients_are_closed(void **state)
{
    (void)state;
    char answer[64] = "";
    struct gateway_counters counters;
    int silent = harness_connect(&harness);
    int slow = harness_connect(&harness);
    int idle = harness_connect(&harness);
    int body = harness_connect(&harness);

    put_text(slow, "GET / HT");
    put_text(body, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n");
    ask(idle, "GET / HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK");
    assert_true(is_closed(silent));
    get(slow, answer, 30);
    assert_string_equal(answer, "HTTP/1.1 408 Request Timeout\r\n");
    get(body, answer, 30);
    assert_string_equal(answer, "HTTP/1.1 408 Request Timeout\r\n");
    assert_true(is_closed(idle));
    gateway_counters(harness.gateway, &counters);
    assert_int_equal(counters.timeouts, 4);
    close(silent);
    close(slow);
    close(idle);
    close(body);
}

static void main_thread_hears_of_a_client_that_left(void **state)
{
    (void)state;
    int client = harness_connect(&harness);

    put_text(client, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    wait_for(&harness.held_seen, 1);
    close(client);
    wait_for(&harness.gone, 1);
    client = harness_connect(&harness);
    /* Answers the one that has gone, too. */
    ask(client, "GET /release HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK");
    close(client);
}

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[512];

    assert_in_range(snprintf(path, sizeof(path), "%s/%s", folder, name), 1, sizeof(path) - 1);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void demo_files(void **state)
{
    (void)state;
    char folder[] = "/tmp/gateway_demo.XXXXXX";
    char path[512], etag[256], head[4096], body[4096];
    struct harness demo;

    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/root", folder);
    mkdir(path, 0700);
    write_file(path, "index.html", "<p>demo");
    write_file(path, "app.js", "1;");
    write_file(path, ".hidden", "no");
    write_file(folder, "secret", "no");
    snprintf(path, sizeof(path), "%s/root/sub", folder);
    mkdir(path, 0700);
    snprintf(path, sizeof(path), "%s/root", folder);

    harness_init(&demo);
    demo.config.demo_root = path;
    harness_start(&demo);
    int client = harness_connect(&demo);

    assert_string_equal(ask(client, "GET /demo/ HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK"), "<p>demo");
    put_text(client, "GET /demo/app%2ejs?v=1 HTTP/1.1\r\n" HOST "\r\n");
    get_answer(client, false, head, sizeof(head), body, sizeof(body));
    assert_string_equal(body, "1;");
    assert_non_null(strstr(head, "Content-Type: text/javascript; charset=utf-8\r\n"));
    snprintf(etag, sizeof(etag), "GET /demo/app.js HTTP/1.1\r\n" HOST "If-None-Match: %.*s\r\n\r\n",
             (int)strcspn(strstr(head, "ETag: ") + 6, "\r"), strstr(head, "ETag: ") + 6);
    ask(client, etag, "HTTP/1.1 304 Not Modified");
    ask(client, "HEAD /demo/app.js HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK");

    ask(client, "GET / HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 302 Found");
    ask(client, "GET /demo HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 302 Found");
    ask(client, "GET /demo/sub HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 302 Found");
    ask(client, "GET /demo/sub/ HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 404 Not Found");
    ask(client, "POST /demo/ HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx", "HTTP/1.1 405");
    static const char *const outside[] = {
        "../secret", "%2e%2e/secret", "sub/../../secret", "sub/..%2f..%2fsecret", ".hidden", "nothing",
        "%00",       "%zz",           "app.js/x"};
    for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
        char request[256];
        snprintf(request, sizeof(request), "GET /demo/%s HTTP/1.1\r\n" HOST "\r\n", outside[i]);
        assert_string_equal(ask(client, request, "HTTP/1.1 404 Not Found"), "Not Found");
    }
    assert_string_equal(ask(client, "GET /demo/api/x HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK"),
                        "GET /demo/api/x ? token=- body=0:");
    assert_string_equal(ask(client, "GET /demonic HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK"),
                        "GET /demonic ? token=- body=0:");
    close(client);
    harness_stop(&demo);

    snprintf(path, sizeof(path), "rm -r %s", folder);
    assert_int_equal(system(path), 0);
}

static void errors_of_the_start_are_clear(void **state)
{
    (void)state;
    static const struct gateway_handler handler = {0};
    struct gateway_config config = harness.config;
    struct gateway *gateway = NULL;
    char error[GATEWAY_ERROR_MAX] = "";
    char expected[GATEWAY_ERROR_MAX];

    config.port = gateway_port(harness.gateway);
    assert_int_equal(gateway_create(&config, harness.base, &handler, NULL, &gateway, error, sizeof(error)),
                     -EADDRINUSE);
    snprintf(expected, sizeof(expected), "cannot listen on 127.0.0.1 port %u: Address already in use",
             config.port);
    assert_string_equal(error, expected);
    config.host = "localhost.invalid";
    assert_int_equal(gateway_create(&config, harness.base, &handler, NULL, &gateway, error, sizeof(error)),
                     -EINVAL);
    assert_string_equal(error, "localhost.invalid is no address to listen on");
    assert_null(gateway);
}

static void connections_are_capped(void **state)
{
    (void)state;
    struct harness small;
    struct gateway_counters counters;

    harness_init(&small);
    small.config.max_connections = 2;
    harness_start(&small);
    int first = harness_connect(&small);
    int second = harness_connect(&small);
    ask(first, "GET / HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK");
    ask(second, "GET / HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK");
    int third = harness_connect(&small);
    assert_true(is_closed(third));
    gateway_counters(small.gateway, &counters);
    assert_int_equal(counters.refused, 1);
    assert_int_equal(counters.connections_now, 2);
    close(first);
    close(second);
    close(third);
    harness_stop(&small);
}

static void who_brings_no_request_makes_room(void **state)
{
    (void)state;
    struct harness small;
    struct gateway_counters counters;
    int silent[300];

    harness_init(&small);
    small.config.max_connections = 4;
    harness_start(&small);
    int known = harness_connect(&small);
    ask(known, "GET / HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK");
    for (int i = 0; i < 300; i++) {
        silent[i] = harness_connect(&small);
        if (i % 3 == 1)
            put_text(silent[i], "GET / HT");
        if (i % 3 == 2)
            put_text(silent[i], "POST / HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\nx");
    }
    int next = harness_connect(&small);
    ask(next, "GET / HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK");
    assert_true(is_closed(silent[0]));
    ask(known, "GET / HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK");
    gateway_counters(small.gateway, &counters);
    assert_true(counters.connections_now <= 4);
    assert_true(counters.cut >= 250);
    close(known);
    close(next);
    for (int i = 0; i < 300; i++)
        close(silent[i]);
    harness_stop(&small);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(request_is_handed_over_as_sent),
        TEST(head_of_the_answer),
        TEST(head_request_has_no_body),
        TEST(pipelined_requests_are_answered_in_order),
        TEST(many_pipelined_big_answers_wait_for_the_reader),
        TEST(bodies),
        TEST(body_in_single_bytes),
        TEST(expectation_is_answered),
        TEST(too_large_body_is_delivered_without),
        TEST(garbage_is_answered_and_closed),
        TEST(endless_head_is_refused),
        TEST(old_and_closing_clients),
        TEST(slow_and_idle_clients_are_closed),
        TEST(main_thread_hears_of_a_client_that_left),
        TEST(demo_files),
        TEST(errors_of_the_start_are_clear),
        TEST(connections_are_capped),
        TEST(who_brings_no_request_makes_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
