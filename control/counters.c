#include "control/counters.h"

static _Atomic uint64_t values[COUNTER_COUNT];

static const char *const names[] = {
#define X(id, name) name,
    COUNTERS(X)
#undef X
};

void counters_count(enum counter counter)
{
    values[counter]++;
}

uint64_t counters_get(enum counter counter)
{
    return values[counter];
}

const char *counters_name(enum counter counter)
{
    return names[counter];
}
