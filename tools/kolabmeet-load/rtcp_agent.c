#include "tools/kolabmeet-load/rtcp_agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/wire/rtcp_feedback.h"
#include "proto/wire/rtcp_report.h"
#include "tools/kolabmeet-load/clock.h"
#include "tools/kolabmeet-load/memory.h"
#include "tools/kolabmeet-load/packet_io.h"
#include "tools/kolabmeet-load/transport.h"

#define REPORT_INTERVAL_NS CLOCK_SECOND_NS
#define FEEDBACK_INTERVAL_NS (100 * CLOCK_MS_NS)
#define NACK_INTERVAL_NS (20 * CLOCK_MS_NS)
#define REMB_BPS 50000000u
#define COMPOUND_MAX (PACKET_IO_PACKET_MAX - SRTP_TRAILER_MAX)

/* ---- sending */

static size_t append(size_t length, int written)
{
    return written > 0 ? length + (size_t)written : length;
}

static void send_sender_report(struct rtcp_agent *agent, const struct media_source *source, uint64_t now_ns)
{
    uint8_t *buffer = packet_io_buffer(agent->io);
    struct rtcp_sender_info info;
    size_t length = 0;

    media_source_sender_info(source, now_ns, &info);
    length = append(length, rtcp_write_sr(buffer, COMPOUND_MAX, &info, NULL, 0));
    length = append(length, rtcp_write_sdes_cname(buffer + length, COMPOUND_MAX - length, info.ssrc,
                                                  agent->cname, strlen(agent->cname)));
    packet_io_send_rtcp(agent->io, agent->transport, length);
}

/* About sinks first to before end, at most RTCP_COUNT_MAX. */
static void send_receiver_report(struct rtcp_agent *agent, size_t first, size_t end, uint64_t now_ns)
{
    struct rtcp_report_block blocks[RTCP_COUNT_MAX];
    unsigned count = 0;

    for (size_t i = first; i < end; i++)
        if (agent->sinks[i]->reception.received > 0)
            reception_report(&agent->sinks[i]->reception, agent->sinks[i]->ssrc, now_ns, &blocks[count++]);
    uint8_t *buffer = packet_io_buffer(agent->io);
    size_t length = append(0, rtcp_write_rr(buffer, COMPOUND_MAX, agent->ssrc, blocks, count));
    length = append(length, rtcp_write_sdes_cname(buffer + length, COMPOUND_MAX - length, agent->ssrc,
                                                  agent->cname, strlen(agent->cname)));
    for (size_t i = first; i < end; i++) { /* a decoder that has nothing to begin with */
        const struct media_sink *sink = agent->sinks[i];
        if (sink->is_video && sink->reception.received == 0)
            length = append(length,
                            rtcp_write_pli(buffer + length, COMPOUND_MAX - length, agent->ssrc, sink->ssrc));
    }
    if (agent->feedback == FEEDBACK_REMB) {
        uint32_t ssrcs[RTCP_COUNT_MAX];
        for (size_t i = first; i < end; i++)
            ssrcs[i - first] = agent->sinks[i]->ssrc;
        length = append(length, rtcp_write_remb(buffer + length, COMPOUND_MAX - length, agent->ssrc, REMB_BPS,
                                                ssrcs, end - first));
    }
    packet_io_send_rtcp(agent->io, agent->transport, length);
}

static void report(void *context, uint64_t now_ns)
{
    struct rtcp_agent *agent = context;

    for (size_t i = 0; i < agent->source_count; i++)
        if (agent->sources[i]->packets > 0)
            send_sender_report(agent, agent->sources[i], now_ns);
    for (size_t first = 0; first < agent->sink_count; first += RTCP_COUNT_MAX) {
        size_t left = agent->sink_count - first;
        send_receiver_report(agent, first, first + (left < RTCP_COUNT_MAX ? left : RTCP_COUNT_MAX), now_ns);
    }
    loop_at(agent->loop, &agent->report_timer, now_ns + REPORT_INTERVAL_NS);
}

static void send_feedback(void *context, uint64_t now_ns)
{
    struct rtcp_agent *agent = context;

    while (agent->sink_count > 0 && agent->transport->twcc.count > 0) {
        uint8_t *buffer = packet_io_buffer(agent->io);
        size_t length =
            twcc_collector_write(&agent->transport->twcc, agent->sinks[0]->ssrc, buffer, COMPOUND_MAX);
        if (length == 0)
            break;
        packet_io_send_rtcp(agent->io, agent->transport, length);
    }
    loop_at(agent->loop, &agent->feedback_timer, now_ns + FEEDBACK_INTERVAL_NS);
}

static void send_nack(struct rtcp_agent *agent, const struct media_sink *sink, uint64_t now_ns)
{
    uint16_t sequences[NACK_LIST_MAX];
    size_t count = nack_list_due(sink->nacks, now_ns, sequences, NACK_LIST_MAX);

    if (count == 0)
        return;
    uint8_t *buffer = packet_io_buffer(agent->io);
    size_t length =
        append(0, rtcp_write_nack(buffer, COMPOUND_MAX, agent->ssrc, sink->ssrc, sequences, count));
    packet_io_send_rtcp(agent->io, agent->transport, length);
    agent->tally->nacks += count;
}

static void send_nacks(void *context, uint64_t now_ns)
{
    struct rtcp_agent *agent = context;

    for (size_t i = 0; i < agent->sink_count; i++)
        if (agent->sinks[i]->nacks)
            send_nack(agent, agent->sinks[i], now_ns);
    loop_at(agent->loop, &agent->nack_timer, now_ns + NACK_INTERVAL_NS);
}

/* ---- receiving */

static struct media_source *find_source(const struct rtcp_agent *agent, uint32_t ssrc)
{
    for (size_t i = 0; i < agent->source_count; i++)
        if (agent->sources[i]->settings.ssrc == ssrc)
            return agent->sources[i];
    return NULL;
}

static void take_key_frame_request(struct rtcp_agent *agent, uint32_t ssrc)
{
    struct media_source *source = find_source(agent, ssrc);

    if (!source)
        return;
    agent->tally->key_frame_requests++;
    media_source_request_key_frame(source);
}

static void take_payload_feedback(struct rtcp_agent *agent, const struct rtcp_packet *packet)
{
    struct rtcp_feedback feedback;
    struct rtcp_fir_entry entry;

    if (rtcp_parse_feedback(packet, &feedback) != 0)
        return;
    if (packet->count == RTCP_PSFB_PLI)
        take_key_frame_request(agent, feedback.media_ssrc);
    if (packet->count == RTCP_PSFB_FIR)
        for (size_t i = 0; rtcp_fir_entry(&feedback, i, &entry); i++)
            take_key_frame_request(agent, entry.ssrc);
}

static void take_transport_feedback(struct rtcp_agent *agent, const struct rtcp_packet *packet)
{
    struct rtcp_feedback feedback;
    struct rtcp_nack_iterator iterator;
    uint16_t sequence;

    if (rtcp_parse_feedback(packet, &feedback) != 0)
        return;
    if (packet->count == RTCP_RTPFB_TWCC)
        agent->tally->feedback++;
    if (packet->count != RTCP_RTPFB_NACK)
        return;
    struct media_source *source = find_source(agent, feedback.media_ssrc);
    rtcp_nack_begin(&iterator, &feedback);
    while (rtcp_nack_next(&iterator, &sequence)) {
        agent->tally->nacked++;
        if (source)
            media_source_resend(source, sequence);
    }
}

static void take_sender_report(struct rtcp_agent *agent, const struct rtcp_packet *packet)
{
    struct rtcp_sender_info info;

    if (rtcp_parse_sr(packet, &info) != 0)
        return;
    struct media_sink *sink = sink_map_find(&agent->transport->sinks, info.ssrc);
    if (sink)
        reception_take_sr(&sink->reception, info.ntp, agent->loop->now_ns);
}

void rtcp_agent_receive(struct rtcp_agent *agent, const uint8_t *data, size_t length)
{
    struct rtcp_iterator iterator;
    struct rtcp_packet packet;

    if (rtcp_begin(&iterator, data, length) != 0) {
        agent->tally->malformed++;
        return;
    }
    while (rtcp_next(&iterator, &packet)) {
        if (packet.type == RTCP_SR)
            take_sender_report(agent, &packet);
        else if (packet.type == RTCP_PSFB)
            take_payload_feedback(agent, &packet);
        else if (packet.type == RTCP_RTPFB)
            take_transport_feedback(agent, &packet);
    }
}

/* ---- life */

void rtcp_agent_init(struct rtcp_agent *agent, struct loop *loop, struct packet_io *io,
                     struct transport *transport, struct tally *tally, enum feedback_kind feedback,
                     uint32_t ssrc)
{
    *agent = (struct rtcp_agent){
        .loop = loop,
        .io = io,
        .transport = transport,
        .tally = tally,
        .feedback = feedback,
        .ssrc = ssrc,
        .report_timer = {.run = report, .context = agent},
        .feedback_timer = {.run = send_feedback, .context = agent},
        .nack_timer = {.run = send_nacks, .context = agent},
    };
    snprintf(agent->cname, sizeof agent->cname, "load%08x", ssrc);
    twcc_collector_init(&transport->twcc, ssrc);
}

void rtcp_agent_deinit(struct rtcp_agent *agent)
{
    if (agent->loop) {
        loop_cancel(agent->loop, &agent->report_timer);
        loop_cancel(agent->loop, &agent->feedback_timer);
        loop_cancel(agent->loop, &agent->nack_timer);
    }
    free(agent->sinks);
    *agent = (struct rtcp_agent){0};
}

/* Transports are spread over the interval by their SSRC. */
void rtcp_agent_start(struct rtcp_agent *agent)
{
    uint64_t phase = agent->ssrc % 1000;

    loop_at(agent->loop, &agent->report_timer, agent->loop->now_ns + phase * (REPORT_INTERVAL_NS / 1000));
    if (agent->transport->twcc_extension != 0)
        loop_at(agent->loop, &agent->feedback_timer,
                agent->loop->now_ns + phase * (FEEDBACK_INTERVAL_NS / 1000));
    if (agent->is_nacking)
        loop_at(agent->loop, &agent->nack_timer, agent->loop->now_ns + phase * (NACK_INTERVAL_NS / 1000));
}

void rtcp_agent_add_source(struct rtcp_agent *agent, struct media_source *source)
{
    agent->sources[agent->source_count++] = source;
}

void rtcp_agent_add_sink(struct rtcp_agent *agent, struct media_sink *sink)
{
    if (agent->sink_count == agent->sink_capacity) {
        agent->sink_capacity = agent->sink_capacity > 0 ? 2 * agent->sink_capacity : 4;
        agent->sinks = memory_resize(agent->sinks, agent->sink_capacity, sizeof(struct media_sink *));
    }
    agent->sinks[agent->sink_count++] = sink;
}

void rtcp_agent_remove_sink(struct rtcp_agent *agent, const struct media_sink *sink)
{
    for (size_t i = 0; i < agent->sink_count; i++)
        if (agent->sinks[i] == sink) {
            agent->sinks[i] = agent->sinks[--agent->sink_count];
            return;
        }
}
