/* What a measurement has found. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tools/kolabmeet-load/tally.h"

/* Why the generator itself, and not the server, may have been the limit. */
enum result_limit {
    RESULT_LIMIT_CPU = 1,    /* it had no CPU time left */
    RESULT_LIMIT_LATE = 2,   /* what it sends left too late */
    RESULT_LIMIT_SOCKET = 4, /* its receive buffers overflowed */
    RESULT_LIMIT_SEND = 8,   /* its sockets did not take what it sent */
};

struct result_process {
    bool is_known;
    double cpu_s;            /* during the measurement */
    double join_cpu_s;       /* from the start until all of the first load were there */
    uint64_t resident_bytes; /* at the end of the measurement */
    uint64_t start_bytes;    /* before the first join */
};

struct result {
    bool is_incomplete; /* not all could join, or receive: nothing was measured */
    double seconds;
    double video_rate;    /* packets a second of each publisher */
    uint32_t subscribers; /* of each room */
    uint32_t participants;
    uint32_t joined; /* of the first load: join_cpu_s is theirs */
    uint32_t failed; /* participants */
    uint32_t left;   /* likewise, by churn */
    uint64_t sinks;
    uint64_t silent; /* sinks that have received nothing */
    uint64_t expected;
    uint64_t lost;                 /* by the server or the network */
    uint64_t own_lost;             /* in the generator's own receive buffers */
    uint64_t socket_drops;         /* messages that fell out of these, of packets or anything */
    uint64_t receive_buffer_bytes; /* of the socket with the smallest */
    bool is_measured;              /* own_lost is all of them; else only as many as socket_drops */
    double own_cpu_s;
    uint64_t late_p99_ns; /* rounds of the loop behind the schedule */
    uint64_t late_max_ns;
    struct result_process forwarder;
    struct result_process control;
    struct histogram joins;
    struct tally tally;
};

/* By the server or the network, of what did not get lost in own buffers; 1 when nothing was expected. */
double result_loss(const struct result *result);

/* Packets that were read. */
uint64_t result_received(const struct result *result);

/* What the server has forwarded, a second: all that reached this machine. */
double result_packets_per_second(const struct result *result);

/* Bits of enum result_limit. */
unsigned result_limits(const struct result *result);

/* Microseconds of CPU for each of these packets. */
double result_us_per_packet(const struct result *result, double cpu_s);
