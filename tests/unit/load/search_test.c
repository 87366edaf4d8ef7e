/* Search, with a server that is a number: the highest load that goes well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/kolabmeet-load/search.h"

/* Runs a search against a server that carries up to capacity; returns the number of steps. */
static unsigned run(struct search *search, double start, double min, double capacity)
{
    unsigned steps = 0;
    bool goes_on;

    search_init(search, start, min, 100000, 0.03);
    do {
        steps++;
        assert_true(steps < 60);
        assert_true(search->load >= min && search->load <= 100000);
        goes_on = search_take(search, search->load <= capacity);
    } while (goes_on);
    return steps;
}

static void finds_the_capacity(void **state)
{
    struct search search;
    const double capacities[] = {150, 1000, 5555, 77777};

    (void)state;
    for (size_t i = 0; i < sizeof capacities / sizeof capacities[0]; i++) {
        unsigned steps = run(&search, 110, 1, capacities[i]);
        assert_true(search.good <= capacities[i]);
        assert_true(search.good >= capacities[i] * 0.965);
        assert_true(search.bad > capacities[i]);
        assert_true(steps < 25);
    }
}

static void begins_too_high(void **state)
{
    struct search search;

    (void)state;
    run(&search, 8000, 1, 100);
    assert_true(search.good <= 100 && search.good >= 96);
}

static void small_whole_numbers(void **state)
{
    struct search search;

    (void)state;
    run(&search, 3, 1, 6.5);
    assert_true(search.good == 6 && search.bad == 7);
}

static void nothing_goes_well(void **state)
{
    struct search search;

    (void)state;
    run(&search, 100, 10, 5);
    assert_true(search.good == 0);
    assert_true(search.bad == 10);
}

static void everything_goes_well(void **state)
{
    struct search search;

    (void)state;
    run(&search, 100, 1, 1e9);
    assert_true(search.good == 100000);
    assert_true(search.bad == 0);
}

static void one_hiccup_is_forgiven(void **state)
{
    struct search search;

    (void)state;
    search_init(&search, 100, 1, 100000, 0.03);
    assert_true(search_take(&search, false));
    assert_true(search.load == 100); /* once more */
    assert_true(search_take(&search, true));
    assert_true(search.good == 100 && search.bad == 0 && search.load == 200);
    assert_true(search_take(&search, false));
    assert_true(search_take(&search, false));
    assert_true(search.bad == 200 && search.load == 150);
    assert_true(search_take(&search, false)); /* a new load has its second try again */
    assert_true(search.load == 150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_capacity),   cmocka_unit_test(begins_too_high),
        cmocka_unit_test(small_whole_numbers),  cmocka_unit_test(nothing_goes_well),
        cmocka_unit_test(everything_goes_well), cmocka_unit_test(one_hiccup_is_forgiven),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
