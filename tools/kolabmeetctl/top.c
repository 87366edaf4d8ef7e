#include "tools/kolabmeetctl/top.h"

#include <ncurses.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define INTERVAL_MS 1000

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Waits for the interval. False when the reader wants to end. */
static bool wait_json(void)
{
    usleep(INTERVAL_MS * 1000);
    return true;
}

static bool wait_screen(void)
{
    timeout(INTERVAL_MS);
    int key = getch();
    return key != 'q' && key != 'Q' && key != 27;
}

static int show(FILE *out, bool json, const struct snapshot *before, const struct snapshot *after,
                double seconds)
{
    struct rates rates;
    int err = rates_compute(before, after, seconds, &rates);

    if (err != 0)
        return err;
    if (json)
        err = top_print_json(out, after, &rates);
    else
        top_draw(after, &rates);
    rates_deinit(&rates);
    return err;
}

static int loop(const char *path, bool json, char *ret_why, size_t why_bytes)
{
    struct snapshot before = {.unreadable = 0};
    double taken_s = now_s();
    int err = snapshot_take(path, &before, ret_why, why_bytes);

    if (err == 0 && !json)
        err = show(stdout, json, &before, &before, 1); /* something at once */
    while (err == 0 && (json ? wait_json() : wait_screen())) {
        struct snapshot after;
        double now = now_s();
        err = snapshot_take(path, &after, ret_why, why_bytes);
        if (err != 0)
            break;
        err = show(stdout, json, &before, &after, now - taken_s);
        snapshot_deinit(&before);
        before = after;
        taken_s = now;
        if (json && (fflush(stdout) != 0 || ferror(stdout)))
            break;
    }
    snapshot_deinit(&before);
    return err;
}

int top_run(const char *statistics_path, bool json)
{
    char why[4400] = "no memory";

    if (!json) {
        if (!isatty(STDOUT_FILENO) || !initscr()) {
            fprintf(stderr, "kolabmeetctl: top needs a terminal; see --json\n");
            return EXIT_FAILURE;
        }
        cbreak();
        noecho();
        curs_set(0);
        set_escdelay(25);
    }
    int err = loop(statistics_path, json, why, sizeof why);
    if (!json)
        endwin();
    if (err != 0)
        fprintf(stderr, "kolabmeetctl: %s\n", why);
    return snapshot_exit_status(err);
}
