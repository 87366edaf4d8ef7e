#include "dataplane/receiver_loss.h"

#include "dataplane/peers.h"
#include "dataplane/worker.h"

void receiver_loss_note(struct receiver_loss *loss, uint8_t fraction, uint64_t now_us)
{
    uint64_t passed_us = now_us - loss->begun_us;

    if (passed_us > RECEIVER_LOSS_LASTS_US)
        *loss = (struct receiver_loss){.begun_us = now_us,
                                       .before = passed_us > 2 * RECEIVER_LOSS_LASTS_US ? 0 : loss->worst};
    loss->worst = fraction > loss->worst ? fraction : loss->worst;
}

uint8_t receiver_loss_worst(const struct receiver_loss *loss, uint64_t now_us)
{
    uint64_t passed_us = now_us - loss->begun_us;

    if (passed_us > 2 * RECEIVER_LOSS_LASTS_US)
        return 0;
    return passed_us > RECEIVER_LOSS_LASTS_US || loss->worst > loss->before ? loss->worst : loss->before;
}

/* In a mirror's stream stands what its owner was not told yet, since it was told last. */
static void pass_on(struct worker *worker, struct stream *stream, uint8_t fraction)
{
    struct receiver_loss *untold = &stream->loss;

    untold->worst = fraction > untold->worst ? fraction : untold->worst;
    if (worker->now_us - untold->begun_us >= RECEIVER_LOSS_TELL_US &&
        peers_tell_loss(worker, stream, untold->worst))
        *untold = (struct receiver_loss){.begun_us = worker->now_us};
}

void receiver_loss_report(struct worker *worker, const struct consumer *consumer)
{
    const struct producer *producer = consumer->producer;
    uint8_t fraction = consumer->row->media.stats.fraction_lost;

    if (!producer->row->payload_types[0].in_band_fec || consumer->row->last_encoding < 0)
        return;
    struct stream *stream = producer->streams[consumer->row->last_encoding];
    if (producer->mirror)
        pass_on(worker, stream, fraction);
    else
        receiver_loss_note(&stream->loss, fraction, worker->now_us);
}
