/* What the program behind the receivers of a bench (packet_sink.bpf.c) shares with those that read it.
 * Included by both, so it knows nothing but fixed-width integers. */
#pragma once

#ifdef __bpf__
#include <linux/types.h>
typedef __u16 sink_u16;
typedef __u32 sink_u32;
typedef __u64 sink_u64;
#else
#include <stdint.h>
typedef uint16_t sink_u16;
typedef uint32_t sink_u32;
typedef uint64_t sink_u64;
#endif

#define SINK_FLOWS_MAX 65536u /* consumers */
#define SINK_CAMERAS_MAX 64u
#define SINK_SENT_PACKETS 4096u /* of a camera, that may be under way at once; a power of two */
#define SINK_LATENCY_STEP_US 10u
#define SINK_LATENCY_STEPS 4096u

/* One consumer. */
struct sink_flow {
    sink_u64 packets;
    sink_u32 misplaced; /* whose sequence number was not the one after the last */
    sink_u16 first;     /* sequence number */
    sink_u16 last;
};

struct sink_totals {
    sink_u64 media;
    sink_u64 rtcp;
    sink_u64 strays; /* UDP to receivers that is neither, or of no consumer of that receiver */
};
