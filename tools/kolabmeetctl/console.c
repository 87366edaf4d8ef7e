#include "tools/kolabmeetctl/console.h"

#include <stdio.h>
#include <string.h>

#include "tools/kolabmeetctl/render.h"

static void print_error(const char *why)
{
    fputs("kolabmeetctl: ", stderr);
    render_escaped(stderr, why);
    fputc('\n', stderr);
}

static void print_counts(const json_t *counts)
{
    printf("rooms:%lld\npeers:%lld\n", (long long)json_integer_value(json_object_get(counts, "rooms")),
           (long long)json_integer_value(json_object_get(counts, "peers")));
}

enum ask_status console_run(const struct console_options *options, const char *const *words, size_t count)
{
    char why[ASK_WHY_BYTES];
    json_t *result;
    enum ask_status status = ask(options->runtime_dir, words, count, &result, why, sizeof(why));
    if (status != ASK_OK) {
        print_error(why);
        return status;
    }
    if (options->json) {
        json_dumpf(result, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII | JSON_ENCODE_ANY);
        fputc('\n', stdout);
    } else if (count == 1 && strcmp(words[0], "stats") == 0) {
        print_counts(result);
    } else {
        render(stdout, result);
    }
    json_decref(result);
    return fflush(stdout) == 0 ? ASK_OK : ASK_FAILED;
}

enum ask_status console_counts(const struct console_options *options)
{
    const char *const words[] = {"stats"};
    return console_run(options, words, 1);
}
