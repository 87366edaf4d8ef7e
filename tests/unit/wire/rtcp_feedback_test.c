/* NACK, PLI, FIR and REMB: both ways, and counts that lie. */
#include "proto/wire/bytes.h"
#include "proto/wire/rtcp_feedback.h"
#include "wire_test.h"

static struct rtcp_feedback only_feedback(const void *bytes, size_t length, uint8_t type, uint8_t format,
                                          void **ret_block)
{
    struct rtcp_iterator iterator;
    struct rtcp_packet packet;
    struct rtcp_feedback feedback;
    *ret_block = exact_copy(bytes, length);
    assert_int_equal(rtcp_begin(&iterator, *ret_block, length), 0);
    assert_true(rtcp_next(&iterator, &packet));
    assert_int_equal(packet.type, type);
    assert_int_equal(packet.count, format);
    assert_int_equal(rtcp_parse_feedback(&packet, &feedback), 0);
    return feedback;
}

static void test_common_part(void **state)
{
    (void)state;
    struct rtcp_feedback feedback;
    uint8_t data[16] = {0x81, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 'f', 'c', 'i', 0};
    struct rtcp_packet packet = {.data = data, .length = 16, .type = RTCP_PSFB, .count = 1};
    assert_int_equal(rtcp_parse_feedback(&packet, &feedback), 0);
    assert_true(feedback.sender_ssrc == 1 && feedback.media_ssrc == 2);
    assert_true(feedback.fci == data + 12 && feedback.fci_length == 4);
    for (packet.length = 4; packet.length < 12; packet.length++)
        assert_int_equal(rtcp_parse_feedback(&packet, &feedback), -EBADMSG);
}

static void check_nack(const uint16_t *sequences, size_t count, size_t items)
{
    uint8_t buffer[1024];
    struct rtcp_nack_iterator iterator;
    uint16_t sequence;
    void *held;
    int length = rtcp_write_nack(buffer, sizeof buffer, 5, 6, sequences, count);
    assert_int_equal(length, 12 + 4 * items);
    assert_int_equal(rtcp_write_nack(buffer, (size_t)length - 1, 5, 6, sequences, count), -ENOSPC);
    struct rtcp_feedback feedback = only_feedback(buffer, (size_t)length, RTCP_RTPFB, RTCP_RTPFB_NACK, &held);
    assert_true(feedback.sender_ssrc == 5 && feedback.media_ssrc == 6);
    rtcp_nack_begin(&iterator, &feedback);
    for (size_t i = 0; i < count; i++) {
        assert_true(rtcp_nack_next(&iterator, &sequence));
        assert_int_equal(sequence, sequences[i]);
    }
    assert_false(rtcp_nack_next(&iterator, &sequence));
    free(held);
}

#define CHECK_NACK(items, ...)                                                                               \
    check_nack((const uint16_t[]){__VA_ARGS__}, COUNT_OF(((const uint16_t[]){__VA_ARGS__})), items)

static void test_nack(void **state)
{
    (void)state;
    CHECK_NACK(1, 100);
    CHECK_NACK(1, 100, 101, 116);
    CHECK_NACK(2, 100, 117);
    CHECK_NACK(1, 65530, 65535, 0, 10); /* around the wrap */
    CHECK_NACK(2, 100, 50);             /* out of order */
    CHECK_NACK(1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
    CHECK_NACK(2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17);
    uint8_t buffer[64];
    assert_int_equal(rtcp_write_nack(buffer, sizeof buffer, 5, 6, NULL, 0), -EINVAL);
    /* The same number twice is asked for once. */
    assert_int_equal(rtcp_write_nack(buffer, sizeof buffer, 5, 6, (const uint16_t[]){9, 9, 9}, 3), 16);
    assert_int_equal(load_be32(buffer + 12), 9 << 16);
}

static void test_nack_round_trip(void **state)
{
    (void)state;
    uint64_t random = 99;
    for (unsigned round = 0; round < 20000; round++) {
        uint16_t sequences[64];
        size_t count = 1 + next_random(&random) % 64;
        uint16_t sequence = (uint16_t)next_random(&random);
        uint8_t buffer[12 + 4 * 64];
        struct rtcp_nack_iterator iterator;
        void *held;
        for (size_t i = 0; i < count; i++) {
            sequence = (uint16_t)(sequence + 1 + next_random(&random) % 20);
            sequences[i] = sequence;
        }
        int length = rtcp_write_nack(buffer, sizeof buffer, 1, 2, sequences, count);
        assert_true(length >= 16);
        struct rtcp_feedback feedback =
            only_feedback(buffer, (size_t)length, RTCP_RTPFB, RTCP_RTPFB_NACK, &held);
        rtcp_nack_begin(&iterator, &feedback);
        for (size_t i = 0; i < count; i++) {
            assert_true(rtcp_nack_next(&iterator, &sequence));
            assert_int_equal(sequence, sequences[i]);
        }
        assert_false(rtcp_nack_next(&iterator, &sequence));
        free(held);
    }
}

static void test_nack_beyond_the_length_field(void **state)
{
    (void)state;
    static uint16_t sequences[70000];
    static uint8_t buffer[RTCP_PACKET_MAX + 64];
    for (size_t i = 0; i < COUNT_OF(sequences); i++)
        sequences[i] = (uint16_t)(17 * i); /* an item each */
    size_t fits = (RTCP_PACKET_MAX - RTCP_FEEDBACK_BYTES) / 4;
    assert_int_equal(rtcp_write_nack(buffer, sizeof buffer, 1, 2, sequences, fits), RTCP_PACKET_MAX);
    assert_int_equal(load_be16(buffer + 2), 0xffff);
    assert_int_equal(rtcp_write_nack(buffer, sizeof buffer, 1, 2, sequences, fits + 1), -ENOSPC);
}

static void test_torn_nack_item(void **state)
{
    (void)state;
    /* Padding leaves two bytes of the only item: it does not count. */
    const uint8_t data[] = {0xa1, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 9, 0, 2};
    struct rtcp_nack_iterator iterator;
    uint16_t sequence;
    void *held;
    struct rtcp_feedback feedback = only_feedback(data, sizeof data, RTCP_RTPFB, RTCP_RTPFB_NACK, &held);
    rtcp_nack_begin(&iterator, &feedback);
    assert_false(rtcp_nack_next(&iterator, &sequence));
    free(held);
}

static void test_pli(void **state)
{
    (void)state;
    uint8_t buffer[12];
    void *held;
    assert_int_equal(rtcp_write_pli(buffer, 11, 1, 2), -ENOSPC);
    assert_int_equal(rtcp_write_pli(buffer, 12, 1, 2), 12);
    assert_memory_equal(buffer, "\x81\xce\x00\x02\x00\x00\x00\x01\x00\x00\x00\x02", 12);
    struct rtcp_feedback feedback = only_feedback(buffer, 12, RTCP_PSFB, RTCP_PSFB_PLI, &held);
    assert_true(feedback.media_ssrc == 2 && feedback.fci_length == 0);
    free(held);
}

static void test_fir(void **state)
{
    (void)state;
    uint8_t buffer[24] = {0};
    struct rtcp_fir_entry entry;
    void *held;
    assert_int_equal(rtcp_write_fir(buffer, 19, 1, 2, 200), -ENOSPC);
    assert_int_equal(rtcp_write_fir(buffer, 20, 1, 2, 200), 20);
    assert_memory_equal(buffer, "\x84\xce\x00\x04\0\0\0\x01\0\0\0\0\0\0\0\x02\xc8\0\0\0", 20);
    struct rtcp_feedback feedback = only_feedback(buffer, 20, RTCP_PSFB, RTCP_PSFB_FIR, &held);
    assert_int_equal(feedback.media_ssrc, 0);
    assert_true(rtcp_fir_entry(&feedback, 0, &entry));
    assert_true(entry.ssrc == 2 && entry.command == 200);
    assert_false(rtcp_fir_entry(&feedback, 1, &entry));
    free(held);

    store_be16(buffer + 2, 5); /* half an entry more */
    feedback = only_feedback(buffer, 24, RTCP_PSFB, RTCP_PSFB_FIR, &held);
    assert_true(rtcp_fir_entry(&feedback, 0, &entry));
    assert_false(rtcp_fir_entry(&feedback, 1, &entry));
    free(held);
}

static int read_remb(const uint8_t *data, size_t length, struct rtcp_remb *ret_remb)
{
    void *held;
    struct rtcp_feedback feedback = only_feedback(data, length, RTCP_PSFB, RTCP_PSFB_AFB, &held);
    int result = rtcp_parse_remb(&feedback, ret_remb);
    if (result == 0 && ret_remb->ssrc_count > 0)
        ret_remb->ssrc_count = load_be32(ret_remb->ssrcs); /* before the block goes */
    free(held);
    return result;
}

static void test_remb(void **state)
{
    (void)state;
    static const uint64_t rates[] = {0, 1, 262143, 262144, 262145, 1500000, 4000000000, UINT64_MAX};
    for (size_t i = 0; i < COUNT_OF(rates); i++) {
        const uint32_t ssrcs[] = {77, 78};
        uint8_t buffer[28];
        struct rtcp_remb remb;
        assert_int_equal(rtcp_write_remb(buffer, 27, 1, rates[i], ssrcs, 2), -ENOSPC);
        assert_int_equal(rtcp_write_remb(buffer, 28, 1, rates[i], ssrcs, 2), 28);
        assert_memory_equal(buffer, "\x8f\xce\x00\x06\0\0\0\x01\0\0\0\0REMB\x02", 17);
        assert_int_equal(read_remb(buffer, 28, &remb), 0);
        assert_int_equal(remb.ssrc_count, 77);
        /* Rounded down by less than one part in 2^17. */
        assert_true(remb.bitrate_bps <= rates[i]);
        assert_true(rates[i] - remb.bitrate_bps <= rates[i] >> 17);
    }
    uint8_t buffer[20];
    assert_int_equal(rtcp_write_remb(buffer, 20, 1, 5, NULL, 0), 20);
    assert_int_equal(rtcp_write_remb(buffer, 20, 1, 5, NULL, 256), -EINVAL);
}

static void test_remb_that_lies(void **state)
{
    (void)state;
    uint8_t data[] = {0x8f, 206, 0,   5,   0, 0,    0,    1,    0, 0, 0, 0,
                      'R',  'E', 'M', 'B', 1, 0xff, 0xff, 0xff, 0, 0, 0, 9};
    struct rtcp_remb remb;
    assert_int_equal(read_remb(data, 24, &remb), 0);
    assert_true(remb.bitrate_bps == UINT64_MAX); /* 2^18 - 1 times 2^63 */
    data[17] = 46 << 2 | 3;                      /* the highest exponent that fits */
    assert_int_equal(read_remb(data, 24, &remb), 0);
    assert_true(remb.bitrate_bps == (uint64_t)0x3ffff << 46);
    data[17] = 47 << 2 | 3;
    assert_int_equal(read_remb(data, 24, &remb), 0);
    assert_true(remb.bitrate_bps == UINT64_MAX);
    for (unsigned count = 0; count < 256; count++) {
        data[16] = (uint8_t)count;
        assert_int_equal(read_remb(data, 24, &remb), count <= 1 ? 0 : -EBADMSG);
    }
    store_be16(data + 2, 3);
    assert_int_equal(read_remb(data, 16, &remb), -EBADMSG); /* the name and nothing more */
    data[15] = 'X';
    assert_int_equal(read_remb(data, 16, &remb), -ENOMSG);
    store_be16(data + 2, 2);
    assert_int_equal(read_remb(data, 12, &remb), -ENOMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_common_part),
        cmocka_unit_test(test_nack),
        cmocka_unit_test(test_nack_round_trip),
        cmocka_unit_test(test_nack_beyond_the_length_field),
        cmocka_unit_test(test_torn_nack_item),
        cmocka_unit_test(test_pli),
        cmocka_unit_test(test_fir),
        cmocka_unit_test(test_remb),
        cmocka_unit_test(test_remb_that_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
