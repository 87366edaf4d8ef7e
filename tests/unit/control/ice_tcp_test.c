/* The door for ICE-TCP: who begins with a check is passed on with all that it said, everybody else is closed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/transport/ice_tcp.h"

#define CHECK_BYTES 40

struct rig {
    struct event_base *base;
    struct ice_tcp *tcp;
    int passed; /* how many */
    int fd;     /* the last of them */
    uint32_t worker;
    struct sockaddr_storage remote;
    int checks;
};

/* A check is what begins with a 1, and names its worker next. */
static bool check(void *context, const uint8_t *data, size_t length, uint32_t *ret_worker)
{
    struct rig *rig = context;
    rig->checks++;
    if (length != CHECK_BYTES || data[0] != 1)
        return false;
    *ret_worker = data[1];
    return true;
}

static void pass(void *context, uint32_t worker, const struct sockaddr *remote, int fd)
{
    struct rig *rig = context;
    if (rig->fd >= 0)
        close(rig->fd);
    rig->passed++;
    rig->worker = worker;
    rig->fd = fd;
    memcpy(&rig->remote, remote,
           remote->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
}

static void rig_open(struct rig *rig, const char *ip, uint32_t patience_ms)
{
    static const struct ice_tcp_handler handler = {check, pass};
    const struct ice_tcp_config config = {.ip = ip, .port = 0, .patience_ms = patience_ms};

    *rig = (struct rig){.base = event_base_new(), .fd = -1};
    assert_non_null(rig->base);
    assert_int_equal(ice_tcp_create(&config, rig->base, &handler, rig, &rig->tcp), 0);
}

static void rig_close(struct rig *rig)
{
    ice_tcp_destroy(rig->tcp);
    if (rig->fd >= 0)
        close(rig->fd);
    event_base_free(rig->base);
}

/* What there is to do within so many ms. */
static void run(const struct rig *rig, int ms)
{
    struct timeval time = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    event_base_loopexit(rig->base, &time);
    event_base_dispatch(rig->base);
}

/* The server is given all the time it needs on a busy machine. */
static void run_until_passed(const struct rig *rig)
{
    for (int i = 0; i < 250 && rig->passed == 0; i++)
        run(rig, 20);
    assert_int_equal(rig->passed, 1);
}

static int visit(const struct rig *rig)
{
    struct sockaddr_in name = {.sin_family = AF_INET,
                               .sin_port = htons(ice_tcp_port(rig->tcp)),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof name), 0);
    return fd;
}

static void say(int fd, const void *bytes, size_t length)
{
    assert_int_equal(send(fd, bytes, length, MSG_NOSIGNAL), (int)length);
}

static bool has_ended(int fd)
{
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    char byte;
    return poll(&poller, 1, 0) == 1 && recv(fd, &byte, 1, MSG_DONTWAIT) <= 0;
}

static void expect_end(const struct rig *rig, int fd)
{
    bool ended = false;
    for (int i = 0; i < 250 && !ended; i++) {
        run(rig, 20);
        ended = has_ended(fd);
    }
    assert_true(ended);
}

static void make_check(uint8_t ret_frame[2 + CHECK_BYTES], uint8_t worker)
{
    memset(ret_frame, 0, 2 + CHECK_BYTES);
    ret_frame[1] = CHECK_BYTES;
    ret_frame[2] = 1;
    ret_frame[3] = worker;
}

static void a_check_opens_the_door_and_is_still_to_be_read(void **state)
{
    (void)state;
    struct rig rig;
    uint8_t frame[2 + CHECK_BYTES];
    uint8_t got[sizeof frame + 4];
    struct sockaddr_in own;
    socklen_t bytes = sizeof own;

    rig_open(&rig, "127.0.0.1", 60000);
    make_check(frame, 3);
    int fd = visit(&rig);
    say(fd, frame, sizeof frame);
    say(fd, "more", 4);
    run_until_passed(&rig);
    assert_int_equal(rig.worker, 3);
    assert_int_equal(ice_tcp_waiting(rig.tcp), 0);
    assert_int_equal(recv(rig.fd, got, sizeof got, 0), (int)sizeof got);
    assert_memory_equal(got, frame, sizeof frame);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &bytes), 0);
    assert_int_equal(((struct sockaddr_in *)&rig.remote)->sin_port, own.sin_port);
    assert_false(has_ended(fd));
    close(fd);
    rig_close(&rig);
}

static void a_check_may_come_byte_by_byte(void **state)
{
    (void)state;
    struct rig rig;
    uint8_t frame[2 + CHECK_BYTES];

    rig_open(&rig, "127.0.0.1", 60000);
    make_check(frame, 0);
    int fd = visit(&rig);
    for (size_t i = 0; i < sizeof frame; i++) {
        assert_int_equal(rig.passed, 0);
        say(fd, frame + i, 1);
        run(&rig, 5);
        assert_true(i + 1 == sizeof frame || rig.checks == 0);
    }
    run_until_passed(&rig);
    assert_int_equal(rig.checks, 1);
    close(fd);
    rig_close(&rig);
}

static void everything_else_is_closed(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        bool ends; /* the visitor says no more */
    } cases[] = {
        {"\0\0", 2, false},                       /* empty */
        {"\0\23", 2, false},                      /* shorter than any STUN */
        {"\4\1", 2, false},                       /* 1025: longer than any check */
        {"\377\377", 2, false},                   /* as long as can be */
        {"GET / HTTP/1.1\r\n", 16, false},        /* lost */
        {"\26\3\1\2\0\1\0\1\374\3\3", 11, false}, /* TLS */
        {"\0", 1, true},                          /* half a length */
        {"\0\50\1\0\0", 5, true},                 /* half a check */
        {"", 0, true},                            /* nothing */
    };
    struct rig rig;

    rig_open(&rig, "127.0.0.1", 60000);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int fd = visit(&rig);
        if (cases[i].length > 0)
            say(fd, cases[i].bytes, cases[i].length);
        if (cases[i].ends)
            shutdown(fd, SHUT_WR);
        expect_end(&rig, fd);
        assert_int_equal(ice_tcp_refused(rig.tcp), i + 1);
        close(fd);
    }
    uint8_t frame[2 + CHECK_BYTES];
    make_check(frame, 0);
    frame[2] = 0; /* not what the handler takes for a check */
    int fd = visit(&rig);
    say(fd, frame, sizeof frame);
    expect_end(&rig, fd);
    assert_int_equal(rig.checks, 1);
    assert_int_equal(rig.passed, 0);
    assert_int_equal(ice_tcp_waiting(rig.tcp), 0);
    close(fd);
    rig_close(&rig);
}

static void who_says_nothing_in_time_is_closed(void **state)
{
    (void)state;
    struct rig rig;

    rig_open(&rig, "127.0.0.1", 1000);
    int silent = visit(&rig);
    int slow = visit(&rig);
    say(slow, "\0\50\1", 3);
    run(&rig, 50);
    assert_int_equal(ice_tcp_waiting(rig.tcp), 2);
    say(slow, "\0", 1); /* does not begin anew */
    expect_end(&rig, silent);
    expect_end(&rig, slow);
    assert_int_equal(ice_tcp_waiting(rig.tcp), 0);
    close(silent);
    close(slow);
    rig_close(&rig);
}

static void one_address_fills_its_own_places_only(void **state)
{
    (void)state;
    struct rig rig;
    int fds[ICE_TCP_WAITING_ADDRESS_MAX + 8];
    uint8_t frame[2 + CHECK_BYTES];

    rig_open(&rig, "0.0.0.0", 60000);
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        fds[i] = visit(&rig);
        run(&rig, 20);
    }
    assert_int_equal(ice_tcp_waiting(rig.tcp), ICE_TCP_WAITING_ADDRESS_MAX);
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        assert_int_equal(has_ended(fds[i]), i < 8); /* who waited longest */
    make_check(frame, 1);
    int good = visit(&rig);
    say(good, frame, sizeof frame);
    run_until_passed(&rig);
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        close(fds[i]);
    close(good);
    rig_close(&rig);
}

static void addresses_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const struct ice_tcp_handler handler = {check, pass};
    struct rig rig;
    struct ice_tcp *second;

    rig_open(&rig, "127.0.0.1", 60000);
    struct ice_tcp_config config = {.ip = "localhost", .port = 0, .patience_ms = 1};
    assert_int_equal(ice_tcp_create(&config, rig.base, &handler, &rig, &second), -EINVAL);
    config = (struct ice_tcp_config){.ip = "127.0.0.1", .port = ice_tcp_port(rig.tcp), .patience_ms = 1};
    assert_int_equal(ice_tcp_create(&config, rig.base, &handler, &rig, &second), -EADDRINUSE);
    ice_tcp_destroy(NULL);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_check_opens_the_door_and_is_still_to_be_read),
        cmocka_unit_test(a_check_may_come_byte_by_byte),
        cmocka_unit_test(everything_else_is_closed),
        cmocka_unit_test(who_says_nothing_in_time_is_closed),
        cmocka_unit_test(one_address_fills_its_own_places_only),
        cmocka_unit_test(addresses_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
