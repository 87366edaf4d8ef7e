/* RTP headers: every field, every truncation, and numbers that wrap. */
#include "proto/wire/rtp.h"
#include "wire_test.h"

/* Version 2, padding, extension, two CSRCs; marker, type 96; extension of one word; payload "pay"; padding 3.
 */
static const uint8_t full[] = {
    0xb2, 0xe0, 0x12, 0x34, 0x01, 0x02, 0x03, 0x04, 0xca, 0xfe, 0xba, 0xbe, 0,   0,   0, 1, 0,
    0,    0,    2,    0xbe, 0xde, 0x00, 0x01, 0x10, 0x41, 0x00, 0x00, 'p',  'a', 'y', 0, 0, 3,
};

static void test_every_field(void **state)
{
    (void)state;
    struct rtp_header h;
    assert_int_equal(rtp_parse(full, sizeof full, &h), 0);
    assert_int_equal(h.payload_type, 96);
    assert_true(h.marker && h.has_padding && h.has_extension);
    assert_int_equal(h.csrc_count, 2);
    assert_int_equal(h.sequence, 0x1234);
    assert_int_equal(h.timestamp, 0x01020304);
    assert_true(h.ssrc == 0xcafebabe);
    assert_int_equal(h.extension_profile, 0xbede);
    assert_int_equal(h.extension_offset, 24);
    assert_int_equal(h.extension_length, 4);
    assert_int_equal(h.payload_offset, 28);
    assert_int_equal(h.payload_length, 3);
    assert_int_equal(h.padding_length, 3);
}

static void test_encrypted_padding_is_not_read(void **state)
{
    (void)state;
    struct rtp_header h;
    uint8_t data[sizeof full];
    memcpy(data, full, sizeof full);
    data[sizeof full - 1] = 0xff;
    assert_int_equal(rtp_parse(data, sizeof data, &h), -EBADMSG);
    assert_int_equal(rtp_parse_header(data, sizeof data, &h), 0);
    assert_int_equal(h.payload_length, 6);
    assert_int_equal(h.padding_length, 0);
    assert_true(h.has_padding);
}

static void test_every_truncation(void **state)
{
    (void)state;
    for (size_t length = 0; length < 60; length++) {
        uint8_t bytes[60] = {0};
        memcpy(bytes, full, sizeof full);
        uint8_t *data = exact_copy(bytes, length);
        struct rtp_header h;
        assert_int_equal(rtp_parse_header(data, length, &h), length < 28 ? -EBADMSG : 0);
        if (length >= 28)
            assert_int_equal(h.payload_length, length - 28);
        if (rtp_parse(data, length, &h) == 0)
            assert_int_equal(h.payload_offset + h.payload_length + h.padding_length, length);
        free(data);
    }
}

static void test_padding_counts(void **state)
{
    (void)state;
    for (unsigned payload = 0; payload < 20; payload++) {
        for (unsigned count = 0; count < 256; count++) {
            uint8_t bytes[12 + 20] = {0xa0};
            struct rtp_header h;
            if (payload > 0)
                bytes[12 + payload - 1] = (uint8_t)count;
            uint8_t *data = exact_copy(bytes, 12 + payload);
            bool good = payload > 0 && count > 0 && count <= payload;
            assert_int_equal(rtp_parse(data, 12 + payload, &h), good ? 0 : -EBADMSG);
            if (good)
                assert_int_equal(h.payload_length, payload - count);
            free(data);
        }
    }
}

static void test_versions_and_lengths(void **state)
{
    (void)state;
    struct rtp_header h;
    uint8_t data[16] = {0};
    for (unsigned version = 0; version < 4; version++) {
        data[0] = (uint8_t)(version << 6);
        assert_int_equal(rtp_parse(data, 12, &h), version == 2 ? 0 : -EBADMSG);
    }
    data[0] = 0x8f; /* fifteen CSRCs in sixteen bytes */
    assert_int_equal(rtp_parse(data, sizeof data, &h), -EBADMSG);
    data[0] = 0x90; /* an extension of 65535 words */
    data[14] = data[15] = 0xff;
    assert_int_equal(rtp_parse(data, sizeof data, &h), -EBADMSG);
    data[14] = data[15] = 0;
    assert_int_equal(rtp_parse(data, sizeof data, &h), 0);
    assert_int_equal(h.extension_length, 0);
    assert_int_equal(h.extension_offset, 16);
    assert_int_equal(h.payload_length, 0);

    uint8_t *large = calloc(1, RTP_PACKET_MAX + 1);
    assert_non_null(large);
    large[0] = 0x80;
    assert_int_equal(rtp_parse(large, RTP_PACKET_MAX, &h), 0);
    assert_int_equal(h.payload_length, RTP_PACKET_MAX - 12);
    assert_int_equal(rtp_parse(large, RTP_PACKET_MAX + 1, &h), -EBADMSG);
    free(large);
}

static void test_setters(void **state)
{
    (void)state;
    uint8_t data[sizeof full];
    struct rtp_header h;
    memcpy(data, full, sizeof full);
    rtp_set_payload_type(data, 0xff);
    rtp_set_marker(data, false);
    rtp_set_sequence(data, 0xabcd);
    rtp_set_timestamp(data, 0xdeadbeef);
    rtp_set_ssrc(data, 0x87654321);
    assert_int_equal(rtp_parse(data, sizeof data, &h), 0);
    assert_int_equal(h.payload_type, 127);
    assert_false(h.marker);
    assert_int_equal(h.sequence, 0xabcd);
    assert_true(h.timestamp == 0xdeadbeef && h.ssrc == 0x87654321);
    rtp_set_marker(data, true);
    rtp_set_payload_type(data, 5);
    assert_int_equal(data[1], 0x85);
    assert_memory_equal(data + 12, full + 12, sizeof full - 12);
}

static void test_write_fixed_header(void **state)
{
    (void)state;
    struct rtp_header in = {.payload_type = 111,
                            .marker = true,
                            .has_extension = true,
                            .has_padding = true,
                            .sequence = 65535,
                            .timestamp = 7,
                            .ssrc = 0xffffffff};
    uint8_t data[12];
    rtp_write_fixed_header(data, &in);
    assert_memory_equal(data, "\xb0\xef\xff\xff\x00\x00\x00\x07\xff\xff\xff\xff", 12);
    in = (struct rtp_header){.payload_type = 0x80 | 1};
    rtp_write_fixed_header(data, &in);
    assert_memory_equal(data, "\x80\x01\0\0\0\0\0\0\0\0\0\0", 12);
}

static void test_sequence_order(void **state)
{
    (void)state;
    for (unsigned from = 0; from < 65536; from += 257) {
        for (unsigned to = 0; to < 65536; to++) {
            unsigned ahead = (to - from) & 0xffff;
            assert_int_equal(rtp_seq_newer((uint16_t)to, (uint16_t)from), ahead > 0 && ahead < 32768);
        }
    }
    assert_int_equal(rtp_seq_delta(0, 65535), 1);
    assert_int_equal(rtp_seq_delta(65535, 0), -1);
    assert_int_equal(rtp_seq_delta(32768, 0), -32768);
    assert_true(rtp_timestamp_newer(5, 0xfffffff0));
    assert_false(rtp_timestamp_newer(0xfffffff0, 5));
    assert_false(rtp_timestamp_newer(5, 5));
}

/* Against a 64-bit oracle: jumps of up to half the circle, both ways, over many wraps. */
static void test_unwrap(void **state)
{
    (void)state;
    uint64_t random = 42;
    int64_t truth = 70000, sequence = truth;
    int64_t time_truth = 5000000000, time = time_truth;
    for (unsigned i = 0; i < 2000000; i++) {
        truth += (int64_t)(next_random(&random) % 65536) - 32768 + 100;
        if (truth < 70000 || truth - sequence > 32767 || truth - sequence < -32768)
            truth = sequence + 1;
        sequence = rtp_seq_unwrap(sequence, (uint16_t)truth);
        assert_true(sequence == truth);
        time_truth += (int64_t)(next_random(&random) % 0xffffffff) - INT32_MAX;
        if (time_truth < 5000000000)
            time_truth = time + 3000;
        time = rtp_timestamp_unwrap(time, (uint32_t)time_truth);
        assert_true(time == time_truth);
    }
    assert_true(rtp_seq_unwrap(0, 65535) == -1);
    assert_true(rtp_seq_unwrap(65536, 65535) == 65535);
    assert_true(rtp_seq_unwrap(65535, 0) == 65536);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field),
        cmocka_unit_test(test_encrypted_padding_is_not_read),
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_padding_counts),
        cmocka_unit_test(test_versions_and_lengths),
        cmocka_unit_test(test_setters),
        cmocka_unit_test(test_write_fixed_header),
        cmocka_unit_test(test_sequence_order),
        cmocka_unit_test(test_unwrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
