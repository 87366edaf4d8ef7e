#include "tools/kolabmeet-load/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *there(void *memory)
{
    if (!memory) {
        fputs("kolabmeet-load: out of memory\n", stderr);
        exit(EXIT_FAILURE);
    }
    return memory;
}

void *memory_take(size_t count, size_t bytes)
{
    return there(calloc(count > 0 ? count : 1, bytes));
}

void *memory_take_aligned(size_t count, size_t bytes, size_t alignment)
{
    void *memory;
    if (posix_memalign(&memory, alignment, count * bytes) != 0)
        memory = NULL;
    return memset(there(memory), 0, count * bytes);
}

void *memory_resize(void *memory, size_t count, size_t bytes)
{
    return there(reallocarray(memory, count > 0 ? count : 1, bytes));
}
