#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/rewrite_packet.h"

/* A video packet with every extension, two CSRCs, a VP8 payload and padding, as ids 1 to 13 of its kinds. */
struct sample {
    uint8_t bytes[256];
    size_t length;
    struct packet_view view;
    struct media_extension_map map;
};

static void sample_make(struct sample *sample)
{
    static const uint8_t lengths[MEDIA_EXTENSION_COUNT] = {0, 1, 2, 2, 3, 2, 1, 1, 3, 8, 3, 3, 3, 4};
    static const uint8_t payload[] = {0x90, 0xe0, 0x81, 0x23, 0x44, 0x20, 0x00, 'v', 'p', '8'};
    uint8_t values[MEDIA_EXTENSION_COUNT][16];
    struct rtp_ext_item items[MEDIA_EXTENSION_COUNT - 1];
    struct rtp_header header = {.payload_type = 96,
                                .marker = true,
                                .has_extension = true,
                                .has_padding = true,
                                .sequence = 700,
                                .timestamp = 90000,
                                .ssrc = 0x11111111};

    memset(sample, 0, sizeof(*sample));
    for (unsigned kind = 1; kind < MEDIA_EXTENSION_COUNT; kind++) {
        memset(values[kind], (int)(0xa0 + kind), sizeof(values[kind]));
        items[kind - 1] =
            (struct rtp_ext_item){.id = (uint8_t)kind, .length = lengths[kind], .data = values[kind]};
        assert_int_equal(packet_view_map_id(&sample->map, (uint8_t)kind, kind), 0);
    }
    rtp_write_fixed_header(sample->bytes, &header);
    sample->bytes[0] |= 2;
    memcpy(sample->bytes + 12, "csrc1234", 8);
    int block = rtp_ext_write(sample->bytes + 20, sizeof(sample->bytes) - 20, items,
                              MEDIA_EXTENSION_COUNT - 1, RTP_EXT_FORM_AUTO);
    assert_true(block > 0);
    size_t length = 20 + (size_t)block;
    memcpy(sample->bytes + length, payload, sizeof(payload));
    length += sizeof(payload);
    sample->bytes[length + 2] = 3; /* three bytes of padding */
    sample->length = length + 3;
    assert_int_equal(packet_view_parse(sample->bytes, sample->length, &sample->map, &sample->view), 0);
    assert_int_equal(packet_view_read_codec(sample->bytes, MEDIA_CODEC_VP8, &sample->view), 0);
    assert_true(sample->view.has_vp8);
}

static const struct rewrite_numbers numbers = {
    .sequence = 0x15678, .timestamp = 0xcafe0000, .picture_id = 0x7abc, .tl0_picture_index = 0xee};

static struct rewrite_state make_state(void)
{
    struct rewrite_state state;
    rewrite_init(&state, 0x22222222, 101, 1000, true);
    return state;
}

/* Ids of the consumer: twice those of the producer where that fits one byte, the rest missing. */
static struct rewrite_extensions make_extensions(void)
{
    struct rewrite_extensions extensions = {.mid_length = 2, .mid = "17"};
    extensions.id[MEDIA_EXTENSION_MID] = 2;
    extensions.id[MEDIA_EXTENSION_RID] = 4; /* never sent */
    extensions.id[MEDIA_EXTENSION_REPAIRED_RID] = 6;
    extensions.id[MEDIA_EXTENSION_ABS_SEND_TIME] = 8;
    extensions.id[MEDIA_EXTENSION_TRANSPORT_WIDE_CC] = 10;
    extensions.id[MEDIA_EXTENSION_VIDEO_ORIENTATION] = 14;
    extensions.id[MEDIA_EXTENSION_ABS_CAPTURE_TIME] = 1;
    return extensions;
}

static void assert_extension(const uint8_t *out, const struct packet_view *view, int kind, const void *value,
                             uint8_t length)
{
    assert_int_equal(view->extensions[kind].length, length);
    assert_memory_equal(out + view->extensions[kind].offset, value, length);
}

static void test_all_of_a_packet(void **state)
{
    (void)state;
    struct sample sample;
    struct rewrite_state rewrite = make_state();
    struct rewrite_extensions extensions = make_extensions();
    uint16_t transport_sequence = 0xffff;
    struct rewrite_egress egress = {.now_us = 3500000, .transport_sequence = &transport_sequence};
    uint8_t out[256];

    sample_make(&sample);
    int length = rewrite_packet(&rewrite, &extensions, sample.bytes, &sample.view, &numbers, &egress, out,
                                sizeof(out));
    assert_true(length > 0);
    assert_int_equal(transport_sequence, 0);

    struct media_extension_map map = {{0}};
    for (int kind = 1; kind < MEDIA_EXTENSION_COUNT; kind++)
        if (extensions.id[kind] != 0)
            packet_view_map_id(&map, extensions.id[kind], kind);
    struct packet_view view;
    assert_int_equal(packet_view_parse(out, (size_t)length, &map, &view), 0);
    assert_int_equal(view.header.payload_type, 101);
    assert_int_equal(view.header.ssrc, 0x22222222);
    assert_int_equal(view.header.sequence, 0x5678);
    assert_int_equal(view.header.timestamp, 0xcafe0000);
    assert_true(view.header.marker);
    assert_false(view.header.has_padding);
    assert_int_equal(view.header.csrc_count, 2);
    assert_memory_equal(out + 12, "csrc1234", 8);

    assert_extension(out, &view, MEDIA_EXTENSION_MID, "17", 2);
    assert_extension(out, &view, MEDIA_EXTENSION_ABS_SEND_TIME, "\x0e\x00\x00", 3); /* 3.5 s in 6.18 */
    assert_extension(out, &view, MEDIA_EXTENSION_TRANSPORT_WIDE_CC, "\xff\xff", 2);
    assert_extension(out, &view, MEDIA_EXTENSION_VIDEO_ORIENTATION, "\xa7", 1);
    assert_extension(out, &view, MEDIA_EXTENSION_ABS_CAPTURE_TIME, "\xa9\xa9\xa9\xa9\xa9\xa9\xa9\xa9", 8);
    assert_int_equal(view.extensions[MEDIA_EXTENSION_RID].length, 0);
    assert_int_equal(view.extensions[MEDIA_EXTENSION_REPAIRED_RID].length, 0);
    assert_int_equal(view.extensions[MEDIA_EXTENSION_PLAYOUT_DELAY].length, 0);

    /* The payload: new numbers in the descriptor, the rest verbatim. */
    assert_int_equal(packet_view_read_codec(out, MEDIA_CODEC_VP8, &view), 0);
    assert_int_equal(view.vp8.picture_id, 0x7abc);
    assert_int_equal(view.vp8.tl0_picture_index, 0xee);
    assert_int_equal(view.header.payload_length, sample.view.header.payload_length);
    assert_memory_equal(out + view.header.payload_offset + view.vp8.length, "\x00vp8", 4);
}

static void test_head_and_tail(void **state)
{
    (void)state;
    struct sample sample;
    struct rewrite_state rewrite = make_state();
    struct rewrite_extensions extensions = make_extensions();
    struct rewrite_egress egress = {.now_us = 3500000};
    uint8_t whole[256], head_bytes[256];
    struct rewrite_head head;

    sample_make(&sample);
    int length = rewrite_packet(&rewrite, &extensions, sample.bytes, &sample.view, &numbers, &egress, whole,
                                sizeof(whole));
    assert_int_equal(rewrite_packet_head(&rewrite, &extensions, sample.bytes, &sample.view, &numbers, &egress,
                                         head_bytes, sizeof(head_bytes), &head),
                     0);
    assert_int_equal(head.head_bytes + head.tail_bytes, length);
    assert_int_equal(head.head_bytes - head.clear_bytes, sample.view.vp8.length);
    assert_memory_equal(head_bytes, whole, head.head_bytes);
    assert_memory_equal(sample.bytes + head.tail_offset, whole + head.head_bytes, head.tail_bytes);

    /* Without a counter there is no transport-wide number. */
    struct rtp_header header;
    struct rtp_ext_element element;
    assert_int_equal(rtp_parse(whole, (size_t)length, &header), 0);
    assert_false(rtp_ext_find(whole, &header, 10, &element));
}

static void test_no_extensions(void **state)
{
    (void)state;
    struct sample sample;
    struct rewrite_state rewrite = make_state();
    struct rewrite_extensions extensions = {.mid_length = 2, .mid = "17"};
    uint16_t transport_sequence = 5;
    struct rewrite_egress egress = {.transport_sequence = &transport_sequence};
    struct rtp_header header;
    uint8_t out[256];

    sample_make(&sample);
    sample.view.has_vp8 = false;
    int length = rewrite_packet(&rewrite, &extensions, sample.bytes, &sample.view, &numbers, &egress, out,
                                sizeof(out));
    assert_int_equal(rtp_parse(out, (size_t)length, &header), 0);
    assert_false(header.has_extension);
    assert_int_equal(header.payload_offset, 20);
    assert_int_equal(transport_sequence, 5);
    assert_memory_equal(out + 20, packet_view_payload(sample.bytes, &sample.view), header.payload_length);
}

static void test_every_size_of_buffer(void **state)
{
    (void)state;
    struct sample sample;
    struct rewrite_state rewrite = make_state();
    struct rewrite_extensions extensions = make_extensions();
    uint16_t transport_sequence = 5;
    struct rewrite_egress egress = {.transport_sequence = &transport_sequence};
    uint8_t out[256];

    sample_make(&sample);
    int needed = rewrite_packet(&rewrite, &extensions, sample.bytes, &sample.view, &numbers, &egress, out,
                                sizeof(out));
    for (int size = 0; size < needed; size++) {
        struct rewrite_head head;
        memset(out, 0x77, sizeof(out));
        assert_int_equal(rewrite_packet(&rewrite, &extensions, sample.bytes, &sample.view, &numbers, &egress,
                                        out, (size_t)size),
                         -EMSGSIZE);
        int error = rewrite_packet_head(&rewrite, &extensions, sample.bytes, &sample.view, &numbers, &egress,
                                        out, (size_t)size, &head);
        assert_true(error == -EMSGSIZE || (error == 0 && head.head_bytes <= size));
        transport_sequence -= error == 0;
        for (size_t i = (size_t)size; i < sizeof(out); i++)
            assert_int_equal(out[i], 0x77);
    }
    assert_int_equal(transport_sequence, 6);
}

static void test_view_of_another_packet(void **state)
{
    (void)state;
    struct sample sample;
    struct rewrite_state rewrite = make_state();
    struct rewrite_extensions extensions = make_extensions();
    struct rewrite_egress egress = {.now_us = 1};
    struct rewrite_head head;
    uint8_t out[256];

    sample_make(&sample);
    struct packet_view view = sample.view;
    view.vp8.length = (uint8_t)(view.header.payload_length + 1);
    assert_int_equal(
        rewrite_packet_head(&rewrite, &extensions, sample.bytes, &view, &numbers, &egress, out, 256, &head),
        -EBADMSG);
    view = sample.view;
    view.header.csrc_count = 16;
    assert_int_equal(
        rewrite_packet_head(&rewrite, &extensions, sample.bytes, &view, &numbers, &egress, out, 256, &head),
        -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_of_a_packet),        cmocka_unit_test(test_head_and_tail),
        cmocka_unit_test(test_no_extensions),          cmocka_unit_test(test_every_size_of_buffer),
        cmocka_unit_test(test_view_of_another_packet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
