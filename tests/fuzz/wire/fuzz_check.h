/* What must hold for every input: ends the run at once when it does not. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                   \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

/* Reads every byte, so that a sanitizer sees one that is not there. */
static inline void touch(const void *bytes, size_t length)
{
    const uint8_t *from = bytes;
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < length; i++)
        sum = (uint8_t)(sum + from[i]);
}

/* A copy to be written to, in a heap block of just this size. */
static inline uint8_t *copy_of(const uint8_t *data, size_t length)
{
    uint8_t *copy = malloc(length ? length : 1);
    CHECK(copy);
    if (length > 0)
        memcpy(copy, data, length);
    return copy;
}
