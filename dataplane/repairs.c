#include "dataplane/repairs.h"

#include "dataplane/packet_view.h"
#include "dataplane/receive_stats.h"
#include "dataplane/rtcp_egress.h"
#include "dataplane/worker.h"

#define OSN_BYTES 2u /* original sequence number (RFC 4588 section 4) */

void repairs_init(struct repairs *repairs)
{
    *repairs = (struct repairs){.due_us = UINT64_MAX};
}

static uint32_t round_trip_us(const struct stream *stream)
{
    return stream->producer->transport->row->sender_rtt_us;
}

/* Whether what is missing is worth a question. */
static bool is_wanted(const struct stream *stream)
{
    const struct producer *producer = stream->producer;

    return producer->row->feedback & SHM_FEEDBACK_NACK && !producer->row->paused &&
           (producer->fanout.count > 0 || producer->row->followers != 0);
}

static void add(struct worker *worker, struct stream *stream)
{
    struct repairs *repairs = &worker->repairs;

    if (!stream->in_repair) {
        stream->in_repair = true;
        stream->next_repair = repairs->first;
        repairs->first = stream;
    }
    uint64_t due_us = worker->now_us + stream->nacks->hold_us;
    repairs->due_us = due_us < repairs->due_us ? due_us : repairs->due_us;
}

void repairs_packet(struct worker *worker, struct stream *stream, const struct packet_view *view,
                    uint32_t missing)
{
    uint16_t sequence = view->header.sequence;

    if (missing == 0) {
        if (stream->nacks->count > 0)
            nack_arrived(stream->nacks, sequence, false, round_trip_us(stream), worker->now_us);
        return;
    }
    if (!is_wanted(stream))
        return;
    if (nack_missed(stream->nacks, (uint16_t)(sequence - missing), missing, worker->now_us))
        add(worker, stream);
    else
        rtcp_egress_request_key_frame(worker, stream);
}

void repairs_restart(struct stream *stream)
{
    nack_reset(stream->nacks);
}

void repairs_key_frame(struct stream *stream, uint16_t sequence)
{
    nack_key_frame(stream->nacks, sequence);
}

bool repairs_unwrap(struct worker *worker, struct stream *stream, const struct shm_payload_type *type,
                    const uint8_t *data, struct packet_view *view)
{
    struct shm_stream_row *row = stream->row;
    struct rtp_header header = view->header;

    row->rtx_packets++;
    if (header.payload_length == 0) {
        worker_drop(worker, DROP_rtx_unasked);
        return false;
    }
    if (header.payload_length < OSN_BYTES) {
        worker_drop(worker, DROP_rtx_malformed);
        return false;
    }
    header.sequence = load_be16(data + header.payload_offset);
    header.ssrc = row->stats.ssrc;
    header.payload_type = type->payload_type;
    header.payload_offset += OSN_BYTES;
    header.payload_length -= OSN_BYTES;
    if (row->stats.clock_rate != type->clock_rate ||
        !receive_stats_repaired(&row->stats, header.sequence,
                                (uint32_t)header.payload_length + header.padding_length, worker->now_us)) {
        worker_drop(worker, DROP_rtx_unasked);
        return false;
    }
    row->repaired++;
    nack_arrived(stream->nacks, header.sequence, true, round_trip_us(stream), worker->now_us);
    view->header = header;
    return true;
}

static uint64_t take_turn(struct worker *worker, struct stream *stream)
{
    struct nack_turn turn;

    if (!is_wanted(stream)) {
        stream->nacks->count = 0;
        return UINT64_MAX;
    }
    nack_turn(stream->nacks, round_trip_us(stream), worker->now_us, &turn);
    if (turn.count > 0)
        rtcp_egress_nack(worker, stream, turn.sequences, turn.count);
    if (turn.gave_up && stream->producer->row->kind == SHM_MEDIA_VIDEO)
        rtcp_egress_request_key_frame(worker, stream);
    return turn.next_us;
}

void repairs_turn(struct worker *worker)
{
    struct repairs *repairs = &worker->repairs;
    struct stream **link = &repairs->first;

    if (worker->now_us < repairs->due_us)
        return;
    repairs->due_us = UINT64_MAX;
    while (*link) {
        struct stream *stream = *link;
        uint64_t next_us = take_turn(worker, stream);
        if (next_us == UINT64_MAX) {
            *link = stream->next_repair;
            stream->in_repair = false;
            continue;
        }
        repairs->due_us = next_us < repairs->due_us ? next_us : repairs->due_us;
        link = &stream->next_repair;
    }
}

void repairs_forget(struct worker *worker, struct stream *stream)
{
    struct stream **link = &worker->repairs.first;

    while (stream->in_repair && *link != stream)
        link = &(*link)->next_repair;
    if (stream->in_repair)
        *link = stream->next_repair;
    stream->in_repair = false;
    nack_reset(stream->nacks);
}
