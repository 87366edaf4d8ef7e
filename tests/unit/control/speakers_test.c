/* Who gets the floor, on traces of speech. A trace says for each 20 ms who speaks; reports are made of it as
 * the forwarder makes them: every 200 ms, each speaker at a phase of its own, up to 100 ms late, and only
 * while there is speech, or once after it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "control/room/speakers.h"

#define PEOPLE 3
#define TICK_MS 20u
#define START_MS 100000u

struct person {
    struct speaker speaker;
    unsigned phase_ms;
    unsigned spoken_ms; /* in this interval */
    unsigned waiting;   /* percent, of a report on its way */
    uint64_t arrives_ms;
    bool told;
};

struct scene {
    struct speakers speakers;
    struct person people[PEOPLE];
    uint64_t now_ms;
    unsigned changes;
    uint64_t changed_ms;
};

static void scene_init(struct scene *scene, const unsigned phases_ms[PEOPLE])
{
    memset(scene, 0, sizeof(*scene));
    speakers_init(&scene->speakers);
    scene->now_ms = START_MS;
    for (unsigned i = 0; i < PEOPLE; i++) {
        scene->people[i].phase_ms = phases_ms[i];
        speakers_add(&scene->speakers, &scene->people[i].speaker);
    }
}

static void report(struct scene *scene, struct person *person)
{
    if (person->arrives_ms == scene->now_ms &&
        speakers_hear(&scene->speakers, &person->speaker, 90, person->waiting, scene->now_ms)) {
        scene->changes++;
        scene->changed_ms = scene->now_ms;
    }
    if (scene->now_ms % SPEAKERS_INTERVAL_MS != person->phase_ms)
        return;
    unsigned percent = person->spoken_ms * 100 / SPEAKERS_INTERVAL_MS;
    if (percent > 0 || person->told) {
        person->waiting = percent;
        person->arrives_ms = scene->now_ms + (1 + (scene->now_ms / 7 + person->phase_ms) % 5) * TICK_MS;
    }
    person->told = percent > 0;
    person->spoken_ms = 0;
}

/* Bit n of who: person n speaks for all of it. */
static void speak(struct scene *scene, unsigned who, unsigned ms)
{
    for (unsigned passed = 0; passed < ms; passed += TICK_MS) {
        scene->now_ms += TICK_MS;
        for (unsigned i = 0; i < PEOPLE; i++) {
            scene->people[i].spoken_ms += who >> i & 1 ? TICK_MS : 0;
            report(scene, &scene->people[i]);
        }
    }
}

static int dominant(const struct scene *scene)
{
    for (int i = 0; i < PEOPLE; i++)
        if (scene->speakers.dominant == &scene->people[i].speaker)
            return i;
    return -1;
}

#define A 1u
#define B 2u
#define C 4u

static const unsigned phases[][PEOPLE] = {{0, 0, 0}, {20, 100, 180}, {180, 60, 0}, {120, 140, 20}};
#define EACH_PHASE                                                                                           \
    for (size_t phase = 0; phase < sizeof(phases) / sizeof(phases[0]); phase++)                              \
        for (struct scene scene, *once = (scene_init(&scene, phases[phase]), &scene); once; once = NULL)

/* Sentences with pauses between words. */
static void talk(struct scene *scene, unsigned who, unsigned others, unsigned sentences)
{
    static const unsigned words_ms[] = {400, 260, 700, 180, 520};
    static const unsigned pauses_ms[] = {60, 120, 200, 80, 320};
    for (unsigned i = 0; i < sentences * 5; i++) {
        speak(scene, who | others, words_ms[i % 5]);
        speak(scene, others, pauses_ms[i % 5]);
    }
}

static void test_first_speaker_gets_the_floor_and_keeps_it(void **state)
{
    (void)state;
    EACH_PHASE
    {
        speak(&scene, 0, 1000);
        assert_int_equal(dominant(&scene), -1);
        talk(&scene, A, 0, 10);
        assert_int_equal(dominant(&scene), 0);
        speak(&scene, 0, 60000);
        assert_int_equal(dominant(&scene), 0);
        assert_int_equal(scene.changes, 1);
        assert_false(speaker_speaks(&scene.people[0].speaker, scene.now_ms));
        assert_int_equal(speaker_loudness(&scene.people[0].speaker, scene.now_ms), 0);
    }
}

static void test_turns_are_taken_within_a_second(void **state)
{
    (void)state;
    static const int gaps_ms[] = {-300, 0, 200, 600};
    for (size_t gap = 0; gap < sizeof(gaps_ms) / sizeof(gaps_ms[0]); gap++)
        EACH_PHASE
        {
            talk(&scene, A, 0, 4);
            uint64_t begins_ms = scene.now_ms;
            if (gaps_ms[gap] < 0) {
                speak(&scene, A | B, (unsigned)-gaps_ms[gap]);
            } else {
                speak(&scene, 0, (unsigned)gaps_ms[gap]);
                begins_ms = scene.now_ms;
            }
            speak(&scene, B, 2000);
            assert_int_equal(dominant(&scene), 1);
            assert_int_equal(scene.changes, 2);
            assert_in_range(scene.changed_ms - begins_ms, 400, 999 + (gaps_ms[gap] < 0 ? 300 : 0));
            assert_ptr_equal(TAILQ_FIRST(&scene.speakers.order), &scene.people[1].speaker);
            assert_ptr_equal(TAILQ_NEXT(&scene.people[1].speaker, link), &scene.people[0].speaker);
        }
}

static void test_cough_gets_nothing(void **state)
{
    (void)state;
    EACH_PHASE
    {
        talk(&scene, A, 0, 2);
        for (unsigned i = 0; i < 20; i++) {
            speak(&scene, 0, 900); /* A listens */
            speak(&scene, B, 340);
            speak(&scene, 0, 700);
            speak(&scene, A, 800);
            speak(&scene, A | C, 400); /* and another one, while A speaks */
        }
        assert_int_equal(dominant(&scene), 0);
        assert_int_equal(scene.changes, 1);
    }
}

static void test_typing_gets_nothing(void **state)
{
    (void)state;
    EACH_PHASE
    {
        talk(&scene, A, 0, 2);
        for (unsigned i = 0; i < 100; i++) {
            speak(&scene, B, 40);
            speak(&scene, 0, 100);
        }
        assert_int_equal(dominant(&scene), 0);
    }
}

static void test_two_at_once_do_not_flap(void **state)
{
    (void)state;
    EACH_PHASE
    {
        talk(&scene, A, 0, 3);
        talk(&scene, A, B, 20); /* B does not even pause */
        assert_int_equal(dominant(&scene), 0);
        assert_int_equal(scene.changes, 1);
        speak(&scene, B, 2500); /* A gives up */
        assert_int_equal(dominant(&scene), 1);
        assert_int_equal(scene.changes, 2);
    }
}

static void test_agreeing_noises_do_not_hold_the_floor(void **state)
{
    (void)state;
    EACH_PHASE
    {
        talk(&scene, A, 0, 3);
        for (unsigned i = 0; i < 8; i++) {
            speak(&scene, B, 300);
            speak(&scene, A | B, 100);
        }
        for (unsigned i = 0; i < 10; i++) {
            speak(&scene, B, 900);
            speak(&scene, A | B, 100);
        }
        assert_int_equal(dominant(&scene), 1);
        assert_int_equal(scene.changes, 2);
    }
}

static void test_lively_talk_of_three(void **state)
{
    (void)state;
    EACH_PHASE
    {
        for (unsigned i = 0; i < 9; i++)
            talk(&scene, 1u << i % 3, 0, 1);
        assert_int_equal(dominant(&scene), 2);
        assert_int_equal(scene.changes, 9);
        const struct speaker *second = TAILQ_NEXT(TAILQ_FIRST(&scene.speakers.order), link);
        assert_ptr_equal(second, &scene.people[1].speaker);
    }
}

static void test_who_leaves_gives_up_the_floor(void **state)
{
    (void)state;
    EACH_PHASE
    {
        talk(&scene, A, 0, 1);
        speakers_remove(&scene.speakers, &scene.people[0].speaker);
        assert_null(scene.speakers.dominant);
        speak(&scene, B, 1000);
        assert_int_equal(dominant(&scene), 1);
    }
}

static void test_lost_reports_end_by_age(void **state)
{
    struct speakers speakers;
    struct speaker speaker = {0};

    (void)state;
    speakers_init(&speakers);
    speakers_add(&speakers, &speaker);
    speakers_hear(&speakers, &speaker, 100, 100, START_MS);
    assert_true(speaker_speaks(&speaker, START_MS + 300));
    assert_int_equal(speaker_loudness(&speaker, START_MS + 300), 100);
    assert_false(speaker_speaks(&speaker, START_MS + SPEAKERS_FRESH_MS + 1));
    assert_int_equal(speaker_loudness(&speaker, START_MS + SPEAKERS_FRESH_MS + 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_speaker_gets_the_floor_and_keeps_it),
        cmocka_unit_test(test_turns_are_taken_within_a_second),
        cmocka_unit_test(test_cough_gets_nothing),
        cmocka_unit_test(test_typing_gets_nothing),
        cmocka_unit_test(test_two_at_once_do_not_flap),
        cmocka_unit_test(test_agreeing_noises_do_not_hold_the_floor),
        cmocka_unit_test(test_lively_talk_of_three),
        cmocka_unit_test(test_who_leaves_gives_up_the_floor),
        cmocka_unit_test(test_lost_reports_end_by_age),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
