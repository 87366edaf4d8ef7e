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
#include "tools/kolabmeet-load/search_run.h"

static FILE *table_file(const struct options *options)
{
    return options->json_path && strcmp(options->json_path, "-") == 0 ? stderr : stdout;
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

struct measurement {
    const struct options *options;
    json_t *json;
};

static bool take_result(void *context, const struct result *result, struct scenario_load *ret_load)
{
    struct measurement *measurement = context;

    (void)ret_load;
    report_print(table_file(measurement->options), measurement->options, result);
    measurement->json = report_json(measurement->options, result);
    return false;
}

static int measure(const struct options *options)
{
    struct measurement measurement = {.options = options};

    int error = scenario_run(options, take_result, &measurement);
    if (error == 0)
        error = write_json(options, measurement.json);
    json_decref(measurement.json);
    return error;
}

/* What was found before an error is told all the same. */
static int search(const struct options *options)
{
    struct search_run run;

    search_run_init(&run, options, table_file(options));
    int error = scenario_run(options, search_run_next, &run);
    search_run_print(&run);
    json_t *json = search_run_json(&run);
    int write_error = write_json(options, json);
    json_decref(json);
    search_run_deinit(&run);
    return error != 0 ? error : write_error;
}

int main(int argc, char **argv)
{
    struct options options;
    int status;

    if (!options_parse(argc, argv, &options, &status))
        return status;
    if (pin(options.cpu) != 0)
        return EXIT_FAILURE;
    signal(SIGPIPE, SIG_IGN);
    allow_many_files();
    int error = options.search == SEARCH_OFF ? measure(&options) : search(&options);
    return error == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
