/* Tables of the worker's own whose elements begin with cache lines: zeroes, page by page resident once
 * written or read, as calloc's are where they are large, but aligned. */
#pragma once

#include <stddef.h>

/* NULL without memory. */
void *zero_pages_map(size_t bytes);

/* Takes NULL. */
void zero_pages_unmap(void *memory, size_t bytes);
