#include "control/transport/ice_tcp.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "control/counters.h"
#include "control/socket_name.h"

#define LENGTH_BYTES 2
#define CHECK_MIN 20   /* a STUN header */
#define CHECK_MAX 1024 /* no check is that long */
#define BACKLOG 128

struct visitor {
    struct ice_tcp *tcp;
    int fd;
    struct sockaddr_storage remote;
    struct event *readable;
    struct event *late;
    TAILQ_ENTRY(visitor) entry;
};

struct ice_tcp {
    struct event_base *base;
    struct ice_tcp_handler handler;
    void *context;
    struct timeval patience;
    struct evconnlistener *listener;
    uint32_t waiting;
    uint64_t refused;
    TAILQ_HEAD(, visitor) visitors; /* who waits longest first */
};

/* The descriptor is no longer the visitor's. */
static void forget(struct visitor *visitor)
{
    TAILQ_REMOVE(&visitor->tcp->visitors, visitor, entry);
    visitor->tcp->waiting--;
    event_free(visitor->readable);
    event_free(visitor->late);
    free(visitor);
}

static void turn_away(struct visitor *visitor)
{
    int fd = visitor->fd;
    visitor->tcp->refused++;
    counters_count(COUNTER_ICE_TCP_REFUSED);
    forget(visitor);
    close(fd);
}

/* readable only once so many bytes are there, or its end */
static int wait_for(int fd, int bytes)
{
    return setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes) == 0 ? 0 : -errno;
}

static void pass(struct visitor *visitor, uint32_t worker)
{
    struct ice_tcp *tcp = visitor->tcp;
    struct sockaddr_storage remote = visitor->remote;
    int fd = visitor->fd;

    forget(visitor);
    (void)wait_for(fd, 1);
    tcp->handler.pass(tcp->context, worker, (const struct sockaddr *)&remote, fd);
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
    struct visitor *visitor = context;
    uint8_t bytes[LENGTH_BYTES + CHECK_MAX];
    uint32_t worker;
    (void)what;

    ssize_t got = recv(fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got < LENGTH_BYTES) {
        turn_away(visitor);
        return;
    }
    int length = bytes[0] << 8 | bytes[1];
    if (length < CHECK_MIN || length > CHECK_MAX) {
        turn_away(visitor);
    } else if (got < LENGTH_BYTES + length) {
        /* Half of it came, or half of it and the end: then there will be no more to wait for. */
        int before = 0;
        socklen_t size = sizeof before;
        if (getsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &before, &size) != 0 || before == LENGTH_BYTES + length ||
            wait_for(fd, LENGTH_BYTES + length) != 0)
            turn_away(visitor);
    } else if (visitor->tcp->handler.check(visitor->tcp->context, bytes + LENGTH_BYTES, (size_t)length,
                                           &worker)) {
        pass(visitor, worker);
    } else {
        turn_away(visitor);
    }
}

static void on_late(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    turn_away(context);
}

static bool same_host(const struct sockaddr_storage *a, const struct sockaddr *b)
{
    const struct sockaddr_in *a4 = (const struct sockaddr_in *)a;
    const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)a;

    if (a->ss_family != b->sa_family)
        return false;
    if (b->sa_family == AF_INET)
        return a4->sin_addr.s_addr == ((const struct sockaddr_in *)b)->sin_addr.s_addr;
    return memcmp(&a6->sin6_addr, &((const struct sockaddr_in6 *)b)->sin6_addr, sizeof a6->sin6_addr) == 0;
}

static void make_room(struct ice_tcp *tcp, const struct sockaddr *remote)
{
    struct visitor *oldest = NULL;
    struct visitor *visitor;
    uint32_t here = 0;

    TAILQ_FOREACH(visitor, &tcp->visitors, entry)
    {
        if (!same_host(&visitor->remote, remote))
            continue;
        here++;
        if (!oldest)
            oldest = visitor;
    }
    if (here >= ICE_TCP_WAITING_ADDRESS_MAX)
        turn_away(oldest);
    else if (tcp->waiting >= ICE_TCP_WAITING_MAX)
        turn_away(TAILQ_FIRST(&tcp->visitors));
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *remote,
                      int remote_bytes, void *context)
{
    struct ice_tcp *tcp = context;
    (void)listener;

    make_room(tcp, remote);
    struct visitor *visitor = calloc(1, sizeof *visitor);
    if (!visitor) {
        close(fd);
        return;
    }
    visitor->tcp = tcp;
    visitor->fd = fd;
    memcpy(&visitor->remote, remote, (size_t)remote_bytes);
    visitor->readable = event_new(tcp->base, fd, EV_READ | EV_PERSIST, on_readable, visitor);
    visitor->late = evtimer_new(tcp->base, on_late, visitor);
    if (!visitor->readable || !visitor->late || wait_for(fd, LENGTH_BYTES) != 0) {
        if (visitor->readable)
            event_free(visitor->readable);
        if (visitor->late)
            event_free(visitor->late);
        free(visitor);
        close(fd);
        return;
    }
    TAILQ_INSERT_TAIL(&tcp->visitors, visitor, entry);
    tcp->waiting++;
    event_add(visitor->readable, NULL);
    event_add(visitor->late, &tcp->patience);
}

static int open_socket(const struct ice_tcp_config *config, int *ret_fd)
{
    struct sockaddr_storage name;
    socklen_t length;
    int on = 1;
    int err = socket_name_parse(config->ip, config->port, &name, &length);

    if (err != 0)
        return err;
    int fd = socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        socket_name_open_families(fd, name.ss_family) != 0 ||
        bind(fd, (const struct sockaddr *)&name, length) != 0 || listen(fd, BACKLOG) != 0) {
        err = -errno;
        close(fd);
        return err;
    }
    *ret_fd = fd;
    return 0;
}

int ice_tcp_create(const struct ice_tcp_config *config, struct event_base *base,
                   const struct ice_tcp_handler *handler, void *context, struct ice_tcp **ret_tcp)
{
    int fd = -1;
    int err = open_socket(config, &fd);

    if (err != 0)
        return err;
    struct ice_tcp *made = calloc(1, sizeof *made);
    if (!made) {
        close(fd);
        return -ENOMEM;
    }
    made->base = base;
    made->handler = *handler;
    made->context = context;
    made->patience = (struct timeval){.tv_sec = config->patience_ms / 1000,
                                      .tv_usec = (suseconds_t)(config->patience_ms % 1000) * 1000};
    TAILQ_INIT(&made->visitors);
    /* A backlog of 0: it listens already. */
    made->listener =
        evconnlistener_new(base, on_accept, made, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    if (!made->listener) {
        close(fd);
        free(made);
        return -ENOMEM;
    }
    *ret_tcp = made;
    return 0;
}

void ice_tcp_destroy(struct ice_tcp *tcp)
{
    if (!tcp)
        return;
    while (!TAILQ_EMPTY(&tcp->visitors))
        turn_away(TAILQ_FIRST(&tcp->visitors));
    evconnlistener_free(tcp->listener);
    free(tcp);
}

uint16_t ice_tcp_port(const struct ice_tcp *tcp)
{
    struct sockaddr_storage name = {0};
    socklen_t length = sizeof name;
    (void)getsockname(evconnlistener_get_fd(tcp->listener), (struct sockaddr *)&name, &length);
    return ntohs(name.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&name)->sin6_port
                                            : ((struct sockaddr_in *)&name)->sin_port);
}

uint32_t ice_tcp_waiting(const struct ice_tcp *tcp)
{
    return tcp->waiting;
}

uint64_t ice_tcp_refused(const struct ice_tcp *tcp)
{
    return tcp->refused;
}
