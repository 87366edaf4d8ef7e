#include "proto/wire/rtp_ext.h"

#include <errno.h>
#include <string.h>

#define BLOCK_HEADER_BYTES 4
#define ONE_BYTE_LENGTH_MAX 16
#define ONE_BYTE_STOP 15

void rtp_ext_begin(struct rtp_ext_iterator *iterator, const uint8_t *packet, const struct rtp_header *header)
{
    bool two_byte = (header->extension_profile & 0xfff0) == RTP_EXT_PROFILE_TWO_BYTE;
    bool known = two_byte || header->extension_profile == RTP_EXT_PROFILE_ONE_BYTE;
    *iterator = (struct rtp_ext_iterator){
        .packet = packet,
        .position = header->extension_offset,
        .end = known ? (uint16_t)(header->extension_offset + header->extension_length)
                     : header->extension_offset,
        .two_byte = two_byte,
    };
}

/* A padding byte is one whose id is zero. In the one-byte form its length bits must be zero too; where they
 * are not, and at id 15, the elements end (RFC 8285 section 4.2). */
static int next_one_byte(struct rtp_ext_iterator *iterator, struct rtp_ext_element *ret_element)
{
    uint8_t head = iterator->packet[iterator->position];
    uint8_t id = head >> 4;
    uint8_t length = (uint8_t)((head & 0x0f) + 1);
    if (id == 0 || id == ONE_BYTE_STOP) {
        iterator->position = iterator->end;
        return 0;
    }
    if (length > iterator->end - iterator->position - 1)
        return -EBADMSG;
    *ret_element = (struct rtp_ext_element){id, length, (uint16_t)(iterator->position + 1)};
    iterator->position = (uint16_t)(iterator->position + 1 + length);
    return 1;
}

static int next_two_byte(struct rtp_ext_iterator *iterator, struct rtp_ext_element *ret_element)
{
    if (iterator->end - iterator->position < 2)
        return -EBADMSG;
    uint8_t id = iterator->packet[iterator->position];
    uint8_t length = iterator->packet[iterator->position + 1];
    if (length > iterator->end - iterator->position - 2)
        return -EBADMSG;
    *ret_element = (struct rtp_ext_element){id, length, (uint16_t)(iterator->position + 2)};
    iterator->position = (uint16_t)(iterator->position + 2 + length);
    return 1;
}

int rtp_ext_next(struct rtp_ext_iterator *iterator, struct rtp_ext_element *ret_element)
{
    while (iterator->position < iterator->end && iterator->packet[iterator->position] == 0)
        iterator->position++;
    if (iterator->position >= iterator->end)
        return 0;
    return iterator->two_byte ? next_two_byte(iterator, ret_element) : next_one_byte(iterator, ret_element);
}

bool rtp_ext_find(const uint8_t *packet, const struct rtp_header *header, uint8_t id,
                  struct rtp_ext_element *ret_element)
{
    struct rtp_ext_iterator iterator;
    struct rtp_ext_element element;
    rtp_ext_begin(&iterator, packet, header);
    while (rtp_ext_next(&iterator, &element) == 1) {
        if (element.id == id) {
            *ret_element = element;
            return true;
        }
    }
    return false;
}

static bool needs_two_byte(const struct rtp_ext_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (items[i].id > RTP_EXT_ONE_BYTE_ID_MAX || items[i].length == 0 ||
            items[i].length > ONE_BYTE_LENGTH_MAX)
            return true;
    }
    return false;
}

int rtp_ext_write(uint8_t *buffer, size_t capacity, const struct rtp_ext_item *items, size_t count,
                  enum rtp_ext_form form)
{
    if (count == 0)
        return 0;
    bool two_byte = form == RTP_EXT_FORM_TWO_BYTE || needs_two_byte(items, count);
    size_t needed = BLOCK_HEADER_BYTES;
    for (size_t i = 0; i < count; i++) {
        if (items[i].id == 0)
            return -EINVAL;
        needed += (two_byte ? 2u : 1u) + items[i].length;
    }
    size_t padded = (needed + 3) & ~(size_t)3;
    if (padded > capacity || (padded - BLOCK_HEADER_BYTES) / 4 > UINT16_MAX)
        return -ENOSPC;

    store_be16(buffer, two_byte ? RTP_EXT_PROFILE_TWO_BYTE : RTP_EXT_PROFILE_ONE_BYTE);
    store_be16(buffer + 2, (uint16_t)((padded - BLOCK_HEADER_BYTES) / 4));
    uint8_t *to = buffer + BLOCK_HEADER_BYTES;
    for (size_t i = 0; i < count; i++) {
        if (two_byte) {
            *to++ = items[i].id;
            *to++ = items[i].length;
        } else {
            *to++ = (uint8_t)(items[i].id << 4 | (items[i].length - 1));
        }
        if (items[i].length > 0)
            memcpy(to, items[i].data, items[i].length);
        to += items[i].length;
    }
    memset(to, 0, padded - needed);
    return (int)padded;
}

/* RFC 4566 section 9, "token-char": visible ASCII but for the characters below. */
static bool is_token_character(uint8_t character)
{
    return character > 0x20 && character < 0x7f && !strchr("\"(),/:;<=>?@[\\]", character);
}

int rtp_ext_read_token(const uint8_t *value, size_t length, char ret_token[RTP_EXT_TOKEN_MAX + 1])
{
    if (length == 0 || length > RTP_EXT_TOKEN_MAX)
        return -EBADMSG;
    for (size_t i = 0; i < length; i++) {
        if (!is_token_character(value[i]))
            return -EBADMSG;
    }
    memcpy(ret_token, value, length);
    ret_token[length] = '\0';
    return 0;
}

int rtp_ext_read_transport_sequence(const uint8_t *value, size_t length, uint16_t *ret_sequence)
{
    if (length != 2)
        return -EBADMSG;
    *ret_sequence = load_be16(value);
    return 0;
}

int rtp_ext_read_audio_level(const uint8_t *value, size_t length, bool *ret_voice, uint8_t *ret_level)
{
    if (length != 1)
        return -EBADMSG;
    *ret_voice = value[0] & 0x80;
    *ret_level = value[0] & 0x7f;
    return 0;
}

int rtp_ext_read_abs_send_time(const uint8_t *value, size_t length, uint32_t *ret_time)
{
    if (length != RTP_EXT_ABS_SEND_TIME_BYTES)
        return -EBADMSG;
    *ret_time = load_be24(value);
    return 0;
}
