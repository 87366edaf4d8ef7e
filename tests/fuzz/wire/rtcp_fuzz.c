/* RTCP: any datagram is walked, each of its packets is read by every reader, whatever its type says, and
 * written anew where there is a writer. */
#include "fuzz_check.h"
#include "proto/wire/bytes.h"
#include "proto/wire/rtcp_feedback.h"
#include "proto/wire/rtcp_report.h"
#include "proto/wire/rtcp_xr.h"
#include "proto/wire/twcc_builder.h"

static uint8_t buffer[RTCP_PACKET_MAX];

/* The one packet that was written to buffer. */
static struct rtcp_packet written(int length)
{
    struct rtcp_iterator iterator;
    struct rtcp_packet packet;
    CHECK(length > 0);
    CHECK(rtcp_begin(&iterator, buffer, (size_t)length) == 0);
    CHECK(rtcp_next(&iterator, &packet));
    CHECK(packet.data + packet.length <= buffer + length);
    return packet;
}

static void read_reports(const struct rtcp_packet *packet)
{
    struct rtcp_sender_info info, info_again;
    struct rtcp_report_block blocks[RTCP_COUNT_MAX], block;
    uint32_t ssrc, ssrc_again;
    unsigned count = 0;
    while (rtcp_report_block(packet, count, &block))
        blocks[count++] = block;
    CHECK(count == 0 || count == packet->count);
    if (packet->type == RTCP_SR && rtcp_parse_sr(packet, &info) == 0) {
        struct rtcp_packet again = written(rtcp_write_sr(buffer, sizeof buffer, &info, blocks, count));
        CHECK(rtcp_parse_sr(&again, &info_again) == 0 && info_again.ntp == info.ntp);
        CHECK(memcmp(again.data + 4, packet->data + 4, again.length - 4) == 0);
    }
    if (packet->type == RTCP_RR && rtcp_parse_rr(packet, &ssrc) == 0) {
        struct rtcp_packet again = written(rtcp_write_rr(buffer, sizeof buffer, ssrc, blocks, count));
        CHECK(rtcp_parse_rr(&again, &ssrc_again) == 0 && ssrc_again == ssrc);
        CHECK(memcmp(again.data + 4, packet->data + 4, again.length - 4) == 0);
    }
}

static void read_sdes(const struct rtcp_packet *packet)
{
    struct rtcp_sdes_iterator iterator, again;
    struct rtcp_sdes_item item, item_again;
    rtcp_sdes_begin(&iterator, packet);
    while (rtcp_sdes_next(&iterator, &item) == 1) {
        touch(item.text, item.length);
        struct rtcp_packet cname =
            written(rtcp_write_sdes_cname(buffer, sizeof buffer, item.ssrc, item.text, item.length));
        rtcp_sdes_begin(&again, &cname);
        CHECK(rtcp_sdes_next(&again, &item_again) == 1);
        CHECK(item_again.length == item.length && memcmp(item_again.text, item.text, item.length) == 0);
        CHECK(rtcp_sdes_next(&again, &item_again) == 0);
    }
}

static void read_bye(const struct rtcp_packet *packet)
{
    struct rtcp_bye bye, again;
    uint32_t ssrcs[RTCP_COUNT_MAX];
    if (rtcp_parse_bye(packet, &bye) < 0)
        return;
    if (bye.reason)
        touch(bye.reason, bye.reason_length);
    for (unsigned i = 0; i < bye.count; i++)
        ssrcs[i] = rtcp_bye_ssrc(packet, i);
    if (bye.count == 0)
        return;
    struct rtcp_packet packet_again = written(rtcp_write_bye(buffer, sizeof buffer, ssrcs, bye.count));
    CHECK(rtcp_parse_bye(&packet_again, &again) == 0 && again.count == bye.count && !again.reason);
}

static void read_nack(const struct rtcp_feedback *feedback)
{
    static uint16_t sequences[17 * RTCP_PACKET_MAX / 4];
    static bool asked[UINT16_MAX + 1];
    struct rtcp_nack_iterator iterator;
    struct rtcp_feedback again;
    uint16_t sequence;
    size_t count = 0;
    rtcp_nack_begin(&iterator, feedback);
    while (rtcp_nack_next(&iterator, &sequence)) {
        CHECK(count < (size_t)17 * (feedback->fci_length / 4));
        sequences[count++] = sequence;
        asked[sequence] = true;
    }
    if (count == 0)
        return;
    struct rtcp_packet packet = written(rtcp_write_nack(buffer, sizeof buffer, 1, 2, sequences, count));
    CHECK(rtcp_parse_feedback(&packet, &again) == 0);
    CHECK(again.fci_length <= feedback->fci_length);
    rtcp_nack_begin(&iterator, &again);
    while (rtcp_nack_next(&iterator, &sequence))
        CHECK(asked[sequence]);
    rtcp_nack_begin(&iterator, &again);
    while (rtcp_nack_next(&iterator, &sequence))
        asked[sequence] = false;
    for (size_t i = 0; i < count; i++)
        CHECK(!asked[sequences[i]]);
}

static void read_feedback(const struct rtcp_packet *packet)
{
    struct rtcp_feedback feedback, again;
    struct rtcp_fir_entry entry, entry_again;
    struct rtcp_remb remb, remb_again;
    if (rtcp_parse_feedback(packet, &feedback) < 0)
        return;
    CHECK(feedback.fci + feedback.fci_length == packet->data + packet->length);
    read_nack(&feedback);
    for (size_t i = 0; rtcp_fir_entry(&feedback, i, &entry); i++) {
        struct rtcp_packet fir = written(rtcp_write_fir(buffer, sizeof buffer, 1, entry.ssrc, entry.command));
        CHECK(rtcp_parse_feedback(&fir, &again) == 0 && rtcp_fir_entry(&again, 0, &entry_again));
        CHECK(entry_again.ssrc == entry.ssrc && entry_again.command == entry.command);
    }
    if (rtcp_parse_remb(&feedback, &remb) == 0) {
        uint32_t ssrcs[RTCP_REMB_SSRCS_MAX];
        for (unsigned i = 0; i < remb.ssrc_count; i++)
            ssrcs[i] = load_be32(remb.ssrcs + (size_t)4 * i);
        struct rtcp_packet packet_again =
            written(rtcp_write_remb(buffer, sizeof buffer, 1, remb.bitrate_bps, ssrcs, remb.ssrc_count));
        CHECK(rtcp_parse_feedback(&packet_again, &again) == 0 && rtcp_parse_remb(&again, &remb_again) == 0);
        CHECK(remb_again.ssrc_count == remb.ssrc_count);
        CHECK(remb_again.bitrate_bps <= remb.bitrate_bps);
    }
}

static void read_xr(const struct rtcp_packet *packet)
{
    struct rtcp_xr_iterator iterator;
    struct rtcp_xr_block block;
    struct rtcp_xr_dlrr dlrr;
    uint32_t ssrc;
    uint64_t ntp;
    if (rtcp_xr_begin(&iterator, packet, &ssrc) < 0)
        return;
    while (rtcp_xr_next(&iterator, &block) == 1) {
        touch(block.content, block.length);
        if (rtcp_xr_parse_rrtr(&block, &ntp) == 0)
            written(rtcp_write_xr_rrtr(buffer, sizeof buffer, ssrc, ntp));
        for (size_t i = 0; rtcp_xr_dlrr(&block, i, &dlrr); i++)
            written(rtcp_write_xr_dlrr(buffer, sizeof buffer, ssrc, &dlrr, 1));
    }
}

static void read_twcc(const struct rtcp_packet *packet)
{
    static struct twcc_builder builder;
    struct twcc_feedback feedback;
    struct twcc_iterator iterator;
    struct twcc_status status;
    unsigned statuses = 0;
    if (twcc_parse(packet, &feedback) < 0)
        return;
    /* The builder's clock does not go below zero: lift all arrivals out of reach. */
    int64_t lift_us = (int64_t)TWCC_REFERENCE_US << 24;
    twcc_builder_init(&builder, 1, 2, feedback.feedback_count, feedback.base_sequence);
    twcc_begin(&iterator, &feedback);
    while (twcc_next(&iterator, &status)) {
        CHECK(status.sequence == (uint16_t)(feedback.base_sequence + statuses));
        statuses++;
        if (!status.received)
            continue;
        int result = twcc_builder_add(&builder, status.sequence, status.arrival_us + lift_us);
        if (result < 0) { /* full, or a gap of half the circle: go on from here */
            twcc_builder_init(&builder, 1, 2, 0, status.sequence);
            CHECK(twcc_builder_add(&builder, status.sequence, status.arrival_us + lift_us) == 0);
        }
        CHECK(twcc_builder_size(&builder) <= TWCC_BUILDER_BYTES);
    }
    CHECK(statuses == feedback.status_count);
    if (twcc_builder_is_empty(&builder))
        return;
    struct twcc_feedback again;
    struct rtcp_packet packet_again = written(twcc_builder_write(&builder, buffer, TWCC_BUILDER_BYTES));
    CHECK(twcc_parse(&packet_again, &again) == 0);
    CHECK(again.base_sequence == builder.base_sequence && again.status_count == builder.status_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    struct rtcp_iterator iterator;
    struct rtcp_packet packet;
    if (rtcp_begin(&iterator, data, length) < 0)
        return 0;
    const uint8_t *end = data;
    while (rtcp_next(&iterator, &packet)) {
        CHECK(packet.data >= end && packet.length >= RTCP_HEADER_BYTES);
        end = packet.data + packet.length;
        CHECK(end <= data + length);
        read_reports(&packet);
        read_sdes(&packet);
        read_bye(&packet);
        read_feedback(&packet);
        read_xr(&packet);
        read_twcc(&packet);
    }
    return 0;
}
