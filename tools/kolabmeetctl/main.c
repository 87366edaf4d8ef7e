/* kolabmeetctl: what the daemons are doing, read from their statistics file, while they run and after; and
 * orders to the daemon that runs, over its console. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/kolabmeetctl/console.h"
#include "tools/kolabmeetctl/stats.h"
#include "tools/kolabmeetctl/top.h"

#define DEFAULT_RUNTIME_DIR "/run/kolabmeet"

struct options {
    const char *runtime_dir;
    bool json;
    bool counts;
};

static int run_stats(const struct options *options)
{
    struct snapshot snapshot;
    char path[4096];
    char why[4400];
    int err = 0;

    snprintf(path, sizeof path, "%s/" STATISTICS_FILE, options->runtime_dir);
    err = snapshot_take(path, &snapshot, why, sizeof why);
    if (err != 0) {
        fprintf(stderr, "kolabmeetctl: %s\n", why);
        return snapshot_exit_status(err);
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

/* Without arguments, and without a daemon. */
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
    fprintf(out, "usage: kolabmeetctl [options] [command [argument]...]\n\n"
                 "commands that read the statistics file, also when kolabmeetd has ended:\n");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].help);
    fprintf(
        out,
        "\nAll others are for the kolabmeetd that runs: \"kolabmeetctl help\" lists them. Ids may be cut\n"
        "short. Without a command they are read from the terminal (top too; quit ends) or from standard "
        "input.\n"
        "\noptions:\n"
        "  --json             JSON instead of text\n"
        "  --runtime-dir DIR  where the daemon keeps its statistics file and its console's socket\n"
        "                     (default: $RUNTIME_DIR, else " DEFAULT_RUNTIME_DIR ")\n"
        "  --stats            how many rooms and peers there are\n"
        "  --help, --version\n"
        "\nexit status: 0 done, 1 failed, 2 wrong usage, 3 kolabmeetd is not running, 4 no permission\n");
}

static int run_command(const struct options *options, const char *const *words, size_t count)
{
    struct console_options console = {.runtime_dir = options->runtime_dir, .json = options->json};
    if (options->counts)
        return (int)console_counts(&console);
    if (count == 0)
        return (int)console_shell(&console);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (count == 1 && strcmp(commands[i].name, words[0]) == 0)
            return commands[i].run(options);
    return (int)console_run(&console, words, count);
}

int main(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"json", no_argument, NULL, 'j'},    {"runtime-dir", required_argument, NULL, 'd'},
        {"stats", no_argument, NULL, 's'},   {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'}, {NULL, 0, NULL, 0}};
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
        case 's':
            options.counts = true;
            break;
        case 'h':
            print_help(stdout);
            return EXIT_SUCCESS;
        case 'v':
            printf("kolabmeetctl %s\n", KM_VERSION);
            return EXIT_SUCCESS;
        default:
            return ASK_USAGE;
        }
    }
    if (options.counts && optind < argc) {
        print_help(stderr);
        return ASK_USAGE;
    }
    return run_command(&options, (const char *const *)argv + optind, (size_t)(argc - optind));
}
