/* STUN messages as ICE uses them: writing.
 *
 * Every writer fills buffer up to capacity and returns the length of the message, or -ENOSPC; padding bytes
 * are zero and there is no SOFTWARE attribute and no reason phrase: an answer is no bigger than it has to be.
 * Every message ends with FINGERPRINT, preceded by MESSAGE-INTEGRITY where a key is given (not NULL); -EIO
 * when its HMAC cannot be had. */
#pragma once

#include "proto/wire/stun.h"

#define STUN_SUCCESS_MAX                                                                                     \
    76 /* bytes of the longest success response: IPv6, MESSAGE-INTEGRITY, FINGERPRINT                        \
        */

/* Success response to a binding request: XOR-MAPPED-ADDRESS of address. -EAFNOSUPPORT when that is neither
 * IPv4 nor IPv6. */
int stun_write_success(uint8_t *buffer, size_t capacity,
                       const uint8_t transaction_id[STUN_TRANSACTION_ID_BYTES],
                       const struct sockaddr *address, const struct stun_key *key);

/* Error response to a binding request. With STUN_UNKNOWN_ATTRIBUTE the unknown_count attribute types of
 * unknown (at most STUN_UNKNOWN_MAX) are named in UNKNOWN-ATTRIBUTES; with other codes they are not used.
 * -EINVAL when code is not 300 to 699. */
int stun_write_error(uint8_t *buffer, size_t capacity,
                     const uint8_t transaction_id[STUN_TRANSACTION_ID_BYTES], unsigned code,
                     const uint16_t *unknown, size_t unknown_count, const struct stun_key *key);

/* A connectivity check, the client's side of ICE. */
struct stun_binding_request {
    const uint8_t *transaction_id;
    const char *username; /* <remote ufrag>:<local ufrag>; NULL: none */
    size_t username_length;
    uint32_t priority;
    uint64_t tiebreaker;
    bool controlling; /* else controlled */
    bool use_candidate;
    bool has_nomination;
    uint32_t nomination;
};

/* -EINVAL when the user name is longer than STUN_USERNAME_MAX. */
int stun_write_binding_request(uint8_t *buffer, size_t capacity, const struct stun_binding_request *request,
                               const struct stun_key *key);
