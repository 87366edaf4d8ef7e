#include "shm/statistics_fields.h"

#include <string.h>

#include "shm/media_state.h"
#include "shm/statistics.h"

#define FIELD(name, block, member, type)                                                                     \
    {                                                                                                        \
        name, offsetof(struct statistics_##block, member), STATISTICS_##type                                 \
    }
#define FIELDS(table)                                                                                        \
    {                                                                                                        \
        table, sizeof(table) / sizeof(*(table))                                                              \
    }

static const struct statistics_field transport_fields[] = {
    FIELD("worker", transport, worker, U32),
    FIELD("packetsReceived", transport, packets_received, U64),
    FIELD("bytesReceived", transport, bytes_received, U64),
    FIELD("recvBitrate", transport, receive_bitrate_bps, U32),
    FIELD("packetsSent", transport, packets_sent, U64),
    FIELD("bytesSent", transport, bytes_sent, U64),
    FIELD("sendBitrate", transport, send_bitrate_bps, U32),
    FIELD("availableOutgoingBitrate", transport, bandwidth.available_bps, U32),
    FIELD("maxIncomingBitrate", transport, max_incoming_bps, U32_KNOWN),
    FIELD("consent", transport, has_consent, U8_FLAG),
    FIELD("keys", transport, has_keys, U8_FLAG),
    FIELD("dropsSrtp", transport, drops_srtp, U64),
    FIELD("createdAtUs", transport, created_us, U64),
    FIELD("lastConsentUs", transport, last_consent_us, U64),
    FIELD("twccFeedbacks", transport, twcc_feedbacks, U32),
    FIELD("twccPacketsLost", transport, twcc_packets_lost, U32),
    FIELD("roundTripTime", transport, rtt_us, U32_MS),
};

static const struct statistics_field bandwidth_fields[] = {
    FIELD("desiredBitrate", transport, bandwidth.desired_bps, U32),
    FIELD("ackedBitrate", transport, bandwidth.acked_bps, U32),
    FIELD("delayBound", transport, bandwidth.delay_bound_bps, U32),
    FIELD("lossBound", transport, bandwidth.loss_bound_bps, U32),
    FIELD("remb", transport, bandwidth.remb_bps, U32),
    FIELD("probeBitrate", transport, bandwidth.probe_bps, U32),
    FIELD("probes", transport, bandwidth.probes, U32),
    FIELD("probesSucceeded", transport, bandwidth.probes_succeeded, U32),
    FIELD("lossPermille", transport, bandwidth.loss_permille, U32),
    FIELD("queueDelayUs", transport, bandwidth.queue_delay_us, U32),
    FIELD("pacerPackets", transport, bandwidth.pacer_packets, U32),
    FIELD("pacerQueued", transport, bandwidth.pacer_queued, U32),
    FIELD("pacerDropped", transport, bandwidth.pacer_dropped, U32),
    FIELD("copies", transport, copies, U32),
    FIELD("feedbackPackets", transport, bandwidth.feedback_packets, U32),
    FIELD("limited", transport, bandwidth.is_limited, U8_FLAG),
};

static const struct statistics_field stream_fields[] = {
    FIELD("encoding", stream, encoding, U32),
    FIELD("ssrc", stream, ssrc, U32),
    FIELD("rtxSsrc", stream, rtx_ssrc, U32_KNOWN),
    FIELD("packetCount", stream, packets, U64),
    FIELD("byteCount", stream, bytes, U64),
    FIELD("bitrate", stream, bitrate_bps, U32),
    FIELD("packetsLost", stream, packets_lost, U64),
    FIELD("fractionLost", stream, fraction_lost, U32),
    FIELD("packetsDiscarded", stream, packets_discarded, U64),
    FIELD("packetsRetransmitted", stream, packets_retransmitted, U64),
    FIELD("packetsRepaired", stream, packets_repaired, U64),
    FIELD("jitter", stream, jitter, U32),
    FIELD("roundTripTime", stream, rtt_us, U32_MS),
    FIELD("nackCount", stream, nack_count, U32),
    FIELD("nackPacketCount", stream, nack_packets, U32),
    FIELD("pliCount", stream, pli_count, U32),
    FIELD("firCount", stream, fir_count, U32),
    FIELD("keyFrames", stream, key_frames, U64),
    FIELD("score", stream, score, U32),
    FIELD("paused", stream, paused, U32_FLAG),
};

static const struct statistics_field consumer_fields[] = {
    FIELD("ssrc", consumer, ssrc, U32),
    FIELD("rtxSsrc", consumer, rtx_ssrc, U32_KNOWN),
    FIELD("packetCount", consumer, packets, U64),
    FIELD("byteCount", consumer, bytes, U64),
    FIELD("bitrate", consumer, bitrate_bps, U32),
    FIELD("packetsDropped", consumer, packets_dropped, U64),
    FIELD("packetsLost", consumer, packets_lost, U32),
    FIELD("fractionLost", consumer, fraction_lost, U8),
    FIELD("packetsRetransmitted", consumer, packets_retransmitted, U64),
    FIELD("jitter", consumer, jitter, U32),
    FIELD("roundTripTime", consumer, rtt_us, U32_MS),
    FIELD("nackCount", consumer, nack_count, U32),
    FIELD("nackPacketCount", consumer, nack_packets, U32),
    FIELD("pliCount", consumer, pli_count, U32),
    FIELD("firCount", consumer, fir_count, U32),
    FIELD("score", consumer, score, U8),
    FIELD("layerSwitches", consumer, layer_switches, U32),
    FIELD("spatialLayer", consumer, spatial_layer, I8),
    FIELD("temporalLayer", consumer, temporal_layer, I8),
    FIELD("targetSpatialLayer", consumer, target_spatial_layer, I8),
    FIELD("preferredSpatialLayer", consumer, preferred_spatial_layer, I8),
    FIELD("allowedSpatialLayer", consumer, allowed_spatial_layer, I8),
    FIELD("allowedTemporalLayer", consumer, allowed_temporal_layer, I8),
    FIELD("layerReason", consumer, layer_reason, LAYER_REASON),
    FIELD("priority", consumer, priority, U8),
    FIELD("paused", consumer, paused, U8_FLAG),
};

static const struct statistics_field audio_fields[] = {
    FIELD("audioLevel", stream, audio_loudness, DBOV),
    FIELD("audioSpeech", stream, audio_speech, U32),
};

const struct statistics_fields statistics_audio_fields = FIELDS(audio_fields);
const struct statistics_fields statistics_transport_fields = FIELDS(transport_fields);
const struct statistics_fields statistics_bandwidth_fields = FIELDS(bandwidth_fields);
const struct statistics_fields statistics_stream_fields = FIELDS(stream_fields);
const struct statistics_fields statistics_consumer_fields = FIELDS(consumer_fields);

int64_t statistics_field_integer(const struct statistics_field *field, const void *block)
{
    const uint8_t *at = (const uint8_t *)block + field->offset;
    uint64_t u64 = 0;
    uint32_t u32 = 0;

    switch ((enum statistics_field_type)field->type) {
    case STATISTICS_U8:
    case STATISTICS_U8_FLAG:
    case STATISTICS_LAYER_REASON:
        return *at;
    case STATISTICS_I8:
        return (int8_t)*at;
    case STATISTICS_U64:
        memcpy(&u64, at, sizeof(u64));
        return (int64_t)u64;
    case STATISTICS_DBOV:
        memcpy(&u32, at, sizeof(u32));
        return (int64_t)u32 - 127;
    case STATISTICS_U32:
    case STATISTICS_U32_FLAG:
    case STATISTICS_U32_MS:
    case STATISTICS_U32_KNOWN:
        memcpy(&u32, at, sizeof(u32));
        return u32;
    }
    return 0;
}

const char *statistics_layer_reason_name(int64_t reason)
{
    static const char *const names[] = {
        [LAYER_REASON_NONE] = "none",
        [LAYER_REASON_PREFERRED] = "preferred",
        [LAYER_REASON_ESTIMATE] = "estimate",
        [LAYER_REASON_DEAD] = "dead",
        [LAYER_REASON_SUSPENDED] = "suspended",
        [LAYER_REASON_NO_SOURCE] = "no source",
        [LAYER_REASON_KEY_FRAME] = "waits for a key frame",
        [LAYER_REASON_PAUSED] = "paused",
    };
    return reason >= 0 && (size_t)reason < sizeof(names) / sizeof(*names) ? names[reason] : "unknown";
}
