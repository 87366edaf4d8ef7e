/* Probing for room: for a moment more is sent than is known to fit, padding if there is nothing else, and
 * what comes out at the other end says what the path holds (libwebrtc's ProbeController and
 * ProbeBitrateEstimator).
 *
 * When: 3 and 6 times the first estimate as soon as something is sent; twice as much again as long as that
 * succeeds; what was there before a drop, a second after the delay is normal again; and now and then, twice
 * the estimate, while it is not filled, or filling it does no harm for seconds, and more could be used. Never
 * beyond what could be used and a third, never while the path is used too much. A probe that finds nothing
 * is followed by a longer wait.
 *
 * Pure: the caller asks probe_begin when it may, sends probe_due_bytes when asked, marks what it sends with
 * the cluster (send_history.h), and reports what arrived. Needs probe_init. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/send_history.h"

#define PROBE_PACKET_BYTES_MIN 200u
#define PROBE_PACKET_BYTES_MAX 1100u

/* What has arrived of one cluster. Times of sending are ours, of arrival the receiver's. */
struct probe_cluster {
    uint32_t target_bps;
    uint32_t packets;
    uint32_t bytes;
    uint8_t has_succeeded;
    uint8_t reserved[3];
    uint32_t last_sent_bytes;     /* of the packet sent last: its bytes left after the interval */
    uint32_t first_arrived_bytes; /* of that which arrived first: its bytes arrived before the interval */
    int64_t first_sent_us;
    int64_t last_sent_us;
    int64_t first_arrived_us;
    int64_t last_arrived_us;
};

struct probe {
    /* The cluster that is being sent. */
    uint8_t cluster; /* 0 = none */
    uint8_t last_cluster;
    uint8_t initial;  /* probes of the start that are left */
    uint8_t failures; /* in a row */
    uint32_t target_bps;
    uint32_t sent_packets;
    uint32_t sent_bytes;
    uint64_t begun_us; /* when its first packet went; 0 = none yet */

    uint64_t asked_us; /* when probe_begin was called first; 0 = never */
    uint64_t ended_us; /* when the last cluster was sent; 0 = never */
    uint64_t wait_until_us;
    uint64_t overused_us; /* when the path was used too much last */
    uint32_t next_bps;    /* to be probed as soon as possible; 0 = nothing */
    uint32_t again_bps;   /* likewise, because it is doubtful */
    uint32_t before_drop_bps;
    uint64_t dropped_us;

    uint32_t count; /* of clusters sent */
    uint32_t successes;
    uint32_t result_bps; /* of the last that said something */
    uint8_t found_full;  /* it: more did not get through */
    uint8_t reserved[3];
    struct probe_cluster clusters[SEND_HISTORY_CLUSTERS];
};

void probe_init(struct probe *probe);

struct probe_inputs {
    uint32_t estimate_bps;
    uint32_t desired_bps; /* what could be used; 0 = not known: nothing is probed */
    bool is_normal;       /* the delay is not growing, nothing waits in queues */
    bool is_limited;      /* less is sent than is allowed */
};

/* To be asked now and then: begins a cluster when there is reason to. True when one has begun. */
bool probe_begin(struct probe *probe, const struct probe_inputs *inputs, uint64_t now_us);

/* How much is to be sent of the cluster by now, beside what probe_sent was told; 0 = not yet, or none. */
uint32_t probe_due_bytes(const struct probe *probe, uint64_t now_us);

/* The size that packets of padding should have. */
uint32_t probe_packet_bytes(const struct probe *probe);

/* Whatever is sent with a transport-wide number while a cluster is being sent belongs to it. Ends the cluster
 * when it is complete, or could not be sent in time. */
void probe_sent(struct probe *probe, uint32_t bytes, uint64_t now_us);

/* What the last cluster found is to be found once more, soon. */
void probe_again(struct probe *probe);

/* The cluster cannot be sent. */
void probe_abandon(struct probe *probe, uint64_t now_us);

/* A packet of the cluster arrived. Returns the rate that the cluster has shown so far, 0 = none. */
uint32_t probe_received(struct probe *probe, const struct send_history_packet *packet, int64_t arrival_us,
                        uint32_t estimate_bps, uint64_t now_us);

/* The estimate fell, by loss or delay: what it was before is tried again later. */
void probe_dropped(struct probe *probe, uint32_t before_bps, uint32_t after_bps, uint64_t now_us);
