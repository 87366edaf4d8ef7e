#include "dataplane/stored.h"

#include <errno.h>
#include <string.h>

#include "dataplane/forward.h"
#include "dataplane/mirror.h"
#include "dataplane/rewrite_packet.h"
#include "dataplane/worker.h"

_Static_assert(sizeof(struct packet_view) <= SHM_SLOT_FACTS_BYTES, "a slot has room for what was parsed");

static uint32_t packet_bytes(const struct packet_view *view)
{
    const struct rtp_header *header = &view->header;
    return (uint32_t)header->payload_offset + header->payload_length + header->padding_length;
}

struct history stored_history(const struct worker *worker, const struct stream *stream)
{
    const struct mirror *mirror = stream->producer->mirror;

    return (struct history){
        .shared = shm_segment_at(worker->segment, SHM_SECTION_HISTORY, shm_handle_index(stream->handle)),
        .store = &worker->peers.store,
        .worker = mirror ? mirror->worker : worker->index,
        .stream = stream->handle,
    };
}

void stored_keep(struct worker *worker, struct flight *flight)
{
    const struct stream *stream = flight->stream;
    struct packet_store *store = &worker->peers.store;
    uint32_t length = packet_bytes(&flight->view);

    if (length > SHM_SLOT_DATA_BYTES) {
        worker_drop(worker, DROP_store_too_long);
        return;
    }
    struct shm_slot *slot = packet_store_begin(store);
    slot->received_us = worker->now_us;
    slot->stream = stream->handle;
    slot->length = length;
    slot->payload_type = (uint32_t)(flight->type - stream->producer->row->payload_types);
    slot->restarts = flight->restarts;
    slot->sequence = flight->view.header.sequence;
    memcpy(slot->facts, &flight->view, sizeof(flight->view));
    memcpy(slot->data, flight->data, length);
    struct history_place place = {.slot = slot, .position = packet_store_commit(store, slot)};

    struct history history = stored_history(worker, stream);
    history_note(&history, &place, flight->view.key_frame);
    flight->data = slot->data;
    flight->source = (struct egress_source){.slot = slot, .position = place.position};
}

int stored_read(const struct history_place *place, struct stored_facts *ret_facts)
{
    const struct shm_slot *slot = place->slot;
    struct stored_facts facts = {
        .received_us = slot->received_us,
        .stream = slot->stream,
        .payload_type = slot->payload_type,
        .restarts = slot->restarts,
    };
    uint32_t length = slot->length;

    memcpy(&facts.view, slot->facts, sizeof(facts.view));
    if (!packet_store_holds(slot, place->position))
        return -ESTALE;
    if (length > SHM_SLOT_DATA_BYTES || packet_bytes(&facts.view) > length)
        return -EBADMSG;
    *ret_facts = facts;
    return 0;
}

int stored_open(const struct stream *stream, const struct history_place *place,
                struct stored_facts *ret_facts, struct stored_packet *ret_packet)
{
    const struct shm_producer_row *producer = stream->producer->row;
    int error = stored_read(place, ret_facts);

    if (error != 0)
        return error;
    if (ret_facts->payload_type >= producer->payload_type_count)
        return -EPROTO;
    *ret_packet = (struct stored_packet){
        .data = place->slot->data,
        .view = &ret_facts->view,
        .type = &producer->payload_types[ret_facts->payload_type],
        .source = {.slot = place->slot, .position = place->position},
    };
    return 0;
}

/* Header and what is rewritten of the payload into the job, the rest of the payload by reference. */
static int build(struct worker *worker, struct consumer *consumer, const struct stored_packet *packet,
                 const struct rewrite_numbers *numbers, const struct rewrite_rtx *rtx,
                 struct srtp_protect_job *job)
{
    const struct media_consumer *media = &consumer->row->media;
    uint16_t number = consumer->transport->row->twcc_sequence;
    struct rewrite_egress egress = {
        .now_us = worker->now_us, .transport_sequence = &consumer->transport->row->twcc_sequence, .rtx = rtx};
    struct rewrite_head head;
    int error = rewrite_packet_head(&media->rewrite, &media->extensions, packet->data, packet->view, numbers,
                                    &egress, job->out, job->out_capacity, &head);

    if (error != 0)
        return error;
    if (consumer->transport->row->twcc_sequence != number)
        egress_number(worker, number);
    job->clear_bytes = head.clear_bytes;
    job->head_bytes = head.head_bytes;
    job->tail = packet->data + head.tail_offset;
    job->tail_bytes = head.tail_bytes;
    return 0;
}

/* index: the packet's; of RTX where rtx is not NULL. */
static int queue(struct worker *worker, struct consumer *consumer, const struct stored_packet *packet,
                 const struct rewrite_numbers *numbers, const struct rewrite_rtx *rtx, uint64_t index)
{
    struct shm_consumer_row *row = consumer->row;
    struct srtp_protect_job *job = egress_begin(worker, consumer->transport, SRTP_KIND_RTP);

    if (!job)
        return -ENOTCONN;
    job->stream = rtx ? &row->media.srtp_rtx : &row->media.srtp;
    job->window = rtx ? NULL : &row->media.srtp_holes;
    job->index = index;
    if (build(worker, consumer, packet, numbers, rtx, job) != 0) {
        egress_cancel(worker);
        row->packets_dropped++;
        worker_drop(worker, DROP_rewrite_too_long);
        return -EMSGSIZE;
    }
    egress_commit_from(worker, &packet->source);
    return 0;
}

int stored_send(struct worker *worker, struct consumer *consumer, const struct stored_packet *packet,
                const struct rewrite_numbers *numbers)
{
    consumer->row->media.rewrite.payload_type = packet->type->router_payload_type;
    return queue(worker, consumer, packet, numbers, NULL, numbers->sequence);
}

int stored_send_rtx(struct worker *worker, struct consumer *consumer, const struct stored_packet *packet,
                    const struct rewrite_numbers *numbers)
{
    struct shm_consumer_row *row = consumer->row;

    if (row->rtx_ssrc == 0 || packet->type->router_rtx_payload_type == 0)
        return -EOPNOTSUPP;
    struct rewrite_rtx rtx = {.ssrc = row->rtx_ssrc,
                              .sequence = (uint16_t)row->media.rewrite.rtx_next,
                              .payload_type = packet->type->router_rtx_payload_type};
    int error = queue(worker, consumer, packet, numbers, &rtx, row->media.rewrite.rtx_next);
    if (error != 0)
        return error;
    row->media.rewrite.rtx_next++;
    row->media.stats.retransmissions++;
    return packet->view->header.payload_length;
}
