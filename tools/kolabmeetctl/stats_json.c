#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "tools/kolabmeetctl/stats.h"

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *control_json(const struct snapshot *snapshot)
{
    const struct statistics_control *c = &snapshot->control;
    return json_pack("{s:o, s:b, s:o, s:b, s:o, s:o, s:o, s:o}", "pid", number(c->control_pid), "alive",
                     (int)snapshot->control_alive, "forwarderPid", number(c->forwarder_pid), "forwarderAlive",
                     (int)snapshot->forwarder_alive, "forwarderStarts", number(c->forwarder_starts),
                     "refusedCommands", number(c->refused_commands), "startedAtUs", number(c->started_us),
                     "updatedAtUs", number(c->updated_us));
}

static json_t *drops_json(const struct statistics_worker *w)
{
    json_t *drops = json_object();
    for (uint32_t drop = 0; drop < DROP_COUNT; drop++)
        json_object_set_new(drops, statistics_drop_name(drop), number(w->drops[drop]));
    return drops;
}

static json_t *numbers_json(const uint64_t *numbers, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, number(numbers[i]));
    return list;
}

static json_t *latency_json(const struct histogram *latency)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "count", number(histogram_total(latency)), "p50",
                     number(histogram_quantile_us(latency, 0.5)), "p99",
                     number(histogram_quantile_us(latency, 0.99)), "p999",
                     number(histogram_quantile_us(latency, 0.999)));
}

/* Microseconds of each stage. */
static json_t *stage_times_json(const struct statistics_stages *s)
{
    uint32_t per_ms = s->ticks_per_ms > 0 ? s->ticks_per_ms : 1;
    json_t *times = json_object();
    for (uint32_t i = 0; i < STAGE_COUNT; i++)
        json_object_set_new(times, statistics_stage_name(i),
                            number((uint64_t)((double)s->ticks[i] * 1000 / per_ms)));
    return times;
}

static json_t *stages_json(const struct snapshot *snapshot, size_t i)
{
    if (i >= snapshot->stages_count)
        return json_null();
    const struct statistics_stages *s = &snapshot->stages[i];
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "timeUs", stage_times_json(s), "latencyUs",
                     latency_json(&s->latency), "batches", numbers_json(s->batches, STATISTICS_BATCHES),
                     "receiveCalls", number(s->receive_calls), "joinedMessages", number(s->joined_messages),
                     "sendCalls", number(s->send_calls), "sentRuns", number(s->sent_runs), "sentInRuns",
                     number(s->sent_in_runs));
}

static json_t *worker_json(const struct snapshot *snapshot, size_t i)
{
    const struct statistics_worker *w = &snapshot->workers[i];
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
                     "s:o, s:o, s:o, "
                     "s:o, s:o, s:o}",
                     "worker", number(i), "updatedAtUs", number(w->updated_us), "transports",
                     number(w->transports), "producers", number(w->producers), "consumers",
                     number(w->consumers), "rounds", number(w->rounds), "idleRounds", number(w->idle_rounds),
                     "sleeps", number(w->sleeps), "packetsReceived", number(w->packets_received),
                     "bytesReceived", number(w->bytes_received), "packetsSent", number(w->packets_sent),
                     "bytesSent", number(w->bytes_sent), "rtpForwarded", number(w->rtp_forwarded),
                     "stunAnswered", number(w->stun_answered), "punted", number(w->punted), "injected",
                     number(w->injected), "eventsLost", number(w->events_lost), "referencesSent",
                     number(w->references_sent), "referencesReceived", number(w->references_received),
                     "handedOver", number(w->handed_over), "takenOver", number(w->taken_over), "stages",
                     stages_json(snapshot, i), "drops", drops_json(w));
}

static json_t *remote_json(const struct statistics_transport *t)
{
    static const uint8_t v4_mapped[12] = {[10] = 0xff, [11] = 0xff};
    char ip[INET6_ADDRSTRLEN] = "";
    if (t->remote_port == 0)
        return json_null();
    if (memcmp(t->remote_ip, v4_mapped, sizeof v4_mapped) == 0)
        inet_ntop(AF_INET, t->remote_ip + 12, ip, sizeof ip);
    else
        inet_ntop(AF_INET6, t->remote_ip, ip, sizeof ip);
    return json_pack("{s:s, s:i, s:s}", "remoteIp", ip, "remotePort", (int)t->remote_port, "protocol", "udp");
}

/* Of a later version: no name here. */
static const char *name(const char *known)
{
    return known ? known : "unknown";
}

static json_t *bandwidth_json(const struct statistics_bandwidth *b)
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

static json_t *transport_json(const struct snapshot *snapshot, size_t i)
{
    const struct statistics_transport *t = &snapshot->transports[i];
    return json_pack(
        "{s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:s, s:o, s:o, s:o, s:o, s:o}",
        "handle", number(t->handle), "roomId", snapshot->labels[i].room_id, "peerId",
        snapshot->labels[i].peer_id, "worker", number(t->worker), "iceSelectedTuple", remote_json(t),
        "packetsReceived", number(t->packets_received), "bytesReceived", number(t->bytes_received),
        "recvBitrate", number(t->receive_bitrate_bps), "packetsSent", number(t->packets_sent), "bytesSent",
        number(t->bytes_sent), "sendBitrate", number(t->send_bitrate_bps), "consent", (int)t->has_consent,
        "keys", (int)t->has_keys, "srtpProfile", snapshot_srtp_profile_name(t->srtp_profile), "dropsSrtp",
        number(t->drops_srtp), "lastConsentUs", number(t->last_consent_us), "twccFeedbacks",
        number(t->twcc_feedbacks), "availableOutgoingBitrate", number(t->bandwidth.available_bps),
        "bandwidth", bandwidth_json(&t->bandwidth));
}

static json_t *stream_json(const struct snapshot *snapshot, size_t i)
{
    const struct statistics_stream *s = &snapshot->streams[i];
    return json_pack(
        "{s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
        "s:b}",
        "handle", number(s->handle), "producer", number(s->producer), "transport", number(s->transport),
        "kind", snapshot_kind_name(s->kind), "codec", snapshot_codec_name(s->codec), "encoding",
        number(s->encoding), "ssrc", number(s->ssrc), "packetCount", number(s->packets), "byteCount",
        number(s->bytes), "bitrate", number(s->bitrate_bps), "packetsLost", number(s->packets_lost),
        "fractionLost", number(s->fraction_lost), "jitter", number(s->jitter), "packetsRetransmitted",
        number(s->packets_retransmitted), "keyFrames", number(s->key_frames), "nackCount",
        number(s->nack_count), "pliCount", number(s->pli_count), "firCount", number(s->fir_count), "score",
        number(s->score), "paused", (int)s->paused);
}

static json_t *consumer_json(const struct snapshot *snapshot, size_t i)
{
    const struct statistics_consumer *c = &snapshot->consumers[i];
    json_t *layers = c->spatial_layer < 0 ? json_null()
                                          : json_pack("{s:i, s:i}", "spatialLayer", (int)c->spatial_layer,
                                                      "temporalLayer", (int)c->temporal_layer);
    return json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:f, s:o, s:o, s:o, "
                     "s:o, s:o, s:b}",
                     "handle", number(c->handle), "producer", number(c->producer), "transport",
                     number(c->transport), "kind", snapshot_kind_name(c->kind), "ssrc", number(c->ssrc),
                     "packetCount", number(c->packets), "byteCount", number(c->bytes), "bitrate",
                     number(c->bitrate_bps), "packetsDropped", number(c->packets_dropped), "packetsLost",
                     number(c->packets_lost), "fractionLost", number(c->fraction_lost), "jitter",
                     number(c->jitter), "nackCount", number(c->nack_count), "roundTripTime",
                     c->rtt_us / 1000.0, "pliCount", number(c->pli_count), "firCount", number(c->fir_count),
                     "score", number(c->score), "layerSwitches", number(c->layer_switches), "currentLayers",
                     layers, "paused", (int)c->paused);
}

static json_t *list_of(const struct snapshot *snapshot, size_t count,
                       json_t *(*element)(const struct snapshot *snapshot, size_t i))
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, element(snapshot, i));
    return list;
}

int stats_print_json(FILE *out, const struct snapshot *snapshot)
{
    json_t *all =
        json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "rooms", number(snapshot->control.rooms),
                  "peers", number(snapshot->control.peers), "control", control_json(snapshot), "workers",
                  list_of(snapshot, snapshot->worker_count, worker_json), "transports",
                  list_of(snapshot, snapshot->transport_count, transport_json), "streams",
                  list_of(snapshot, snapshot->stream_count, stream_json), "consumers",
                  list_of(snapshot, snapshot->consumer_count, consumer_json), "unreadableBlocks",
                  number(snapshot->unreadable));
    if (!all)
        return -ENOMEM;
    json_dumpf(all, out, JSON_INDENT(2));
    fputc('\n', out);
    json_decref(all);
    return 0;
}
