/* Big-endian loads and stores at any address. */
#pragma once

#include <stdint.h>

static inline uint16_t load_be16(const uint8_t *from)
{
    return (uint16_t)((uint16_t)from[0] << 8 | from[1]);
}

static inline uint32_t load_be24(const uint8_t *from)
{
    return (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
}

static inline uint32_t load_be32(const uint8_t *from)
{
    return (uint32_t)load_be16(from) << 16 | load_be16(from + 2);
}

static inline uint64_t load_be64(const uint8_t *from)
{
    return (uint64_t)load_be32(from) << 32 | load_be32(from + 4);
}

static inline void store_be16(uint8_t *to, uint16_t value)
{
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

/* Stores the low 24 bits. */
static inline void store_be24(uint8_t *to, uint32_t value)
{
    to[0] = (uint8_t)(value >> 16);
    store_be16(to + 1, (uint16_t)value);
}

static inline void store_be32(uint8_t *to, uint32_t value)
{
    store_be16(to, (uint16_t)(value >> 16));
    store_be16(to + 2, (uint16_t)value);
}

static inline void store_be64(uint8_t *to, uint64_t value)
{
    store_be32(to, (uint32_t)(value >> 32));
    store_be32(to + 4, (uint32_t)value);
}
