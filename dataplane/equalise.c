#include "dataplane/equalise.h"

#include <string.h>

static uint32_t payload_of(const struct flight *flight)
{
    return flight->view.header.payload_length;
}

static bool may_pad(const struct flight *flight)
{
    return flight->room && payload_of(flight) > 0 && !flight->view.is_padded;
}

/* One past the last flight that can be made as long as those from first on; ret_longest is how long. */
static struct flight *find_end(struct flight *first, uint32_t *ret_longest)
{
    uint32_t least = payload_of(first);
    uint32_t most = least;
    struct flight *flight = first->next;

    for (; flight && may_pad(flight); flight = flight->next) {
        uint32_t bytes = payload_of(flight);
        uint32_t lower = bytes < least ? bytes : least;
        uint32_t upper = bytes > most ? bytes : most;
        if (upper - lower > EQUALISE_BYTES_MAX)
            break;
        least = lower;
        most = upper;
    }
    *ret_longest = most;
    return flight;
}

/* What the sender padded by himself makes room too. */
static void pad(struct flight *flight, uint32_t bytes)
{
    struct rtp_header *header = &flight->view.header;

    if (bytes == 0)
        return;
    memset(flight->room, 0, bytes - 1);
    flight->room[bytes - 1] = (uint8_t)bytes;
    header->padding_length = (uint8_t)bytes;
    flight->view.is_padded = true;
}

void equalise(struct flight *first)
{
    while (first) {
        uint32_t longest;
        if (!may_pad(first)) {
            first = first->next;
            continue;
        }
        struct flight *end = find_end(first, &longest);
        for (; first->next != end; first = first->next)
            pad(first, longest - payload_of(first));
        first = end;
    }
}
