/* Socket addresses to and fro. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shm/address.h"

static void ipv4_is_v4_mapped(void **state)
{
    (void)state;
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(44444)};
    struct sockaddr_storage name;
    struct shm_address address;
    static const uint8_t expected[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1};

    inet_pton(AF_INET, "192.0.2.1", &in.sin_addr);
    assert_true(shm_address_from_sockaddr((struct sockaddr *)&in, &address));
    assert_memory_equal(address.ip, expected, 16);
    assert_int_equal(address.port, 44444);
    assert_int_equal(shm_address_to_sockaddr(&address, &name), sizeof in);
    assert_memory_equal(&name, &in, sizeof in);
    assert_int_equal(shm_address_to_family(&address, AF_INET6, &name), sizeof(struct sockaddr_in6));
    assert_memory_equal(((struct sockaddr_in6 *)&name)->sin6_addr.s6_addr, expected, 16);
}

static void ipv6_keeps_its_scope(void **state)
{
    (void)state;
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(1), .sin6_scope_id = 7};
    struct sockaddr_storage name;
    struct shm_address address;

    inet_pton(AF_INET6, "fe80::1", &in6.sin6_addr);
    assert_true(shm_address_from_sockaddr((struct sockaddr *)&in6, &address));
    assert_int_equal(shm_address_to_sockaddr(&address, &name), sizeof in6);
    assert_memory_equal(&name, &in6, sizeof in6);
    assert_int_equal(shm_address_to_family(&address, AF_INET, &name), 0);
}

static void tcp_goes_there_and_back_and_is_not_udp(void **state)
{
    (void)state;
    static const char *const ips[] = {"::ffff:192.0.2.1", "2001:db8::1"};
    for (int i = 0; i < 2; i++) {
        struct shm_address tcp = {.port = 7, .protocol = SHM_PROTOCOL_TCP};
        struct shm_address back;
        struct sockaddr_storage name;
        struct sockaddr_storage plain;

        inet_pton(AF_INET6, ips[i], tcp.ip);
        struct shm_address udp = tcp;
        udp.protocol = SHM_PROTOCOL_UDP;
        socklen_t length = shm_address_to_sockaddr(&tcp, &name);
        assert_int_equal(shm_address_to_sockaddr(&udp, &plain), length);
        assert_memory_not_equal(&name, &plain, length);
        assert_true(shm_address_from_sockaddr((struct sockaddr *)&name, &back));
        assert_memory_equal(&back, &tcp, sizeof tcp);
        assert_true(shm_address_from_sockaddr((struct sockaddr *)&plain, &back));
        assert_memory_equal(&back, &udp, sizeof udp);
    }
}

static void other_families_are_refused(void **state)
{
    (void)state;
    struct sockaddr other = {.sa_family = AF_UNIX};
    struct shm_address address = {.port = 5};
    assert_false(shm_address_from_sockaddr(&other, &address));
    assert_int_equal(address.port, 5);
}

static void addresses_are_told_as_their_family_writes_them(void **state)
{
    (void)state;
    static const struct {
        const char *ip, *text;
    } cases[] = {
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"2001:db8::1", "2001:db8::1"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t ip[16];
        char text[SHM_ADDRESS_TEXT_BYTES];
        inet_pton(AF_INET6, cases[i].ip, ip);
        assert_string_equal(shm_address_text(ip, text), cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv4_is_v4_mapped),
        cmocka_unit_test(ipv6_keeps_its_scope),
        cmocka_unit_test(tcp_goes_there_and_back_and_is_not_udp),
        cmocka_unit_test(other_families_are_refused),
        cmocka_unit_test(addresses_are_told_as_their_family_writes_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
