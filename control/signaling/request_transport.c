#include <errno.h>
#include <stddef.h>

#include "control/json_input.h"
#include "control/ortc/dtls_parameters.h"
#include "control/room/peer.h"
#include "control/room/peer_transport.h"
#include "control/signaling/requests.h"
#include "control/transport/plain_transport.h"
#include "control/transport/webrtc_transport.h"

/* Of the one kind, or of the other. */
static struct peer_transport *find_transport(const struct peer *peer, const json_t *data, bool is_plain)
{
    struct peer_transport *transport =
        peer_find_transport(peer, json_input_text(json_object_get(data, "transportId")));
    return transport && (transport->plain != NULL) == is_plain ? transport : NULL;
}

int request_create_webrtc_transport(struct peer *peer, const json_t *data, json_t **ret_response)
{
    struct peer_transport *transport;
    int error = peer_transport_create(peer, json_is_true(json_object_get(data, "producing")),
                                      json_is_true(json_object_get(data, "consuming")), &transport);
    if (error)
        return error;
    error = webrtc_transport_describe(transport->webrtc, json_is_true(json_object_get(data, "forceTcp")),
                                      ret_response);
    if (error)
        peer_transport_destroy(transport);
    return error;
}

int request_connect_webrtc_transport(struct peer *peer, const json_t *data, json_t **ret_response)
{
    (void)ret_response;
    struct peer_transport *transport = find_transport(peer, data, false);
    if (!transport)
        return -ENOENT;
    struct dtls_parameters parameters;
    int error = dtls_parameters_parse(json_object_get(data, "dtlsParameters"), &parameters);
    if (error)
        return error;
    return webrtc_transport_connect(transport->webrtc, &parameters);
}

int request_restart_ice(struct peer *peer, const json_t *data, json_t **ret_response)
{
    struct peer_transport *transport = find_transport(peer, data, false);
    if (!transport)
        return -ENOENT;
    *ret_response = webrtc_transport_restart_ice(transport->webrtc);
    return *ret_response ? 0 : -EAGAIN;
}

int request_create_plain_transport(struct peer *peer, const json_t *data, json_t **ret_response)
{
    struct peer_transport *transport;
    int error = peer_transport_create_plain(peer, json_is_true(json_object_get(data, "producing")),
                                            json_is_true(json_object_get(data, "consuming")), &transport);
    if (error)
        return error;
    *ret_response = plain_transport_describe(transport->plain);
    if (*ret_response)
        return 0;
    peer_transport_destroy(transport);
    return -ENOMEM;
}

int request_connect_plain_transport(struct peer *peer, const json_t *data, json_t **ret_response)
{
    (void)ret_response;
    struct peer_transport *transport = find_transport(peer, data, true);
    return transport ? plain_transport_connect(transport->plain, data) : -ENOENT;
}
