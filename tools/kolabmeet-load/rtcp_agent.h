/* RTCP of one transport of a participant, as a browser sends it: reports and CNAME every second, feedback
 * about congestion, a key-frame request at the start of a video; and what comes in. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/kolabmeet-load/loop.h"
#include "tools/kolabmeet-load/media_sink.h"
#include "tools/kolabmeet-load/media_source.h"
#include "tools/kolabmeet-load/options.h"

#define RTCP_AGENT_SOURCES_MAX 2

struct transport;

struct rtcp_agent {
    struct loop *loop;
    struct packet_io *io;
    struct transport *transport;
    struct tally *tally;
    enum feedback_kind feedback;
    bool is_nacking; /* set before rtcp_agent_start() */
    uint32_t ssrc;   /* of who only receives */
    char cname[17];
    struct schedule_entry report_timer;
    struct schedule_entry feedback_timer;
    struct schedule_entry nack_timer;
    struct media_source *sources[RTCP_AGENT_SOURCES_MAX];
    size_t source_count;
    struct media_sink **sinks;
    size_t sink_count;
    size_t sink_capacity;
};

/* The transport is connected before rtcp_agent_start(). */
void rtcp_agent_init(struct rtcp_agent *agent, struct loop *loop, struct packet_io *io,
                     struct transport *transport, struct tally *tally, enum feedback_kind feedback,
                     uint32_t ssrc);
void rtcp_agent_deinit(struct rtcp_agent *agent);
void rtcp_agent_start(struct rtcp_agent *agent);

void rtcp_agent_add_source(struct rtcp_agent *agent, struct media_source *source);
void rtcp_agent_add_sink(struct rtcp_agent *agent, struct media_sink *sink);
void rtcp_agent_remove_sink(struct rtcp_agent *agent, const struct media_sink *sink);

/* An authentic compound. */
void rtcp_agent_receive(struct rtcp_agent *agent, const uint8_t *data, size_t length);
