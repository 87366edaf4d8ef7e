#include "tools/kolabmeetctl/rates.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Counters begin anew with another forwarder. */
static uint64_t growth(uint64_t before, uint64_t after)
{
    return after > before ? after - before : 0;
}

static double share(uint64_t part, uint64_t all)
{
    return all > 0 ? (double)part / (double)all : 0;
}

static uint64_t all_drops(const struct statistics_worker *worker)
{
    uint64_t all = 0;

    for (uint32_t i = 0; i < DROP_COUNT; i++)
        all += worker->drops[i];
    return all;
}

static void compute_stages(const struct statistics_stages *before, const struct statistics_stages *after,
                           uint64_t sent, struct worker_rates *rates)
{
    uint64_t ticks[STAGE_COUNT];
    uint64_t all = 0;

    for (uint32_t i = 0; i < STAGE_COUNT; i++)
        all += ticks[i] = growth(before->ticks[i], after->ticks[i]);
    for (uint32_t i = 0; i < STAGE_COUNT; i++)
        rates->stages[i] = share(ticks[i], all);
    rates->busy = all > 0 ? 1 - rates->stages[STAGE_idle] : 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        rates->latency.counts[i] = growth(before->latency.counts[i], after->latency.counts[i]);
    rates->in_runs = share(growth(before->sent_in_runs, after->sent_in_runs), sent);
}

static void compute_worker(const struct snapshot *before, const struct snapshot *after, size_t i,
                           double seconds, struct worker_rates *rates)
{
    static const struct statistics_worker no_worker;
    static const struct statistics_stages no_stages;
    const struct statistics_worker *from = i < before->worker_count ? &before->workers[i] : &no_worker;
    const struct statistics_worker *to = &after->workers[i];
    uint64_t sent = growth(from->packets_sent, to->packets_sent);

    rates->worker = to;
    rates->received_packets = (double)growth(from->packets_received, to->packets_received) / seconds;
    rates->received_bits = (double)growth(from->bytes_received, to->bytes_received) * 8 / seconds;
    rates->sent_packets = (double)sent / seconds;
    rates->sent_bits = (double)growth(from->bytes_sent, to->bytes_sent) * 8 / seconds;
    rates->drops = (double)growth(all_drops(from), all_drops(to)) / seconds;
    if (i < after->stages_count)
        compute_stages(i < before->stages_count ? &before->stages[i] : &no_stages, &after->stages[i], sent,
                       rates);
}

/* Blocks stand in the order of their rows. */
static int compare_rows(const void *key, const void *element)
{
    uint32_t row = *(const uint32_t *)key;
    uint32_t other = (uint32_t)((const struct statistics_transport *)element)->handle;

    return row < other ? -1 : row > other;
}

static const struct statistics_transport *find_transport(const struct snapshot *snapshot, uint64_t handle)
{
    uint32_t row = (uint32_t)handle;
    if (snapshot->transport_count == 0)
        return NULL;
    const struct statistics_transport *found = bsearch(&row, snapshot->transports, snapshot->transport_count,
                                                       sizeof *snapshot->transports, compare_rows);

    return found && found->handle == handle ? found : NULL;
}

static const struct statistics_label *label_of(const struct snapshot *snapshot, uint64_t transport)
{
    const struct statistics_transport *found = find_transport(snapshot, transport);

    return found ? &snapshot->labels[found - snapshot->transports] : NULL;
}

static int compare_streams(const void *a, const void *b)
{
    double left = ((const struct stream_rates *)a)->bits, right = ((const struct stream_rates *)b)->bits;

    return left < right ? 1 : left > right ? -1 : 0;
}

static int compare_producers(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

static unsigned count_equal(const uint64_t *sorted, size_t count, uint64_t value)
{
    const uint64_t *found = bsearch(&value, sorted, count, sizeof *sorted, compare_producers);
    unsigned equal = 0;

    if (!found)
        return 0;
    while (found > sorted && found[-1] == value)
        found--;
    while (found < sorted + count && *found++ == value)
        equal++;
    return equal;
}

static int compute_streams(const struct snapshot *before, const struct snapshot *after, struct rates *rates)
{
    uint64_t *producers = calloc(after->consumer_count + 1, sizeof *producers);
    size_t old = 0;

    rates->streams = calloc(after->stream_count + 1, sizeof *rates->streams);
    if (!producers || !rates->streams) {
        free(producers);
        return -ENOMEM;
    }
    for (size_t i = 0; i < after->consumer_count; i++)
        producers[i] = after->consumers[i].producer;
    qsort(producers, after->consumer_count, sizeof *producers, compare_producers);
    for (size_t i = 0; i < after->stream_count; i++) {
        static const struct statistics_stream none;
        const struct statistics_stream *to = &after->streams[i];
        while (old < before->stream_count && (uint32_t)before->streams[old].handle < (uint32_t)to->handle)
            old++;
        bool was_there = old < before->stream_count && before->streams[old].handle == to->handle;
        const struct statistics_stream *from = was_there ? &before->streams[old] : &none;
        rates->streams[rates->stream_count++] = (struct stream_rates){
            .stream = to,
            .label = label_of(after, to->transport),
            .packets = (double)growth(from->packets, to->packets) / rates->seconds,
            .bits = (double)growth(from->bytes, to->bytes) * 8 / rates->seconds,
            .lost = (double)growth(from->packets_lost, to->packets_lost) / rates->seconds,
            .consumers = count_equal(producers, after->consumer_count, to->producer),
        };
    }
    free(producers);
    qsort(rates->streams, rates->stream_count, sizeof *rates->streams, compare_streams);
    return 0;
}

static int compare_room_ids(const void *a, const void *b)
{
    return strcmp(((const struct room_rates *)a)->room_id, ((const struct room_rates *)b)->room_id);
}

static int compare_rooms(const void *a, const void *b)
{
    const struct room_rates *left = a, *right = b;
    double l = left->received_bits + left->sent_bits, r = right->received_bits + right->sent_bits;

    return l < r ? 1 : l > r ? -1 : 0;
}

static void add_to_room(struct rates *rates, const struct statistics_label *label, unsigned streams,
                        unsigned consumers)
{
    struct room_rates key = {.room_id = ""};

    if (!label)
        return;
    memcpy(key.room_id, label->room_id, sizeof key.room_id);
    struct room_rates *room = bsearch(&key, rates->rooms, rates->room_count, sizeof key, compare_room_ids);
    if (room) {
        room->streams += streams;
        room->consumers += consumers;
    }
}

/* A room for each transport, then those of one name become one. */
static int compute_rooms(const struct snapshot *before, const struct snapshot *after, struct rates *rates)
{
    size_t kept = 0;

    rates->rooms = calloc(after->transport_count + 1, sizeof *rates->rooms);
    if (!rates->rooms)
        return -ENOMEM;
    for (size_t i = 0; i < after->transport_count; i++) {
        static const struct statistics_transport none;
        const struct statistics_transport *to = &after->transports[i];
        const struct statistics_transport *from = find_transport(before, to->handle);
        struct room_rates *room = &rates->rooms[i];
        from = from ? from : &none;
        memcpy(room->room_id, after->labels[i].room_id, sizeof room->room_id);
        room->transports = 1;
        room->received_bits = (double)growth(from->bytes_received, to->bytes_received) * 8 / rates->seconds;
        room->sent_bits = (double)growth(from->bytes_sent, to->bytes_sent) * 8 / rates->seconds;
    }
    qsort(rates->rooms, after->transport_count, sizeof *rates->rooms, compare_room_ids);
    for (size_t i = 0; i < after->transport_count; i++) {
        struct room_rates *last = kept > 0 ? &rates->rooms[kept - 1] : NULL;
        if (!last || strcmp(last->room_id, rates->rooms[i].room_id) != 0) {
            rates->rooms[kept++] = rates->rooms[i];
            continue;
        }
        last->transports++;
        last->received_bits += rates->rooms[i].received_bits;
        last->sent_bits += rates->rooms[i].sent_bits;
    }
    rates->room_count = kept;
    for (size_t i = 0; i < after->stream_count; i++)
        add_to_room(rates, label_of(after, after->streams[i].transport), 1, 0);
    for (size_t i = 0; i < after->consumer_count; i++)
        add_to_room(rates, label_of(after, after->consumers[i].transport), 0, 1);
    qsort(rates->rooms, rates->room_count, sizeof *rates->rooms, compare_rooms);
    return 0;
}

int rates_compute(const struct snapshot *before, const struct snapshot *after, double seconds,
                  struct rates *ret_rates)
{
    struct rates made = {.seconds = seconds > 0 ? seconds : 1, .worker_count = after->worker_count};

    made.workers = calloc(after->worker_count + 1, sizeof *made.workers);
    int err = made.workers ? 0 : -ENOMEM;
    for (size_t i = 0; err == 0 && i < after->worker_count; i++)
        compute_worker(before, after, i, made.seconds, &made.workers[i]);
    if (err == 0)
        err = compute_streams(before, after, &made);
    if (err == 0)
        err = compute_rooms(before, after, &made);
    if (err != 0) {
        rates_deinit(&made);
        return err;
    }
    *ret_rates = made;
    return 0;
}

void rates_deinit(struct rates *rates)
{
    free(rates->workers);
    free(rates->rooms);
    free(rates->streams);
    memset(rates, 0, sizeof *rates);
}
