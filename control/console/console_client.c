/* One connection: lines in, lines out. */
#include <errno.h>
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/console/console_private.h"
#include "control/log.h"

static bool is_writing(const struct console_client *client)
{
    return evbuffer_get_length(bufferevent_get_output(client->stream)) > 0;
}

static void send_answer(struct console_client *client, json_t *answer)
{
    struct evbuffer *output = bufferevent_get_output(client->stream);
    char *text = answer ? json_dumps(answer, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    json_decref(answer);
    if (!text || evbuffer_add(output, text, strlen(text)) || evbuffer_add(output, "\n", 1))
        client->is_ending = true;
    free(text);
}

static bool answer_next_line(struct console_client *client)
{
    struct evbuffer *input = bufferevent_get_input(client->stream);
    size_t length;
    char *line = evbuffer_readln(input, &length, EVBUFFER_EOL_LF);
    if (line && length <= CONSOLE_LINE_MAX) {
        send_answer(client, command_answer(&client->console->context, line, length));
    } else if (line || evbuffer_get_length(input) > CONSOLE_LINE_MAX) {
        client->is_ending = true;
        send_answer(client, command_refusal("request", "the line is too long"));
    }
    bool was_line = line;
    free(line);
    return was_line;
}

/* Answers what can be answered now. The client may be gone afterwards. */
static void go_on(struct console_client *client)
{
    while (!client->is_ending && !is_writing(client) && answer_next_line(client))
        ;
    if (is_writing(client))
        bufferevent_disable(client->stream, EV_READ);
    else if (client->is_ending || client->has_ended)
        console_client_destroy(client);
    else
        bufferevent_enable(client->stream, EV_READ);
}

static void on_read(struct bufferevent *stream, void *context)
{
    (void)stream;
    go_on(context);
}

static void on_written(struct bufferevent *stream, void *context)
{
    (void)stream;
    go_on(context);
}

static void on_event(struct bufferevent *stream, short what, void *context)
{
    struct console_client *client = context;
    (void)stream;
    /* Who asks and shuts its end down still waits for the answers. */
    if (what == (BEV_EVENT_EOF | BEV_EVENT_READING)) {
        client->has_ended = true;
        go_on(client);
        return;
    }
    if (what & BEV_EVENT_TIMEOUT)
        log_debug("console", "a client is silent or does not read: closed");
    console_client_destroy(client);
}

static struct timeval milliseconds(unsigned ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
}

int console_client_create(struct console *console, int fd)
{
    struct console_client *client = calloc(1, sizeof(*client));
    if (client)
        client->stream = bufferevent_socket_new(console->config.base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (!client || !client->stream) {
        free(client);
        close(fd);
        return -ENOMEM;
    }
    client->console = console;
    LIST_INSERT_HEAD(&console->clients, client, link);
    console->client_count++;
    struct timeval idle = milliseconds(console->config.idle_ms);
    struct timeval write = milliseconds(console->config.write_ms);
    bufferevent_setcb(client->stream, on_read, on_written, on_event, client);
    bufferevent_set_timeouts(client->stream, &idle, &write);
    bufferevent_setwatermark(client->stream, EV_READ, 0, CONSOLE_LINE_MAX + 1);
    bufferevent_enable(client->stream, EV_READ | EV_WRITE);
    return 0;
}

void console_client_destroy(struct console_client *client)
{
    LIST_REMOVE(client, link);
    client->console->client_count--;
    bufferevent_free(client->stream);
    free(client);
}
