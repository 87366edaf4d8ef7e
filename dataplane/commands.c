#include "dataplane/commands.h"

#include <errno.h>
#include <string.h>

#include "dataplane/bandwidth.h"
#include "dataplane/counters.h"
#include "dataplane/events.h"
#include "dataplane/forward.h"
#include "dataplane/ingress.h"
#include "dataplane/mirror.h"
#include "dataplane/pacer.h"
#include "dataplane/peers.h"
#include "dataplane/plain.h"
#include "dataplane/port_plain.h"
#include "dataplane/probator.h"
#include "dataplane/remb_cap.h"
#include "dataplane/rewrite.h"
#include "dataplane/rtcp_egress.h"
#include "dataplane/worker.h"

/* Runs one command. 0, or a negative errno, which *ret_reason may explain. */
typedef int (*command_fn)(struct worker *worker, const Km__Command *command, const char **ret_reason);

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

static int find_transport(struct worker *worker, shm_handle handle, struct transport **ret_transport,
                          const char **ret_reason)
{
    *ret_transport = transport_find(&worker->transports, handle);
    if (*ret_transport)
        return 0;
    *ret_reason = "no such transport";
    return -ENOENT;
}

static int find_producer(struct worker *worker, shm_handle handle, struct producer **ret_producer,
                         const char **ret_reason)
{
    *ret_producer = producer_find(&worker->streams, handle);
    if (*ret_producer)
        return 0;
    *ret_reason = "no such producer";
    return -ENOENT;
}

static int find_consumer(struct worker *worker, shm_handle handle, struct consumer **ret_consumer,
                         const char **ret_reason)
{
    *ret_consumer = consumer_find(&worker->streams, handle);
    if (*ret_consumer)
        return 0;
    *ret_reason = "no such consumer";
    return -ENOENT;
}

static int explain_install(int error, const char **ret_reason)
{
    switch (error) {
    case -ERANGE:
        *ret_reason = "handle beyond the table";
        break;
    case -ESTALE:
        *ret_reason = "handle of the past";
        break;
    case -EEXIST:
        *ret_reason = "handle, SSRC, MID or extension id is taken";
        break;
    case -ENOSPC:
        *ret_reason = "too many producers on one transport";
        break;
    case -EINVAL:
        *ret_reason = "an encoding has neither SSRC nor RID to be told by";
        break;
    default:
        break;
    }
    return error;
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

static int install_transport(struct worker *worker, const Km__Command *command, const char **ret_reason)
{
    const Km__InstallTransport *message = command->install_transport;
    struct shm_transport_row initial = {.created_us = worker->now_us,
                                        .start_bps = message->initial_outgoing_bitrate_bps};
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
    return explain_install(error, ret_reason);
}

static void drop_consumer(struct worker *worker, struct consumer *consumer)
{
    counters_clear_consumer(worker, consumer->handle);
    catch_up_forget(worker, consumer);
    consumer_remove(&worker->streams, consumer);
}

static void drop_producer(struct worker *worker, struct producer *producer)
{
    while (producer->consumers)
        drop_consumer(worker, producer->consumers);
    if (producer->mirror) {
        mirror_remove(&worker->streams, producer);
        return;
    }
    counters_clear_producer(worker, producer);
    ingress_forget(worker, producer);
    producer_remove(&worker->streams, producer);
}

static int remove_transport(struct worker *worker, const Km__Command *command, const char **ret_reason)
{
    struct transport *transport;
    int error = find_transport(worker, command->remove_transport->handle, &transport, ret_reason);

    if (error != 0)
        return error;
    while (transport->consumers)
        drop_consumer(worker, transport->consumers);
    for (unsigned i = 0; i < TRANSPORT_PRODUCERS_MAX; i++) {
        if (transport->producers[i])
            drop_producer(worker, transport->producers[i]);
    }
    pacer_clear(worker, transport);
    counters_clear_transport(worker, transport->handle);
    if (transport->row->plain != SHM_PLAIN_NO)
        port_plain_close(worker->plain, transport->handle);
    transport_remove(&worker->transports, transport);
    return 0;
}

static int set_ice_credentials(struct worker *worker, const Km__Command *command, const char **ret_reason)
{
    const Km__SetIceCredentials *message = command->set_ice_credentials;
    struct shm_ice_credentials ice;
    struct transport *transport;
    int error = find_transport(worker, message->transport, &transport, ret_reason);

    if (error == 0)
        error = read_credentials(message->ice_ufrag, message->ice_password, &ice, ret_reason);
    if (error != 0)
        return error;
    transport_set_credentials(transport, &ice);
    explicit_bzero(&ice, sizeof(ice));
    return 0;
}

static int select_tuple(struct worker *worker, const Km__Command *command, const char **ret_reason)
{
    const Km__SelectTuple *message = command->select_tuple;
    struct shm_address remote = {
        .port = (uint16_t)message->port, .protocol = (uint16_t)message->protocol, .scope = message->scope};
    uint32_t owner;
    struct transport *transport;
    int error = find_transport(worker, message->transport, &transport, ret_reason);

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
    if (transport_select(transport, &remote, message->nominated, worker->now_us))
        events_consent(worker, transport->handle, false);
    if (is_other)
        bandwidth_begin_anew(worker, transport);
    if (!could_send && transport_can_send(transport))
        forward_begin_transport(worker, transport);
    return 0;
}

static int connect_plain(struct worker *worker, const Km__Command *command, const char **ret_reason)
{
    const Km__ConnectPlain *message = command->connect_plain;
    struct shm_address remote = {.port = (uint16_t)message->port, .scope = message->scope};
    struct transport *transport;
    int error = find_transport(worker, message->transport, &transport, ret_reason);

    if (error != 0)
        return error;
    *ret_reason = "not an address, or not a plain transport";
    if (message->address.len != sizeof(remote.ip) || message->port == 0 || message->port > 65535 ||
        message->rtcp_port == 0 || message->rtcp_port > 65535)
        return -EINVAL;
    memcpy(remote.ip, message->address.data, sizeof(remote.ip));
    return plain_connect(worker, transport, &remote, (uint16_t)message->rtcp_port);
}

static int install_keys(struct worker *worker, const Km__Command *command, const char **ret_reason)
{
    const Km__InstallKeys *message = command->install_keys;
    enum srtp_profile profile = (enum srtp_profile)message->profile;
    size_t key_bytes = srtp_key_bytes(profile);
    struct transport *transport;
    int error = find_transport(worker, message->transport, &transport, ret_reason);

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

static int install_producer(struct worker *worker, const Km__Command *command, const char **ret_reason)
{
    const Km__InstallProducer *message = command->install_producer;
    struct shm_producer_row initial;
    struct shm_stream_row streams[MEDIA_ENCODINGS_MAX];
    struct transport *transport;
    struct producer *producer;
    int error = find_transport(worker, message->transport, &transport, ret_reason);

    if (error == 0)
        error = commands_read_producer(message, &initial, streams, ret_reason);
    if (error != 0)
        return error;
    error = producer_install(&worker->streams, transport, message->producer, &initial, streams, &producer);
    return explain_install(error, ret_reason);
}

static int check_peer(const struct worker *worker, uint32_t peer, const char **ret_reason)
{
    if (peer < worker->peers.count && peer != worker->index)
        return 0;
    *ret_reason = "not another worker";
    return -EINVAL;
}

static int mirror_producer(struct worker *worker, const Km__Command *command, const char **ret_reason)
{
    const Km__MirrorProducer *message = command->mirror_producer;
    struct shm_producer_row initial;
    struct shm_stream_row streams[MEDIA_ENCODINGS_MAX];
    struct producer *producer;
    int error = check_peer(worker, message->worker, ret_reason);

    if (error == 0 && !message->producer) {
        *ret_reason = "a mirror of nothing";
        error = -EINVAL;
    }
    if (error == 0)
        error = commands_read_producer(message->producer, &initial, streams, ret_reason);
    if (error != 0)
        return error;
    error = mirror_install(&worker->streams, message->worker, message->producer->producer, &initial, streams,
                           &producer);
    return explain_install(error, ret_reason);
}

/* The new follower is told in the next turn what is known beside the packets. */
static int set_follower(struct worker *worker, const Km__Command *command, const char **ret_reason)
{
    const Km__SetFollower *message = command->set_follower;
    struct producer *producer;
    int error = check_peer(worker, message->worker, ret_reason);

    if (error == 0)
        error = find_producer(worker, message->producer, &producer, ret_reason);
    if (error != 0)
        return error;
    if (producer->mirror) {
        *ret_reason = "the producer is another worker's";
        return -EINVAL;
    }
    uint64_t bit = 1ull << message->worker;
    if (!message->follows) {
        producer->row->followers &= ~bit;
        return 0;
    }
    producer->row->followers |= bit;
    for (unsigned i = 0; i < producer->row->encoding_count; i++)
        peers_note_stream(producer->streams[i]);
    return 0;
}

static int remove_producer(struct worker *worker, const Km__Command *command, const char **ret_reason)
{
    struct producer *producer;
    int error = find_producer(worker, command->remove_producer->handle, &producer, ret_reason);

    if (error == 0)
        drop_producer(worker, producer);
    return error;
}

/* Paused and resumed alike, the consumers begin anew: nothing is forwarded before the next key frame. */
static int pause_producer(struct worker *worker, const Km__Command *command, const char **ret_reason)
{
    struct producer *producer;
    int error = find_producer(worker, command->pause_producer->handle, &producer, ret_reason);

    if (error != 0 || producer->row->paused == command->pause_producer->paused)
        return error;
    producer->row->paused = command->pause_producer->paused;
    producer->row->resumed_us = worker->now_us;
    forward_begin_producer(worker, producer);
    return 0;
}

/* A mirror that had no consumer yet died with the process that had it. */
static int find_source(struct worker *worker, shm_handle handle, struct producer **ret_producer,
                       const char **ret_reason)
{
    *ret_producer = producer_find(&worker->streams, handle);
    if (!*ret_producer)
        *ret_producer = mirror_adopt(&worker->streams, handle);
    if (*ret_producer)
        return 0;
    *ret_reason = "no such producer";
    return -ENOENT;
}

static int install_consumer(struct worker *worker, const Km__Command *command, const char **ret_reason)
{
    const Km__InstallConsumer *message = command->install_consumer;
    struct shm_consumer_row initial;
    struct transport *transport;
    struct producer *producer;
    struct consumer *consumer;
    int error = find_transport(worker, message->transport, &transport, ret_reason);

    if (error == 0)
        error = find_source(worker, message->producer, &producer, ret_reason);
    if (error == 0)
        error = commands_read_consumer(worker, message, producer, &initial, ret_reason);
    if (error == 0 && consumer_map_find(&worker->streams.consumer_ssrcs, transport, message->ssrc))
        error = -EEXIST;
    if (error == 0)
        error =
            consumer_install(&worker->streams, transport, producer, message->consumer, &initial, &consumer);
    if (error != 0)
        return *ret_reason ? error : explain_install(error, ret_reason);
    bandwidth_begin(worker, transport);
    forward_begin(worker, consumer);
    return 0;
}

static int remove_consumer(struct worker *worker, const Km__Command *command, const char **ret_reason)
{
    struct consumer *consumer;
    int error = find_consumer(worker, command->remove_consumer->handle, &consumer, ret_reason);

    if (error == 0)
        drop_consumer(worker, consumer);
    return error;
}

static int pause_consumer(struct worker *worker, const Km__Command *command, const char **ret_reason)
{
    struct consumer *consumer;
    int error = find_consumer(worker, command->pause_consumer->handle, &consumer, ret_reason);

    if (error != 0 || consumer->row->paused == command->pause_consumer->paused)
        return error;
    consumer->row->paused = command->pause_consumer->paused;
    forward_begin(worker, consumer);
    return 0;
}

static int request_key_frame(struct worker *worker, const Km__Command *command, const char **ret_reason)
{
    struct producer *producer;
    int error = find_producer(worker, command->request_key_frame->producer, &producer, ret_reason);

    if (error != 0)
        return error;
    for (unsigned i = 0; i < producer->row->encoding_count; i++) {
        if (!forward_is_silent(worker, producer->streams[i]))
            rtcp_egress_request_key_frame(worker, producer->streams[i]);
    }
    return 0;
}

static const command_fn commands[] = {
    [KM__COMMAND__BODY_INSTALL_TRANSPORT] = install_transport,
    [KM__COMMAND__BODY_REMOVE_TRANSPORT] = remove_transport,
    [KM__COMMAND__BODY_SET_ICE_CREDENTIALS] = set_ice_credentials,
    [KM__COMMAND__BODY_SELECT_TUPLE] = select_tuple,
    [KM__COMMAND__BODY_INSTALL_KEYS] = install_keys,
    [KM__COMMAND__BODY_INSTALL_PRODUCER] = install_producer,
    [KM__COMMAND__BODY_REMOVE_PRODUCER] = remove_producer,
    [KM__COMMAND__BODY_PAUSE_PRODUCER] = pause_producer,
    [KM__COMMAND__BODY_INSTALL_CONSUMER] = install_consumer,
    [KM__COMMAND__BODY_REMOVE_CONSUMER] = remove_consumer,
    [KM__COMMAND__BODY_PAUSE_CONSUMER] = pause_consumer,
    [KM__COMMAND__BODY_REQUEST_KEY_FRAME] = request_key_frame,
    [KM__COMMAND__BODY_MIRROR_PRODUCER] = mirror_producer,
    [KM__COMMAND__BODY_SET_FOLLOWER] = set_follower,
    [KM__COMMAND__BODY_CONNECT_PLAIN] = connect_plain,
};

/* All bodies are messages, of which the oneof holds the address. */
static command_fn find_function(const Km__Command *command)
{
    size_t body = (size_t)command->body_case;

    return body < sizeof(commands) / sizeof(commands[0]) && command->install_transport ? commands[body]
                                                                                       : NULL;
}

/* The record is copied before it is read, since control could still write to it, and wiped, since it may hold
 * keys. */
static Km__Command *unpack(struct worker *worker, void *record, uint32_t length)
{
    uint8_t *copy = arena_alloc(&worker->arena, length);

    if (copy)
        memcpy(copy, record, length);
    explicit_bzero(record, length);
    return copy ? km__command__unpack(&worker->arena.allocator, length, copy) : NULL;
}

struct answer {
    uint64_t sequence;
    int error;
    const char *reason;
};

static struct answer run(struct worker *worker, void *record, uint32_t length)
{
    struct answer answer = {.error = -EOPNOTSUPP, .reason = "unknown command"};
    Km__Command *command = unpack(worker, record, length);

    worker->totals.commands++;
    if (!command)
        return (struct answer){.error = -EBADMSG, .reason = "not a command"};
    answer.sequence = command->sequence;
    command_fn function = find_function(command);
    if (function) {
        answer.reason = NULL;
        answer.error = function(worker, command, &answer.reason);
    }
    return answer;
}

uint32_t commands_run(struct worker *worker)
{
    uint32_t count = 0;
    uint32_t length;
    const void *record;

    while (count < COMMANDS_BATCH && (record = ring_peek(&worker->commands, &length)) &&
           events_have_room(worker)) {
        struct answer answer = run(worker, (void *)record, length);
        egress_flush(worker); /* the next command may remove what a queued packet belongs to */
        arena_reset(&worker->arena);
        /* Released first: a command that was answered is never found again, wiped, by a next process. */
        ring_release(&worker->commands);
        events_ack(worker, answer.sequence, answer.error, answer.reason);
        count++;
    }
    return count;
}
