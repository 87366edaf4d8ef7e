/* Loudness and speech of a stream, on levels as microphones give them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/audio_level.h"

#define PACKETS 10u /* of 20 ms */

/* An interval of packets of that level in -dBov. */
static bool hear(struct audio_level *level, uint8_t value)
{
    for (unsigned i = 0; i < PACKETS; i++)
        audio_level_packet(level, value);
    return audio_level_end(level);
}

static void test_silence_is_not_told(void **state)
{
    struct audio_level level = {0};

    (void)state;
    assert_false(audio_level_end(&level));
    for (unsigned i = 0; i < 100; i++) {
        assert_false(hear(&level, 127));
        assert_false(hear(&level, 70));
    }
    assert_int_equal(level.loudness, 57);
    assert_int_equal(level.speech, 0);
}

static void test_speech_is_told_and_its_end_once(void **state)
{
    struct audio_level level = {0};

    (void)state;
    hear(&level, 65);
    assert_true(hear(&level, 30));
    assert_int_equal(level.loudness, 97);
    assert_int_equal(level.speech, 100);
    assert_true(hear(&level, 30));
    assert_true(hear(&level, 65));
    assert_int_equal(level.speech, 0);
    assert_false(hear(&level, 65));
}

static void test_flag_is_not_the_level(void **state)
{
    struct audio_level level = {0};

    (void)state;
    assert_true(hear(&level, 0x80 | 30));
    assert_int_equal(level.loudness, 97);
    assert_false(hear(&(struct audio_level){0}, 0x80 | 127));
}

static void test_share_of_speech(void **state)
{
    struct audio_level level = {0};

    (void)state;
    for (unsigned i = 0; i < 10; i++)
        audio_level_packet(&level, i < 3 ? 30 : 80);
    assert_true(audio_level_end(&level));
    assert_int_equal(level.speech, 30);
}

static void test_hum_becomes_noise(void **state)
{
    struct audio_level level = {0};

    (void)state;
    assert_true(hear(&level, 48));     /* a fan is switched on */
    for (unsigned i = 0; i < 150; i++) /* half a minute */
        hear(&level, 48);
    assert_false(hear(&level, 48));
    assert_true(hear(&level, 30)); /* who speaks is heard over it */
    for (unsigned i = 0; i < 5; i++)
        hear(&level, 127); /* a muted microphone does not make the fan speech again */
    assert_false(hear(&level, 48));
}

static void test_speech_stays_speech(void **state)
{
    struct audio_level level = {0};

    (void)state;
    for (unsigned i = 0; i < 300; i++) { /* a minute, with a breath every second */
        assert_int_equal(hear(&level, 28), 1);
        assert_int_equal(level.speech, 100);
        if (i % 5 == 4)
            hear(&level, 62);
    }
}

static void test_mute(void **state)
{
    struct audio_level level = {0};

    (void)state;
    assert_true(hear(&level, 30));
    for (unsigned i = 0; i < PACKETS; i++)
        audio_level_packet(&level, 30);
    assert_true(audio_level_mute(&level));
    assert_int_equal(level.loudness, 0);
    assert_false(audio_level_mute(&level));
}

static void test_flood_does_not_wrap(void **state)
{
    struct audio_level level = {0};

    (void)state;
    for (unsigned i = 0; i < 200000; i++)
        audio_level_packet(&level, 27);
    assert_true(audio_level_end(&level));
    assert_int_equal(level.loudness, 100);
    assert_true(level.speech <= 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silence_is_not_told),
        cmocka_unit_test(test_speech_is_told_and_its_end_once),
        cmocka_unit_test(test_flag_is_not_the_level),
        cmocka_unit_test(test_share_of_speech),
        cmocka_unit_test(test_hum_becomes_noise),
        cmocka_unit_test(test_speech_stays_speech),
        cmocka_unit_test(test_mute),
        cmocka_unit_test(test_flood_does_not_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
