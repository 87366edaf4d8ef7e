#include "tools/kolabmeet-load/search.h"

#include <math.h>

static double round_to_grain(const struct search *search, double load)
{
    double rounded = floor(load / search->grain) * search->grain;
    return rounded < search->grain ? search->grain : rounded;
}

void search_init(struct search *search, double start, double grain, double max, double precision)
{
    *search = (struct search){.grain = grain, .max = max, .precision = precision};
    search->load = round_to_grain(search, start < max ? start : max);
}

static double next_load(const struct search *search)
{
    if (search->bad == 0)
        return round_to_grain(search, 2 * search->good < search->max ? 2 * search->good : search->max);
    if (search->good == 0)
        return round_to_grain(search, search->bad / 2);
    return round_to_grain(search, (search->good + search->bad) / 2);
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
