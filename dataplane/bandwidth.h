/* Each transport's bandwidth towards its receiver: the estimator (estimator.h) at work in the worker.
 *
 * It begins with the transport's first consumer that negotiated transport-wide feedback or REMB, where
 * control gave a first estimate. The estimate stands in the transport's row (available_bps, 0 = not known:
 * everything is allowed) and so outlives a forwarder; a new one begins there, and learns the rest anew in a
 * second. A receiver that negotiated feedback and gives none within BANDWIDTH_MUTE_US counts as not known.
 *
 * Audio carries no transport-wide numbers: its bytes count with the next packet that has one, in what was
 * sent as in what is acknowledged, so that the estimate is one of all that the transport is sent. */
#pragma once

#include "dataplane/estimator.h"
#include "dataplane/stream_table.h"
#include "proto/wire/rtcp_report.h"
#include "shm/statistics.h"

struct worker;

#define BANDWIDTH_MUTE_US 3000000u

/* Bits a second that can be sent by transport; 0 = not known. */
static inline uint32_t bandwidth_estimate_bps(const struct transport *transport)
{
    return transport->row->available_bps;
}

/* What the transport's consumers could use, all layers and audio: probes look for no more than that. 0:
 * nothing. */
static inline void bandwidth_set_desired(struct transport *transport, uint32_t bps)
{
    if (transport->estimator)
        transport->estimator->desired_bps = bps;
}

/* The transport has a new consumer. */
void bandwidth_begin(struct worker *worker, struct transport *transport);

/* The transport's packets go to another address from now on. */
void bandwidth_begin_anew(struct worker *worker, struct transport *transport);

/* RTCP of the receiver. */
void bandwidth_feedback(struct worker *worker, struct transport *transport,
                        const struct twcc_feedback *feedback);
void bandwidth_remb(struct worker *worker, struct transport *transport, uint64_t bps);
/* To be called before the block becomes the consumer's last one. */
void bandwidth_report_block(struct worker *worker, struct consumer *consumer,
                            const struct rtcp_report_block *block);

/* In each turn of the transport: silence, and whether to probe. */
void bandwidth_turn(struct worker *worker, struct transport *transport);

/* In each round: sends what is due of probes. */
void bandwidth_run(struct worker *worker);

/* All but feedback_packets. */
void bandwidth_statistics(const struct transport *transport, struct statistics_bandwidth *statistics);

/* When the next is due, if that is before otherwise_us. */
uint64_t bandwidth_next_us(const struct worker *worker, uint64_t otherwise_us);
