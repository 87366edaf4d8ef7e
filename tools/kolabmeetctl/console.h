/* kolabmeetctl's use of the daemon's console: one command, or one after the other. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tools/kolabmeetctl/ask.h"

struct console_options {
    const char *runtime_dir;
    bool json; /* answers as JSON instead of text */
};

/* Asks, and prints the answer to stdout or what went wrong to stderr. */
enum ask_status console_run(const struct console_options *options, const char *const *words, size_t count);

/* Lines of standard input until it ends or says quit: with a prompt, completion and history on a terminal,
 * else silently. The last status that was not ASK_OK, or on a terminal ASK_OK. */
enum ask_status console_shell(const struct console_options *options);

/* Prints rooms:N and peers:N. */
enum ask_status console_counts(const struct console_options *options);
