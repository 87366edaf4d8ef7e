/* Values out of a URL's query (application/x-www-form-urlencoded). */
#pragma once

#include <stddef.h>

/* Writes the first value of name, decoded, with a NUL. -ENOENT without one (or with a NUL in it), -ENOSPC
 * when it does not fit. */
int query_find(const char *query, const char *name, char *ret_value, size_t bytes);
