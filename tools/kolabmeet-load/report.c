#include "tools/kolabmeet-load/report.h"

#include <inttypes.h>

#include "tools/kolabmeet-load/srtp_profile.h"

static const struct {
    enum result_limit limit;
    const char *name;
    const char *text;
} limits[] = {
    {RESULT_LIMIT_CPU, "cpu", "it used 95 % of its CPU or more"},
    {RESULT_LIMIT_LATE, "late", "one round in a hundred was over 10 ms behind its schedule"},
    {RESULT_LIMIT_SOCKET, "socket", "its own receive buffers overflowed"},
    {RESULT_LIMIT_SEND, "send", "its own sockets did not take all that it sent"},
};

#define LIMIT_COUNT (sizeof limits / sizeof limits[0])

static double us(uint64_t ns)
{
    return (double)ns / 1e3;
}

/* ---- for people */

static void print_histogram(FILE *file, const char *name, const struct histogram *histogram)
{
    fprintf(file, "%-12s p50 %.0f us, p90 %.0f us, p99 %.0f us, p99.9 %.0f us, max %.0f us\n", name,
            us(histogram_percentile_ns(histogram, 0.5)), us(histogram_percentile_ns(histogram, 0.9)),
            us(histogram_percentile_ns(histogram, 0.99)), us(histogram_percentile_ns(histogram, 0.999)),
            us(histogram->max_ns));
}

static void print_process(FILE *file, const char *name, const struct result *result,
                          const struct result_process *process)
{
    if (!process->is_known)
        return;
    fprintf(file, "%-12s %.1f %% of a CPU, %.2f us a packet; joins: %.2f ms of CPU each; resident %.1f MB",
            name, 100 * process->cpu_s / result->seconds, result_us_per_packet(result, process->cpu_s),
            result->joined > 0 ? process->join_cpu_s * 1e3 / result->joined : 0,
            (double)process->resident_bytes / 1e6);
    if (result->sinks > 0 && process->resident_bytes > process->start_bytes)
        fprintf(file, ", %.2f kB more a consumer",
                (double)(process->resident_bytes - process->start_bytes) / 1e3 / (double)result->sinks);
    fputc('\n', file);
}

static void print_limits(FILE *file, const struct result *result)
{
    unsigned found = result_limits(result);

    if (found == 0)
        return;
    fputs("THE GENERATOR ITSELF WAS THE LIMIT:", file);
    for (size_t i = 0; i < LIMIT_COUNT; i++)
        if (found & limits[i].limit)
            fprintf(file, " %s;", limits[i].text);
    fputc('\n', file);
}

static void print_buffers(FILE *file, const struct result *result)
{
    fprintf(file, "%-12s %" PRIu64 " KiB of receive buffer, out of which %" PRIu64 " messages fell%s\n",
            "sockets", result->receive_buffer_bytes / 1024, result->socket_drops,
            result->is_measured || result->socket_drops == 0
                ? ""
                : " (without BPF each counts as one packet, whatever it held)");
}

void report_print(FILE *file, const struct options *options, const struct result *result)
{
    const struct tally *tally = &result->tally;
    double seconds = result->seconds;

    fprintf(file,
            "%" PRIu32 " room(s) of %" PRIu32 " publisher(s) and %" PRIu32 " subscriber(s): %" PRIu32
            " participants, %" PRIu64 " consumers; %s, %.1f s\n",
            options->rooms, options->publishers, result->subscribers, result->participants, result->sinks,
            srtp_profile_name(options->profile), seconds);
    fprintf(file, "%-12s %" PRIu64 " packets, %.0f/s, %.1f Mbit/s\n", "sent", tally->sent,
            (double)tally->sent / seconds, (double)tally->sent_bytes * 8e-6 / seconds);
    fprintf(file, "%-12s %" PRIu64 " packets, %.0f/s, %.1f Mbit/s, %" PRIu64 " decrypted\n", "received",
            result_received(result), (double)result_received(result) / seconds,
            (double)tally->received_bytes * 8e-6 / seconds, tally->opened);
    fprintf(file,
            "%-12s %" PRIu64 " of %" PRIu64 " by server or network, %.4f %%; %" PRIu64
            " in own receive buffers; reordered %" PRIu64 ", duplicate %" PRIu64 ", repaired %" PRIu64 "\n",
            "lost", result->lost, result->expected, 100 * result_loss(result), result->own_lost,
            tally->reordered, tally->duplicates, tally->repaired);
    fprintf(file,
            "%-12s %" PRIu64 " not authentic, %" PRIu64 " replayed, %" PRIu64 " malformed, %" PRIu64
            " unknown SSRC, %" PRIu64 " padding, %" PRIu64 " foreign\n",
            "odd", tally->forged, tally->replayed, tally->malformed, tally->unknown_ssrc, tally->padding,
            tally->foreign);
    print_histogram(file, "latency", &tally->latency);
    if (tally->caught_up > 0)
        fprintf(file, "%-12s %" PRIu64 " packets were sent before their consumer was there\n", "catch-up",
                tally->caught_up);
    print_histogram(file, "join", &result->joins);
    fprintf(file,
            "%-12s %" PRIu64 " key-frame requests, %" PRIu64 " key frames, %" PRIu64 " nacked, %" PRIu64
            " feedback packets\n",
            "RTCP", tally->key_frame_requests, tally->key_frames, tally->nacked, tally->feedback);
    print_process(file, "forwarder", result, &result->forwarder);
    print_process(file, "control", result, &result->control);
    fprintf(file,
            "%-12s %.1f %% of a CPU, %.2f us a packet, %.2f packets a receive call; late p99 %.0f us, max "
            "%.0f us\n",
            "generator", 100 * result->own_cpu_s / seconds, result_us_per_packet(result, result->own_cpu_s),
            tally->receive_calls > 0 ? (double)tally->received / (double)tally->receive_calls : 0,
            us(result->late_p99_ns), us(result->late_max_ns));
    print_buffers(file, result);
    if (result->left > 0)
        fprintf(file, "%-12s %" PRIu32 " participants left, and others came\n", "churn", result->left);
    if (result->silent > 0 || result->failed > 0)
        fprintf(file, "%-12s %" PRIu32 " participants failed, %" PRIu64 " consumers received nothing\n",
                "wrong", result->failed, result->silent);
    print_limits(file, result);
}

/* ---- for programs */

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *histogram_json(const struct histogram *histogram)
{
    return json_pack("{s:o, s:f, s:f, s:f, s:f, s:f, s:f}", "count", number(histogram->count), "mean_us",
                     us(histogram_mean_ns(histogram)), "p50_us", us(histogram_percentile_ns(histogram, 0.5)),
                     "p90_us", us(histogram_percentile_ns(histogram, 0.9)), "p99_us",
                     us(histogram_percentile_ns(histogram, 0.99)), "p999_us",
                     us(histogram_percentile_ns(histogram, 0.999)), "max_us", us(histogram->max_ns));
}

static json_t *process_json(const struct result *result, const struct result_process *process)
{
    if (!process->is_known)
        return json_null();
    return json_pack("{s:f, s:f, s:f, s:o, s:o}", "cpu_s", process->cpu_s, "us_per_packet",
                     result_us_per_packet(result, process->cpu_s), "join_cpu_s", process->join_cpu_s,
                     "resident_bytes", number(process->resident_bytes), "start_bytes",
                     number(process->start_bytes));
}

static json_t *limits_json(const struct result *result)
{
    json_t *list = json_array();
    unsigned found = result_limits(result);

    for (size_t i = 0; i < LIMIT_COUNT; i++)
        if (found & limits[i].limit)
            json_array_append_new(list, json_string(limits[i].name));
    return list;
}

static json_t *counters_json(const struct tally *tally)
{
    const struct {
        const char *name;
        uint64_t value;
    } counters[] = {
        {"sent", tally->sent},
        {"sent_bytes", tally->sent_bytes},
        {"arrived", tally->received},
        {"arrived_bytes", tally->received_bytes},
        {"decrypted", tally->opened},
        {"reordered", tally->reordered},
        {"duplicates", tally->duplicates},
        {"repaired", tally->repaired},
        {"caught_up", tally->caught_up},
        {"not_authentic", tally->forged},
        {"replayed", tally->replayed},
        {"malformed", tally->malformed},
        {"unknown_ssrc", tally->unknown_ssrc},
        {"padding", tally->padding},
        {"foreign", tally->foreign},
        {"rtcp", tally->rtcp},
        {"key_frame_requests", tally->key_frame_requests},
        {"key_frames", tally->key_frames},
        {"nacked", tally->nacked},
        {"resent", tally->resent},
        {"nacks", tally->nacks},
        {"feedback", tally->feedback},
        {"send_failures", tally->send_failures},
        {"thrown_away", tally->thrown_away},
        {"receive_calls", tally->receive_calls},
        {"datagrams", tally->datagrams},
    };
    json_t *object = json_object();

    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++)
        json_object_set_new(object, counters[i].name, number(counters[i].value));
    return object;
}

json_t *report_json(const struct options *options, const struct result *result)
{
    json_t *json = json_pack(
        "{s:i, s:i, s:i, s:f, s:s, s:s, s:i, s:i, s:o, s:o, s:f, s:o, s:o, s:f, s:f, s:o}", "rooms",
        (int)options->rooms, "publishers", (int)options->publishers, "subscribers", (int)result->subscribers,
        "video_packets_per_second", result->video_rate, "profile", srtp_profile_name(options->profile),
        "backend", options->backend->name, "participants", (int)result->participants, "failed",
        (int)result->failed, "consumers", number(result->sinks), "silent", number(result->silent), "seconds",
        result->seconds, "expected", number(result->expected), "lost", number(result->lost), "loss",
        result_loss(result), "packets_per_second", result_packets_per_second(result), "socket_drops",
        number(result->socket_drops));

    json_object_set_new(json, "lost_own", number(result->own_lost));
    json_object_set_new(json, "joined", number(result->joined));
    json_object_set_new(json, "left", number(result->left));
    json_object_set_new(json, "counters", counters_json(&result->tally));
    json_object_set_new(json, "latency", histogram_json(&result->tally.latency));
    json_object_set_new(json, "join", histogram_json(&result->joins));
    json_object_set_new(json, "forwarder", process_json(result, &result->forwarder));
    json_object_set_new(json, "control", process_json(result, &result->control));
    json_object_set_new(
        json, "generator",
        json_pack("{s:f, s:f, s:f, s:f, s:o, s:b}", "cpu_s", result->own_cpu_s, "us_per_packet",
                  result_us_per_packet(result, result->own_cpu_s), "late_p99_us", us(result->late_p99_ns),
                  "late_max_us", us(result->late_max_ns), "receive_buffer_bytes",
                  number(result->receive_buffer_bytes), "counts_packets", result->is_measured));
    json_object_set_new(json, "generator_limits", limits_json(result));
    return json;
}
