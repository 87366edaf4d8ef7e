/* RTCP compounds and reports: walking, writing, and lengths that lie. */
#include "proto/wire/bytes.h"
#include "proto/wire/rtcp.h"
#include "proto/wire/rtcp_report.h"
#include "wire_test.h"

/* The only packet of a datagram of just this size; the caller frees *ret_block. */
static struct rtcp_packet only_packet(const void *bytes, size_t length, void **ret_block)
{
    struct rtcp_iterator iterator;
    struct rtcp_packet packet, none;
    *ret_block = exact_copy(bytes, length);
    assert_int_equal(rtcp_begin(&iterator, *ret_block, length), 0);
    assert_true(rtcp_next(&iterator, &packet));
    assert_false(rtcp_next(&iterator, &none));
    return packet;
}

static void test_compound(void **state)
{
    (void)state;
    const uint8_t data[] = {
        0x80, 201, 0, 1, 0, 0, 0, 1,                         /* RR without blocks */
        0x81, 203, 0, 1, 0, 0, 0, 2,                         /* BYE */
        0x9f, 192, 0, 0,                                     /* a type nobody knows, header only */
        0xaf, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 9, 9, 0, 2, /* padded by two */
    };
    struct rtcp_iterator iterator;
    struct rtcp_packet p;
    assert_int_equal(rtcp_begin(&iterator, data, sizeof data), 0);
    assert_true(rtcp_next(&iterator, &p));
    assert_true(p.type == RTCP_RR && p.count == 0 && p.length == 8 && p.data == data);
    assert_true(rtcp_next(&iterator, &p));
    assert_true(p.type == RTCP_BYE && p.count == 1 && p.length == 8 && p.data == data + 8);
    assert_true(rtcp_next(&iterator, &p));
    assert_true(p.type == 192 && p.count == 31 && p.length == 4);
    assert_true(rtcp_next(&iterator, &p));
    assert_true(p.type == RTCP_RTPFB && p.count == 15 && p.length == 14);
    assert_false(rtcp_next(&iterator, &p));
    assert_false(rtcp_next(&iterator, &p));

    for (size_t length = 0; length < sizeof data; length++) {
        uint8_t *cut = exact_copy(data, length);
        bool whole = length == 8 || length == 16 || length == 20;
        assert_int_equal(rtcp_begin(&iterator, cut, length), whole ? 0 : -EBADMSG);
        free(cut);
    }
}

static void test_compound_that_lies(void **state)
{
    (void)state;
    struct rtcp_iterator iterator;
    uint8_t data[] = {0x80, 201, 0, 1, 0, 0, 0, 1, 0x81, 203, 0, 1, 0, 0, 0, 2};
    for (unsigned words = 0; words < 65536; words++) {
        store_be16(data + 10, (uint16_t)words);
        assert_int_equal(rtcp_begin(&iterator, data, sizeof data), words == 1 ? 0 : -EBADMSG);
    }
    store_be16(data + 10, 1);
    for (unsigned first = 0; first < 256; first++) {
        data[8] = (uint8_t)first;
        data[15] = 4; /* as padding: all but the header */
        assert_int_equal(rtcp_begin(&iterator, data, sizeof data), first >> 6 == 2 ? 0 : -EBADMSG);
    }
    data[8] = 0xa1;
    for (unsigned padding = 0; padding < 256; padding++) {
        data[15] = (uint8_t)padding;
        assert_int_equal(rtcp_begin(&iterator, data, sizeof data),
                         padding >= 1 && padding <= 4 ? 0 : -EBADMSG);
    }
    data[8] = 0x81;
    for (unsigned type = 0; type < 256; type++) {
        data[9] = (uint8_t)type;
        assert_int_equal(rtcp_begin(&iterator, data, sizeof data), type >= 192 && type <= 223 ? 0 : -EBADMSG);
    }
    const uint8_t padded_header[] = {0xa0, 201, 0, 0}; /* its length is its padding count */
    assert_int_equal(rtcp_begin(&iterator, padded_header, 4), -EBADMSG);
}

static const struct rtcp_report_block blocks[] = {
    {.ssrc = 0x11111111,
     .fraction_lost = 255,
     .cumulative_lost = -1,
     .highest_sequence = 0x00030005,
     .jitter = 90,
     .lsr = 0xaabbccdd,
     .dlsr = 65536},
    {.ssrc = 0x22222222, .fraction_lost = 1, .cumulative_lost = 0x123456},
};

static void check_block(const struct rtcp_report_block *got, const struct rtcp_report_block *expected)
{
    assert_int_equal(got->ssrc, expected->ssrc);
    assert_int_equal(got->fraction_lost, expected->fraction_lost);
    assert_int_equal(got->cumulative_lost, expected->cumulative_lost);
    assert_int_equal(got->highest_sequence, expected->highest_sequence);
    assert_int_equal(got->jitter, expected->jitter);
    assert_true(got->lsr == expected->lsr);
    assert_int_equal(got->dlsr, expected->dlsr);
}

static void test_sender_report(void **state)
{
    (void)state;
    const struct rtcp_sender_info info = {.ssrc = 0xfeedface,
                                          .ntp = 0xe0e1e2e3e4e5e6e7u,
                                          .rtp_timestamp = 0x80000000,
                                          .packet_count = 3,
                                          .octet_count = 4000};
    uint8_t buffer[28 + 48];
    struct rtcp_sender_info got;
    struct rtcp_report_block block;
    void *held;
    assert_int_equal(rtcp_write_sr(buffer, sizeof buffer - 1, &info, blocks, 2), -ENOSPC);
    assert_int_equal(rtcp_write_sr(buffer, sizeof buffer, &info, blocks, 2), sizeof buffer);
    struct rtcp_packet packet = only_packet(buffer, sizeof buffer, &held);
    assert_int_equal(packet.type, RTCP_SR);
    assert_int_equal(rtcp_parse_sr(&packet, &got), 0);
    assert_true(got.ssrc == info.ssrc && got.ntp == info.ntp && got.rtp_timestamp == info.rtp_timestamp);
    assert_true(got.packet_count == 3 && got.octet_count == 4000);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(rtcp_report_block(&packet, i, &block));
        check_block(&block, &blocks[i]);
    }
    assert_false(rtcp_report_block(&packet, 2, &block));
    free(held);
    assert_int_equal(rtcp_write_sr(buffer, sizeof buffer, &info, NULL, 0), 28);
    assert_int_equal(rtcp_write_sr(buffer, sizeof buffer, &info, blocks, 32), -EINVAL);
}

static void test_receiver_report(void **state)
{
    (void)state;
    uint8_t buffer[8 + 24];
    uint32_t ssrc;
    struct rtcp_report_block block;
    void *held;
    assert_int_equal(rtcp_write_rr(buffer, sizeof buffer - 1, 7, blocks, 1), -ENOSPC);
    assert_int_equal(rtcp_write_rr(buffer, sizeof buffer, 7, blocks, 1), sizeof buffer);
    struct rtcp_packet packet = only_packet(buffer, sizeof buffer, &held);
    assert_int_equal(rtcp_parse_rr(&packet, &ssrc), 0);
    assert_int_equal(ssrc, 7);
    assert_true(rtcp_report_block(&packet, 0, &block));
    check_block(&block, &blocks[0]);
    assert_false(rtcp_report_block(&packet, 1, &block));
    free(held);
    assert_int_equal(rtcp_write_rr(buffer, sizeof buffer, 7, NULL, 0), 8);
    assert_int_equal(rtcp_write_rr(buffer, sizeof buffer, 7, blocks, 32), -EINVAL);
}

static void test_loss_is_clamped(void **state)
{
    (void)state;
    struct rtcp_report_block extremes[2] = {{.cumulative_lost = INT32_MAX}, {.cumulative_lost = INT32_MIN}};
    struct rtcp_report_block block;
    uint8_t buffer[8 + 48];
    void *held;
    assert_int_equal(rtcp_write_rr(buffer, sizeof buffer, 7, extremes, 2), sizeof buffer);
    struct rtcp_packet packet = only_packet(buffer, sizeof buffer, &held);
    assert_true(rtcp_report_block(&packet, 0, &block));
    assert_int_equal(block.cumulative_lost, 0x7fffff);
    assert_true(rtcp_report_block(&packet, 1, &block));
    assert_int_equal(block.cumulative_lost, -0x800000);
    free(held);
}

/* Every count with every length: a report is accepted exactly when all its blocks are there. */
static void test_counts_that_lie(void **state)
{
    (void)state;
    for (unsigned words = 1; words < 200; words++) {
        uint8_t bytes[800] = {0};
        for (unsigned count = 0; count < 32; count++) {
            struct rtcp_sender_info info;
            struct rtcp_report_block block;
            struct rtcp_bye bye;
            uint32_t ssrc;
            void *held;
            rtcp_write_header(bytes, RTCP_SR, (uint8_t)count, words * 4);
            struct rtcp_packet packet = only_packet(bytes, words * 4, &held);
            bool good = words * 4 >= 28 + 24 * count;
            assert_int_equal(rtcp_parse_sr(&packet, &info), good ? 0 : -EBADMSG);
            assert_int_equal(rtcp_report_block(&packet, 0, &block), good && count > 0);
            packet.type = RTCP_RR;
            good = words * 4 >= 8 + 24 * count;
            assert_int_equal(rtcp_parse_rr(&packet, &ssrc), good ? 0 : -EBADMSG);
            assert_int_equal(rtcp_report_block(&packet, 0, &block), good && count > 0);
            good = words >= 1 + count;
            assert_int_equal(rtcp_parse_bye(&packet, &bye), good ? 0 : -EBADMSG);
            free(held);
        }
    }
}

static void test_bye(void **state)
{
    (void)state;
    const uint32_t ssrcs[] = {1, 0xffffffff};
    uint8_t buffer[64];
    struct rtcp_bye bye;
    void *held;
    assert_int_equal(rtcp_write_bye(buffer, 11, ssrcs, 2), -ENOSPC);
    assert_int_equal(rtcp_write_bye(buffer, 12, ssrcs, 2), 12);
    assert_int_equal(rtcp_write_bye(buffer, 12, ssrcs, 0), -EINVAL);
    assert_int_equal(rtcp_write_bye(buffer, 256, ssrcs, 32), -EINVAL);
    struct rtcp_packet packet = only_packet(buffer, 12, &held);
    assert_int_equal(rtcp_parse_bye(&packet, &bye), 0);
    assert_int_equal(bye.count, 2);
    assert_null(bye.reason);
    assert_int_equal(rtcp_bye_ssrc(&packet, 0), 1);
    assert_true(rtcp_bye_ssrc(&packet, 1) == 0xffffffff);
    free(held);
}

static void test_bye_reason(void **state)
{
    (void)state;
    uint8_t data[] = {0x81, 203, 0, 3, 0, 0, 0, 1, 6, 'w', 'e', 'a', 'r', 'y', '!', 0};
    for (unsigned length = 0; length < 256; length++) {
        struct rtcp_bye bye;
        void *held;
        data[8] = (uint8_t)length;
        struct rtcp_packet packet = only_packet(data, sizeof data, &held);
        assert_int_equal(rtcp_parse_bye(&packet, &bye), length <= 7 ? 0 : -EBADMSG);
        if (length == 6) {
            assert_int_equal(bye.reason_length, 6);
            assert_memory_equal(bye.reason, "weary!", 6);
        }
        free(held);
    }
}

static void test_sdes(void **state)
{
    (void)state;
    const uint8_t data[] = {
        0x83, 202, 0, 7, 0, 0, 0, 1, 1, 2, 'a', 'b', 2, 1, 'c', 0, /* CNAME, NAME, end */
        0,    0,   0, 2, 0, 0, 0, 0,                               /* no items */
        0,    0,   0, 3, 1, 0, 0, 0,                               /* an empty CNAME */
    };
    struct rtcp_sdes_iterator iterator;
    struct rtcp_sdes_item item;
    void *held;
    struct rtcp_packet packet = only_packet(data, sizeof data, &held);
    rtcp_sdes_begin(&iterator, &packet);
    assert_int_equal(rtcp_sdes_next(&iterator, &item), 1);
    assert_true(item.ssrc == 1 && item.type == RTCP_SDES_CNAME && item.length == 2);
    assert_memory_equal(item.text, "ab", 2);
    assert_int_equal(rtcp_sdes_next(&iterator, &item), 1);
    assert_true(item.ssrc == 1 && item.type == 2 && item.length == 1);
    assert_int_equal(rtcp_sdes_next(&iterator, &item), 1);
    assert_true(item.ssrc == 3 && item.type == RTCP_SDES_CNAME && item.length == 0);
    assert_int_equal(rtcp_sdes_next(&iterator, &item), 0);
    assert_int_equal(rtcp_sdes_next(&iterator, &item), 0);
    free(held);
}

static int walk_sdes(const void *bytes, size_t length)
{
    struct rtcp_sdes_iterator iterator;
    struct rtcp_sdes_item item;
    void *held;
    struct rtcp_packet packet = only_packet(bytes, length, &held);
    int result;
    rtcp_sdes_begin(&iterator, &packet);
    while ((result = rtcp_sdes_next(&iterator, &item)) == 1) {
    }
    free(held);
    return result;
}

static void test_sdes_that_lies(void **state)
{
    (void)state;
    assert_int_equal(walk_sdes("\x80\xca\x00\x00", 4), 0);
    assert_int_equal(walk_sdes("\x81\xca\x00\x00", 4), -EBADMSG); /* no chunk */
    assert_int_equal(walk_sdes("\x81\xca\x00\x01"
                               "ssrc",
                               8),
                     -EBADMSG); /* no end */
    assert_int_equal(walk_sdes("\x81\xca\x00\x02"
                               "ssrc"
                               "\x01\x02"
                               "ab",
                               12),
                     -EBADMSG);
    assert_int_equal(walk_sdes("\x81\xca\x00\x02"
                               "ssrc"
                               "\x01\x03"
                               "ab",
                               12),
                     -EBADMSG);
    assert_int_equal(walk_sdes("\x81\xca\x00\x02"
                               "ssrc"
                               "\x01\xff"
                               "ab",
                               12),
                     -EBADMSG);
    assert_int_equal(walk_sdes("\x81\xca\x00\x02"
                               "ssrc"
                               "\x01\x01"
                               "a\x01",
                               12),
                     -EBADMSG);
    assert_int_equal(walk_sdes("\x82\xca\x00\x02"
                               "ssrc"
                               "\x01\x01"
                               "a\x00",
                               12),
                     -EBADMSG); /* one of two */
    assert_int_equal(walk_sdes("\x81\xca\x00\x02"
                               "ssrc"
                               "\x01\x01"
                               "a\x00",
                               12),
                     0);
    assert_int_equal(walk_sdes("\xa2\xca\x00\x02"
                               "ssrc"
                               "\x00\x00\x00\x03",
                               12),
                     -EBADMSG); /* ends in padding */
    /* The end is the last byte before a padding of three: one chunk is whole, a second one is not there. */
    assert_int_equal(walk_sdes("\xa1\xca\x00\x03"
                               "ssrc"
                               "\x01\x02"
                               "ab\x00\x00\x00\x03",
                               16),
                     0);
    assert_int_equal(walk_sdes("\xa2\xca\x00\x03"
                               "ssrc"
                               "\x01\x02"
                               "ab\x00\x00\x00\x03",
                               16),
                     -EBADMSG);
}

static void test_sdes_cname(void **state)
{
    (void)state;
    char cname[RTCP_CNAME_MAX + 1];
    memset(cname, 'c', sizeof cname);
    for (size_t length = 0; length <= RTCP_CNAME_MAX; length++) {
        uint8_t buffer[300];
        struct rtcp_sdes_iterator iterator;
        struct rtcp_sdes_item item;
        void *held;
        memset(buffer, 0xee, sizeof buffer);
        int written = rtcp_write_sdes_cname(buffer, sizeof buffer, 9, cname, length);
        assert_int_equal(written, (10 + length + 4) / 4 * 4);
        assert_int_equal(rtcp_write_sdes_cname(buffer, (size_t)written - 1, 9, cname, length), -ENOSPC);
        struct rtcp_packet packet = only_packet(buffer, (size_t)written, &held);
        rtcp_sdes_begin(&iterator, &packet);
        assert_int_equal(rtcp_sdes_next(&iterator, &item), 1);
        assert_true(item.ssrc == 9 && item.type == RTCP_SDES_CNAME && item.length == length);
        assert_memory_equal(item.text, cname, length);
        assert_int_equal(rtcp_sdes_next(&iterator, &item), 0);
        free(held);
    }
    uint8_t buffer[300];
    assert_int_equal(rtcp_write_sdes_cname(buffer, sizeof buffer, 9, cname, RTCP_CNAME_MAX + 1), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compound),
        cmocka_unit_test(test_compound_that_lies),
        cmocka_unit_test(test_sender_report),
        cmocka_unit_test(test_receiver_report),
        cmocka_unit_test(test_loss_is_clamped),
        cmocka_unit_test(test_counts_that_lie),
        cmocka_unit_test(test_bye),
        cmocka_unit_test(test_bye_reason),
        cmocka_unit_test(test_sdes),
        cmocka_unit_test(test_sdes_that_lies),
        cmocka_unit_test(test_sdes_cname),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
