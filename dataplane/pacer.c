#include "dataplane/pacer.h"

#include "dataplane/estimator.h"
#include "dataplane/send_stats.h"
#include "dataplane/worker.h"

#define OVERHEAD_BYTES 44u /* head and trailer beside the payload */

static uint64_t rate_bps(const struct transport *transport)
{
    uint64_t rate = estimator_pacing_bps(transport->estimator);
    uint64_t drain = (uint64_t)transport->pacing.bytes * 8000000 / PACER_DRAIN_US;

    return rate > drain ? rate : drain;
}

static void refill(struct pacing *pacing, uint64_t rate, uint64_t now_us)
{
    uint64_t passed_us = now_us - pacing->refilled_us;
    int64_t burst_bytes = (int64_t)(rate * PACER_BURST_US / 8000000);

    if (passed_us == 0)
        return;
    if (burst_bytes < PACER_BURST_BYTES_MIN)
        burst_bytes = PACER_BURST_BYTES_MIN;
    pacing->refilled_us = now_us;
    pacing->tokens_bytes +=
        (int64_t)(rate * (passed_us < PACER_DRAIN_US ? passed_us : PACER_DRAIN_US) / 8000000);
    if (pacing->tokens_bytes > burst_bytes)
        pacing->tokens_bytes = burst_bytes;
    if (pacing->tokens_bytes < -burst_bytes) /* what had to go is not made up for by seconds of waiting */
        pacing->tokens_bytes = -burst_bytes;
}

static struct pacer_entry *take_entry(struct pacer *pacer)
{
    struct pacer_entry *entry;

    if (pacer->free != 0) {
        entry = &pacer->entries[pacer->free - 1];
        pacer->free = entry->next;
        return entry;
    }
    return pacer->begun < PACER_ENTRIES ? &pacer->entries[pacer->begun++] : NULL;
}

/* Takes the first entry out of the queue; it stays readable until the next one is queued. */
static struct pacer_entry *pop(struct pacer *pacer, struct pacing *pacing)
{
    uint32_t place = pacing->first;
    struct pacer_entry *entry = &pacer->entries[place - 1];

    pacing->first = entry->next;
    if (pacing->first == 0)
        pacing->last = 0;
    pacing->packets--;
    pacing->bytes -= entry->bytes;
    entry->next = pacer->free;
    pacer->free = place;
    return entry;
}

static bool push(struct worker *worker, struct consumer *consumer, const struct stored_packet *packet,
                 const struct rewrite_numbers *numbers, uint32_t bytes)
{
    struct pacer *pacer = &worker->pacer;
    struct pacing *pacing = &consumer->transport->pacing;
    struct pacer_entry *entry = take_entry(pacer);

    if (!entry)
        return false;
    *entry = (struct pacer_entry){.position = packet->source.position,
                                  .queued_us = worker->now_us,
                                  .consumer = consumer->handle,
                                  .numbers = *numbers,
                                  .bytes = bytes,
                                  .worker = packet_store_worker(&worker->peers.store, &packet->source)};
    uint32_t place = (uint32_t)(entry - pacer->entries) + 1;
    if (pacing->last != 0)
        pacer->entries[pacing->last - 1].next = place;
    else
        pacing->first = place;
    pacing->last = place;
    pacing->packets++;
    pacing->bytes += bytes;
    pacing->queued++;
    transport_table_busy(&worker->transports, consumer->transport);
    return true;
}

static int send_now(struct worker *worker, struct consumer *consumer, const struct stored_packet *packet,
                    const struct rewrite_numbers *numbers)
{
    int error = stored_send(worker, consumer, packet, numbers);

    if (error != 0)
        return error;
    send_stats_packet(&consumer->row->media.stats, packet->view->header.payload_length, worker->now_us);
    worker->totals.rtp_forwarded++;
    return 0;
}

static bool is_paced(const struct consumer *consumer, const struct stored_packet *packet)
{
    return consumer->transport->estimator && consumer->transport->row->available_bps != 0 &&
           consumer->row->kind == SHM_MEDIA_VIDEO && packet->source.packet;
}

static struct stream *stream_of(const struct consumer *consumer, shm_handle handle)
{
    const struct producer *producer = consumer->producer;

    for (unsigned i = 0; i < producer->row->encoding_count; i++) {
        if (producer->streams[i]->handle == handle)
            return producer->streams[i];
    }
    return NULL;
}

static void send_entry(struct worker *worker, const struct pacer_entry *entry)
{
    struct consumer *consumer = consumer_find(&worker->streams, entry->consumer);
    struct packet_place place;
    struct stored_facts facts;
    struct stored_packet packet;

    if (!consumer || consumer->row->paused)
        return; /* nobody waits for it any more */
    bool is_stored = packet_store_find(&worker->peers.store, entry->worker, entry->position, &place) &&
                     stored_read(&place, &facts) == 0;
    const struct stream *stream = is_stored ? stream_of(consumer, facts.stream) : NULL;
    if (worker->now_us - entry->queued_us > PACER_LATE_US || !stream ||
        stored_open(stream, &place, &facts, &packet) != 0) {
        consumer->transport->pacing.dropped++;
        consumer->row->packets_dropped++;
        worker_drop(worker, DROP_pacer_late);
        return;
    }
    send_now(worker, consumer, &packet, &entry->numbers);
}

/* What waited longest goes now, whether the bucket allows it or not. */
static void send_first(struct worker *worker, struct transport *transport)
{
    const struct pacer_entry *entry = pop(&worker->pacer, &transport->pacing);

    transport->pacing.tokens_bytes -= entry->bytes;
    send_entry(worker, entry);
}

int pacer_send(struct worker *worker, struct consumer *consumer, const struct stored_packet *packet,
               const struct rewrite_numbers *numbers)
{
    struct transport *transport = consumer->transport;
    struct pacing *pacing = &transport->pacing;

    uint32_t bytes = packet->view->header.payload_length + OVERHEAD_BYTES;

    if (!is_paced(consumer, packet)) {
        pacing->tokens_bytes -= bytes; /* audio does not wait, but takes its part of the path */
        /* Nothing overtakes what waits: an SRTP index far behind the newest can be used no more. */
        while (pacing->packets > 0 && consumer->row->kind == SHM_MEDIA_VIDEO)
            send_first(worker, transport);
        return send_now(worker, consumer, packet, numbers);
    }
    refill(pacing, rate_bps(transport), worker->now_us);
    if (pacing->packets > 0 || pacing->tokens_bytes <= 0) {
        if (push(worker, consumer, packet, numbers, bytes))
            return 0;
        if (pacing->packets > 0) { /* the pool is used up: the first makes room, so that none is overtaken */
            send_first(worker, transport);
            push(worker, consumer, packet, numbers, bytes);
            return 0;
        }
    }
    pacing->tokens_bytes -= bytes;
    return send_now(worker, consumer, packet, numbers);
}

/* The rate of the drain falls with what waits, so that the last would take far longer. */
static bool is_overdue(const struct worker *worker, const struct transport *transport)
{
    const struct pacer_entry *first = &worker->pacer.entries[transport->pacing.first - 1];

    return transport->row->available_bps == 0 || worker->now_us - first->queued_us >= PACER_DRAIN_US;
}

void pacer_run(struct worker *worker, struct transport *transport)
{
    struct pacing *pacing = &transport->pacing;

    if (pacing->packets == 0)
        return;
    estimator_paces(transport->estimator, worker->now_us);
    refill(pacing, rate_bps(transport), worker->now_us);
    while (pacing->packets > 0 && (pacing->tokens_bytes > 0 || is_overdue(worker, transport)))
        send_first(worker, transport);
}

void pacer_clear(struct worker *worker, struct transport *transport)
{
    while (transport->pacing.packets > 0)
        pop(&worker->pacer, &transport->pacing);
}
