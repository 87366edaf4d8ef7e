/* A consistent copy of every block in use of a statistics file. */
#pragma once

#include <stddef.h>

#include "shm/statistics.h"

struct snapshot {
    struct statistics_control control;
    bool control_alive; /* its process runs now */
    bool forwarder_alive;
    struct statistics_worker *workers;
    size_t worker_count;
    struct statistics_stages *stages; /* one a worker */
    size_t stages_count;
    struct statistics_transport *transports;
    struct statistics_label *labels; /* by the same position as transports */
    size_t transport_count;
    struct statistics_stream *streams;
    size_t stream_count;
    struct statistics_consumer *consumers;
    size_t consumer_count;
    unsigned unreadable; /* blocks whose writer was inside them, or died there */
};

/* 0, or a negative errno with a line in ret_why. -ENOENT: no daemon has run there. */
int snapshot_take(const char *path, struct snapshot *ret_snapshot, char *ret_why, size_t why_bytes);
/* The exit status for such an errno, of enum ask_status. */
int snapshot_exit_status(int err);
void snapshot_deinit(struct snapshot *snapshot);

const char *snapshot_kind_name(uint32_t kind);            /* audio, video */
const char *snapshot_codec_name(uint32_t codec);          /* as in proto/schema/forwarder.proto */
const char *snapshot_srtp_profile_name(uint32_t profile); /* likewise */
