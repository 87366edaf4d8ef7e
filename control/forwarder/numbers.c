#include "control/forwarder/numbers.h"

#include <time.h>

#include "control/forwarder/forwarder_private.h"
#include "control/ortc/types.h"
#include "shm/statistics_json.h"

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

/* What mediasoup's statistics begin with. */
static json_t *begin(const char *type)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return json_pack("{s:s,s:I}", "type", type, "timestamp",
                     (json_int_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

static json_t *bandwidth(const struct statistics_transport *t)
{
    json_t *object =
        json_pack("{s:s,s:s}", "reason", statistics_json_name(statistics_estimate_name(t->bandwidth.reason)),
                  "delayState", statistics_json_name(statistics_delay_name(t->bandwidth.delay_state)));
    statistics_json_add(object, &statistics_bandwidth_fields, t);
    return object;
}

json_t *numbers_of_transport(const struct forwarder *forwarder, uint64_t transport)
{
    struct statistics_transport t;
    if (statistics_read(&forwarder->statistics, STATISTICS_TRANSPORT, shm_handle_index(transport), &t,
                        sizeof(t)) != 0 ||
        t.handle != transport)
        return NULL;
    json_t *numbers = begin("transport");
    json_object_set_new(numbers, "iceSelectedTuple", statistics_json_remote(&t));
    statistics_json_add(numbers, &statistics_transport_fields, &t);
    json_object_set_new(numbers, "bandwidth", bandwidth(&t));
    return numbers;
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

static json_t *numbers_of_stream(const struct forwarder *forwarder, uint64_t stream)
{
    struct statistics_stream s;
    if (statistics_read(&forwarder->statistics, STATISTICS_STREAM, shm_handle_index(stream), &s, sizeof(s)) !=
            0 ||
        s.handle != stream)
        return NULL;
    json_t *numbers = begin("inbound-rtp");
    statistics_json_add(numbers, &statistics_stream_fields, &s);
    if (s.kind == MEDIA_AUDIO)
        statistics_json_add(numbers, &statistics_audio_fields, &s);
    else
        json_object_set_new(numbers, "layerBitrates", layer_bitrates(&s));
    return numbers;
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
    json_t *numbers = begin("outbound-rtp");
    statistics_json_add(numbers, &statistics_consumer_fields, &c);
    return numbers;
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
