/* JSON from the network: bounded before it is parsed. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define JSON_INPUT_DEPTH_MAX 32

/* Another limit than JSON_INPUT_DEPTH_MAX, of the whole process; before anything is parsed. */
void json_input_set_depth_max(unsigned depth);

/* An object or an array whose nesting is within the limit, without duplicate keys. Strings may
 * hold NUL. -EBADMSG for anything else; a new reference in *ret_value. */
int json_input_parse(const char *text, size_t length, json_t **ret_value);

/* The value's text when it is a string without NUL, else NULL. */
const char *json_input_text(const json_t *value);

/* The string that JavaScript's `${before}${value}${after}` gives (any object or array as [object Object]); a
 * NULL value is undefined. A new reference, NULL when out of memory. */
json_t *json_input_interpolate(const char *before, const json_t *value, const char *after);
