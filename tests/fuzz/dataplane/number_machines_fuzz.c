/* Sequence numbers, times and reports in any order: nothing overflows, no output number comes twice, every
 * feedback parses. Input: operations of one byte, each with up to nine bytes of its own. */
#include <stdlib.h>
#include <string.h>

#include "dataplane/nack.h"
#include "dataplane/receive_stats.h"
#include "dataplane/rewrite.h"
#include "dataplane/score.h"
#include "dataplane/send_stats.h"
#include "dataplane/sent_map.h"
#include "dataplane/twcc_feedback.h"
#include "proto/wire/twcc_builder.h"

#define NUMBERS (1u << 20)

static void require(bool holds)
{
    if (!holds)
        abort();
}

struct machines {
    struct rewrite_state rewrite;
    struct receive_stats receive;
    struct send_stats send;
    struct sender_clock clock;
    struct twcc_feedback_state twcc;
    struct score score;
    struct nack_list nacks;
    uint8_t used[NUMBERS];
};

/* The way back from a number that has just been given out. */
static void machines_find(const struct machines *machines, uint16_t input, uint64_t output)
{
    struct sent_number number;
    require(sent_map_find(&machines->rewrite, (uint16_t)output, &number) == 0);
    require(number.input == input && number.sequence == output);
}

static void machines_send(struct machines *machines, const struct rtp_header *header, uint64_t now_us)
{
    struct rewrite_numbers numbers;
    if (rewrite_sequence(&machines->rewrite, header, now_us, &numbers) != 0)
        return;
    require(!machines->used[numbers.sequence % NUMBERS]);
    machines->used[numbers.sequence % NUMBERS] = 1;
    machines_find(machines, header->sequence, numbers.sequence);
    send_stats_packet(&machines->send, 100, now_us);
}

/* Somebody asks for a number: it was given out, or is not answered. */
static void machines_ask(const struct machines *machines, uint16_t output)
{
    struct sent_number number;
    if (sent_map_find(&machines->rewrite, output, &number) == 0)
        require((uint16_t)number.sequence == output && number.sequence <= machines->rewrite.highest_out);
}

/* A packet comes, and what is missing is asked for. */
static void machines_receive(struct machines *machines, const struct rtp_header *header, bool repair,
                             uint64_t now_us)
{
    static struct nack_turn turn;
    uint64_t highest = machines->receive.highest;
    if (repair) {
        if (receive_stats_repaired(&machines->receive, header->sequence, 100, now_us))
            nack_arrived(&machines->nacks, header->sequence, true, 0, now_us);
        return;
    }
    switch (receive_stats_packet(&machines->receive, header, 100, now_us)) {
    case RECEIVE_NEXT:
        if (machines->receive.highest - highest > 1)
            nack_missed(&machines->nacks, (uint16_t)(highest + 1),
                        (uint32_t)(machines->receive.highest - highest - 1), now_us);
        break;
    case RECEIVE_LATE:
        nack_arrived(&machines->nacks, header->sequence, false, 0, now_us);
        break;
    case RECEIVE_RESTART:
        nack_reset(&machines->nacks);
        break;
    default:
        return;
    }
    if (header->marker)
        nack_key_frame(&machines->nacks, header->sequence);
    nack_turn(&machines->nacks, 30000, now_us, &turn);
    require(machines->nacks.count <= NACK_LIST_MAX && turn.count <= NACK_LIST_MAX);
    require((turn.next_us == UINT64_MAX) == (machines->nacks.count == 0));
    require(turn.next_us == UINT64_MAX || turn.next_us >= now_us);
}

static void machines_sync(struct machines *machines, const struct rtp_header *header, uint8_t flags,
                          uint64_t now_us)
{
    struct stream_clock clock = receive_stats_clock(&machines->receive);
    struct rewrite_start start = {.sequence = header->sequence,
                                  .timestamp = header->timestamp,
                                  .same_stream = flags & 1,
                                  .from = clock,
                                  .to = clock,
                                  .now_us = now_us,
                                  .squeeze = flags & 2,
                                  .squeeze_end = header->timestamp + ((uint32_t)flags << 12)};
    uint32_t before = machines->rewrite.last_timestamp;
    bool sent = machines->send.packets > 0;
    struct rewrite_numbers numbers;
    rewrite_sync(&machines->rewrite, &start);
    require(rewrite_sequence(&machines->rewrite, header, now_us, &numbers) == 0);
    require(!sent || (int32_t)(numbers.timestamp - before) > 0);
    require(!machines->used[numbers.sequence % NUMBERS]);
    machines->used[numbers.sequence % NUMBERS] = 1;
    machines_find(machines, header->sequence, numbers.sequence);
    send_stats_packet(&machines->send, 100, now_us);
}

static void machines_feedback(struct machines *machines, uint64_t now_us)
{
    uint8_t buffer[TWCC_BUILDER_BYTES];
    for (int packets = 0; packets < 1000; packets++) {
        int length = twcc_feedback_write(&machines->twcc, 1, now_us, buffer, sizeof(buffer));
        struct rtcp_iterator iterator;
        struct rtcp_packet packet;
        struct twcc_feedback feedback;
        if (length == 0)
            return;
        require(length > 0 && rtcp_begin(&iterator, buffer, (size_t)length) == 0);
        require(rtcp_next(&iterator, &packet) && twcc_parse(&packet, &feedback) == 0);
    }
    require(false); /* it must come to an end */
}

static void machines_report(struct machines *machines, uint64_t ntp, uint32_t rtp, uint64_t now_us)
{
    struct rtcp_sender_info info = {.ntp = ntp, .rtp_timestamp = rtp};
    struct rtcp_report_block block;
    sender_clock_report(&machines->clock, ntp, now_us);
    receive_stats_sender_report(&machines->receive, &info, now_us);
    if (receive_stats_report_block(&machines->receive, now_us, &block) == 0)
        send_stats_report_block(&machines->send, &block, now_us);
    struct stream_clock source = receive_stats_clock(&machines->receive);
    send_stats_sender_info(&machines->send, &machines->rewrite, &machines->clock, &source, now_us, &info);
    struct score_totals totals = {.expected = machines->receive.highest,
                                  .received = machines->receive.packets};
    score_update(&machines->score, &totals);
    require(machines->score.value <= 10);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct machines machines;
    uint64_t now_us = 1000000;

    if (size > 300) /* so that 65536 numbers a step stay within what used can tell apart */
        size = 300;
    memset(&machines, 0, sizeof(machines));
    receive_stats_init(&machines.receive, 1, 90000);
    send_stats_init(&machines.send, 90000);
    rewrite_init(&machines.rewrite, 1, 96, 1, true);
    score_init(&machines.score, &(struct score_totals){0});

    for (size_t i = 0; i + 10 <= size; i += 10) {
        const uint8_t *arguments = data + i + 1;
        struct rtp_header header = {.sequence = load_be16(arguments),
                                    .timestamp = load_be32(arguments + 2),
                                    .marker = arguments[6] & 1};
        now_us += (uint64_t)load_be16(arguments + 7) << (arguments[6] >> 4);
        switch (data[i] % 8) {
        case 0:
            machines_receive(&machines, &header, false, now_us);
            break;
        case 6:
            machines_receive(&machines, &header, true, now_us);
            break;
        case 7:
            machines_ask(&machines, header.sequence);
            break;
        case 1:
            machines_send(&machines, &header, now_us);
            break;
        case 2:
            rewrite_drop(&machines.rewrite, header.sequence);
            break;
        case 3:
            machines_sync(&machines, &header, arguments[6] >> 1, now_us);
            break;
        case 4:
            twcc_feedback_packet(&machines.twcc, header.sequence, 1, now_us);
            if (arguments[6] & 2)
                machines_feedback(&machines, now_us);
            break;
        default:
            machines_report(&machines, load_be64(arguments), header.timestamp, now_us);
            break;
        }
    }
    machines_feedback(&machines, now_us);
    return 0;
}
