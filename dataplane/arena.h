/* Memory for one command at a time: protobuf-c unpacks into it without malloc, and nothing of it outlives the
 * reset, which wipes what was used, keys included. */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

#define ARENA_BYTES 65536u

struct arena {
    ProtobufCAllocator allocator; /* for protobuf-c */
    size_t used;
    _Alignas(16) uint8_t memory[ARENA_BYTES];
};

void arena_init(struct arena *arena);

/* 16-byte aligned, or NULL when the arena is used up. */
void *arena_alloc(struct arena *arena, size_t bytes);
void arena_reset(struct arena *arena);
