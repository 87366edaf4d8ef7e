/* What console.c and console_client.c share. */
#pragma once

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "control/console/command.h"
#include "control/console/console.h"
#include "control/console/console_socket.h"

struct console_client {
    struct console *console;
    struct bufferevent *stream;
    bool is_ending; /* nothing more is read; closed when the answer has been taken */
    bool has_ended; /* the other end says no more */
    LIST_ENTRY(console_client) link;
};

struct console {
    struct console_config config;
    struct console_socket socket;
    struct evconnlistener *listener;
    struct event *pause; /* until accepting is tried again */
    struct command_context context;
    LIST_HEAD(, console_client) clients;
    size_t client_count;
};

/* Takes fd over. -ENOMEM. */
int console_client_create(struct console *console, int fd);
void console_client_destroy(struct console_client *client);
