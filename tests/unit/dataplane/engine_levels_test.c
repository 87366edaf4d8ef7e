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
    unsigned events;
    unsigned spoke; /* with speech */
    unsigned loudness;
    unsigned last_speech;
};

static struct heard take_levels(struct call *call)
{
    struct heard heard = {0};
    Km__Event *event;

    while ((event = rig_find_event(&call->rig, KM__EVENT__BODY_AUDIO_LEVELS))) {
        heard.events++;
        assert_int_equal(event->audio_levels->n_levels, 1);
        const Km__AudioLevel *level = event->audio_levels->levels[0];
        assert_int_equal(level->producer, call->audio);
        heard.spoke += level->speech > 0;
        heard.last_speech = level->speech;
        if (level->speech > 0)
            heard.loudness = level->loudness;
        km__event__free_unpacked(event, NULL);
    }
    return heard;
}

static void test_speech_is_told(void **state)
{
    struct call call;
    struct statistics_stream stream;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    speak(&call, 90);
    assert_int_equal(take_levels(&call).events, 0);
    speak(&call, 30);
    struct heard heard = take_levels(&call);
    assert_true(heard.spoke >= 1 && heard.spoke <= 3);
    assert_true(heard.loudness > 60 && heard.loudness <= 97);

    rig_wait_ms(&call.rig, 500); /* as with DTX: nothing comes */
    heard = take_levels(&call);
    assert_true(heard.events >= 1 && heard.events <= 2);
    assert_int_equal(heard.last_speech, 0);
    speak(&call, 90);
    assert_int_equal(take_levels(&call).events, 0);

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
    assert_true(take_levels(&call).spoke >= 1);
    assert_int_equal(rig_pause(&call.rig, KM__COMMAND__BODY_PAUSE_PRODUCER, call.audio, true), 0);
    speak(&call, 30);
    struct heard heard = take_levels(&call);
    assert_true(heard.events <= 2);
    assert_int_equal(heard.last_speech, 0);
    speak(&call, 30);
    assert_int_equal(take_levels(&call).events, 0);
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
