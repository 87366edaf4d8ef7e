/* Commands about transports: their addresses, credentials and keys. */
#include <errno.h>
#include <string.h>

#include "dataplane/bandwidth.h"
#include "dataplane/commands_private.h"
#include "dataplane/counters.h"
#include "dataplane/forward.h"
#include "dataplane/pacer.h"
#include "dataplane/plain.h"
#include "dataplane/port_plain.h"
#include "dataplane/probator.h"
#include "dataplane/remb_cap.h"
#include "dataplane/rewrite.h"
#include "dataplane/worker.h"

static int read_credentials(const char *ufrag, const char *password, struct shm_ice_credentials *ret_ice,
                            const char **ret_reason)
{
    size_t ufrag_length = strlen(ufrag);
    size_t password_length = strlen(password);

    if (ufrag_length == 0 || ufrag_length >= sizeof(ret_ice->ufrag) || password_length == 0 ||
        password_length >= sizeof(ret_ice->password)) {
        *ret_reason = "ICE ufrag or password of a wrong length";
        return -EINVAL;
    }
    memset(ret_ice, 0, sizeof(*ret_ice));
    memcpy(ret_ice->ufrag, ufrag, ufrag_length);
    memcpy(ret_ice->password, password, password_length);
    return 0;
}

_Static_assert((int)SHM_PLAIN_GIVEN == (int)KM__INSTALL_TRANSPORT__PLAIN__ADDRESS_GIVEN &&
                   (int)SHM_PLAIN_LEARNED == (int)KM__INSTALL_TRANSPORT__PLAIN__ADDRESS_LEARNED,
               "plain transports are numbered alike");

static int read_plain(const Km__InstallTransport *message, uint8_t *ret_plain, const char **ret_reason)
{
    if ((unsigned)message->plain > SHM_PLAIN_LEARNED ||
        shm_handle_index(message->transport) >= SHM_PLAIN_TRANSPORTS_MAX) {
        *ret_reason = "not a kind of plain transport, or one whose sockets have no number";
        return -EINVAL;
    }
    *ret_plain = (uint8_t)message->plain;
    return 0;
}

int command_install_transport(struct worker *worker, const Km__Command *command, const char **ret_reason)
{
    const Km__InstallTransport *message = command->install_transport;
    struct shm_transport_row initial = {.created_us = worker->now_us,
                                        .start_bps = message->initial_outgoing_bitrate_bps,
                                        .min_bps = message->min_outgoing_bitrate_bps,
                                        .max_bps = message->max_outgoing_bitrate_bps};
    struct transport *transport;
    bool is_plain = message->plain != KM__INSTALL_TRANSPORT__PLAIN__NOT_PLAIN;
    int error = is_plain
                    ? read_plain(message, &initial.plain, ret_reason)
                    : read_credentials(message->ice_ufrag, message->ice_password, &initial.ice, ret_reason);

    if (error != 0)
        return error;
    do
        initial.rtcp_ssrc = worker_random(worker);
    while (initial.rtcp_ssrc == 0);
    if (message->max_incoming_bitrate_bps != 0)
        remb_cap_set(&initial.remb, message->max_incoming_bitrate_bps);
    error = transport_install(&worker->transports, worker->segment, message->transport, &initial,
                              worker->now_us, &transport);
    explicit_bzero(&initial.ice, sizeof(initial.ice));
    return command_explain_install(error, ret_reason);
}

int command_remove_transport(struct worker *worker, const Km__Command *command, const char **ret_reason)
{
    struct transport *transport;
    int error = command_find_transport(worker, command->remove_transport->handle, &transport, ret_reason);

    if (error != 0)
        return error;
    while (transport->consumers)
        command_drop_consumer(worker, transport->consumers);
    for (unsigned i = 0; i < TRANSPORT_PRODUCERS_MAX; i++) {
        if (transport->producers[i])
            command_drop_producer(worker, transport->producers[i]);
    }
    pacer_clear(worker, transport);
    counters_clear_transport(worker, transport->handle);
    if (transport->row->plain != SHM_PLAIN_NO)
        port_plain_close(worker->plain, transport->handle);
    transport_remove(&worker->transports, transport);
    return 0;
}

int command_set_ice_credentials(struct worker *worker, const Km__Command *command, const char **ret_reason)
{
    const Km__SetIceCredentials *message = command->set_ice_credentials;
    struct shm_ice_credentials ice;
    struct transport *transport;
    int error = command_find_transport(worker, message->transport, &transport, ret_reason);

    if (error == 0)
        error = read_credentials(message->ice_ufrag, message->ice_password, &ice, ret_reason);
    if (error != 0)
        return error;
    transport_set_credentials(transport, &ice);
    explicit_bzero(&ice, sizeof(ice));
    return 0;
}

int command_select_tuple(struct worker *worker, const Km__Command *command, const char **ret_reason)
{
    const Km__SelectTuple *message = command->select_tuple;
    struct shm_address remote = {
        .port = (uint16_t)message->port, .protocol = (uint16_t)message->protocol, .scope = message->scope};
    uint32_t owner;
    struct transport *transport;
    int error = command_find_transport(worker, message->transport, &transport, ret_reason);

    if (error != 0)
        return error;
    if (message->address.len != sizeof(remote.ip) || message->port == 0 || message->port > 65535) {
        *ret_reason = "not an address";
        return -EINVAL;
    }
    memcpy(remote.ip, message->address.data, sizeof(remote.ip));
    if (tuple_map_find(&worker->tuples, &remote, &owner) != transport->handle) {
        *ret_reason = "the address is not one of the transport's tuples";
        return -EINVAL;
    }
    bool could_send = transport_can_send(transport);
    bool is_other = could_send && memcmp(&transport->row->selected, &remote, sizeof(remote)) != 0;
    transport_select(transport, &remote, message->nominated, worker->now_us);
    if (is_other)
        bandwidth_begin_anew(worker, transport);
    if (!could_send && transport_can_send(transport))
        forward_begin_transport(worker, transport);
    return 0;
}

int command_connect_plain(struct worker *worker, const Km__Command *command, const char **ret_reason)
{
    const Km__ConnectPlain *message = command->connect_plain;
    struct shm_address remote = {.port = (uint16_t)message->port, .scope = message->scope};
    struct transport *transport;
    int error = command_find_transport(worker, message->transport, &transport, ret_reason);

    if (error != 0)
        return error;
    *ret_reason = "not an address, or not a plain transport";
    if (message->address.len != sizeof(remote.ip) || message->port == 0 || message->port > 65535 ||
        message->rtcp_port == 0 || message->rtcp_port > 65535)
        return -EINVAL;
    memcpy(remote.ip, message->address.data, sizeof(remote.ip));
    return plain_connect(worker, transport, &remote, (uint16_t)message->rtcp_port);
}

int command_install_keys(struct worker *worker, const Km__Command *command, const char **ret_reason)
{
    const Km__InstallKeys *message = command->install_keys;
    enum srtp_profile profile = (enum srtp_profile)message->profile;
    size_t key_bytes = srtp_key_bytes(profile);
    struct transport *transport;
    int error = command_find_transport(worker, message->transport, &transport, ret_reason);

    if (error != 0)
        return error;
    if (key_bytes == 0 || message->receive_key.len != key_bytes || message->send_key.len != key_bytes) {
        *ret_reason = "unknown SRTP profile, or keys of a wrong length";
        return -EINVAL;
    }
    if (transport->row->plain != SHM_PLAIN_NO) {
        *ret_reason = "a plain transport has no keys";
        return -EINVAL;
    }
    bool could_send = transport_can_send(transport);
    error = transport_set_keys(&worker->transports, transport, profile, message->receive_key.data,
                               message->send_key.data);
    for (struct consumer *consumer = transport->consumers; consumer; consumer = consumer->next_of_transport)
        rewrite_new_keys(&consumer->row->media.rewrite);
    probator_new_keys(transport);
    pacer_clear(worker, transport);
    if (error != 0)
        *ret_reason = "the SRTP layer does not take the keys";
    else if (!could_send && transport_can_send(transport))
        forward_begin_transport(worker, transport);
    return error;
}
