/* Last-N: whose camera is seen by whom, and what clients are told. */
#include "tests/unit/control/room_stage.h"

#include "control/room/floor.h"
#include "control/room/last_n.h"

#define PEOPLE 6

struct scene {
    struct stage stage;
    struct peer *peers[PEOPLE + 1]; /* by websocket, from 1 */
    struct producer *microphones[PEOPLE + 1];
    struct producer *cameras[PEOPLE + 1];
    unsigned next_answer;
    uint64_t now_ms;
};

/* The client takes what it is offered, and does to its consumers what it is told, as the contract's client
 * does. */
static void live(struct scene *scene, uint64_t ws)
{
    const char *heard;
    while ((heard = hear(ws))) {
        unsigned id;
        char consumer[64];
        bool pause;
        if (strstr(heard, "\"newConsumer\"") && sscanf(heard, "42%u[", &id) == 1)
            sayf(&scene->stage, ws, "43%u[null]", id);
        else if ((pause = strstr(heard, "\"consumerPaused\"") != NULL) ||
                 strstr(heard, "\"consumerResumed\"")) {
            assert_int_equal(sscanf(strstr(heard, "\"consumerId\":\""), "\"consumerId\":\"%36s", consumer),
                             1);
            sayf(&scene->stage, ws, "42%u[\"request\",{\"method\":\"%s\",\"data\":{\"consumerId\":\"%s\"}}]",
                 ++scene->next_answer, pause ? "pauseConsumer" : "resumeConsumer", consumer);
        }
    }
}

static void live_all(struct scene *scene)
{
    for (unsigned round = 0; round < 2; round++)
        for (uint64_t ws = 1; ws <= PEOPLE; ws++)
            if (scene->peers[ws])
                live(scene, ws);
}

static void arrive(struct scene *scene, uint64_t ws, bool camera)
{
    struct stage *stage = &scene->stage;
    struct peer *peer = scene->peers[ws] = enter(stage, ws, 3);
    make_transport(stage, ws, peer, true);
    const char *sending = make_transport(stage, ws, peer, false);
    sayf(stage, ws,
         "42900[\"request\",{\"method\":\"join\",\"data\":{\"nickname\":\"P\",\"rtpCapabilities\":%s}}]",
         media_capabilities);
    live_all(scene);
    scene->microphones[ws] = produce(stage, ws, peer, sending, false);
    if (camera)
        scene->cameras[ws] = produce(stage, ws, peer, sending, true);
    live_all(scene);
}

static void scene_open(struct scene *scene, size_t last_n, unsigned people)
{
    memset(scene, 0, sizeof(*scene));
    stage_open(&scene->stage, &(struct stage_times){.last_n = last_n});
    scene->now_ms = floor_now_ms();
    for (uint64_t ws = 1; ws <= people; ws++)
        arrive(scene, ws, true);
}

static void speak_only(struct scene *scene, uint64_t ws)
{
    for (unsigned i = 0; i < 5; i++) {
        struct forwarder_level level = {scene->microphones[ws]->handle, 97, 100};
        scene->now_ms += 200;
        rooms_audio_levels(scene->stage.rooms, &level, 1, scene->now_ms);
    }
}

static void speak(struct scene *scene, uint64_t ws)
{
    speak_only(scene, ws);
    live_all(scene);
}

static struct consumer *consumer_of(const struct peer *viewer, const struct producer *producer)
{
    struct consumer *consumer;
    TAILQ_FOREACH(consumer, &viewer->consumers, peer_link)
    if (consumer->producer == producer)
        return consumer;
    return NULL;
}

/* Whom the peer sees, as a bit each by websocket. Server, client and forwarder must agree. */
static unsigned seen_by(const struct scene *scene, uint64_t ws)
{
    unsigned seen = 0;
    for (uint64_t other = 1; other <= PEOPLE; other++) {
        const struct consumer *consumer =
            scene->cameras[other] ? consumer_of(scene->peers[ws], scene->cameras[other]) : NULL;
        if (!consumer)
            continue;
        assert_int_equal(consumer->hidden, last_n_hides(consumer));
        assert_int_equal(consumer->told_paused, consumer->hidden || consumer->producer->paused);
        assert_int_equal(fake_get(consumer->handle)->paused, consumer_is_paused(consumer));
        seen |= consumer_is_paused(consumer) ? 0 : 1u << other;
    }
    return seen;
}

#define P(n) (1u << (n))

static void test_off_by_default(void **state)
{
    struct scene scene;

    (void)state;
    scene_open(&scene, 0, 4);
    assert_int_equal(seen_by(&scene, 1), P(2) | P(3) | P(4));
    speak(&scene, 4);
    assert_int_equal(seen_by(&scene, 1), P(2) | P(3) | P(4));
    stage_close(&scene.stage);
}

static void test_room_smaller_than_n(void **state)
{
    struct scene scene;

    (void)state;
    scene_open(&scene, 3, 4); /* each sees three others */
    for (uint64_t ws = 1; ws <= 4; ws++)
        assert_int_equal(seen_by(&scene, ws), (P(1) | P(2) | P(3) | P(4)) & ~P(ws));
    for (uint64_t ws = 1; ws <= 4; ws++)
        forget(ws);
    speak_only(&scene, 4);
    for (uint64_t ws = 1; ws <= 4; ws++)
        expect_silence(ws);
    stage_close(&scene.stage);
}

static void test_newest_speakers_are_seen(void **state)
{
    struct scene scene;

    (void)state;
    scene_open(&scene, 2, 5);
    /* Nobody has spoken: in the order of arrival, and none of its own. */
    assert_int_equal(seen_by(&scene, 1), P(2) | P(3));
    assert_int_equal(seen_by(&scene, 2), P(1) | P(3));
    assert_int_equal(seen_by(&scene, 3), P(1) | P(2));
    assert_int_equal(seen_by(&scene, 5), P(1) | P(2));
    speak(&scene, 5);
    assert_int_equal(seen_by(&scene, 1), P(5) | P(2));
    assert_int_equal(seen_by(&scene, 2), P(5) | P(1));
    assert_int_equal(seen_by(&scene, 3), P(5) | P(1));
    assert_int_equal(seen_by(&scene, 5), P(1) | P(2));
    speak(&scene, 4);
    assert_int_equal(seen_by(&scene, 1), P(4) | P(5));
    assert_int_equal(seen_by(&scene, 5), P(4) | P(1));
    speak(&scene, 5);
    speak(&scene, 4); /* two who talk to each other: nothing changes for the others */
    assert_int_equal(seen_by(&scene, 1), P(4) | P(5));
    /* Voices are heard, whoever is seen. */
    for (uint64_t ws = 2; ws <= 5; ws++)
        assert_false(consumer_is_paused(consumer_of(scene.peers[1], scene.microphones[ws])));
    stage_close(&scene.stage);
}

static void test_what_clients_are_told(void **state)
{
    struct scene scene;

    (void)state;
    scene_open(&scene, 1, 3);
    const struct consumer *second = consumer_of(scene.peers[1], scene.cameras[2]);
    const struct consumer *third = consumer_of(scene.peers[1], scene.cameras[3]);
    assert_true(fake_get(third->handle)->paused);
    unsigned resumes = fake_get(third->handle)->resumes;
    speak_only(&scene, 3);
    /* Peer 1 saw 2 and sees 3 now; nobody hears of what did not change for it. */
    const char *first = hear(1), *next = hear(1);
    assert_non_null(first);
    assert_non_null(next);
    assert_non_null(strstr(first, "\"consumerPaused\""));
    assert_non_null(strstr(first, second->id));
    assert_non_null(strstr(next, "\"consumerResumed\""));
    assert_non_null(strstr(next, third->id));
    expect_silence(1);
    expect_silence(3);
    assert_true(fake_get(second->handle)->paused);
    assert_false(fake_get(third->handle)->paused); /* its client has never paused it */
    assert_int_equal(fake_get(third->handle)->resumes, resumes + 1);

    live_all(&scene);
    speak(&scene, 2); /* the clients pause what they are told of */
    speak_only(&scene, 3);
    assert_false(third->hidden);
    assert_true(fake_get(third->handle)->paused); /* and this one has not resumed it yet */
    sayf(&scene.stage, 1, "421[\"request\",{\"method\":\"resumeConsumer\",\"data\":{\"consumerId\":\"%s\"}}]",
         third->id);
    assert_false(fake_get(third->handle)->paused);
    assert_int_equal(fake_get(third->handle)->resumes, resumes + 2);
    stage_close(&scene.stage);
}

static void test_joiner(void **state)
{
    struct scene scene;

    (void)state;
    scene_open(&scene, 2, 3);
    speak(&scene, 3);
    /* One without a camera sees the two who are first, and is told so at once. */
    struct stage *stage = &scene.stage;
    struct peer *viewer = scene.peers[4] = enter(stage, 4, 3);
    make_transport(stage, 4, viewer, true);
    sayf(stage, 4,
         "42900[\"request\",{\"method\":\"join\",\"data\":{\"nickname\":\"P\",\"rtpCapabilities\":%s}}]",
         media_capabilities);
    unsigned hidden = 0;
    for (const char *heard; (heard = hear(4));)
        hidden += strstr(heard, "\"newConsumer\"") && strstr(heard, "\"producerPaused\":true");
    assert_int_equal(hidden, 1);
    const struct consumer *second = consumer_of(viewer, scene.cameras[2]);
    assert_true(second->hidden);
    for (unsigned id = 0; id < 100; id++)
        sayf(stage, 4, "43%u[null]", id);
    assert_int_equal(seen_by(&scene, 4), P(3) | P(1));

    /* A new camera is nobody's until its owner speaks; its owner sees two, as everybody. */
    arrive(&scene, 5, true);
    assert_int_equal(seen_by(&scene, 4), P(3) | P(1));
    assert_int_equal(seen_by(&scene, 5), P(3) | P(1));
    speak(&scene, 5);
    assert_int_equal(seen_by(&scene, 4), P(5) | P(3));
    stage_close(stage);
}

static void test_leaver_and_closed_camera_make_room(void **state)
{
    struct scene scene;

    (void)state;
    scene_open(&scene, 2, 5);
    assert_int_equal(seen_by(&scene, 5), P(1) | P(2));
    say(&scene.stage, 1, "41");
    scene.peers[1] = NULL;
    scene.cameras[1] = NULL;
    live_all(&scene);
    assert_int_equal(seen_by(&scene, 5), P(2) | P(3));
    producer_close(scene.cameras[2]);
    scene.cameras[2] = NULL;
    live_all(&scene);
    assert_int_equal(seen_by(&scene, 5), P(3) | P(4));
    assert_int_equal(seen_by(&scene, 2), P(3) | P(4));
    speak(&scene, 2); /* heard, but has no camera to be seen by */
    assert_int_equal(seen_by(&scene, 5), P(3) | P(4));
    stage_close(&scene.stage);
}

static void test_reasons_are_one_each(void **state)
{
    struct scene scene;

    (void)state;
    scene_open(&scene, 1, 3);
    struct consumer *third = consumer_of(scene.peers[1], scene.cameras[3]);
    assert_int_equal(seen_by(&scene, 1), P(2));

    /* Muted while hidden: nothing is told, and nothing again when it goes on. */
    forget(1);
    assert_int_equal(producer_pause(scene.cameras[3], true), 0);
    expect_silence(1);
    assert_int_equal(producer_pause(scene.cameras[3], false), 0);
    expect_silence(1);
    assert_true(fake_get(third->handle)->paused);

    /* Its client resumes what the server hides, in vain. */
    assert_int_equal(consumer_pause(third, false), 0);
    assert_true(fake_get(third->handle)->paused);
    assert_int_equal(consumer_pause(third, true), 0);

    /* A muted camera takes no place. */
    assert_int_equal(producer_pause(scene.cameras[2], true), 0);
    live_all(&scene);
    assert_int_equal(seen_by(&scene, 1), P(3));
    assert_int_equal(producer_pause(scene.cameras[2], false), 0);
    live_all(&scene);
    assert_int_equal(seen_by(&scene, 1), P(2));

    /* A pause of the client's own lasts while the server hides and shows. */
    struct consumer *second = consumer_of(scene.peers[1], scene.cameras[2]);
    assert_int_equal(consumer_pause(second, true), 0);
    speak_only(&scene, 3);
    speak_only(&scene, 2);
    assert_false(second->hidden);
    assert_true(fake_get(second->handle)->paused);
    live_all(&scene);

    /* Who may not publish any more makes room, though nobody is told. */
    peer_set_role(scene.peers[2], ROLE_SUBSCRIBER);
    live_all(&scene);
    assert_false(third->hidden);
    assert_false(fake_get(third->handle)->paused);
    stage_close(&scene.stage);
}

static void test_screens_do_not_count(void **state)
{
    struct scene scene;

    (void)state;
    scene_open(&scene, 1, 3);
    const struct peer_transport *sending = scene.cameras[3]->transport;
    producer_close(scene.cameras[3]);
    scene.cameras[3] = NULL;
    sayf(&scene.stage, 3,
         "42905[\"request\",{\"method\":\"produce\",\"data\":{\"transportId\":\"%s\",\"kind\":\"video\","
         "\"rtpParameters\":%s,\"appData\":{\"source\":\"screen\"}}}]",
         peer_transport_id(sending), media_vp8_parameters);
    struct producer *screen = TAILQ_LAST(&scene.peers[3]->producers, producer_list);
    assert_int_equal(screen->ortc->kind, MEDIA_VIDEO);
    live_all(&scene);
    assert_int_equal(seen_by(&scene, 1), P(2));
    assert_false(consumer_is_paused(consumer_of(scene.peers[1], screen)));
    speak(&scene, 3);
    assert_int_equal(seen_by(&scene, 1), P(2));
    assert_false(consumer_is_paused(consumer_of(scene.peers[2], screen)));
    stage_close(&scene.stage);
}

static void test_busy_forwarder_is_asked_again(void **state)
{
    struct scene scene;

    (void)state;
    scene_open(&scene, 1, 4);
    fake_forwarder.error = -EAGAIN;
    speak(&scene, 4);
    assert_false(consumer_of(scene.peers[1], scene.cameras[2])->hidden);
    assert_true(consumer_of(scene.peers[1], scene.cameras[4])->hidden);
    fake_forwarder.error = 0;
    last_n_update(scene.stage.room);
    live_all(&scene);
    assert_int_equal(seen_by(&scene, 1), P(4));
    assert_int_equal(seen_by(&scene, 4), P(1));
    stage_close(&scene.stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_off_by_default),
        cmocka_unit_test(test_room_smaller_than_n),
        cmocka_unit_test(test_newest_speakers_are_seen),
        cmocka_unit_test(test_what_clients_are_told),
        cmocka_unit_test(test_joiner),
        cmocka_unit_test(test_leaver_and_closed_camera_make_room),
        cmocka_unit_test(test_reasons_are_one_each),
        cmocka_unit_test(test_screens_do_not_count),
        cmocka_unit_test(test_busy_forwarder_is_asked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
