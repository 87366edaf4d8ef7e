#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <string.h>

#include "control/counters.h"
#include "control/webhook/webhook.h"

/* The application's end: answers with the next of the statuses, 0 never. */
struct receiver {
    struct event_base *base;
    struct evhttp *http;
    uint16_t port;
    unsigned statuses[16];
    unsigned count;
    char bodies[16][256];
    bool floods;
};

static void on_request(struct evhttp_request *request, void *context)
{
    struct receiver *receiver = context;
    unsigned number = receiver->count++;
    assert_true(number < 16);
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    evbuffer_copyout(body, receiver->bodies[number], sizeof(receiver->bodies[0]) - 1);
    struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    assert_string_equal(evhttp_find_header(headers, "X-Auth-Token"), "hush");
    assert_string_equal(evhttp_find_header(headers, "Content-Type"), "application/json");
    unsigned status = receiver->statuses[number];
    if (!status)
        return;
    if (status >= 300 && status < 400)
        evhttp_add_header(evhttp_request_get_output_headers(request), "Location", "/elsewhere");
    struct evbuffer *answer = evbuffer_new();
    for (int i = 0; receiver->floods && i < 4096; i++)
        evbuffer_add_printf(answer, "%1024d", i);
    evhttp_send_reply(request, (int)status, "x", answer);
    evbuffer_free(answer);
}

static void receiver_open(struct receiver *receiver)
{
    memset(receiver, 0, sizeof(*receiver));
    receiver->base = event_base_new();
    receiver->http = evhttp_new(receiver->base);
    struct evhttp_bound_socket *bound = evhttp_bind_socket_with_handle(receiver->http, "127.0.0.1", 0);
    assert_non_null(bound);
    struct sockaddr_in address;
    socklen_t length = sizeof(address);
    getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &length);
    receiver->port = ntohs(address.sin_port);
    evhttp_set_gencb(receiver->http, on_request, receiver);
}

static void receiver_close(struct receiver *receiver)
{
    evhttp_free(receiver->http);
    event_base_free(receiver->base);
}

static void run(struct receiver *receiver, unsigned ms)
{
    struct timeval time = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    event_base_loopexit(receiver->base, &time);
    event_base_dispatch(receiver->base);
}

/* Until so many requests came and a counter has got that far, and a moment longer. */
static void run_until(struct receiver *receiver, unsigned count, enum counter counter, uint64_t value)
{
    for (unsigned i = 0; i < 3000 && (receiver->count < count || counters_get(counter) < value); i++)
        run(receiver, 10);
    run(receiver, 30);
}

static struct webhook *make(struct receiver *receiver, unsigned timeout_ms, unsigned queue_max)
{
    char url[64];
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/hook", receiver->port);
    struct webhook_config config;
    webhook_config_init(&config);
    config.base = receiver->base;
    config.url = url;
    config.token = "hush";
    config.timeout_ms = timeout_ms;
    config.tries = 3;
    config.backoff_ms = 10;
    config.queue_max = queue_max;
    struct webhook *webhook;
    assert_int_equal(webhook_create(&config, &webhook), 0);
    return webhook;
}

static void test_delivers(void **state)
{
    (void)state;
    struct receiver receiver;
    receiver_open(&receiver);
    receiver.statuses[0] = 200;
    receiver.statuses[1] = 204;
    uint64_t delivered = counters_get(COUNTER_WEBHOOK_DELIVERED);
    struct webhook *webhook = make(&receiver, 1000, 10);
    webhook_post(webhook, json_pack("{s:s,s:s}", "roomId", "r", "event", "roomClosed"));
    webhook_post(webhook, json_pack("{s:i}", "n", 2));
    webhook_post(NULL, json_pack("{s:i}", "n", 3));
    run_until(&receiver, 2, COUNTER_WEBHOOK_DELIVERED, delivered + 2);
    assert_int_equal(receiver.count, 2);
    assert_string_equal(receiver.bodies[0], "{\"roomId\":\"r\",\"event\":\"roomClosed\"}");
    assert_int_equal(counters_get(COUNTER_WEBHOOK_DELIVERED), delivered + 2);
    webhook_destroy(webhook);
    receiver_close(&receiver);
}

static void test_tries_again_what_may_pass(void **state)
{
    (void)state;
    struct receiver receiver;
    receiver_open(&receiver);
    memcpy(receiver.statuses, (unsigned[]){500, 0, 200}, 3 * sizeof(unsigned));
    uint64_t retries = counters_get(COUNTER_WEBHOOK_RETRIES), lost = counters_get(COUNTER_WEBHOOK_LOST);
    uint64_t delivered = counters_get(COUNTER_WEBHOOK_DELIVERED);
    struct webhook *webhook = make(&receiver, 600, 10);
    webhook_post(webhook, json_pack("{s:i}", "n", 1));
    run_until(&receiver, 3, COUNTER_WEBHOOK_DELIVERED, delivered + 1);
    assert_int_equal(receiver.count, 3);
    assert_string_equal(receiver.bodies[2], "{\"n\":1}");
    assert_int_equal(counters_get(COUNTER_WEBHOOK_RETRIES), retries + 2);
    assert_int_equal(counters_get(COUNTER_WEBHOOK_LOST), lost);
    webhook_destroy(webhook);
    receiver_close(&receiver);
}

static void test_gives_up(void **state)
{
    (void)state;
    static const unsigned answers[][4] = {{503, 503, 503, 200}, {403, 200}, {302, 200}};
    static const unsigned tries[] = {3, 1, 1};
    for (size_t i = 0; i < 3; i++) {
        struct receiver receiver;
        receiver_open(&receiver);
        memcpy(receiver.statuses, answers[i], sizeof(answers[i]));
        uint64_t lost = counters_get(COUNTER_WEBHOOK_LOST);
        struct webhook *webhook = make(&receiver, 1000, 10);
        webhook_post(webhook, json_pack("{s:i}", "n", 1));
        run_until(&receiver, tries[i], COUNTER_WEBHOOK_LOST, lost + 1);
        assert_int_equal(receiver.count, tries[i]);
        assert_int_equal(counters_get(COUNTER_WEBHOOK_LOST), lost + 1);
        webhook_destroy(webhook);
        receiver_close(&receiver);
    }
}

static void test_answer_without_end_is_cut_off(void **state)
{
    (void)state;
    struct receiver receiver;
    receiver_open(&receiver);
    receiver.floods = true;
    receiver.statuses[0] = 200;
    uint64_t delivered = counters_get(COUNTER_WEBHOOK_DELIVERED);
    struct webhook *webhook = make(&receiver, 5000, 10);
    webhook_post(webhook, json_pack("{s:i}", "n", 1));
    run_until(&receiver, 1, COUNTER_WEBHOOK_DELIVERED, delivered + 1);
    assert_int_equal(receiver.count, 1);
    assert_int_equal(counters_get(COUNTER_WEBHOOK_DELIVERED), delivered + 1);
    webhook_destroy(webhook);
    receiver_close(&receiver);
}

static void test_queue_is_bounded_and_dropped_at_the_end(void **state)
{
    (void)state;
    struct receiver receiver;
    receiver_open(&receiver);
    uint64_t lost = counters_get(COUNTER_WEBHOOK_LOST);
    struct webhook *webhook = make(&receiver, 5000, 12);
    for (int i = 0; i < 14; i++)
        webhook_post(webhook, json_pack("{s:i}", "n", i));
    assert_int_equal(counters_get(COUNTER_WEBHOOK_LOST), lost + 2);
    run_until(&receiver, 8, COUNTER_WEBHOOK_LOST, lost + 2);
    assert_int_equal(receiver.count, 8); /* at once; nobody answers */
    webhook_destroy(webhook);
    receiver_close(&receiver);
}

static void test_nobody_listens(void **state)
{
    (void)state;
    struct receiver receiver;
    receiver_open(&receiver);
    struct webhook *webhook = make(&receiver, 1000, 10);
    evhttp_free(receiver.http);
    receiver.http = evhttp_new(receiver.base);
    uint64_t lost = counters_get(COUNTER_WEBHOOK_LOST);
    webhook_post(webhook, json_pack("{s:i}", "n", 1));
    run_until(&receiver, 0, COUNTER_WEBHOOK_LOST, lost + 1);
    assert_int_equal(counters_get(COUNTER_WEBHOOK_LOST), lost + 1);
    webhook_destroy(webhook);
    receiver_close(&receiver);
}

static void test_urls(void **state)
{
    (void)state;
    assert_int_equal(webhook_check_url("https://kolab.example.org/api/webhooks/meet"), 0);
    assert_int_equal(webhook_check_url("http://[::1]:8000/"), 0);
    static const char *const wrong[] = {"", "kolab.example.org/x", "file:///etc/passwd", "gopher://x/",
                                        "http://"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(webhook_check_url(wrong[i]), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delivers),
        cmocka_unit_test(test_tries_again_what_may_pass),
        cmocka_unit_test(test_gives_up),
        cmocka_unit_test(test_answer_without_end_is_cut_off),
        cmocka_unit_test(test_queue_is_bounded_and_dropped_at_the_end),
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
