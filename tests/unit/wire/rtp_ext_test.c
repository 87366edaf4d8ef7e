/* Header extensions: both forms, padding, the ids that end them, and values that are wrong. */
#include "proto/wire/rtp_ext.h"
#include "wire_test.h"

/* A packet with this extension block, in a heap block of just its size. */
static uint8_t *packet_with(uint16_t profile, const void *block, size_t length, struct rtp_header *ret_header)
{
    uint8_t bytes[12 + 4 + 2048] = {0x90, 96};
    assert_int_equal(length % 4, 0);
    store_be16(bytes + 12, profile);
    store_be16(bytes + 14, (uint16_t)(length / 4));
    memcpy(bytes + 16, block, length);
    uint8_t *packet = exact_copy(bytes, 16 + length);
    assert_int_equal(rtp_parse(packet, 16 + length, ret_header), 0);
    return packet;
}

struct expected {
    int result; /* of the call after the last element */
    unsigned count;
    struct rtp_ext_element elements[8];
};

static void check(uint16_t profile, const void *block, size_t length, const struct expected *expected)
{
    struct rtp_header header;
    struct rtp_ext_iterator iterator;
    struct rtp_ext_element element;
    uint8_t *packet = packet_with(profile, block, length, &header);
    rtp_ext_begin(&iterator, packet, &header);
    for (unsigned i = 0; i < expected->count; i++) {
        assert_int_equal(rtp_ext_next(&iterator, &element), 1);
        assert_int_equal(element.id, expected->elements[i].id);
        assert_int_equal(element.length, expected->elements[i].length);
        assert_int_equal(element.offset, 16 + expected->elements[i].offset);
    }
    assert_int_equal(rtp_ext_next(&iterator, &element), expected->result);
    assert_int_equal(rtp_ext_next(&iterator, &element), expected->result);
    free(packet);
}

#define CHECK(profile, literal, ...)                                                                         \
    check(profile, literal, sizeof(literal) - 1, &(struct expected){__VA_ARGS__})

static void test_one_byte(void **state)
{
    (void)state;
    CHECK(0xbede, "", 0, 0, {{0}});
    CHECK(0xbede,
          "\x10"
          "a"
          "\x32"
          "bcd"
          "\x00\x00",
          0, 2, {{1, 1, 1}, {3, 3, 3}});
    /* Padding between elements. */
    CHECK(0xbede,
          "\x00\x10"
          "a"
          "\x00\x00\x20"
          "b"
          "\x00",
          0, 2, {{1, 1, 2}, {2, 1, 6}});
    /* Id 15 ends the elements, whatever follows it. */
    CHECK(0xbede,
          "\x10"
          "a"
          "\xf0"
          "b"
          "\x20"
          "c\x00\x00",
          0, 1, {{1, 1, 1}});
    /* So does id 0 with a length. */
    CHECK(0xbede,
          "\x10"
          "a"
          "\x01"
          "b"
          "\x20"
          "c\x00\x00",
          0, 1, {{1, 1, 1}});
    /* All of a block of sixteen and one byte past it. */
    CHECK(0xbede,
          "\xef"
          "0123456789abcdef"
          "\0\0\0",
          0, 1, {{14, 16, 1}});
    CHECK(0xbede,
          "\x13"
          "abc",
          -EBADMSG, 0, {{0}});
    CHECK(0xbede,
          "\x12"
          "abc"
          "\x00\x00\x00\x2f",
          -EBADMSG, 1, {{1, 3, 1}});
    CHECK(0xbede,
          "\x12"
          "abc",
          0, 1, {{1, 3, 1}});
}

static void test_two_byte(void **state)
{
    (void)state;
    for (unsigned appbits = 0; appbits < 16; appbits++) {
        CHECK((uint16_t)(0x1000 | appbits),
              "\x01\x02"
              "ab"
              "\xff\x00"
              "\x00\x0f\x01"
              "c\x00\x00",
              0, 3, {{1, 2, 2}, {255, 0, 6}, {15, 1, 9}});
    }
    CHECK(0x1000,
          "\x01\x01"
          "a"
          "\x05",
          -EBADMSG, 1, {{1, 1, 2}}); /* an id without length */
    CHECK(0x1000,
          "\x01\x03"
          "ab",
          -EBADMSG, 0, {{0}});
    CHECK(0x1000,
          "\x01\xff"
          "ab",
          -EBADMSG, 0, {{0}});
    CHECK(0x1000, "\x00\x00\x01\x00", 0, 1, {{1, 0, 4}});
}

static void test_other_profiles_have_no_elements(void **state)
{
    (void)state;
    CHECK(0x0000,
          "\x10"
          "a\x00\x00",
          0, 0, {{0}});
    CHECK(0xbedf,
          "\x10"
          "a\x00\x00",
          0, 0, {{0}});
    CHECK(0x2000,
          "\x10"
          "a\x00\x00",
          0, 0, {{0}});

    uint8_t packet[12] = {0x80};
    struct rtp_header header;
    struct rtp_ext_element element;
    assert_int_equal(rtp_parse(packet, sizeof packet, &header), 0);
    assert_false(rtp_ext_find(packet, &header, 0, &element));
    assert_false(rtp_ext_find(packet, &header, 1, &element));
}

static void test_find(void **state)
{
    (void)state;
    struct rtp_header header;
    struct rtp_ext_element element;
    uint8_t *packet = packet_with(0xbede,
                                  "\x10"
                                  "a"
                                  "\x20"
                                  "b"
                                  "\x20"
                                  "c"
                                  "\x3f"
                                  "d",
                                  8, &header);
    assert_true(rtp_ext_find(packet, &header, 2, &element));
    assert_int_equal(packet[element.offset], 'b');
    assert_false(rtp_ext_find(packet, &header, 3, &element));
    assert_false(rtp_ext_find(packet, &header, 4, &element));
    free(packet);
}

static void test_write_one_byte(void **state)
{
    (void)state;
    const struct rtp_ext_item items[] = {{1, 1, (const uint8_t *)"0"}, {4, 3, (const uint8_t *)"abc"}};
    uint8_t buffer[12];
    memset(buffer, 0xee, sizeof buffer);
    assert_int_equal(rtp_ext_write(buffer, sizeof buffer, items, 2, RTP_EXT_FORM_AUTO), 12);
    assert_memory_equal(buffer,
                        "\xbe\xde\x00\x02\x10"
                        "0"
                        "\x42"
                        "abc\0\0",
                        12);
    assert_int_equal(rtp_ext_write(buffer, 11, items, 2, RTP_EXT_FORM_AUTO), -ENOSPC);
    assert_int_equal(rtp_ext_write(buffer, 0, NULL, 0, RTP_EXT_FORM_AUTO), 0);
}

static void test_write_two_byte(void **state)
{
    (void)state;
    uint8_t value[255];
    memset(value, 'v', sizeof value);
    const struct rtp_ext_item asked[] = {{1, 1, value}};
    const struct rtp_ext_item by_id[] = {{15, 1, value}};
    const struct rtp_ext_item by_length[] = {{1, 17, value}};
    const struct rtp_ext_item by_nothing[] = {{1, 0, NULL}};
    uint8_t buffer[64];
    assert_int_equal(rtp_ext_write(buffer, sizeof buffer, asked, 1, RTP_EXT_FORM_TWO_BYTE), 8);
    assert_memory_equal(buffer, "\x10\x00\x00\x01\x01\x01v\0", 8);
    assert_int_equal(rtp_ext_write(buffer, sizeof buffer, by_id, 1, RTP_EXT_FORM_AUTO), 8);
    assert_memory_equal(buffer, "\x10\x00\x00\x01\x0f\x01v\0", 8);
    assert_int_equal(rtp_ext_write(buffer, sizeof buffer, by_length, 1, RTP_EXT_FORM_AUTO), 24);
    assert_int_equal(rtp_ext_write(buffer, sizeof buffer, by_nothing, 1, RTP_EXT_FORM_AUTO), 8);
    assert_memory_equal(buffer, "\x10\x00\x00\x01\x01\x00\0\0", 8);

    const struct rtp_ext_item zero[] = {{0, 1, value}};
    assert_int_equal(rtp_ext_write(buffer, sizeof buffer, zero, 1, RTP_EXT_FORM_AUTO), -EINVAL);
}

/* What is written is what is read, for random lists, at every capacity around the need. */
static void test_round_trip(void **state)
{
    (void)state;
    uint64_t random = 7;
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t values[8][255];
        struct rtp_ext_item items[8];
        size_t count = 1 + next_random(&random) % 8;
        bool large = next_random(&random) % 4 == 0;
        for (size_t i = 0; i < count; i++) {
            items[i].id = (uint8_t)(1 + next_random(&random) % (large ? 255 : 14));
            items[i].length = (uint8_t)(large ? next_random(&random) % 256 : 1 + next_random(&random) % 16);
            items[i].data = values[i];
            for (unsigned j = 0; j < items[i].length; j++)
                values[i][j] = (uint8_t)next_random(&random);
        }
        uint8_t block[2560];
        int length = rtp_ext_write(block, sizeof block, items, count, RTP_EXT_FORM_AUTO);
        assert_true(length > 4 && length % 4 == 0);
        assert_int_equal(rtp_ext_write(block, (size_t)length - 1, items, count, RTP_EXT_FORM_AUTO), -ENOSPC);
        if (length > 2048)
            continue;

        struct rtp_header header;
        struct rtp_ext_iterator iterator;
        struct rtp_ext_element element;
        uint8_t *packet = packet_with(load_be16(block), block + 4, (size_t)length - 4, &header);
        rtp_ext_begin(&iterator, packet, &header);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(rtp_ext_next(&iterator, &element), 1);
            assert_int_equal(element.id, items[i].id);
            assert_int_equal(element.length, items[i].length);
            assert_memory_equal(packet + element.offset, items[i].data, items[i].length);
        }
        assert_int_equal(rtp_ext_next(&iterator, &element), 0);
        free(packet);
    }
}

static void test_tokens(void **state)
{
    (void)state;
    char token[RTP_EXT_TOKEN_MAX + 1];
    uint8_t value[RTP_EXT_TOKEN_MAX + 1];
    assert_int_equal(rtp_ext_read_token((const uint8_t *)"r0-_.~", 6, token), 0);
    assert_string_equal(token, "r0-_.~");
    memset(value, 'x', sizeof value);
    assert_int_equal(rtp_ext_read_token(value, RTP_EXT_TOKEN_MAX, token), 0);
    assert_int_equal(strlen(token), RTP_EXT_TOKEN_MAX);
    strcpy(token, "kept");
    assert_int_equal(rtp_ext_read_token(value, RTP_EXT_TOKEN_MAX + 1, token), -EBADMSG);
    assert_int_equal(rtp_ext_read_token(value, 0, token), -EBADMSG);
    for (unsigned character = 0; character < 256; character++) {
        value[1] = (uint8_t)character;
        bool good = character > 32 && character < 127 && !memchr("\"(),/:;<=>?@[\\]", (int)character, 15);
        assert_int_equal(rtp_ext_read_token(value, 3, token), good ? 0 : -EBADMSG);
    }
}

static void test_numbers(void **state)
{
    (void)state;
    uint16_t sequence = 5;
    assert_int_equal(rtp_ext_read_transport_sequence((const uint8_t *)"\xab\xcd", 2, &sequence), 0);
    assert_int_equal(sequence, 0xabcd);
    assert_int_equal(rtp_ext_read_transport_sequence((const uint8_t *)"\x01", 1, &sequence), -EBADMSG);
    assert_int_equal(rtp_ext_read_transport_sequence((const uint8_t *)"\x01\x02\x03", 3, &sequence),
                     -EBADMSG);
    assert_int_equal(sequence, 0xabcd);

    bool voice;
    uint8_t level;
    assert_int_equal(rtp_ext_read_audio_level((const uint8_t *)"\x9e", 1, &voice, &level), 0);
    assert_true(voice);
    assert_int_equal(level, 30);
    assert_int_equal(rtp_ext_read_audio_level((const uint8_t *)"\x7f", 1, &voice, &level), 0);
    assert_false(voice);
    assert_int_equal(level, 127);
    assert_int_equal(rtp_ext_read_audio_level((const uint8_t *)"", 0, &voice, &level), -EBADMSG);
    assert_int_equal(rtp_ext_read_audio_level((const uint8_t *)"ab", 2, &voice, &level), -EBADMSG);
}

static void test_abs_send_time(void **state)
{
    (void)state;
    uint32_t time;
    assert_int_equal(rtp_ext_read_abs_send_time((const uint8_t *)"\x04\x00\x01", 3, &time), 0);
    assert_int_equal(time, 1 << 18 | 1);
    assert_int_equal(rtp_ext_read_abs_send_time((const uint8_t *)"\x04\x00", 2, &time), -EBADMSG);

    assert_int_equal(rtp_ext_abs_send_time_from_us(0), 0);
    assert_int_equal(rtp_ext_abs_send_time_from_us(1000000), 1 << 18);
    assert_int_equal(rtp_ext_abs_send_time_from_us(1500000), 3 << 17);
    assert_int_equal(rtp_ext_abs_send_time_from_us(64000000), 0);
    assert_int_equal(rtp_ext_abs_send_time_from_us(UINT64_MAX) >> 24, 0);

    uint32_t late = rtp_ext_abs_send_time_from_us(63900000);
    uint32_t early = rtp_ext_abs_send_time_from_us(64100000);
    assert_in_range(rtp_ext_abs_send_time_delta_us(early, late), 199990, 200010);
    assert_in_range(-rtp_ext_abs_send_time_delta_us(late, early), 199990, 200010);
    assert_int_equal(rtp_ext_abs_send_time_delta_us(late, late), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_byte),
        cmocka_unit_test(test_two_byte),
        cmocka_unit_test(test_other_profiles_have_no_elements),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_write_one_byte),
        cmocka_unit_test(test_write_two_byte),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_abs_send_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
