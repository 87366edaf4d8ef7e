/* Our ICE user name fragments end with a seal: characters that only who has the segment's secret can tell
 * from the rest. So a worker knows without asking whether a check is of a transport that there is, or was:
 * what anybody makes up is not handed to other workers. Whoever was given a fragment can use it as often as
 * he likes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UFRAG_CHARACTERS 32u
#define UFRAG_SEAL_CHARACTERS 6u /* of 36 each: one in two thousand millions is good by chance */

/* Replaces the last characters of ufrag, which has UFRAG_CHARACTERS. */
void ufrag_seal(const uint64_t secret[2], char *ufrag);

/* Whether name begins with a fragment that was sealed with that secret. */
bool ufrag_is_sealed(const uint64_t secret[2], const char *name, size_t bytes);
