/* Every socket that listens on :: is for both families, whatever net.ipv6.bindv6only says. The setting is
 * that of a network namespace of the test's own. */
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

#include "control/forwarder/media_socket.h"
#include "control/transport/ice_tcp.h"
#include "gateway_harness.h"

/* -1 where namespaces are not permitted, or without IPv6. */
static int enter_namespace(const char *bindv6only)
{
    struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    if (unshare(CLONE_NEWNET) != 0)
        return -1;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int result = ioctl(fd, SIOCSIFFLAGS, &up);
    close(fd);
    fd = open("/proc/sys/net/ipv6/bindv6only", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (write(fd, bindv6only, 1) != 1)
        result = -1;
    close(fd);
    return result;
}

static struct sockaddr_in v4_name(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static struct sockaddr_in6 v6_name(uint16_t port)
{
    return (struct sockaddr_in6){
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
}

static void reach(const struct sockaddr *name, socklen_t length, int type)
{
    int fd = socket(name->sa_family, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, name, length), 0);
    if (type == SOCK_DGRAM)
        assert_int_equal(send(fd, "x", 1, 0), 1);
    close(fd);
}

static void reach_both(uint16_t port, int type)
{
    struct sockaddr_in v4 = v4_name(port);
    struct sockaddr_in6 v6 = v6_name(port);
    reach((struct sockaddr *)&v4, sizeof(v4), type);
    reach((struct sockaddr *)&v6, sizeof(v6), type);
}

static void take(int fd)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    char byte;
    assert_int_equal(poll(&readable, 1, 30000), 1);
    assert_int_equal(recv(fd, &byte, 1, 0), 1);
}

static void media_socket_takes_both(void)
{
    struct sockaddr_in6 name;
    socklen_t length = sizeof(name);
    int fd = -1;
    assert_int_equal(media_socket_open("::", 0, &fd), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &length), 0);
    reach_both(ntohs(name.sin6_port), SOCK_DGRAM);
    take(fd);
    take(fd);
    close(fd);
}

static void ice_tcp_takes_both(void)
{
    static const struct ice_tcp_handler handler = {0};
    const struct ice_tcp_config config = {.ip = "::", .patience_ms = 1000};
    struct event_base *base = event_base_new();
    struct ice_tcp *tcp = NULL;
    assert_int_equal(ice_tcp_create(&config, base, &handler, NULL, &tcp), 0);
    reach_both(ice_tcp_port(tcp), SOCK_STREAM);
    ice_tcp_destroy(tcp);
    event_base_free(base);
}

static void gateway_takes_both(void)
{
    struct harness harness;
    harness_init(&harness);
    harness.config.host = "::";
    harness_start(&harness);
    reach_both(gateway_port(harness.gateway), SOCK_STREAM);
    harness_stop(&harness);
}

static void expect_both_families(const char *bindv6only)
{
    if (enter_namespace(bindv6only) != 0)
        skip();
    media_socket_takes_both();
    ice_tcp_takes_both();
    gateway_takes_both();
}

static void both_families_by_default(void **state)
{
    (void)state;
    expect_both_families("0");
}

static void both_families_despite_bindv6only(void **state)
{
    (void)state;
    expect_both_families("1");
}

/* An address of IPv6 other than :: stays one, so that 0.0.0.0 and ::1 can stand beside each other on a port.
 */
static void one_address_is_of_one_family(void **state)
{
    (void)state;
    struct sockaddr_in6 name;
    socklen_t length = sizeof(name);
    int v6 = -1, v4 = -1;
    if (enter_namespace("1") != 0)
        skip();
    assert_int_equal(media_socket_open("::1", 0, &v6), 0);
    assert_int_equal(getsockname(v6, (struct sockaddr *)&name, &length), 0);
    assert_int_equal(media_socket_open("0.0.0.0", ntohs(name.sin6_port), &v4), 0);
    close(v6);
    close(v4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_families_by_default),
        cmocka_unit_test(both_families_despite_bindv6only),
        cmocka_unit_test(one_address_is_of_one_family),
    };
    return cmocka_run_group_tests_name("families", tests, NULL, NULL);
}
