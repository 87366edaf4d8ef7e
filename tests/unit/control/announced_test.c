#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "control/announced.h"

static void lists_are_taken_apart(void **state)
{
    (void)state;
    struct announced announced;
    assert_int_equal(announced_parse("192.0.2.1", &announced), 0);
    assert_int_equal(announced.count, 1);
    assert_string_equal(announced.addresses[0], "192.0.2.1");
    assert_int_equal(announced_parse(" 192.0.2.1 , 2001:db8::1,a,b ", &announced), 0);
    assert_int_equal(announced.count, 4);
    assert_string_equal(announced.addresses[0], "192.0.2.1");
    assert_string_equal(announced.addresses[1], "2001:db8::1");
    assert_string_equal(announced.addresses[3], "b");
}

static void what_is_no_list_changes_nothing(void **state)
{
    (void)state;
    static char overlong[ANNOUNCED_BYTES + 1];
    const char *const wrong[] = {"", " ", ",", "a,", ",a", "a,,b", "a b", "a,b,c,d,e", "a,b,a", overlong};
    struct announced announced;
    memset(overlong, 'a', ANNOUNCED_BYTES);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        announced.count = 99;
        assert_int_equal(announced_parse(wrong[i], &announced), -EINVAL);
        assert_int_equal(announced.count, 99);
    }
    overlong[ANNOUNCED_BYTES - 1] = '\0';
    assert_int_equal(announced_parse(overlong, &announced), 0);
    assert_string_equal(announced.addresses[0], overlong);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_taken_apart),
        cmocka_unit_test(what_is_no_list_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
