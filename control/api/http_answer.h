/* Answers of the HTTP API: JSON, text, errors, ETags (RFC 9110 section 8.8.3). */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "control/gateway/gateway.h"

/* Status and no body. */
void http_answer_empty(struct gateway *gateway, const struct gateway_http_request *request, unsigned status);
/* With an ETag; 304 when the client has it already. Steals body; 500 when it is NULL. */
void http_answer_json(struct gateway *gateway, const struct gateway_http_request *request, unsigned status,
                      json_t *body);
void http_answer_text(struct gateway *gateway, const struct gateway_http_request *request, const char *text);
/* The methods that a path has, "GET,HEAD". */
void http_answer_options(struct gateway *gateway, const struct gateway_http_request *request,
                         const char *methods);
/* {"error": text}. */
void http_answer_error(struct gateway *gateway, const struct gateway_http_request *request, unsigned status,
                       const char *text);
/* 404: "Cannot GET /path", as the server before this one said it. */
void http_answer_unknown_path(struct gateway *gateway, const struct gateway_http_request *request);

#define HTTP_ETAG_BYTES 64

/* A weak validator: W/"<length in hex>-<27 characters of base64 of SHA-1>". */
void http_etag(const void *body, size_t length, char ret_etag[HTTP_ETAG_BYTES]);
/* If-None-Match by weak comparison; NULL matches nothing. */
bool http_etag_matches(const char *if_none_match, const char *etag);
