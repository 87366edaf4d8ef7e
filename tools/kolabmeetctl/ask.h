/* Asks the running daemon, over its console's socket (control/console). One connection a request. */
#pragma once

#include <jansson.h>
#include <stddef.h>

#define ASK_WHY_BYTES 512
#define ASK_WORDS_MAX 17 /* a command and its arguments */

/* These are exit statuses too. */
enum ask_status {
    ASK_OK = 0,
    ASK_FAILED = 1, /* the daemon could not do it, or gave no answer */
    ASK_USAGE = 2,  /* no such command, or arguments that it does not take */
    ASK_NO_DAEMON = 3,
    ASK_DENIED = 4,
};

/* words[0] is the command. A new reference in *ret_result; unless ASK_OK, one line in why instead. */
enum ask_status ask(const char *runtime_dir, const char *const *words, size_t count, json_t **ret_result,
                    char *why, size_t why_bytes);
