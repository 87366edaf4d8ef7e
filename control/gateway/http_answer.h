/* The head of an HTTP answer, as node writes it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "control/gateway/output.h"

struct http_answer {
    unsigned status;
    const char *content_type; /* may be NULL */
    const char *fields;       /* further fields, each with its CRLF; may be NULL */
    size_t content_length;
    bool has_content_length; /* false for 1xx, 204 and 304 */
    unsigned keep_alive_s;   /* 0: Connection: close */
};

/* "Not Found" for 404; "Unknown" for what has no name. */
const char *http_answer_reason(unsigned status);

/* RFC 9110 section 5.6.7: 29 characters. */
#define HTTP_DATE_CHARS 29
void http_answer_date(time_t time, char ret_date[HTTP_DATE_CHARS + 1]);

/* The head as a block to be sent, or NULL without memory. */
struct output_block *http_answer_head(const struct http_answer *answer);
