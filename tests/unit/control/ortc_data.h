/* What the ORTC tests share: recorded JSON, and comparisons that mind the order of members. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "control/ortc/router.h"

#define ORTC_DATA "unit/control/data/ortc/"

static inline json_t *load(const char *path)
{
    json_error_t error;
    json_t *json = json_load_file(path, 0, &error);
    if (!json)
        fail_msg("%s:%d: %s", path, error.line, error.text);
    return json;
}

/* JSON text with ' for ". */
static inline json_t *json_of(const char *text)
{
    json_error_t error;
    char *copy = strdup(text);
    for (char *c = copy; *c; c++)
        if (*c == '\'')
            *c = '"';
    json_t *json = json_loads(copy, JSON_DECODE_ANY, &error);
    if (!json)
        fail_msg("%s in %s", error.text, copy);
    free(copy);
    return json;
}

/* Equal to the byte when written: members, their order and their types. */
static inline void assert_same_json(const json_t *got, const json_t *expected)
{
    char *a = json_dumps(got, JSON_COMPACT | JSON_ENCODE_ANY),
         *b = json_dumps(expected, JSON_COMPACT | JSON_ENCODE_ANY);
    assert_non_null(a);
    assert_non_null(b);
    assert_string_equal(a, b);
    free(a);
    free(b);
}

static inline struct ortc_router *router_of(const char *setting)
{
    struct ortc_router *router = NULL;
    char error[256] = "";
    if (ortc_router_create(setting, &router, error, sizeof error) != 0)
        fail_msg("%s", error);
    return router;
}
