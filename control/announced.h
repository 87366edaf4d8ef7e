/* WEBRTC_ANNOUNCED_ADDRESS taken apart: the addresses, by commas, that candidates are made of. */
#pragma once

#include <stddef.h>

#define ANNOUNCED_MAX 4
#define ANNOUNCED_BYTES 256 /* a host name's length, with its NUL */

struct announced {
    char addresses[ANNOUNCED_MAX][ANNOUNCED_BYTES];
    size_t count; /* at least 1 */
};

/* Whether an address is one is not looked at. -EINVAL for an empty, an overlong or a fifth one, or one that
 * is there twice. */
int announced_parse(const char *list, struct announced *ret_announced);
