#include "control/api/http_answer.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPE_JSON "application/json; charset=utf-8"
#define TYPE_HTML "text/html; charset=utf-8"
#define ETAG_HASH_CHARS 27

void http_etag(const void *body, size_t length, char ret_etag[HTTP_ETAG_BYTES])
{
    unsigned char hash[EVP_MAX_MD_SIZE], text[4 * (EVP_MAX_MD_SIZE / 3 + 1) + 1] = {0};
    unsigned bytes = 0;
    if (EVP_Digest(body, length, hash, &bytes, EVP_sha1(), NULL) == 1)
        EVP_EncodeBlock(text, hash, (int)bytes);
    snprintf(ret_etag, HTTP_ETAG_BYTES, "W/\"%zx-%.*s\"", length, ETAG_HASH_CHARS, (const char *)text);
}

static const char *skip_weak(const char *tag)
{
    return strncmp(tag, "W/", 2) == 0 ? tag + 2 : tag;
}

bool http_etag_matches(const char *if_none_match, const char *etag)
{
    if (!if_none_match)
        return false;
    etag = skip_weak(etag);
    while (*if_none_match) {
        if_none_match += strspn(if_none_match, ", \t");
        if (*if_none_match == '*')
            return true;
        const char *tag = skip_weak(if_none_match);
        if (strncmp(tag, etag, strlen(etag)) == 0)
            return true;
        if_none_match += strcspn(if_none_match, ",");
    }
    return false;
}

void http_answer_empty(struct gateway *gateway, const struct gateway_http_request *request, unsigned status)
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
    char etag[HTTP_ETAG_BYTES];
    http_etag(body, length, etag);
    struct gateway_header headers[] = {{"ETag", etag}, {"Allow", allow}};
    if (status == 200 && is_safe_method(request->method) && http_etag_matches(request->if_none_match, etag))
        gateway_http_respond(gateway, request->id, 304, NULL, headers, 1, NULL, 0);
    else
        gateway_http_respond(gateway, request->id, status, type, headers, allow ? 2 : 1, body, length);
}

void http_answer_json(struct gateway *gateway, const struct gateway_http_request *request, unsigned status,
                      json_t *body)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    if (text)
        answer_tagged(gateway, request, status, TYPE_JSON, NULL, text, strlen(text));
    else
        http_answer_empty(gateway, request, 500);
    free(text);
}

void http_answer_text(struct gateway *gateway, const struct gateway_http_request *request, const char *text)
{
    answer_tagged(gateway, request, 200, TYPE_HTML, NULL, text, strlen(text));
}

void http_answer_options(struct gateway *gateway, const struct gateway_http_request *request,
                         const char *methods)
{
    answer_tagged(gateway, request, 200, TYPE_HTML, methods, methods, strlen(methods));
}

void http_answer_error(struct gateway *gateway, const struct gateway_http_request *request, unsigned status,
                       const char *text)
{
    http_answer_json(gateway, request, status, json_pack("{s:s}", "error", text));
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

void http_answer_unknown_path(struct gateway *gateway, const struct gateway_http_request *request)
{
    static const struct gateway_header headers[] = {{"Content-Security-Policy", "default-src 'none'"},
                                                    {"X-Content-Type-Options", "nosniff"}};
    char *body = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&body, &length);
    if (!out) {
        http_answer_empty(gateway, request, 404);
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
        http_answer_empty(gateway, request, 404);
    free(body);
}
