/* SipHash-2-4 (Aumasson, Bernstein 2012): a hash with a key, for what nobody may aim at or forge. */
#pragma once

#include <stddef.h>
#include <stdint.h>

uint64_t siphash(const uint64_t key[2], const void *data, size_t bytes);
