/* Producers and consumers: who is asked, who is told, what the forwarder is made to do. */
#include "tests/unit/control/room_stage.h"

#define NEW_CONSUMER "[\"request\",{\"method\":\"newConsumer\",\"data\":"

/* A call of two: peer 1 sends, peer 2 receives. */
struct call {
    struct stage stage;
    struct peer *alice;
    struct peer *bob;
    const char *sending;
};

static void call_open(struct call *call, const struct stage_times *times)
{
    stage_open(&call->stage, times);
    call->alice = enter_and_join(&call->stage, 1, 7, "Alice");
    call->bob = enter_and_join(&call->stage, 2, 3, "Bob");
    call->sending = make_transport(&call->stage, 1, call->alice, false);
    make_transport(&call->stage, 2, call->bob, true);
}

static struct consumer *first_consumer(const struct peer *peer)
{
    return TAILQ_FIRST(&peer->consumers);
}

static void test_producer_is_offered(void **state)
{
    (void)state;
    struct call call;
    call_open(&call, NULL);
    struct producer *producer = produce(&call.stage, 1, call.alice, call.sending, false);
    struct consumer *consumer = first_consumer(call.bob);
    assert_non_null(consumer);
    json_t *json = consumer_rtp_parameters(consumer);
    char *parameters = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    expectf(2,
            "420" NEW_CONSUMER "{\"peerId\":\"%s\",\"kind\":\"audio\",\"producerId\":\"%s\",\"id\":\"%s\","
            "\"rtpParameters\":%s,\"type\":\"simple\",\"appData\":{\"source\":\"mic\"},\"producerPaused\":"
            "false}}]",
            call.alice->id, producer->id, consumer->id, parameters);
    free(parameters);
    assert_false(fake_get(consumer->handle)->paused);
    assert_int_equal(fake_get(consumer->handle)->priority, 255);
    expect_silence(1);
    stage_close(&call.stage);
}

static void test_video_flows_once_it_is_answered(void **state)
{
    (void)state;
    struct call call;
    call_open(&call, NULL);
    produce(&call.stage, 1, call.alice, call.sending, true);
    const struct fake_handle *handle = fake_get(fake_last(FAKE_CONSUMER));
    assert_true(handle->paused);
    assert_int_equal(handle->priority, 1);
    expect_prefix(2, "420" NEW_CONSUMER);
    say(&call.stage, 2, "430[null]");
    assert_false(handle->paused);
    assert_int_equal(handle->resumes, 1);
    say(&call.stage, 2, "430[null]"); /* again: nobody waits for it */
    assert_int_equal(handle->resumes, 1);
    stage_close(&call.stage);
}

static void test_client_that_pauses_before_it_answers(void **state)
{
    (void)state;
    struct call call;
    call_open(&call, NULL);
    produce(&call.stage, 1, call.alice, call.sending, true);
    struct consumer *consumer = first_consumer(call.bob);
    sayf(&call.stage, 2, "421[\"request\",{\"method\":\"pauseConsumer\",\"data\":{\"consumerId\":\"%s\"}}]",
         consumer->id);
    say(&call.stage, 2, "430[]");
    assert_true(fake_get(consumer->handle)->paused);
    sayf(&call.stage, 2, "422[\"request\",{\"method\":\"resumeConsumer\",\"data\":{\"consumerId\":\"%s\"}}]",
         consumer->id);
    assert_false(fake_get(consumer->handle)->paused);
    stage_close(&call.stage);
}

static void test_unanswered_request_is_repeated_then_closed(void **state)
{
    (void)state;
    struct call call;
    call_open(&call, &(struct stage_times){.request_timeout_ms = 20});
    produce(&call.stage, 1, call.alice, call.sending, true);
    stage_run(&call.stage, 200);
    const char *first = hear(2), *second = hear(2), *third = hear(2);
    assert_non_null(third);
    assert_memory_equal(first, "420[", 4);
    assert_memory_equal(second, "421[", 4);
    assert_memory_equal(third, "422[", 4);
    assert_string_equal(first + 3, second + 3);
    assert_string_equal(first + 3, third + 3);
    expect_silence(2);
    assert_int_equal(fake_count(FAKE_CONSUMER), 0);
    assert_null(first_consumer(call.bob));
    stage_close(&call.stage);
}

static void test_late_answer_counts(void **state)
{
    (void)state;
    struct call call;
    call_open(&call, &(struct stage_times){.request_timeout_ms = 30});
    produce(&call.stage, 1, call.alice, call.sending, true);
    stage_run(&call.stage, 45);
    say(&call.stage, 2, "430[]");
    assert_false(fake_get(fake_last(FAKE_CONSUMER))->paused);
    stage_run(&call.stage, 120);
    assert_non_null(first_consumer(call.bob));
    stage_close(&call.stage);
}

static void test_refused_consumer_is_closed(void **state)
{
    (void)state;
    struct call call;
    call_open(&call, NULL);
    produce(&call.stage, 1, call.alice, call.sending, true);
    say(&call.stage, 2, "430[\"some error\"]");
    assert_null(first_consumer(call.bob));
    assert_int_equal(fake_count(FAKE_CONSUMER), 0);
    stage_close(&call.stage);
}

static void test_late_joiner_gets_all_producers(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    struct peer *alice = enter_and_join(&stage, 1, 7, "Alice");
    const char *sending = make_transport(&stage, 1, alice, false);
    struct producer *microphone = produce(&stage, 1, alice, sending, false);
    produce(&stage, 1, alice, sending, true);
    sayf(&stage, 1, "423[\"request\",{\"method\":\"pauseProducer\",\"data\":{\"producerId\":\"%s\"}}]",
         microphone->id);
    expect(1, "433[]");
    assert_true(fake_get(microphone->handle)->paused);

    struct peer *bob = enter(&stage, 2, 3);
    make_transport(&stage, 2, bob, true);
    sayf(&stage, 2,
         "421[\"request\",{\"method\":\"join\",\"data\":{\"nickname\":\"Bob\",\"rtpCapabilities\":%s}}]",
         media_capabilities);
    expect_prefix(2, "42[\"notification\",{\"method\":\"changeNickname\"");
    expect_prefix(2, "431[null,{\"peers\":[");
    const char *audio = hear(2), *video = hear(2);
    assert_non_null(video);
    assert_memory_equal(audio, "420" NEW_CONSUMER, strlen("420" NEW_CONSUMER));
    assert_non_null(strstr(audio, "\"mid\":\"0\""));
    assert_non_null(strstr(audio, "\"producerPaused\":true"));
    assert_non_null(strstr(video, "\"mid\":\"1\""));
    assert_non_null(strstr(video, "\"type\":\"simulcast\""));
    assert_non_null(strstr(video, "\"producerPaused\":false"));
    expect_silence(2);

    /* A second join makes no second consumers; a transport made after the join gets none. */
    say(&stage, 2, "422[\"request\",{\"method\":\"join\",\"data\":{\"nickname\":\"Bob\"}}]");
    expect_prefix(2, "432[null,");
    expect_silence(2);
    struct peer *carol = enter_and_join(&stage, 3, 3, "Carol");
    make_transport(&stage, 3, carol, true);
    expect_silence(3);
    stage_close(&stage);
}

static void test_who_cannot_receive_gets_no_consumer(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    struct peer *alice = enter_and_join(&stage, 1, 7, "Alice");
    const char *sending = make_transport(&stage, 1, alice, false);
    make_transport(&stage, 1, alice, true);
    enter_and_join(&stage, 2, 3, "without transport");
    struct peer *connected = enter(&stage, 3, 3);
    make_transport(&stage, 3, connected, true);
    struct peer *deaf = enter(&stage, 4, 3);
    make_transport(&stage, 4, deaf, true);
    say(&stage, 4, "421[\"request\",{\"method\":\"join\",\"data\":{\"nickname\":\"D\"}}]");
    for (uint64_t ws = 1; ws <= 4; ws++)
        forget(ws);
    produce(&stage, 1, alice, sending, true);
    for (uint64_t ws = 1; ws <= 4; ws++)
        expect_silence(ws);
    assert_int_equal(fake_count(FAKE_CONSUMER), 0);
    stage_close(&stage);
}

static void test_pause_resume_close_of_a_producer(void **state)
{
    (void)state;
    struct call call;
    call_open(&call, NULL);
    struct producer *producer = produce(&call.stage, 1, call.alice, call.sending, false);
    char producer_id[IDS_UUID_BYTES], consumer_id[IDS_UUID_BYTES];
    memcpy(producer_id, producer->id, sizeof(producer_id));
    memcpy(consumer_id, first_consumer(call.bob)->id, sizeof(consumer_id));
    say(&call.stage, 2, "430[null]");
    forget(2);
    static const struct {
        const char *method, *notification;
    } steps[] = {{"pauseProducer", "consumerPaused"},
                 {"pauseProducer", NULL},
                 {"resumeProducer", "consumerResumed"},
                 {"resumeProducer", NULL},
                 {"closeProducer", "consumerClosed"}};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        sayf(&call.stage, 2, "421[\"request\",{\"method\":\"%s\",\"data\":{\"producerId\":\"%s\"}}]",
             steps[i].method, producer_id);
        expectf(2, "431[500,\"request %s failed\"]", steps[i].method);
        sayf(&call.stage, 1, "421[\"request\",{\"method\":\"%s\",\"data\":{\"producerId\":\"%s\"}}]",
             steps[i].method, producer_id);
        expect(1, "431[]");
        if (steps[i].notification)
            expectf(2, "42[\"notification\",{\"method\":\"%s\",\"data\":{\"consumerId\":\"%s\"}}]",
                    steps[i].notification, consumer_id);
        expect_silence(2);
    }
    sayf(&call.stage, 1, "422[\"request\",{\"method\":\"closeProducer\",\"data\":{\"producerId\":\"%s\"}}]",
         producer_id);
    expect(1, "432[500,\"request closeProducer failed\"]");
    assert_int_equal(fake_count(FAKE_PRODUCER) + fake_count(FAKE_CONSUMER), 0);
    stage_close(&call.stage);
}

static void test_leaving_closes_consumers(void **state)
{
    (void)state;
    struct call call;
    call_open(&call, NULL);
    produce(&call.stage, 1, call.alice, call.sending, false);
    produce(&call.stage, 1, call.alice, call.sending, true);
    struct consumer *audio = first_consumer(call.bob), *video = TAILQ_NEXT(audio, peer_link);
    char alice_id[IDS_UUID_BYTES], audio_id[IDS_UUID_BYTES], video_id[IDS_UUID_BYTES];
    memcpy(alice_id, call.alice->id, sizeof(alice_id));
    memcpy(audio_id, audio->id, sizeof(audio_id));
    memcpy(video_id, video->id, sizeof(video_id));
    say(&call.stage, 2, "430[null]");
    forget(2);
    say(&call.stage, 1, "41");
    expectf(2, "42[\"notification\",{\"method\":\"peerClosed\",\"data\":{\"peerId\":\"%s\"}}]", alice_id);
    expectf(2, "42[\"notification\",{\"method\":\"consumerClosed\",\"data\":{\"consumerId\":\"%s\"}}]",
            audio_id);
    expectf(2, "42[\"notification\",{\"method\":\"consumerClosed\",\"data\":{\"consumerId\":\"%s\"}}]",
            video_id);
    expect_silence(2);
    expect_silence(1);
    assert_false(fake_sockets[1].closed);
    assert_int_equal(fake_count(FAKE_TRANSPORT), 1);
    stage_close(&call.stage);
}

static void test_produce_is_checked(void **state)
{
    (void)state;
    struct call call;
    call_open(&call, NULL);
    static const char *const app_data[] = {"{}", "{\"source\":\"tv\"}", "5", "null"};
    for (size_t i = 0; i < sizeof(app_data) / sizeof(app_data[0]); i++) {
        sayf(&call.stage, 1,
             "421[\"request\",{\"method\":\"produce\",\"data\":{\"transportId\":\"%s\",\"kind\":\"audio\","
             "\"rtpParameters\":%s,\"appData\":%s}}]",
             call.sending, media_opus_parameters, app_data[i]);
        expect(1, "431[500,\"request produce failed\"]");
    }
    /* Another peer's transport, another kind, no kind at all, parameters that are none. */
    static const char *const format = "421[\"request\",{\"method\":\"produce\",\"data\":{\"transportId\":\"%"
                                      "s\",\"kind\":%s,\"rtpParameters\":%s,"
                                      "\"appData\":{\"source\":\"mic\"}}}]";
    const struct {
        uint64_t ws;
        const char *kind, *parameters;
    } bad[] = {{2, "\"audio\"", media_opus_parameters},
               {1, "\"video\"", media_opus_parameters},
               {1, "5", media_opus_parameters},
               {1, "\"audio\"", "{}"}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char *frame;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        assert_true(asprintf(&frame, format, call.sending, bad[i].kind, bad[i].parameters) > 0);
#pragma GCC diagnostic pop
        say(&call.stage, bad[i].ws, frame);
        free(frame);
        expect(bad[i].ws, "431[500,\"request produce failed\"]");
    }
    /* The same stream twice. */
    produce(&call.stage, 1, call.alice, call.sending, false);
    sayf(&call.stage, 1,
         "422[\"request\",{\"method\":\"produce\",\"data\":{\"transportId\":\"%s\",\"kind\":\"audio\","
         "\"rtpParameters\":%s,\"appData\":{\"source\":\"mic\"}}}]",
         call.sending, media_opus_parameters);
    expect(1, "432[500,\"request produce failed\"]");
    assert_int_equal(fake_count(FAKE_PRODUCER), 1);
    stage_close(&call.stage);
}

static void test_produce_needs_role_and_join(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    struct peer *listener = enter_and_join(&stage, 1, ROLE_SUBSCRIBER, "L");
    struct peer *guest = enter(&stage, 2, ROLE_PUBLISHER);
    const struct peer *peers[] = {listener, guest};
    for (uint64_t ws = 1; ws <= 2; ws++) {
        sayf(&stage, ws,
             "421[\"request\",{\"method\":\"produce\",\"data\":{\"transportId\":\"%s\",\"kind\":\"audio\","
             "\"rtpParameters\":%s,\"appData\":{\"source\":\"mic\"}}}]",
             make_transport(&stage, ws, peers[ws - 1], false), media_opus_parameters);
        expect(ws, "431[500,\"request produce failed\"]");
    }
    stage_close(&stage);
}

static void test_events_of_the_forwarder(void **state)
{
    (void)state;
    struct call call;
    call_open(&call, NULL);
    produce(&call.stage, 1, call.alice, call.sending, true);
    struct consumer *consumer = first_consumer(call.bob);
    say(&call.stage, 2, "430[null]");
    forget(2);
    rooms_layers_changed(call.stage.rooms, consumer->handle, 1, 2);
    expectf(2,
            "42[\"notification\",{\"method\":\"consumerLayersChanged\",\"data\":{\"consumerId\":\"%s\","
            "\"layers\":{"
            "\"spatialLayer\":1,\"temporalLayer\":2}}}]",
            consumer->id);
    rooms_layers_changed(call.stage.rooms, consumer->handle, -1, -1);
    expectf(2, "42[\"notification\",{\"method\":\"consumerLayersChanged\",\"data\":{\"consumerId\":\"%s\"}}]",
            consumer->id);
    rooms_score_changed(call.stage.rooms, consumer->handle, 10, 0, (const unsigned[]){10, 0}, 2);
    expectf(
        2,
        "42[\"notification\",{\"method\":\"consumerScoreChanged\",\"data\":{\"consumerId\":\"%s\",\"score\":{"
        "\"score\":10,\"producerScore\":0,\"producerScores\":[10,0]}}}]",
        consumer->id);
    rooms_layers_changed(call.stage.rooms, 4000, 1, 1);
    expect_silence(2);

    json_t *stats = rooms_stats(call.stage.rooms);
    json_t *peer = json_object_get(json_object_get(stats, call.stage.room->id), call.bob->id);
    json_t *entry = json_array_get(json_object_get(peer, "consumers"), 0);
    assert_string_equal(json_string_value(json_object_get(entry, "id")), consumer->id);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(entry, "score"), "score")), 10);
    assert_int_equal(json_array_size(json_object_get(peer, "transports")), 1);
    json_decref(stats);
    stage_close(&call.stage);
}

static void test_lost_forwarder_disconnects_who_had_media(void **state)
{
    (void)state;
    struct call call;
    call_open(&call, NULL);
    produce(&call.stage, 1, call.alice, call.sending, true);
    char id[IDS_UUID_BYTES];
    char alice[IDS_UUID_BYTES];
    memcpy(alice, call.alice->id, sizeof(alice));
    memcpy(id, first_consumer(call.bob)->id, sizeof(id));
    say(&call.stage, 2, "430[null]");
    forget(2);
    forget(1);
    rooms_forwarder_lost(call.stage.rooms);
    expectf(2, "42[\"notification\",{\"method\":\"consumerClosed\",\"data\":{\"consumerId\":\"%s\"}}]", id);
    expect(1, "41");
    expectf(2, "42[\"notification\",{\"method\":\"peerClosed\",\"data\":{\"peerId\":\"%s\"}}]", alice);
    expect(2, "41");
    assert_int_equal(fake_count(FAKE_TRANSPORT) + fake_count(FAKE_PRODUCER) + fake_count(FAKE_CONSUMER), 0);
    assert_int_equal(call.stage.room->peer_count, 0);
    stage_close(&call.stage);
}

/* Whose transport has failed is disconnected, and goes as it came; the others stay. */
static void test_failed_transport_disconnects_its_peer(void **state)
{
    (void)state;
    struct call call;
    call_open(&call, NULL);
    produce(&call.stage, 1, call.alice, call.sending, true);
    char id[IDS_UUID_BYTES];
    char alice[IDS_UUID_BYTES];
    memcpy(alice, call.alice->id, sizeof(alice));
    memcpy(id, first_consumer(call.bob)->id, sizeof(id));
    say(&call.stage, 2, "430[null]");
    forget(2);
    forget(1);
    rooms_transport_failed(call.stage.rooms, 0x7fffffff00000001u); /* nobody's */
    assert_int_equal(call.stage.room->peer_count, 2);
    rooms_transport_failed(call.stage.rooms, peer_transport_handle(TAILQ_FIRST(&call.alice->transports)));
    expect(1, "41");
    expectf(2, "42[\"notification\",{\"method\":\"peerClosed\",\"data\":{\"peerId\":\"%s\"}}]", alice);
    expectf(2, "42[\"notification\",{\"method\":\"consumerClosed\",\"data\":{\"consumerId\":\"%s\"}}]", id);
    expect_silence(2);
    assert_int_equal(fake_count(FAKE_PRODUCER) + fake_count(FAKE_CONSUMER), 0);
    assert_int_equal(call.stage.room->peer_count, 1);
    stage_close(&call.stage);
}

static void test_refusing_forwarder_changes_nothing(void **state)
{
    (void)state;
    struct call call;
    call_open(&call, NULL);
    struct producer *producer = produce(&call.stage, 1, call.alice, call.sending, false);
    struct consumer *consumer = first_consumer(call.bob);
    say(&call.stage, 2, "430[null]");
    forget(2);
    fake_forwarder.error = -EAGAIN;
    sayf(&call.stage, 1, "421[\"request\",{\"method\":\"pauseProducer\",\"data\":{\"producerId\":\"%s\"}}]",
         producer->id);
    expect(1, "431[500,\"request pauseProducer failed\"]");
    assert_false(producer->paused);
    sayf(&call.stage, 2, "421[\"request\",{\"method\":\"pauseConsumer\",\"data\":{\"consumerId\":\"%s\"}}]",
         consumer->id);
    expect(2, "431[500,\"request pauseConsumer failed\"]");
    assert_false(consumer->paused);
    stage_close(&call.stage);
}

static void test_limits(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    struct peer *peer = enter_and_join(&stage, 1, 3, "A");
    for (size_t i = 0; i < PEER_TRANSPORTS_MAX; i++)
        make_transport(&stage, 1, peer, false);
    say(&stage, 1, "421[\"request\",{\"method\":\"createWebRtcTransport\",\"data\":{}}]");
    expect(1, "431[500,\"request createWebRtcTransport failed\"]");
    struct peer_transport *transport;
    TAILQ_FOREACH(transport, &peer->transports, link)
    produce(&stage, 1, peer, peer_transport_id(transport), false);
    sayf(&stage, 1,
         "422[\"request\",{\"method\":\"produce\",\"data\":{\"transportId\":\"%s\",\"kind\":\"video\","
         "\"rtpParameters\":%s,\"appData\":{\"source\":\"webcam\"}}}]",
         peer_transport_id(TAILQ_FIRST(&peer->transports)), media_vp8_parameters);
    expect(1, "432[500,\"request produce failed\"]");
    stage_close(&stage);
}

static void test_transport_requests(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    struct peer *peer = enter(&stage, 1, 3);
    const char *id = make_transport(&stage, 1, peer, false);
    say(&stage, 1, "421[\"request\",{\"method\":\"createWebRtcTransport\",\"data\":{\"forceTcp\":true}}]");
    expect(1, "431[500,\"request createWebRtcTransport failed\"]");
    sayf(&stage, 1, "422[\"request\",{\"method\":\"restartIce\",\"data\":{\"transportId\":\"%s\"}}]", id);
    expect(1, "432[null,{\"iceLite\":true}]");
    say(&stage, 1, "423[\"request\",{\"method\":\"restartIce\",\"data\":{}}]");
    expect(1, "433[500,\"request restartIce failed\"]");
    static const char *const format =
        "42%d[\"request\",{\"method\":\"connectWebRtcTransport\",\"data\":{"
        "\"transportId\":\"%s\",\"dtlsParameters\":{\"role\":\"client\",\"fingerprints\":[{"
        "\"algorithm\":\"sha-256\",\"value\":\"00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:"
        "0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\"}]}}}]";
    for (int i = 4; i <= 5; i++) {
        char frame[1024];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(frame, sizeof(frame), format, i, id);
#pragma GCC diagnostic pop
        say(&stage, 1, frame);
    }
    expect(1, "434[]");
    expect(1, "435[500,\"request connectWebRtcTransport failed\"]"); /* the roles are fixed */
    sayf(&stage, 1,
         "426[\"request\",{\"method\":\"connectWebRtcTransport\",\"data\":{\"transportId\":\"%s\"}}]", id);
    expect(1, "436[500,\"request connectWebRtcTransport failed\"]");
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_producer_is_offered),
        cmocka_unit_test(test_video_flows_once_it_is_answered),
        cmocka_unit_test(test_client_that_pauses_before_it_answers),
        cmocka_unit_test(test_unanswered_request_is_repeated_then_closed),
        cmocka_unit_test(test_late_answer_counts),
        cmocka_unit_test(test_refused_consumer_is_closed),
        cmocka_unit_test(test_late_joiner_gets_all_producers),
        cmocka_unit_test(test_who_cannot_receive_gets_no_consumer),
        cmocka_unit_test(test_pause_resume_close_of_a_producer),
        cmocka_unit_test(test_leaving_closes_consumers),
        cmocka_unit_test(test_produce_is_checked),
        cmocka_unit_test(test_produce_needs_role_and_join),
        cmocka_unit_test(test_events_of_the_forwarder),
        cmocka_unit_test(test_lost_forwarder_disconnects_who_had_media),
        cmocka_unit_test(test_failed_transport_disconnects_its_peer),
        cmocka_unit_test(test_refusing_forwarder_changes_nothing),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_transport_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
