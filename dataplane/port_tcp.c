#include "dataplane/port_tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dataplane/tcp_stream.h"

_Static_assert(TCP_STREAM_FRAME_MAX == PORT_BUFFER_BYTES, "a frame is a packet");

#define BUCKETS 1024u
#define EVENTS 64
#define LOOK_US 1000u /* for the first connection, when there is none */
#define SWEEP_US 1000000u
#define NONE UINT32_MAX

/* What an event is about, if not a connection by its number. */
#define EVENT_OTHER (PORT_TCP_CONNECTIONS + 0u)
#define EVENT_ARRIVALS (PORT_TCP_CONNECTIONS + 1u)

struct connection {
    struct tcp_stream stream;
    uint64_t heard_us;   /* when the last whole packet came */
    uint64_t stalled_us; /* since when nothing could be written, 0: it can */
    uint64_t filled;     /* the receive in which it was last read */
    uint32_t next;       /* in its bucket, or among the free ones */
    bool has_more;       /* whole packets may be left in its buffer */
    bool is_dirty;       /* it is in the list of those to be flushed */
};

struct port_tcp {
    struct port port;
    struct port *below;
    struct port_counters counters; /* of TCP alone */
    int epoll;
    int arrivals;
    uint32_t count;
    uint32_t more_count;
    uint64_t receives;
    uint64_t swept_us;
    uint64_t looked_us; /* when epoll was asked last; 0: ask at once */
    bool tcp_first;     /* in the next receive: whoever is busy must not starve the other */
    uint32_t free;
    uint32_t buckets[BUCKETS];
    uint32_t dirty[PORT_TCP_CONNECTIONS];
    uint32_t dirty_count;
    struct connection *connections; /* touched only as far as they were ever used */
};

static uint32_t bucket_of(const struct shm_address *remote)
{
    const uint8_t *bytes = (const uint8_t *)remote;
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < sizeof(*remote); i++)
        hash = (hash ^ bytes[i]) * 16777619u;
    return (hash ^ hash >> 15) % BUCKETS;
}

static struct connection *find(struct port_tcp *tcp, const struct shm_address *remote)
{
    uint32_t i = tcp->buckets[bucket_of(remote)];

    while (i != NONE && memcmp(&tcp->connections[i].stream.remote, remote, sizeof(*remote)) != 0)
        i = tcp->connections[i].next;
    return i == NONE ? NULL : &tcp->connections[i];
}

static void set_more(struct port_tcp *tcp, struct connection *connection, bool has_more)
{
    tcp->more_count += has_more;
    tcp->more_count -= connection->has_more;
    connection->has_more = has_more;
}

/* It stays in the list of dirty ones, which passes over those that are closed. */
static void shut(struct port_tcp *tcp, struct connection *connection)
{
    uint32_t number = (uint32_t)(connection - tcp->connections);
    uint32_t *link = &tcp->buckets[bucket_of(&connection->stream.remote)];

    while (*link != number)
        link = &tcp->connections[*link].next;
    *link = connection->next;
    set_more(tcp, connection, false);
    tcp_stream_close(&connection->stream); /* which takes it out of epoll, too */
    connection->next = tcp->free;
    tcp->free = number;
    tcp->count--;
}

static struct connection *most_silent(struct port_tcp *tcp)
{
    struct connection *found = NULL;

    for (uint32_t i = 0; i < PORT_TCP_CONNECTIONS; i++) {
        struct connection *connection = &tcp->connections[i];
        if (connection->stream.fd >= 0 && (!found || connection->heard_us < found->heard_us))
            found = connection;
    }
    return found;
}

static void watch(struct port_tcp *tcp, struct connection *connection, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u64 = (uint64_t)(connection - tcp->connections)};

    (void)epoll_ctl(tcp->epoll, operation, connection->stream.fd, &event);
}

static void arrive(struct port_tcp *tcp, const struct port_tcp_arrival *arrival)
{
    struct connection *old = find(tcp, &arrival->remote);

    if (old)
        shut(tcp, old); /* the kernel has given its address to another */
    if (tcp->free == NONE)
        shut(tcp, most_silent(tcp));
    struct connection *connection = &tcp->connections[tcp->free];
    uint32_t *bucket = &tcp->buckets[bucket_of(&arrival->remote)];
    uint32_t number = tcp->free;
    tcp->free = connection->next;
    connection->next = *bucket;
    *bucket = number;
    tcp->count++;
    connection->heard_us = tcp->port.now_us;
    connection->stalled_us = 0;
    tcp_stream_open(&connection->stream, arrival->fd, &arrival->remote);
    watch(tcp, connection, EPOLL_CTL_ADD, EPOLLIN);
}

static void take_arrivals(struct port_tcp *tcp)
{
    struct port_tcp_arrival arrival;

    while (read(tcp->arrivals, &arrival, sizeof(arrival)) == (ssize_t)sizeof(arrival))
        arrive(tcp, &arrival);
}

/* Writes what waits for a connection, and asks to be told when there is room for the rest. */
static void push(struct port_tcp *tcp, struct connection *connection)
{
    uint32_t waiting = tcp_stream_waiting(&connection->stream);
    int error = tcp_stream_send(&connection->stream);

    tcp->counters.send_calls += waiting > 0;
    if (error == -EAGAIN) {
        if (connection->stalled_us == 0)
            watch(tcp, connection, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
        if (connection->stalled_us == 0 || tcp_stream_waiting(&connection->stream) < waiting)
            connection->stalled_us = tcp->port.now_us;
    } else if (error != 0) {
        shut(tcp, connection);
    } else if (connection->stalled_us != 0) {
        connection->stalled_us = 0;
        watch(tcp, connection, EPOLL_CTL_MOD, EPOLLIN);
    }
}

static uint32_t take_packets(struct port_tcp *tcp, struct connection *connection,
                             struct port_packet *ret_packets, uint32_t room)
{
    uint32_t count = 0;
    int more = 1;

    while (count < room) {
        struct port_packet *packet = &ret_packets[count];
        more = tcp_stream_next(&connection->stream, &packet->data, &packet->length);
        if (more <= 0)
            break;
        packet->remote = connection->stream.remote;
        tcp->counters.received_packets++;
        tcp->counters.received_bytes += packet->length;
        count++;
    }
    if (count > 0)
        connection->heard_us = tcp->port.now_us;
    if (more < 0) {
        tcp->counters.oversized++;
        shut(tcp, connection);
    } else {
        set_more(tcp, connection, more > 0);
    }
    return count;
}

/* Packets that the last receive had no room for. */
static uint32_t take_rest(struct port_tcp *tcp, struct port_packet *ret_packets, uint32_t room)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < PORT_TCP_CONNECTIONS && tcp->more_count > 0 && count < room; i++) {
        struct connection *connection = &tcp->connections[i];
        if (connection->stream.fd < 0 || !connection->has_more)
            continue;
        connection->filled = tcp->receives;
        count += take_packets(tcp, connection, ret_packets + count, room - count);
    }
    return count;
}

static uint32_t read_connection(struct port_tcp *tcp, struct connection *connection,
                                struct port_packet *ret_packets, uint32_t room)
{
    if (room == 0 || connection->has_more || connection->filled == tcp->receives)
        return 0; /* its buffer is in use: epoll tells again */
    connection->filled = tcp->receives;
    int error = tcp_stream_receive(&connection->stream);
    tcp->counters.receive_calls++;
    if (error != 0 && error != -EAGAIN) {
        shut(tcp, connection);
        return 0;
    }
    return take_packets(tcp, connection, ret_packets, room);
}

static void sweep(struct port_tcp *tcp)
{
    tcp->swept_us = tcp->port.now_us;
    for (uint32_t i = 0; i < PORT_TCP_CONNECTIONS && tcp->count > 0; i++) {
        struct connection *connection = &tcp->connections[i];
        if (connection->stream.fd < 0)
            continue;
        if (tcp->port.now_us - connection->heard_us > PORT_TCP_SILENCE_US ||
            (connection->stalled_us != 0 && tcp->port.now_us - connection->stalled_us > PORT_TCP_STALL_US))
            shut(tcp, connection);
    }
}

static uint32_t receive_tcp(struct port_tcp *tcp, struct port_packet ret_packets[PORT_BATCH])
{
    struct epoll_event events[EVENTS];

    tcp->receives++;
    if (tcp->port.now_us - tcp->swept_us > SWEEP_US)
        sweep(tcp);
    if (tcp->count == 0 && tcp->port.now_us - tcp->looked_us < LOOK_US)
        return 0;
    tcp->looked_us = tcp->port.now_us;
    uint32_t count = take_rest(tcp, ret_packets, PORT_BATCH);
    int ready = epoll_wait(tcp->epoll, events, EVENTS, 0);
    for (int i = 0; i < ready; i++) {
        uint64_t number = events[i].data.u64;
        if (number == EVENT_ARRIVALS)
            take_arrivals(tcp);
        if (number >= PORT_TCP_CONNECTIONS || tcp->connections[number].stream.fd < 0)
            continue;
        struct connection *connection = &tcp->connections[number];
        if (events[i].events & EPOLLOUT)
            push(tcp, connection);
        if (connection->stream.fd >= 0 && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            count += read_connection(tcp, connection, ret_packets + count, PORT_BATCH - count);
    }
    return count;
}

static int tcp_receive(struct port *port, struct port_packet ret_packets[PORT_BATCH])
{
    struct port_tcp *tcp = (struct port_tcp *)port;
    int count = 0;

    tcp->tcp_first = !tcp->tcp_first;
    if (tcp->tcp_first)
        count = (int)receive_tcp(tcp, ret_packets);
    if (count == 0)
        count = tcp->below->verbs->receive(tcp->below, ret_packets);
    if (count == 0 && !tcp->tcp_first)
        count = (int)receive_tcp(tcp, ret_packets);
    port_sum_counters(&tcp->port, tcp->below, &tcp->counters);
    return count;
}

static uint8_t *tcp_reserve(struct port *port)
{
    struct port_tcp *tcp = (struct port_tcp *)port;
    return tcp->below->verbs->reserve(tcp->below);
}

static void queue_tcp(struct port_tcp *tcp, const uint8_t *data, uint32_t length,
                      const struct shm_address *remote)
{
    struct connection *connection = find(tcp, remote);

    if (!connection) {
        tcp->counters.send_failed++;
        return;
    }
    if (tcp_stream_queue(&connection->stream, data, length) != 0) {
        tcp->counters.send_full++;
        return;
    }
    tcp->counters.sent_packets++;
    tcp->counters.sent_bytes += length;
    if (!connection->is_dirty)
        tcp->dirty[tcp->dirty_count++] = (uint32_t)(connection - tcp->connections);
    connection->is_dirty = true;
}

static void tcp_queue(struct port *port, uint8_t *buffer, uint32_t length, const struct shm_address *remote)
{
    struct port_tcp *tcp = (struct port_tcp *)port;

    if (length > 0 && remote->protocol == SHM_PROTOCOL_TCP) {
        queue_tcp(tcp, buffer, length, remote);
        length = 0;
    }
    tcp->below->verbs->queue(tcp->below, buffer, length, remote);
}

static void tcp_flush(struct port *port)
{
    struct port_tcp *tcp = (struct port_tcp *)port;

    for (uint32_t i = 0; i < tcp->dirty_count; i++) {
        struct connection *connection = &tcp->connections[tcp->dirty[i]];
        connection->is_dirty = false;
        /* One that is stalled is written to when it has room. */
        if (connection->stream.fd >= 0 && connection->stalled_us == 0)
            push(tcp, connection);
    }
    tcp->dirty_count = 0;
    tcp->below->verbs->flush(tcp->below);
    port_sum_counters(&tcp->port, tcp->below, &tcp->counters);
}

static void tcp_wait(struct port *port, int wake_fd, uint64_t timeout_us)
{
    struct port_tcp *tcp = (struct port_tcp *)port;

    (void)wake_fd; /* is among what epoll looks at */
    tcp->below->verbs->wait(tcp->below, tcp->epoll, timeout_us);
}

static void tcp_destroy(struct port *port)
{
    struct port_tcp *tcp = (struct port_tcp *)port;

    for (uint32_t i = 0; i < PORT_TCP_CONNECTIONS; i++)
        tcp_stream_close(&tcp->connections[i].stream);
    tcp->below->verbs->destroy(tcp->below);
    munmap(tcp->connections, PORT_TCP_CONNECTIONS * sizeof(*tcp->connections));
    close(tcp->epoll);
    free(tcp);
}

static const struct port_verbs tcp_verbs = {
    .name = "tcp",
    .receive = tcp_receive,
    .reserve = tcp_reserve,
    .queue = tcp_queue,
    .flush = tcp_flush,
    .wait = tcp_wait,
    .destroy = tcp_destroy,
};

static int open_epoll(int arrivals, int wake_fd, int *ret_epoll)
{
    struct epoll_event arrival = {.events = EPOLLIN, .data.u64 = EVENT_ARRIVALS};
    struct epoll_event wake = {.events = EPOLLIN, .data.u64 = EVENT_OTHER};
    int made = epoll_create1(EPOLL_CLOEXEC);

    if (made < 0)
        return -errno;
    if (epoll_ctl(made, EPOLL_CTL_ADD, arrivals, &arrival) != 0 ||
        epoll_ctl(made, EPOLL_CTL_ADD, wake_fd, &wake) != 0) {
        int error = -errno;
        close(made);
        return error;
    }
    *ret_epoll = made;
    return 0;
}

/* Pages come with their first use: most servers see few connections. */
static struct connection *map_connections(void)
{
    struct connection *connections = mmap(NULL, PORT_TCP_CONNECTIONS * sizeof(*connections),
                                          PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (connections == MAP_FAILED)
        return NULL;
    for (uint32_t i = 0; i < PORT_TCP_CONNECTIONS; i++) {
        connections[i].stream.fd = -1;
        connections[i].next = i + 1 < PORT_TCP_CONNECTIONS ? i + 1 : NONE;
    }
    return connections;
}

int port_tcp_create(struct port *below, int arrivals, int wake_fd, struct port **ret_port)
{
    struct port_tcp *tcp = calloc(1, sizeof(*tcp));
    int error = -ENOMEM;

    if (!tcp)
        return error;
    tcp->port.verbs = &tcp_verbs;
    tcp->below = below;
    tcp->arrivals = arrivals;
    memset(tcp->buckets, 0xff, sizeof(tcp->buckets));
    tcp->connections = map_connections();
    if (tcp->connections)
        error = open_epoll(arrivals, wake_fd, &tcp->epoll);
    if (error != 0) {
        if (tcp->connections)
            munmap(tcp->connections, PORT_TCP_CONNECTIONS * sizeof(*tcp->connections));
        free(tcp);
        return error;
    }
    *ret_port = &tcp->port;
    return 0;
}
