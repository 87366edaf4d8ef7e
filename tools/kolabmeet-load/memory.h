/* Memory that is there, or the end of the program: a generator without memory measures nothing. */
#pragma once

#include <stddef.h>

/* Zeroed. Never NULL. */
void *memory_take(size_t count, size_t bytes);

/* Likewise; alignment is a power of two. */
void *memory_take_aligned(size_t count, size_t bytes, size_t alignment);

/* As realloc, never NULL. */
void *memory_resize(void *memory, size_t count, size_t bytes);
