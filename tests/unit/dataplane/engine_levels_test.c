/* Who speaks is told to control, and stands in the statistics; who is silent, or paused, is not. */
#include "tests/unit/dataplane/engine_call.h"

/* Twenty packets of that level in -dBov, over 400 ms. */
static void speak(struct call *call, uint8_t level)
{
    for (unsigned i = 0; i < 20; i++) {
        struct rig_rtp rtp = {.ssrc = ALICE_AUDIO_SSRC,
                              .payload_type = 111,
                              .sequence = call->sequence,
                              .timestamp = 960u * call->sequence,
                              .mid = "0",
                              .audio_level = &level,
                              .payload = opus,
                              .payload_length = sizeof(opus)};
        call->sequence++;
        client_send_rtp(&call->alice, &call->rig, &rtp);
        rig_wait_ms(&call->rig, 20);
    }
}

struct heard {
    unsigned spoke;  /* events with speech */
    unsigned silent; /* and without */
    unsigned loudness;
};

static void take_levels(struct call *call, struct heard *heard)
{
    Km__Event *event;

    while ((event = rig_find_event(&call->rig, KM__EVENT__BODY_AUDIO_LEVELS))) {
        assert_int_equal(event->audio_levels->n_levels, 1);
        const Km__AudioLevel *level = event->audio_levels->levels[0];
        assert_int_equal(level->producer, call->audio);
        assert_int_equal(heard->silent, 0); /* silence is told once */
        if (level->speech > 0) {
            heard->spoke++;
            heard->loudness = level->loudness;
        } else {
            heard->silent++;
        }
        km__event__free_unpacked(event, NULL);
    }
}

static uint64_t now_us(const struct call *call)
{
    return call->rig.worker->now_us;
}

/* Until silence is told, and a while longer. */
static struct heard hear_out(struct call *call)
{
    struct heard heard = {0};

    for (unsigned i = 0; i < 200 && heard.silent == 0; i++) {
        rig_wait_ms(&call->rig, 20);
        take_levels(call, &heard);
    }
    assert_int_equal(heard.silent, 1);
    rig_wait_ms(&call->rig, 500);
    take_levels(call, &heard);
    return heard;
}

static void assert_says_nothing(struct call *call)
{
    struct heard heard = {0};

    take_levels(call, &heard);
    assert_int_equal(heard.spoke + heard.silent, 0);
}

static void test_speech_is_told(void **state)
{
    struct call call;
    struct statistics_stream stream;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    speak(&call, 90);
    assert_says_nothing(&call);
    uint64_t begin_us = now_us(&call);
    speak(&call, 30);
    struct heard heard = hear_out(&call);
    assert_true(heard.spoke >= 1 && heard.spoke <= (now_us(&call) - begin_us) / AUDIO_LEVEL_INTERVAL_US + 1);
    assert_true(heard.loudness > 60 && heard.loudness <= 97);
    speak(&call, 90);
    assert_says_nothing(&call);

    rig_wait_ms(&call.rig, 1100);
    assert_int_equal(statistics_read(&call.rig.statistics, STATISTICS_STREAM, 0, &stream, sizeof(stream)), 0);
    assert_int_equal(stream.audio_speech, 0);
    call_deinit(&call);
}

static void test_paused_is_silent(void **state)
{
    struct call call;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    speak(&call, 30);
    /* The command's Ack is found over the events before it. */
    assert_int_equal(rig_pause(&call.rig, KM__COMMAND__BODY_PAUSE_PRODUCER, call.audio, true), 0);
    assert_true(hear_out(&call).spoke <= 1); /* one may have waited for its batch */
    speak(&call, 30);
    assert_says_nothing(&call);
    assert_int_equal(rig_pause(&call.rig, KM__COMMAND__BODY_PAUSE_PRODUCER, call.audio, false), 0);
    speak(&call, 30);
    assert_true(hear_out(&call).spoke >= 1);
    call_deinit(&call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_speech_is_told),
        cmocka_unit_test(test_paused_is_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
