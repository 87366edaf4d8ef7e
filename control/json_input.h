/* JSON from the network: bounded before it is parsed. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define JSON_INPUT_DEPTH_MAX 32

/* An object or an array whose nesting is at most JSON_INPUT_DEPTH_MAX, without duplicate keys. Strings may
 * hold NUL. -EBADMSG for anything else; a new reference in *ret_value. */
int json_input_parse(const char *text, size_t length, json_t **ret_value);

/* The value's text when it is a string without NUL, else NULL. */
const char *json_input_text(const json_t *value);

/* What JavaScript's `${value}` gives: a NULL value is undefined. An allocated string, NULL when out of
 * memory. */
char *json_input_interpolate(const json_t *value);
