/* kolabmeet-load: plays whole participants against a server, and measures what they receive. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tools/kolabmeet-load/options.h"
#include "tools/kolabmeet-load/report.h"
#include "tools/kolabmeet-load/scenario.h"

struct run {
    const struct options *options;
    json_t *json;
};

static FILE *table_file(const struct options *options)
{
    return options->json_path && strcmp(options->json_path, "-") == 0 ? stderr : stdout;
}

static bool take_only_result(void *context, const struct result *result, struct scenario_load *ret_load)
{
    struct run *run = context;

    (void)ret_load;
    report_print(table_file(run->options), run->options, result);
    run->json = report_json(run->options, result);
    return false;
}

static int write_json(const struct options *options, const json_t *json)
{
    if (!options->json_path)
        return 0;
    FILE *file = strcmp(options->json_path, "-") == 0 ? stdout : fopen(options->json_path, "we");
    if (!file || json_dumpf(json, file, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) != 0 ||
        fputc('\n', file) == EOF || (file == stdout ? fflush(file) : fclose(file)) != 0) {
        fprintf(stderr, "kolabmeet-load: %s: %s\n", options->json_path, strerror(errno));
        return -EIO;
    }
    return 0;
}

static int pin(int cpu)
{
    cpu_set_t set;

    if (cpu < 0)
        return 0;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) == 0)
        return 0;
    fprintf(stderr, "kolabmeet-load: cannot be pinned to CPU %d: %s\n", cpu, strerror(errno));
    return -EINVAL;
}

/* Two sockets and a websocket for each participant. */
static void allow_many_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    struct options options;
    struct run run = {.options = &options};
    int status;

    if (!options_parse(argc, argv, &options, &status))
        return status;
    if (pin(options.cpu) != 0)
        return EXIT_FAILURE;
    signal(SIGPIPE, SIG_IGN);
    allow_many_files();
    int error = scenario_run(&options, take_only_result, &run);
    if (error == 0 && run.json)
        error = write_json(&options, run.json);
    json_decref(run.json);
    return error == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
