#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "control/address_limits.h"
#include "control/networks.h"

static struct address_limits *make(unsigned connections, unsigned rate, unsigned rate_all,
                                   const struct networks *trust)
{
    struct address_limits_config config = {
        .trust = trust, .connections = connections, .rate = rate, .rate_all = rate_all};
    struct address_limits *limits;
    assert_int_equal(address_limits_create(&config, &limits), 0);
    return limits;
}

static void test_connections(void **state)
{
    (void)state;
    struct address_limits *limits = make(2, 0, 0, NULL);
    assert_true(address_limits_connect(limits, "192.0.2.1"));
    assert_true(address_limits_connect(limits, "192.0.2.1"));
    assert_false(address_limits_connect(limits, "192.0.2.1"));
    assert_false(address_limits_connect(limits, "::ffff:192.0.2.1"));
    assert_true(address_limits_connect(limits, "192.0.2.2"));
    address_limits_disconnect(limits, "192.0.2.1");
    assert_true(address_limits_connect(limits, "192.0.2.1"));
    address_limits_disconnect(limits, "192.0.2.9");
    address_limits_destroy(limits);
}

static void test_a_network_of_ipv6_is_one_address(void **state)
{
    (void)state;
    struct address_limits *limits = make(1, 0, 0, NULL);
    assert_true(address_limits_connect(limits, "2001:db8:0:1::1"));
    assert_false(address_limits_connect(limits, "2001:db8:0:1:ffff::2"));
    assert_true(address_limits_connect(limits, "2001:db8:0:2::1"));
    address_limits_destroy(limits);
}

static void test_rate_of_an_address(void **state)
{
    (void)state;
    struct address_limits *limits = make(0, 10, 0, NULL);
    for (int i = 0; i < 10 * ADDRESS_LIMITS_BURST_S; i++)
        assert_int_equal(address_limits_take(limits, "a", 5000), ADDRESS_LIMITS_OK);
    assert_int_equal(address_limits_take(limits, "192.0.2.1", 5000), ADDRESS_LIMITS_OK);
    assert_int_equal(address_limits_take(limits, "a", 5099), ADDRESS_LIMITS_ADDRESS);
    assert_int_equal(address_limits_take(limits, "a", 5100), ADDRESS_LIMITS_OK);
    assert_int_equal(address_limits_take(limits, "a", 5100), ADDRESS_LIMITS_ADDRESS);
    for (int i = 0; i < 10 * ADDRESS_LIMITS_BURST_S; i++)
        assert_int_equal(address_limits_take(limits, "a", 100000), ADDRESS_LIMITS_OK);
    assert_int_equal(address_limits_take(limits, "a", 100000), ADDRESS_LIMITS_ADDRESS);
    address_limits_destroy(limits);
}

static void test_rate_of_all(void **state)
{
    (void)state;
    struct address_limits *limits = make(0, 100, 2, NULL);
    for (int i = 0; i < 2 * ADDRESS_LIMITS_BURST_S; i++) {
        char address[32];
        snprintf(address, sizeof(address), "192.0.2.%d", i);
        assert_int_equal(address_limits_take(limits, address, 1), ADDRESS_LIMITS_OK);
    }
    assert_int_equal(address_limits_take(limits, "192.0.2.99", 1), ADDRESS_LIMITS_ALL);
    assert_int_equal(address_limits_take(limits, "192.0.2.99", 501), ADDRESS_LIMITS_OK);
    address_limits_destroy(limits);
}

static void test_who_is_not_limited(void **state)
{
    (void)state;
    struct networks *trust;
    assert_int_equal(networks_parse("10.0.0.1", &trust), 0);
    struct address_limits *limits = make(1, 1, 0, trust);
    for (int i = 0; i < 100; i++) {
        assert_true(address_limits_connect(limits, "10.0.0.1"));
        assert_int_equal(address_limits_take(limits, "10.0.0.1", 1), ADDRESS_LIMITS_OK);
        assert_true(address_limits_connect(NULL, "192.0.2.1"));
        assert_int_equal(address_limits_take(NULL, "192.0.2.1", 1), ADDRESS_LIMITS_OK);
    }
    address_limits_disconnect(NULL, "192.0.2.1");
    address_limits_destroy(limits);
    networks_destroy(trust);
}

static void test_old_addresses_are_forgotten(void **state)
{
    (void)state;
    struct address_limits *limits = make(1, 1, 0, NULL);
    assert_true(address_limits_connect(limits, "192.0.2.1"));
    for (unsigned i = 0; i < ADDRESS_LIMITS_ADDRESSES_MAX + 10; i++) {
        char address[32];
        snprintf(address, sizeof(address), "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        assert_int_equal(address_limits_take(limits, address, 1), ADDRESS_LIMITS_OK);
    }
    assert_false(address_limits_connect(limits, "192.0.2.1"));
    address_limits_destroy(limits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connections),        cmocka_unit_test(test_a_network_of_ipv6_is_one_address),
        cmocka_unit_test(test_rate_of_an_address), cmocka_unit_test(test_rate_of_all),
        cmocka_unit_test(test_who_is_not_limited), cmocka_unit_test(test_old_addresses_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
