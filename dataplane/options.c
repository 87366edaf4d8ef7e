#include "dataplane/options.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/srtp_native.h"

const char options_usage[] =
    "usage: kolabmeet-forwarder --control-fd=N [options]\n"
    "The data plane of kolabmeet; started by kolabmeetd, which holds the other end of descriptor N.\n"
    "  --control-fd=N            SOCK_SEQPACKET socket to kolabmeetd\n"
    "  --poll=adaptive|busy|sleep  how a worker waits for packets (adaptive)\n"
    "  --cpus=LIST               pin worker threads, e.g. 2,3 or 4-7 (not pinned)\n"
    "  --srtp-backend=native|libsrtp2  who encrypts (native)\n"
    "  --version, --help\n";

enum option_key { CONTROL_FD = 1, POLL, CPUS, SRTP_BACKEND, VERSION, HELP };

static const struct option long_options[] = {
    {"control-fd", required_argument, NULL, CONTROL_FD},
    {"poll", required_argument, NULL, POLL},
    {"cpus", required_argument, NULL, CPUS},
    {"srtp-backend", required_argument, NULL, SRTP_BACKEND},
    {"version", no_argument, NULL, VERSION},
    {"help", no_argument, NULL, HELP},
    {0},
};

/* A decimal number up to max, with *end behind it. */
static bool read_number(const char *text, unsigned long max, unsigned long *ret_number, const char **ret_end)
{
    char *end;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *ret_number = strtoul(text, &end, 10);
    *ret_end = end;
    return errno == 0 && *ret_number <= max;
}

static bool read_cpus(const char *text, struct options *options)
{
    for (;;) {
        unsigned long first;
        if (!read_number(text, CPU_SETSIZE - 1, &first, &text))
            return false;
        unsigned long last = first;
        if (*text == '-' && !read_number(text + 1, CPU_SETSIZE - 1, &last, &text))
            return false;
        for (unsigned long cpu = first; cpu <= last; cpu++) {
            if (options->cpu_count == OPTIONS_CPUS_MAX)
                return false;
            options->cpus[options->cpu_count++] = (unsigned)cpu;
        }
        if (*text == '\0')
            return last >= first;
        if (*text++ != ',')
            return false;
    }
}

static bool read_poll(const char *text, enum worker_poll *ret_poll)
{
    static const char *const names[] = {
        [WORKER_POLL_ADAPTIVE] = "adaptive", [WORKER_POLL_BUSY] = "busy", [WORKER_POLL_SLEEP] = "sleep"};

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(text, names[i]) == 0) {
            *ret_poll = (enum worker_poll)i;
            return true;
        }
    }
    return false;
}

static bool read_option(int key, const char *value, struct options *options)
{
    unsigned long number;
    const char *end;

    switch (key) {
    case CONTROL_FD:
        if (!read_number(value, 1 << 20, &number, &end) || *end != '\0')
            return false;
        options->control_fd = (int)number;
        return true;
    case POLL:
        return read_poll(value, &options->poll);
    case CPUS:
        return read_cpus(value, options);
    case SRTP_BACKEND:
        options->srtp = srtp_backend_find(value);
        return options->srtp != NULL;
    case VERSION:
        options->version = true;
        return true;
    case HELP:
        options->help = true;
        return true;
    default:
        return false;
    }
}

int options_parse(int argc, char **argv, struct options *ret_options, char *ret_error, size_t error_bytes)
{
    struct options options = {.control_fd = -1, .poll = WORKER_POLL_ADAPTIVE, .srtp = &srtp_native};
    int key, index = 0;

    opterr = 0;
    optind = 0; /* GNU: begin anew, also for a second call */
    while ((key = getopt_long(argc, argv, "", long_options, &index)) != -1) {
        if (key == '?') {
            snprintf(ret_error, error_bytes, "%s is not an option, or lacks its value", argv[optind - 1]);
            return -EINVAL;
        }
        if (!read_option(key, optarg, &options)) {
            snprintf(ret_error, error_bytes, "--%s does not take \"%s\"", long_options[index].name, optarg);
            return -EINVAL;
        }
    }
    if (optind < argc) {
        snprintf(ret_error, error_bytes, "%s is not an option", argv[optind]);
        return -EINVAL;
    }
    if (options.control_fd < 0 && !options.help && !options.version) {
        snprintf(ret_error, error_bytes, "--control-fd is needed: this program is started by kolabmeetd");
        return -EINVAL;
    }
    *ret_options = options;
    return 0;
}
