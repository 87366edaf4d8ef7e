/* The port over sockets: both families, batches, packets that are too long, errors of the network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/port.h"
#include "shm/address.h"

struct end {
    int socket;
    struct shm_address address;
};

static void end_open(struct end *end, int family)
{
    struct sockaddr_storage name = {.ss_family = (sa_family_t)family};
    socklen_t bytes = sizeof(name);

    if (family == AF_INET)
        ((struct sockaddr_in *)&name)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    end->socket = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(end->socket >= 0);
    socklen_t length = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    assert_int_equal(bind(end->socket, (struct sockaddr *)&name, length), 0);
    assert_int_equal(getsockname(end->socket, (struct sockaddr *)&name, &bytes), 0);
    assert_true(shm_address_from_sockaddr((struct sockaddr *)&name, &end->address));
    if (family == AF_INET6)
        end->address.ip[15] = 1; /* ::1 */
}

/* From one end to the address of another. */
static void end_send(const struct end *from, int family, const struct shm_address *to, const void *data,
                     size_t length)
{
    struct sockaddr_storage name;
    socklen_t bytes = shm_address_to_family(to, family, &name);

    assert_true(bytes > 0);
    assert_int_equal(sendto(from->socket, data, length, 0, (struct sockaddr *)&name, bytes), (int)length);
}

static void queue(struct port *port, const void *data, uint32_t length, const struct shm_address *to)
{
    uint8_t *buffer = port->verbs->reserve(port);

    assert_non_null(buffer);
    memcpy(buffer, data, length);
    port->verbs->queue(port, buffer, length, to);
}

static void echoes(int port_family, int peer_family, const struct shm_address *port_as_seen)
{
    struct end end, peer;
    struct port *port;
    struct port_packet packets[PORT_BATCH];
    char back[32];

    end_open(&end, port_family);
    end_open(&peer, peer_family);
    struct shm_address to = port_as_seen ? *port_as_seen : end.address;
    to.port = end.address.port;
    assert_int_equal(port_udp_create(end.socket, &port), 0);
    assert_int_equal(port->verbs->receive(port, packets), 0);
    end_send(&peer, peer_family, &to, "ping", 4);
    assert_int_equal(port->verbs->receive(port, packets), 1);
    assert_int_equal(packets[0].length, 4);
    assert_memory_equal(packets[0].data, "ping", 4);
    assert_int_equal(packets[0].remote.port, peer.address.port);
    assert_memory_equal(packets[0].remote.ip, peer.address.ip, 16);
    queue(port, "pong!", 5, &packets[0].remote);
    port->verbs->flush(port);
    assert_int_equal(recv(peer.socket, back, sizeof(back), MSG_DONTWAIT), 5);
    assert_memory_equal(back, "pong!", 5);
    assert_int_equal(port->counters.received_packets, 1);
    assert_int_equal(port->counters.received_bytes, 4);
    assert_int_equal(port->counters.sent_packets, 1);
    assert_int_equal(port->counters.sent_bytes, 5);
    port->verbs->destroy(port);
    close(end.socket);
    close(peer.socket);
}

static void test_families(void **state)
{
    static const struct shm_address v4_loopback = {.ip = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}};

    (void)state;
    echoes(AF_INET, AF_INET, NULL);
    echoes(AF_INET6, AF_INET6, NULL);
    echoes(AF_INET6, AF_INET, &v4_loopback); /* dual stack */
}

static void test_batches(void **state)
{
    struct end end, peer;
    struct port *port;
    struct port_packet packets[PORT_BATCH];
    char data[16];

    (void)state;
    end_open(&end, AF_INET);
    end_open(&peer, AF_INET);
    assert_int_equal(port_udp_create(end.socket, &port), 0);
    for (unsigned i = 0; i < PORT_BATCH + 10; i++) {
        snprintf(data, sizeof(data), "%u", i);
        end_send(&peer, AF_INET, &end.address, data, strlen(data) + 1);
    }
    assert_int_equal(port->verbs->receive(port, packets), PORT_BATCH);
    assert_string_equal((char *)packets[0].data, "0");
    assert_string_equal((char *)packets[63].data, "63");
    assert_int_equal(port->verbs->receive(port, packets), 10);
    assert_string_equal((char *)packets[9].data, "73");
    port->verbs->destroy(port);
    close(end.socket);
    close(peer.socket);
}

/* Packets of one size in a row, and a shorter one at their end, leave as one message; the receiver sees
 * packets. */
static void test_runs(void **state)
{
    static const uint16_t sizes[] = {100, 100, 100, 60, 100, 100, 101, 101, 101, 40, 41};
    struct end end, peer;
    struct port *port;
    uint8_t data[1200];

    (void)state;
    end_open(&end, AF_INET);
    end_open(&peer, AF_INET);
    assert_int_equal(port_udp_create(end.socket, &port), 0);
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        memset(data, (int)i, sizeof(data));
        queue(port, data, sizes[i], &peer.address);
    }
    port->verbs->flush(port);
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_int_equal(recv(peer.socket, data, sizeof(data), MSG_DONTWAIT), sizes[i]);
        assert_int_equal(data[0], i);
        assert_int_equal(data[sizes[i] - 1], i);
    }
    assert_int_equal(port->counters.sent_packets, 11);
    assert_int_equal(port->counters.send_calls, 1);
    assert_int_equal(port->counters.sent_runs, 3); /* 4, 2 and 4 packets; the last one is by itself */
    assert_int_equal(port->counters.sent_in_runs, 10);

    for (unsigned i = 0; i < 60; i++) { /* more than a message can have */
        data[0] = (uint8_t)i;
        queue(port, data, sizeof(data), &peer.address);
    }
    port->verbs->flush(port);
    assert_int_equal(port->counters.sent_runs, 5);
    for (unsigned i = 0; i < 60; i++) {
        assert_int_equal(recv(peer.socket, data, sizeof(data), MSG_DONTWAIT), sizeof(data));
        assert_int_equal(data[0], i);
    }
    port->verbs->destroy(port);
    close(end.socket);
    close(peer.socket);
}

/* A refused run says so for each of its packets, and those behind it go. */
static void test_refused_run(void **state)
{
    struct end end, peer;
    struct port *port;
    struct shm_address broadcast = {
        .ip = {[10] = 0xff, [11] = 0xff, [12] = 255, [13] = 255, [14] = 255, [15] = 255}, .port = 9};
    char data[16];

    (void)state;
    end_open(&end, AF_INET);
    end_open(&peer, AF_INET);
    assert_int_equal(port_udp_create(end.socket, &port), 0);
    for (unsigned i = 0; i < 3; i++)
        queue(port, "b", 1, &broadcast);
    queue(port, "c", 1, &peer.address);
    queue(port, "d", 1, &peer.address);
    port->verbs->flush(port);
    assert_int_equal(port->counters.send_failed, 3);
    assert_int_equal(port->counters.sent_packets, 2);
    assert_int_equal(recv(peer.socket, data, sizeof(data), MSG_DONTWAIT), 1);
    assert_int_equal(recv(peer.socket, data, sizeof(data), MSG_DONTWAIT), 1);
    port->verbs->destroy(port);
    close(end.socket);
    close(peer.socket);
}

/* What the kernel has joined comes out as packets, over more than one receive. */
static void test_joined_messages(void **state)
{
    struct end end, peer;
    struct port *port;
    struct port_packet packets[PORT_BATCH];
    static uint8_t data[60 * 200 - 50];
    int segment = 200;

    (void)state;
    end_open(&end, AF_INET);
    end_open(&peer, AF_INET);
    assert_int_equal(port_udp_create(end.socket, &port), 0);
    assert_int_equal(setsockopt(peer.socket, SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment)), 0);
    for (unsigned i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i / 200);
    end_send(&peer, AF_INET, &end.address, data, sizeof(data));
    end_send(&peer, AF_INET, &end.address, data, sizeof(data));
    assert_int_equal(port->verbs->receive(port, packets), PORT_BATCH);
    assert_int_equal(packets[58].length, 200);
    assert_int_equal(packets[59].length, 150);
    assert_int_equal(packets[59].data[149], 59);
    assert_int_equal(packets[60].length, 200);
    assert_int_equal(packets[63].data[0], 3);
    assert_int_equal(port->verbs->receive(port, packets), 120 - PORT_BATCH);
    assert_int_equal(packets[0].data[0], 4);
    assert_int_equal(packets[55].length, 150);
    assert_int_equal(packets[55].remote.port, peer.address.port);
    assert_int_equal(port->counters.receive_calls, 1);
    assert_int_equal(port->counters.joined_messages, 2);
    assert_int_equal(port->counters.received_packets, 120);
    assert_int_equal(port->counters.received_bytes, 2 * sizeof(data));
    assert_int_equal(port->verbs->receive(port, packets), 0);
    port->verbs->destroy(port);
    close(end.socket);
    close(peer.socket);
}

static void test_buffers_run_out(void **state)
{
    struct end end, peer;
    struct port *port;
    char data[16];

    (void)state;
    end_open(&end, AF_INET);
    end_open(&peer, AF_INET);
    assert_int_equal(port_udp_create(end.socket, &port), 0);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < PORT_SEND_BUFFERS; i++) {
            uint8_t *buffer = port->verbs->reserve(port);
            assert_non_null(buffer);
            buffer[0] = (uint8_t)i;
            port->verbs->queue(port, buffer, i % 100 == 0 ? 1 : 0, &peer.address); /* the others come back */
        }
        assert_null(port->verbs->reserve(port));
        port->verbs->flush(port);
        for (unsigned i = 0; i < PORT_SEND_BUFFERS; i += 100) {
            assert_int_equal(recv(peer.socket, data, sizeof(data), MSG_DONTWAIT), 1);
            assert_int_equal((uint8_t)data[0], (uint8_t)i);
        }
        assert_true(recv(peer.socket, data, sizeof(data), MSG_DONTWAIT) < 0);
    }
    port->verbs->destroy(port);
    close(end.socket);
    close(peer.socket);
}

static void test_too_long(void **state)
{
    struct end end, peer;
    struct port *port;
    struct port_packet packets[PORT_BATCH];
    static uint8_t data[PORT_BUFFER_BYTES + 1];

    (void)state;
    end_open(&end, AF_INET);
    end_open(&peer, AF_INET);
    assert_int_equal(port_udp_create(end.socket, &port), 0);
    end_send(&peer, AF_INET, &end.address, data, PORT_BUFFER_BYTES + 1);
    end_send(&peer, AF_INET, &end.address, data, PORT_BUFFER_BYTES);
    end_send(&peer, AF_INET, &end.address, data, 0);
    assert_int_equal(port->verbs->receive(port, packets), 2);
    assert_int_equal(packets[0].length, PORT_BUFFER_BYTES);
    assert_int_equal(packets[1].length, 0);
    assert_int_equal(port->counters.oversized, 1);
    port->verbs->destroy(port);
    close(end.socket);
    close(peer.socket);
}

/* A packet that cannot be sent does not hold up those behind it, nor what comes in. */
static void test_errors_of_the_network(void **state)
{
    struct end end, peer, gone;
    struct port *port;
    struct port_packet packets[PORT_BATCH];
    struct shm_address broadcast = {
        .ip = {[10] = 0xff, [11] = 0xff, [12] = 255, [13] = 255, [14] = 255, [15] = 255}, .port = 9};
    char data[16];

    (void)state;
    end_open(&end, AF_INET);
    end_open(&peer, AF_INET);
    end_open(&gone, AF_INET);
    close(gone.socket);
    assert_int_equal(port_udp_create(end.socket, &port), 0);
    queue(port, "a", 1, &peer.address);
    queue(port, "b", 1, &broadcast); /* EACCES or ENETUNREACH */
    queue(port, "c", 1, &gone.address);
    queue(port, "d", 1, &peer.address);
    port->verbs->flush(port);
    assert_int_equal(port->counters.send_failed, 1);
    assert_int_equal(recv(peer.socket, data, sizeof(data), MSG_DONTWAIT), 1);
    assert_int_equal(recv(peer.socket, data, sizeof(data), MSG_DONTWAIT), 1);
    assert_int_equal(data[0], 'd');
    end_send(&peer, AF_INET, &end.address, "ping", 4);
    int received = port->verbs->receive(port, packets);
    if (received == 0) /* the port unreachable of the third came first */
        received = port->verbs->receive(port, packets);
    assert_int_equal(received, 1);
    port->verbs->destroy(port);
    close(end.socket);
    close(peer.socket);
}

static void test_wait(void **state)
{
    struct end end, peer;
    struct port *port;
    int wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

    (void)state;
    end_open(&end, AF_INET);
    end_open(&peer, AF_INET);
    assert_int_equal(port_udp_create(end.socket, &port), 0);
    port->verbs->wait(port, wake, 1000); /* comes back though nothing happens */
    eventfd_write(wake, 1);
    port->verbs->wait(port, wake, UINT64_MAX / 2); /* at once */
    eventfd_t count;
    eventfd_read(wake, &count);
    end_send(&peer, AF_INET, &end.address, "x", 1);
    port->verbs->wait(port, wake, UINT64_MAX / 2);
    port->verbs->destroy(port);
    close(wake);
    close(end.socket);
    close(peer.socket);
}

static void test_not_a_udp_socket(void **state)
{
    struct port *port;
    int pair[2];

    (void)state;
    assert_int_equal(port_udp_create(-1, &port), -EBADF);
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(port_udp_create(pair[0], &port), -EAFNOSUPPORT);
    close(pair[0]);
    close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_families),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_refused_run),
        cmocka_unit_test(test_joined_messages),
        cmocka_unit_test(test_buffers_run_out),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_errors_of_the_network),
        cmocka_unit_test(test_wait),
        cmocka_unit_test(test_not_a_udp_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
