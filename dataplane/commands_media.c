/* Commands about producers, their mirrors, and consumers. */
#include <errno.h>
#include <string.h>

#include "dataplane/bandwidth.h"
#include "dataplane/commands_private.h"
#include "dataplane/counters.h"
#include "dataplane/forward.h"
#include "dataplane/ingress.h"
#include "dataplane/mirror.h"
#include "dataplane/peers.h"
#include "dataplane/rtcp_egress.h"
#include "dataplane/worker.h"

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

void command_drop_consumer(struct worker *worker, struct consumer *consumer)
{
    counters_clear_consumer(worker, consumer->handle);
    catch_up_forget(worker, consumer);
    consumer_remove(&worker->streams, consumer);
}

void command_drop_producer(struct worker *worker, struct producer *producer)
{
    while (producer->fanout.count > 0)
        command_drop_consumer(worker, producer->fanout.lines[0].consumer);
    if (producer->mirror) {
        mirror_remove(&worker->streams, producer);
        return;
    }
    counters_clear_producer(worker, producer);
    ingress_forget(worker, producer);
    producer_remove(&worker->streams, producer);
}

int command_install_producer(struct worker *worker, const Km__Command *command, const char **ret_reason)
{
    const Km__InstallProducer *message = command->install_producer;
    struct shm_producer_row initial;
    struct shm_stream_row streams[MEDIA_ENCODINGS_MAX];
    struct transport *transport;
    struct producer *producer;
    int error = command_find_transport(worker, message->transport, &transport, ret_reason);

    if (error == 0)
        error = commands_read_producer(message, &initial, streams, ret_reason);
    if (error != 0)
        return error;
    error = producer_install(&worker->streams, transport, message->producer, &initial, streams, &producer);
    return command_explain_install(error, ret_reason);
}

static int check_peer(const struct worker *worker, uint32_t peer, const char **ret_reason)
{
    if (peer < worker->peers.count && peer != worker->index)
        return 0;
    *ret_reason = "not another worker";
    return -EINVAL;
}

int command_mirror_producer(struct worker *worker, const Km__Command *command, const char **ret_reason)
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
    return command_explain_install(error, ret_reason);
}

/* The new follower is told in the next turn what is known beside the packets. */
int command_set_follower(struct worker *worker, const Km__Command *command, const char **ret_reason)
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

int command_remove_producer(struct worker *worker, const Km__Command *command, const char **ret_reason)
{
    struct producer *producer;
    int error = find_producer(worker, command->remove_producer->handle, &producer, ret_reason);

    if (error == 0)
        command_drop_producer(worker, producer);
    return error;
}

/* Paused and resumed alike, the consumers begin anew: nothing is forwarded before the next key frame. */
int command_pause_producer(struct worker *worker, const Km__Command *command, const char **ret_reason)
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

int command_install_consumer(struct worker *worker, const Km__Command *command, const char **ret_reason)
{
    const Km__InstallConsumer *message = command->install_consumer;
    struct shm_consumer_row initial;
    struct transport *transport;
    struct producer *producer;
    struct consumer *consumer;
    int error = command_find_transport(worker, message->transport, &transport, ret_reason);

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
        return *ret_reason ? error : command_explain_install(error, ret_reason);
    bandwidth_begin(worker, transport);
    forward_begin(worker, consumer);
    return 0;
}

int command_remove_consumer(struct worker *worker, const Km__Command *command, const char **ret_reason)
{
    struct consumer *consumer;
    int error = find_consumer(worker, command->remove_consumer->handle, &consumer, ret_reason);

    if (error == 0)
        command_drop_consumer(worker, consumer);
    return error;
}

int command_pause_consumer(struct worker *worker, const Km__Command *command, const char **ret_reason)
{
    struct consumer *consumer;
    int error = find_consumer(worker, command->pause_consumer->handle, &consumer, ret_reason);

    if (error != 0 || consumer->row->paused == command->pause_consumer->paused)
        return error;
    consumer->row->paused = command->pause_consumer->paused;
    forward_begin(worker, consumer);
    return 0;
}

int command_request_key_frame(struct worker *worker, const Km__Command *command, const char **ret_reason)
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
