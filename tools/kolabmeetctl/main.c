/* kolabmeetctl: what the daemons are doing, read from their statistics file, while they run and after. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/kolabmeetctl/stats.h"
#include "tools/kolabmeetctl/top.h"

#define DEFAULT_RUNTIME_DIR "/run/kolabmeet"

enum { EXIT_USAGE = 2 };

struct options {
    const char *runtime_dir;
    bool json;
};

static int run_stats(const struct options *options)
{
    struct snapshot snapshot;
    char path[4096];
    char why[4400];
    int err = 0;

    snprintf(path, sizeof path, "%s/" STATISTICS_FILE, options->runtime_dir);
    if (snapshot_take(path, &snapshot, why, sizeof why) != 0) {
        fprintf(stderr, "kolabmeetctl: %s\n", why);
        return EXIT_FAILURE;
    }
    if (options->json)
        err = stats_print_json(stdout, &snapshot);
    else
        stats_print_text(stdout, &snapshot);
    snapshot_deinit(&snapshot);
    return err == 0 && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run_top(const struct options *options)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/" STATISTICS_FILE, options->runtime_dir);
    return top_run(path, options->json);
}

static const struct {
    const char *name;
    int (*run)(const struct options *options);
    const char *help;
} commands[] = {
    {"stats", run_stats, "processes, workers with every drop by name, transports, streams, consumers"},
    {"top", run_top, "workers, rooms and streams live; with --json one object a second"},
};

static void print_help(FILE *out)
{
    fprintf(out, "usage: kolabmeetctl [options] command\n\ncommands:\n");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].help);
    fprintf(out, "\noptions:\n"
                 "  --json             one JSON object instead of text\n"
                 "  --runtime-dir DIR  where the daemon keeps its statistics file\n"
                 "                     (default: $RUNTIME_DIR, else " DEFAULT_RUNTIME_DIR ")\n"
                 "  --help, --version\n");
}

static int run_command(const char *name, const struct options *options)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, name) == 0)
            return commands[i].run(options);
    fprintf(stderr, "kolabmeetctl: no command \"%s\"; see --help\n", name);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    static const struct option long_options[] = {{"json", no_argument, NULL, 'j'},
                                                 {"runtime-dir", required_argument, NULL, 'd'},
                                                 {"help", no_argument, NULL, 'h'},
                                                 {"version", no_argument, NULL, 'v'},
                                                 {NULL, 0, NULL, 0}};
    const char *from_environment = getenv("RUNTIME_DIR");
    struct options options = {.runtime_dir = from_environment && *from_environment ? from_environment
                                                                                   : DEFAULT_RUNTIME_DIR};

    for (int option; (option = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
        switch (option) {
        case 'j':
            options.json = true;
            break;
        case 'd':
            options.runtime_dir = optarg;
            break;
        case 'h':
            print_help(stdout);
            return EXIT_SUCCESS;
        case 'v':
            printf("kolabmeetctl %s\n", KM_VERSION);
            return EXIT_SUCCESS;
        default:
            return EXIT_USAGE;
        }
    }
    if (optind + 1 != argc) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    return run_command(argv[optind], &options);
}
