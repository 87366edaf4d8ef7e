/* What crosses from one worker to another, and what may go wrong on the way. */
#include "tests/unit/dataplane/engine_pair.h"

#include <errno.h>

#include "dataplane/key_frame.h"
#include "proto/wire/bytes.h"
#include "proto/wire/stun_write.h"
#include "shm/ufrag.h"

static unsigned plis_of_alice(struct pair *pair)
{
    struct rig_packet packet;
    struct rtcp_packet part;

    return client_count_rtcp(&pair->call.alice, RTCP_PSFB, RTCP_PSFB_PLI, &packet, &part);
}

static void test_audio_crosses(void **state)
{
    struct pair pair;
    uint16_t sequence = 0;

    (void)state;
    pair_init(&pair);
    pair_consume(&pair);
    for (uint16_t i = 0; i < 200; i++) {
        send_audio(&pair.call, (uint16_t)(65500 + i), i * 960u);
        check_audio(&pair.call, &sequence, i == 0);
    }
    assert_int_equal(pair.call.rig.worker->totals.references_sent, 200);
    assert_int_equal(pair.second.worker->totals.references_received, 200);
    assert_int_equal(pair.second.worker->totals.rtp_forwarded, 200);
    pair_deinit(&pair);
}

static void test_key_frames_are_asked_of_the_owner(void **state)
{
    struct pair pair;
    struct rtp_header header;
    struct vp8_descriptor vp8;
    uint8_t pli[64];

    (void)state;
    pair_init(&pair);
    pair_consume(&pair);
    send_frame(&pair.call, false);
    assert_false(receive_frame(&pair.call, &header, &vp8)); /* waits for a key frame */
    assert_int_equal(plis_of_alice(&pair), 1);
    send_frame(&pair.call, true);
    assert_true(receive_frame(&pair.call, &header, &vp8));
    uint16_t sequence = header.sequence;
    send_frame(&pair.call, false);
    assert_true(receive_frame(&pair.call, &header, &vp8));
    assert_int_equal(header.sequence, (uint16_t)(sequence + 1));

    /* Bob's own request, and no more than one a second of them. */
    rig_pass_us(KEY_FRAME_INTERVAL_US + 10000);
    int length = rtcp_write_pli(pli, sizeof(pli), 1, BOB_VIDEO_SSRC);
    assert_true(length > 0);
    for (unsigned i = 0; i < 3; i++)
        client_send_rtcp(&pair.call.bob, &pair.second, pli, (size_t)length);
    assert_int_equal(plis_of_alice(&pair), 1);
    pair_deinit(&pair);
}

static void test_pauses(void **state)
{
    struct pair pair;
    struct rtp_header header;
    struct rig_packet packet;
    uint16_t sequence = 0;

    (void)state;
    pair_init(&pair);
    pair_consume(&pair);
    send_audio(&pair.call, 1, 960);
    check_audio(&pair.call, &sequence, true);

    assert_int_equal(
        rig_pause(&pair.second, KM__COMMAND__BODY_PAUSE_CONSUMER, pair.call.audio_consumer, true), 0);
    send_audio(&pair.call, 2, 1920);
    assert_false(client_receive_rtp(&pair.call.bob, &packet, &header));
    assert_int_equal(
        rig_pause(&pair.second, KM__COMMAND__BODY_PAUSE_CONSUMER, pair.call.audio_consumer, false), 0);

    /* The two workers hear of a pause one after the other, in either order. */
    for (unsigned i = 0; i < 2; i++) {
        struct rig *one = i == 0 ? &pair.call.rig : &pair.second;
        for (unsigned paused = 2; paused-- > 0;) {
            assert_int_equal(rig_pause(one, KM__COMMAND__BODY_PAUSE_PRODUCER, pair.call.audio, paused), 0);
            send_audio(&pair.call, (uint16_t)(3 + 4 * i + 2 * (1 - paused)), (3 + 4 * i) * 960u);
            assert_false(client_receive_rtp(&pair.call.bob, &packet, &header));
            assert_int_equal(rig_pause(one->other, KM__COMMAND__BODY_PAUSE_PRODUCER, pair.call.audio, paused),
                             0);
        }
        send_audio(&pair.call, (uint16_t)(10 + i), (10 + i) * 960u);
        check_audio(&pair.call, &sequence, false);
    }
    pair_deinit(&pair);
}

/* Control's orders to two workers overtake one another. */
static void test_follower_before_its_mirror(void **state)
{
    struct pair pair;
    uint16_t sequence = 0;

    (void)state;
    pair_init(&pair);
    assert_int_equal(follow(&pair, pair.call.audio, true), 0);
    send_audio(&pair.call, 1, 960);
    assert_int_equal(rig_drops(&pair.second, DROP_stream_gone), 1);
    assert_int_equal(mirror(&pair, call_audio(&pair.call)), 0);
    assert_int_equal(mirror(&pair, call_audio(&pair.call)), EEXIST);
    consume(&pair, pair.call.audio_consumer, pair.call.audio, BOB_AUDIO_SSRC);
    send_audio(&pair.call, 2, 1920);
    check_audio(&pair.call, &sequence, true);
    pair_deinit(&pair);
}

static void test_removal_on_either_side_first(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct pair pair;
        struct rtp_header header;
        struct rig_packet packet;
        uint16_t sequence = 0;

        pair_init(&pair);
        pair_consume(&pair);
        send_audio(&pair.call, 1, 960);
        check_audio(&pair.call, &sequence, true);
        struct rig *first = i == 0 ? &pair.call.rig : &pair.second;
        assert_int_equal(rig_remove(first, KM__COMMAND__BODY_REMOVE_PRODUCER, pair.call.audio), 0);
        send_audio(&pair.call, 2, 1920);
        assert_false(client_receive_rtp(&pair.call.bob, &packet, &header));
        assert_int_equal(rig_drops(&pair.second, DROP_stream_gone), i);
        assert_int_equal(rig_remove(first->other, KM__COMMAND__BODY_REMOVE_PRODUCER, pair.call.audio), 0);
        assert_null(consumer_find(&pair.second.worker->streams, pair.call.audio_consumer));
        assert_non_null(consumer_find(&pair.second.worker->streams, pair.call.video_consumer));
        assert_int_equal(follow(&pair, pair.call.audio, true), ENOENT);
        pair_deinit(&pair);
    }
}

static void test_bad_commands(void **state)
{
    struct pair pair;
    Km__SetFollower message = KM__SET_FOLLOWER__INIT;
    Km__MirrorProducer empty = KM__MIRROR_PRODUCER__INIT;

    (void)state;
    pair_init(&pair);
    message.producer = pair.call.audio;
    message.follows = true;
    assert_int_equal(rig_command(&pair.call.rig, KM__COMMAND__BODY_SET_FOLLOWER, &message),
                     EINVAL); /* itself */
    message.worker = 2;
    assert_int_equal(rig_command(&pair.call.rig, KM__COMMAND__BODY_SET_FOLLOWER, &message), EINVAL);
    empty.worker = 1;
    assert_int_equal(rig_command(&pair.call.rig, KM__COMMAND__BODY_MIRROR_PRODUCER, &empty), EINVAL);
    message.worker = 0;
    assert_int_equal(mirror(&pair, call_audio(&pair.call)), 0);
    assert_int_equal(rig_command(&pair.second, KM__COMMAND__BODY_SET_FOLLOWER, &message),
                     EINVAL); /* a mirror */
    pair_deinit(&pair);
}

/* Bob's sender reports carry alice's clock, which only her worker hears. */
static void test_sender_reports(void **state)
{
    struct pair pair;
    uint16_t sequence = 0;
    uint8_t report[64];
    struct rig_packet packet;
    struct rtcp_packet part;
    struct rtcp_sender_info info = {.ssrc = ALICE_AUDIO_SSRC,
                                    .ntp = 0xe0000000ull << 32,
                                    .rtp_timestamp = 960,
                                    .packet_count = 1,
                                    .octet_count = 10};

    (void)state;
    pair_init(&pair);
    pair_consume(&pair);
    send_audio(&pair.call, 1, 960);
    check_audio(&pair.call, &sequence, true);
    int length = rtcp_write_sr(report, sizeof(report), &info, NULL, 0);
    assert_true(length > 0);
    client_send_rtcp(&pair.call.alice, &pair.call.rig, report, (size_t)length);
    rig_wait_ms(&pair.call.rig, 100); /* a turn of alice's transport */
    const struct producer *audio = producer_find(&pair.second.worker->streams, pair.call.audio);
    const struct producer *video = producer_find(&pair.second.worker->streams, pair.call.video);
    assert_int_equal(audio->streams[0]->row->stats.sr_ntp, info.ntp);
    assert_int_equal(audio->streams[0]->row->stats.sr_rtp, 960);
    assert_true(audio->clock->updated_us > 0);
    assert_memory_equal(audio->clock, video->clock, sizeof(*audio->clock)); /* one sender, one clock */
    assert_memory_equal(audio->clock, &pair.call.rig.worker->transports.transports[0].row->clock,
                        sizeof(*audio->clock));
    assert_int_equal(audio->streams[0]->row->score.value, 10);

    rig_wait_ms(&pair.second, 400);
    assert_true(client_count_rtcp(&pair.call.bob, RTCP_SR, -1, &packet, &part) >= 1);
    pair_deinit(&pair);
}

static uint64_t records_to_bob(const struct pair *pair)
{
    return pair->call.rig.worker->peers.to[1].head / SHM_CACHE_LINE;
}

/* A sender who reports without end takes no room from the media of others. */
static void test_flood_of_sender_reports(void **state)
{
    struct pair pair;
    uint8_t compound[1500];
    struct rtcp_sender_info info = {.ssrc = ALICE_AUDIO_SSRC, .ntp = 0xe0000000ull << 32};
    size_t length = 0;

    (void)state;
    pair_init(&pair);
    pair_consume(&pair);
    send_audio(&pair.call, 1, 960);
    for (unsigned i = 0; i < 50; i++, info.ntp++)
        length += (size_t)rtcp_write_sr(compound + length, sizeof(compound) - length, &info, NULL, 0);

    pair.call.rig.other = NULL; /* bob's worker does not come round */
    uint64_t before = records_to_bob(&pair), begin_us = pair.call.rig.worker->now_us;
    for (unsigned i = 0; i < 70; i++) /* more would meet rtcp_limit.h */
        client_send_rtcp(&pair.call.alice, &pair.call.rig, compound, length);
    uint64_t turns = (pair.call.rig.worker->now_us - begin_us) / TRANSPORT_TURN_US + 2;
    assert_in_range(records_to_bob(&pair) - before, 0, 2 * turns); /* a word of each producer */
    for (uint16_t i = 0; i < 200; i++)
        send_audio(&pair.call, (uint16_t)(2 + i), i * 960u);
    pair.call.rig.other = &pair.second;
    rig_wait_ms(&pair.call.rig, 100);
    assert_int_equal(rig_drops(&pair.call.rig, DROP_peer_ring_full), 0);
    assert_int_equal(pair.second.worker->totals.rtp_forwarded, 201);
    const struct producer *audio = producer_find(&pair.second.worker->streams, pair.call.audio);
    assert_int_equal(audio->streams[0]->row->stats.sr_ntp, info.ntp - 1);
    pair_deinit(&pair);
}

/* The last quarter of a ring is for media; what was not said is said when there is room. */
static void test_words_leave_room_for_media(void **state)
{
    struct pair pair;
    unsigned capacity = rig_capacities.peer_ring_bytes / SHM_CACHE_LINE;

    (void)state;
    pair_init(&pair);
    pair_consume(&pair);
    send_audio(&pair.call, 1, 960);
    rig_wait_ms(&pair.call.rig, 100);
    pair.call.rig.other = NULL;
    struct worker *worker = pair.call.rig.worker;
    struct producer *audio = producer_find(&worker->streams, pair.call.audio);
    uint64_t before = records_to_bob(&pair);
    for (unsigned i = 0; i < 2 * capacity; i++) {
        peers_note_stream(audio->streams[0]);
        peers_turn(worker, audio->transport);
    }
    assert_in_range(records_to_bob(&pair) - before, capacity * 3 / 4 - 2, capacity * 3 / 4 + 1);
    assert_true(rig_drops(&pair.call.rig, DROP_peer_ring_busy) >= capacity);
    audio->streams[0]->row->stats.sr_ntp = 4711;
    for (uint16_t i = 0; i < 200; i++)
        send_audio(&pair.call, (uint16_t)(2 + i), i * 960u);
    assert_int_equal(rig_drops(&pair.call.rig, DROP_peer_ring_full), 0);
    pair.call.rig.other = &pair.second;
    rig_wait_ms(&pair.call.rig, 100);
    assert_int_equal(pair.second.worker->totals.rtp_forwarded, 201);
    const struct producer *mirrored = producer_find(&pair.second.worker->streams, pair.call.audio);
    assert_int_equal(mirrored->streams[0]->row->stats.sr_ntp, 4711);
    pair_deinit(&pair);
}

/* The USERNAME of a check of the second worker's transports; each number is another one. */
static const char *name_of_second(const struct pair *pair, unsigned number)
{
    static char name[UFRAG_CHARACTERS + sizeof(":theirs")];

    snprintf(name, sizeof(name), "01%024u......:theirs", number);
    ufrag_seal(pair->call.rig.segment.secret, name);
    return name;
}

/* As the kernel does without the steering program. */
static void test_datagrams_that_come_to_the_wrong_worker(void **state)
{
    struct pair pair;
    struct client wrong;
    uint16_t sequence = 0;
    uint8_t check[400];
    uint8_t record[4096];
    uint32_t length;

    (void)state;
    pair_init(&pair);
    pair_consume(&pair);
    client_connect(&pair.call.alice, &pair.second);
    for (uint16_t i = 0; i < 100; i++) {
        send_audio(&pair.call, i, i * 960u);
        check_audio(&pair.call, &sequence, i == 0);
    }
    assert_int_equal(pair.second.worker->totals.handed_over, 100);
    assert_int_equal(pair.call.rig.worker->totals.taken_over, 100);

    client_open(&wrong, &pair.call.rig);
    const char *name = name_of_second(&pair, 1);
    const struct stun_binding_request request = {.transaction_id = (const uint8_t *)"transaction",
                                                 .username = name,
                                                 .username_length = strlen(name),
                                                 .priority = 1};
    int bytes = stun_write_binding_request(check, sizeof(check), &request, NULL);
    assert_true(bytes > 0);
    client_send_raw(&wrong, &pair.call.rig, check, (size_t)bytes);
    assert_int_equal(ring_pop(&pair.call.rig.punts, record, sizeof(record), &length), -EAGAIN);
    assert_int_equal(ring_pop(&pair.second.punts, record, sizeof(record), &length), 0);
    client_send_raw(&wrong, &pair.call.rig, "\x80of nobody here", 15);
    assert_int_equal(rig_drops(&pair.call.rig, DROP_unknown_tuple), 1);
    assert_int_equal(pair.call.rig.worker->totals.handed_over, 1);
    client_close(&wrong);
    pair_deinit(&pair);
}

/* A check with that USERNAME, of 39 characters, with so many attributes before it. */
static size_t write_check(uint8_t *data, unsigned before, const char *name)
{
    size_t length = 20;

    memset(data, 0, 20);
    data[1] = 1;
    store_be32(data + 4, STUN_MAGIC_COOKIE);
    for (unsigned i = 0; i < before; i++, length += 4)
        memcpy(data + length, "\x80\x22\0", 4); /* SOFTWARE, empty */
    memcpy(data + length, "\0\6\0\47", 4);
    memcpy(data + length + 4, name, 40);
    length += 44;
    store_be16(data + 2, (uint16_t)(length - 20));
    return length;
}

/* Nobody has authenticated these: they may not take what the media of others need, nor what other strangers
 * do. */
static void test_strangers_are_handed_over_within_a_quota(void **state)
{
    struct pair pair;
    struct client stranger;
    uint8_t check[400];
    char made_up[40];

    (void)state;
    pair_init(&pair);
    memcpy(pair.call.rig.segment.secret, "which is no secret", 16); /* the first names have a bucket each */
    const struct statistics_worker *totals = &pair.call.rig.worker->totals;
    client_open(&stranger, &pair.call.rig);
    client_send_raw(&stranger, &pair.call.rig, check, write_check(check, 7, name_of_second(&pair, 0)));
    assert_int_equal(totals->handed_over, 1);
    /* As the steering program. */
    client_send_raw(&stranger, &pair.call.rig, check, write_check(check, 8, name_of_second(&pair, 0)));
    assert_int_equal(totals->handed_over, 1);

    /* What is made up stays here, and uses up nothing. */
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(made_up, sizeof(made_up), "01%030u:theirs", i);
        client_send_raw(&stranger, &pair.call.rig, check, write_check(check, 0, made_up));
    }
    assert_int_equal(totals->handed_over, 1);

    /* Who was given one has that one's quota. */
    for (unsigned i = 0; i < 3000; i++)
        client_send_raw(&stranger, &pair.call.rig, check, write_check(check, 0, name_of_second(&pair, 1)));
    assert_in_range(totals->handed_over, PUNT_NAME_BURST, PUNT_NAME_BURST + 5);
    uint64_t before = totals->handed_over;
    client_send_raw(&stranger, &pair.call.rig, check, write_check(check, 0, name_of_second(&pair, 2)));
    assert_int_equal(totals->handed_over, before + 1);

    /* And there is one for all. */
    uint64_t refused = rig_drops(&pair.call.rig, DROP_stun_quota);
    for (unsigned i = 0; i < 5000; i++)
        client_send_raw(&stranger, &pair.call.rig, check, write_check(check, 0, name_of_second(&pair, i)));
    assert_in_range(totals->handed_over, PUNT_HAND_OVER_RATE, PUNT_HAND_OVER_RATE * 13 / 10);
    assert_int_equal(rig_drops(&pair.call.rig, DROP_stun_quota) - refused,
                     5000 - (totals->handed_over - before - 1));
    client_close(&stranger);

    /* Whose address is known is not concerned. */
    client_connect(&pair.call.bob, &pair.call.rig);
    before = totals->handed_over;
    size_t length = write_check(check, 0, name_of_second(&pair, 1));
    for (unsigned i = 0; i < 1000; i++)
        client_send_raw(&pair.call.bob, &pair.call.rig, check, length);
    assert_int_equal(totals->handed_over, before + 1000);
    pair_deinit(&pair);
}

/* A worker that lags behind loses packets by name, and sends no wrong one. */
static void test_store_is_overwritten(void **state)
{
    struct pair pair;
    struct rig_packet packet;
    struct rtp_header header;
    unsigned received = 0;
    const unsigned sent = 512;

    (void)state;
    pair_init(&pair);
    pair_consume(&pair);
    pair.call.rig.other = NULL; /* bob's worker does not come round */
    for (unsigned i = 0; i < sent; i++) {
        send_audio(&pair.call, (uint16_t)i, i * 960u);
        rig_pass_us(10000);
    }
    pair.call.rig.other = &pair.second;
    worker_round(pair.second.worker);
    assert_true(rig_drops(&pair.second, DROP_store_overwritten) > 0);
    rig_rounds(&pair.second);
    while (client_receive_rtp(&pair.call.bob, &packet, &header)) {
        assert_memory_equal(packet.data + header.payload_offset, opus, sizeof(opus));
        received++;
    }
    uint64_t forwarded = pair.second.worker->totals.rtp_forwarded;
    assert_true(received > 0 && received <= forwarded); /* a socket's buffer is small */
    assert_in_range(forwarded, SHM_STORE_KEEP_US / 10000, sent - 1);
    assert_int_equal(forwarded + rig_drops(&pair.second, DROP_store_overwritten), sent);
    pair_deinit(&pair);
}

/* A forwarder after a kill takes up both workers' rows: bob goes on hearing alice. */
static void test_another_process_goes_on(void **state)
{
    struct pair pair;
    uint16_t sequence = 0;

    (void)state;
    if (rig_srtp == &srtp_libsrtp2)
        skip();
    pair_init(&pair);
    pair_consume(&pair);
    send_audio(&pair.call, 1, 960);
    check_audio(&pair.call, &sequence, true);
    worker_destroy(pair.call.rig.worker);
    worker_destroy(pair.second.worker);
    rig_start_worker(&pair.call.rig);
    rig_start_worker(&pair.second);
    send_audio(&pair.call, 2, 1920);
    check_audio(&pair.call, &sequence, false);
    assert_int_equal(rig_remove(&pair.second, KM__COMMAND__BODY_REMOVE_PRODUCER, pair.call.audio), 0);
    pair_deinit(&pair);
}

/* What had happened when the first packet for a consumer of the first worker was begun. */
static struct {
    const struct port_verbs *verbs;
    struct pair *pair;
    bool is_seen;
    bool was_woken;
    uint64_t references;
} first_served;

static uint8_t *reserve_watched(struct port *port)
{
    struct pollfd wake = {.fd = first_served.pair->second.worker_wake, .events = POLLIN};

    if (!first_served.is_seen) {
        first_served.is_seen = true;
        first_served.was_woken = poll(&wake, 1, 0) == 1;
        first_served.references = first_served.pair->call.rig.worker->totals.references_sent;
    }
    return first_served.verbs->reserve(port);
}

/* A packet of each stream, so that they wait together. */
static void send_both(struct call *call, uint16_t sequence)
{
    struct rig_rtp packets[] = {{.ssrc = ALICE_AUDIO_SSRC, .payload_type = 111, .mid = "0"},
                                {.ssrc = ALICE_VIDEO_SSRC, .payload_type = 96, .mid = "1"}};

    for (unsigned i = 0; i < 2; i++) {
        uint8_t data[512];
        packets[i].sequence = sequence;
        packets[i].payload = opus;
        packets[i].payload_length = sizeof(opus);
        size_t length = rig_write_rtp(data, sizeof(data) - 64, &packets[i]);
        length = client_protect(&call->alice, data, length, false);
        assert_int_equal(send(call->alice.socket, data, length, 0), (int)length);
    }
}

/* A worker that sleeps is woken, and told of all streams, before the others' consumers are served. */
static void test_woken_before_anyone_is_served(void **state)
{
    struct pair pair;
    struct call *call = &pair.call;
    struct port_verbs watched;

    (void)state;
    pair_init(&pair);
    pair_consume(&pair);
    struct rig_consumer own = {.handle = shm_handle_make(9, 1),
                               .transport = call->alice.transport,
                               .producer = call->audio,
                               .ssrc = 0xcccccccc,
                               .mid = "9"};
    assert_int_equal(rig_install_consumer(&call->rig, &own), 0);
    send_both(call, 1); /* both streams live from now on */
    rig_await(call->rig.media_socket);
    rig_rounds(&call->rig);
    struct port *port = call->rig.worker->port;
    uint64_t told = call->rig.worker->totals.references_sent;
    assert_int_equal(told, 2);
    first_served.verbs = port->verbs;
    first_served.pair = &pair;
    watched = *port->verbs;
    watched.reserve = reserve_watched;
    assert_true(peers_sleep(pair.second.worker));
    send_both(call, 2);

    port->verbs = &watched;
    while (!first_served.is_seen) {
        rig_await(call->rig.media_socket);
        worker_round(call->rig.worker);
    }
    port->verbs = first_served.verbs;
    assert_true(first_served.was_woken);
    assert_int_equal(first_served.references, told + 2);
    pair_deinit(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_audio_crosses),
        cmocka_unit_test(test_key_frames_are_asked_of_the_owner),
        cmocka_unit_test(test_pauses),
        cmocka_unit_test(test_follower_before_its_mirror),
        cmocka_unit_test(test_removal_on_either_side_first),
        cmocka_unit_test(test_bad_commands),
        cmocka_unit_test(test_sender_reports),
        cmocka_unit_test(test_flood_of_sender_reports),
        cmocka_unit_test(test_words_leave_room_for_media),
        cmocka_unit_test(test_datagrams_that_come_to_the_wrong_worker),
        cmocka_unit_test(test_strangers_are_handed_over_within_a_quota),
        cmocka_unit_test(test_store_is_overwritten),
        cmocka_unit_test(test_another_process_goes_on),
        cmocka_unit_test(test_woken_before_anyone_is_served),
    };
    return RIG_RUN(tests);
}
