/* The packets of a stream that are missing, to be asked for again (RFC 4585 section 6.2.1): at once, then
 * every NACK_LIST_INTERVAL_NS until they come or have been asked for often enough. Numbers are unwrapped. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define NACK_LIST_MAX 128 /* more are given up, the oldest first */
#define NACK_LIST_TRIES 10
#define NACK_LIST_INTERVAL_NS UINT64_C(50000000)

/* All zeroes is a stream of which nothing has come. */
struct nack_list {
    int64_t highest; /* 0: none yet */
    uint16_t count;
    struct {
        int64_t sequence;
        uint64_t due_ns;
        uint8_t tries;
    } missing[NACK_LIST_MAX]; /* in ascending order */
};

/* A packet came, first hand or repaired. sequence is above 0. */
void nack_list_take(struct nack_list *list, int64_t sequence, uint64_t now_ns);

/* What is to be asked for now, at most max; their number. */
size_t nack_list_due(struct nack_list *list, uint64_t now_ns, uint16_t *ret_sequences, size_t max);
