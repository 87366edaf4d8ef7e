#include "control/gateway/http_head.h"

#include <string.h>
#include <strings.h>

enum {
    BAD_REQUEST = 400,
    EXPECTATION_FAILED = 417,
    FIELDS_TOO_LARGE = 431,
    NOT_IMPLEMENTED = 501,
    BAD_VERSION = 505
};

/* What node's parser knows, so that the same requests get an answer by path and the same ones a 400. */
static const char *const methods[] = {
    "GET",    "HEAD",       "POST", "PUT",        "DELETE", "OPTIONS",     "PATCH",    "TRACE",  "COPY",
    "LOCK",   "MKCOL",      "MOVE", "PROPFIND",   "UNLOCK", "PROPPATCH",   "SEARCH",   "REPORT", "BIND",
    "REBIND", "UNBIND",     "ACL",  "MKACTIVITY", "MERGE",  "CHECKOUT",    "M-SEARCH", "NOTIFY", "SUBSCRIBE",
    "PURGE",  "MKCALENDAR", "LINK", "UNLINK",     "SOURCE", "UNSUBSCRIBE",
};

static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

size_t http_head_end(const char *bytes, size_t length, size_t scanned)
{
    size_t from = scanned > 3 ? scanned - 3 : 0;

    if (length < 4)
        return 0;
    const char *end = memmem(bytes + from, length - from, "\r\n\r\n", 4);
    return end ? (size_t)(end - bytes) + 4 : 0;
}

bool http_head_plausible(const char *bytes, size_t length)
{
    size_t i = 0;

    while (i < length && bytes[i] != ' ' && bytes[i] != '\r' && bytes[i] != '\n') {
        if (!is_token_char(bytes[i]) || i == 32)
            return false;
        i++;
    }
    return i == length || (i > 0 && bytes[i] == ' ');
}

static bool is_known_method(const char *method)
{
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (!strcmp(method, methods[i]))
            return true;
    }
    return false;
}

/* RFC 9112 section 3.2: origin-form, absolute-form or asterisk-form. `target` is ended by NUL. */
static int parse_target(char *target, struct http_head *head)
{
    for (const unsigned char *c = (const unsigned char *)target; *c; c++) {
        if (*c <= ' ' || *c == 0x7f)
            return BAD_REQUEST;
    }
    if (target[0] == '/' || !strcmp(target, "*")) {
        head->path = target;
    } else {
        size_t scheme = !strncasecmp(target, "http://", 7) ? 7 : !strncasecmp(target, "https://", 8) ? 8 : 0;

        if (!scheme || !target[scheme] || target[scheme] == '/')
            return BAD_REQUEST;
        char *authority_end = target + scheme + strcspn(target + scheme, "/?");
        if (*authority_end == '?') {
            /* No path before the query: the last byte of the authority makes room for one. */
            authority_end--;
            *authority_end = '/';
        }
        head->path = *authority_end ? authority_end : "/";
    }

    char *question = strchr(head->path, '?');
    head->query = "";
    if (question) {
        *question = '\0';
        head->query = question + 1;
    }
    return 0;
}

static int parse_request_line(char *line, struct http_head *head)
{
    char *target = strchr(line, ' ');
    char *version = target ? strchr(target + 1, ' ') : NULL;

    if (!version)
        return BAD_REQUEST;
    *target++ = '\0';
    *version++ = '\0';
    if (!is_known_method(line))
        return BAD_REQUEST;
    head->method = line;

    if (strncmp(version, "HTTP/", 5) != 0 || strlen(version) != 8 || version[6] != '.' || version[5] < '0' ||
        version[5] > '9' || version[7] < '0' || version[7] > '9')
        return BAD_REQUEST;
    if (version[5] != '1')
        return BAD_VERSION;
    head->minor_version = version[7] == '0' ? 0 : 1;
    head->keep_alive = head->minor_version > 0;
    return parse_target(target, head);
}

/* RFC 9110 section 5.6.1: true if the comma-separated list holds the token, in any case. */
static bool list_has(const char *list, const char *token)
{
    size_t token_length = strlen(token);

    while (*list) {
        list += strspn(list, " \t,");
        size_t length = strcspn(list, " \t,");
        if (length == token_length && !strncasecmp(list, token, length))
            return true;
        list += length;
    }
    return false;
}

static int parse_content_length(const char *value, struct http_head *head)
{
    uint64_t number = 0;
    size_t digits = strspn(value, "0123456789");

    if (head->has_content_length || digits == 0 || digits > 15 || value[digits])
        return BAD_REQUEST;
    for (size_t i = 0; i < digits; i++)
        number = number * 10 + (uint64_t)(value[i] - '0');
    head->has_content_length = true;
    head->content_length = number;
    return 0;
}

struct seen {
    bool close, keep_alive, upgrade, websocket;
};

static int note_field(const char *name, const char *value, struct http_head *head, struct seen *seen)
{
    const struct {
        const char *name;
        const char **value;
    } kept[] = {
        {"X-Auth-Token", &head->auth_token},
        {"Content-Type", &head->content_type},
        {"Accept-Encoding", &head->accept_encoding},
        {"If-None-Match", &head->if_none_match},
        {"Origin", &head->origin},
        {"Content-Encoding", &head->content_encoding},
        {"Sec-WebSocket-Key", &head->ws_key},
        {"Sec-WebSocket-Version", &head->ws_version},
    };

    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        if (!strcasecmp(name, kept[i].name)) {
            if (!*kept[i].value)
                *kept[i].value = value;
            return 0;
        }
    }
    if (!strcasecmp(name, "X-Forwarded-For")) {
        head->forwarded_for = value;
    } else if (!strcasecmp(name, "Host")) {
        if (head->host)
            return BAD_REQUEST;
        head->host = value;
    } else if (!strcasecmp(name, "Content-Length")) {
        return parse_content_length(value, head);
    } else if (!strcasecmp(name, "Transfer-Encoding")) {
        if (head->chunked)
            return BAD_REQUEST;
        if (strcasecmp(value, "chunked") != 0)
            return NOT_IMPLEMENTED;
        head->chunked = true;
    } else if (!strcasecmp(name, "Connection")) {
        seen->close |= list_has(value, "close");
        seen->keep_alive |= list_has(value, "keep-alive");
        seen->upgrade |= list_has(value, "upgrade");
    } else if (!strcasecmp(name, "Upgrade")) {
        seen->websocket |= list_has(value, "websocket");
    } else if (!strcasecmp(name, "Expect")) {
        if (strcasecmp(value, "100-continue") != 0)
            return EXPECTATION_FAILED;
        head->expect_continue = true;
    }
    return 0;
}

/* RFC 9112 section 5: `name: value`, ended by NUL. */
static int parse_field(char *line, struct http_head *head, struct seen *seen)
{
    char *colon = line;

    while (is_token_char(*colon))
        colon++;
    if (colon == line || *colon != ':')
        return BAD_REQUEST;
    *colon = '\0';

    char *value = colon + 1 + strspn(colon + 1, " \t");
    size_t length = strlen(value);
    while (length > 0 && (value[length - 1] == ' ' || value[length - 1] == '\t'))
        length--;
    value[length] = '\0';
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)value[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return BAD_REQUEST;
    }
    return note_field(line, value, head, seen);
}

static int check_whole(struct http_head *head, const struct seen *seen)
{
    /* RFC 9112 section 6.1 */
    if (head->chunked && (head->has_content_length || head->minor_version == 0))
        return BAD_REQUEST;
    if (seen->close)
        head->keep_alive = false;
    else if (seen->keep_alive)
        head->keep_alive = true;
    if (head->minor_version == 0)
        head->expect_continue = false;
    head->wants_websocket =
        seen->upgrade && seen->websocket && head->minor_version > 0 && !strcmp(head->method, "GET");
    return 0;
}

int http_head_parse(char *bytes, size_t length, struct http_head *ret)
{
    struct http_head head = {0};
    struct seen seen = {0};
    unsigned lines = 0;

    if (length > HTTP_HEAD_MAX_BYTES)
        return FIELDS_TOO_LARGE;
    if (length < 4 || memcmp(bytes + length - 4, "\r\n\r\n", 4) != 0 || memchr(bytes, '\0', length))
        return BAD_REQUEST;

    char *end = bytes + length - 2;
    for (char *line = bytes; line < end; lines++) {
        char *line_end = memmem(line, (size_t)(end - line), "\r\n", 2);
        if (!line_end || lines > HTTP_HEAD_MAX_FIELDS)
            return line_end ? FIELDS_TOO_LARGE : BAD_REQUEST;
        *line_end = '\0';
        int status = lines == 0 ? parse_request_line(line, &head) : parse_field(line, &head, &seen);
        if (status)
            return status;
        line = line_end + 2;
    }
    int status = lines > 0 ? check_whole(&head, &seen) : BAD_REQUEST;
    if (status)
        return status;
    *ret = head;
    return 0;
}
