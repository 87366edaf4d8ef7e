/* What a peer may do: bits, as the application hands them out. */
#pragma once

#include <errno.h>
#include <jansson.h>

enum role {
    ROLE_SUBSCRIBER = 1,
    ROLE_PUBLISHER = 2,
    ROLE_MODERATOR = 4,
    ROLE_SCREEN = 8,
    ROLE_OWNER = 16,
    ROLE_ALL = 31,
};

/* A number or a numeric string (which the application's clients may send); -EINVAL for anything else and for
 * bits outside ROLE_ALL. NULL and null are no role at all, 0. */
int role_parse(const json_t *value, unsigned *ret_role);
