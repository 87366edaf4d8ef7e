#include "tools/kolabmeet-load/http_response.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_MAX 16384

/* 0 when there is none: these responses have no body then. head is a string. */
static size_t content_length(const char *head)
{
    static const char name[] = "\r\nContent-Length:";
    const char *found = strcasestr(head, name);
    return found ? strtoul(found + sizeof name - 1, NULL, 10) : 0;
}

int http_response_read(const char *text, size_t length, struct http_response *ret_response)
{
    const char *end = memmem(text, length, "\r\n\r\n", 4);
    char head[HEAD_MAX + 1]; /* a string, as the readers of numbers want it */
    if (!end)
        return length > HEAD_MAX ? -EBADMSG : 0;
    size_t head_bytes = (size_t)(end - text) + 4;
    if (head_bytes < 17 || head_bytes > HEAD_MAX || strncmp(text, "HTTP/1.1 ", 9) != 0)
        return -EBADMSG;
    memcpy(head, text, head_bytes);
    head[head_bytes] = '\0';
    struct http_response response = {
        .status = atoi(head + 9),
        .body = text + head_bytes,
        .body_bytes = content_length(head),
    };
    if (response.status < 100 || response.status > 599)
        return -EBADMSG;
    if (response.status == 101)
        response.body_bytes = 0;
    if (response.body_bytes > length - head_bytes)
        return 0;
    response.bytes = head_bytes + response.body_bytes;
    *ret_response = response;
    return 1;
}
