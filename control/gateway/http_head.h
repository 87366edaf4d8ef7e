/* The head of an HTTP/1.x request: request line and header fields (RFC 9112 sections 2 to 7).
 *
 * Strict where leniency lets two parsers disagree about where a message ends (request smuggling): bare LF,
 * obsolete folding, white space before a colon, Content-Length beside Transfer-Encoding, repeated lengths,
 * and any transfer coding but a lone `chunked` are errors. That HTTP/1.1 needs a Host is left to the caller,
 * whose answer differs. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX_BYTES 16384
#define HTTP_HEAD_MAX_FIELDS 100

struct http_head {
    /* All point into the parsed bytes. */
    const char *method;
    const char *path;  /* percent-encoding as sent; "/" for an absolute-form without a path; "*" */
    const char *query; /* "" without one */
    unsigned minor_version;

    /* NULL where absent; of a repeated field the first. */
    const char *host;
    const char *auth_token;
    const char *content_type;
    const char *content_encoding;
    const char *accept_encoding;
    const char *if_none_match;
    const char *origin;
    const char *forwarded_for; /* X-Forwarded-For: the last, which the nearest proxy wrote */
    const char *ws_key;
    const char *ws_version;

    bool has_content_length;
    uint64_t content_length;
    bool chunked;
    bool keep_alive;      /* RFC 9112 section 9.3 */
    bool expect_continue; /* RFC 9110 section 10.1.1 */
    bool wants_websocket; /* GET, HTTP/1.1, Connection: upgrade and Upgrade: websocket */
};

/* Offset just behind the empty line that ends a head, or 0 if it is not there yet. Bytes before `scanned`, an
 * earlier length without success, are not looked at again. */
size_t http_head_end(const char *bytes, size_t length, size_t scanned);

/* False if what has come so far can not become a request line, so that garbage is answered at once. */
bool http_head_plausible(const char *bytes, size_t length);

/* Parses a head of `length` bytes that ends with its empty line, and breaks it up with NULs. Returns 0 or the
 * status to answer with: 400, 417, 431, 501 or 505. *ret is untouched on failure. */
int http_head_parse(char *bytes, size_t length, struct http_head *ret);
