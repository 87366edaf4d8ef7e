/* Who has the floor, as the forwarder's reports say, and who hears of it. */
#include "tests/unit/control/room_stage.h"

#include "control/room/floor.h"

#define OBSERVE "42%d[\"request\",{\"method\":\"observeSpeakers\",\"data\":%s}]"

struct scene {
    struct stage stage;
    struct peer *peers[4]; /* by websocket, from 1 */
    struct producer *microphones[4];
    uint64_t now_ms;
};

static void scene_open(struct scene *scene)
{
    memset(scene, 0, sizeof(*scene));
    stage_open(&scene->stage, NULL);
    scene->now_ms = floor_now_ms();
    for (uint64_t ws = 1; ws <= 3; ws++) {
        scene->peers[ws] = enter_and_join(&scene->stage, ws, 7, "P");
        const char *transport = make_transport(&scene->stage, ws, scene->peers[ws], false);
        scene->microphones[ws] = produce(&scene->stage, ws, scene->peers[ws], transport, false);
    }
    for (uint64_t ws = 1; ws <= 3; ws++)
        forget(ws);
}

/* A second of speech, as reports. */
static void speak(struct scene *scene, uint64_t ws)
{
    for (unsigned i = 0; i < 5; i++) {
        struct forwarder_level level = {scene->microphones[ws]->handle, 97, 100};
        scene->now_ms += 200;
        rooms_audio_levels(scene->stage.rooms, &level, 1, scene->now_ms);
    }
}

static void test_nobody_hears_unasked(void **state)
{
    struct scene scene;

    (void)state;
    scene_open(&scene);
    speak(&scene, 1);
    assert_ptr_equal(floor_holder(scene.stage.room), scene.peers[1]);
    stage_run(&scene.stage, 300);
    for (uint64_t ws = 1; ws <= 3; ws++)
        expect_silence(ws);
    stage_close(&scene.stage);
}

static void test_observers_hear_of_speakers(void **state)
{
    struct scene scene;

    (void)state;
    scene_open(&scene);
    sayf(&scene.stage, 2, OBSERVE, 1, "{\"speaker\":true}");
    expect(2, "431[null,{\"peerId\":null}]");
    speak(&scene, 1);
    expectf(2, "42[\"notification\",{\"method\":\"activeSpeaker\",\"data\":{\"peerId\":\"%s\"}}]",
            scene.peers[1]->id);
    speak(&scene, 1);
    speak(&scene, 3);
    expectf(2, "42[\"notification\",{\"method\":\"activeSpeaker\",\"data\":{\"peerId\":\"%s\"}}]",
            scene.peers[3]->id);
    sayf(&scene.stage, 2, OBSERVE, 2, "{}");
    expectf(2, "432[null,{\"peerId\":\"%s\"}]", scene.peers[3]->id);
    speak(&scene, 1);
    stage_run(&scene.stage, 300);
    for (uint64_t ws = 1; ws <= 3; ws++)
        expect_silence(ws);
    stage_close(&scene.stage);
}

static void test_levels_come_together_and_seldom(void **state)
{
    struct scene scene;

    (void)state;
    scene_open(&scene);
    sayf(&scene.stage, 2, OBSERVE, 1, "{\"levels\":true}");
    expect(2, "431[null,{\"peerId\":null}]");
    for (unsigned i = 0; i < 20; i++) {
        struct forwarder_level levels[] = {{scene.microphones[1]->handle, 97, 100},
                                           {scene.microphones[3]->handle, 80, 20}};
        rooms_audio_levels(scene.stage.rooms, levels, 2, floor_now_ms());
    }
    expect_silence(2);
    stage_run(&scene.stage, 300);
    expectf(2,
            "42[\"notification\",{\"method\":\"audioLevels\",\"data\":{\"levels\":[{\"peerId\":\"%s\","
            "\"level\":-30},{\"peerId\":\"%s\",\"level\":-47}]}}]",
            scene.peers[1]->id, scene.peers[3]->id);
    stage_run(&scene.stage, 300); /* nothing new */
    for (uint64_t ws = 1; ws <= 3; ws++)
        expect_silence(ws);

    /* One who leaves while its level waits. */
    struct forwarder_level level = {scene.microphones[3]->handle, 97, 100};
    rooms_audio_levels(scene.stage.rooms, &level, 1, floor_now_ms());
    say(&scene.stage, 3, "41");
    say(&scene.stage, 2, "41");
    stage_run(&scene.stage, 300);
    stage_close(&scene.stage);
}

static void test_paused_and_silenced_say_nothing(void **state)
{
    struct scene scene;

    (void)state;
    scene_open(&scene);
    assert_int_equal(producer_pause(scene.microphones[1], true), 0);
    speak(&scene, 1);
    assert_null(floor_holder(scene.stage.room));
    peer_set_role(scene.peers[2], ROLE_SUBSCRIBER);
    speak(&scene, 2);
    assert_null(floor_holder(scene.stage.room));
    assert_int_equal(floor_level(scene.peers[2], scene.now_ms), FLOOR_SILENCE_DBOV);
    speak(&scene, 3);
    assert_ptr_equal(floor_holder(scene.stage.room), scene.peers[3]);
    assert_int_equal(floor_level(scene.peers[3], scene.now_ms), -30);
    stage_close(&scene.stage);
}

static void test_floor_is_free_when_its_holder_has_left(void **state)
{
    struct scene scene;

    (void)state;
    scene_open(&scene);
    speak(&scene, 1);
    uint64_t gone = scene.microphones[1]->handle;
    say(&scene.stage, 1, "41");
    assert_null(floor_holder(scene.stage.room));
    struct forwarder_level level = {gone, 97, 100};
    rooms_audio_levels(scene.stage.rooms, &level, 1, scene.now_ms);
    assert_null(floor_holder(scene.stage.room));
    speak(&scene, 2);
    assert_ptr_equal(floor_holder(scene.stage.room), scene.peers[2]);
    stage_close(&scene.stage);
}

static void test_wrong_wishes_are_refused(void **state)
{
    static const char *const wrong[] = {"[]", "5", "{\"levels\":1}", "{\"speaker\":\"yes\"}"};
    struct scene scene;

    (void)state;
    scene_open(&scene);
    sayf(&scene.stage, 1, OBSERVE, 1, "{\"speaker\":true}");
    expect_prefix(1, "431[null,");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        sayf(&scene.stage, 1, OBSERVE, 2, wrong[i]);
        expect(1, "432[500,\"request observeSpeakers failed\"]");
    }
    speak(&scene, 2);
    expect_prefix(1, "42[\"notification\",{\"method\":\"activeSpeaker\"");
    stage_close(&scene.stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_hears_unasked),
        cmocka_unit_test(test_observers_hear_of_speakers),
        cmocka_unit_test(test_levels_come_together_and_seldom),
        cmocka_unit_test(test_paused_and_silenced_say_nothing),
        cmocka_unit_test(test_floor_is_free_when_its_holder_has_left),
        cmocka_unit_test(test_wrong_wishes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
