#include "dataplane/egress.h"

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

    if (!transport_can_send(transport)) {
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

void egress_commit(struct worker *worker)
{
    static const struct egress_source stays;
    egress_commit_from(worker, &stays);
}

void egress_commit_from(struct worker *worker, const struct egress_source *source)
{
    worker->egress.sources[worker->egress.count++] = *source;
}

void egress_number(struct worker *worker, uint16_t number)
{
    worker->egress.numbers[worker->egress.count] = number;
}

void egress_cancel(struct worker *worker)
{
    give_back(worker->port, worker->egress.jobs[worker->egress.count].out);
}

/* Whether the cipher has read the packet that it was to read. */
static bool is_whole(const struct egress_source *source)
{
    return !source->slot || packet_store_holds(source->slot, source->position);
}

static void tell_estimator(const struct worker *worker, struct estimator *estimator, uint32_t number,
                           uint32_t bytes)
{
    if (number == EGRESS_UNNUMBERED)
        estimator_sent_unnumbered(estimator, bytes);
    else
        estimator_sent(estimator, (uint16_t)number, bytes, worker->now_us);
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
        struct shm_transport_row *row = egress->transports[i]->row;
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
        row->packets_sent++;
        row->bytes_sent += job->length;
        if (egress->transports[i]->estimator && job->kind == SRTP_KIND_RTP)
            tell_estimator(worker, egress->transports[i]->estimator, egress->numbers[i], job->length);
        bitrate_window_add(&row->send_bitrate, job->length, worker->now_us);
        port->verbs->queue(port, job->out, job->length, &row->selected);
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
