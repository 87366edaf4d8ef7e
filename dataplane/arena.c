#include "dataplane/arena.h"

#include <string.h>

static void *allocate(void *data, size_t bytes)
{
    return arena_alloc(data, bytes);
}

/* protobuf-c frees what it gave up half-way; the reset frees all. */
static void release(void *data, void *pointer)
{
    (void)data;
    (void)pointer;
}

void arena_init(struct arena *arena)
{
    arena->allocator = (ProtobufCAllocator){.alloc = allocate, .free = release, .allocator_data = arena};
    arena->used = 0;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    if (bytes > ARENA_BYTES - arena->used)
        return NULL;
    void *memory = arena->memory + arena->used;
    size_t rounded = (bytes + 15) & ~(size_t)15;
    arena->used += rounded < ARENA_BYTES - arena->used ? rounded : ARENA_BYTES - arena->used;
    return memory;
}

void arena_reset(struct arena *arena)
{
    explicit_bzero(arena->memory, arena->used);
    arena->used = 0;
}
