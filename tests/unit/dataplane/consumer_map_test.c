/* Consumers are found by what they are sent as, however long the chains and in whatever order they go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/stream_table.h"
#include "tests/unit/dataplane/prng.h"

#define CONSUMERS 30000u /* with RTX, four in a chain */

static struct consumer consumers[CONSUMERS];
static struct shm_consumer_row rows[CONSUMERS];
static struct transport transports[3];

/* SSRCs are the same on all transports, so that these alone tell some apart. Every third has no RTX. */
static void prepare(uint32_t index)
{
    rows[index].ssrc = 1000 + index / 3;
    rows[index].rtx_ssrc = index % 9 < 3 ? 0 : 0x80000000u + index / 3;
    consumers[index] = (struct consumer){
        .handle = shm_handle_make(index, 1), .row = &rows[index], .transport = &transports[index % 3]};
}

static void check(const struct consumer_map *map, uint32_t index, bool is_there)
{
    const struct consumer *expected = is_there ? &consumers[index] : NULL;
    const struct transport *transport = &transports[index % 3];

    assert_ptr_equal(consumer_map_find(map, transport, 1000 + index / 3), expected);
    assert_ptr_equal(consumer_map_find(map, transport, 0x80000000u + index / 3),
                     rows[index].rtx_ssrc != 0 ? expected : NULL);
}

static void test_all_are_found(void **state)
{
    static bool is_there[CONSUMERS];
    struct consumer_map map = {0};
    struct prng prng = {4711};

    (void)state;
    for (uint32_t i = 0; i < 3; i++)
        transports[i].index = i;
    assert_int_equal(consumer_map_init(&map, consumers), 0);
    for (uint32_t i = 0; i < CONSUMERS; i++) {
        prepare(i);
        consumer_map_install(&map, &consumers[i]);
        is_there[i] = true;
    }
    for (unsigned i = 0; i < 4 * CONSUMERS; i++) {
        uint32_t index = prng_below(&prng, CONSUMERS);
        if (is_there[index])
            consumer_map_remove(&map, &consumers[index]);
        else
            consumer_map_install(&map, &consumers[index]);
        is_there[index] = !is_there[index];
        check(&map, index, is_there[index]);
    }
    for (uint32_t i = 0; i < CONSUMERS; i++)
        check(&map, i, is_there[i]);
    assert_null(consumer_map_find(&map, &transports[0], 0)); /* of no RTX */
    assert_null(consumer_map_find(&map, &transports[0], 7));
    consumer_map_deinit(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
