/* The port for TCP connections, before one over UDP: both are served, each by its own address, and
 * connections end by their peers' faults only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/port_tcp.h"
#include "shm/address.h"

struct rig {
    struct port *port;
    int udp;
    int arrivals[2];
    int wake;
    int listener;
    struct sockaddr_in name; /* of both sockets */
};

struct client {
    int fd;
    struct shm_address address;
};

static void rig_open(struct rig *rig)
{
    struct port *udp;
    socklen_t bytes = sizeof(rig->name);

    rig->name = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    rig->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(rig->listener, (struct sockaddr *)&rig->name, sizeof(rig->name)), 0);
    assert_int_equal(getsockname(rig->listener, (struct sockaddr *)&rig->name, &bytes), 0);
    assert_int_equal(listen(rig->listener, 1024), 0);
    rig->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(rig->udp, (struct sockaddr *)&rig->name, sizeof(rig->name)), 0);
    assert_int_equal(pipe2(rig->arrivals, O_CLOEXEC | O_NONBLOCK), 0);
    rig->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_int_equal(port_udp_create(rig->udp, &udp), 0);
    assert_int_equal(port_tcp_create(udp, rig->arrivals[0], rig->wake, &rig->port), 0);
    rig->port->now_us = 1000000000;
}

static void rig_close(struct rig *rig)
{
    rig->port->verbs->destroy(rig->port);
    close(rig->arrivals[0]);
    close(rig->arrivals[1]);
    close(rig->wake);
    close(rig->udp);
    close(rig->listener);
}

/* One more connection, which the port is told of. */
static struct client arrive(const struct rig *rig)
{
    struct client client = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    struct sockaddr_in name;
    socklen_t bytes = sizeof(name);

    assert_int_equal(connect(client.fd, (const struct sockaddr *)&rig->name, sizeof(rig->name)), 0);
    int accepted = accept(rig->listener, (struct sockaddr *)&name, &bytes);
    assert_true(accepted >= 0);
    assert_true(shm_address_from_sockaddr((struct sockaddr *)&name, &client.address));
    client.address.protocol = SHM_PROTOCOL_TCP;
    struct port_tcp_arrival arrival = {.fd = accepted, .remote = client.address};
    assert_int_equal(write(rig->arrivals[1], &arrival, sizeof(arrival)), sizeof(arrival));
    return client;
}

static void say(const struct client *client, const void *bytes, size_t length)
{
    assert_int_equal(send(client->fd, bytes, length, MSG_NOSIGNAL), (int)length);
}

static int receive(const struct rig *rig, struct port_packet *packets)
{
    rig->port->now_us += 1000; /* each round of the worker that this stands for */
    return rig->port->verbs->receive(rig->port, packets);
}

/* Waits as a worker does. */
static int receive_some(const struct rig *rig, struct port_packet *packets)
{
    int count = 0;

    for (int i = 0; i < 100 && count == 0; i++) {
        rig->port->verbs->wait(rig->port, rig->wake, 20000);
        count = receive(rig, packets);
    }
    return count;
}

static void queue(const struct rig *rig, const void *data, uint32_t length, const struct shm_address *to)
{
    uint8_t *buffer = rig->port->verbs->reserve(rig->port);

    assert_non_null(buffer);
    memcpy(buffer, data, length);
    rig->port->verbs->queue(rig->port, buffer, length, to);
}

static bool has_ended(const struct client *client)
{
    struct pollfd fd = {.fd = client->fd, .events = POLLIN};
    char byte;

    return poll(&fd, 1, 2000) == 1 && recv(client->fd, &byte, 1, MSG_DONTWAIT) <= 0;
}

static void tcp_and_udp_of_one_address_are_two(void **state)
{
    (void)state;
    struct rig rig;
    struct port_packet packets[PORT_BATCH];
    char back[32];

    rig_open(&rig);
    struct client client = arrive(&rig);
    struct sockaddr_in own = {0};
    socklen_t bytes = sizeof(own);
    assert_int_equal(getsockname(client.fd, (struct sockaddr *)&own, &bytes), 0);
    int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(udp, (struct sockaddr *)&own, sizeof(own)), 0); /* the same port */

    say(&client, "\0\4over\0\3tcp", 11);
    assert_int_equal(receive_some(&rig, packets), 2);
    assert_memory_equal(packets[0].data, "over", 4);
    assert_memory_equal(packets[1].data, "tcp", 3);
    assert_int_equal(packets[1].length, 3);
    assert_memory_equal(&packets[1].remote, &client.address, sizeof(client.address));
    assert_int_equal(sendto(udp, "udp", 3, 0, (struct sockaddr *)&rig.name, sizeof(rig.name)), 3);
    assert_int_equal(receive_some(&rig, packets), 1);
    assert_int_equal(packets[0].remote.protocol, SHM_PROTOCOL_UDP);
    struct shm_address by_udp = packets[0].remote;
    assert_int_equal(by_udp.port, client.address.port);

    queue(&rig, "to tcp", 6, &client.address);
    queue(&rig, "to udp", 6, &by_udp);
    queue(&rig, "again", 5, &client.address);
    rig.port->verbs->flush(rig.port);
    assert_int_equal(recv(udp, back, sizeof(back), MSG_DONTWAIT), 6);
    assert_memory_equal(back, "to udp", 6);
    assert_int_equal(recv(client.fd, back, 15, MSG_WAITALL), 15);
    assert_memory_equal(back, "\0\6to tcp\0\5again", 15);
    assert_int_equal(rig.port->counters.sent_packets, 3);
    assert_int_equal(rig.port->counters.received_packets, 3);
    close(udp);
    close(client.fd);
    rig_close(&rig);
}

static void more_packets_than_a_batch_come_one_batch_after_another(void **state)
{
    (void)state;
    struct rig rig;
    struct port_packet packets[PORT_BATCH];
    struct client clients[3];
    uint8_t next[3] = {0};
    int total = 0;

    rig_open(&rig);
    for (int c = 0; c < 3; c++) {
        clients[c] = arrive(&rig);
        for (uint8_t i = 0; i < 150; i++)
            say(&clients[c], (const uint8_t[]){0, 2, (uint8_t)c, i}, 4);
    }
    while (total < 450) {
        int count = receive_some(&rig, packets);
        assert_true(count > 0 && count <= (int)PORT_BATCH);
        for (int i = 0; i < count; i++) {
            uint8_t c = packets[i].data[0];
            assert_true(c < 3);
            assert_memory_equal(&packets[i].remote, &clients[c].address, sizeof(clients[c].address));
            assert_int_equal(packets[i].data[1], next[c]++);
        }
        total += count;
    }
    assert_int_equal(receive(&rig, packets), 0);
    for (int c = 0; c < 3; c++)
        close(clients[c].fd);
    rig_close(&rig);
}

static void broken_framing_ends_one_connection_only(void **state)
{
    (void)state;
    struct rig rig;
    struct port_packet packets[PORT_BATCH];

    rig_open(&rig);
    struct client good = arrive(&rig);
    struct client bad = arrive(&rig);
    say(&bad, "\0\1x\377\377yyyy", 9);
    assert_int_equal(receive_some(&rig, packets), 1);
    assert_int_equal(rig.port->counters.oversized, 1);
    assert_true(has_ended(&bad));
    queue(&rig, "gone", 4, &bad.address);
    rig.port->verbs->flush(rig.port);
    assert_int_equal(rig.port->counters.send_failed, 1);
    say(&good, "\0\1z", 3);
    assert_int_equal(receive_some(&rig, packets), 1);
    assert_int_equal(packets[0].data[0], 'z');

    close(good.fd); /* and one that leaves by itself */
    assert_int_equal(receive(&rig, packets), 0);
    assert_int_equal(receive(&rig, packets), 0);
    queue(&rig, "gone", 4, &good.address);
    rig.port->verbs->flush(rig.port);
    assert_int_equal(rig.port->counters.send_failed, 2);
    close(bad.fd);
    rig_close(&rig);
}

static void who_does_not_read_loses_packets_and_nothing_else(void **state)
{
    (void)state;
    struct rig rig;
    struct port_packet packets[PORT_BATCH];
    uint8_t packet[1200] = {0};
    uint8_t frame[2 + sizeof(packet)];
    uint32_t number;
    uint64_t whole = 0;

    rig_open(&rig);
    struct client slow = arrive(&rig);
    say(&slow, "\0\1x", 3);
    assert_int_equal(receive_some(&rig, packets), 1);
    for (uint32_t i = 0; i < 20000; i++) {
        memcpy(packet, &i, sizeof(i));
        queue(&rig, packet, sizeof(packet), &slow.address);
        if (i % PORT_SEND_BUFFERS == PORT_SEND_BUFFERS - 1 || i == 19999)
            rig.port->verbs->flush(rig.port);
    }
    uint64_t sent = rig.port->counters.sent_packets;
    assert_true(rig.port->counters.send_full > 1000);
    assert_int_equal(sent + rig.port->counters.send_full, 20000);
    for (uint32_t last = 0; whole < sent; whole++) { /* the rest is written when there is room */
        for (size_t have = 0; have < sizeof(frame);) {
            ssize_t length = recv(slow.fd, frame + have, sizeof(frame) - have, MSG_DONTWAIT);
            if (length > 0)
                have += (size_t)length;
            else
                assert_int_equal(receive(&rig, packets), 0);
        }
        memcpy(&number, frame + 2, sizeof(number));
        assert_int_equal(frame[0] << 8 | frame[1], sizeof(packet));
        assert_true(whole == 0 || number > last);
        last = number;
    }
    queue(&rig, "still", 5, &slow.address);
    rig.port->verbs->flush(rig.port);
    assert_int_equal(recv(slow.fd, frame, 7, MSG_WAITALL), 7);
    close(slow.fd);
    rig_close(&rig);
}

static void the_most_silent_one_makes_room(void **state)
{
    (void)state;
    static struct client clients[PORT_TCP_CONNECTIONS + 1];
    struct rig rig;
    struct port_packet packets[PORT_BATCH];

    rig_open(&rig);
    for (uint32_t i = 0; i < PORT_TCP_CONNECTIONS; i++) {
        clients[i] = arrive(&rig);
        (void)receive(&rig, packets);
        (void)receive(&rig, packets);
    }
    for (uint32_t i = 0; i < PORT_TCP_CONNECTIONS; i++)
        if (i != 7)
            say(&clients[i], "\0\1x", 3);
    for (uint32_t total = 0; total < PORT_TCP_CONNECTIONS - 1;) {
        int count = receive_some(&rig, packets);
        assert_true(count > 0);
        total += (uint32_t)count;
    }
    clients[PORT_TCP_CONNECTIONS] = arrive(&rig);
    say(&clients[PORT_TCP_CONNECTIONS], "\0\1y", 3);
    assert_int_equal(receive_some(&rig, packets), 1);
    assert_int_equal(packets[0].data[0], 'y');
    assert_true(has_ended(&clients[7]));
    for (uint32_t i = 0; i <= PORT_TCP_CONNECTIONS; i++)
        close(clients[i].fd);
    rig_close(&rig);
}

static void skip_s(const struct rig *rig, unsigned seconds)
{
    struct port_packet packets[PORT_BATCH];

    rig->port->now_us += (uint64_t)seconds * 1000000;
    (void)receive(rig, packets); /* TCP and the port below take turns */
    (void)receive(rig, packets);
}

static bool is_open(const struct client *client)
{
    char byte;
    return recv(client->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0;
}

static void who_is_silent_is_closed_and_who_speaks_is_not(void **state)
{
    (void)state;
    struct rig rig;
    struct port_packet packets[PORT_BATCH];

    rig_open(&rig);
    struct client silent = arrive(&rig);
    struct client talker = arrive(&rig);
    struct client dripping = arrive(&rig);
    say(&silent, "\0\1x", 3);
    assert_int_equal(receive_some(&rig, packets), 1);
    skip_s(&rig, 20);
    say(&talker, "\0\1x", 3);
    say(&dripping, "\0\2x", 3); /* half a packet is none */
    assert_int_equal(receive_some(&rig, packets), 1);
    skip_s(&rig, 9);
    assert_true(is_open(&silent));
    skip_s(&rig, 3);
    assert_true(has_ended(&silent));
    assert_true(has_ended(&dripping));
    assert_true(is_open(&talker));
    skip_s(&rig, 25);
    assert_true(has_ended(&talker));
    close(silent.fd);
    close(talker.fd);
    close(dripping.fd);
    rig_close(&rig);
}

static void fill(const struct rig *rig, const struct client *client)
{
    static const uint8_t packet[1200];
    uint64_t before = rig->port->counters.send_full;

    for (int i = 0; rig->port->counters.send_full == before; i++) {
        assert_true(i < 100000);
        queue(rig, packet, sizeof(packet), &client->address);
        rig->port->verbs->flush(rig->port);
    }
}

static void who_reads_nothing_is_closed_and_who_reads_a_little_is_not(void **state)
{
    (void)state;
    static uint8_t read_bytes[4 << 20];
    struct rig rig;
    struct port_packet packets[PORT_BATCH];

    rig_open(&rig);
    struct client slow = arrive(&rig);
    struct client deaf = arrive(&rig);
    (void)receive(&rig, packets);
    (void)receive(&rig, packets);
    fill(&rig, &slow);
    fill(&rig, &deaf);
    skip_s(&rig, 9);
    while (recv(slow.fd, read_bytes, sizeof(read_bytes), MSG_DONTWAIT) > 0)
        ; /* all that the kernel has */
    (void)receive_some(&rig, packets);
    skip_s(&rig, 3);
    queue(&rig, "to slow", 7, &slow.address);
    rig.port->verbs->flush(rig.port);
    uint64_t failed = rig.port->counters.send_failed;
    queue(&rig, "to deaf", 7, &deaf.address);
    rig.port->verbs->flush(rig.port);
    assert_int_equal(rig.port->counters.send_failed, failed + 1); /* no such connection */
    close(slow.fd);
    close(deaf.fd);
    rig_close(&rig);
}

static void a_wake_up_ends_the_wait(void **state)
{
    (void)state;
    struct rig rig;

    rig_open(&rig);
    assert_int_equal(eventfd_write(rig.wake, 1), 0);
    rig.port->verbs->wait(rig.port, rig.wake, 60000000);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tcp_and_udp_of_one_address_are_two),
        cmocka_unit_test(more_packets_than_a_batch_come_one_batch_after_another),
        cmocka_unit_test(broken_framing_ends_one_connection_only),
        cmocka_unit_test(who_does_not_read_loses_packets_and_nothing_else),
        cmocka_unit_test(the_most_silent_one_makes_room),
        cmocka_unit_test(who_is_silent_is_closed_and_who_speaks_is_not),
        cmocka_unit_test(who_reads_nothing_is_closed_and_who_reads_a_little_is_not),
        cmocka_unit_test(a_wake_up_ends_the_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
