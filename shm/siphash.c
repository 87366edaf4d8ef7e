#include "shm/siphash.h"

#define WORD_ROUNDS 2u
#define LAST_ROUNDS 4u

struct state {
    uint64_t v[4];
};

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static void mix(struct state *state, unsigned rounds)
{
    uint64_t *v = state->v;

    while (rounds-- > 0) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

static void take(struct state *state, uint64_t word)
{
    state->v[3] ^= word;
    mix(state, WORD_ROUNDS);
    state->v[0] ^= word;
}

/* Little endian. */
static uint64_t load(const uint8_t *data, size_t bytes)
{
    uint64_t word = 0;

    for (size_t i = 0; i < bytes; i++)
        word |= (uint64_t)data[i] << 8 * i;
    return word;
}

uint64_t siphash(const uint64_t key[2], const void *data, size_t bytes)
{
    const uint8_t *at = data;
    struct state state = {{key[0] ^ 0x736f6d6570736575ull, key[1] ^ 0x646f72616e646f6dull,
                           key[0] ^ 0x6c7967656e657261ull, key[1] ^ 0x7465646279746573ull}};
    size_t left = bytes;

    for (; left >= 8; left -= 8, at += 8)
        take(&state, load(at, 8));
    take(&state, load(at, left) | (uint64_t)bytes << 56);
    state.v[2] ^= 0xff;
    mix(&state, LAST_ROUNDS);
    return state.v[0] ^ state.v[1] ^ state.v[2] ^ state.v[3];
}
