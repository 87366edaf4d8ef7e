/* Answers of the HTTP API: JSON, text, errors. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "control/gateway/gateway.h"

/* Status and no body. */
void reply_empty(struct gateway *gateway, const struct gateway_http_request *request, unsigned status);
/* With an ETag; 304 when the client has it already. Steals body; 500 when it is NULL. */
void reply_json(struct gateway *gateway, const struct gateway_http_request *request, unsigned status,
                json_t *body);
void reply_text(struct gateway *gateway, const struct gateway_http_request *request, const char *text);
/* The methods that a path has, "GET,HEAD". */
void reply_options(struct gateway *gateway, const struct gateway_http_request *request, const char *methods);
/* {"error": text}. */
void reply_error(struct gateway *gateway, const struct gateway_http_request *request, unsigned status,
                 const char *text);
/* 404: "Cannot GET /path", as the server before this one said it. */
void reply_unknown_path(struct gateway *gateway, const struct gateway_http_request *request);
