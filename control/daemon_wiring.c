#include "control/api/api.h"
#include "control/config.h"
#include "control/counters.h"
#include "control/daemon_private.h"
#include "control/forwarder/forwarder.h"
#include "control/gateway/gateway.h"
#include "control/log.h"
#include "control/origins.h"
#include "control/room/floor.h"
#include "control/room/rooms.h"
#include "control/signaling/session.h"
#include "control/signaling/signaling.h"
#include "control/transport/webrtc_transport.h"

static void on_stun(void *context, uint64_t transport, uint32_t worker, const struct sockaddr *remote,
                    const uint8_t *data, size_t length)
{
    struct daemon *daemon = context;
    webrtc_service_stun(daemon->webrtc, transport, worker, remote, data, length);
}

static void on_dtls(void *context, uint64_t transport, uint32_t worker, const struct sockaddr *remote,
                    const uint8_t *data, size_t length)
{
    struct daemon *daemon = context;
    webrtc_service_dtls(daemon->webrtc, transport, worker, remote, data, length);
}

static void on_consent(void *context, uint64_t transport, bool lost)
{
    struct daemon *daemon = context;
    webrtc_service_consent(daemon->webrtc, transport, lost);
}

static void on_layers_changed(void *context, uint64_t consumer, int spatial, int temporal)
{
    struct daemon *daemon = context;
    rooms_layers_changed(daemon->rooms, consumer, spatial, temporal);
}

static void on_score_changed(void *context, uint64_t consumer, unsigned score, unsigned producer_score,
                             const unsigned *producer_scores, size_t count)
{
    struct daemon *daemon = context;
    rooms_score_changed(daemon->rooms, consumer, score, producer_score, producer_scores, count);
}

static void on_audio_levels(void *context, const struct forwarder_level *levels, size_t count)
{
    struct daemon *daemon = context;
    rooms_audio_levels(daemon->rooms, levels, count, floor_now_ms());
}

static void on_ready(void *context)
{
    struct daemon *daemon = context;
    forwarder_set_counts(daemon->forwarder, (uint32_t)rooms_count(daemon->rooms),
                         (uint32_t)rooms_count_peers(daemon->rooms));
    log_info("daemon", "the forwarder is ready");
}

static void on_lost(void *context)
{
    struct daemon *daemon = context;
    rooms_forwarder_lost(daemon->rooms);
}

static void on_failed(void *context, uint64_t transport)
{
    struct daemon *daemon = context;
    rooms_transport_failed(daemon->rooms, transport);
}

const struct forwarder_handler daemon_forwarder_handler = {
    .on_stun = on_stun,
    .on_dtls = on_dtls,
    .on_consent = on_consent,
    .on_layers_changed = on_layers_changed,
    .on_score_changed = on_score_changed,
    .on_audio_levels = on_audio_levels,
    .on_ready = on_ready,
    .on_lost = on_lost,
    .on_failed = on_failed,
};

static bool is_from_allowed_page(const struct daemon *daemon, const struct gateway_http_request *request)
{
    if (origins_allow(daemon->config->allowed_origins, request->origin))
        return true;
    counters_count(COUNTER_ORIGINS_REFUSED);
    log_every_s(10, log_warn, "daemon", "refused a client of a page that is not in ALLOWED_ORIGINS");
    return false;
}

static void on_http_request(void *context, const struct gateway_http_request *request)
{
    static const char forbidden[] = "{\"code\":4,\"message\":\"Forbidden\"}"; /* engine.io's words */
    struct daemon *daemon = context;
    bool is_signaling = signaling_owns_path(request->path);
    if (is_signaling && !is_from_allowed_page(daemon, request))
        gateway_http_respond(daemon->gateway, request->id, 403, "application/json", NULL, 0, forbidden,
                             sizeof(forbidden) - 1);
    else if (is_signaling)
        signaling_answer_http(daemon->signaling, request);
    else
        api_answer(daemon->api, request);
}

static void on_http_gone(void *context, uint64_t id)
{
    struct daemon *daemon = context;
    signaling_http_gone(daemon->signaling, id);
}

static const char *on_ws_upgrade(void *context, const struct gateway_http_request *request)
{
    struct daemon *daemon = context;
    if (!is_from_allowed_page(daemon, request))
        return "Forbidden";
    return signaling_check_upgrade(daemon->signaling, request->query);
}

static void on_ws_open(void *context, uint64_t ws, const char *path, const char *query, const char *peer)
{
    (void)path;
    struct daemon *daemon = context;
    signaling_open(daemon->signaling, ws, query, peer);
}

static void on_ws_message(void *context, uint64_t ws, const uint8_t *data, size_t length, bool binary)
{
    struct daemon *daemon = context;
    signaling_message(daemon->signaling, ws, data, length, binary);
}

static void on_ws_close(void *context, uint64_t ws)
{
    struct daemon *daemon = context;
    signaling_close(daemon->signaling, ws);
}

const struct gateway_handler daemon_gateway_handler = {
    .on_http_request = on_http_request,
    .on_http_gone = on_http_gone,
    .on_ws_upgrade = on_ws_upgrade,
    .on_ws_open = on_ws_open,
    .on_ws_message = on_ws_message,
    .on_ws_close = on_ws_close,
};
