/* The JSON body of a request. */
#pragma once

#include <jansson.h>

#include "control/gateway/gateway.h"

/* What to do with a request's body. */
struct body {
    json_t *json;      /* an object or array; NULL: no body, or one of another content type */
    unsigned status;   /* 0, or the error to answer: 400, 413, 415 */
    const char *error; /* with status */
};

/* The caller owns json. */
struct body body_read(const struct gateway_http_request *request);
