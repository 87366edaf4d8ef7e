#include "tools/kolabmeet-load/search.h"

#include <math.h>

static double within_range(const struct search *search, double load)
{
    return fmax(search->min, fmin(search->max, floor(load)));
}

void search_init(struct search *search, double start, double min, double max, double precision)
{
    *search = (struct search){.min = min, .max = max, .precision = precision};
    search->load = within_range(search, start);
}

static double next_load(const struct search *search)
{
    if (search->bad == 0)
        return within_range(search, 2 * search->good);
    return within_range(search, (search->good + search->bad) / 2);
}

bool search_take(struct search *search, bool went_well)
{
    if (!went_well && !search->is_retry) {
        search->is_retry = true;
        return true;
    }
    search->is_retry = false;
    if (went_well)
        search->good = search->load;
    else
        search->bad = search->load;
    if (search->good > 0 && search->bad > 0 && search->bad - search->good <= search->precision * search->good)
        return false;
    double next = next_load(search);
    if (next == search->good || next == search->bad)
        return false;
    search->load = next;
    return true;
}
