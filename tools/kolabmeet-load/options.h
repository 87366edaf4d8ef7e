/* The command line. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/srtp.h"
#include "tools/kolabmeet-load/stream.h"

enum feedback_kind { FEEDBACK_TWCC, FEEDBACK_REMB, FEEDBACK_NONE };
enum search_kind { SEARCH_OFF, SEARCH_RATE, SEARCH_SUBSCRIBERS };

struct options_media {
    double packets_per_second; /* 0: none of this kind */
    uint32_t payload_bytes;
};

struct options {
    struct stream_target target;
    const char *token;
    uint32_t rooms;
    uint32_t publishers;  /* of each room */
    uint32_t subscribers; /* likewise, who publish nothing */
    bool publishers_subscribe;
    struct options_media audio;
    struct options_media video;
    double frames_per_second;
    bool is_even; /* packets of a frame all alike */
    double ramp;  /* joins a second */
    double churn; /* subscribers that leave, and others that come, a second of the measurement */
    double warmup_s;
    double duration_s;
    enum srtp_profile profile;
    const struct srtp_backend *backend;
    bool is_dtls_server;
    enum feedback_kind feedback;
    bool nack; /* what is lost is asked for again, and sent again by RTX */
    uint32_t check_every;
    double lose_received; /* shares of media packets that are lost on purpose */
    double lose_sent;
    bool progress;
    const char *json_path; /* NULL: none; "-": standard output, and the table goes to standard error */
    enum search_kind search;
    double search_loss;         /* the share that is tolerated */
    uint64_t search_latency_ns; /* the median that is tolerated; more is a backlog that grows */
    int forwarder_pid;          /* 0: not watched */
    int control_pid;
    int cpu;                     /* -1: not pinned */
    bool shares_socket;          /* by all transports, where addresses allow it */
    uint32_t local_network;      /* IPv4, host order: addresses that are this machine's */
    unsigned local_prefix_bits;  /* 0: none is given */
    uint32_t receive_buffer_kib; /* of each socket; 0: as much as is good for it */
};

/* True when there is something to do; otherwise *ret_status is the program's, and all is said. */
bool options_parse(int argc, char **argv, struct options *ret_options, int *ret_status);

/* Participants and consumers that this makes. */
uint32_t options_participants(const struct options *options);
uint64_t options_consumers(const struct options *options);
