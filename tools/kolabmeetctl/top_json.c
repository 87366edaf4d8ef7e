#include <errno.h>
#include <jansson.h>

#include "tools/kolabmeetctl/top.h"

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *worker_json(const struct rates *rates, size_t i)
{
    const struct worker_rates *w = &rates->workers[i];
    json_t *stages = json_object();

    for (uint32_t stage = 0; stage < STAGE_COUNT; stage++)
        json_object_set_new(stages, statistics_stage_name(stage), json_real(w->stages[stage]));
    json_t *latency = json_pack("{s:o, s:o, s:o}", "p50", number(histogram_quantile_us(&w->latency, 0.5)),
                                "p99", number(histogram_quantile_us(&w->latency, 0.99)), "p999",
                                number(histogram_quantile_us(&w->latency, 0.999)));
    return json_pack("{s:o, s:o, s:o, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:o, s:o}", "worker", number(i),
                     "transports", number(w->worker->transports), "consumers", number(w->worker->consumers),
                     "receivedPackets", w->received_packets, "receivedBits", w->received_bits, "sentPackets",
                     w->sent_packets, "sentBits", w->sent_bits, "drops", w->drops, "busy", w->busy, "inRuns",
                     w->in_runs, "stages", stages, "latencyUs", latency);
}

static json_t *room_json(const struct rates *rates, size_t i)
{
    const struct room_rates *r = &rates->rooms[i];

    return json_pack("{s:s, s:i, s:i, s:i, s:f, s:f}", "roomId", r->room_id, "transports", (int)r->transports,
                     "streams", (int)r->streams, "consumers", (int)r->consumers, "receivedBits",
                     r->received_bits, "sentBits", r->sent_bits);
}

static json_t *stream_json(const struct rates *rates, size_t i)
{
    const struct stream_rates *s = &rates->streams[i];

    return json_pack("{s:o, s:s, s:s, s:s, s:s, s:o, s:i, s:f, s:f, s:f, s:o}", "handle",
                     number(s->stream->handle), "roomId", s->label ? s->label->room_id : "", "peerId",
                     s->label ? s->label->peer_id : "", "kind", snapshot_kind_name(s->stream->kind), "codec",
                     snapshot_codec_name(s->stream->codec), "encoding", number(s->stream->encoding),
                     "consumers", (int)s->consumers, "packets", s->packets, "bits", s->bits, "lost", s->lost,
                     "score", number(s->stream->score));
}

static json_t *list_of(const struct rates *rates, size_t count,
                       json_t *(*element)(const struct rates *rates, size_t i))
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, element(rates, i));
    return list;
}

int top_print_json(FILE *out, const struct snapshot *snapshot, const struct rates *rates)
{
    json_t *all =
        json_pack("{s:f, s:b, s:b, s:o, s:o, s:o, s:o, s:o}", "seconds", rates->seconds, "controlAlive",
                  (int)snapshot->control_alive, "forwarderAlive", (int)snapshot->forwarder_alive, "rooms",
                  list_of(rates, rates->room_count, room_json), "workers",
                  list_of(rates, rates->worker_count, worker_json), "streams",
                  list_of(rates, rates->stream_count, stream_json), "peers", number(snapshot->control.peers),
                  "consumers", number(snapshot->consumer_count));

    if (!all)
        return -ENOMEM;
    json_dumpf(all, out, JSON_COMPACT);
    fputc('\n', out);
    json_decref(all);
    return 0;
}
