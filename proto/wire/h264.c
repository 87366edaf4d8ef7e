#include "proto/wire/h264.h"

#include <errno.h>

#include "proto/wire/bytes.h"

#define NAL_SINGLE_MIN 1
#define NAL_SINGLE_MAX 23
#define FU_A_HEADER_BYTES 2
#define FU_A_START 0x80
#define FU_A_END 0x40

static uint8_t type_of(uint8_t byte)
{
    return byte & 0x1f;
}

static bool is_single(uint8_t type)
{
    return type >= NAL_SINGLE_MIN && type <= NAL_SINGLE_MAX;
}

static void note_start_of(struct h264_payload *parsed, uint8_t nal_type)
{
    parsed->start = true;
    parsed->has_idr |= nal_type == H264_NAL_IDR;
    parsed->has_sps |= nal_type == H264_NAL_SPS;
}

/* RFC 6184 section 5.7.1: 16-bit sizes, each followed by a NAL unit. */
static int parse_stap_a(const uint8_t *payload, size_t length, struct h264_payload *parsed)
{
    size_t position = 1;
    if (length == position)
        return -EBADMSG;
    while (position < length) {
        if (length - position < 2)
            return -EBADMSG;
        size_t size = load_be16(payload + position);
        position += 2;
        if (size == 0 || size > length - position)
            return -EBADMSG;
        uint8_t type = type_of(payload[position]);
        if (!is_single(type))
            return -EBADMSG;
        if (!parsed->start)
            parsed->nal_type = type;
        note_start_of(parsed, type);
        position += size;
    }
    parsed->end = true;
    return 0;
}

/* RFC 6184 section 5.8: the fragmented unit's type stands in the second byte. */
static int parse_fu_a(const uint8_t *payload, size_t length, struct h264_payload *parsed)
{
    if (length <= FU_A_HEADER_BYTES)
        return -EBADMSG;
    bool start = payload[1] & FU_A_START;
    bool end = payload[1] & FU_A_END;
    parsed->nal_type = type_of(payload[1]);
    if ((start && end) || !is_single(parsed->nal_type))
        return -EBADMSG;
    if (start)
        note_start_of(parsed, parsed->nal_type);
    parsed->end = end;
    return 0;
}

int h264_parse(const uint8_t *payload, size_t length, struct h264_payload *ret_payload)
{
    if (length == 0)
        return -EBADMSG;
    struct h264_payload parsed = {
        .packet_type = type_of(payload[0]),
        .ref_idc = payload[0] >> 5 & 0x03,
    };
    int result = 0;
    if (is_single(parsed.packet_type)) {
        parsed.nal_type = parsed.packet_type;
        note_start_of(&parsed, parsed.nal_type);
        parsed.end = true;
    } else if (parsed.packet_type == H264_NAL_STAP_A) {
        result = parse_stap_a(payload, length, &parsed);
    } else if (parsed.packet_type == H264_NAL_FU_A) {
        result = parse_fu_a(payload, length, &parsed);
    } else {
        result = -ENOTSUP;
    }
    if (result < 0)
        return result;
    parsed.key_frame = parsed.has_idr || parsed.has_sps;
    *ret_payload = parsed;
    return 0;
}
