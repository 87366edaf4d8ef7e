#include "tools/kolabmeet-load/scenario.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/kolabmeet-load/clock.h"
#include "tools/kolabmeet-load/crowd.h"
#include "tools/kolabmeet-load/memory.h"
#include "tools/kolabmeet-load/process_usage.h"
#include "tools/kolabmeet-load/progress.h"
#include "tools/kolabmeet-load/world.h"

#define TICK_NS (10 * CLOCK_MS_NS)
#define DRAIN_NS (500 * CLOCK_MS_NS) /* what takes longer is lost */
#define QUIET_NS CLOCK_SECOND_NS     /* nothing has come for so long: the next measurement may begin */
#define CHURN_END_S 3
#define QUIET_PATIENCE_NS (20 * CLOCK_SECOND_NS)
#define SETTLE_PATIENCE_NS (20 * CLOCK_SECOND_NS)
#define JOIN_PATIENCE_NS (30 * CLOCK_SECOND_NS) /* beyond what the ramp takes */

enum phase { PHASE_JOIN, PHASE_SETTLE, PHASE_WARMUP, PHASE_MEASURE, PHASE_DRAIN, PHASE_QUIET };

struct watched {
    int pid; /* 0: none */
    uint64_t first_ns;
    uint64_t begin_ns; /* of the measurement */
    uint64_t start_bytes;
    double join_cpu_s;
};

struct scenario {
    const struct options *options;
    scenario_next_fn next;
    void *context;
    int error;
    struct world world;
    struct crowd crowd;
    struct progress progress;
    struct schedule_entry timer;
    struct schedule_entry second;
    enum phase phase;
    uint64_t phase_ns; /* its beginning */
    uint64_t begin_cpu_ns;
    uint64_t begin_drops;
    uint64_t received; /* when it was last looked at */
    uint64_t last_received_ns;
    struct scenario_load load; /* the next one */
    uint32_t joined;           /* of the first load */
    struct watched forwarder;
    struct watched control;
    struct result result;
};

static void enter(struct scenario *scenario, enum phase phase)
{
    scenario->phase = phase;
    scenario->phase_ns = scenario->world.loop.now_ns;
}

/* ---- CPU time of the server */

static void watch_first(struct watched *watched, int pid)
{
    watched->pid = pid;
    watched->first_ns = pid != 0 ? process_usage_cpu_ns(pid) : 0;
    watched->start_bytes = pid != 0 ? process_usage_resident_bytes(pid) : 0;
}

static void watch_joined(struct watched *watched)
{
    if (watched->pid != 0)
        watched->join_cpu_s = (double)(process_usage_cpu_ns(watched->pid) - watched->first_ns) / 1e9;
}

static void watch_begin(struct watched *watched)
{
    watched->begin_ns = watched->pid != 0 ? process_usage_cpu_ns(watched->pid) : 0;
}

static void watch_end(const struct watched *watched, struct result_process *ret_process)
{
    uint64_t now_ns = watched->pid != 0 ? process_usage_cpu_ns(watched->pid) : 0;

    *ret_process = (struct result_process){.is_known = now_ns != 0 && watched->begin_ns != 0};
    if (!ret_process->is_known)
        return;
    ret_process->cpu_s = (double)(now_ns - watched->begin_ns) / 1e9;
    ret_process->join_cpu_s = watched->join_cpu_s;
    ret_process->resident_bytes = process_usage_resident_bytes(watched->pid);
    ret_process->start_bytes = watched->start_bytes;
}

/* ---- the measurement */

static void take_tally(struct scenario *scenario)
{
    tally_merge(&scenario->result.tally, &scenario->world.tally);
    memset(&scenario->world.tally, 0, sizeof scenario->world.tally);
}

static void begin_measurement(struct scenario *scenario)
{
    packet_io_flush(scenario->world.io);
    memset(&scenario->world.tally, 0, sizeof scenario->world.tally);
    memset(&scenario->result, 0, sizeof scenario->result);
    histogram_clear(&scenario->world.loop.lateness);
    crowd_mark(&scenario->crowd);
    scenario->begin_drops = udp_pool_drops(&scenario->world.pool);
    scenario->begin_cpu_ns = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID);
    watch_begin(&scenario->forwarder);
    watch_begin(&scenario->control);
    enter(scenario, PHASE_MEASURE);
}

/* Sending ends, and with it the time over which rates are. */
static void end_measurement(struct scenario *scenario)
{
    struct result *result = &scenario->result;

    crowd_send(&scenario->crowd, false);
    packet_io_flush(scenario->world.io);
    result->seconds = (double)(clock_ns() - scenario->phase_ns) / 1e9;
    result->own_cpu_s = (double)(clock_read_ns(CLOCK_PROCESS_CPUTIME_ID) - scenario->begin_cpu_ns) / 1e9;
    watch_end(&scenario->forwarder, &result->forwarder);
    watch_end(&scenario->control, &result->control);
    result->late_p99_ns = histogram_percentile_ns(&scenario->world.loop.lateness, 0.99);
    result->late_max_ns = scenario->world.loop.lateness.max_ns;
    enter(scenario, PHASE_DRAIN);
}

static void finish_result(struct scenario *scenario)
{
    struct result *result = &scenario->result;
    struct loss_sum sum;

    packet_io_flush(scenario->world.io);
    crowd_sum(&scenario->crowd, true, &sum);
    take_tally(scenario);
    result->video_rate = scenario->crowd.video_rate;
    result->subscribers = scenario->crowd.subscribers;
    result->participants = (uint32_t)scenario->crowd.ready;
    result->joined = scenario->joined;
    result->left = (uint32_t)scenario->crowd.left;
    result->failed = (uint32_t)scenario->crowd.failed;
    result->sinks = sum.sinks;
    result->silent = sum.silent;
    result->expected = sum.expected;
    result->lost = sum.lost;
    result->own_lost = sum.own_lost;
    result->socket_drops = udp_pool_drops(&scenario->world.pool) - scenario->begin_drops;
    result->receive_buffer_bytes = (uint64_t)scenario->world.pool.got_bytes;
    result->is_measured = scenario->world.pool.is_measured;
    result->joins = scenario->crowd.joins;
}

static void next_load(struct scenario *scenario)
{
    if (!scenario->next(scenario->context, &scenario->result, &scenario->load)) {
        scenario->world.loop.stopping = true;
        return;
    }
    scenario->last_received_ns = scenario->world.loop.now_ns;
    enter(scenario, PHASE_QUIET);
}

/* A server that was overloaded has a backlog, which is not to be the next load's. */
static void wait_for_quiet(struct scenario *scenario, uint64_t now_ns, uint64_t elapsed_ns)
{
    uint64_t received = scenario->world.tally.received;

    if (received != scenario->received)
        scenario->last_received_ns = now_ns;
    scenario->received = received;
    if (now_ns - scenario->last_received_ns < QUIET_NS && elapsed_ns < QUIET_PATIENCE_NS)
        return;
    crowd_want_subscribers(&scenario->crowd, scenario->load.subscribers);
    crowd_set_video_rate(&scenario->crowd, scenario->load.video_rate);
    crowd_send(&scenario->crowd, scenario->joined != 0); /* the first joins are measured without media */
    enter(scenario, PHASE_JOIN);
}

/* A search goes on with a lower load. */
static void give_up(struct scenario *scenario, const char *what)
{
    struct loss_sum sum;

    crowd_sum(&scenario->crowd, false, &sum);
    fprintf(
        stderr,
        "kolabmeet-load: %s: %zu of %zu participants ready, %zu failed, %llu of %llu consumers, %llu of them "
        "silent\n",
        what, scenario->crowd.ready, scenario->crowd.begun, scenario->crowd.failed,
        (unsigned long long)sum.sinks, (unsigned long long)crowd_consumers(&scenario->crowd),
        (unsigned long long)sum.silent);
    if (scenario->options->search != SEARCH_OFF && crowd_drop_failed(&scenario->crowd)) {
        memset(&scenario->result, 0, sizeof scenario->result);
        scenario->result.is_incomplete = true;
        scenario->result.seconds = 1;
        crowd_send(&scenario->crowd, false);
        next_load(scenario);
        return;
    }
    scenario->error = -ETIMEDOUT;
    scenario->world.loop.stopping = true;
}

/* ---- phases */

static uint64_t join_patience_ns(const struct scenario *scenario)
{
    double ramp_s = (double)options_participants(scenario->options) / scenario->options->ramp;
    return JOIN_PATIENCE_NS + (uint64_t)(ramp_s * CLOCK_SECOND_NS);
}

static void join(struct scenario *scenario, uint64_t elapsed_ns)
{
    if (crowd_advance(&scenario->crowd)) {
        if (scenario->joined == 0) {
            scenario->joined = (uint32_t)scenario->crowd.ready;
            watch_joined(&scenario->forwarder);
            watch_joined(&scenario->control);
        }
        crowd_send(&scenario->crowd, true);
        enter(scenario, PHASE_SETTLE);
    } else if (scenario->crowd.failed > 0 || elapsed_ns > join_patience_ns(scenario))
        give_up(scenario, "not all could join");
}

static void settle(struct scenario *scenario, uint64_t elapsed_ns)
{
    struct loss_sum sum;

    crowd_sum(&scenario->crowd, false, &sum);
    if (sum.sinks == crowd_consumers(&scenario->crowd) && sum.silent == 0) {
        enter(scenario, PHASE_WARMUP);
    } else if (elapsed_ns > SETTLE_PATIENCE_NS) {
        give_up(scenario, "not all consumers receive media");
    }
}

/* The last seconds are for those who have just come. */
static void churn(struct scenario *scenario, double elapsed_s)
{
    if (scenario->options->churn == 0)
        return;
    if (elapsed_s < scenario->options->duration_s - CHURN_END_S)
        crowd_churn(&scenario->crowd);
    crowd_advance(&scenario->crowd);
}

static void tick(void *context, uint64_t now_ns)
{
    struct scenario *scenario = context;
    const struct options *options = scenario->options;
    uint64_t elapsed_ns = now_ns - scenario->phase_ns;
    double elapsed_s = (double)elapsed_ns / 1e9;

    switch (scenario->phase) {
    case PHASE_JOIN:
        join(scenario, elapsed_ns);
        break;
    case PHASE_SETTLE:
        settle(scenario, elapsed_ns);
        break;
    case PHASE_WARMUP:
        if (elapsed_s >= options->warmup_s)
            begin_measurement(scenario);
        break;
    case PHASE_MEASURE:
        churn(scenario, elapsed_s);
        if (elapsed_s >= options->duration_s)
            end_measurement(scenario);
        break;
    case PHASE_DRAIN:
        if (elapsed_ns >= DRAIN_NS) {
            finish_result(scenario);
            next_load(scenario);
        }
        break;
    case PHASE_QUIET:
        wait_for_quiet(scenario, now_ns, elapsed_ns);
        break;
    }
    loop_at(&scenario->world.loop, &scenario->timer, now_ns + TICK_NS);
}

static const char *phase_name(enum phase phase)
{
    switch (phase) {
    case PHASE_JOIN:
        return "join";
    case PHASE_SETTLE:
        return "settle";
    case PHASE_WARMUP:
        return "warm up";
    case PHASE_MEASURE:
        return "measure";
    case PHASE_DRAIN:
        return "drain";
    case PHASE_QUIET:
        return "quiet";
    }
    return "";
}

static bool is_measuring(const struct scenario *scenario)
{
    return scenario->phase == PHASE_MEASURE || scenario->phase == PHASE_DRAIN;
}

static void each_second(void *context, uint64_t now_ns)
{
    struct scenario *scenario = context;

    if (scenario->options->progress)
        progress_print(&scenario->progress, phase_name(scenario->phase), &scenario->crowd,
                       is_measuring(scenario));
    if (is_measuring(scenario))
        take_tally(scenario);
    else
        memset(&scenario->world.tally, 0, sizeof scenario->world.tally);
    loop_at(&scenario->world.loop, &scenario->second, now_ns + CLOCK_SECOND_NS);
}

int scenario_run(const struct options *options, scenario_next_fn next, void *context)
{
    struct scenario *scenario = memory_take(1, sizeof *scenario);

    scenario->options = options;
    scenario->next = next;
    scenario->context = context;
    scenario->timer = (struct schedule_entry){.run = tick, .context = scenario};
    scenario->second = (struct schedule_entry){.run = each_second, .context = scenario};
    int error = world_init(&scenario->world, options);
    if (error == 0) {
        watch_first(&scenario->forwarder, options->forwarder_pid);
        watch_first(&scenario->control, options->control_pid);
        crowd_init(&scenario->crowd, &scenario->world);
        crowd_send(&scenario->crowd, false);
        progress_init(&scenario->progress, options);
        enter(scenario, PHASE_JOIN);
        loop_at(&scenario->world.loop, &scenario->timer, scenario->world.loop.now_ns);
        loop_at(&scenario->world.loop, &scenario->second, scenario->world.loop.now_ns + CLOCK_SECOND_NS);
        error = loop_run(&scenario->world.loop);
        if (error == 0)
            error = scenario->error;
        crowd_deinit(&scenario->crowd);
        world_deinit(&scenario->world);
    }
    free(scenario);
    return error;
}
