#include "proto/wire/vp9.h"

#include <errno.h>

/* What is left of the payload. A take beyond its end yields zero and marks it as torn. */
struct reader {
    const uint8_t *position;
    const uint8_t *end;
    bool torn;
};

static uint8_t take_byte(struct reader *reader)
{
    if (reader->position == reader->end) {
        reader->torn = true;
        return 0;
    }
    return *reader->position++;
}

static uint16_t take_u16(struct reader *reader)
{
    uint8_t high = take_byte(reader);
    return (uint16_t)(high << 8 | take_byte(reader));
}

static void take_picture_id(struct reader *reader, struct vp9_descriptor *descriptor)
{
    uint8_t first = take_byte(reader);
    descriptor->has_picture_id = true;
    descriptor->long_picture_id = first & 0x80;
    descriptor->picture_id = first & 0x7f;
    if (descriptor->long_picture_id)
        descriptor->picture_id = (uint16_t)(descriptor->picture_id << 8 | take_byte(reader));
}

static void take_layers(struct reader *reader, struct vp9_descriptor *descriptor)
{
    uint8_t layers = take_byte(reader);
    descriptor->has_layers = true;
    descriptor->temporal_layer = layers >> 5;
    descriptor->switching_up = layers & 0x10;
    descriptor->spatial_layer = layers >> 1 & 0x07;
    descriptor->inter_layer = layers & 0x01;
    if (!descriptor->flexible)
        descriptor->tl0_picture_index = take_byte(reader);
}

/* At most three differences; the lowest bit of each says whether another follows. */
static void take_references(struct reader *reader, struct vp9_descriptor *descriptor)
{
    bool more = true;
    while (more && !reader->torn) {
        if (descriptor->reference_count == VP9_REFERENCES_MAX) {
            reader->torn = true;
            return;
        }
        uint8_t reference = take_byte(reader);
        descriptor->references[descriptor->reference_count++] = reference >> 1;
        more = reference & 0x01;
    }
}

/* RFC 9628 section 4.2.1. The picture group is passed over: it tells a forwarder nothing it needs. */
static void take_structure(struct reader *reader, struct vp9_descriptor *descriptor)
{
    uint8_t head = take_byte(reader);
    bool has_resolutions = head & 0x10;
    bool has_group = head & 0x08;
    descriptor->has_structure = true;
    descriptor->spatial_layer_count = (uint8_t)((head >> 5) + 1);
    for (unsigned i = 0; has_resolutions && i < descriptor->spatial_layer_count; i++) {
        descriptor->width[i] = take_u16(reader);
        descriptor->height[i] = take_u16(reader);
    }
    unsigned pictures = has_group ? take_byte(reader) : 0;
    for (unsigned i = 0; i < pictures && !reader->torn; i++) {
        unsigned references = take_byte(reader) >> 2 & 0x03;
        while (references-- > 0)
            take_byte(reader);
    }
}

int vp9_parse(const uint8_t *payload, size_t length, struct vp9_descriptor *ret_descriptor)
{
    struct reader reader = {.position = payload, .end = payload + length};
    uint8_t head = take_byte(&reader);
    struct vp9_descriptor descriptor = {
        .inter_predicted = head & 0x40,
        .flexible = head & 0x10,
        .start_of_frame = head & 0x08,
        .end_of_frame = head & 0x04,
        .not_for_upper = head & 0x01,
    };
    if (head & 0x80)
        take_picture_id(&reader, &descriptor);
    if (head & 0x20)
        take_layers(&reader, &descriptor);
    if (descriptor.flexible && descriptor.inter_predicted)
        take_references(&reader, &descriptor);
    if (head & 0x02)
        take_structure(&reader, &descriptor);
    if (reader.torn || reader.position == reader.end)
        return -EBADMSG;
    descriptor.key_frame =
        descriptor.start_of_frame && !descriptor.inter_predicted && descriptor.spatial_layer == 0;
    descriptor.length = (uint16_t)(reader.position - payload);
    *ret_descriptor = descriptor;
    return 0;
}
