#include "tools/kolabmeet-load/search_run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/kolabmeet-load/memory.h"
#include "tools/kolabmeet-load/report.h"

#define PRECISION 0.03
#define RATE_MAX 100000
#define SUBSCRIBERS_MAX 20000

void search_run_init(struct search_run *run, const struct options *options, FILE *file)
{
    *run = (struct search_run){.options = options, .file = file, .steps = json_array()};
    if (options->search == SEARCH_SUBSCRIBERS)
        search_init(&run->search, options->subscribers, 1, SUBSCRIBERS_MAX, PRECISION);
    else
        search_init(&run->search, options->video.packets_per_second, 1, RATE_MAX, PRECISION);
}

void search_run_deinit(struct search_run *run)
{
    free(run->best);
    json_decref(run->steps);
    *run = (struct search_run){0};
}

static void print_step(const struct search_run *run, const struct result *result, bool went_well)
{
    const struct histogram *latency = &result->tally.latency;

    fprintf(
        run->file,
        "%s %.0f: %.0f packets/s forwarded, %.4f %% lost, latency p50 %.0f us p99 %.0f us, generator %.0f %%",
        run->options->search == SEARCH_SUBSCRIBERS ? "subscribers" : "video packets/s", run->search.load,
        result_packets_per_second(result), 100 * result_loss(result),
        (double)histogram_percentile_ns(latency, 0.5) / 1e3,
        (double)histogram_percentile_ns(latency, 0.99) / 1e3, 100 * result->own_cpu_s / result->seconds);
    if (result->forwarder.is_known)
        fprintf(run->file, ", forwarder %.0f %% and %.2f us a packet",
                100 * result->forwarder.cpu_s / result->seconds,
                result_us_per_packet(result, result->forwarder.cpu_s));
    if (result->own_lost > 0)
        fprintf(run->file, ", %" PRIu64 " lost in own receive buffers", result->own_lost);
    fprintf(run->file, ": %s%s\n", went_well ? "good" : "bad",
            result_limits(result) != 0 ? " (the generator may be the limit)" : "");
    fflush(run->file);
}

static void keep_best(struct search_run *run, const struct result *result)
{
    if (!run->best)
        run->best = memory_take(1, sizeof *run->best);
    *run->best = *result;
}

bool search_run_next(void *context, const struct result *result, struct scenario_load *ret_load)
{
    struct search_run *run = context;
    bool went_well = result_loss(result) <= run->options->search_loss &&
                     histogram_percentile_ns(&result->tally.latency, 0.5) <= run->options->search_latency_ns;

    print_step(run, result, went_well);
    json_t *step = report_json(run->options, result);
    json_object_set_new(step, "load", json_real(run->search.load));
    json_object_set_new(step, "good", json_boolean(went_well));
    json_array_append_new(run->steps, step);
    if (went_well)
        keep_best(run, result);
    else
        run->worst_limits |= result_limits(result);
    if (!search_take(&run->search, went_well))
        return false;
    *ret_load = (struct scenario_load){.subscribers = run->options->subscribers,
                                       .video_rate = run->options->video.packets_per_second};
    if (run->options->search == SEARCH_SUBSCRIBERS)
        ret_load->subscribers = (uint32_t)run->search.load;
    else
        ret_load->video_rate = run->search.load;
    return true;
}

void search_run_print(const struct search_run *run)
{
    if (!run->best) {
        fputs("no load went well\n", run->file);
        return;
    }
    fprintf(run->file, "\nhighest rate under %.3g %% loss: %.0f packets/s forwarded\n",
            100 * run->options->search_loss, result_packets_per_second(run->best));
    if (run->worst_limits != 0)
        fputs("THE GENERATOR MAY HAVE ENDED THE SEARCH, not the server: see the steps that went badly\n",
              run->file);
    report_print(run->file, run->options, run->best);
}

json_t *search_run_json(const struct search_run *run)
{
    json_t *json = json_pack("{s:s, s:f, s:b, s:O}", "search",
                             run->options->search == SEARCH_SUBSCRIBERS ? "subscribers" : "rate",
                             "tolerated_loss", run->options->search_loss, "generator_may_be_limit",
                             run->worst_limits != 0, "steps", run->steps);

    json_object_set_new(json, "best", run->best ? report_json(run->options, run->best) : json_null());
    return json;
}
