#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/ntp_time.h"
#include "dataplane/rtcp_report.h"
#include "proto/wire/rtcp_xr.h"

static void test_intervals(void **state)
{
    (void)state;
    assert_true(rtcp_report_next_us(RTCP_REPORT_VIDEO_US, 0, 5000000) == 6000000);
    assert_in_range(rtcp_report_next_us(RTCP_REPORT_VIDEO_US, UINT32_MAX, 5000000), 6499998, 6500000);
    assert_in_range(rtcp_report_next_us(RTCP_REPORT_AUDIO_US, 0x80000000u, 0), 6249999, 6250000);
    assert_true(rtcp_report_due(0, 0));
    assert_false(rtcp_report_due(2, 1));
}

static void test_senders_fill_compounds(void **state)
{
    (void)state;
    uint8_t buffer[2000];
    struct rtcp_compound compound;
    struct rtcp_sender_info info = {
        .ntp = 1ull << 32, .rtp_timestamp = 3, .packet_count = 4, .octet_count = 5};
    uint32_t added = 0;

    rtcp_report_begin(&compound, buffer, sizeof(buffer));
    for (;; added++) {
        info.ssrc = 100 + added;
        uint32_t before = compound.length;
        if (rtcp_report_add_sender(&compound, &info, "kolab", 5) != 0) {
            assert_int_equal(compound.length, before);
            break;
        }
    }
    assert_in_range(compound.length, 1100, RTCP_REPORT_COMPOUND_MAX);

    struct rtcp_iterator iterator;
    struct rtcp_packet packet;
    assert_int_equal(rtcp_begin(&iterator, buffer, compound.length), 0);
    for (uint32_t i = 0; i < added; i++) {
        struct rtcp_sender_info read;
        struct rtcp_sdes_iterator sdes;
        struct rtcp_sdes_item item;
        assert_true(rtcp_next(&iterator, &packet));
        assert_int_equal(packet.type, RTCP_SR);
        assert_int_equal(rtcp_parse_sr(&packet, &read), 0);
        assert_int_equal(read.ssrc, 100 + i);
        assert_int_equal(read.octet_count, 5);
        assert_true(rtcp_next(&iterator, &packet));
        assert_int_equal(packet.type, RTCP_SDES);
        rtcp_sdes_begin(&sdes, &packet);
        assert_int_equal(rtcp_sdes_next(&sdes, &item), 1);
        assert_int_equal(item.ssrc, 100 + i);
        assert_int_equal(item.type, RTCP_SDES_CNAME);
        assert_int_equal(item.length, 5);
        assert_memory_equal(item.text, "kolab", 5);
    }
    assert_false(rtcp_next(&iterator, &packet));
}

static void test_receivers_share_packets(void **state)
{
    (void)state;
    uint8_t buffer[RTCP_REPORT_COMPOUND_MAX];
    struct rtcp_compound compound;
    struct rtcp_iterator iterator;
    struct rtcp_packet packet;
    struct rtcp_report_block block = {.fraction_lost = 7, .cumulative_lost = 9, .jitter = 11};
    uint32_t ssrc = 0, count = 0;
    unsigned packets = 0;

    rtcp_report_begin(&compound, buffer, sizeof(buffer));
    for (;; count++) {
        block.ssrc = 1000 + count;
        if (rtcp_report_add_receiver(&compound, 5, &block) == -ENOSPC)
            break;
    }
    assert_int_equal(count, (RTCP_REPORT_COMPOUND_MAX - 2 * 8) / 24); /* 49 blocks in two packets */
    assert_int_equal(rtcp_begin(&iterator, buffer, compound.length), 0);
    for (uint32_t seen = 0; rtcp_next(&iterator, &packet); packets++) {
        assert_int_equal(packet.type, RTCP_RR);
        assert_int_equal(rtcp_parse_rr(&packet, &ssrc), 0);
        assert_int_equal(ssrc, 5);
        for (unsigned i = 0; rtcp_report_block(&packet, i, &block); i++, seen++) {
            assert_int_equal(block.ssrc, 1000 + seen);
            assert_int_equal(block.jitter, 11);
        }
    }
    assert_int_equal(packets, 2);
}

static void test_receivers_of_two_and_after_others(void **state)
{
    (void)state;
    uint8_t buffer[RTCP_REPORT_COMPOUND_MAX];
    struct rtcp_compound compound;
    struct rtcp_report_block block = {.ssrc = 1};
    struct rtcp_sender_info info = {.ssrc = 2};
    struct rtcp_iterator iterator;
    struct rtcp_packet packet;
    const uint8_t types[] = {RTCP_RR, RTCP_RR, RTCP_SR, RTCP_SDES, RTCP_RR};
    const uint8_t counts[] = {2, 1, 0, 1, 1};

    rtcp_report_begin(&compound, buffer, sizeof(buffer));
    rtcp_report_add_receiver(&compound, 5, &block);
    rtcp_report_add_receiver(&compound, 5, &block);
    rtcp_report_add_receiver(&compound, 6, &block);
    rtcp_report_add_sender(&compound, &info, "c", 1);
    rtcp_report_add_receiver(&compound, 6, &block); /* may not join across what stands between */
    assert_int_equal(rtcp_begin(&iterator, buffer, compound.length), 0);
    for (size_t i = 0; i < sizeof(types); i++) {
        assert_true(rtcp_next(&iterator, &packet));
        assert_int_equal(packet.type, types[i]);
        assert_int_equal(packet.count, counts[i]);
    }
    assert_false(rtcp_next(&iterator, &packet));
}

static void test_dlrr(void **state)
{
    (void)state;
    uint8_t buffer[100];
    struct rtcp_compound compound;
    struct rtcp_report_state report = {0};
    struct rtcp_iterator iterator;
    struct rtcp_packet packet;
    struct rtcp_xr_iterator xr;
    struct rtcp_xr_block block;
    struct rtcp_xr_dlrr dlrr;
    uint32_t sender;

    rtcp_report_begin(&compound, buffer, sizeof(buffer));
    assert_int_equal(rtcp_report_add_dlrr(&compound, &report, 5, 1000000), 0);
    assert_int_equal(compound.length, 0);

    rtcp_report_reference_time(&report, 0x77, 0x1122334455667788ull, 1000000);
    rtcp_report_begin(&compound, buffer, 10);
    assert_int_equal(rtcp_report_add_dlrr(&compound, &report, 5, 1250000), -ENOSPC);
    rtcp_report_begin(&compound, buffer, sizeof(buffer));
    assert_int_equal(rtcp_report_add_dlrr(&compound, &report, 5, 1250000), 0);
    assert_int_equal(rtcp_begin(&iterator, buffer, compound.length), 0);
    assert_true(rtcp_next(&iterator, &packet));
    assert_int_equal(rtcp_xr_begin(&xr, &packet, &sender), 0);
    assert_int_equal(sender, 5);
    assert_int_equal(rtcp_xr_next(&xr, &block), 1);
    assert_true(rtcp_xr_dlrr(&block, 0, &dlrr));
    assert_int_equal(dlrr.ssrc, 0x77);
    assert_int_equal(dlrr.lrr, 0x33445566);
    assert_int_equal(dlrr.dlrr, 16384);

    /* Answered once. */
    uint32_t length = compound.length;
    assert_int_equal(rtcp_report_add_dlrr(&compound, &report, 5, 1250000), 0);
    assert_int_equal(compound.length, length);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_intervals),
        cmocka_unit_test(test_senders_fill_compounds),
        cmocka_unit_test(test_receivers_share_packets),
        cmocka_unit_test(test_receivers_of_two_and_after_others),
        cmocka_unit_test(test_dlrr),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
