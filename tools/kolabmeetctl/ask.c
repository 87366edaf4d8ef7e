#include "tools/kolabmeetctl/ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_NAME "console"
#define PATIENCE_S 30

static enum ask_status explain_connect(const char *path, int error, char *why, size_t why_bytes)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ECONNREFUSED:
        snprintf(why, why_bytes, "kolabmeetd is not running: nobody listens at %s", path);
        return ASK_NO_DAEMON;
    case EACCES:
    case EPERM:
        snprintf(why, why_bytes, "no permission for %s: be root, or who kolabmeetd runs as", path);
        return ASK_DENIED;
    default:
        snprintf(why, why_bytes, "%s: %s", path, strerror(error));
        return ASK_FAILED;
    }
}

static enum ask_status dial(const char *runtime_dir, int *ret_fd, char *why, size_t why_bytes)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int length = snprintf(address.sun_path, sizeof(address.sun_path), "%s/" SOCKET_NAME, runtime_dir);
    if (length < 0 || (size_t)length >= sizeof(address.sun_path)) {
        snprintf(why, why_bytes, "the runtime directory's name is too long for a socket in it");
        return ASK_NO_DAEMON;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return explain_connect(address.sun_path, errno, why, why_bytes);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address))) {
        enum ask_status status = explain_connect(address.sun_path, errno, why, why_bytes);
        close(fd);
        return status;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    *ret_fd = fd;
    return ASK_OK;
}

static char *write_request(const char *const *words, size_t count)
{
    json_t *arguments = json_array();
    for (size_t i = 1; i < count; i++)
        if (json_array_append_new(arguments, json_string(words[i]))) {
            json_decref(arguments);
            return NULL;
        }
    json_t *request = json_pack("{s:s,s:o}", "command", words[0], "arguments", arguments);
    char *text = json_dumps(request, JSON_COMPACT | JSON_ENSURE_ASCII);
    json_decref(request);
    return text;
}

/* A daemon that turns its client away closes without reading: the answer is there all the same. */
static void send_text(int fd, const char *text)
{
    ssize_t sent;
    for (size_t left = strlen(text); left > 0; left -= (size_t)sent, text += sent)
        if ((sent = send(fd, text, left, MSG_NOSIGNAL)) < 0)
            return;
}

/* NULL when there is none. */
static json_t *read_answer(int fd)
{
    FILE *stream = fdopen(fd, "r");
    char *line = NULL;
    size_t room = 0;
    if (!stream) {
        close(fd);
        return NULL;
    }
    ssize_t length = getline(&line, &room, stream);
    json_t *answer = length > 0 ? json_loadb(line, (size_t)length, 0, NULL) : NULL;
    free(line);
    fclose(stream);
    return answer;
}

static enum ask_status judge(const json_t *answer, json_t **ret_result, char *why, size_t why_bytes)
{
    json_t *result = json_object_get(answer, "result");
    const char *error = json_string_value(json_object_get(answer, "error"));
    const char *code = json_string_value(json_object_get(answer, "code"));
    if (json_is_true(json_object_get(answer, "ok")) && result) {
        *ret_result = json_incref(result);
        return ASK_OK;
    }
    snprintf(why, why_bytes, "%s", error ? error : "kolabmeetd gives no answer");
    if (code && strcmp(code, "usage") == 0)
        return ASK_USAGE;
    return code && strcmp(code, "denied") == 0 ? ASK_DENIED : ASK_FAILED;
}

enum ask_status ask(const char *runtime_dir, const char *const *words, size_t count, json_t **ret_result,
                    char *why, size_t why_bytes)
{
    int fd = -1;
    char *request = write_request(words, count);
    if (!request) {
        snprintf(why, why_bytes, "a word is no UTF-8");
        return ASK_USAGE;
    }
    enum ask_status status = dial(runtime_dir, &fd, why, why_bytes);
    if (status == ASK_OK) {
        send_text(fd, request);
        send_text(fd, "\n");
        json_t *answer = read_answer(fd);
        status = judge(answer, ret_result, why, why_bytes);
        json_decref(answer);
    }
    free(request);
    return status;
}
