/* Blocks of 1, 2, 4 … cache lines, which lie together: a buddy system (Knuth, The Art of Computer
 * Programming, section 2.5) over one piece of memory, of which only what was once used is ever touched.
 * Taking and giving back cost a few steps and no system call. */
#pragma once

#include <stdint.h>

#define LINE_POOL_LINE_BYTES 64u
#define LINE_POOL_ORDERS 24u /* up to 2^23 lines */

struct line_pool_link;

struct line_pool {
    uint8_t *lines;                  /* owned, likewise the next */
    struct line_pool_link *links;    /* by line */
    uint32_t count;                  /* lines, a power of two */
    uint32_t begun;                  /* lines from here on were never used */
    uint32_t free[LINE_POOL_ORDERS]; /* lists of blocks of 2^order lines: the first line + 1, 0 = none */
};

/* Of at least that many lines. -ENOMEM. */
int line_pool_init(struct line_pool *pool, uint32_t lines);
void line_pool_deinit(struct line_pool *pool);

/* A block of 2^order lines, aligned to its size within the pool, its contents undefined; NULL when there is
 * none. */
void *line_pool_take(struct line_pool *pool, unsigned order);

/* block: of line_pool_take with the same order, or NULL. */
void line_pool_give(struct line_pool *pool, void *block, unsigned order);
