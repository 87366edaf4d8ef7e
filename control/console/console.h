/* The admin console: a Unix socket in the runtime directory, mode 0600, whose callers are root or this
 * process's own user. One JSON request a line, one JSON answer a line, in order (command.h says what is in
 * them); answers are ASCII.
 *
 * Bounds: CONSOLE_LINE_MAX bytes a line, CONSOLE_CLIENTS_MAX clients, some seconds of silence. The next line
 * is read when the last answer has been taken, so that a client that never reads costs one answer, and soon
 * its connection. Main thread only. */
#pragma once

#include <stddef.h>

#define CONSOLE_SOCKET "console"
#define CONSOLE_LINE_MAX 65536 /* without its line end */
#define CONSOLE_CLIENTS_MAX 16

struct console;
struct drain;
struct event_base;
struct forwarder;
struct rooms;

struct console_config {
    struct event_base *base;
    const char *runtime_dir; /* there already */
    struct rooms *rooms;
    struct forwarder *forwarder;
    struct drain *drain;
    unsigned idle_ms;  /* without a request */
    unsigned write_ms; /* for an answer to be taken */
};

/* 60 s, 10 s; the rest zero. */
void console_config_init(struct console_config *config);

/* Before anything else is made in the runtime directory: another living process may have it. Errors as
 * console_create. */
int console_check(const char *runtime_dir, char *error, size_t size);

/* One line in error on failure. -EADDRINUSE when the socket is another process's that lives, -EDOM for a
 * runtime directory whose name is too long for a socket, else a negative errno. */
int console_create(const struct console_config *config, struct console **ret_console, char *error,
                   size_t size);
/* The socket's file goes too. */
void console_destroy(struct console *console);
