/* Signaling's end of the gateway: sessions by websocket, and the HTTP requests below its path. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/gateway/gateway.h"

struct address_limits;
struct rooms;
struct signaling;

#define SIGNALING_PATH "/meetmedia/signaling"

struct signaling_config {
    struct event_base *base;
    struct rooms *rooms;
    unsigned ping_interval_ms;
    unsigned ping_timeout_ms;
    unsigned connect_timeout_ms;
    unsigned upgrade_timeout_ms;
    unsigned linger_ms;
    size_t max_sessions;
    size_t message_bytes_max;
    struct address_limits *limits; /* of sessions and requests; NULL: none */
};

/* 25 s, 20 s, 45 s, 10 s, 30 s; 8192 sessions, messages of 1,000,000 bytes; the rest zero. */
void signaling_config_init(struct signaling_config *config);

int signaling_create(const struct signaling_config *config, struct signaling **ret_signaling);
/* After gateway_destroy. */
void signaling_destroy(struct signaling *signaling);

/* Before the first event. */
void signaling_set_gateway(struct signaling *signaling, struct gateway *gateway);

/* What the gateway's handler hands on. */
const char *signaling_check_upgrade(struct signaling *signaling, const char *query);
/* Right after signaling_check_upgrade. address: the client's. */
void signaling_open(struct signaling *signaling, uint64_t websocket, const char *query, const char *address);
void signaling_message(struct signaling *signaling, uint64_t websocket, const uint8_t *data, size_t length,
                       bool binary);
void signaling_close(struct signaling *signaling, uint64_t websocket);

/* Whether an HTTP request's path is signaling's, and the answer to it, now or later: long polling. */
bool signaling_owns_path(const char *path);
void signaling_answer_http(struct signaling *signaling, const struct gateway_http_request *request);
/* The client went away before the answer; it may be anybody's request. */
void signaling_http_gone(struct signaling *signaling, uint64_t request_id);
