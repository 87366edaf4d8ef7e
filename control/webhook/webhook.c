#include "control/webhook/webhook.h"

#include <curl/curl.h>
#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "control/counters.h"
#include "control/log.h"
#include "control/webhook/curl_loop.h"

#define SLOTS 8
#define ANSWER_BYTES_MAX 65536

TAILQ_HEAD(post_list, post);

struct post {
    struct webhook *webhook;
    struct post_list *list; /* that it is on */
    char *body;
    unsigned tries;
    CURL *easy;          /* while it is under way */
    struct event *timer; /* until the next try */
    size_t answer_bytes;
    TAILQ_ENTRY(post) link;
};

struct webhook {
    struct webhook_config config;
    char *url;
    struct curl_slist *headers;
    struct curl_loop *loop;
    struct post_list waiting; /* for a slot, oldest first */
    struct post_list active;
    struct post_list sleeping; /* until their next try */
    size_t count;              /* in all three */
    unsigned active_count;
};

void webhook_config_init(struct webhook_config *config)
{
    *config = (struct webhook_config){
        .timeout_ms = 5000,
        .tries = 4,
        .backoff_ms = 1000,
        .queue_max = 1000,
    };
}

int webhook_check_url(const char *url)
{
    char *scheme = NULL, *host = NULL;
    CURLU *parts = curl_url();
    if (!parts)
        return -ENOMEM;
    bool is_url = curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
                  curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                  curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                  (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(parts);
    return is_url ? 0 : -EINVAL;
}

static void set_timer(struct event *timer, unsigned delay_ms)
{
    struct timeval delay = {.tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000};
    event_add(timer, &delay);
}

static void move(struct post *post, struct post_list *list)
{
    if (post->list)
        TAILQ_REMOVE(post->list, post, link);
    if (list)
        TAILQ_INSERT_TAIL(list, post, link);
    post->list = list;
}

static void forget(struct post *post)
{
    move(post, NULL);
    post->webhook->count--;
    event_free(post->timer);
    free(post->body);
    free(post);
}

static void stop_transfer(struct post *post)
{
    struct webhook *webhook = post->webhook;
    webhook->active_count--;
    curl_loop_remove(webhook->loop, post->easy);
    curl_easy_cleanup(post->easy);
    post->easy = NULL;
}

/* The answer's status is all that counts; one that does not end is cut off. */
static size_t on_answer(char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes;
    struct post *post = context;
    post->answer_bytes += size * count;
    return post->answer_bytes <= ANSWER_BYTES_MAX ? size * count : 0;
}

static CURL *make_easy(struct post *post)
{
    struct webhook *webhook = post->webhook;
    CURL *easy = curl_easy_init();
    if (!easy)
        return NULL;
    curl_easy_setopt(easy, CURLOPT_URL, webhook->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, webhook->headers);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "kolabmeetd/" KM_VERSION);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, post->body);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)webhook->config.timeout_ms);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, post);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, post);
    return easy;
}

static void give_up(struct post *post, const char *why)
{
    log_every_s(1, log_error, "webhook", "an event was not delivered: %s", why);
    counters_count(COUNTER_WEBHOOK_LOST);
    forget(post);
}

static void start(struct post *post)
{
    struct webhook *webhook = post->webhook;
    CURL *easy = make_easy(post);
    if (!easy || curl_loop_add(webhook->loop, easy)) {
        curl_easy_cleanup(easy);
        give_up(post, "out of memory");
        return;
    }
    move(post, &webhook->active);
    post->easy = easy;
    post->tries++;
    post->answer_bytes = 0;
    webhook->active_count++;
}

static void start_waiting(struct webhook *webhook)
{
    struct post *post;
    while (webhook->active_count < SLOTS && (post = TAILQ_FIRST(&webhook->waiting)))
        start(post);
}

static void on_next_try(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct post *post = context;
    move(post, &post->webhook->waiting);
    start_waiting(post->webhook);
}

static void try_again(struct post *post, const char *why)
{
    struct webhook *webhook = post->webhook;
    unsigned delay_ms = webhook->config.backoff_ms;
    for (unsigned i = 1; i < post->tries; i++)
        delay_ms *= 4;
    log_every_s(1, log_warn, "webhook", "try %u of %u failed: %s", post->tries, webhook->config.tries, why);
    counters_count(COUNTER_WEBHOOK_RETRIES);
    set_timer(post->timer, delay_ms);
    move(post, &webhook->sleeping);
}

static bool may_pass(long status)
{
    return status == 0 || status == 408 || status == 429 || status >= 500;
}

static void finish(struct post *post, CURLcode result)
{
    struct webhook *webhook = post->webhook;
    long status = 0;
    curl_easy_getinfo(post->easy, CURLINFO_RESPONSE_CODE, &status);
    /* The status has come even if what follows it was cut off. */
    if (result != CURLE_OK && post->answer_bytes <= ANSWER_BYTES_MAX)
        status = 0;
    char why[128];
    if (status)
        snprintf(why, sizeof(why), "status %ld", status);
    else
        snprintf(why, sizeof(why), "%s", curl_easy_strerror(result));
    stop_transfer(post);

    if (status < 200 || status >= 300) {
        if (may_pass(status) && post->tries < webhook->config.tries) {
            try_again(post, why);
            return;
        }
        give_up(post, why);
        return;
    }
    counters_count(COUNTER_WEBHOOK_DELIVERED);
    forget(post);
}

static void on_done(CURL *easy, CURLcode result)
{
    struct post *post;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &post);
    struct webhook *webhook = post->webhook;
    finish(post, result);
    start_waiting(webhook);
}

static int add_header(struct webhook *webhook, const char *header)
{
    struct curl_slist *longer = curl_slist_append(webhook->headers, header);
    if (!longer)
        return -ENOMEM;
    webhook->headers = longer;
    return 0;
}

static int make_headers(struct webhook *webhook, const char *token)
{
    int error = add_header(webhook, "Content-Type: application/json");
    if (!error)
        error = add_header(webhook, "Accept: application/json, text/plain, */*");
    if (!error)
        error = add_header(webhook, "Expect:");
    if (error || !token)
        return error;
    char *header;
    if (asprintf(&header, "X-Auth-Token: %s", token) < 0)
        return -ENOMEM;
    error = add_header(webhook, header);
    explicit_bzero(header, strlen(header));
    free(header);
    return error;
}

int webhook_create(const struct webhook_config *config, struct webhook **ret_webhook)
{
    int error = webhook_check_url(config->url);
    if (error)
        return error;
    struct webhook *webhook = calloc(1, sizeof(*webhook));
    if (!webhook)
        return -ENOMEM;
    webhook->config = *config;
    webhook->config.url = webhook->config.token = NULL;
    TAILQ_INIT(&webhook->waiting);
    TAILQ_INIT(&webhook->active);
    TAILQ_INIT(&webhook->sleeping);
    webhook->url = strdup(config->url);
    if (!webhook->url || curl_loop_create(config->base, on_done, &webhook->loop) ||
        make_headers(webhook, config->token)) {
        webhook_destroy(webhook);
        return -ENOMEM;
    }
    *ret_webhook = webhook;
    return 0;
}

static void drop_all(struct post_list *list)
{
    struct post *post;
    while ((post = TAILQ_FIRST(list)))
        forget(post);
}

void webhook_destroy(struct webhook *webhook)
{
    if (!webhook)
        return;
    if (webhook->count)
        log_warn("webhook", "%zu events were not delivered", webhook->count);
    struct post *post;
    while ((post = TAILQ_FIRST(&webhook->active))) {
        stop_transfer(post);
        forget(post);
    }
    drop_all(&webhook->waiting);
    drop_all(&webhook->sleeping);
    curl_loop_destroy(webhook->loop);
    for (struct curl_slist *header = webhook->headers; header; header = header->next)
        explicit_bzero(header->data, strlen(header->data));
    curl_slist_free_all(webhook->headers);
    free(webhook->url);
    free(webhook);
}

void webhook_post(struct webhook *webhook, json_t *body)
{
    if (!webhook || webhook->count >= webhook->config.queue_max) {
        if (webhook) {
            log_every_s(10, log_error, "webhook", "an event was not delivered: too many wait");
            counters_count(COUNTER_WEBHOOK_LOST);
        }
        json_decref(body);
        return;
    }
    struct post *post = calloc(1, sizeof(*post));
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    struct event *timer = post ? event_new(webhook->config.base, -1, 0, on_next_try, post) : NULL;
    if (!text || !timer) {
        if (timer)
            event_free(timer);
        free(text);
        free(post);
        counters_count(COUNTER_WEBHOOK_LOST);
        return;
    }
    *post = (struct post){.webhook = webhook, .body = text, .timer = timer};
    move(post, &webhook->waiting);
    webhook->count++;
    start_waiting(webhook);
}

size_t webhook_pending(const struct webhook *webhook)
{
    return webhook ? webhook->count : 0;
}
