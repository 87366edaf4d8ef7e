/* Plain transports in the worker: whom they hear, whom they send to, and what another worker goes on with. */
#include "tests/unit/dataplane/engine_call.h"

#include <errno.h>
#include <fcntl.h>

#include "dataplane/plain.h"

/* Alice sends in the clear, bob (a WebRTC client) and carol (plain) receive. */
struct scene {
    struct call call;
    struct sockaddr_in rtp_name; /* of the server, for alice */
    struct sockaddr_in rtcp_name;
    int sockets[2]; /* alice's transport's, as control keeps them */
    int alice;
    int alice_rtcp;
    int stranger;
    int carols_rtcp; /* the server's socket for it */
};

static int open_end(uint32_t host, struct sockaddr_in *ret_name)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(host)};
    socklen_t bytes = sizeof(name);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&name, bytes), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &bytes), 0);
    if (ret_name)
        *ret_name = name;
    return fd;
}

static uint32_t install_plain(struct rig *rig, shm_handle handle, Km__InstallTransport__Plain plain)
{
    Km__InstallTransport message = KM__INSTALL_TRANSPORT__INIT;
    message.transport = handle;
    message.plain = plain;
    return rig_command(rig, KM__COMMAND__BODY_INSTALL_TRANSPORT, &message);
}

static void give_sockets(struct rig *rig, shm_handle handle, const int sockets[2])
{
    const int copies[2] = {dup(sockets[0]), dup(sockets[1])};
    assert_int_equal(worker_give_plain(rig->worker, handle, copies), 0);
}

static uint32_t connect_to(struct rig *rig, shm_handle handle, const struct sockaddr_in *rtp,
                           uint32_t rtcp_port)
{
    Km__ConnectPlain message = KM__CONNECT_PLAIN__INIT;
    struct shm_address address;

    assert_true(shm_address_from_sockaddr((const struct sockaddr *)rtp, &address));
    message.transport = handle;
    message.address = (ProtobufCBinaryData){sizeof(address.ip), address.ip};
    message.port = address.port;
    message.rtcp_port = rtcp_port;
    return rig_command(rig, KM__COMMAND__BODY_CONNECT_PLAIN, &message);
}

static void scene_open(struct scene *scene, Km__InstallTransport__Plain plain)
{
    struct call *call = &scene->call;

    memset(scene, 0, sizeof(*scene));
    rig_init(&call->rig);
    client_join(&call->bob, &call->rig, 1, SRTP_AEAD_AES_128_GCM);
    call->alice.transport = shm_handle_make(0, 1);
    call->alice.socket = -1;
    assert_int_equal(install_plain(&call->rig, call->alice.transport, plain), 0);
    scene->sockets[0] = open_end(INADDR_LOOPBACK, &scene->rtp_name);
    scene->sockets[1] = open_end(INADDR_LOOPBACK, &scene->rtcp_name);
    give_sockets(&call->rig, call->alice.transport, scene->sockets);
    scene->alice = open_end(INADDR_LOOPBACK, NULL);
    scene->alice_rtcp = open_end(INADDR_LOOPBACK, NULL);
    scene->stranger = open_end(INADDR_LOOPBACK + 1, NULL);
    call_produce(call);
    rig_rounds(&call->rig);
}

static void scene_close(struct scene *scene)
{
    close(scene->sockets[0]);
    close(scene->sockets[1]);
    close(scene->alice);
    close(scene->alice_rtcp);
    close(scene->stranger);
    client_close(&scene->call.bob);
    rig_deinit(&scene->call.rig);
}

static void say(struct scene *scene, int from, const struct sockaddr_in *to, const void *data, size_t length)
{
    assert_int_equal(sendto(from, data, length, 0, (const struct sockaddr *)to, sizeof(*to)), length);
    rig_await(to == &scene->rtp_name    ? scene->sockets[0]
              : to == &scene->rtcp_name ? scene->sockets[1]
                                        : scene->carols_rtcp);
    rig_pass_us(RIG_DATAGRAM_US);
    rig_rounds(&scene->call.rig);
}

static void say_audio(struct scene *scene, int from, uint16_t sequence)
{
    uint8_t data[256];
    struct rig_rtp rtp = {.ssrc = ALICE_AUDIO_SSRC,
                          .payload_type = 111,
                          .sequence = sequence,
                          .timestamp = 960u * sequence,
                          .payload = opus,
                          .payload_length = sizeof(opus)};
    size_t length = rig_write_rtp(data, sizeof(data), &rtp);
    say(scene, from, &scene->rtp_name, data, length);
}

static size_t write_report(uint8_t *data, size_t capacity, uint32_t ssrc)
{
    struct rtcp_sender_info info = {.ssrc = ssrc, .ntp = 1ull << 40, .rtp_timestamp = 7};
    int length = rtcp_write_sr(data, capacity, &info, NULL, 0);
    assert_true(length > 0);
    return (size_t)length;
}

static bool bob_hears(struct scene *scene)
{
    struct rig_packet packet;
    struct rtp_header header;
    return client_receive_rtp(&scene->call.bob, &packet, &header);
}

static struct shm_transport_row *alices_row(struct scene *scene)
{
    return shm_segment_at(&scene->call.rig.segment, SHM_SECTION_TRANSPORT, 0);
}

static void the_first_packet_says_the_address(void **state)
{
    struct scene scene;
    (void)state;

    scene_open(&scene, KM__INSTALL_TRANSPORT__PLAIN__ADDRESS_LEARNED);
    consume_audio(&scene.call);
    assert_false(alices_row(&scene)->has_selected);
    say_audio(&scene, scene.alice, 1);
    assert_true(bob_hears(&scene));
    assert_true(alices_row(&scene)->has_selected);
    say_audio(&scene, scene.stranger, 2);
    assert_false(bob_hears(&scene));
    assert_int_equal(rig_drops(&scene.call.rig, DROP_plain_other_source), 1);
    say_audio(&scene, scene.alice_rtcp, 2); /* another port of the same host is another source */
    assert_int_equal(rig_drops(&scene.call.rig, DROP_plain_other_source), 2);
    say_audio(&scene, scene.alice, 2);
    assert_true(bob_hears(&scene));
    assert_int_equal(alices_row(&scene)->packets_received, 2);
    scene_close(&scene);
}

static void what_nobody_produces_teaches_nothing(void **state)
{
    struct scene scene;
    uint8_t data[256];
    struct rig_rtp rtp = {
        .ssrc = 12345, .payload_type = 111, .payload = opus, .payload_length = sizeof(opus)};
    struct rig *rig = &scene.call.rig;
    (void)state;

    scene_open(&scene, KM__INSTALL_TRANSPORT__PLAIN__ADDRESS_LEARNED);
    say(&scene, scene.stranger, &scene.rtp_name, data, rig_write_rtp(data, sizeof(data), &rtp));
    assert_int_equal(rig_drops(rig, DROP_plain_unexpected), 1);
    say(&scene, scene.stranger, &scene.rtp_name, "\x80\x6f", 2); /* cut off */
    assert_int_equal(rig_drops(rig, DROP_plain_unexpected), 2);
    say(&scene, scene.stranger, &scene.rtcp_name, data, write_report(data, sizeof(data), 12345));
    say(&scene, scene.stranger, &scene.rtcp_name, "\x81\xc8\x00\x09", 4);
    assert_int_equal(rig_drops(rig, DROP_plain_unexpected), 4);
    say(&scene, scene.stranger, &scene.rtp_name, "", 0);
    assert_int_equal(rig_drops(rig, DROP_empty), 1);
    say(&scene, scene.stranger, &scene.rtp_name, "\x00\x01\x00\x00", 4); /* STUN */
    say(&scene, scene.stranger, &scene.rtp_name, "\x16\xfe\xfd\x00", 4); /* DTLS */
    say(&scene, scene.stranger, &scene.rtp_name, "hello", 5);
    assert_int_equal(rig_drops(rig, DROP_unknown_class), 3);
    rtp.ssrc = ALICE_AUDIO_SSRC;
    say(&scene, scene.alice, &scene.rtcp_name, data, rig_write_rtp(data, sizeof(data), &rtp));
    assert_int_equal(rig_drops(rig, DROP_plain_wrong_port), 1);
    assert_false(alices_row(&scene)->has_selected);
    assert_int_equal(alices_row(&scene)->packets_received, 0);
    scene_close(&scene);
}

/* A request for a key frame, which is due when somebody consumes, goes to where the reports come from. */
static bool hears_key_frame_request(const struct scene *scene, int fd)
{
    uint8_t data[1500];
    size_t got;
    bool found = false;

    while ((got = rig_receive(fd, scene->sockets[1], data, sizeof(data))) > 0)
        found |= got >= 12 && data[0] == (0x80 | RTCP_PSFB_PLI) && data[1] == RTCP_PSFB;
    return found;
}

static void rtcp_has_a_socket_of_its_own(void **state)
{
    struct scene scene;
    uint8_t data[256];
    struct rig *rig = &scene.call.rig;
    (void)state;

    scene_open(&scene, KM__INSTALL_TRANSPORT__PLAIN__ADDRESS_LEARNED);
    consume_video(&scene.call, false);
    say_audio(&scene, scene.alice, 1);
    rig_wait_ms(rig, 100);
    assert_false(hears_key_frame_request(&scene, scene.alice)); /* no address for RTCP is known yet */
    say(&scene, scene.stranger, &scene.rtcp_name, data, write_report(data, sizeof(data), ALICE_VIDEO_SSRC));
    assert_int_equal(rig_drops(rig, DROP_plain_other_source), 1);
    say(&scene, scene.alice_rtcp, &scene.rtcp_name, data, write_report(data, sizeof(data), ALICE_VIDEO_SSRC));
    assert_int_equal(alices_row(&scene)->packets_received, 2);
    struct stream *stream =
        stream_find_ssrc(&rig->worker->streams, transport_at(&rig->worker->transports, 0), ALICE_VIDEO_SSRC);
    assert_non_null(stream);
    uint8_t frame[] = {0x90, 0x80, 0x80, 0, 0x11, 2, 0};
    struct rig_rtp rtp = {.ssrc = ALICE_VIDEO_SSRC,
                          .payload_type = 96,
                          .marker = true,
                          .payload = frame,
                          .payload_length = sizeof(frame)};
    say(&scene, scene.alice, &scene.rtp_name, data, rig_write_rtp(data, sizeof(data), &rtp));
    rig_wait_ms(rig, 100);
    assert_true(hears_key_frame_request(&scene, scene.alice_rtcp));
    scene_close(&scene);
}

/* The report may be there before the first packet of media. */
static void an_early_report_is_believed_of_a_known_ssrc(void **state)
{
    struct scene scene;
    uint8_t data[256];
    (void)state;

    scene_open(&scene, KM__INSTALL_TRANSPORT__PLAIN__ADDRESS_LEARNED);
    say(&scene, scene.alice_rtcp, &scene.rtcp_name, data, write_report(data, sizeof(data), ALICE_AUDIO_SSRC));
    assert_int_equal(alices_row(&scene)->packets_received, 1);
    assert_int_not_equal(alices_row(&scene)->plain_rtcp.port, 0);
    assert_false(alices_row(&scene)->has_selected); /* it says nothing of where media comes from */
    say_audio(&scene, scene.stranger, 1); /* which is another host: the report was somebody else's */
    assert_true(alices_row(&scene)->has_selected);
    assert_int_equal(alices_row(&scene)->plain_rtcp.port, 0);
    scene_close(&scene);
}

static void rtcp_may_come_by_the_socket_for_rtp(void **state)
{
    struct scene scene;
    uint8_t data[256];
    (void)state;

    scene_open(&scene, KM__INSTALL_TRANSPORT__PLAIN__ADDRESS_LEARNED);
    say_audio(&scene, scene.alice, 1);
    say(&scene, scene.alice, &scene.rtp_name, data, write_report(data, sizeof(data), ALICE_AUDIO_SSRC));
    assert_int_equal(alices_row(&scene)->packets_received, 2);
    assert_memory_equal(&alices_row(&scene)->plain_rtcp, &alices_row(&scene)->selected,
                        sizeof(struct shm_address));
    /* The socket for RTCP is better. */
    say(&scene, scene.alice_rtcp, &scene.rtcp_name, data, write_report(data, sizeof(data), ALICE_AUDIO_SSRC));
    assert_true(shm_plain_is_rtcp(&alices_row(&scene)->plain_rtcp));
    scene_close(&scene);
}

static void who_is_silent_is_forgotten(void **state)
{
    struct scene scene;
    (void)state;

    scene_open(&scene, KM__INSTALL_TRANSPORT__PLAIN__ADDRESS_LEARNED);
    consume_audio(&scene.call);
    say_audio(&scene, scene.alice, 1);
    assert_true(bob_hears(&scene));
    alices_row(&scene)->consent_us -= PLAIN_SILENCE_US;
    rig_wait_ms(&scene.call.rig, 100);
    assert_false(alices_row(&scene)->has_selected);
    say_audio(&scene, scene.alice_rtcp, 2); /* as from an encoder that was started again */
    assert_true(bob_hears(&scene));
    scene_close(&scene);
}

static void a_given_address_is_sent_to_at_once(void **state)
{
    struct scene scene;
    struct sockaddr_in carol_name, carol_rtcp_name;
    uint8_t data[1500];
    struct rig *rig = &scene.call.rig;
    shm_handle carol = shm_handle_make(4, 1);
    (void)state;

    scene_open(&scene, KM__INSTALL_TRANSPORT__PLAIN__ADDRESS_LEARNED);
    assert_int_equal(install_plain(rig, carol, KM__INSTALL_TRANSPORT__PLAIN__ADDRESS_GIVEN), 0);
    int sockets[2] = {open_end(INADDR_LOOPBACK, NULL), open_end(INADDR_LOOPBACK, NULL)};
    give_sockets(rig, carol, sockets);
    scene.carols_rtcp = sockets[1];
    int ends[2] = {open_end(INADDR_LOOPBACK, &carol_name), open_end(INADDR_LOOPBACK, &carol_rtcp_name)};
    struct rig_consumer consumer = {.handle = shm_handle_make(9, 1),
                                    .transport = carol,
                                    .producer = scene.call.audio,
                                    .ssrc = 0xcccccccc,
                                    .mid = "0"};
    assert_int_equal(rig_install_consumer(rig, &consumer), 0);
    say_audio(&scene, scene.alice, 1);
    assert_int_equal(rig_receive(ends[0], sockets[0], data, sizeof(data)), 0);
    assert_int_equal(rig_drops(rig, DROP_consumer_no_address), 1);
    assert_int_equal(connect_to(rig, carol, &carol_name, ntohs(carol_rtcp_name.sin_port)), 0);
    for (uint16_t i = 2; i < 5; i++) {
        struct rtp_header header;
        say_audio(&scene, scene.alice, i);
        size_t got = rig_receive(ends[0], sockets[0], data, sizeof(data));
        assert_int_equal(rtp_parse(data, got, &header), 0);
        assert_int_equal(header.ssrc, 0xcccccccc);
        assert_int_equal(header.payload_type, 100);
        assert_int_equal(header.payload_length, sizeof(opus));
        assert_memory_equal(data + header.payload_offset, opus, sizeof(opus)); /* in the clear */
    }
    rig_wait_ms(rig, 2000);
    assert_true(rig_receive(ends[1], sockets[1], data, sizeof(data)) >= RTCP_SENDER_INFO_BYTES);
    assert_int_equal(data[1], RTCP_SR);

    /* RTCP is taken from any port of that host, and of no other. */
    uint64_t received = ((struct shm_transport_row *)shm_segment_at(&rig->segment, SHM_SECTION_TRANSPORT, 4))
                            ->packets_received;
    struct sockaddr_in to;
    socklen_t bytes = sizeof(to);
    getsockname(sockets[1], (struct sockaddr *)&to, &bytes);
    int length = rtcp_write_rr(data, sizeof(data), 5, NULL, 0);
    say(&scene, scene.stranger, &to, data, (size_t)length);
    assert_int_equal(rig_drops(rig, DROP_plain_other_source), 1);
    say(&scene, ends[1], &to, data, (size_t)length);
    say(&scene, scene.alice, &to, data, (size_t)length);
    assert_int_equal(((struct shm_transport_row *)shm_segment_at(&rig->segment, SHM_SECTION_TRANSPORT, 4))
                         ->packets_received,
                     received + 2);
    for (unsigned i = 0; i < 2; i++) {
        close(sockets[i]);
        close(ends[i]);
    }
    scene_close(&scene);
}

static void another_worker_goes_on(void **state)
{
    struct scene scene;
    struct rig *rig = &scene.call.rig;
    (void)state;

    scene_open(&scene, KM__INSTALL_TRANSPORT__PLAIN__ADDRESS_LEARNED);
    consume_audio(&scene.call);
    say_audio(&scene, scene.alice, 1);
    worker_destroy(rig->worker);
    rig->worker = NULL;
    uint8_t data[256];
    struct rig_rtp rtp = {.ssrc = ALICE_AUDIO_SSRC,
                          .payload_type = 111,
                          .sequence = 2,
                          .timestamp = 1920,
                          .payload = opus,
                          .payload_length = sizeof(opus)};
    size_t length = rig_write_rtp(data, sizeof(data), &rtp);
    assert_int_equal(
        sendto(scene.alice, data, length, 0, (struct sockaddr *)&scene.rtp_name, sizeof(scene.rtp_name)),
        length);
    rig_await(scene.sockets[0]);
    rig_start_worker(rig);
    rig_rounds(rig);
    assert_true(alices_row(&scene)->has_selected);
    give_sockets(rig, scene.call.alice.transport, scene.sockets);
    rig_rounds(rig);
    assert_int_equal(alices_row(&scene)->packets_received, 2); /* it waited in the kernel */
    scene_close(&scene);
}

static void sockets_go_with_the_transport(void **state)
{
    struct scene scene;
    struct rig *rig = &scene.call.rig;
    (void)state;

    scene_open(&scene, KM__INSTALL_TRANSPORT__PLAIN__ADDRESS_LEARNED);
    int late[2] = {dup(scene.sockets[0]), dup(scene.sockets[1])};
    assert_int_equal(rig_remove(rig, KM__COMMAND__BODY_REMOVE_TRANSPORT, scene.call.alice.transport), 0);
    say_audio(&scene, scene.alice, 1); /* to control's copy of the socket */
    assert_int_equal(rig->worker->port->counters.received_packets, 0);
    assert_int_equal(worker_give_plain(rig->worker, scene.call.alice.transport, late), 0);
    rig_rounds(rig);
    assert_int_equal(rig->worker->port->counters.received_packets, 0);
    assert_true(fcntl(late[0], F_GETFD) < 0);

    /* Sockets that come before the transport wait for it, and what arrives is counted. */
    shm_handle next = shm_handle_make(0, 2);
    give_sockets(rig, next, scene.sockets);
    rig_rounds(rig);
    assert_int_equal(rig_drops(rig, DROP_plain_gone), 1);
    assert_int_equal(install_plain(rig, next, KM__INSTALL_TRANSPORT__PLAIN__ADDRESS_LEARNED), 0);
    say_audio(&scene, scene.alice, 2);
    assert_int_equal(rig_drops(rig, DROP_plain_unexpected), 1);
    scene_close(&scene);
}

static void commands_that_make_no_sense_are_refused(void **state)
{
    struct scene scene;
    struct rig *rig = &scene.call.rig;
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    (void)state;

    scene_open(&scene, KM__INSTALL_TRANSPORT__PLAIN__ADDRESS_GIVEN);
    name.sin_port = htons(5000);
    assert_int_equal(install_plain(rig, shm_handle_make(5, 1), (Km__InstallTransport__Plain)3), EINVAL);
    assert_int_equal(install_plain(rig, scene.call.alice.transport, 1), EEXIST);
    assert_int_equal(connect_to(rig, scene.call.bob.transport, &name, 5001), EINVAL); /* not plain */
    assert_int_equal(connect_to(rig, shm_handle_make(7, 1), &name, 5001), ENOENT);
    assert_int_equal(connect_to(rig, scene.call.alice.transport, &name, 0), EINVAL);
    assert_int_equal(connect_to(rig, scene.call.alice.transport, &name, 65536), EINVAL);
    assert_int_equal(rig_install_keys(rig, scene.call.alice.transport, SRTP_AEAD_AES_128_GCM, 1), EINVAL);
    assert_false(alices_row(&scene)->has_selected);
    say_audio(&scene, scene.alice, 1); /* nothing is learned where the address is to be given */
    assert_int_equal(rig_drops(rig, DROP_plain_unexpected), 1);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_packet_says_the_address),
        cmocka_unit_test(what_nobody_produces_teaches_nothing),
        cmocka_unit_test(rtcp_has_a_socket_of_its_own),
        cmocka_unit_test(an_early_report_is_believed_of_a_known_ssrc),
        cmocka_unit_test(rtcp_may_come_by_the_socket_for_rtp),
        cmocka_unit_test(who_is_silent_is_forgotten),
        cmocka_unit_test(a_given_address_is_sent_to_at_once),
        cmocka_unit_test(another_worker_goes_on),
        cmocka_unit_test(sockets_go_with_the_transport),
        cmocka_unit_test(commands_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
