/* Bounded, typed reads of members of a JSON object that came from a client.
 *
 * Each returns 0 or -EINVAL. Where a member is optional, absent and null are the same, as clients written in
 * JavaScript mix them up. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A string of 1 to max_length bytes without control characters (it may end up in another client's SDP, where
 * a line break would start a line of the sender's choice). Optional: NULL when absent or empty. */
int json_field_text(const json_t *object, const char *name, size_t max_length, const char **ret_text);

/* The same rule for a string that is at hand: also used for the names of members. */
bool json_field_is_text(const char *text, size_t length, size_t max_length);

/* An integer from min to max. Mandatory. */
int json_field_integer(const json_t *object, const char *name, int64_t min, int64_t max, int64_t *ret_value);

/* Optional; false when absent. */
int json_field_bool(const json_t *object, const char *name, bool *ret_value);

/* Optional arrays and objects: NULL when absent. An array has at most max_items. */
int json_field_array(const json_t *object, const char *name, size_t max_items, const json_t **ret_array);
int json_field_object(const json_t *object, const char *name, const json_t **ret_object);

/* Whether a member is there and not null. */
bool json_field_is_present(const json_t *object, const char *name);
