#include "proto/wire/stun.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "proto/wire/bytes.h"

#define ATTRIBUTE_HEADER_BYTES 4
#define COMPREHENSION_OPTIONAL 0x8000u
#define FAMILY_IPV4 0x01
#define FAMILY_IPV6 0x02

static void remember_unknown(struct stun_message *message, uint16_t type)
{
    if (type >= COMPREHENSION_OPTIONAL || message->unknown_count == STUN_UNKNOWN_MAX)
        return;
    for (unsigned i = 0; i < message->unknown_count; i++) {
        if (message->unknown[i] == type)
            return;
    }
    message->unknown[message->unknown_count++] = type;
}

static int parse_username(struct stun_message *message, const uint8_t *value, uint16_t length)
{
    if (length > STUN_USERNAME_MAX)
        return -EBADMSG;
    if (!message->username) {
        message->username = (const char *)value;
        message->username_length = length;
        message->username_place = message->attribute_count;
    }
    return 0;
}

static int parse_error_code(struct stun_message *message, const uint8_t *value, uint16_t length)
{
    if (length < 4)
        return -EBADMSG;
    unsigned hundreds = value[2] & 0x07;
    if (hundreds < 3 || hundreds > 6 || value[3] > 99)
        return -EBADMSG;
    if (!message->error_code)
        message->error_code = (uint16_t)(hundreds * 100 + value[3]);
    return 0;
}

static int parse_xor_mapped(struct stun_message *message, const uint8_t *value, uint16_t length)
{
    if (length < 4)
        return -EBADMSG;
    if (!(value[1] == FAMILY_IPV4 && length == 8) && !(value[1] == FAMILY_IPV6 && length == 20))
        return -EBADMSG;
    if (!message->xor_mapped_offset)
        message->xor_mapped_offset = (uint16_t)(value - message->data);
    return 0;
}

static int parse_u32(bool *has, uint32_t *to, const uint8_t *value, uint16_t length)
{
    if (length != 4)
        return -EBADMSG;
    if (!*has)
        *to = load_be32(value);
    *has = true;
    return 0;
}

/* One agent has one role: a message that claims both is malformed. */
static int parse_role(struct stun_message *message, bool *has, bool other, const uint8_t *value,
                      uint16_t length)
{
    if (length != 8 || other)
        return -EBADMSG;
    if (!*has)
        message->tiebreaker = load_be64(value);
    *has = true;
    return 0;
}

static int parse_attribute(struct stun_message *message, uint16_t type, const uint8_t *value, uint16_t length)
{
    switch (type) {
    case STUN_USERNAME:
        return parse_username(message, value, length);
    case STUN_MESSAGE_INTEGRITY:
        if (length != STUN_INTEGRITY_BYTES)
            return -EBADMSG;
        message->integrity_offset = (uint16_t)(value - message->data - ATTRIBUTE_HEADER_BYTES);
        return 0;
    case STUN_FINGERPRINT:
        if (length != 4)
            return -EBADMSG;
        message->fingerprint_offset = (uint16_t)(value - message->data - ATTRIBUTE_HEADER_BYTES);
        return 0;
    case STUN_ERROR_CODE:
        return parse_error_code(message, value, length);
    case STUN_XOR_MAPPED_ADDRESS:
        return parse_xor_mapped(message, value, length);
    case STUN_PRIORITY:
        return parse_u32(&message->has_priority, &message->priority, value, length);
    case STUN_NOMINATION:
        return parse_u32(&message->has_nomination, &message->nomination, value, length);
    case STUN_USE_CANDIDATE:
        message->use_candidate = true;
        return length == 0 ? 0 : -EBADMSG;
    case STUN_ICE_CONTROLLING:
        return parse_role(message, &message->has_controlling, message->has_controlled, value, length);
    case STUN_ICE_CONTROLLED:
        return parse_role(message, &message->has_controlled, message->has_controlling, value, length);
    case STUN_MAPPED_ADDRESS:
    case STUN_UNKNOWN_ATTRIBUTES:
    case STUN_REALM:
    case STUN_NONCE:
        return 0;
    default:
        remember_unknown(message, type);
        return 0;
    }
}

static int parse_attributes(struct stun_message *message)
{
    size_t position = STUN_HEADER_BYTES;
    while (position < message->length) {
        /* FINGERPRINT is the last one (RFC 5389 section 15.5). */
        if (message->fingerprint_offset || message->length - position < ATTRIBUTE_HEADER_BYTES)
            return -EBADMSG;
        uint16_t type = load_be16(message->data + position);
        uint16_t length = load_be16(message->data + position + 2);
        position += ATTRIBUTE_HEADER_BYTES;
        size_t padded = ((size_t)length + 3) & ~(size_t)3;
        if (padded > message->length - position)
            return -EBADMSG;
        if (!message->integrity_offset || type == STUN_FINGERPRINT) {
            int result = parse_attribute(message, type, message->data + position, length);
            if (result < 0)
                return result;
        }
        position += padded;
        message->attribute_count++;
    }
    return 0;
}

int stun_parse(const uint8_t *data, size_t length, struct stun_message *ret_message)
{
    if (length < STUN_HEADER_BYTES || length > STUN_MESSAGE_MAX)
        return -EBADMSG;
    uint16_t type = load_be16(data);
    uint16_t announced = load_be16(data + 2);
    if (type & 0xC000 || announced % 4 != 0 || announced + (size_t)STUN_HEADER_BYTES != length ||
        load_be32(data + 4) != STUN_MAGIC_COOKIE)
        return -EBADMSG;

    /* The class bits stand among those of the method: M11-M7 C1 M6-M4 C0 M3-M0 (RFC 5389 section 6). */
    struct stun_message message = {
        .data = data,
        .length = (uint16_t)length,
        .class = (enum stun_class)((type >> 7 & 2) | (type >> 4 & 1)),
        .method = (uint16_t)((type >> 2 & 0xF80) | (type >> 1 & 0x70) | (type & 0xF)),
        .transaction_id = data + 8,
    };
    int result = parse_attributes(&message);
    if (result < 0)
        return result;
    *ret_message = message;
    return 0;
}

bool stun_is_addressed_to(const struct stun_message *message, const char *ufrag, size_t ufrag_length)
{
    return ufrag_length > 0 && message->username && message->username_length > ufrag_length &&
           memcmp(message->username, ufrag, ufrag_length) == 0 && message->username[ufrag_length] == ':';
}

int stun_integrity_input(const struct stun_message *message, uint8_t *buffer, size_t capacity)
{
    if (!message->integrity_offset)
        return -ENODATA;
    size_t length = message->integrity_offset;
    if (length > capacity)
        return -ENOSPC;
    memcpy(buffer, message->data, length);
    store_be16(buffer + 2,
               (uint16_t)(length + ATTRIBUTE_HEADER_BYTES + STUN_INTEGRITY_BYTES - STUN_HEADER_BYTES));
    return (int)length;
}

static bool equal_in_constant_time(const uint8_t *a, const uint8_t *b, size_t length)
{
    volatile uint8_t difference = 0;
    for (size_t i = 0; i < length; i++)
        difference = (uint8_t)(difference | (a[i] ^ b[i]));
    return difference == 0;
}

bool stun_check_integrity(const struct stun_message *message, const struct stun_key *key)
{
    uint8_t input[STUN_MESSAGE_MAX];
    uint8_t mac[STUN_INTEGRITY_BYTES];
    int length = stun_integrity_input(message, input, sizeof input);
    if (length < 0 || !key->hmac(key->bytes, key->length, input, (size_t)length, mac))
        return false;
    return equal_in_constant_time(mac, message->data + message->integrity_offset + ATTRIBUTE_HEADER_BYTES,
                                  sizeof mac);
}

bool stun_check_fingerprint(const struct stun_message *message)
{
    if (!message->fingerprint_offset)
        return false;
    return load_be32(message->data + message->fingerprint_offset + ATTRIBUTE_HEADER_BYTES) ==
           stun_fingerprint(message->data, message->fingerprint_offset);
}

int stun_xor_mapped_address(const struct stun_message *message, struct sockaddr_storage *ret_address)
{
    if (!message->xor_mapped_offset)
        return -ENODATA;
    const uint8_t *value = message->data + message->xor_mapped_offset;
    in_port_t port = htons((uint16_t)(load_be16(value + 2) ^ STUN_MAGIC_COOKIE >> 16));

    /* The address is masked with the cookie and the transaction id, which follow each other in the header. */
    size_t address_bytes = value[1] == FAMILY_IPV4 ? 4 : 16;
    uint8_t address[16];
    for (size_t i = 0; i < address_bytes; i++)
        address[i] = value[4 + i] ^ message->data[4 + i];

    memset(ret_address, 0, sizeof *ret_address);
    if (value[1] == FAMILY_IPV4) {
        struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = port};
        memcpy(&v4.sin_addr, address, 4);
        memcpy(ret_address, &v4, sizeof v4);
    } else {
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = port};
        memcpy(&v6.sin6_addr, address, 16);
        memcpy(ret_address, &v6, sizeof v6);
    }
    return 0;
}
