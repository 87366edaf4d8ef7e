#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "control/gateway/forwarded.h"
#include "control/networks.h"

static void test_networks(void **state)
{
    (void)state;
    struct networks *trust;
    assert_int_equal(networks_parse("192.0.2.1, 10.0.0.0/8,172.16.0.0/12,fd00::/7,::1", &trust), 0);
    static const char *const in[] = {"192.0.2.1", "10.255.0.1", "172.31.0.1",
                                     "fc00::1",   "::1",        "::ffff:10.1.2.3"};
    static const char *const out[] = {"192.0.2.2", "11.0.0.1", "172.32.0.1", "fe80::1", "::2", "", "x"};
    for (size_t i = 0; i < sizeof(in) / sizeof(in[0]); i++)
        assert_true(networks_has(trust, in[i]));
    for (size_t i = 0; i < sizeof(out) / sizeof(out[0]); i++)
        assert_false(networks_has(trust, out[i]));
    assert_false(networks_has(NULL, "::1"));
    networks_destroy(trust);

    static const char *const wrong[] = {
        "",  "192.0.2",     "10.0.0.0/33", "10.0.0.0/",        "::/129", "10.0.0.0/8,",
        "x", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.1 10.0.0.2"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(networks_parse(wrong[i], &trust), -EINVAL);
    assert_int_equal(networks_parse("0.0.0.0/0,::/0", &trust), 0);
    assert_true(networks_has(trust, "203.0.113.9"));
    networks_destroy(trust);
}

static void test_clients(void **state)
{
    (void)state;
    static const struct {
        const char *peer, *header, *client;
    } cases[] = {
        {"10.0.0.1", NULL, "10.0.0.1"},
        {"10.0.0.1", "", "10.0.0.1"},
        {"10.0.0.1", "203.0.113.9", "203.0.113.9"},
        {"203.0.113.1", "198.51.100.1", "203.0.113.1"},           /* nobody trusts it */
        {"10.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"}, /* what the client said itself */
        {"10.0.0.1", "198.51.100.1,203.0.113.9 ,\t10.0.0.2", "203.0.113.9"},
        {"10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"},
        {"10.0.0.1", "203.0.113.9:5555", "203.0.113.9"},
        {"10.0.0.1", "[2001:db8::1]:5555", "2001:db8::1"},
        {"10.0.0.1", "2001:db8::1", "2001:db8::1"},
        {"10.0.0.1", "unknown", "10.0.0.1"},
        {"10.0.0.1", "203.0.113.9,", "10.0.0.1"},
        {"10.0.0.1", "203.0.113.9, 10.0.0.2\"<script>", "10.0.0.1"},
        {"10.0.0.1", "00000000000000000000000000000000000000000000000000203.0.113.9", "10.0.0.1"},
        {"::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"},
    };
    struct networks *trust;
    assert_int_equal(networks_parse("10.0.0.0/8", &trust), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char client[FORWARDED_ADDRESS_BYTES];
        forwarded_client(trust, cases[i].peer, cases[i].header, client);
        assert_string_equal(client, cases[i].client);
        forwarded_client(NULL, cases[i].peer, cases[i].header, client);
        assert_string_equal(client, cases[i].peer);
    }
    networks_destroy(trust);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_networks),
        cmocka_unit_test(test_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
