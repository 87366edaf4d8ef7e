#include "dataplane/stream_demux.h"

#include <errno.h>
#include <string.h>

#define NONE SIZE_MAX

/* What a packet says of itself. */
struct claim {
    uint32_t ssrc;
    uint8_t payload_type;
    const uint8_t *mid;
    const uint8_t *rid; /* of RTX: the repaired one */
    uint8_t mid_length;
    uint8_t rid_length;
    bool is_repair; /* it carries a repaired RID */
};

static struct claim claim_read(const uint8_t *packet, const struct packet_view *view)
{
    const struct packet_extension *mid = &view->extensions[MEDIA_EXTENSION_MID];
    const struct packet_extension *repaired = &view->extensions[MEDIA_EXTENSION_REPAIRED_RID];
    const struct packet_extension *rid = &view->extensions[MEDIA_EXTENSION_RID];
    bool is_repair = repaired->length != 0;
    rid = is_repair ? repaired : rid;
    return (struct claim){
        .ssrc = view->header.ssrc,
        .payload_type = view->header.payload_type,
        .mid = packet + mid->offset,
        .mid_length = mid->length,
        .rid = packet + rid->offset,
        .rid_length = rid->length,
        .is_repair = is_repair,
    };
}

static bool token_equal(const char *ours, uint8_t our_length, const void *theirs, uint8_t their_length)
{
    return our_length == their_length && memcmp(ours, theirs, our_length) == 0;
}

int stream_demux_payload_type(const struct demux_producer *producer, uint8_t payload_type, bool is_rtx,
                              unsigned *ret_index)
{
    for (unsigned i = 0; i < producer->payload_type_count; i++) {
        const struct demux_payload_type *known = &producer->payload_types[i];
        if (is_rtx ? known->rtx != 0 && known->rtx == payload_type : known->media == payload_type) {
            *ret_index = i;
            return 0;
        }
    }
    return -EPROTO;
}

static bool demux_has_payload_type(const struct demux_producer *producer, uint8_t payload_type)
{
    unsigned index;
    return stream_demux_payload_type(producer, payload_type, false, &index) == 0 ||
           stream_demux_payload_type(producer, payload_type, true, &index) == 0;
}

static size_t demux_find_rid(const struct demux_producer *producer, const char *rid, uint8_t length)
{
    for (size_t i = 0; i < producer->encoding_count; i++)
        if (length != 0 &&
            token_equal(producer->encodings[i].rid, producer->encodings[i].rid_length, rid, length))
            return i;
    return NONE;
}

static size_t demux_find_mid(const struct demux_producer *producers, size_t count, const void *mid,
                             uint8_t length)
{
    for (size_t i = 0; i < count; i++)
        if (producers[i].producer != 0 && length != 0 &&
            token_equal(producers[i].mid, producers[i].mid_length, mid, length))
            return i;
    return NONE;
}

/* An SSRC that a producer has, as media or as RTX. */
static bool demux_find_ssrc(const struct demux_producer *producers, size_t count, uint32_t ssrc,
                            struct stream_demux_match *ret_match)
{
    for (size_t p = 0; p < count; p++) {
        for (size_t e = 0; producers[p].producer != 0 && e < producers[p].encoding_count; e++) {
            const struct demux_encoding *encoding = &producers[p].encodings[e];
            if (encoding->ssrc != ssrc && encoding->rtx_ssrc != ssrc)
                continue;
            *ret_match = (struct stream_demux_match){
                .producer = (unsigned)p, .encoding = (unsigned)e, .is_rtx = encoding->ssrc != ssrc};
            return true;
        }
    }
    return false;
}

/* The only producer that could have sent the claim, by RID if it has one, else by payload type. */
static size_t demux_find_only(const struct demux_producer *producers, size_t count, const struct claim *claim)
{
    size_t found = NONE;
    for (size_t i = 0; i < count; i++) {
        const struct demux_producer *producer = &producers[i];
        if (producer->producer == 0 || !demux_has_payload_type(producer, claim->payload_type))
            continue;
        if (claim->rid_length != 0 &&
            demux_find_rid(producer, (const char *)claim->rid, claim->rid_length) == NONE)
            continue;
        if (found != NONE)
            return NONE;
        found = i;
    }
    return found;
}

static bool demux_is_retired(const struct demux_retired *retired, uint32_t ssrc)
{
    for (size_t i = 0; i < sizeof(retired->ssrc) / sizeof(retired->ssrc[0]); i++)
        if (retired->ssrc[i] == ssrc)
            return true;
    return false;
}

/* The place inside its producer, by RID or because there is only one; learns the SSRC. */
static int demux_learn(struct demux_producer *producer, const struct claim *claim,
                       struct stream_demux_match *match)
{
    match->is_rtx = stream_demux_payload_type(producer, claim->payload_type, true, &match->payload_type) == 0;
    if (!match->is_rtx) {
        int error = stream_demux_payload_type(producer, claim->payload_type, false, &match->payload_type);
        if (error)
            return error;
    }
    size_t place = 0;
    if (claim->rid_length != 0)
        place = demux_find_rid(producer, (const char *)claim->rid, claim->rid_length);
    else if (producer->encoding_count != 1)
        place = NONE;
    if (place == NONE || (claim->is_repair && !match->is_rtx))
        return -ENOENT;

    struct demux_encoding *encoding = &producer->encodings[place];
    uint32_t *ssrc = match->is_rtx ? &encoding->rtx_ssrc : &encoding->ssrc;
    if (match->is_rtx && encoding->ssrc == 0)
        return -EAGAIN;
    if (*ssrc != 0)
        return -EEXIST;
    *ssrc = claim->ssrc;
    match->encoding = (unsigned)place;
    match->is_new = true;
    return 0;
}

int stream_demux_find(struct demux_producer *producers, size_t count, const struct demux_retired *retired,
                      const uint8_t *packet, const struct packet_view *view,
                      struct stream_demux_match *ret_match)
{
    struct claim claim = claim_read(packet, view);
    struct stream_demux_match match = {.is_new = false};
    int error;

    if (claim.ssrc == 0) /* stands for "not known" here */
        return -ENOENT;
    if (demux_find_ssrc(producers, count, claim.ssrc, &match)) {
        const struct demux_producer *producer = &producers[match.producer];
        error = stream_demux_payload_type(producer, claim.payload_type, match.is_rtx, &match.payload_type);
        if (!error && match.is_rtx && producer->encodings[match.encoding].ssrc == 0)
            error = -EAGAIN;
    } else if (demux_is_retired(retired, claim.ssrc)) {
        error = -ENOENT;
    } else {
        size_t place = claim.mid_length != 0 ? demux_find_mid(producers, count, claim.mid, claim.mid_length)
                                             : demux_find_only(producers, count, &claim);
        match.producer = (unsigned)place;
        error = place == NONE ? -ENOENT : demux_learn(&producers[place], &claim, &match);
    }
    if (error)
        return error;
    *ret_match = match;
    return 0;
}

/* Whether a producer's own numbers fit and agree with each other. */
static bool demux_is_consistent(const struct demux_producer *producer)
{
    if (producer->producer == 0 || producer->mid_length > sizeof(producer->mid) ||
        producer->payload_type_count == 0 || producer->payload_type_count > MEDIA_PAYLOAD_TYPES_MAX ||
        producer->encoding_count == 0 || producer->encoding_count > MEDIA_ENCODINGS_MAX)
        return false;
    for (size_t i = 0; i < producer->encoding_count; i++) {
        const struct demux_encoding *encoding = &producer->encodings[i];
        if (encoding->rid_length > sizeof(encoding->rid))
            return false;
        if (producer->encoding_count > 1 && encoding->rid_length == 0 && encoding->ssrc == 0)
            return false;
        if (encoding->rid_length != 0 && demux_find_rid(producer, encoding->rid, encoding->rid_length) != i)
            return false;
    }
    return true;
}

/* Whether one of the producer's SSRCs is taken, by another producer or twice by itself. */
static bool demux_collides(const struct demux_producer *producers, size_t count,
                           const struct demux_producer *producer)
{
    struct stream_demux_match match;
    for (unsigned i = 0; i < producer->encoding_count; i++) {
        const struct demux_encoding *encoding = &producer->encodings[i];
        const uint32_t ssrcs[2] = {encoding->ssrc, encoding->rtx_ssrc};
        for (unsigned is_rtx = 0; is_rtx < 2; is_rtx++) {
            if (ssrcs[is_rtx] == 0)
                continue;
            if (demux_find_ssrc(producers, count, ssrcs[is_rtx], &match))
                return true;
            if (demux_find_ssrc(producer, 1, ssrcs[is_rtx], &match) &&
                (match.encoding != i || match.is_rtx != (is_rtx != 0)))
                return true;
        }
    }
    return false;
}

static void demux_unretire(struct demux_retired *retired, uint32_t ssrc)
{
    for (size_t i = 0; ssrc != 0 && i < sizeof(retired->ssrc) / sizeof(retired->ssrc[0]); i++)
        if (retired->ssrc[i] == ssrc)
            retired->ssrc[i] = 0;
}

static void demux_retire(struct demux_retired *retired, uint32_t ssrc)
{
    if (ssrc != 0)
        retired->ssrc[retired->next++ % (sizeof(retired->ssrc) / sizeof(retired->ssrc[0]))] = ssrc;
}

int stream_demux_install(struct demux_producer *producers, size_t count, struct demux_retired *retired,
                         const struct demux_producer *producer, unsigned *ret_index)
{
    if (!demux_is_consistent(producer))
        return -EINVAL;
    if (demux_collides(producers, count, producer) ||
        demux_find_mid(producers, count, producer->mid, producer->mid_length) != NONE)
        return -EEXIST;
    for (size_t i = 0; i < count; i++) {
        if (producers[i].producer != 0)
            continue;
        for (size_t e = 0; e < producer->encoding_count; e++) {
            demux_unretire(retired, producer->encodings[e].ssrc);
            demux_unretire(retired, producer->encodings[e].rtx_ssrc);
        }
        producers[i] = *producer;
        *ret_index = (unsigned)i;
        return 0;
    }
    return -ENOSPC;
}

void stream_demux_remove(struct demux_producer *producer, struct demux_retired *retired)
{
    for (size_t e = 0; e < producer->encoding_count; e++) {
        demux_retire(retired, producer->encodings[e].ssrc);
        demux_retire(retired, producer->encodings[e].rtx_ssrc);
    }
    memset(producer, 0, sizeof(*producer));
}
