#include "dataplane/catch_up.h"

#include <errno.h>

#include "dataplane/bandwidth.h"
#include "dataplane/delivery.h"
#include "dataplane/forward.h"
#include "dataplane/rtcp_egress.h"
#include "dataplane/stored.h"
#include "dataplane/worker.h"

void catch_ups_init(struct catch_ups *catch_ups)
{
    *catch_ups = (struct catch_ups){.due_us = UINT64_MAX};
}

static void end(struct catch_up *state)
{
    *state = (struct catch_up){.is_listed = state->is_listed, .following = state->following};
}

static void list(struct worker *worker, struct consumer *consumer)
{
    if (!consumer->catch_up.is_listed) {
        consumer->catch_up.is_listed = true;
        consumer->catch_up.following = worker->catch_ups.first;
        worker->catch_ups.first = consumer;
    }
    worker->catch_ups.due_us = 0;
}

void catch_up_want(struct worker *worker, struct consumer *consumer, unsigned encoding)
{
    if (consumer->catch_up.is_active)
        return;
    consumer->catch_up.encoding = (int8_t)encoding;
    list(worker, consumer);
}

bool catch_up_holds(const struct consumer *consumer, const struct flight *flight)
{
    const struct catch_up *state = &consumer->catch_up;

    return state->is_active && state->encoding == (int8_t)flight->stream->encoding &&
           state->restarts == flight->restarts && !rtp_seq_newer(state->next, flight->view.header.sequence);
}

static bool measure(const struct worker *worker, const struct stream *stream,
                    struct catch_up_piece *ret_piece)
{
    struct history history = stored_history(worker, stream);
    uint32_t restarts = stream->row->stats.restarts;
    struct packet_place place, newest;
    struct stored_facts facts;

    if (!history_key_frame(&history, restarts, &place) || !history_newest(&history, restarts, &newest) ||
        stored_read(&place, &facts) != 0)
        return false;
    uint16_t first = facts.view.header.sequence;
    int more = rtp_seq_delta(newest.packet->sequence, first);
    if (more < 0 || more >= (int)CATCH_UP_PACKETS_MAX)
        return false;
    ret_piece->first = first;
    ret_piece->count = (uint16_t)(more + 1);
    ret_piece->received_us = facts.received_us;
    for (int i = 0; i <= more; i++) {
        if (history_find(&history, (uint16_t)(first + i), restarts, &place) &&
            stored_read(&place, &facts) == 0) {
            ret_piece->bytes += facts.view.header.payload_length;
            ret_piece->last_timestamp = facts.view.header.timestamp;
        } else {
            ret_piece->missing++;
        }
    }
    return ret_piece->missing <= CATCH_UP_MISSING_MAX;
}

/* Hundreds of packets are looked at, for one consumer or for a thousand. NULL: the store has none. */
static const struct catch_up_piece *look(struct worker *worker, const struct stream *stream)
{
    struct catch_up_piece *piece = &worker->catch_ups.piece;

    if (piece->stream != stream->handle) {
        *piece = (struct catch_up_piece){.stream = stream->handle};
        piece->is_stored = measure(worker, stream, piece);
        worker->catch_ups.looks++;
    }
    return piece->is_stored ? piece : NULL;
}

static uint32_t rate_of(const struct consumer *consumer)
{
    uint64_t estimate_bps = bandwidth_estimate_bps(consumer->transport);

    return estimate_bps == 0 || 2 * estimate_bps > CATCH_UP_RATE_BPS ? CATCH_UP_RATE_BPS
                                                                     : (uint32_t)(2 * estimate_bps);
}

/* Whether sending the piece is soon done, also with what comes meanwhile. */
static bool is_worth_it(const struct worker *worker, const struct catch_up_piece *piece, uint32_t rate_bps)
{
    uint64_t age_us = worker->now_us > piece->received_us ? worker->now_us - piece->received_us : 0;
    uint64_t duration_us = (uint64_t)piece->bytes * 8000000 / rate_bps;

    return age_us <= CATCH_UP_AGE_MAX_US && piece->bytes <= CATCH_UP_BYTES_MAX &&
           duration_us <= CATCH_UP_DURATION_US && (age_us < CATCH_UP_DURATION_US || duration_us < age_us / 2);
}

/* Whether the consumer was sent that packet, before a pause perhaps: it need not see the same pictures again.
 */
static bool was_sent(const struct consumer *consumer, const struct stream *stream, uint16_t sequence)
{
    const struct shm_consumer_row *row = consumer->row;

    return row->last_encoding == (int8_t)stream->encoding && !row->restart &&
           !rtp_seq_newer(sequence, row->media.rewrite.highest_in);
}

static bool begin(struct worker *worker, struct consumer *consumer, const struct stream *stream)
{
    struct catch_up *state = &consumer->catch_up;
    uint32_t rate_bps = rate_of(consumer);

    if (forward_is_silent(worker, stream))
        return false;
    const struct catch_up_piece *piece = look(worker, stream);
    if (!piece || !is_worth_it(worker, piece, rate_bps) || was_sent(consumer, stream, piece->first))
        return false;
    state->is_active = true;
    state->encoding = (int8_t)stream->encoding;
    state->next = piece->first;
    state->squeeze_end = piece->last_timestamp;
    state->rate_bps = rate_bps;
    state->restarts = stream->row->stats.restarts;
    state->sent_us = worker->now_us - (uint64_t)CATCH_UP_FIRST_BYTES * 8000000 / rate_bps;
    return true;
}

/* Sends one packet of the piece, if it stands in the store. Returns its bytes. */
static uint32_t send_next(struct worker *worker, struct consumer *consumer, struct stream *stream)
{
    struct history history = stored_history(worker, stream);
    struct catch_up *state = &consumer->catch_up;
    struct packet_place place;
    struct stored_facts facts;
    struct stored_packet packet;
    uint16_t sequence = state->next++;

    if (!history_find(&history, sequence, state->restarts, &place) ||
        stored_open(stream, &place, &facts, &packet) != 0)
        return 0;
    struct flight flight = {.stream = stream,
                            .type = packet.type,
                            .data = packet.data,
                            .source = packet.source,
                            .restarts = facts.restarts,
                            .view = facts.view};
    delivery_flight(worker, consumer, &flight);
    return facts.view.header.payload_length;
}

/* Whether the consumer still wants the stream that it is sent. */
static bool is_on(const struct consumer *consumer, const struct stream *stream)
{
    const struct shm_consumer_row *row = consumer->row;

    return !row->paused && !consumer->producer->row->paused && transport_can_send(consumer->transport) &&
           row->media.layer.current == consumer->catch_up.encoding && !row->restart &&
           stream->row->stats.restarts == consumer->catch_up.restarts;
}

static bool is_done(const struct worker *worker, const struct stream *stream, const struct catch_up *state)
{
    struct history history = stored_history(worker, stream);
    struct packet_place newest;

    return !history_newest(&history, state->restarts, &newest) ||
           rtp_seq_newer(state->next, newest.packet->sequence);
}

static void go_on(struct worker *worker, struct consumer *consumer, struct stream *stream, bool first)
{
    struct catch_up *state = &consumer->catch_up;

    while (state->sent_us < worker->now_us) {
        uint32_t bytes = send_next(worker, consumer, stream);
        if (!is_on(consumer, stream)) {
            end(state);
            if (first) /* the packets that it was to begin with are not what it takes */
                rtcp_egress_request_key_frame(worker, stream);
            return;
        }
        first = false;
        state->sent_us += (uint64_t)bytes * 8000000 / state->rate_bps;
        if (is_done(worker, stream, state)) {
            end(state);
            return;
        }
    }
}

static void start(struct worker *worker, struct consumer *consumer)
{
    struct producer *producer = consumer->producer;
    int wanted = consumer->catch_up.encoding;

    if (consumer->row->paused || producer->row->paused || !transport_can_send(consumer->transport))
        return;
    if (consumer->row->media.layer.current == wanted) /* a live key frame came in the same round */
        return;
    /* One that is sent nothing yet is glad of any encoding. */
    int least = consumer->row->media.layer.current < 0 ? 0 : wanted;
    for (int encoding = wanted; encoding >= least; encoding--) {
        struct stream *stream = producer->streams[encoding];
        if (begin(worker, consumer, stream)) {
            go_on(worker, consumer, stream, true);
            return;
        }
    }
    rtcp_egress_request_key_frame(worker, producer->streams[wanted]);
}

void catch_up_run(struct worker *worker)
{
    struct catch_ups *catch_ups = &worker->catch_ups;
    struct consumer *consumer = catch_ups->first;

    if (worker->now_us < catch_ups->due_us)
        return;
    catch_ups->first = NULL;
    catch_ups->due_us = UINT64_MAX;
    catch_ups->piece.stream = SHM_HANDLE_NONE;
    while (consumer) {
        struct catch_up *state = &consumer->catch_up;
        struct consumer *following = state->following;
        state->is_listed = false;
        if (state->is_active)
            go_on(worker, consumer, consumer->producer->streams[state->encoding], false);
        else
            start(worker, consumer);
        if (state->is_active)
            list(worker, consumer);
        consumer = following;
    }
    if (catch_ups->first)
        catch_ups->due_us = worker->now_us + CATCH_UP_STEP_US;
}

void catch_up_forget(struct worker *worker, struct consumer *consumer)
{
    struct consumer **link = &worker->catch_ups.first;

    while (consumer->catch_up.is_listed && *link != consumer)
        link = &(*link)->catch_up.following;
    if (consumer->catch_up.is_listed)
        *link = consumer->catch_up.following;
    consumer->catch_up = (struct catch_up){0};
}
