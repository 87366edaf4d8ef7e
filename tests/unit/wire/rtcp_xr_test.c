/* Extended reports: reference time and DLRR both ways, and blocks that lie. */
#include "proto/wire/bytes.h"
#include "proto/wire/rtcp_xr.h"
#include "wire_test.h"

static struct rtcp_packet packet_of(const uint8_t *data, size_t length)
{
    struct rtcp_iterator iterator;
    struct rtcp_packet packet;
    assert_int_equal(rtcp_begin(&iterator, data, length), 0);
    assert_true(rtcp_next(&iterator, &packet));
    assert_int_equal(packet.type, RTCP_XR);
    return packet;
}

static void test_reference_time(void **state)
{
    (void)state;
    uint8_t buffer[20];
    struct rtcp_xr_iterator iterator;
    struct rtcp_xr_block block;
    struct rtcp_xr_dlrr dlrr;
    uint32_t ssrc;
    uint64_t ntp;
    assert_int_equal(rtcp_write_xr_rrtr(buffer, 19, 3, 0x0102030405060708u), -ENOSPC);
    assert_int_equal(rtcp_write_xr_rrtr(buffer, 20, 3, 0x0102030405060708u), 20);
    assert_memory_equal(buffer, "\x80\xcf\x00\x04\0\0\0\x03\x04\0\0\x02\x01\x02\x03\x04\x05\x06\x07\x08", 20);
    struct rtcp_packet packet = packet_of(buffer, 20);
    assert_int_equal(rtcp_xr_begin(&iterator, &packet, &ssrc), 0);
    assert_int_equal(ssrc, 3);
    assert_int_equal(rtcp_xr_next(&iterator, &block), 1);
    assert_int_equal(rtcp_xr_parse_rrtr(&block, &ntp), 0);
    assert_true(ntp == 0x0102030405060708u);
    assert_false(rtcp_xr_dlrr(&block, 0, &dlrr));
    assert_int_equal(rtcp_xr_next(&iterator, &block), 0);
    block.length = 4;
    assert_int_equal(rtcp_xr_parse_rrtr(&block, &ntp), -EBADMSG);
}

static void test_dlrr(void **state)
{
    (void)state;
    const struct rtcp_xr_dlrr entries[] = {{1, 2, 3}, {0xffffffff, 0xfffffffe, 0xfffffffd}};
    uint8_t buffer[36];
    struct rtcp_xr_iterator iterator;
    struct rtcp_xr_block block;
    struct rtcp_xr_dlrr got;
    uint32_t ssrc;
    uint64_t ntp;
    assert_int_equal(rtcp_write_xr_dlrr(buffer, 35, 3, entries, 2), -ENOSPC);
    assert_int_equal(rtcp_write_xr_dlrr(buffer, 0, 3, entries, 2), -ENOSPC);
    assert_int_equal(rtcp_write_xr_dlrr(buffer, SIZE_MAX, 3, entries, 30000), -ENOSPC);
    assert_int_equal(rtcp_write_xr_dlrr(buffer, 36, 3, entries, 0), -EINVAL);
    assert_int_equal(rtcp_write_xr_dlrr(buffer, 36, 3, entries, 2), 36);
    struct rtcp_packet packet = packet_of(buffer, 36);
    assert_int_equal(rtcp_xr_begin(&iterator, &packet, &ssrc), 0);
    assert_int_equal(rtcp_xr_next(&iterator, &block), 1);
    assert_int_equal(rtcp_xr_parse_rrtr(&block, &ntp), -EBADMSG);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(rtcp_xr_dlrr(&block, i, &got));
        assert_true(got.ssrc == entries[i].ssrc && got.lrr == entries[i].lrr && got.dlrr == entries[i].dlrr);
    }
    assert_false(rtcp_xr_dlrr(&block, 2, &got));
    assert_int_equal(rtcp_xr_next(&iterator, &block), 0);
}

static void test_blocks_that_lie(void **state)
{
    (void)state;
    uint8_t bytes[24] = {0x80, 207, 0, 5, 0, 0, 0, 1, 5, 0, 0, 3};
    for (unsigned words = 0; words < 65536; words++) {
        struct rtcp_xr_iterator iterator;
        struct rtcp_xr_block block;
        struct rtcp_xr_dlrr dlrr;
        uint32_t ssrc;
        store_be16(bytes + 10, (uint16_t)words);
        struct rtcp_packet packet = packet_of(bytes, sizeof bytes);
        assert_int_equal(rtcp_xr_begin(&iterator, &packet, &ssrc), 0);
        assert_int_equal(rtcp_xr_next(&iterator, &block), words <= 3 ? 1 : -EBADMSG);
        if (words <= 3)
            assert_int_equal(rtcp_xr_dlrr(&block, 0, &dlrr), words == 3);
    }
}

static void test_short_packets(void **state)
{
    (void)state;
    const uint8_t data[12] = {0x80, 207, 0, 2, 0, 0, 0, 1, 5, 0, 0, 0};
    struct rtcp_packet packet = {.data = data, .type = RTCP_XR};
    struct rtcp_xr_iterator iterator;
    struct rtcp_xr_block block;
    uint32_t ssrc;
    for (packet.length = 4; packet.length < 8; packet.length++)
        assert_int_equal(rtcp_xr_begin(&iterator, &packet, &ssrc), -EBADMSG);
    assert_int_equal(rtcp_xr_begin(&iterator, &packet, &ssrc), 0);
    assert_int_equal(rtcp_xr_next(&iterator, &block), 0);
    for (packet.length = 9; packet.length < 12; packet.length++) {
        assert_int_equal(rtcp_xr_begin(&iterator, &packet, &ssrc), 0);
        assert_int_equal(rtcp_xr_next(&iterator, &block), -EBADMSG);
    }
    assert_int_equal(rtcp_xr_begin(&iterator, &packet, &ssrc), 0);
    assert_int_equal(rtcp_xr_next(&iterator, &block), 1);
    assert_int_equal(block.length, 0);
    assert_int_equal(rtcp_xr_next(&iterator, &block), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference_time),
        cmocka_unit_test(test_dlrr),
        cmocka_unit_test(test_blocks_that_lie),
        cmocka_unit_test(test_short_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
