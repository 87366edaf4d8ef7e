#include "dataplane/probe.h"

#define CLUSTER_PACKETS 5u
#define CLUSTER_US 20000u
#define CLUSTER_MAX_US 200000u /* one that cannot be sent in that time is given up */
#define STEP_US 2000u
#define INITIAL_PROBES 2u
#define INITIAL_FACTOR 3u
#define INITIAL_US 5000000u
#define ENOUGH_PERCENT 80u /* of a cluster's packets and bytes must arrive */
#define FURTHER_PERCENT 70u
#define FURTHER_FACTOR 2u
#define UTILISATION_PERCENT 95u /* of what a full link let through is allowed */
#define FULL_PERCENT 90u        /* less than that of what was sent says that the link was full */
#define CREDIBLE_FACTOR 2u
#define CREDIBLE_US 1000000
#define DROP_PERCENT 66u
#define RECOVERY_PERCENT 85u
#define RECOVERY_WAIT_US 1000000u
#define RECOVERY_MAX_US 30000000u
#define WANTED_PERCENT 120u /* of what could be used: who shares it out asks for a margin before a rise */
#define TARGET_PERCENT 130u
#define WAIT_US 2000000u
#define WAIT_FAILED_US 1500000u
#define WAIT_FAILURES_MAX 3u
#define RESULT_WAIT_US 500000u /* for feedback of one cluster before the next */
#define NORMAL_US 500000u
#define QUIET_US 4000000u /* a full path is used too much more often than that */

void probe_init(struct probe *probe)
{
    *probe = (struct probe){.initial = INITIAL_PROBES};
}

static uint32_t scaled(uint32_t bps, uint32_t percent)
{
    uint64_t result = (uint64_t)bps * percent / 100;

    return result < UINT32_MAX ? (uint32_t)result : UINT32_MAX;
}

/* What could be used, with something to spare: what just fits is not safe to use. */
static uint32_t limited_target(const struct probe_inputs *inputs, uint32_t target_bps)
{
    uint32_t limit_bps = scaled(inputs->desired_bps, TARGET_PERCENT);

    return target_bps < limit_bps ? target_bps : limit_bps;
}

static void begin(struct probe *probe, uint32_t target_bps, uint64_t now_us)
{
    probe->last_cluster = (uint8_t)(probe->last_cluster % (SEND_HISTORY_CLUSTERS - 1) + 1);
    probe->cluster = probe->last_cluster;
    probe->clusters[probe->cluster] = (struct probe_cluster){.target_bps = target_bps};
    probe->target_bps = target_bps;
    probe->sent_packets = probe->sent_bytes = 0;
    probe->begun_us = now_us;
    probe->next_bps = 0;
    probe->count++;
    if (probe->failures < WAIT_FAILURES_MAX)
        probe->failures++; /* until its result comes */
    probe->wait_until_us = now_us + WAIT_US + (uint64_t)(probe->failures - 1) * WAIT_FAILED_US;
}

/* What to probe now; 0 = nothing. */
static uint32_t choose(struct probe *probe, const struct probe_inputs *inputs, uint64_t now_us)
{
    if (probe->again_bps != 0) {
        uint32_t target_bps = probe->again_bps;
        probe->again_bps = 0;
        return target_bps;
    }
    if (probe->next_bps != 0 && inputs->estimate_bps >= scaled(probe->result_bps, FURTHER_PERCENT))
        return probe->next_bps;
    probe->next_bps = 0; /* what was found could not be used */
    if (probe->initial != 0 && now_us - probe->asked_us < INITIAL_US) {
        uint32_t factor = probe->initial == INITIAL_PROBES ? INITIAL_FACTOR : 2 * INITIAL_FACTOR;
        probe->initial--;
        return scaled(inputs->estimate_bps, 100 * factor);
    }
    if (probe->before_drop_bps != 0 && now_us - probe->dropped_us >= RECOVERY_WAIT_US) {
        uint32_t target_bps = scaled(probe->before_drop_bps, RECOVERY_PERCENT);
        probe->before_drop_bps = 0;
        if (now_us - probe->dropped_us < RECOVERY_MAX_US && target_bps > inputs->estimate_bps)
            return target_bps;
    }
    bool has_room = inputs->is_limited || now_us - probe->overused_us >= QUIET_US;
    if (has_room && now_us >= probe->wait_until_us)
        return scaled(inputs->estimate_bps, 200);
    return 0;
}

bool probe_begin(struct probe *probe, const struct probe_inputs *inputs, uint64_t now_us)
{
    bool is_waiting =
        probe->next_bps == 0 && probe->ended_us != 0 && now_us - probe->ended_us < RESULT_WAIT_US;

    if (probe->asked_us == 0)
        probe->asked_us = now_us;
    if (!inputs->is_normal)
        probe->overused_us = now_us;
    if (probe->cluster != 0 || is_waiting ||
        scaled(inputs->desired_bps, WANTED_PERCENT) <= inputs->estimate_bps)
        return false;
    if (probe->overused_us != 0 && now_us - probe->overused_us < NORMAL_US)
        return false;
    uint32_t target_bps = limited_target(inputs, choose(probe, inputs, now_us));
    if (target_bps <= inputs->estimate_bps)
        return false;
    begin(probe, target_bps, now_us);
    return true;
}

static uint32_t cluster_bytes(const struct probe *probe)
{
    return (uint32_t)((uint64_t)probe->target_bps * CLUSTER_US / 8000000);
}

uint32_t probe_due_bytes(const struct probe *probe, uint64_t now_us)
{
    if (probe->cluster == 0)
        return 0;
    uint64_t due_bytes = (now_us - probe->begun_us + STEP_US) * probe->target_bps / 8000000;
    uint64_t more_bytes = due_bytes > probe->sent_bytes ? due_bytes - probe->sent_bytes : 0;
    /* Also after the worker stood still. */
    uint32_t most_bytes = cluster_bytes(probe) + PROBE_PACKET_BYTES_MAX;

    return more_bytes < most_bytes ? (uint32_t)more_bytes : most_bytes;
}

uint32_t probe_packet_bytes(const struct probe *probe)
{
    uint32_t bytes = cluster_bytes(probe) / CLUSTER_PACKETS;

    return bytes < PROBE_PACKET_BYTES_MIN   ? PROBE_PACKET_BYTES_MIN
           : bytes > PROBE_PACKET_BYTES_MAX ? PROBE_PACKET_BYTES_MAX
                                            : bytes;
}

void probe_sent(struct probe *probe, uint32_t bytes, uint64_t now_us)
{
    if (probe->cluster == 0)
        return;
    probe->sent_packets++;
    probe->sent_bytes += bytes;
    if ((probe->sent_packets >= CLUSTER_PACKETS && probe->sent_bytes >= cluster_bytes(probe)) ||
        now_us - probe->begun_us >= CLUSTER_MAX_US) {
        probe->cluster = 0;
        probe->ended_us = now_us;
    }
}

void probe_again(struct probe *probe)
{
    probe->again_bps = probe->clusters[probe->last_cluster].target_bps;
}

void probe_abandon(struct probe *probe, uint64_t now_us)
{
    probe->cluster = 0;
    probe->ended_us = now_us;
}

static void count(struct probe_cluster *cluster, const struct send_history_packet *packet, int64_t arrival_us)
{
    int64_t sent_us = (int64_t)packet->sent_us;

    if (cluster->packets == 0 || sent_us < cluster->first_sent_us)
        cluster->first_sent_us = sent_us;
    if (cluster->packets == 0 || sent_us >= cluster->last_sent_us) {
        cluster->last_sent_us = sent_us;
        cluster->last_sent_bytes = packet->bytes;
    }
    if (cluster->packets == 0 || arrival_us < cluster->first_arrived_us) {
        cluster->first_arrived_us = arrival_us;
        cluster->first_arrived_bytes = packet->bytes;
    }
    if (cluster->packets == 0 || arrival_us > cluster->last_arrived_us)
        cluster->last_arrived_us = arrival_us;
    cluster->packets++;
    cluster->bytes += packet->bytes;
}

static uint32_t rate_bps(uint32_t bytes, int64_t interval_us)
{
    uint64_t rate = (uint64_t)bytes * 8000000 / (uint64_t)interval_us;

    return rate < UINT32_MAX ? (uint32_t)rate : UINT32_MAX;
}

static uint32_t evaluate(const struct probe_cluster *cluster, bool *ret_full)
{
    int64_t sent_us = cluster->last_sent_us - cluster->first_sent_us;
    int64_t arrived_us = cluster->last_arrived_us - cluster->first_arrived_us;

    if (cluster->packets < CLUSTER_PACKETS * ENOUGH_PERCENT / 100 ||
        (uint64_t)cluster->bytes * 8000000 <
            (uint64_t)cluster->target_bps * CLUSTER_US / 100 * ENOUGH_PERCENT)
        return 0;
    if (sent_us <= 0 || sent_us > CREDIBLE_US || arrived_us <= 0 || arrived_us > CREDIBLE_US)
        return 0;
    uint32_t sent_bps = rate_bps(cluster->bytes - cluster->last_sent_bytes, sent_us);
    uint32_t arrived_bps = rate_bps(cluster->bytes - cluster->first_arrived_bytes, arrived_us);
    if (arrived_bps / CREDIBLE_FACTOR > sent_bps)
        return 0; /* faster than it was sent: something kept it back and let it go together */
    *ret_full = arrived_bps < scaled(sent_bps, FULL_PERCENT);
    if (*ret_full)
        return scaled(arrived_bps, UTILISATION_PERCENT);
    return sent_bps < arrived_bps ? sent_bps : arrived_bps;
}

uint32_t probe_received(struct probe *probe, const struct send_history_packet *packet, int64_t arrival_us,
                        uint32_t estimate_bps, uint64_t now_us)
{
    struct probe_cluster *cluster = &probe->clusters[packet->cluster % SEND_HISTORY_CLUSTERS];

    if (packet->cluster == 0 || cluster->target_bps == 0)
        return 0;
    count(cluster, packet, arrival_us);
    bool is_full;
    uint32_t result_bps = evaluate(cluster, &is_full);
    if (result_bps == 0)
        return 0;
    probe->found_full = is_full;
    probe->result_bps = result_bps;
    if (result_bps > estimate_bps) {
        probe->successes += !cluster->has_succeeded;
        cluster->has_succeeded = 1;
        probe->failures = 0;
        probe->wait_until_us = now_us + WAIT_US;
    }
    if (packet->cluster == probe->last_cluster && !is_full &&
        result_bps >= scaled(cluster->target_bps, FURTHER_PERCENT))
        probe->next_bps = scaled(result_bps, 100 * FURTHER_FACTOR);
    return result_bps;
}

void probe_dropped(struct probe *probe, uint32_t before_bps, uint32_t after_bps, uint64_t now_us)
{
    if (after_bps >= scaled(before_bps, DROP_PERCENT))
        return;
    if (before_bps > probe->before_drop_bps)
        probe->before_drop_bps = before_bps;
    probe->dropped_us = now_us;
    probe->next_bps = 0;
}
