/* PLAIN_TARGETS: what its words mean, and what they never do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "control/transport/plain_targets.h"

static bool has(const char *setting, const char *listen_ip, const char *ip)
{
    struct plain_targets *targets;
    assert_int_equal(plain_targets_create(setting, listen_ip, &targets), 0);
    bool found = plain_targets_have(targets, ip);
    plain_targets_destroy(targets);
    return found;
}

static const char *const on_the_link[] = {
    "169.254.0.1",  "169.254.169.254",    "169.254.170.2",   "fe80::1",       "fd00:ec2::254",
    "fd20:ce::254", "fd00:c1::a9fe:a9fe", "100.100.100.200", "168.63.129.16", "64:ff9b::a9fe:a9fe",
};

static void private_is_private_networks_only(void **state)
{
    (void)state;
    static const char *const inside[] = {"10.0.0.0",    "10.255.255.254", "172.16.0.1",  "172.31.255.254",
                                         "192.168.7.7", "fc00::1",        "fd12:3456::1"};
    static const char *const outside[] = {"127.0.0.1",   "127.1.2.3",
                                          "::1",         "9.255.255.255",
                                          "11.0.0.1",    "172.15.0.1",
                                          "172.32.0.1",  "192.167.1.1",
                                          "192.0.2.1",   "100.64.0.1",
                                          "0.0.0.0",     "255.255.255.255",
                                          "224.0.0.251", "2001:db8::1",
                                          "ff02::1",     "::",
                                          "no address",  ""};
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++)
        assert_true(has("private", "0.0.0.0", inside[i]));
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
        assert_false(has("private", "192.168.7.1", outside[i]));
    for (size_t i = 0; i < sizeof on_the_link / sizeof on_the_link[0]; i++)
        assert_false(has("private", "0.0.0.0", on_the_link[i]));
}

/* Also with `any`: whoever means them names them. */
static void what_only_this_machine_should_reach_has_to_be_named(void **state)
{
    (void)state;
    assert_true(has("any", "192.0.2.1", "192.0.2.9"));
    assert_true(has("any", "192.0.2.1", "10.1.1.1"));
    assert_true(has("any", "::", "2001:db8::1"));
    assert_false(has("any", "192.0.2.1", "127.0.0.1"));
    assert_false(has("any", "::", "::1"));
    for (size_t i = 0; i < sizeof on_the_link / sizeof on_the_link[0]; i++) {
        assert_false(has("any", "0.0.0.0", on_the_link[i]));
        assert_true(has(on_the_link[i], "0.0.0.0", on_the_link[i]));
    }
    assert_true(has("private,127.0.0.1", "192.0.2.1", "127.0.0.1"));
    assert_false(has("private,127.0.0.1", "192.0.2.1", "127.0.0.2"));
    assert_true(has("any, 169.254.0.0/16", "192.0.2.1", "169.254.1.1"));
}

static void a_server_on_loopback_has_nobody_else_there(void **state)
{
    (void)state;
    assert_true(has("private", "127.0.0.1", "127.0.0.1"));
    assert_true(has("private", "127.0.0.1", "127.9.9.9"));
    assert_true(has("private", "::1", "::1"));
    assert_true(has("any", "127.0.0.1", "127.0.0.1"));
    assert_false(has("private", "127.0.0.1", "169.254.169.254"));
    assert_false(has("10.0.0.1", "127.0.0.1", "127.0.0.1"));
}

static void names_are_taken_literally(void **state)
{
    (void)state;
    assert_true(has("192.0.2.0/24", "0.0.0.0", "192.0.2.1"));
    assert_false(has("192.0.2.0/24", "0.0.0.0", "10.0.0.1"));
    assert_true(has(" 192.0.2.1 , private ", "0.0.0.0", "10.0.0.1"));
    assert_true(has(" 192.0.2.1 , private ", "0.0.0.0", "192.0.2.1"));
    assert_false(has(NULL, "0.0.0.0", "10.0.0.1"));
}

static void what_is_no_list_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "privat",
                                      "private,",
                                      ",private",
                                      "any,any,x",
                                      "10.0.0.0/33",
                                      "10.0.0.1 any",
                                      "private any",
                                      "Any",
                                      "10.0.0.1,,10.0.0.2"};
    struct plain_targets *targets;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(plain_targets_create(bad[i], "0.0.0.0", &targets), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(private_is_private_networks_only),
        cmocka_unit_test(what_only_this_machine_should_reach_has_to_be_named),
        cmocka_unit_test(a_server_on_loopback_has_nobody_else_there),
        cmocka_unit_test(names_are_taken_literally),
        cmocka_unit_test(what_is_no_list_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
