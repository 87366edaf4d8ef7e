/* STUN messages as ICE uses them (RFC 5389, RFC 8445): reading in place.
 *
 * stun_parse() checks the structure only: magic cookie, lengths, attribute sizes, FINGERPRINT last. What it
 * returns points into the datagram, which must outlive it, and is not to be believed before
 * stun_check_integrity() said so. Writing is in stun_write.h. The HMAC is the caller's: this folder depends
 * on no cryptography. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define STUN_HEADER_BYTES 20
#define STUN_MAGIC_COOKIE 0x2112A442u
#define STUN_TRANSACTION_ID_BYTES 12
#define STUN_INTEGRITY_BYTES 20
#define STUN_MESSAGE_MAX 1500 /* bytes; longer datagrams are refused */
#define STUN_USERNAME_MAX 513 /* bytes, RFC 5389 section 15.3 */
#define STUN_UNKNOWN_MAX 8    /* unknown attributes remembered for a 420 */

enum stun_class {
    STUN_REQUEST = 0,
    STUN_INDICATION = 1,
    STUN_SUCCESS = 2,
    STUN_ERROR = 3,
};

#define STUN_METHOD_BINDING 0x001

enum stun_attribute {
    STUN_MAPPED_ADDRESS = 0x0001,
    STUN_USERNAME = 0x0006,
    STUN_MESSAGE_INTEGRITY = 0x0008,
    STUN_ERROR_CODE = 0x0009,
    STUN_UNKNOWN_ATTRIBUTES = 0x000A,
    STUN_REALM = 0x0014,
    STUN_NONCE = 0x0015,
    STUN_XOR_MAPPED_ADDRESS = 0x0020,
    STUN_PRIORITY = 0x0024,
    STUN_USE_CANDIDATE = 0x0025,
    STUN_FINGERPRINT = 0x8028,
    STUN_ICE_CONTROLLED = 0x8029,
    STUN_ICE_CONTROLLING = 0x802A,
    STUN_NOMINATION = 0xC001, /* draft-thatcher-ice-renomination, with the number libwebrtc gave it */
};

enum stun_error_code {
    STUN_BAD_REQUEST = 400,
    STUN_UNAUTHORIZED = 401,
    STUN_UNKNOWN_ATTRIBUTE = 420,
    STUN_ROLE_CONFLICT = 487,
};

/* Of an attribute that occurs more than once the first counts (RFC 5389 section 15). Attributes between
 * MESSAGE-INTEGRITY and FINGERPRINT are ignored (section 15.4). */
struct stun_message {
    const uint8_t *data; /* the whole datagram */
    uint16_t length;
    uint16_t method; /* STUN_METHOD_BINDING or another */
    enum stun_class class;
    const uint8_t *transaction_id;

    const char *username; /* not terminated; NULL when absent */
    uint16_t username_length;
    uint16_t username_place; /* attributes before it */
    uint16_t attribute_count;

    uint16_t integrity_offset;   /* of the MESSAGE-INTEGRITY attribute's header, 0 when absent */
    uint16_t fingerprint_offset; /* of the FINGERPRINT attribute's header, 0 when absent */
    uint16_t xor_mapped_offset;  /* of the XOR-MAPPED-ADDRESS value, 0 when absent; checked */
    uint16_t error_code;         /* 300 to 699, 0 when absent */

    bool has_priority;
    bool has_controlling;
    bool has_controlled;
    bool has_nomination;
    bool use_candidate;
    uint32_t priority;
    uint32_t nomination;
    uint64_t tiebreaker; /* of ICE-CONTROLLING or ICE-CONTROLLED */

    /* Comprehension-required attributes nobody here understands: a request with any is answered by a 420. */
    uint16_t unknown[STUN_UNKNOWN_MAX]; /* the first ones */
    uint16_t unknown_count;             /* entries of unknown[] */
};

/* HMAC-SHA1 of data under key; false when it cannot be had. */
typedef bool (*stun_hmac_sha1_fn)(const uint8_t *key, size_t key_length, const uint8_t *data, size_t length,
                                  uint8_t ret_mac[STUN_INTEGRITY_BYTES]);

/* What MESSAGE-INTEGRITY is made with; for ICE the bytes are the password. */
struct stun_key {
    const uint8_t *bytes;
    size_t length;
    stun_hmac_sha1_fn hmac;
};

/* Parses a datagram that is one STUN message. -EBADMSG when it is not one. */
int stun_parse(const uint8_t *data, size_t length, struct stun_message *ret_message);

/* Writes the bytes over which MESSAGE-INTEGRITY is computed (RFC 5389 section 15.4): the message before the
 * attribute, its length field adjusted to end with it. Returns their number, -ENODATA when there is no
 * MESSAGE-INTEGRITY, -ENOSPC when capacity does not hold them (STUN_MESSAGE_MAX always does). */
int stun_integrity_input(const struct stun_message *message, uint8_t *buffer, size_t capacity);

/* Whether USERNAME is this fragment of ours, a colon, and the peer's (RFC 8445 section 7.2.2). An empty one
 * is nobody's. */
bool stun_is_addressed_to(const struct stun_message *message, const char *ufrag, size_t ufrag_length);

/* Whether the message carries the MESSAGE-INTEGRITY that key gives. Constant-time compare. */
bool stun_check_integrity(const struct stun_message *message, const struct stun_key *key);

/* Whether the message carries the right FINGERPRINT (RFC 5389 section 15.5). */
bool stun_check_fingerprint(const struct stun_message *message);

/* XOR-MAPPED-ADDRESS as an IPv4 or IPv6 socket address. -ENODATA when the message has none. */
int stun_xor_mapped_address(const struct stun_message *message, struct sockaddr_storage *ret_address);

/* CRC-32 (ITU V.42) of data XOR 0x5354554e, the value of FINGERPRINT. */
uint32_t stun_fingerprint(const uint8_t *data, size_t length);
