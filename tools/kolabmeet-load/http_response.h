/* Reads one HTTP/1.1 response out of what a connection has delivered so far: those of this server carry a
 * Content-Length. */
#pragma once

#include <stddef.h>

struct http_response {
    int status;
    const char *body; /* not terminated; points into the text */
    size_t body_bytes;
    size_t bytes; /* of the whole response */
};

/* 1 with a response, 0 when it is not all there yet, -EBADMSG. */
int http_response_read(const char *text, size_t length, struct http_response *ret_response);
