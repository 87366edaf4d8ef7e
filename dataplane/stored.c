#include "dataplane/stored.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "dataplane/catch_up.h"
#include "dataplane/forward.h"
#include "dataplane/mirror.h"
#include "dataplane/pacer.h"
#include "dataplane/retransmit.h"
#include "dataplane/rewrite_packet.h"
#include "dataplane/worker.h"

/* Of packets without layers in them the rest is all zeroes. */
#define PLAIN_FACTS_BYTES offsetof(struct packet_view, svc)

_Static_assert(sizeof(struct packet_view) <= SHM_PACKET_FACTS_MAX, "the store has room for what was parsed");

_Static_assert(RETRANSMIT_VIDEO_US <= SHM_STORE_KEEP_US && CATCH_UP_AGE_MAX_US <= SHM_STORE_KEEP_US &&
                   PACER_LATE_US <= SHM_STORE_KEEP_US,
               "what is to be sent later is kept so long");

static uint32_t facts_bytes_of(const struct packet_view *view)
{
    return view->svc.is_layered ? sizeof(*view) : PLAIN_FACTS_BYTES;
}

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

    if (length > SHM_PACKET_DATA_MAX) {
        worker_drop(worker, DROP_store_too_long);
        return;
    }
    uint32_t facts_bytes = facts_bytes_of(&flight->view);
    struct shm_packet *packet = packet_store_begin(store, facts_bytes + length, worker->now_us);
    packet->received_us = worker->now_us;
    packet->stream = stream->handle;
    packet->restarts = flight->restarts;
    packet->sequence = flight->view.header.sequence;
    packet->payload_type = (uint16_t)(flight->type - stream->producer->row->payload_types);
    packet->facts_bytes = (uint16_t)facts_bytes;
    packet->length = (uint16_t)length;
    memcpy(packet->bytes, &flight->view, facts_bytes);
    memcpy(packet->bytes + facts_bytes, flight->data, length);
    struct packet_place place = packet_store_commit(store);

    struct history history = stored_history(worker, stream);
    history_note(&history, &place, flight->view.key_frame);
    flight->data = packet->bytes + facts_bytes;
    flight->source = place;
}

int stored_read(const struct packet_place *place, struct stored_facts *ret_facts)
{
    const struct shm_packet *packet = place->packet;
    struct stored_facts facts = {
        .received_us = packet->received_us,
        .stream = packet->stream,
        .payload_type = packet->payload_type,
        .restarts = packet->restarts,
    };
    uint32_t length = packet->length;
    uint32_t facts_bytes = packet->facts_bytes;

    bool may_be = (facts_bytes == PLAIN_FACTS_BYTES || facts_bytes == sizeof(facts.view)) &&
                  length <= SHM_PACKET_DATA_MAX && facts_bytes + length <= packet_store_room(place);
    if (may_be)
        memcpy(&facts.view, packet->bytes, facts_bytes);
    if (!packet_store_holds(place))
        return -ESTALE;
    if (!may_be || facts_bytes != facts_bytes_of(&facts.view) || packet_bytes(&facts.view) > length)
        return -EBADMSG;
    *ret_facts = facts;
    return 0;
}

int stored_open(const struct stream *stream, const struct packet_place *place, struct stored_facts *ret_facts,
                struct stored_packet *ret_packet)
{
    const struct shm_producer_row *producer = stream->producer->row;
    int error = stored_read(place, ret_facts);

    if (error != 0)
        return error;
    if (ret_facts->payload_type >= producer->payload_type_count)
        return -EPROTO;
    *ret_packet = (struct stored_packet){
        .data = place->packet->bytes + facts_bytes_of(&ret_facts->view),
        .view = &ret_facts->view,
        .type = &producer->payload_types[ret_facts->payload_type],
        .source = *place,
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
