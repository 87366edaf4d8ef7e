#include "tools/kolabmeet-load/api_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/kolabmeet-load/buffer.h"
#include "tools/kolabmeet-load/http_response.h"
#include "tools/kolabmeet-load/memory.h"

struct request {
    struct request *next;
    char *text;
    api_answer_fn answer; /* NULL: forgotten */
    void *context;
};

struct api_client {
    struct loop *loop;
    struct stream_target target;
    char *token;
    struct stream *stream; /* NULL between connections */
    struct buffer input;
    struct request *first; /* the one that is being answered */
    struct request *last;
    bool is_sent; /* first is */
};

static void send_next(struct api_client *client);

static void drop_connection(struct api_client *client)
{
    stream_close(client->stream);
    client->stream = NULL;
    client->is_sent = false;
    client->input.length = 0;
}

/* Takes the first request out and answers it. */
static void answer_first(struct api_client *client, int status, const json_t *body)
{
    struct request *request = client->first;

    client->first = request->next;
    if (!client->first)
        client->last = NULL;
    client->is_sent = false;
    if (request->answer)
        request->answer(request->context, status, body);
    free(request->text);
    free(request);
}

static void opened(void *context)
{
    send_next(context);
}

static void received(void *context, const uint8_t *data, size_t length)
{
    struct api_client *client = context;
    struct http_response response;

    buffer_append(&client->input, data, length);
    int got = http_response_read(client->input.data, client->input.length, &response);
    if (got == 0)
        return;
    if (got < 0 || !client->is_sent) {
        drop_connection(client);
        if (client->first)
            answer_first(client, 0, NULL);
    } else {
        json_t *body = json_loadb(response.body, response.body_bytes, JSON_DECODE_ANY, NULL);
        buffer_take(&client->input, response.bytes);
        answer_first(client, response.status, body);
        json_decref(body);
    }
    send_next(client);
}

static void ended(void *context, const char *reason)
{
    struct api_client *client = context;

    (void)reason;
    drop_connection(client);
    if (client->first) /* refused, or lost with a request under way */
        answer_first(client, 0, NULL);
    send_next(client);
}

static void send_next(struct api_client *client)
{
    static const struct stream_handler handler = {opened, received, ended};

    if (!client->first || client->is_sent)
        return;
    if (!client->stream) {
        if (stream_open(client->loop, &client->target, &handler, client, &client->stream) != 0) {
            client->stream = NULL;
            answer_first(client, 0, NULL);
        }
        return; /* opened() sends */
    }
    client->is_sent = true;
    stream_write(client->stream, client->first->text, strlen(client->first->text));
}

void api_client_post(struct api_client *client, const char *path, json_t *body, api_answer_fn answer,
                     void *context)
{
    struct request *request = memory_take(1, sizeof *request);
    char *json = body ? json_dumps(body, JSON_COMPACT) : NULL;

    json_decref(body);
    if (asprintf(&request->text,
                 "POST /meetmedia/api%s HTTP/1.1\r\nHost: %s\r\nX-Auth-Token: %s\r\n%s"
                 "Content-Length: %zu\r\n\r\n%s",
                 path, client->target.authority, client->token,
                 json ? "Content-Type: application/json\r\n" : "", json ? strlen(json) : 0,
                 json ? json : "") < 0)
        abort();
    free(json);
    request->answer = answer;
    request->context = context;
    if (client->last)
        client->last->next = request;
    else
        client->first = request;
    client->last = request;
    if (client->first == request)
        send_next(client);
}

void api_client_forget(struct api_client *client, const void *context)
{
    for (struct request *request = client->first; request; request = request->next)
        if (request->context == context)
            request->answer = NULL;
}

struct api_client *api_client_create(struct loop *loop, const struct stream_target *target, const char *token)
{
    struct api_client *client = memory_take(1, sizeof *client);

    client->loop = loop;
    client->target = *target;
    client->token = strdup(token);
    return client;
}

void api_client_destroy(struct api_client *client)
{
    if (!client)
        return;
    stream_close(client->stream);
    while (client->first) {
        struct request *next = client->first->next;
        free(client->first->text);
        free(client->first);
        client->first = next;
    }
    buffer_deinit(&client->input);
    free(client->token);
    free(client);
}
