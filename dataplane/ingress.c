#include "dataplane/ingress.h"

#include <errno.h>

#include "dataplane/bitrate_window.h"
#include "dataplane/consent.h"
#include "dataplane/forward.h"
#include "dataplane/key_frame.h"
#include "dataplane/packet_view.h"
#include "dataplane/peers.h"
#include "dataplane/plain.h"
#include "dataplane/punt.h"
#include "dataplane/receive_stats.h"
#include "dataplane/rtcp_egress.h"
#include "dataplane/scores.h"
#include "dataplane/twcc_feedback.h"
#include "dataplane/worker.h"
#include "proto/wire/demux.h"
#include "proto/wire/stun.h"
#include "shm/bpf_abi.h"
#include "shm/ufrag.h"

struct opening {
    struct srtp_unprotect_job jobs[PORT_BATCH];
    struct transport *transports[PORT_BATCH];
    uint32_t count;
    uint32_t plain_count; /* packets that need no opening: they stand in the caller's array already */
};

static void queue_srtp(struct worker *worker, struct opening *opening, struct transport *transport,
                       const struct port_packet *packet, enum srtp_kind kind)
{
    if (!transport) {
        worker_drop(worker, DROP_unknown_tuple);
        return;
    }
    if (!transport->srtp) {
        worker_drop(worker, DROP_no_keys);
        return;
    }
    opening->transports[opening->count] = transport;
    opening->jobs[opening->count++] = (struct srtp_unprotect_job){
        .session = transport->srtp, .data = packet->data, .length = packet->length, .kind = kind};
}

static int base36(uint8_t character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    return character >= 'a' && character <= 'z' ? character - 'a' + 10 : -1;
}

/* Whose a packet is. */
struct owner {
    uint32_t worker;
    shm_handle transport; /* known by its source, or none */
    const char *ufrag;    /* of ours, of UFRAG_CHARACTERS, which a stranger's check names; or NULL */
};

/* The worker that a check's USERNAME names by the first two characters of our ufrag, if it is ours at all.
 * USERNAME is looked for where the steering program does: what names a worker behind that came here by its
 * doing, and is nothing that a client sends. */
static void find_owner_of_check(const struct worker *worker, const struct port_packet *packet,
                                struct owner *owner)
{
    struct stun_message message;

    if (stun_parse(packet->data, packet->length, &message) != 0 || message.class != STUN_REQUEST ||
        message.username_place >= BPF_ABI_STUN_ATTRIBUTES ||
        !ufrag_is_sealed(worker->segment->secret, message.username, message.username_length))
        return;
    int high = base36(message.username[0]);
    int low = base36(message.username[1]);
    if (high < 0 || low < 0)
        return;
    owner->worker = (uint32_t)(high * 36 + low);
    owner->ufrag = message.username;
}

/* What is of no known source and no check of ours stays where it came. */
static struct owner owner_of(const struct worker *worker, const struct port_packet *packet)
{
    struct owner owner = {.worker = worker->index};

    owner.transport = tuple_map_find(&worker->tuples, &packet->remote, &owner.worker);
    if (owner.transport == SHM_HANDLE_NONE && worker->peers.count > 1 &&
        demux_classify(packet->data, packet->length) == DEMUX_STUN)
        find_owner_of_check(worker, packet, &owner);
    if (owner.worker >= worker->peers.count)
        owner.worker = worker->index;
    return owner;
}

static void classify(struct worker *worker, struct opening *opening, const struct port_packet *packet,
                     bool taken_over)
{
    struct owner owner = owner_of(worker, packet);

    if (owner.worker != worker->index && !taken_over) {
        if (owner.transport != SHM_HANDLE_NONE || punt_may_hand_over(worker, owner.ufrag))
            peers_hand_over(worker, owner.worker, packet);
        else
            worker_drop(worker, DROP_stun_quota);
        return;
    }
    struct transport *transport = transport_find(&worker->transports, owner.transport);
    if (transport) {
        transport->row->packets_received++;
        transport->row->bytes_received += packet->length;
        bitrate_window_add(&transport->row->receive_bitrate, packet->length, worker->now_us);
    }
    switch (demux_classify(packet->data, packet->length)) {
    case DEMUX_STUN:
        consent_ingress(worker, transport, packet);
        break;
    case DEMUX_DTLS:
        if (transport)
            punt(worker, transport, packet, SHM_DATAGRAM_DTLS);
        else
            worker_drop(worker, DROP_unknown_tuple);
        break;
    case DEMUX_RTP:
        queue_srtp(worker, opening, transport, packet, SRTP_KIND_RTP);
        break;
    case DEMUX_RTCP:
        queue_srtp(worker, opening, transport, packet, SRTP_KIND_RTCP);
        break;
    case DEMUX_UNKNOWN:
        worker_drop(worker, packet->length == 0 ? DROP_empty : DROP_unknown_class);
        break;
    }
}

static void drop_refused(struct worker *worker, struct transport *transport,
                         const struct srtp_unprotect_job *job)
{
    bool rtcp = job->kind == SRTP_KIND_RTCP;

    transport->row->drops_srtp++;
    switch (job->status) {
    case SRTP_MALFORMED:
        worker_drop(worker, DROP_srtp_too_short);
        break;
    case SRTP_FORGED:
        worker_drop(worker, rtcp ? DROP_srtcp_authentication : DROP_srtp_authentication);
        break;
    case SRTP_REPLAYED:
        worker_drop(worker, rtcp ? DROP_srtcp_replay : DROP_srtp_replay);
        break;
    case SRTP_FAILED:
    case SRTP_OK:
        worker_drop(worker, DROP_srtp_other);
        break;
    }
}

uint32_t ingress_open(struct worker *worker, const struct port_packet *packets, uint32_t count,
                      bool taken_over, struct ingress_packet ret_packets[PORT_BATCH])
{
    struct opening opening;

    enum statistics_stage stage = stages_enter(&worker->stages, STAGE_unprotect);
    opening.count = 0;
    opening.plain_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (shm_address_is_plain(&packets[i].remote))
            opening.plain_count += plain_accept(worker, &packets[i], &ret_packets[opening.plain_count]);
        else
            classify(worker, &opening, &packets[i], taken_over);
    }
    uint32_t opened = opening.plain_count;
    worker->srtp->unprotect(opening.jobs, opening.count);
    stages_enter(&worker->stages, stage);
    for (uint32_t i = 0; i < opening.count; i++) {
        const struct srtp_unprotect_job *job = &opening.jobs[i];
        if (job->status == SRTP_OK)
            ret_packets[opened++] =
                (struct ingress_packet){opening.transports[i], job->data, job->length, job->kind};
        else
            drop_refused(worker, opening.transports[i], job);
    }
    return opened;
}

static void count_arrival(struct worker *worker, struct transport *transport, const uint8_t *data,
                          const struct packet_view *view)
{
    const struct packet_extension *extension = &view->extensions[MEDIA_EXTENSION_TRANSPORT_WIDE_CC];
    uint16_t sequence;

    if (extension->length > 0 &&
        rtp_ext_read_transport_sequence(data + extension->offset, extension->length, &sequence) == 0) {
        if (!transport->twcc)
            transport_begin_twcc(transport, worker->segment);
        twcc_feedback_packet(transport->twcc, sequence, view->header.ssrc, worker->now_us);
    }
}

/* The name under which a packet that no stream wants is dropped. */
static enum statistics_drop drop_of_match(int error)
{
    switch (error) {
    case -EAGAIN:
        return DROP_rtx_without_stream;
    case -EPROTO:
        return DROP_unknown_payload_type;
    case -EEXIST:
        return DROP_ssrc_conflict;
    default:
        return DROP_unknown_ssrc;
    }
}

/* A stream's first packet says its clock; a payload type of another clock begins it anew. */
static void prepare_stream(struct stream *stream, const struct shm_payload_type *type, uint32_t ssrc)
{
    struct shm_stream_row *row = stream->row;

    if (row->stats.clock_rate != type->clock_rate || row->stats.ssrc != ssrc) {
        receive_stats_init(&row->stats, ssrc, type->clock_rate);
        row->score = (struct score){0};
    }
    row->codec = type->codec;
    row->payload_type = type->router_payload_type;
}

/* Whether the packet is new, and of the stream that we know. */
static bool count_packet(struct worker *worker, struct stream *stream, const struct packet_view *view)
{
    struct receive_stats *stats = &stream->row->stats;
    uint32_t payload_bytes = (uint32_t)view->header.payload_length + view->header.padding_length;
    uint64_t highest = stats->highest;

    switch (receive_stats_packet(stats, &view->header, payload_bytes, worker->now_us)) {
    case RECEIVE_NEXT:
        repairs_packet(worker, stream, view, (uint32_t)(stats->highest - highest - 1));
        return true;
    case RECEIVE_LATE:
        repairs_packet(worker, stream, view, 0);
        return true;
    case RECEIVE_RESTART:
        repairs_restart(stream);
        forward_restart(worker, stream);
        return true;
    case RECEIVE_REPEAT:
        worker_drop(worker, DROP_duplicate);
        return false;
    case RECEIVE_STRAY:
        worker_drop(worker, DROP_stray);
        return false;
    }
    return false;
}

/* The SRTP layer keeps what it knows of a stream's SSRC, and makes room among all others. */
static void keep(struct worker *worker, struct transport *transport, const struct stream_match *match,
                 uint32_t ssrc)
{
    uint32_t *epoch = match->is_rtx ? &match->stream->kept_rtx_epoch : &match->stream->kept_epoch;

    if (transport->srtp && *epoch != transport->key_epoch) {
        worker->srtp->keep(transport->srtp, ssrc);
        *epoch = transport->key_epoch;
    }
}

void ingress_forget(struct worker *worker, const struct producer *producer)
{
    struct transport *transport = producer->transport;
    const struct demux_producer *demux = &transport->demux[producer->place];

    for (unsigned i = 0; i < producer->row->encoding_count; i++)
        repairs_forget(worker, producer->streams[i]);
    for (unsigned i = 0; transport->srtp && i < demux->encoding_count; i++) {
        worker->srtp->forget(transport->srtp, demux->encodings[i].ssrc);
        worker->srtp->forget(transport->srtp, demux->encodings[i].rtx_ssrc);
    }
}

void ingress_rtp(struct worker *worker, const struct ingress_packet *packet)
{
    struct transport *transport = packet->transport;
    struct packet_view view;
    struct stream_match match;

    if (packet_view_parse(packet->data, packet->length, &transport->extensions, &view) != 0) {
        worker_drop(worker, DROP_rtp_malformed);
        return;
    }
    /* Before its arrival is noted: the feedback says that it was lost, and the sender gives way. */
    if (!police_admit(&transport->police, transport->row->remb.bitrate_bps, (uint32_t)packet->length,
                      worker->now_us)) {
        worker_drop(worker, DROP_incoming_limit);
        return;
    }
    count_arrival(worker, transport, packet->data, &view);

    int error = stream_match(&worker->streams, transport, packet->data, &view, &match);
    if (error != 0) {
        worker_drop(worker, drop_of_match(error));
        return;
    }
    struct stream *stream = match.stream;
    keep(worker, transport, &match, view.header.ssrc);
    bool was_silent = false;
    if (match.is_rtx) {
        if (!repairs_unwrap(worker, stream, match.payload_type, packet->data, &view))
            return;
    } else {
        prepare_stream(stream, match.payload_type, view.header.ssrc);
        was_silent = forward_is_silent(worker, stream);
        if (!count_packet(worker, stream, &view))
            return;
    }
    if (packet_view_read_codec(packet->data, match.payload_type->codec, &view) != 0 ||
        packet_view_read_layers(packet->data, match.payload_type->codec, &stream->svc, &view) != 0) {
        worker_drop(worker, DROP_payload_malformed);
        return;
    }
    if (view.extensions[MEDIA_EXTENSION_AUDIO_LEVEL].length > 0)
        audio_level_packet(&stream->level, packet->data[view.extensions[MEDIA_EXTENSION_AUDIO_LEVEL].offset]);
    if (view.key_frame) {
        key_frame_request_seen(&stream->row->key_frame, worker->now_us);
        stream->row->key_frames++;
        repairs_key_frame(stream, view.header.sequence);
    }
    scores_packet(stream);
    if (was_silent)
        forward_revive(worker, stream);
    forward_packet(worker, stream, match.payload_type, packet->data, &view);
}
