#include "proto/wire/stun_write.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "proto/wire/bytes.h"

#define ATTRIBUTE_HEADER_BYTES 4

/* A message under construction. One that has overflowed takes nothing more. */
struct writer {
    uint8_t *data;
    size_t capacity;
    size_t length;
    bool overflowed;
};

static struct writer begin(uint8_t *buffer, size_t capacity, enum stun_class class,
                           const uint8_t transaction_id[STUN_TRANSACTION_ID_BYTES])
{
    struct writer writer = {.data = buffer, .capacity = capacity, .overflowed = capacity < STUN_HEADER_BYTES};
    if (writer.overflowed)
        return writer;
    store_be16(buffer, (uint16_t)((class & 2) << 7 | (class & 1) << 4 | STUN_METHOD_BINDING));
    store_be16(buffer + 2, 0);
    store_be32(buffer + 4, STUN_MAGIC_COOKIE);
    memcpy(buffer + 8, transaction_id, STUN_TRANSACTION_ID_BYTES);
    writer.length = STUN_HEADER_BYTES;
    return writer;
}

/* Appends an attribute with zero padding and returns where its value goes, NULL when there is no room. The
 * message's length field is brought up to date, as MESSAGE-INTEGRITY and FINGERPRINT need it. */
static uint8_t *append(struct writer *writer, uint16_t type, size_t length)
{
    size_t padded = (length + 3) & ~(size_t)3;
    if (writer->overflowed || ATTRIBUTE_HEADER_BYTES + padded > writer->capacity - writer->length) {
        writer->overflowed = true;
        return NULL;
    }
    uint8_t *attribute = writer->data + writer->length;
    store_be16(attribute, type);
    store_be16(attribute + 2, (uint16_t)length);
    memset(attribute + ATTRIBUTE_HEADER_BYTES, 0, padded);
    writer->length += ATTRIBUTE_HEADER_BYTES + padded;
    store_be16(writer->data + 2, (uint16_t)(writer->length - STUN_HEADER_BYTES));
    return attribute + ATTRIBUTE_HEADER_BYTES;
}

static void append_u32(struct writer *writer, uint16_t type, uint32_t number)
{
    uint8_t *value = append(writer, type, 4);
    if (value)
        store_be32(value, number);
}

static int finish(struct writer *writer, const struct stun_key *key)
{
    if (key) {
        size_t covered = writer->length;
        uint8_t *mac = append(writer, STUN_MESSAGE_INTEGRITY, STUN_INTEGRITY_BYTES);
        if (mac && !key->hmac(key->bytes, key->length, writer->data, covered, mac))
            return -EIO;
    }
    size_t covered = writer->length;
    uint8_t *fingerprint = append(writer, STUN_FINGERPRINT, 4);
    if (fingerprint)
        store_be32(fingerprint, stun_fingerprint(writer->data, covered));
    return writer->overflowed ? -ENOSPC : (int)writer->length;
}

static void append_xor_mapped(struct writer *writer, uint8_t family, in_port_t port, const void *address,
                              size_t address_bytes)
{
    uint8_t *value = append(writer, STUN_XOR_MAPPED_ADDRESS, 4 + address_bytes);
    if (!value)
        return;
    value[1] = family;
    store_be16(value + 2, (uint16_t)(ntohs(port) ^ STUN_MAGIC_COOKIE >> 16));
    memcpy(value + 4, address, address_bytes);
    for (size_t i = 0; i < address_bytes; i++)
        value[4 + i] ^= writer->data[4 + i];
}

int stun_write_success(uint8_t *buffer, size_t capacity,
                       const uint8_t transaction_id[STUN_TRANSACTION_ID_BYTES],
                       const struct sockaddr *address, const struct stun_key *key)
{
    struct writer writer = begin(buffer, capacity, STUN_SUCCESS, transaction_id);
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        append_xor_mapped(&writer, 0x01, v4.sin_port, &v4.sin_addr, 4);
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof v6);
        append_xor_mapped(&writer, 0x02, v6.sin6_port, &v6.sin6_addr, 16);
    } else {
        return -EAFNOSUPPORT;
    }
    return finish(&writer, key);
}

int stun_write_error(uint8_t *buffer, size_t capacity,
                     const uint8_t transaction_id[STUN_TRANSACTION_ID_BYTES], unsigned code,
                     const uint16_t *unknown, size_t unknown_count, const struct stun_key *key)
{
    if (code < 300 || code > 699)
        return -EINVAL;
    struct writer writer = begin(buffer, capacity, STUN_ERROR, transaction_id);
    uint8_t *value = append(&writer, STUN_ERROR_CODE, 4);
    if (value) {
        value[2] = (uint8_t)(code / 100);
        value[3] = (uint8_t)(code % 100);
    }
    if (code == STUN_UNKNOWN_ATTRIBUTE) {
        if (unknown_count > STUN_UNKNOWN_MAX)
            unknown_count = STUN_UNKNOWN_MAX;
        value = append(&writer, STUN_UNKNOWN_ATTRIBUTES, 2 * unknown_count);
        for (size_t i = 0; value && i < unknown_count; i++)
            store_be16(value + 2 * i, unknown[i]);
    }
    return finish(&writer, key);
}

int stun_write_binding_request(uint8_t *buffer, size_t capacity, const struct stun_binding_request *request,
                               const struct stun_key *key)
{
    if (request->username_length > STUN_USERNAME_MAX)
        return -EINVAL;
    struct writer writer = begin(buffer, capacity, STUN_REQUEST, request->transaction_id);
    if (request->username) {
        uint8_t *username = append(&writer, STUN_USERNAME, request->username_length);
        if (username)
            memcpy(username, request->username, request->username_length);
    }
    append_u32(&writer, STUN_PRIORITY, request->priority);
    uint8_t *tiebreaker =
        append(&writer, request->controlling ? STUN_ICE_CONTROLLING : STUN_ICE_CONTROLLED, 8);
    if (tiebreaker)
        store_be64(tiebreaker, request->tiebreaker);
    if (request->use_candidate)
        append(&writer, STUN_USE_CANDIDATE, 0);
    if (request->has_nomination)
        append_u32(&writer, STUN_NOMINATION, request->nomination);
    return finish(&writer, key);
}
