#include <inttypes.h>
#include <time.h>

#include "shm/address.h"
#include "tools/kolabmeetctl/stats.h"

static void print_process(FILE *out, const char *name, uint32_t pid, bool alive)
{
    if (pid == 0)
        fprintf(out, "%-12s not running\n", name);
    else
        fprintf(out, "%-12s pid %" PRIu32 ", %s\n", name, pid, alive ? "running" : "has ended");
}

static void print_control(FILE *out, const struct snapshot *snapshot)
{
    const struct statistics_control *control = &snapshot->control;
    time_t updated = (time_t)(control->updated_us / 1000000);
    struct tm utc;
    char when[40] = "never";

    if (updated > 0 && gmtime_r(&updated, &utc))
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    print_process(out, "control", control->control_pid, snapshot->control_alive);
    print_process(out, "forwarder", control->forwarder_pid, snapshot->forwarder_alive);
    fprintf(out, "%-12s %" PRIu32 "\n", "rooms", control->rooms);
    fprintf(out, "%-12s %" PRIu32 "\n", "peers", control->peers);
    fprintf(out, "%-12s %" PRIu32 "\n", "starts", control->forwarder_starts);
    fprintf(out, "%-12s %s\n", "as of", when);
}

static double share_of(uint64_t part, uint64_t all)
{
    return all > 0 ? 100.0 * (double)part / (double)all : 0;
}

static void print_stages(FILE *out, const struct statistics_stages *s, uint64_t packets_sent)
{
    uint64_t all = 0;

    for (uint32_t i = 0; i < STAGE_COUNT; i++)
        all += s->ticks[i];
    fprintf(out, "  time");
    for (uint32_t i = 0; i < STAGE_COUNT; i++)
        fprintf(out, "%s %s %.1f %%", i > 0 ? "," : "", statistics_stage_name(i), share_of(s->ticks[i], all));
    fprintf(out, "\n  receive to send: p50 %" PRIu64 " us, p99 %" PRIu64 " us, p99.9 %" PRIu64 " us\n",
            histogram_quantile_us(&s->latency, 0.5), histogram_quantile_us(&s->latency, 0.99),
            histogram_quantile_us(&s->latency, 0.999));
    fprintf(out, "  received at once (packets: calls)");
    for (uint32_t i = 0; i < STATISTICS_BATCHES; i++)
        if (s->batches[i] > 0)
            fprintf(out, " %u: %" PRIu64, 1u << i, s->batches[i]);
    fprintf(out,
            "\n  joined by the kernel %" PRIu64
            "; sent in runs %.1f %%, %.1f packets each; calls: receive %" PRIu64 ", send %" PRIu64 "\n",
            s->joined_messages, share_of(s->sent_in_runs, packets_sent),
            s->sent_runs > 0 ? (double)s->sent_in_runs / (double)s->sent_runs : 0, s->receive_calls,
            s->send_calls);
}

static void print_workers(FILE *out, const struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->worker_count; i++) {
        const struct statistics_worker *w = &snapshot->workers[i];
        fprintf(out, "\nworker %zu: %" PRIu32 " transports, %" PRIu32 " producers, %" PRIu32 " consumers\n",
                i, w->transports, w->producers, w->consumers);
        fprintf(out,
                "  received %" PRIu64 " packets, %" PRIu64 " bytes; sent %" PRIu64 " packets, %" PRIu64
                " bytes\n",
                w->packets_received, w->bytes_received, w->packets_sent, w->bytes_sent);
        fprintf(out,
                "  forwarded %" PRIu64 "; checks answered %" PRIu64 "; punted %" PRIu64 "; injected %" PRIu64
                "; commands %" PRIu64 "\n",
                w->rtp_forwarded, w->stun_answered, w->punted, w->injected, w->commands);
        fprintf(out,
                "  other workers: told of %" PRIu64 " packets, heard of %" PRIu64 "; handed over %" PRIu64
                " datagrams, took over %" PRIu64 "\n",
                w->references_sent, w->references_received, w->handed_over, w->taken_over);
        fprintf(out, "  rounds %" PRIu64 ", idle %" PRIu64 ", slept %" PRIu64 "\n", w->rounds, w->idle_rounds,
                w->sleeps);
        if (i < snapshot->stages_count)
            print_stages(out, &snapshot->stages[i], w->packets_sent);
        for (uint32_t drop = 0; drop < DROP_COUNT; drop++)
            if (w->drops[drop] > 0)
                fprintf(out, "  dropped %10" PRIu64 "  %s: %s\n", w->drops[drop], statistics_drop_name(drop),
                        statistics_drop_text(drop));
    }
}

static const char *address_text(const struct statistics_transport *t, char *ret_text, size_t bytes)
{
    char ip[SHM_ADDRESS_TEXT_BYTES];
    if (t->remote_port == 0)
        return "-";
    snprintf(ret_text, bytes, "%s:%u", shm_address_text(t->remote_ip, ip), t->remote_port);
    return ret_text;
}

static const char *estimate_text(const struct statistics_bandwidth *bandwidth)
{
    const char *name = statistics_estimate_name(bandwidth->reason);
    return bandwidth->available_bps == 0 || !name ? "-" : name;
}

static void print_transports(FILE *out, const struct snapshot *snapshot)
{
    char address[64];
    if (snapshot->transport_count > 0)
        fprintf(out, "\n%-6s %-36s %-24s %-17s %10s %10s %9s %9s %9s %s\n", "transp", "peer", "remote",
                "srtp", "received", "sent", "in kb/s", "out kb/s", "can kb/s", "why");
    for (size_t i = 0; i < snapshot->transport_count; i++) {
        const struct statistics_transport *t = &snapshot->transports[i];
        fprintf(out,
                "%-6" PRIu32 " %-36s %-24s %-17s %10" PRIu64 " %10" PRIu64 " %9" PRIu32 " %9" PRIu32
                " %9" PRIu32 " %s%s\n",
                (uint32_t)t->handle, snapshot->labels[i].peer_id, address_text(t, address, sizeof address),
                snapshot_srtp_profile_name(t->srtp_profile), t->packets_received, t->packets_sent,
                t->receive_bitrate_bps / 1000, t->send_bitrate_bps / 1000, t->bandwidth.available_bps / 1000,
                estimate_text(&t->bandwidth), t->has_consent ? "" : " no consent");
    }
}

static const char *level_text(const struct statistics_stream *s, char *ret_text, size_t bytes)
{
    snprintf(ret_text, bytes, "%d", (int)s->audio_loudness - 127);
    return s->kind == 1 ? ret_text : "-";
}

static void print_streams(FILE *out, const struct snapshot *snapshot)
{
    char level[16];
    if (snapshot->stream_count > 0)
        fprintf(out, "\n%-6s %-8s %-5s %-5s %3s %10s %10s %8s %8s %8s %6s %6s %5s %5s\n", "stream",
                "producer", "kind", "codec", "enc", "ssrc", "packets", "lost", "repaired", "kb/s", "keyfr",
                "plis", "score", "dBov");
    for (size_t i = 0; i < snapshot->stream_count; i++) {
        const struct statistics_stream *s = &snapshot->streams[i];
        fprintf(out,
                "%-6" PRIu32 " %-8" PRIu32 " %-5s %-5s %3" PRIu32 " %10" PRIu32 " %10" PRIu64 " %8" PRIu64
                " %8" PRIu64 " %8" PRIu32 " %6" PRIu64 " %6" PRIu32 " %5" PRIu32 " %5s%s\n",
                (uint32_t)s->handle, (uint32_t)s->producer, snapshot_kind_name(s->kind),
                snapshot_codec_name(s->codec), s->encoding, s->ssrc, s->packets, s->packets_lost,
                s->packets_repaired, s->bitrate_bps / 1000, s->key_frames, s->pli_count, s->score,
                level_text(s, level, sizeof level), s->paused ? " paused" : "");
    }
}

static void print_consumers(FILE *out, const struct snapshot *snapshot)
{
    if (snapshot->consumer_count > 0)
        fprintf(out, "\n%-6s %-8s %-6s %-5s %10s %10s %8s %8s %8s %6s %7s %6s\n", "consum", "producer",
                "transp", "kind", "ssrc", "packets", "lost", "resent", "kb/s", "plis", "rtt ms", "layer");
    for (size_t i = 0; i < snapshot->consumer_count; i++) {
        const struct statistics_consumer *c = &snapshot->consumers[i];
        fprintf(out,
                "%-6" PRIu32 " %-8" PRIu32 " %-6" PRIu32 " %-5s %10" PRIu32 " %10" PRIu64 " %8" PRIu32
                " %8" PRIu64 " %8" PRIu32 " %6" PRIu32 " %7.1f %4" PRId32 "/%" PRId32 "%s\n",
                (uint32_t)c->handle, (uint32_t)c->producer, (uint32_t)c->transport,
                snapshot_kind_name(c->kind), c->ssrc, c->packets, c->packets_lost, c->packets_retransmitted,
                c->bitrate_bps / 1000, c->pli_count, c->rtt_us / 1000.0, c->spatial_layer, c->temporal_layer,
                c->paused ? " paused" : "");
    }
}

void stats_print_text(FILE *out, const struct snapshot *snapshot)
{
    print_control(out, snapshot);
    print_workers(out, snapshot);
    print_transports(out, snapshot);
    print_streams(out, snapshot);
    print_consumers(out, snapshot);
    if (snapshot->unreadable > 0)
        fprintf(out, "\n%u blocks could not be read\n", snapshot->unreadable);
}
