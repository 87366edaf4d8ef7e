/* Blocks of lines: they never overlap, what is given back grows together again, and nothing is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/line_pool.h"
#include "tests/unit/dataplane/prng.h"

#define LINES 256u

static uint32_t line_of(const struct line_pool *pool, const void *block)
{
    size_t offset = (size_t)((const uint8_t *)block - pool->lines);

    assert_int_equal((uintptr_t)block % LINE_POOL_LINE_BYTES, 0);
    assert_true(offset < (size_t)LINES * LINE_POOL_LINE_BYTES);
    return (uint32_t)(offset / LINE_POOL_LINE_BYTES);
}

static void test_fills_up_and_comes_back(void **state)
{
    struct line_pool pool;
    void *blocks[LINES];

    (void)state;
    assert_int_equal(line_pool_init(&pool, 200), 0); /* rounded up */
    assert_null(line_pool_take(&pool, 9));
    assert_null(line_pool_take(&pool, LINE_POOL_ORDERS));
    for (unsigned i = 0; i < LINES; i++)
        assert_non_null(blocks[i] = line_pool_take(&pool, 0));
    assert_null(line_pool_take(&pool, 0));
    for (unsigned i = 0; i < LINES; i += 2)
        line_pool_give(&pool, blocks[i], 0);
    assert_null(line_pool_take(&pool, 1)); /* every other line is in use */
    for (unsigned i = 1; i < LINES; i += 2)
        line_pool_give(&pool, blocks[i], 0);
    void *whole = line_pool_take(&pool, 8);
    assert_ptr_equal(whole, pool.lines);
    assert_null(line_pool_take(&pool, 0));
    line_pool_give(&pool, whole, 8);
    line_pool_give(&pool, NULL, 3);
    line_pool_deinit(&pool);
}

/* Larger blocks begin where their size divides; what lies before them is not lost. */
static void test_skipped_lines_are_used(void **state)
{
    struct line_pool pool;
    unsigned singles = 0;

    (void)state;
    assert_int_equal(line_pool_init(&pool, LINES), 0);
    assert_int_equal(line_of(&pool, line_pool_take(&pool, 0)), 0);
    assert_int_equal(line_of(&pool, line_pool_take(&pool, 7)), 128);
    while (line_pool_take(&pool, 0))
        singles++;
    assert_int_equal(singles, 127);
    line_pool_deinit(&pool);
}

static void test_never_overlap(void **state)
{
    struct line_pool pool;
    struct {
        void *block;
        unsigned order;
    } held[64] = {0};
    uint8_t owner[LINES] = {0};
    struct prng prng = {.state = 7};

    (void)state;
    assert_int_equal(line_pool_init(&pool, LINES), 0);
    for (unsigned step = 0; step < 200000; step++) {
        unsigned i = prng_below(&prng, 64);
        if (held[i].block) {
            uint32_t line = line_of(&pool, held[i].block);
            for (uint32_t n = 0; n < 1u << held[i].order; n++) {
                assert_int_equal(owner[line + n], i + 1);
                owner[line + n] = 0;
            }
            line_pool_give(&pool, held[i].block, held[i].order);
            held[i].block = NULL;
            continue;
        }
        held[i].order = prng_below(&prng, 5);
        held[i].block = line_pool_take(&pool, held[i].order);
        if (!held[i].block)
            continue;
        uint32_t line = line_of(&pool, held[i].block);
        assert_int_equal(line % (1u << held[i].order), 0);
        for (uint32_t n = 0; n < 1u << held[i].order; n++) {
            assert_int_equal(owner[line + n], 0);
            owner[line + n] = (uint8_t)(i + 1);
        }
    }
    for (unsigned i = 0; i < 64; i++)
        line_pool_give(&pool, held[i].block, held[i].order);
    assert_ptr_equal(line_pool_take(&pool, 8), pool.lines); /* all of it has grown together */
    line_pool_deinit(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fills_up_and_comes_back),
        cmocka_unit_test(test_skipped_lines_are_used),
        cmocka_unit_test(test_never_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
