#include "control/api/reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/api/etag.h"

#define TYPE_JSON "application/json; charset=utf-8"
#define TYPE_HTML "text/html; charset=utf-8"

void reply_empty(struct gateway *gateway, const struct gateway_http_request *request, unsigned status)
{
    gateway_http_respond(gateway, request->id, status, NULL, NULL, 0, NULL, 0);
}

static bool is_safe_method(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static void answer_tagged(struct gateway *gateway, const struct gateway_http_request *request,
                          unsigned status, const char *type, const char *allow, const char *body,
                          size_t length)
{
    char etag[ETAG_BYTES];
    etag_write(body, length, etag);
    struct gateway_header headers[] = {{"ETag", etag}, {"Allow", allow}};
    if (status == 200 && is_safe_method(request->method) && etag_matches(request->if_none_match, etag))
        gateway_http_respond(gateway, request->id, 304, NULL, headers, 1, NULL, 0);
    else
        gateway_http_respond(gateway, request->id, status, type, headers, allow ? 2 : 1, body, length);
}

void reply_json(struct gateway *gateway, const struct gateway_http_request *request, unsigned status,
                json_t *body)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    if (text)
        answer_tagged(gateway, request, status, TYPE_JSON, NULL, text, strlen(text));
    else
        reply_empty(gateway, request, 500);
    free(text);
}

void reply_text(struct gateway *gateway, const struct gateway_http_request *request, const char *text)
{
    answer_tagged(gateway, request, 200, TYPE_HTML, NULL, text, strlen(text));
}

void reply_options(struct gateway *gateway, const struct gateway_http_request *request, const char *methods)
{
    answer_tagged(gateway, request, 200, TYPE_HTML, methods, methods, strlen(methods));
}

void reply_error(struct gateway *gateway, const struct gateway_http_request *request, unsigned status,
                 const char *text)
{
    reply_json(gateway, request, status, json_pack("{s:s}", "error", text));
}

static void append_escaped(FILE *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\'':
            fputs("&#39;", out);
            break;
        default:
            fputc(*text, out);
        }
    }
}

void reply_unknown_path(struct gateway *gateway, const struct gateway_http_request *request)
{
    static const struct gateway_header headers[] = {{"Content-Security-Policy", "default-src 'none'"},
                                                    {"X-Content-Type-Options", "nosniff"}};
    char *body = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&body, &length);
    if (!out) {
        reply_empty(gateway, request, 404);
        return;
    }
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta "
          "charset=\"utf-8\">\n<title>Error</title>\n</head>\n"
          "<body>\n<pre>Cannot ",
          out);
    append_escaped(out, request->method);
    fputc(' ', out);
    append_escaped(out, request->path);
    fputs("</pre>\n</body>\n</html>\n", out);
    if (fclose(out) == 0)
        gateway_http_respond(gateway, request->id, 404, TYPE_HTML, headers, 2, body, length);
    else
        reply_empty(gateway, request, 404);
    free(body);
}
