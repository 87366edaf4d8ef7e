#include "dataplane/rewrite_packet.h"

#include <errno.h>
#include <string.h>

#include "proto/wire/rtp_ext.h"

/* Sent on as they came. */
static const uint8_t copied_kinds[] = {
    MEDIA_EXTENSION_AUDIO_LEVEL,      MEDIA_EXTENSION_VIDEO_ORIENTATION,     MEDIA_EXTENSION_TOFFSET,
    MEDIA_EXTENSION_ABS_CAPTURE_TIME, MEDIA_EXTENSION_PLAYOUT_DELAY,         MEDIA_EXTENSION_FRAME_MARKING,
    MEDIA_EXTENSION_FRAME_MARKING_07, MEDIA_EXTENSION_DEPENDENCY_DESCRIPTOR,
};

#define COPIED_KINDS (sizeof(copied_kinds) / sizeof(copied_kinds[0]))
#define RTX_OSN_BYTES 2u /* original sequence number */
#define MADE_KINDS 3u    /* MID, abs-send-time, transport-wide number */

struct extension_list {
    struct rtp_ext_item items[COPIED_KINDS + MADE_KINDS];
    size_t count;
    uint8_t send_time[RTP_EXT_ABS_SEND_TIME_BYTES];
    uint8_t transport_sequence[2];
    uint8_t dependency[255];
};

/* Adds a value unless the consumer has no id for its kind. */
static void extension_list_add(struct extension_list *list, uint8_t id, const void *data, uint8_t length)
{
    if (id != 0 && length != 0)
        list->items[list->count++] = (struct rtp_ext_item){.id = id, .length = length, .data = data};
}

/* The descriptor with the consumer's mask; as it came where there is no room for one. */
static void extension_list_add_dependency(struct extension_list *list, uint8_t id, const uint8_t *value,
                                          uint8_t length, const struct packet_view *view,
                                          const struct rewrite_numbers *numbers)
{
    int bytes =
        dependency_descriptor_write_active(value, length, &view->svc.decode_targets.place, numbers->targets,
                                           list->dependency, sizeof(list->dependency));
    if (bytes > 0)
        extension_list_add(list, id, list->dependency, (uint8_t)bytes);
    else
        extension_list_add(list, id, value, length);
}

static void extension_list_fill(struct extension_list *list, const struct rewrite_extensions *extensions,
                                const uint8_t *packet, const struct packet_view *view,
                                const struct rewrite_numbers *numbers, const struct rewrite_egress *egress)
{
    uint8_t mid_length =
        extensions->mid_length <= sizeof(extensions->mid) ? extensions->mid_length : sizeof(extensions->mid);

    list->count = 0;
    extension_list_add(list, extensions->id[MEDIA_EXTENSION_MID], extensions->mid, mid_length);
    store_be24(list->send_time, rtp_ext_abs_send_time_from_us(egress->now_us));
    extension_list_add(list, extensions->id[MEDIA_EXTENSION_ABS_SEND_TIME], list->send_time,
                       sizeof(list->send_time));
    if (egress->transport_sequence) {
        store_be16(list->transport_sequence, *egress->transport_sequence);
        extension_list_add(list, extensions->id[MEDIA_EXTENSION_TRANSPORT_WIDE_CC], list->transport_sequence,
                           sizeof(list->transport_sequence));
    }
    for (size_t i = 0; i < COPIED_KINDS; i++) {
        const struct packet_extension *value = &view->extensions[copied_kinds[i]];
        if (copied_kinds[i] == MEDIA_EXTENSION_DEPENDENCY_DESCRIPTOR && numbers->has_targets &&
            value->length > 0)
            extension_list_add_dependency(list, extensions->id[copied_kinds[i]], packet + value->offset,
                                          value->length, view, numbers);
        else
            extension_list_add(list, extensions->id[copied_kinds[i]], packet + value->offset, value->length);
    }
}

int rewrite_packet_head(const struct rewrite_state *state, const struct rewrite_extensions *extensions,
                        const uint8_t *packet, const struct packet_view *view,
                        const struct rewrite_numbers *numbers, const struct rewrite_egress *egress,
                        uint8_t *out, size_t out_bytes, struct rewrite_head *ret_head)
{
    const struct rtp_header *in = &view->header;
    size_t csrc_bytes = (size_t)4 * in->csrc_count;
    size_t descriptor_bytes = view->has_vp8 ? view->vp8.length : 0;
    const struct rewrite_rtx *rtx = egress->rtx;
    bool is_padded = view->is_padded && !rtx;
    size_t length = RTP_FIXED_HEADER_BYTES + csrc_bytes;

    if (in->csrc_count > 15 || length > in->payload_offset || descriptor_bytes > in->payload_length)
        return -EBADMSG;
    if (length > out_bytes)
        return -EMSGSIZE;

    struct extension_list list;
    extension_list_fill(&list, extensions, packet, view, numbers, egress);
    int block_bytes =
        rtp_ext_write(out + length, out_bytes - length, list.items, list.count, RTP_EXT_FORM_AUTO);
    if (block_bytes < 0)
        return block_bytes == -ENOSPC ? -EMSGSIZE : -EBADMSG;

    struct rtp_header fixed = {
        .payload_type = rtx ? rtx->payload_type : state->payload_type,
        .marker = in->marker || numbers->marker,
        .has_extension = block_bytes > 0,
        .has_padding = is_padded,
        .sequence = rtx ? rtx->sequence : (uint16_t)numbers->sequence,
        .timestamp = numbers->timestamp,
        .ssrc = rtx ? rtx->ssrc : state->ssrc,
    };
    rtp_write_fixed_header(out, &fixed);
    out[0] = (uint8_t)(out[0] | in->csrc_count);
    memcpy(out + RTP_FIXED_HEADER_BYTES, packet + RTP_FIXED_HEADER_BYTES, csrc_bytes);
    length += (size_t)block_bytes;

    size_t clear_bytes = length;
    if (rtx) {
        if (length + RTX_OSN_BYTES > out_bytes)
            return -EMSGSIZE;
        store_be16(out + length, (uint16_t)numbers->sequence);
        length += RTX_OSN_BYTES;
    }

    struct rewrite_head head = {
        .clear_bytes = (uint16_t)clear_bytes,
        .head_bytes = (uint16_t)(length + descriptor_bytes),
        .tail_offset = (uint16_t)(in->payload_offset + descriptor_bytes),
        .tail_bytes =
            (uint16_t)(in->payload_length - descriptor_bytes + (is_padded ? in->padding_length : 0)),
    };
    if (head.head_bytes > out_bytes)
        return -EMSGSIZE;
    if (descriptor_bytes > 0) {
        memcpy(out + length, packet + in->payload_offset, descriptor_bytes);
        int error = vp8_rewrite(out + length, descriptor_bytes, &view->vp8, numbers->picture_id,
                                numbers->tl0_picture_index);
        if (error)
            return error;
    }
    if (egress->transport_sequence && extensions->id[MEDIA_EXTENSION_TRANSPORT_WIDE_CC] != 0)
        ++*egress->transport_sequence;
    *ret_head = head;
    return 0;
}

int rewrite_packet(const struct rewrite_state *state, const struct rewrite_extensions *extensions,
                   const uint8_t *packet, const struct packet_view *view,
                   const struct rewrite_numbers *numbers, const struct rewrite_egress *egress, uint8_t *out,
                   size_t out_bytes)
{
    uint8_t head_buffer[REWRITE_PACKET_HEAD_MAX];
    uint16_t sequence = egress->transport_sequence ? *egress->transport_sequence : 0;
    struct rewrite_egress probe = {.now_us = egress->now_us,
                                   .transport_sequence = egress->transport_sequence ? &sequence : NULL,
                                   .rtx = egress->rtx};
    struct rewrite_head head;
    int error = rewrite_packet_head(state, extensions, packet, view, numbers, &probe, head_buffer,
                                    sizeof(head_buffer), &head);
    if (error)
        return error;
    if ((size_t)head.head_bytes + head.tail_bytes > out_bytes)
        return -EMSGSIZE;
    memcpy(out, head_buffer, head.head_bytes);
    memcpy(out + head.head_bytes, packet + head.tail_offset, head.tail_bytes);
    if (egress->transport_sequence)
        *egress->transport_sequence = sequence;
    return head.head_bytes + head.tail_bytes;
}
