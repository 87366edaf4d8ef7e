#include "shm/ufrag.h"

#include <string.h>

#include "shm/siphash.h"

#define SEALED_CHARACTERS (UFRAG_CHARACTERS - UFRAG_SEAL_CHARACTERS)

static void write_seal(const uint64_t secret[2], const void *ufrag, char ret_seal[UFRAG_SEAL_CHARACTERS])
{
    static const char alphabet[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    uint64_t hash = siphash(secret, ufrag, SEALED_CHARACTERS);

    for (unsigned i = 0; i < UFRAG_SEAL_CHARACTERS; i++, hash /= 36)
        ret_seal[i] = alphabet[hash % 36];
}

void ufrag_seal(const uint64_t secret[2], char *ufrag)
{
    write_seal(secret, ufrag, ufrag + SEALED_CHARACTERS);
}

bool ufrag_is_sealed(const uint64_t secret[2], const char *name, size_t bytes)
{
    char seal[UFRAG_SEAL_CHARACTERS];

    if (bytes < UFRAG_CHARACTERS)
        return false;
    write_seal(secret, name, seal);
    return memcmp(name + SEALED_CHARACTERS, seal, sizeof(seal)) == 0;
}
