/* What control is told of consumers is bounded, and never lost: how it stands is said in the end. */
#include "tests/unit/dataplane/engine_call.h"

#include "dataplane/consumer_events.h"

struct told {
    unsigned layers;
    unsigned scores;
    unsigned losses; /* of consent */
    int temporal;    /* the last that was told */
};

/* All that waits. */
static void take_events(struct rig *rig, struct told *told)
{
    uint8_t record[16384];
    uint32_t length;

    while (ring_pop(&rig->events, record, sizeof(record), &length) == 0) {
        Km__Event *event = km__event__unpack(NULL, length, record);
        if (!event) /* what fill() wrote */
            continue;
        if (event->body_case == KM__EVENT__BODY_LAYERS_CHANGED) {
            told->layers++;
            told->temporal = event->layers_changed->temporal_layer;
        }
        told->scores += event->body_case == KM__EVENT__BODY_SCORE_CHANGED;
        told->losses += event->body_case == KM__EVENT__BODY_TRANSPORT_STATE &&
                        event->transport_state->state == KM__TRANSPORT_STATE__STATE__CONSENT_LOST;
        km__event__free_unpacked(event, NULL);
    }
}

/* Control does not come round: there is no room for an event. */
static void fill(struct rig *rig)
{
    static const uint8_t junk[8192] = {0xff};
    struct ring_producer *events = &rig->worker->events;

    for (uint32_t length = sizeof(junk); length >= 8; length /= 2) {
        while (ring_has_free(events, length + 8) && ring_push(events, junk, length) == 0)
            continue;
    }
}

/* As what a sender can do with each of his pictures, and a receiver with each of his reports. */
static void change(struct call *call, struct consumer *consumer, int temporal)
{
    consumer->row->media.layer.temporal_layers[0] = 3;
    consumer->row->media.layer.temporal = (int8_t)temporal;
    consumer_events_layers(call->rig.worker, consumer);
    consumer_events_score(consumer);
}

static struct consumer *begin(struct call *call)
{
    struct rtp_header header;
    struct vp8_descriptor vp8;
    struct told before = {0};

    call_init(call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_video(call, false);
    send_frame(call, true);
    assert_true(receive_frame(call, &header, &vp8));
    rig_wait_ms(&call->rig, 1000);
    take_events(&call->rig, &before);
    struct consumer *consumer = consumer_find(&call->rig.worker->streams, call->video_consumer);
    assert_non_null(consumer);
    assert_int_equal(consumer->row->media.layer.current, 0);
    return consumer;
}

static void test_changes_without_end(void **state)
{
    struct call call;
    struct told told = {0};
    struct consumer *consumer;

    (void)state;
    consumer = begin(&call);
    for (unsigned i = 0; i < 1000; i++) { /* five seconds */
        if (i % 100 == 0)
            send_frame(&call, false); /* or the stream is dead after two */
        change(&call, consumer, i % 3);
        rig_wait_ms(&call.rig, 5);
    }
    take_events(&call.rig, &told);
    assert_in_range(told.scores, 8, 11);
    assert_in_range(told.layers, 2, CONSUMER_EVENTS_BURST + 5 * CONSUMER_EVENTS_RATE + 1);
    change(&call, consumer, 1);
    rig_wait_ms(&call.rig, 600);
    take_events(&call.rig, &told);
    assert_int_equal(told.temporal, 1);
    call_deinit(&call);
}

static void test_a_full_ring_delays(void **state)
{
    struct call call;
    struct told told = {0};
    struct consumer *consumer;

    (void)state;
    consumer = begin(&call);
    struct transport *transport = consumer->transport;
    fill(&call.rig);
    change(&call, consumer, 2);
    transport->row->consent_us = call.rig.worker->now_us - 31000000;
    rig_wait_ms(&call.rig, 2000);
    assert_int_equal(transport->row->has_consent, 0);
    assert_true(consumer->events.layers && consumer->events.score);
    take_events(&call.rig, &told);
    assert_int_equal(told.layers + told.scores + told.losses, 0);

    rig_wait_ms(&call.rig, 2000);
    take_events(&call.rig, &told);
    assert_int_equal(told.temporal, 2);
    assert_int_equal(told.scores, 1);
    assert_int_equal(told.losses, 1);
    call_deinit(&call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes_without_end),
        cmocka_unit_test(test_a_full_ring_delays),
    };
    return RIG_RUN(tests);
}
