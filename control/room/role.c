#include "control/room/role.h"

#include <stdlib.h>

#include "control/json_input.h"

int role_parse(const json_t *value, unsigned *ret_role)
{
    long long role;
    const char *text = json_input_text(value);
    if (!value || json_is_null(value)) {
        role = 0;
    } else if (json_is_integer(value)) {
        role = json_integer_value(value);
    } else if (text && text[0] >= '0' && text[0] <= '9') {
        char *end;
        role = strtoll(text, &end, 10);
        if (*end != '\0')
            return -EINVAL;
    } else {
        return -EINVAL;
    }
    if (role < 0 || role > ROLE_ALL)
        return -EINVAL;
    *ret_role = (unsigned)role;
    return 0;
}
