#include "control/forwarder/numbers.h"

#include <arpa/inet.h>
#include <string.h>

#include "control/forwarder/forwarder_private.h"

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *remote(const struct statistics_transport *t)
{
    static const uint8_t v4_mapped[12] = {[10] = 0xff, [11] = 0xff};
    char ip[INET6_ADDRSTRLEN] = "";
    if (t->remote_port == 0)
        return json_null();
    if (memcmp(t->remote_ip, v4_mapped, sizeof(v4_mapped)) == 0)
        inet_ntop(AF_INET, t->remote_ip + sizeof(v4_mapped), ip, sizeof(ip));
    else
        inet_ntop(AF_INET6, t->remote_ip, ip, sizeof(ip));
    return json_pack("{s:s,s:i}", "remoteIp", ip, "remotePort", (int)t->remote_port);
}

/* Of a later version: no name here. */
static const char *name(const char *known)
{
    return known ? known : "unknown";
}

static json_t *bandwidth(const struct statistics_bandwidth *b)
{
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:s,s:s,s:b}",
                     "desiredBitrate", number(b->desired_bps), "ackedBitrate", number(b->acked_bps),
                     "delayBound", number(b->delay_bound_bps), "lossBound", number(b->loss_bound_bps), "remb",
                     number(b->remb_bps), "probeBitrate", number(b->probe_bps), "probes", number(b->probes),
                     "probesSucceeded", number(b->probes_succeeded), "lossPermille", number(b->loss_permille),
                     "queueDelayUs", number(b->queue_delay_us), "pacerPackets", number(b->pacer_packets),
                     "pacerQueued", number(b->pacer_queued), "pacerDropped", number(b->pacer_dropped),
                     "feedbackPackets", number(b->feedback_packets), "reason",
                     name(statistics_estimate_name(b->reason)), "delayState",
                     name(statistics_delay_name(b->delay_state)), "limited", (int)b->is_limited);
}

json_t *numbers_of_transport(const struct forwarder *forwarder, uint64_t transport)
{
    struct statistics_transport t;
    if (statistics_read(&forwarder->statistics, STATISTICS_TRANSPORT, shm_handle_index(transport), &t,
                        sizeof(t)) != 0 ||
        t.handle != transport)
        return NULL;
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:b,s:b,s:o,s:o,s:o,s:f,s:o,s:o}", "worker",
                     number(t.worker), "iceSelectedTuple", remote(&t), "packetsReceived",
                     number(t.packets_received), "bytesReceived", number(t.bytes_received), "recvBitrate",
                     number(t.receive_bitrate_bps), "packetsSent", number(t.packets_sent), "bytesSent",
                     number(t.bytes_sent), "sendBitrate", number(t.send_bitrate_bps), "consent",
                     (int)t.has_consent, "keys", (int)t.has_keys, "dropsSrtp", number(t.drops_srtp),
                     "lastConsentUs", number(t.last_consent_us), "twccFeedbacks", number(t.twcc_feedbacks),
                     "roundTripTime", t.rtt_us / 1000.0, "availableOutgoingBitrate",
                     number(t.bandwidth.available_bps), "bandwidth", bandwidth(&t.bandwidth));
}

static json_t *numbers_of_stream(const struct forwarder *forwarder, uint64_t stream)
{
    struct statistics_stream s;
    if (statistics_read(&forwarder->statistics, STATISTICS_STREAM, shm_handle_index(stream), &s, sizeof(s)) !=
            0 ||
        s.handle != stream)
        return NULL;
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "encoding",
                     number(s.encoding), "ssrc", number(s.ssrc), "packetCount", number(s.packets),
                     "byteCount", number(s.bytes), "bitrate", number(s.bitrate_bps), "packetsLost",
                     number(s.packets_lost), "fractionLost", number(s.fraction_lost), "jitter",
                     number(s.jitter), "packetsRetransmitted", number(s.packets_retransmitted), "keyFrames",
                     number(s.key_frames), "nackCount", number(s.nack_count), "pliCount", number(s.pli_count),
                     "firCount", number(s.fir_count), "score", number(s.score));
}

json_t *numbers_of_producer(struct forwarder *forwarder, uint64_t producer)
{
    const struct object_producer *found = objects_find_producer(&forwarder->objects, producer);
    if (!found)
        return NULL;
    json_t *streams = json_array();
    for (uint32_t i = 0; i < found->stream_count; i++) {
        json_t *stream = numbers_of_stream(forwarder, found->streams[i]);
        if (stream)
            json_array_append_new(streams, stream);
    }
    return streams;
}

json_t *numbers_of_consumer(const struct forwarder *forwarder, uint64_t consumer)
{
    struct statistics_consumer c;
    if (statistics_read(&forwarder->statistics, STATISTICS_CONSUMER, shm_handle_index(consumer), &c,
                        sizeof(c)) != 0 ||
        c.handle != consumer)
        return NULL;
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:f,s:o,s:o,s:o,s:o,s:i,s:i}", "ssrc", number(c.ssrc),
                     "packetCount", number(c.packets), "byteCount", number(c.bytes), "bitrate",
                     number(c.bitrate_bps), "packetsDropped", number(c.packets_dropped), "packetsLost",
                     number(c.packets_lost), "fractionLost", number(c.fraction_lost), "jitter",
                     number(c.jitter), "roundTripTime", c.rtt_us / 1000.0, "nackCount", number(c.nack_count),
                     "pliCount", number(c.pli_count), "firCount", number(c.fir_count), "layerSwitches",
                     number(c.layer_switches), "spatialLayer", (int)c.spatial_layer, "temporalLayer",
                     (int)c.temporal_layer);
}

static json_t *drops(const struct statistics_worker *w)
{
    json_t *named = json_object();
    for (uint32_t drop = 0; drop < DROP_COUNT; drop++)
        if (w->drops[drop] > 0)
            json_object_set_new(named, statistics_drop_name(drop), number(w->drops[drop]));
    return named;
}

json_t *numbers_of_worker(const struct forwarder *forwarder, uint32_t worker)
{
    struct statistics_worker w;
    if (worker >= forwarder->worker_count ||
        statistics_read(&forwarder->statistics, STATISTICS_WORKER, worker, &w, sizeof(w)) != 0)
        return NULL;
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "worker",
                     number(worker), "updatedAtUs", number(w.updated_us), "transports", number(w.transports),
                     "producers", number(w.producers), "consumers", number(w.consumers), "rounds",
                     number(w.rounds), "idleRounds", number(w.idle_rounds), "sleeps", number(w.sleeps),
                     "packetsReceived", number(w.packets_received), "bytesReceived", number(w.bytes_received),
                     "packetsSent", number(w.packets_sent), "bytesSent", number(w.bytes_sent), "rtpForwarded",
                     number(w.rtp_forwarded), "stunAnswered", number(w.stun_answered), "punted",
                     number(w.punted), "injected", number(w.injected), "eventsLost", number(w.events_lost),
                     "drops", drops(&w));
}

uint32_t numbers_worker_count(const struct forwarder *forwarder)
{
    return forwarder->worker_count;
}

pid_t numbers_forwarder_pid(const struct forwarder *forwarder)
{
    return (pid_t)forwarder->counts.forwarder_pid;
}

uint32_t numbers_forwarder_starts(const struct forwarder *forwarder)
{
    return forwarder->counts.forwarder_starts;
}
