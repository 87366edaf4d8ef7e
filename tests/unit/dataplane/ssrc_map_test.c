#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/ssrc_map.h"
#include "tests/unit/dataplane/prng.h"

#define SLOTS 64u

static void test_basics(void **state)
{
    (void)state;
    struct ssrc_map_slot slots[SLOTS];
    struct ssrc_map map;
    uint32_t value = 0;

    assert_int_equal(ssrc_map_init(&map, slots, 63, 1), -EINVAL);
    assert_int_equal(ssrc_map_init(&map, slots, 4, 1), -EINVAL);
    assert_int_equal(ssrc_map_init(&map, slots, SLOTS, 1), 0);
    assert_int_equal(ssrc_map_find(&map, 0, 0, &value), -ENOENT);
    assert_int_equal(ssrc_map_remove(&map, 0, 0), -ENOENT);

    /* The same SSRC on two transports is two streams; 0 is a key like others. */
    assert_int_equal(ssrc_map_install(&map, 1, 5, 15), 0);
    assert_int_equal(ssrc_map_install(&map, 2, 5, 25), 0);
    assert_int_equal(ssrc_map_install(&map, 0, 0, 99), 0);
    assert_int_equal(ssrc_map_install(&map, 1, 5, 77), -EEXIST);
    assert_int_equal(ssrc_map_find(&map, 1, 5, &value), 0);
    assert_int_equal(value, 15);
    assert_int_equal(ssrc_map_find(&map, 2, 5, &value), 0);
    assert_int_equal(value, 25);
    assert_int_equal(ssrc_map_find(&map, 0, 0, &value), 0);
    assert_int_equal(value, 99);
    assert_int_equal(ssrc_map_remove(&map, 1, 5), 0);
    assert_int_equal(ssrc_map_find(&map, 1, 5, &value), -ENOENT);
    assert_int_equal(ssrc_map_find(&map, 2, 5, &value), 0);
}

static void test_full(void **state)
{
    (void)state;
    struct ssrc_map_slot slots[SLOTS];
    struct ssrc_map map;
    uint32_t value;
    ssrc_map_init(&map, slots, SLOTS, 1);
    for (uint32_t i = 0; i < SLOTS / 4 * 3; i++)
        assert_int_equal(ssrc_map_install(&map, 0, i, i), 0);
    assert_int_equal(ssrc_map_install(&map, 0, 1000, 0), -ENOSPC);
    assert_int_equal(ssrc_map_find(&map, 0, 1000, &value), -ENOENT); /* and ends */
    assert_int_equal(ssrc_map_remove(&map, 0, 7), 0);
    assert_int_equal(ssrc_map_install(&map, 0, 1000, 0), 0);
}

/* Against an array of all keys, at the highest load. */
static void test_against_oracle(void **state)
{
    (void)state;
    enum { KEYS = 128 };
    struct ssrc_map_slot slots[SLOTS];
    struct ssrc_map map;
    int64_t values[KEYS];
    uint32_t count = 0;
    struct prng prng = {.state = 5};

    ssrc_map_init(&map, slots, SLOTS, 12345);
    memset(values, 0xff, sizeof(values));
    for (uint32_t step = 0; step < 200000; step++) {
        uint32_t key = prng_below(&prng, KEYS), found;
        if (prng_below(&prng, 2) == 0) {
            int expected = values[key] >= 0 ? -EEXIST : count == map.limit ? -ENOSPC : 0;
            assert_int_equal(ssrc_map_install(&map, key % 3, key, step), expected);
            if (!expected) {
                values[key] = step;
                count++;
            }
        } else {
            assert_int_equal(ssrc_map_remove(&map, key % 3, key), values[key] >= 0 ? 0 : -ENOENT);
            count -= values[key] >= 0;
            values[key] = -1;
        }
        uint32_t other = prng_below(&prng, KEYS);
        assert_int_equal(ssrc_map_find(&map, other % 3, other, &found), values[other] >= 0 ? 0 : -ENOENT);
        if (values[other] >= 0)
            assert_int_equal(found, values[other]);
        assert_int_equal(map.count, count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_basics),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_against_oracle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
