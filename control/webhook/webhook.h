/* Events of rooms, posted as JSON to the web application. Nothing waits for it: posts are queued, several are
 * under way at once on the event loop, and one that fails is tried again later.
 *
 *   queued ── a slot is free ──► under way ── 2xx ──► done
 *      ▲                             ├── 4xx, 3xx ──► given up
 *      └── some seconds ◄── no answer, 408, 429, 5xx ── tries left
 *
 * Redirects are not followed, answers are not read. The queue is bounded: what does not fit is counted and
 * dropped. */
#pragma once

#include <jansson.h>
#include <stddef.h>

struct event_base;
struct webhook;

struct webhook_config {
    struct event_base *base;
    const char *url;   /* http: or https: */
    const char *token; /* for X-Auth-Token; NULL: none is sent */
    unsigned timeout_ms;
    unsigned tries;
    unsigned backoff_ms; /* before the second try; four times as long before each further one */
    unsigned queue_max;
};

/* 5 s, 4 tries after 1, 4 and 16 s, 1000 events; the rest zero. */
void webhook_config_init(struct webhook_config *config);

/* Copies url and token. -EINVAL for a URL that is none, -ENOMEM. */
int webhook_create(const struct webhook_config *config, struct webhook **ret_webhook);
/* What waits or is under way is dropped. */
void webhook_destroy(struct webhook *webhook);

/* Steals body. A NULL webhook, nobody wants to know, is fine. */
void webhook_post(struct webhook *webhook, json_t *body);

/* How many events are not delivered yet; 0 for NULL. */
size_t webhook_pending(const struct webhook *webhook);

/* Whether it can be posted to at all. */
int webhook_check_url(const char *url);
