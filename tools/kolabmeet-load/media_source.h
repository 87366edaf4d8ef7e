/* A microphone or camera: packets of its shape at their times, each with a stamp, over the transport of its
 * participant. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proto/wire/rtcp_report.h"
#include "shm/srtp_state.h"
#include "tools/kolabmeet-load/flow.h"
#include "tools/kolabmeet-load/loop.h"
#include "tools/kolabmeet-load/packet_history.h"
#include "tools/kolabmeet-load/tally.h"
#include "tools/kolabmeet-load/video_shape.h"

#define MEDIA_SOURCE_HEADER_MAX 64

struct packet_io;
struct transport;

/* Ids of RTP header extensions; 0: not sent. */
struct media_source_extensions {
    uint8_t mid;
    uint8_t abs_send_time;
    uint8_t transport_cc;
    uint8_t audio_level;
};

struct media_source_settings {
    bool is_video;
    bool is_even;
    double packets_per_second;
    double frames_per_second; /* video */
    uint32_t payload_bytes;
    uint32_t ssrc;
    uint8_t payload_type;
    uint32_t rtx_ssrc; /* 0: nothing is sent again */
    uint8_t rtx_payload_type;
    char mid; /* one digit */
    struct media_source_extensions extensions;
};

struct media_source {
    struct media_source_settings settings;
    struct loop *loop;
    struct packet_io *io;
    struct transport *transport;
    struct tally *tally;
    struct flow *flow;
    struct schedule_entry timer;
    struct video_shape shape;
    double due_ns; /* of the next frame, exactly */
    uint64_t start_ns;
    uint32_t first_timestamp;
    bool is_key_frame_due;

    uint8_t header[MEDIA_SOURCE_HEADER_MAX];
    uint32_t header_bytes;
    uint32_t send_time_offset; /* in header; 0: none */
    uint32_t transport_cc_offset;
    uint64_t index; /* of the next packet */
    struct srtp_send_stream srtp_stream;
    uint32_t packets;
    uint32_t octets;

    struct packet_history *history; /* NULL: nothing is sent again */
    uint64_t rtx_index;
    struct srtp_send_stream rtx_srtp_stream;
};

/* flow is the table's; the transport is connected before media_source_start(). */
void media_source_init(struct media_source *source, const struct media_source_settings *settings,
                       struct loop *loop, struct packet_io *io, struct transport *transport,
                       struct tally *tally, struct flow *flow);

void media_source_deinit(struct media_source *source);

/* Begins, or goes on, within one interval from now. Video goes on with a key frame. */
void media_source_start(struct media_source *source);
void media_source_stop(struct media_source *source);

/* Video: more frames or fewer, each of as many packets as before. */
void media_source_set_rate(struct media_source *source, double packets_per_second);

/* Video: the next frame is a key frame. */
void media_source_request_key_frame(struct media_source *source);

/* A packet that was asked for, as RTX (RFC 4588), if it is still there. */
void media_source_resend(struct media_source *source, uint16_t sequence);

void media_source_sender_info(const struct media_source *source, uint64_t now_ns,
                              struct rtcp_sender_info *ret_info);
