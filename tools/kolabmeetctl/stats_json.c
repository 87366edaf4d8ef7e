#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "shm/statistics_json.h"
#include "tools/kolabmeetctl/stats.h"

#define KIND_AUDIO 1u

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *control_json(const struct snapshot *snapshot)
{
    const struct statistics_control *c = &snapshot->control;
    return json_pack("{s:o, s:b, s:o, s:b, s:o, s:o, s:o, s:o, s:o}", "pid", number(c->control_pid), "alive",
                     (int)snapshot->control_alive, "forwarderPid", number(c->forwarder_pid), "forwarderAlive",
                     (int)snapshot->forwarder_alive, "forwarderStarts", number(c->forwarder_starts),
                     "refusedCommands", number(c->refused_commands), "lostCommands", number(c->lost_commands),
                     "startedAtUs", number(c->started_us), "updatedAtUs", number(c->updated_us));
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

static json_t *with_fields(json_t *object, const struct statistics_fields *fields, const void *block)
{
    statistics_json_add(object, fields, block);
    return object;
}

static json_t *bandwidth_json(const struct statistics_transport *t)
{
    json_t *bandwidth =
        json_pack("{s:s, s:s}", "reason", statistics_json_name(statistics_estimate_name(t->bandwidth.reason)),
                  "delayState", statistics_json_name(statistics_delay_name(t->bandwidth.delay_state)));
    return with_fields(bandwidth, &statistics_bandwidth_fields, t);
}

static json_t *transport_json(const struct snapshot *snapshot, size_t i)
{
    const struct statistics_transport *t = &snapshot->transports[i];
    json_t *transport =
        json_pack("{s:o, s:s, s:s, s:o, s:s}", "handle", number(t->handle), "roomId",
                  snapshot->labels[i].room_id, "peerId", snapshot->labels[i].peer_id, "iceSelectedTuple",
                  statistics_json_remote(t), "srtpProfile", snapshot_srtp_profile_name(t->srtp_profile));
    with_fields(transport, &statistics_transport_fields, t);
    json_object_set_new(transport, "bandwidth", bandwidth_json(t));
    return transport;
}

/* What there is of a stream's layers, lowest first. */
static json_t *layer_bitrates(const struct statistics_stream *s)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < STATISTICS_LAYERS; i++)
        if (s->layer_kbps[i] != 0)
            json_array_append_new(list, json_pack("{s:i, s:i, s:i}", "spatialLayer",
                                                  (int)(i / STATISTICS_TEMPORAL_LAYERS), "temporalLayer",
                                                  (int)(i % STATISTICS_TEMPORAL_LAYERS), "bitrate",
                                                  s->layer_kbps[i] * 1000));
    return list;
}

static json_t *stream_json(const struct snapshot *snapshot, size_t i)
{
    const struct statistics_stream *s = &snapshot->streams[i];
    json_t *stream = json_pack("{s:o, s:o, s:o, s:s, s:s}", "handle", number(s->handle), "producer",
                               number(s->producer), "transport", number(s->transport), "kind",
                               snapshot_kind_name(s->kind), "codec", snapshot_codec_name(s->codec));
    with_fields(stream, &statistics_stream_fields, s);
    if (s->kind == KIND_AUDIO)
        return with_fields(stream, &statistics_audio_fields, s);
    json_object_set_new(stream, "layerBitrates", layer_bitrates(s));
    return stream;
}

static json_t *consumer_json(const struct snapshot *snapshot, size_t i)
{
    const struct statistics_consumer *c = &snapshot->consumers[i];
    json_t *layers = c->spatial_layer < 0 ? json_null()
                                          : json_pack("{s:i, s:i}", "spatialLayer", (int)c->spatial_layer,
                                                      "temporalLayer", (int)c->temporal_layer);
    json_t *consumer = json_pack("{s:o, s:o, s:o, s:s, s:o}", "handle", number(c->handle), "producer",
                                 number(c->producer), "transport", number(c->transport), "kind",
                                 snapshot_kind_name(c->kind), "currentLayers", layers);
    return with_fields(consumer, &statistics_consumer_fields, c);
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
