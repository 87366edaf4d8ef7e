/* Pairs of ports: even and odd, each once, all of the range, and none beyond it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/forwarder/media_socket.h"
#include "control/transport/plain_ports.h"

#define FIRST 42501
#define LAST 42510 /* whole pairs: 42502 to 42509 */
#define PAIRS 4

static uint16_t port_of(int fd)
{
    struct sockaddr_in name;
    socklen_t bytes = sizeof(name);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &bytes), 0);
    return ntohs(name.sin_port);
}

static void close_pair(const int fds[2])
{
    close(fds[0]);
    close(fds[1]);
}

static void all_pairs_of_the_range(void **state)
{
    (void)state;
    struct plain_ports *ports;
    int fds[PAIRS][2], more[2] = {-1, -1};
    uint16_t numbers[PAIRS], number = 7;
    assert_int_equal(plain_ports_create("127.0.0.1", FIRST, LAST, &ports), 0);
    for (unsigned i = 0; i < PAIRS; i++) {
        assert_int_equal(plain_ports_open(ports, fds[i], &numbers[i]), 0);
        assert_int_equal(numbers[i] % 2, 0);
        assert_true(numbers[i] >= FIRST && numbers[i] < LAST);
        assert_int_equal(port_of(fds[i][0]), numbers[i]);
        assert_int_equal(port_of(fds[i][1]), numbers[i] + 1);
        for (unsigned k = 0; k < i; k++)
            assert_int_not_equal(numbers[i], numbers[k]);
    }
    assert_int_equal(plain_ports_open(ports, more, &number), -EADDRNOTAVAIL);
    assert_int_equal(number, 7);
    assert_int_equal(more[0], -1);
    close_pair(fds[2]);
    assert_true(plain_ports_has(ports, numbers[2] + 1));
    plain_ports_release(ports, numbers[2]);
    plain_ports_release(ports, numbers[2]);
    assert_false(plain_ports_has(ports, numbers[2]));
    assert_false(plain_ports_has(ports, FIRST));
    assert_false(plain_ports_has(ports, LAST));
    plain_ports_release(ports, FIRST - 1);
    plain_ports_release(ports, LAST + 100);
    assert_int_equal(plain_ports_open(ports, fds[2], &number), 0);
    assert_int_equal(number, numbers[2]);
    assert_int_equal(plain_ports_open(ports, more, &number), -EADDRNOTAVAIL);
    for (unsigned i = 0; i < PAIRS; i++)
        close_pair(fds[i]);
    plain_ports_destroy(ports);
}

static void what_others_have_is_passed_over(void **state)
{
    (void)state;
    struct plain_ports *ports;
    int fds[2], other, none;
    uint16_t number;
    assert_int_equal(media_socket_open("127.0.0.1", 42503, &other), 0); /* the odd one of a pair */
    assert_int_equal(media_socket_open("127.0.0.1", 42503, &none), -EADDRINUSE);
    assert_int_equal(plain_ports_create("127.0.0.1", 42502, 42505, &ports), 0);
    assert_int_equal(plain_ports_open(ports, fds, &number), 0);
    assert_int_equal(number, 42504);
    int more[2];
    assert_int_equal(plain_ports_open(ports, more, &number), -EADDRNOTAVAIL);
    close(other);
    assert_int_equal(plain_ports_open(ports, more, &number), 0);
    assert_int_equal(number, 42502);
    close_pair(fds);
    close_pair(more);
    plain_ports_destroy(ports);
}

static void ranges_without_a_pair(void **state)
{
    (void)state;
    static const uint16_t ranges[][2] = {{42501, 42502}, {42502, 42502}, {65535, 65535}, {42510, 42501}};
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        struct plain_ports *ports;
        int fds[2];
        uint16_t number;
        assert_int_equal(plain_ports_create("127.0.0.1", ranges[i][0], ranges[i][1], &ports), 0);
        assert_int_equal(plain_ports_open(ports, fds, &number), -EADDRNOTAVAIL);
        plain_ports_destroy(ports);
    }
    plain_ports_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_pairs_of_the_range),
        cmocka_unit_test(what_others_have_is_passed_over),
        cmocka_unit_test(ranges_without_a_pair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
