#include "control/api/body.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "control/counters.h"
#include "control/json_input.h"

#define TYPE_JSON "application/json"

static bool is_json(const char *content_type)
{
    size_t length = sizeof(TYPE_JSON) - 1;
    return content_type && strncasecmp(content_type, TYPE_JSON, length) == 0 &&
           strchr("; \t", content_type[length]);
}

/* JSON is UTF-8 (RFC 8259 section 8.1). */
static bool has_other_charset(const char *content_type)
{
    const char *charset = strcasestr(content_type, "charset=");
    if (!charset)
        return false;
    charset += sizeof("charset=") - 1;
    charset += *charset == '"';
    size_t length = strcspn(charset, "\"; \t");
    return length != 5 || strncasecmp(charset, "utf-8", length) != 0;
}

struct body body_read(const struct gateway_http_request *request)
{
    if (request->too_large) {
        counters_count(COUNTER_BODIES_TOO_LARGE);
        return (struct body){.status = 413, .error = "the body is too large"};
    }
    if (!is_json(request->content_type) || request->body_bytes == 0)
        return (struct body){0};
    if (has_other_charset(request->content_type))
        return (struct body){.status = 415, .error = "the charset is not supported: send UTF-8"};
    if (request->content_encoding && strcasecmp(request->content_encoding, "identity") != 0)
        return (struct body){.status = 415, .error = "the content encoding is not supported"};
    struct body body = {0};
    if (json_input_parse((const char *)request->body, request->body_bytes, &body.json))
        return (struct body){.status = 400, .error = "the body is no JSON object or array"};
    return body;
}
