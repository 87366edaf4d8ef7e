#include "dataplane/plain.h"

#include <errno.h>
#include <string.h>

#include "dataplane/bitrate_window.h"
#include "dataplane/forward.h"
#include "dataplane/stream_demux.h"
#include "dataplane/worker.h"
#include "proto/wire/bytes.h"
#include "proto/wire/demux.h"
#include "proto/wire/rtcp.h"
#include "proto/wire/rtp.h"
#include "shm/seqlock.h"

static bool is_same_host(const struct shm_address *a, const struct shm_address *b)
{
    return memcmp(a->ip, b->ip, sizeof(a->ip)) == 0 && a->scope == b->scope;
}

/* Whether one of the transport's producers sends with this SSRC. */
static bool sends_ssrc(const struct transport *transport, uint32_t ssrc)
{
    for (unsigned i = 0; i < TRANSPORT_PRODUCERS_MAX; i++) {
        const struct demux_producer *producer = &transport->demux[i];
        for (unsigned e = 0; producer->producer != 0 && e < producer->encoding_count; e++)
            if (ssrc != 0 && (producer->encodings[e].ssrc == ssrc || producer->encodings[e].rtx_ssrc == ssrc))
                return true;
    }
    return false;
}

/* Whether one may send with this payload type, under an SSRC that is still to be learned. */
static bool sends_type(const struct transport *transport, uint8_t payload_type)
{
    unsigned index;

    for (unsigned i = 0; i < TRANSPORT_PRODUCERS_MAX; i++) {
        const struct demux_producer *producer = &transport->demux[i];
        if (producer->producer != 0 && producer->encodings[0].ssrc == 0 &&
            stream_demux_payload_type(producer, payload_type, false, &index) == 0)
            return true;
    }
    return false;
}

static bool is_expected_rtp(const struct transport *transport, const struct port_packet *packet)
{
    struct rtp_header header;

    return rtp_parse(packet->data, packet->length, &header) == 0 &&
           (sends_ssrc(transport, header.ssrc) || sends_type(transport, header.payload_type));
}

/* The first part of a compound says who sends it (RFC 3550 section 6.1). */
static bool is_expected_rtcp(const struct transport *transport, const struct port_packet *packet)
{
    struct rtcp_iterator iterator;

    return rtcp_begin(&iterator, packet->data, packet->length) == 0 && packet->length >= 8 &&
           sends_ssrc(transport, load_be32(packet->data + 4));
}

static bool refuse(struct worker *worker, enum statistics_drop reason)
{
    worker_drop(worker, reason);
    return false;
}

static bool accept_rtp(struct worker *worker, struct transport *transport, const struct port_packet *packet)
{
    struct shm_transport_row *row = transport->row;

    if (row->has_selected)
        return memcmp(&packet->remote, &row->selected, sizeof(packet->remote)) == 0 ||
               refuse(worker, DROP_plain_other_source);
    if (row->plain != SHM_PLAIN_LEARNED || !is_expected_rtp(transport, packet))
        return refuse(worker, DROP_plain_unexpected);
    if (row->plain_rtcp.port != 0 && !is_same_host(&row->plain_rtcp, &packet->remote))
        memset(&row->plain_rtcp, 0, sizeof(row->plain_rtcp)); /* that was somebody else */
    transport_select(transport, &packet->remote, true, worker->now_us);
    forward_begin_transport(worker, transport);
    return true;
}

static bool accept_rtcp(struct worker *worker, struct transport *transport, const struct port_packet *packet)
{
    struct shm_transport_row *row = transport->row;

    if (row->has_selected) {
        if (!is_same_host(&packet->remote, &row->selected))
            return refuse(worker, DROP_plain_other_source);
    } else if (row->plain != SHM_PLAIN_LEARNED || !is_expected_rtcp(transport, packet)) {
        return refuse(worker, DROP_plain_unexpected);
    }
    bool has_own_socket = shm_plain_is_rtcp(&row->plain_rtcp);
    if (row->plain == SHM_PLAIN_LEARNED && (row->plain_rtcp.port == 0 || !has_own_socket))
        row->plain_rtcp = packet->remote;
    return true;
}

bool plain_accept(struct worker *worker, const struct port_packet *packet, struct ingress_packet *ret_packet)
{
    struct transport *transport = transport_at(&worker->transports, shm_plain_index(&packet->remote));
    enum srtp_kind kind;

    if (!transport || transport->row->plain == SHM_PLAIN_NO)
        return refuse(worker, DROP_plain_gone);
    switch (demux_classify(packet->data, packet->length)) {
    case DEMUX_RTP:
        if (shm_plain_is_rtcp(&packet->remote))
            return refuse(worker, DROP_plain_wrong_port);
        if (!accept_rtp(worker, transport, packet))
            return false;
        kind = SRTP_KIND_RTP;
        break;
    case DEMUX_RTCP:
        if (!accept_rtcp(worker, transport, packet))
            return false;
        kind = SRTP_KIND_RTCP;
        break;
    default:
        return refuse(worker, packet->length == 0 ? DROP_empty : DROP_unknown_class);
    }
    struct shm_transport_row *row = transport->row;
    if (kind == SRTP_KIND_RTP || memcmp(&packet->remote, &row->plain_rtcp, sizeof(packet->remote)) == 0)
        row->consent_us = worker->now_us; /* reports of another program there do not keep an address alive */
    row->packets_received++;
    row->bytes_received += packet->length;
    bitrate_window_add(&row->receive_bitrate, packet->length, worker->now_us);
    *ret_packet = (struct ingress_packet){transport, packet->data, packet->length, kind};
    return true;
}

int plain_connect(struct worker *worker, struct transport *transport, const struct shm_address *remote,
                  uint16_t rtcp_port)
{
    struct shm_transport_row *row = transport->row;
    struct shm_address rtp = *remote;
    struct shm_address rtcp = *remote;

    if (row->plain == SHM_PLAIN_NO)
        return -EINVAL;
    rtp.protocol = shm_plain_protocol(transport->index, false);
    rtcp.protocol = shm_plain_protocol(transport->index, true);
    rtcp.port = rtcp_port;
    row->plain = SHM_PLAIN_GIVEN;
    row->plain_rtcp = rtcp;
    transport_select(transport, &rtp, true, worker->now_us);
    forward_begin_transport(worker, transport);
    return 0;
}

void plain_turn(struct worker *worker, struct transport *transport)
{
    struct shm_transport_row *row = transport->row;

    if (row->plain != SHM_PLAIN_LEARNED || !row->has_selected ||
        worker->now_us - row->consent_us <= PLAIN_SILENCE_US)
        return;
    seqlock_write_begin(&row->row.sequence);
    row->has_selected = 0;
    row->has_consent = 0;
    memset(&row->selected, 0, sizeof(row->selected));
    memset(&row->plain_rtcp, 0, sizeof(row->plain_rtcp));
    seqlock_write_end(&row->row.sequence);
}
