#include "dataplane/egress.h"

#include <string.h>

#include "dataplane/bitrate_window.h"
#include "dataplane/estimator.h"
#include "dataplane/worker.h"

static uint8_t *reserve(struct worker *worker)
{
    uint8_t *buffer = worker->port->verbs->reserve(worker->port);

    if (!buffer) {
        egress_flush(worker);
        buffer = worker->port->verbs->reserve(worker->port);
    }
    return buffer;
}

static void give_back(struct port *port, uint8_t *buffer)
{
    static const struct shm_address nowhere;

    port->verbs->queue(port, buffer, 0, &nowhere);
}

struct srtp_protect_job *egress_begin(struct worker *worker, struct transport *transport, enum srtp_kind kind)
{
    struct egress *egress = &worker->egress;

    if (!(kind == SRTP_KIND_RTCP ? transport_can_send_rtcp(transport) : transport_can_send(transport))) {
        worker_drop(worker, DROP_consumer_no_address);
        return NULL;
    }
    uint8_t *buffer = reserve(worker);
    struct srtp_protect_job *job = &egress->jobs[egress->count];
    *job = (struct srtp_protect_job){
        .session = transport->srtp, .out = buffer, .out_capacity = PORT_BUFFER_BYTES, .kind = kind};
    egress->transports[egress->count] = transport;
    egress->numbers[egress->count] = EGRESS_UNNUMBERED;
    return job;
}

/* Whether the cipher, or the copy, has read the packet that it was to read. */
static bool is_whole(const struct packet_place *source)
{
    return !source->packet || packet_store_holds(source);
}

static void tell_estimator(const struct worker *worker, struct estimator *estimator, uint32_t number,
                           uint32_t bytes)
{
    if (number == EGRESS_UNNUMBERED)
        estimator_sent_unnumbered(estimator, bytes);
    else
        estimator_sent(estimator, (uint16_t)number, bytes, worker->now_us);
}

/* A job that is done, by its place. */
static void send_job(struct worker *worker, uint32_t i)
{
    const struct egress *egress = &worker->egress;
    const struct srtp_protect_job *job = &egress->jobs[i];
    struct transport *transport = egress->transports[i];
    struct shm_transport_row *row = transport->row;
    bool is_plain_rtcp = !job->session && job->kind == SRTP_KIND_RTCP;

    if (transport->estimator && job->kind == SRTP_KIND_RTP)
        tell_estimator(worker, transport->estimator, egress->numbers[i], job->length);
    row->packets_sent++;
    row->bytes_sent += job->length;
    bitrate_window_add(&row->send_bitrate, job->length, worker->now_us);
    worker->port->verbs->queue(worker->port, job->out, job->length,
                               is_plain_rtcp ? &row->plain_rtcp : &row->selected);
}

/* Of a plain transport: nothing is to be encrypted. */
static void commit_plain(struct worker *worker, const struct packet_place *source)
{
    struct egress *egress = &worker->egress;
    struct srtp_protect_job *job = &egress->jobs[egress->count];

    if (job->tail_bytes > job->out_capacity - job->head_bytes) {
        worker_drop(worker, DROP_protect_failed);
        give_back(worker->port, job->out);
        return;
    }
    if (job->tail_bytes > 0)
        memcpy(job->out + job->head_bytes, job->tail, job->tail_bytes);
    if (!is_whole(source)) {
        worker_drop(worker, DROP_store_overwritten);
        give_back(worker->port, job->out);
        return;
    }
    job->length = job->head_bytes + job->tail_bytes;
    send_job(worker, egress->count);
}

void egress_commit(struct worker *worker)
{
    static const struct packet_place stays;
    egress_commit_from(worker, &stays);
}

void egress_commit_from(struct worker *worker, const struct packet_place *source)
{
    struct egress *egress = &worker->egress;

    if (egress->jobs[egress->count].session)
        egress->sources[egress->count++] = *source;
    else
        commit_plain(worker, source);
}

void egress_number(struct worker *worker, uint16_t number)
{
    worker->egress.numbers[worker->egress.count] = number;
}

void egress_cancel(struct worker *worker)
{
    give_back(worker->port, worker->egress.jobs[worker->egress.count].out);
}

void egress_keep_together(struct worker *worker, uint32_t count)
{
    if (count <= PORT_SEND_BUFFERS && worker->egress.count + count > PORT_SEND_BUFFERS)
        egress_flush(worker);
}

void egress_flush(struct worker *worker)
{
    struct egress *egress = &worker->egress;
    struct port *port = worker->port;
    uint32_t count = egress->count;

    if (count == 0) {
        port->verbs->flush(port);
        return;
    }
    enum statistics_stage stage = stages_enter(&worker->stages, STAGE_protect);
    worker->srtp->protect(egress->jobs, egress->count);
    stages_enter(&worker->stages, STAGE_send);
    for (uint32_t i = 0; i < egress->count; i++) {
        const struct srtp_protect_job *job = &egress->jobs[i];
        if (job->status != SRTP_OK) {
            worker_drop(worker, DROP_protect_failed);
            give_back(port, job->out);
            continue;
        }
        if (!is_whole(&egress->sources[i])) {
            worker_drop(worker, DROP_store_overwritten);
            give_back(port, job->out);
            continue;
        }
        send_job(worker, i);
    }
    egress->count = 0;
    port->verbs->flush(port);
    stages_enter(&worker->stages, stage);
    stages_sent(&worker->stages, count);
}

uint8_t *egress_begin_clear(struct worker *worker)
{
    return reserve(worker);
}

void egress_commit_clear(struct worker *worker, uint8_t *buffer, uint32_t length,
                         const struct shm_address *remote)
{
    worker->port->verbs->queue(worker->port, buffer, length, remote);
}
