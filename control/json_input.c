#include "control/json_input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/counters.h"

static unsigned depth_max = JSON_INPUT_DEPTH_MAX;

void json_input_set_depth_max(unsigned depth)
{
    depth_max = depth;
}

/* Looks at brackets outside of strings only; whether they match is the parser's business. */
static bool is_shallow(const char *text, size_t length)
{
    bool in_string = false;
    size_t depth = 0;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > depth_max)
                return false;
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
    }
    return true;
}

int json_input_parse(const char *text, size_t length, json_t **ret_value)
{
    if (!is_shallow(text, length)) {
        counters_count(COUNTER_JSON_TOO_DEEP);
        return -EBADMSG;
    }
    json_error_t error;
    size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL;
    json_t *value = json_loadb(text, length, flags, &error);
    /* An integer of more than 64 bits is a number all the same. */
    if (!value && json_error_code(&error) == json_error_numeric_overflow)
        value = json_loadb(text, length, flags | JSON_DECODE_INT_AS_REAL, &error);
    if (!value) {
        counters_count(COUNTER_JSON_REFUSED);
        return -EBADMSG;
    }
    *ret_value = value;
    return 0;
}

const char *json_input_text(const json_t *value)
{
    if (!json_is_string(value))
        return NULL;
    const char *text = json_string_value(value);
    return strlen(text) == json_string_length(value) ? text : NULL;
}

static json_t *interpolate_string(const char *before, const json_t *value, const char *after)
{
    size_t before_length = strlen(before), length = json_string_length(value), after_length = strlen(after);
    char *text = malloc(before_length + length + after_length + 1);
    if (!text)
        return NULL;
    memcpy(text, before, before_length);
    memcpy(text + before_length, json_string_value(value), length);
    memcpy(text + before_length + length, after, after_length);
    json_t *joined = json_stringn(text, before_length + length + after_length);
    free(text);
    return joined;
}

json_t *json_input_interpolate(const char *before, const json_t *value, const char *after)
{
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_STRING:
        return interpolate_string(before, value, after);
    case JSON_NULL:
        return json_sprintf("%s%s%s", before, value ? "null" : "undefined", after);
    case JSON_TRUE:
    case JSON_FALSE:
        return json_sprintf("%s%s%s", before, json_is_true(value) ? "true" : "false", after);
    case JSON_INTEGER:
        return json_sprintf("%s%" JSON_INTEGER_FORMAT "%s", before, json_integer_value(value), after);
    case JSON_REAL:
        return json_sprintf("%s%g%s", before, json_real_value(value), after);
    case JSON_OBJECT:
    case JSON_ARRAY:
        break;
    }
    return json_sprintf("%s[object Object]%s", before, after);
}
