#include "dataplane/peers.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include "dataplane/forward.h"
#include "dataplane/key_frame.h"
#include "dataplane/mirror.h"
#include "dataplane/rtcp_egress.h"
#include "dataplane/scores.h"
#include "dataplane/stored.h"
#include "dataplane/worker.h"

/* Its owner joins requests anyway; this only bounds what one receiver can make workers say. */
#define KEY_FRAME_REQUEST_US 50000u

int peers_init(struct worker *worker, const int *wake_fds)
{
    const struct shm_segment *segment = worker->segment;
    struct peers *peers = &worker->peers;
    uint32_t bytes = segment->capacities.peer_ring_bytes;
    uint32_t count = segment->capacities.workers;
    int error = 0;

    packet_store_init(&peers->store, segment, worker->index, worker->now_us);
    peers->count = wake_fds ? count : 1;
    for (uint32_t i = 0; error == 0 && wake_fds && i < count; i++) {
        peers->wake_fds[i] = wake_fds[i];
        error = ring_producer_init(
            &peers->to[i], shm_segment_at(segment, SHM_SECTION_PEER_RING, worker->index * count + i), bytes);
        if (error == 0)
            error = ring_consumer_init(
                &peers->from[i], shm_segment_at(segment, SHM_SECTION_PEER_RING, i * count + worker->index),
                bytes);
    }
    return error;
}

/* A record for another worker, or NULL (counted) when its ring is full, or left to media. */
static struct shm_peer_record *begin(struct worker *worker, uint32_t to, enum shm_peer_kind kind)
{
    struct ring_producer *ring = &worker->peers.to[to];
    bool is_media = kind == SHM_PEER_REFERENCE || kind == SHM_PEER_DATAGRAM;

    if (!is_media && !ring_has_free(ring, ring->capacity / 4)) {
        worker_drop(worker, DROP_peer_ring_busy);
        return NULL;
    }
    struct shm_peer_record *record = ring_reserve(ring, sizeof(*record));
    if (!record) {
        worker_drop(worker, DROP_peer_ring_full);
        return NULL;
    }
    *record = (struct shm_peer_record){.kind = kind};
    return record;
}

static void commit(struct worker *worker, uint32_t to)
{
    ring_commit(&worker->peers.to[to], sizeof(struct shm_peer_record));
    worker->peers.told |= 1ull << to;
}

void peers_reference(struct worker *worker, const struct flight *flight)
{
    uint64_t followers = flight->stream->producer->row->followers;

    if (!flight->source.packet) /* too long to be stored */
        return;
    for (; followers != 0; followers &= followers - 1) {
        uint32_t to = (uint32_t)__builtin_ctzll(followers);
        struct shm_peer_record *record = begin(worker, to, SHM_PEER_REFERENCE);
        if (!record)
            continue;
        record->position = flight->source.position;
        record->stream = flight->stream->handle;
        commit(worker, to);
        worker->totals.references_sent++;
    }
}

void peers_hand_over(struct worker *worker, uint32_t owner, const struct port_packet *packet)
{
    if (packet->length > SHM_PACKET_DATA_MAX) {
        worker_drop(worker, DROP_store_too_long);
        return;
    }
    struct shm_peer_record *record = begin(worker, owner, SHM_PEER_DATAGRAM);
    if (!record)
        return;
    struct shm_packet *stored = packet_store_begin(&worker->peers.store, packet->length, worker->now_us);
    stored->received_us = worker->now_us;
    stored->stream = SHM_HANDLE_NONE;
    stored->facts_bytes = 0;
    stored->length = (uint16_t)packet->length;
    memcpy(stored->bytes, packet->data, packet->length);
    record->position = packet_store_commit(&worker->peers.store).position;
    record->remote = packet->remote;
    commit(worker, owner);
    worker->totals.handed_over++;
}

void peers_request_key_frame(struct worker *worker, struct stream *stream)
{
    struct key_frame_request *request = &stream->row->key_frame;
    uint32_t owner = stream->producer->mirror->worker;

    key_frame_request(request);
    if (!key_frame_request_due(request, KEY_FRAME_REQUEST_US, worker->now_us))
        return;
    struct shm_peer_record *record = begin(worker, owner, SHM_PEER_KEY_FRAME);
    if (!record)
        return;
    record->stream = stream->handle;
    commit(worker, owner);
    key_frame_request_sent(request, worker->now_us);
}

bool peers_tell_loss(struct worker *worker, const struct stream *stream, uint8_t fraction_lost)
{
    uint32_t owner = stream->producer->mirror->worker;
    struct shm_peer_record *record = begin(worker, owner, SHM_PEER_LOSS);

    if (!record)
        return false;
    record->stream = stream->handle;
    record->fraction_lost = fraction_lost;
    commit(worker, owner);
    return true;
}

void peers_note_stream(struct stream *stream)
{
    stream->has_news = true;
    stream->producer->transport->has_news = true;
}

void peers_note_clock(struct transport *transport)
{
    transport->clock_moved = true;
    transport->has_news = true;
}

/* Whether all of its followers were told. */
static bool tell_stream(struct worker *worker, const struct stream *stream)
{
    bool is_told = true;
    const struct receive_stats *stats = &stream->row->stats;
    const struct sender_clock *clock = stream->producer->clock;
    uint64_t followers = stream->producer->row->followers;

    for (; followers != 0; followers &= followers - 1) {
        uint32_t to = (uint32_t)__builtin_ctzll(followers);
        struct shm_peer_record *record = begin(worker, to, SHM_PEER_STREAM);
        if (!record) {
            is_told = false;
            continue;
        }
        record->stream = stream->handle;
        record->values = (struct shm_peer_stream){.clock_offset_us = clock->offset_us,
                                                  .clock_updated_us = clock->updated_us,
                                                  .sr_ntp = stats->sr_ntp,
                                                  .sr_rtp = stats->sr_rtp,
                                                  .score = stream->row->score.value};
        commit(worker, to);
    }
    return is_told;
}

/* Each word of a stream says the clock too, which all streams of a mirror share. */
static bool tell_producer(struct worker *worker, const struct producer *producer, bool clock_moved)
{
    bool is_told = true;

    for (unsigned i = 0; i < producer->row->encoding_count; i++) {
        struct stream *stream = producer->streams[i];
        if (!stream->has_news)
            continue;
        clock_moved = false;
        stream->has_news = !tell_stream(worker, stream);
        is_told &= !stream->has_news;
    }
    return clock_moved ? tell_stream(worker, producer->streams[0]) : is_told;
}

void peers_turn(struct worker *worker, struct transport *transport)
{
    bool is_told = true;

    if (!transport->has_news)
        return;
    for (unsigned i = 0; i < TRANSPORT_PRODUCERS_MAX; i++) {
        if (transport->producers[i])
            is_told &= tell_producer(worker, transport->producers[i], transport->clock_moved);
    }
    transport->has_news = !is_told;
    transport->clock_moved &= !is_told;
}

/* What ingress does for a stream of its own, for a mirror's. */
static void note_packet(struct worker *worker, struct stream *stream, const struct shm_payload_type *type,
                        const struct packet_view *view, uint32_t restarts)
{
    struct receive_stats *stats = &stream->row->stats;
    bool was_silent = forward_is_silent(worker, stream);

    if (stats->ssrc != view->header.ssrc || stats->restarts != restarts) {
        bool is_first = stats->last_packet_us == 0;
        stats->ssrc = view->header.ssrc;
        stats->restarts = restarts;
        (is_first ? forward_resync : forward_restart)(worker, stream);
    }
    stats->clock_rate = type->clock_rate;
    stats->last_packet_us = worker->now_us;
    if (view->key_frame)
        key_frame_request_seen(&stream->row->key_frame, worker->now_us);
    if (was_silent)
        forward_revive(worker, stream);
}

static void take_reference(struct worker *worker, uint32_t from, const struct shm_peer_record *record)
{
    struct stream *stream = mirror_find_stream(&worker->streams, from, record->stream);
    struct packet_place place;
    struct stored_facts facts;
    struct stored_packet packet;

    worker->totals.references_received++;
    if (!stream) {
        worker_drop(worker, DROP_stream_gone);
        return;
    }
    bool is_stored = packet_store_find(&worker->peers.store, from, record->position, &place);
    switch (is_stored ? stored_open(stream, &place, &facts, &packet) : -ESTALE) {
    case 0:
        break;
    case -ESTALE:
        worker_drop(worker, DROP_store_overwritten);
        return;
    case -EPROTO:
        worker_drop(worker, DROP_unknown_payload_type);
        return;
    default:
        worker_drop(worker, DROP_rtp_malformed);
        return;
    }
    note_packet(worker, stream, packet.type, &facts.view, facts.restarts);
    forward_stored(worker, stream, &packet);
}

static bool take_datagram(struct worker *worker, uint32_t from, const struct shm_peer_record *record,
                          uint8_t *buffer, struct port_packet *ret_packet)
{
    struct packet_place place;
    uint32_t length = 0;
    bool is_whole = packet_store_find(&worker->peers.store, from, record->position, &place);

    if (is_whole) {
        length = place.packet->length;
        is_whole = length <= SHM_PACKET_DATA_MAX && length <= packet_store_room(&place);
    }
    if (is_whole) {
        memcpy(buffer, place.packet->bytes, length);
        is_whole = packet_store_holds(&place);
    }
    if (!is_whole) {
        worker_drop(worker, DROP_store_overwritten);
        return false;
    }
    *ret_packet = (struct port_packet){.remote = record->remote, .data = buffer, .length = length};
    worker->totals.taken_over++;
    return true;
}

static void take_key_frame_request(struct worker *worker, const struct shm_peer_record *record)
{
    struct stream *stream = stream_find(&worker->streams, record->stream);

    if (stream && !stream->producer->mirror && !stream->producer->row->paused)
        rtcp_egress_request_key_frame(worker, stream);
}

static void take_loss(struct worker *worker, const struct shm_peer_record *record)
{
    struct stream *stream = stream_find(&worker->streams, record->stream);

    if (stream && !stream->producer->mirror)
        receiver_loss_note(&stream->loss, (uint8_t)record->fraction_lost, worker->now_us);
}

static void take_stream(struct worker *worker, uint32_t from, const struct shm_peer_record *record)
{
    struct stream *stream = mirror_find_stream(&worker->streams, from, record->stream);
    const struct shm_peer_stream *values = &record->values;

    if (!stream)
        return;
    stream->producer->mirror->clock =
        (struct sender_clock){.offset_us = values->clock_offset_us, .updated_us = values->clock_updated_us};
    stream->row->stats.sr_ntp = values->sr_ntp;
    stream->row->stats.sr_rtp = values->sr_rtp;
    if (stream->row->score.value != values->score) {
        stream->row->score.value = values->score;
        scores_tell_consumers(stream);
    }
}

static uint32_t take_from(struct worker *worker, uint32_t from, struct port_packet *packets,
                          uint32_t *packet_count)
{
    struct peers *peers = &worker->peers;
    struct shm_peer_record record;
    uint32_t length;
    uint32_t taken = 0;

    while (taken < PEERS_BATCH && *packet_count < PORT_BATCH &&
           ring_pop(&peers->from[from], &record, sizeof(record), &length) == 0) {
        taken++;
        if (length != sizeof(record))
            continue;
        switch (record.kind) {
        case SHM_PEER_REFERENCE:
            take_reference(worker, from, &record);
            break;
        case SHM_PEER_DATAGRAM:
            if (take_datagram(worker, from, &record, peers->datagrams[*packet_count],
                              &packets[*packet_count]))
                ++*packet_count;
            break;
        case SHM_PEER_KEY_FRAME:
            take_key_frame_request(worker, &record);
            break;
        case SHM_PEER_STREAM:
            take_stream(worker, from, &record);
            break;
        case SHM_PEER_LOSS:
            take_loss(worker, &record);
            break;
        default: /* of a newer program, which has gone since */
            break;
        }
    }
    return taken;
}

/* Who is heard first in the next round. This worker's own turn would be its neighbour's a second time. */
static uint32_t next_first(const struct worker *worker)
{
    uint32_t count = worker->peers.count;
    uint32_t first = (worker->peers.first + 1) % count;

    return first == worker->index ? (first + 1) % count : first;
}

uint32_t peers_take(struct worker *worker, struct port_packet ret_packets[PORT_BATCH], uint32_t *ret_count)
{
    uint32_t taken = 0;

    struct peers *peers = &worker->peers;

    *ret_count = 0;
    for (uint32_t i = 0; i < peers->count; i++) {
        uint32_t from = (peers->first + i) % peers->count;
        if (from != worker->index)
            taken += take_from(worker, from, ret_packets, ret_count);
    }
    peers->first = next_first(worker);
    return taken;
}

void peers_wake(struct worker *worker)
{
    struct peers *peers = &worker->peers;

    for (; peers->told != 0; peers->told &= peers->told - 1) {
        uint32_t to = (uint32_t)__builtin_ctzll(peers->told);
        if (ring_wants_wake(&peers->to[to]))
            eventfd_write(peers->wake_fds[to], 1);
    }
}

void peers_awake(struct worker *worker)
{
    struct peers *peers = &worker->peers;

    for (uint32_t i = 0; i < peers->count; i++) {
        if (i != worker->index)
            ring_awake(&peers->from[i]);
    }
}

bool peers_sleep(struct worker *worker)
{
    struct peers *peers = &worker->peers;

    for (uint32_t i = 0; i < peers->count; i++) {
        if (i != worker->index && !ring_sleep(&peers->from[i])) {
            peers_awake(worker);
            return false;
        }
    }
    return true;
}
