/* The port of plain RTP: whose socket, whatever arrives on it, what leaves by it, and what comes too late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/port_plain.h"
#include "shm/address.h"

#define TRANSPORTS 8u
#define TRANSPORT shm_handle_make(3, 2)

struct end {
    int socket;
    struct sockaddr_in name;
};

/* A port, and the sockets that were given to it; the test keeps the names, and the media socket. */
struct scene {
    struct end media;
    struct end rtp;
    struct end rtcp;
    struct end peer;
    struct port *port;
};

static void end_open(struct end *end)
{
    socklen_t bytes = sizeof(end->name);

    end->name = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    end->socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(end->socket, (struct sockaddr *)&end->name, bytes), 0);
    assert_int_equal(getsockname(end->socket, (struct sockaddr *)&end->name, &bytes), 0);
}

static void scene_open(struct scene *scene)
{
    struct port *udp;

    end_open(&scene->media);
    end_open(&scene->rtp);
    end_open(&scene->rtcp);
    end_open(&scene->peer);
    assert_int_equal(port_udp_create(scene->media.socket, &udp), 0);
    assert_int_equal(port_plain_create(udp, TRANSPORTS, &scene->port), 0);
}

static void give(struct scene *scene, shm_handle transport)
{
    const int fds[2] = {scene->rtp.socket, scene->rtcp.socket};
    assert_int_equal(port_plain_give(scene->port, transport, fds), 0);
}

static void scene_close(struct scene *scene)
{
    scene->port->verbs->destroy(scene->port);
    close(scene->media.socket);
    close(scene->peer.socket);
}

static void say(const struct scene *scene, const struct end *to, const void *data, size_t length)
{
    assert_int_equal(
        sendto(scene->peer.socket, data, length, 0, (struct sockaddr *)&to->name, sizeof(to->name)), length);
}

/* All that waits, in at most two calls: they begin with the one or the other kind of socket in turns. */
static int receive(struct scene *scene, struct port_packet packets[PORT_BATCH])
{
    int count = scene->port->verbs->receive(scene->port, packets);
    return count != 0 ? count : scene->port->verbs->receive(scene->port, packets);
}

static bool is_closed(int fd)
{
    return fcntl(fd, F_GETFD) < 0 && errno == EBADF;
}

static void a_packet_says_whose_socket_it_came_by(void **state)
{
    struct scene scene;
    struct port_packet packets[PORT_BATCH];
    (void)state;

    scene_open(&scene);
    assert_int_equal(receive(&scene, packets), 0);
    give(&scene, TRANSPORT);
    say(&scene, &scene.rtp, "rtp", 3);
    assert_int_equal(receive(&scene, packets), 1);
    assert_true(shm_address_is_plain(&packets[0].remote));
    assert_int_equal(shm_plain_index(&packets[0].remote), 3);
    assert_false(shm_plain_is_rtcp(&packets[0].remote));
    assert_int_equal(packets[0].remote.port, ntohs(scene.peer.name.sin_port));
    assert_memory_equal(packets[0].data, "rtp", 3);
    say(&scene, &scene.rtcp, "rtcp", 4);
    assert_int_equal(receive(&scene, packets), 1);
    assert_int_equal(packets[0].length, 4);
    assert_true(shm_plain_is_rtcp(&packets[0].remote));
    say(&scene, &scene.media, "media", 5);
    assert_int_equal(receive(&scene, packets), 1);
    assert_false(shm_address_is_plain(&packets[0].remote));
    assert_int_equal(scene.port->counters.received_packets, 3);
    scene_close(&scene);
}

static void empty_and_oversize_datagrams_do_no_harm(void **state)
{
    struct scene scene;
    struct port_packet packets[PORT_BATCH];
    static uint8_t large[PORT_BUFFER_BYTES + 1];
    (void)state;

    scene_open(&scene);
    give(&scene, TRANSPORT);
    say(&scene, &scene.rtp, large, sizeof(large));
    say(&scene, &scene.rtp, large, PORT_BUFFER_BYTES);
    say(&scene, &scene.rtp, "", 0);
    assert_int_equal(receive(&scene, packets), 2);
    assert_int_equal(packets[0].length, PORT_BUFFER_BYTES);
    assert_int_equal(packets[1].length, 0);
    assert_int_equal(scene.port->counters.oversized, 1);
    scene_close(&scene);
}

static void what_falls_out_of_a_buffer_is_counted(void **state)
{
    struct scene scene;
    struct port_packet packets[PORT_BATCH];
    static const uint8_t data[1200];
    uint64_t received = 0;
    int bytes = 1; /* the kernel makes the least of it that it permits */
    (void)state;

    scene_open(&scene);
    give(&scene, TRANSPORT);
    assert_int_equal(receive(&scene, packets), 0);
    assert_int_equal(setsockopt(scene.rtp.socket, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)), 0);
    for (unsigned i = 0; i < PORT_BATCH; i++)
        say(&scene, &scene.rtp, data, sizeof(data));
    received += (uint64_t)receive(&scene, packets);
    assert_int_equal(scene.port->counters.overflowed, 0); /* known by the next one */
    say(&scene, &scene.rtp, "next", 4);
    received += (uint64_t)receive(&scene, packets);
    assert_in_range(scene.port->counters.overflowed, 1, PORT_BATCH - 1);
    assert_int_equal(scene.port->counters.overflowed + received, PORT_BATCH + 1);
    say(&scene, &scene.rtp, "no more", 7);
    assert_int_equal(receive(&scene, packets), 1);
    assert_int_equal(scene.port->counters.overflowed + received, PORT_BATCH + 1);
    scene_close(&scene);
}

static void a_flood_on_one_socket_leaves_room_for_the_others(void **state)
{
    struct scene scene;
    struct port_packet packets[PORT_BATCH];
    bool heard = false, heard_media = false;
    (void)state;

    scene_open(&scene);
    give(&scene, TRANSPORT);
    for (unsigned i = 0; i < 3 * PORT_BATCH; i++)
        say(&scene, &scene.rtp, "flood", 5);
    say(&scene, &scene.rtcp, "rtcp", 4);
    say(&scene, &scene.media, "media", 5);
    for (unsigned calls = 0; calls < 3; calls++) {
        int count = scene.port->verbs->receive(scene.port, packets);
        assert_true(count >= 0 && count <= (int)PORT_BATCH);
        for (int i = 0; i < count; i++) {
            heard |= shm_address_is_plain(&packets[i].remote) && shm_plain_is_rtcp(&packets[i].remote);
            heard_media |= !shm_address_is_plain(&packets[i].remote);
        }
    }
    assert_true(heard);
    assert_true(heard_media);
    scene_close(&scene);
}

static void a_packet_leaves_by_the_socket_that_its_address_names(void **state)
{
    struct scene scene;
    struct port_packet packets[PORT_BATCH];
    struct sockaddr_in from;
    socklen_t bytes;
    char data[16];
    (void)state;

    scene_open(&scene);
    give(&scene, TRANSPORT);
    assert_int_equal(receive(&scene, packets), 0);
    struct shm_address to;
    assert_true(shm_address_from_sockaddr((struct sockaddr *)&scene.peer.name, &to));
    for (unsigned i = 0; i < 3; i++) { /* by the media socket, RTP, RTCP */
        uint8_t *buffer = scene.port->verbs->reserve(scene.port);
        to.protocol = i == 0 ? SHM_PROTOCOL_UDP : shm_plain_protocol(3, i == 2);
        buffer[0] = (uint8_t)i;
        scene.port->verbs->queue(scene.port, buffer, 1 + i, &to);
    }
    to.protocol = shm_plain_protocol(4, false); /* nobody's */
    scene.port->verbs->queue(scene.port, scene.port->verbs->reserve(scene.port), 9, &to);
    scene.port->verbs->flush(scene.port);
    assert_int_equal(scene.port->counters.sent_packets, 3);
    assert_int_equal(scene.port->counters.sent_bytes, 6);
    assert_int_equal(scene.port->counters.send_failed, 1);
    for (unsigned i = 0; i < 3; i++) {
        const struct end *ends[] = {&scene.media, &scene.rtp, &scene.rtcp};
        bytes = sizeof(from);
        ssize_t got =
            recvfrom(scene.peer.socket, data, sizeof(data), MSG_DONTWAIT, (struct sockaddr *)&from, &bytes);
        assert_true(got >= 1);
        assert_int_equal(got, 1 + data[0]);
        assert_int_equal(from.sin_port, ends[(unsigned)data[0]]->name.sin_port);
    }
    /* All buffers were given back. */
    for (unsigned i = 0; i < PORT_SEND_BUFFERS; i++)
        assert_non_null(scene.port->verbs->reserve(scene.port));
    scene.port->verbs->flush(scene.port);
    scene_close(&scene);
}

static void sockets_are_closed_with_their_transport(void **state)
{
    struct scene scene;
    struct port_packet packets[PORT_BATCH];
    (void)state;

    scene_open(&scene);
    give(&scene, TRANSPORT);
    assert_int_equal(receive(&scene, packets), 0);
    port_plain_close(scene.port, shm_handle_make(3, 1)); /* one before it */
    assert_false(is_closed(scene.rtp.socket));
    port_plain_close(scene.port, TRANSPORT);
    assert_true(is_closed(scene.rtp.socket));
    assert_true(is_closed(scene.rtcp.socket));
    port_plain_close(scene.port, TRANSPORT);
    port_plain_close(scene.port, shm_handle_make(TRANSPORTS, 1));
    assert_int_equal(receive(&scene, packets), 0);
    scene_close(&scene);
}

static void sockets_that_come_too_late_are_closed(void **state)
{
    struct scene scene;
    struct port_packet packets[PORT_BATCH];
    (void)state;

    scene_open(&scene);
    port_plain_close(scene.port, TRANSPORT);
    give(&scene, TRANSPORT);
    assert_int_equal(receive(&scene, packets), 0);
    assert_true(is_closed(scene.rtp.socket));

    end_open(&scene.rtp); /* another life of the same row is another matter */
    end_open(&scene.rtcp);
    give(&scene, shm_handle_make(3, 3));
    assert_int_equal(receive(&scene, packets), 0);
    assert_false(is_closed(scene.rtp.socket));

    struct scene beyond = scene;
    end_open(&beyond.rtp);
    end_open(&beyond.rtcp);
    give(&beyond, shm_handle_make(TRANSPORTS, 1));
    assert_int_equal(receive(&scene, packets), 0);
    assert_true(is_closed(beyond.rtp.socket));
    scene_close(&scene);
    assert_true(is_closed(scene.rtp.socket));
}

static void waiting_ends_with_a_packet_or_a_wake(void **state)
{
    struct scene scene;
    struct port_packet packets[PORT_BATCH];
    int wake = eventfd(0, EFD_NONBLOCK);
    struct timespec begin, end;
    (void)state;

    scene_open(&scene);
    give(&scene, TRANSPORT);
    assert_int_equal(receive(&scene, packets), 0);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    say(&scene, &scene.rtp, "x", 1);
    scene.port->verbs->wait(scene.port, wake, 20000000);
    assert_int_equal(receive(&scene, packets), 1);
    eventfd_write(wake, 1);
    scene.port->verbs->wait(scene.port, wake, 20000000);
    assert_int_equal(receive(&scene, packets), 0);
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_true(end.tv_sec - begin.tv_sec < 15);
    close(wake);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_packet_says_whose_socket_it_came_by),
        cmocka_unit_test(empty_and_oversize_datagrams_do_no_harm),
        cmocka_unit_test(what_falls_out_of_a_buffer_is_counted),
        cmocka_unit_test(a_flood_on_one_socket_leaves_room_for_the_others),
        cmocka_unit_test(a_packet_leaves_by_the_socket_that_its_address_names),
        cmocka_unit_test(sockets_are_closed_with_their_transport),
        cmocka_unit_test(sockets_that_come_too_late_are_closed),
        cmocka_unit_test(waiting_ends_with_a_packet_or_a_wake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
