#include "control/signaling/signaling.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "control/log.h"
#include "control/signaling/query.h"
#include "control/signaling/session.h"

struct signaling_entry {
    uint64_t websocket;
    struct session *session;
    TAILQ_ENTRY(signaling_entry) link;
};

struct signaling {
    struct session_config config;
    void *by_websocket; /* tsearch(3) tree of struct signaling_entry */
    TAILQ_HEAD(, signaling_entry) entries;
};

void signaling_config_init(struct signaling_config *config)
{
    *config = (struct signaling_config){
        .ping_interval_ms = 25 * 1000,
        .ping_timeout_ms = 20 * 1000,
        .connect_timeout_ms = 45 * 1000,
    };
}

int signaling_create(const struct signaling_config *config, struct signaling **ret_signaling)
{
    struct signaling *signaling = calloc(1, sizeof(*signaling));
    if (!signaling)
        return -ENOMEM;
    signaling->config = (struct session_config){
        .base = config->base,
        .rooms = config->rooms,
        .ping_interval_ms = config->ping_interval_ms,
        .ping_timeout_ms = config->ping_timeout_ms,
        .connect_timeout_ms = config->connect_timeout_ms,
    };
    TAILQ_INIT(&signaling->entries);
    *ret_signaling = signaling;
    return 0;
}

void signaling_set_gateway(struct signaling *signaling, struct gateway *gateway)
{
    signaling->config.gateway = gateway;
}

static int compare_entries(const void *a, const void *b)
{
    uint64_t left = ((const struct signaling_entry *)a)->websocket,
             right = ((const struct signaling_entry *)b)->websocket;
    return (left > right) - (left < right);
}

static struct signaling_entry *find_entry(struct signaling *signaling, uint64_t websocket)
{
    struct signaling_entry key = {.websocket = websocket};
    struct signaling_entry *const *found = tfind(&key, &signaling->by_websocket, compare_entries);
    return found ? *found : NULL;
}

static void remove_entry(struct signaling *signaling, struct signaling_entry *entry)
{
    tdelete(entry, &signaling->by_websocket, compare_entries);
    TAILQ_REMOVE(&signaling->entries, entry, link);
    session_destroy(entry->session);
    free(entry);
}

void signaling_destroy(struct signaling *signaling)
{
    if (!signaling)
        return;
    struct signaling_entry *entry;
    while ((entry = TAILQ_FIRST(&signaling->entries)))
        remove_entry(signaling, entry);
    free(signaling);
}

const char *signaling_check_upgrade(const char *query)
{
    char value[16];
    if (query_find(query, "transport", value, sizeof(value)) || strcmp(value, "websocket") != 0)
        return "Transport unknown";
    if (query_find(query, "sid", value, sizeof(value)) != -ENOENT)
        return "Session ID unknown";
    if (query_find(query, "EIO", value, sizeof(value)) || strcmp(value, "4") != 0)
        return "Unsupported protocol version";
    return NULL;
}

void signaling_open(struct signaling *signaling, uint64_t websocket, const char *query)
{
    struct signaling_entry *entry = calloc(1, sizeof(*entry));
    if (!entry || session_create(&signaling->config, websocket, query, &entry->session)) {
        log_every_s(10, log_error, "signaling", "no memory for a session");
        free(entry);
        gateway_ws_close(signaling->config.gateway, websocket, 1013);
        return;
    }
    entry->websocket = websocket;
    TAILQ_INSERT_TAIL(&signaling->entries, entry, link);
    if (!tsearch(entry, &signaling->by_websocket, compare_entries)) {
        remove_entry(signaling, entry);
        gateway_ws_close(signaling->config.gateway, websocket, 1013);
    }
}

void signaling_message(struct signaling *signaling, uint64_t websocket, const uint8_t *data, size_t length,
                       bool binary)
{
    struct signaling_entry *entry = find_entry(signaling, websocket);
    if (!entry)
        return;
    if (binary)
        session_receive_binary(entry->session);
    else
        session_receive(entry->session, (const char *)data, length);
}

void signaling_close(struct signaling *signaling, uint64_t websocket)
{
    struct signaling_entry *entry = find_entry(signaling, websocket);
    if (entry)
        remove_entry(signaling, entry);
}

bool signaling_owns_path(const char *path)
{
    size_t length = sizeof(SIGNALING_PATH) - 1;
    return strncmp(path, SIGNALING_PATH, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/* engine.io's errors; HTTP long-polling is a transport that this server does not have. */
void signaling_answer_http(struct signaling *signaling, const struct gateway_http_request *request)
{
    char value[16];
    const char *body = "{\"code\":0,\"message\":\"Transport unknown\"}";
    if (query_find(request->query, "transport", value, sizeof(value)) == 0 && strcmp(value, "websocket") == 0)
        body = "{\"code\":3,\"message\":\"Bad request\"}";
    gateway_http_respond(signaling->config.gateway, request->id, 400, "application/json", NULL, 0, body,
                         strlen(body));
}
