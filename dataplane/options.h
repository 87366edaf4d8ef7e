/* The command line of kolabmeet-forwarder. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "dataplane/srtp.h"
#include "dataplane/worker.h"

#define OPTIONS_CPUS_MAX 256u

struct options {
    int control_fd;
    enum worker_poll poll;
    const struct srtp_backend *srtp;
    unsigned cpus[OPTIONS_CPUS_MAX]; /* worker n runs on cpus[n % cpu_count] */
    unsigned cpu_count;              /* 0: wherever the kernel likes */
    bool help;
    bool version;
};

extern const char options_usage[];

/* -EINVAL with one line in ret_error for what is not understood. */
int options_parse(int argc, char **argv, struct options *ret_options, char *ret_error, size_t error_bytes);
