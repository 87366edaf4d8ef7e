#include "tools/kolabmeet-load/progress.h"

#include <inttypes.h>
#include <stdio.h>

#include "tools/kolabmeet-load/clock.h"
#include "tools/kolabmeet-load/process_usage.h"

void progress_init(struct progress *progress, const struct options *options)
{
    *progress = (struct progress){
        .options = options,
        .start_ns = clock_ns(),
        .last_ns = clock_ns(),
        .own_cpu_ns = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID),
    };
    if (options->forwarder_pid != 0)
        progress->forwarder_cpu_ns = process_usage_cpu_ns(options->forwarder_pid);
    if (options->control_pid != 0)
        progress->control_cpu_ns = process_usage_cpu_ns(options->control_pid);
}

static void print_cpu(const char *name, uint64_t *last_ns, uint64_t now_ns, double seconds)
{
    fprintf(stderr, "  %s %2.0f %%", name, (double)(now_ns - *last_ns) / 1e7 / seconds);
    *last_ns = now_ns;
}

void progress_print(struct progress *progress, const char *phase, const struct crowd *crowd,
                    bool is_measuring)
{
    const struct options *options = progress->options;
    const struct tally *tally = &crowd->world->tally;
    uint64_t now_ns = clock_ns();
    double seconds = (double)(now_ns - progress->last_ns) / 1e9;

    fprintf(stderr, "%4.0f s %-7s %zu/%zu in  sent %.0f/s  received %.0f/s %.1f Mbit/s",
            (double)(now_ns - progress->start_ns) / 1e9, phase, crowd->ready, crowd->begun,
            (double)tally->sent / seconds, (double)tally->received / seconds,
            (double)tally->received_bytes * 8e-6 / seconds);
    if (is_measuring) {
        struct loss_sum sum;
        crowd_sum(crowd, false, &sum);
        fprintf(stderr, "  lost %" PRIu64 "  in own buffers %" PRIu64, sum.lost, sum.own_lost);
    }
    fprintf(stderr, "  latency p50 %.0f us p99 %.0f us",
            (double)histogram_percentile_ns(&tally->latency, 0.5) / 1e3,
            (double)histogram_percentile_ns(&tally->latency, 0.99) / 1e3);
    print_cpu("own CPU", &progress->own_cpu_ns, clock_read_ns(CLOCK_PROCESS_CPUTIME_ID), seconds);
    if (options->forwarder_pid != 0)
        print_cpu("forwarder", &progress->forwarder_cpu_ns, process_usage_cpu_ns(options->forwarder_pid),
                  seconds);
    if (options->control_pid != 0)
        print_cpu("control", &progress->control_cpu_ns, process_usage_cpu_ns(options->control_pid), seconds);
    fputc('\n', stderr);
    progress->last_ns = now_ns;
}
