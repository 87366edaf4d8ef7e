/* What the kernel throws away because nobody reads is counted to the packet, and for whom it was: also where
 * many packets are one message, and many transports have one socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/udp.h>
#include <string.h>
#include <unistd.h>

#include "tools/kolabmeet-load/packet_io.h"
#include "tools/kolabmeet-load/transport.h"

#define BUFFER_BYTES 16384
#define PACKET_BYTES 1000
#define RUN_PACKETS 4
#define RUNS 50

struct scene {
    struct loop loop;
    struct packet_io *io;
    struct udp_pool pool;
    struct tally tally;
    struct flow_table flows;
    struct transport transports[2];
    int server;
    struct sockaddr_in server_name;
};

static void take(struct scene *scene, unsigned i)
{
    assert_int_equal(udp_pool_take(&scene->pool, &scene->transports[i],
                                   (struct sockaddr *)&scene->server_name, sizeof scene->server_name,
                                   &scene->transports[i].endpoint),
                     0);
}

static void scene_open(struct scene *scene, bool is_sharing)
{
    const struct udp_pool_settings sockets = {.is_sharing = is_sharing, .buffer_bytes = BUFFER_BYTES};
    const struct packet_io_settings settings = {
        .backend = srtp_backend_find("native"), .check_every = 1, .streams_max = 16, .transports_max = 4};
    const int segment = PACKET_BYTES;
    socklen_t length = sizeof scene->server_name;

    memset(scene, 0, sizeof *scene);
    assert_int_equal(loop_init(&scene->loop), 0);
    assert_int_equal(packet_io_create(&settings, &scene->flows, &scene->tally, &scene->io), 0);
    udp_pool_init(&scene->pool, &scene->loop, scene->io, &sockets);
    scene->server = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    scene->server_name.sin_family = AF_INET;
    scene->server_name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(scene->server, (struct sockaddr *)&scene->server_name, length), 0);
    assert_int_equal(getsockname(scene->server, (struct sockaddr *)&scene->server_name, &length), 0);
    assert_int_equal(setsockopt(scene->server, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment), 0);
    take(scene, 0);
    take(scene, 1);
}

static void scene_close(struct scene *scene)
{
    for (unsigned i = 0; i < 2; i++)
        udp_pool_give(&scene->pool, &scene->transports[i].endpoint);
    udp_pool_deinit(&scene->pool);
    packet_io_destroy(scene->io);
    loop_deinit(&scene->loop);
    flow_table_deinit(&scene->flows);
    close(scene->server);
}

/* Where the server sees it. */
static struct sockaddr_in address_of(struct scene *scene, unsigned i)
{
    struct sockaddr_in from = {0};
    socklen_t length = sizeof from;
    uint8_t data[16];

    udp_endpoint_send(&scene->transports[i].endpoint, (const uint8_t *)"hello", 5);
    assert_int_equal(recvfrom(scene->server, data, sizeof data, 0, (struct sockaddr *)&from, &length), 5);
    return from;
}

/* The server sends runs, each of which the kernel takes for one message; nobody reads. */
static void flood(const struct scene *scene, const struct sockaddr_in *to, unsigned runs)
{
    static const uint8_t run[RUN_PACKETS * PACKET_BYTES]; /* STUN, but nobody's */

    for (unsigned i = 0; i < runs; i++)
        assert_int_equal(sendto(scene->server, run, sizeof run, 0, (const struct sockaddr *)to, sizeof *to),
                         sizeof run);
}

static void counts(struct scene *scene)
{
    struct udp_endpoint *first = &scene->transports[0].endpoint;
    struct udp_endpoint *second = &scene->transports[1].endpoint;
    struct sockaddr_in to = address_of(scene, 0);
    struct sockaddr_in to_second = address_of(scene, 1);

    if (!scene->pool.is_measured)
        skip(); /* BPF is not permitted here */
    udp_endpoint_settle(first);
    assert_int_equal(udp_endpoint_thrown(first), 0);
    flood(scene, &to, 1);
    udp_endpoint_settle(first);
    assert_int_equal(first->read, RUN_PACKETS);
    assert_int_equal(udp_endpoint_thrown(first), 0);

    flood(scene, &to, RUNS);
    udp_endpoint_settle(first);
    uint64_t thrown = udp_endpoint_thrown(first);
    assert_in_range(thrown, RUN_PACKETS, (RUNS - 1) * RUN_PACKETS);
    assert_int_equal(first->read + thrown, (1 + RUNS) * RUN_PACKETS);
    assert_int_equal(thrown, udp_pool_drops(&scene->pool) * RUN_PACKETS);
    assert_int_equal(udp_endpoint_thrown(second), 0);
    assert_int_equal(udp_pool_shared_drops(&scene->pool), 0); /* known whose they were */

    flood(scene, &to_second, 1);
    udp_endpoint_settle(second);
    assert_int_equal(second->read, RUN_PACKETS);
    assert_int_equal(udp_endpoint_thrown(first), thrown);
}

static void of_a_shared_socket(void **state)
{
    static struct scene scene;

    (void)state;
    scene_open(&scene, true);
    counts(&scene);
    scene_close(&scene);
}

static void of_sockets_of_their_own(void **state)
{
    static struct scene scene;

    (void)state;
    scene_open(&scene, false);
    counts(&scene);
    scene_close(&scene);
}

/* Then a socket says how many messages it has lost, and a shared one does not say for whom. */
static void without_a_meter(bool is_sharing)
{
    static struct scene scene;

    scene_open(&scene, is_sharing);
    struct udp_endpoint *end = &scene.transports[0].endpoint;
    struct sockaddr_in to = address_of(&scene, 0);
    end->socket->meter = NULL;
    flood(&scene, &to, RUNS);
    udp_endpoint_settle(end);
    uint64_t messages = udp_pool_drops(&scene.pool);
    assert_in_range(messages, 1, RUNS - 1);
    assert_int_equal(messages, RUNS - end->read / RUN_PACKETS);
    assert_int_equal(udp_endpoint_thrown(end), is_sharing ? 0 : messages);
    assert_int_equal(udp_pool_shared_drops(&scene.pool), is_sharing ? messages : 0);
    scene_close(&scene);
}

static void a_shared_socket_without_a_meter(void **state)
{
    (void)state;
    without_a_meter(true);
}

static void own_sockets_without_a_meter(void **state)
{
    (void)state;
    without_a_meter(false);
}

static void says_what_buffer_it_got(void **state)
{
    static struct scene scene;

    (void)state;
    scene_open(&scene, true);
    assert_int_equal(scene.pool.got_bytes, BUFFER_BYTES);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_a_shared_socket),
        cmocka_unit_test(of_sockets_of_their_own),
        cmocka_unit_test(a_shared_socket_without_a_meter),
        cmocka_unit_test(own_sockets_without_a_meter),
        cmocka_unit_test(says_what_buffer_it_got),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
