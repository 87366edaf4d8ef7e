#include "control/console/console.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/console/console_private.h"
#include "control/log.h"

#define PAUSE_S 1

void console_config_init(struct console_config *config)
{
    *config = (struct console_config){.idle_ms = 60 * 1000, .write_ms = 10 * 1000};
}

int console_check(const char *runtime_dir, char *error, size_t size)
{
    return console_socket_check(runtime_dir, CONSOLE_SOCKET, error, size);
}

static void turn_away(int fd, const char *code, const char *error)
{
    json_t *refusal = command_refusal(code, error);
    char *text = refusal ? json_dumps(refusal, JSON_COMPACT) : NULL;
    if (text) {
        (void)!send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)!send(fd, "\n", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    free(text);
    json_decref(refusal);
    close(fd);
}

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                          int length, void *context)
{
    struct console *console = context;
    (void)listener;
    (void)address;
    (void)length;
    if (!console_socket_is_trusted(fd)) {
        log_every_s(10, log_warn, "console", "refused a user who may not give orders");
        turn_away(fd, "denied", "permission denied");
    } else if (console->client_count >= CONSOLE_CLIENTS_MAX) {
        turn_away(fd, "busy", "too many clients");
    } else if (console_client_create(console, fd)) {
        log_every_s(10, log_warn, "console", "out of memory for a client");
    }
}

/* Out of descriptors, say: whoever waits goes on waiting, and the event loop does not spin. */
static void on_accept_error(struct evconnlistener *listener, void *context)
{
    struct console *console = context;
    struct timeval pause = {.tv_sec = PAUSE_S};
    log_every_s(10, log_warn, "console", "cannot accept: %s", strerror(EVUTIL_SOCKET_ERROR()));
    evconnlistener_disable(listener);
    event_add(console->pause, &pause);
}

static void on_pause_over(evutil_socket_t fd, short what, void *context)
{
    struct console *console = context;
    (void)fd;
    (void)what;
    evconnlistener_enable(console->listener);
}

static int start_listening(struct console *console)
{
    console->pause = event_new(console->config.base, -1, 0, on_pause_over, console);
    if (console->pause)
        console->listener = evconnlistener_new(console->config.base, on_connection, console,
                                               LEV_OPT_CLOSE_ON_EXEC, 0, console->socket.fd);
    if (!console->listener)
        return -ENOMEM;
    evconnlistener_set_error_cb(console->listener, on_accept_error);
    return 0;
}

int console_create(const struct console_config *config, struct console **ret_console, char *error,
                   size_t size)
{
    struct console *console = calloc(1, sizeof(*console));
    if (!console) {
        snprintf(error, size, "out of memory");
        return -ENOMEM;
    }
    console->config = *config;
    console->context = (struct command_context){
        .rooms = config->rooms, .forwarder = config->forwarder, .drain = config->drain};
    LIST_INIT(&console->clients);
    int result = console_socket_open(config->runtime_dir, CONSOLE_SOCKET, &console->socket, error, size);
    if (result) {
        free(console);
        return result;
    }
    result = start_listening(console);
    if (result) {
        snprintf(error, size, "cannot start the console: %s", strerror(-result));
        console_destroy(console);
        return result;
    }
    *ret_console = console;
    return 0;
}

void console_destroy(struct console *console)
{
    if (!console)
        return;
    while (!LIST_EMPTY(&console->clients))
        console_client_destroy(LIST_FIRST(&console->clients));
    if (console->listener)
        evconnlistener_free(console->listener);
    if (console->pause)
        event_free(console->pause);
    console_socket_remove(&console->socket);
    close(console->socket.fd);
    free(console);
}
