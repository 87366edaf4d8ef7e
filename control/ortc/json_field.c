#include "control/ortc/json_field.h"

#include <errno.h>

bool json_field_is_present(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return value && !json_is_null(value);
}

bool json_field_is_text(const char *text, size_t length, size_t max_length)
{
    if (length > max_length)
        return false;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    return true;
}

int json_field_text(const json_t *object, const char *name, size_t max_length, const char **ret_text)
{
    const json_t *value = json_object_get(object, name);
    if (!value || json_is_null(value)) {
        *ret_text = NULL;
        return 0;
    }
    if (!json_is_string(value) ||
        !json_field_is_text(json_string_value(value), json_string_length(value), max_length))
        return -EINVAL;
    *ret_text = json_string_length(value) > 0 ? json_string_value(value) : NULL;
    return 0;
}

int json_field_integer(const json_t *object, const char *name, int64_t min, int64_t max, int64_t *ret_value)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_integer(value) || json_integer_value(value) < min || json_integer_value(value) > max)
        return -EINVAL;
    *ret_value = json_integer_value(value);
    return 0;
}

int json_field_bool(const json_t *object, const char *name, bool *ret_value)
{
    const json_t *value = json_object_get(object, name);
    if (value && !json_is_null(value) && !json_is_boolean(value))
        return -EINVAL;
    *ret_value = json_is_true(value);
    return 0;
}

int json_field_array(const json_t *object, const char *name, size_t max_items, const json_t **ret_array)
{
    const json_t *value = json_object_get(object, name);
    if (!value || json_is_null(value)) {
        *ret_array = NULL;
        return 0;
    }
    if (!json_is_array(value) || json_array_size(value) > max_items)
        return -EINVAL;
    *ret_array = value;
    return 0;
}

int json_field_object(const json_t *object, const char *name, const json_t **ret_object)
{
    const json_t *value = json_object_get(object, name);
    if (!value || json_is_null(value)) {
        *ret_object = NULL;
        return 0;
    }
    if (!json_is_object(value))
        return -EINVAL;
    *ret_object = value;
    return 0;
}
