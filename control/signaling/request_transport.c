#include <errno.h>
#include <stddef.h>

#include "control/json_input.h"
#include "control/ortc/dtls_parameters.h"
#include "control/room/peer.h"
#include "control/room/peer_transport.h"
#include "control/signaling/requests.h"
#include "control/transport/webrtc_transport.h"

static struct peer_transport *find_transport(const struct peer *peer, const json_t *data)
{
    return peer_find_transport(peer, json_input_text(json_object_get(data, "transportId")));
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
    struct peer_transport *transport = find_transport(peer, data);
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
    struct peer_transport *transport = find_transport(peer, data);
    if (!transport)
        return -ENOENT;
    *ret_response = webrtc_transport_restart_ice(transport->webrtc);
    return *ret_response ? 0 : -EAGAIN;
}
