/* Two network namespaces for a bench and a veth pair between them: this process's own, and one where cameras
 * and receivers are, whose packets are counted and dropped by packet_sink.bpf.c. Each CPU has a queue of its
 * own. Nothing has a name outside of this process: all of it ends with the process, however that ends. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/sink_abi.h"

#define SINK_LINK_CPUS_MAX 8u

struct sink;

struct sink_link {
    int near_fd; /* namespaces */
    int far_fd;
    uint32_t cpus[SINK_LINK_CPUS_MAX];
    uint32_t cpu_count;
};

/* Takes this thread, which has started no other one, to a new namespace at the link's near end. False with
 * the reason, where this cannot be done. */
bool sink_link_open(struct sink_link *link, const uint32_t *cpus, uint32_t cpu_count, char *ret_why,
                    size_t why_bytes);

/* A UDP socket at an end of the link, or negative errno. */
int sink_link_near_socket(uint16_t port);
int sink_link_far_socket(const struct sink_link *link);

/* Where receiver number so-and-so is. */
struct sockaddr_in sink_link_receiver(uint32_t receiver);

enum sink_kind {
    SINK_XDP,
    SINK_TC,
};

/* Counts what consumers with SSRCs from first_ssrc on are sent: consumer n is of camera n / receivers, at
 * receiver n % receivers. Nothing is attached on failure. One at a time. */
struct sink *sink_create(const struct sink_link *link, enum sink_kind kind, uint32_t cameras,
                         uint32_t receivers, uint32_t first_ssrc, char *ret_why, size_t why_bytes);
void sink_destroy(struct sink *sink);

/* By number; it changes while packets come. */
const volatile struct sink_flow *sink_flow(const struct sink *sink, uint32_t flow);

/* That camera's packet number so-and-so leaves now. */
void sink_note_sent(struct sink *sink, uint32_t camera, uint32_t packet, uint64_t now_ns);

/* Of all CPUs. False when the kernel does not tell. */
bool sink_totals(const struct sink *sink, struct sink_totals *ret_totals);
bool sink_latencies(const struct sink *sink, uint64_t ret_counts[SINK_LATENCY_STEPS]);
