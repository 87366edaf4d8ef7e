#include "dataplane/line_pool.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

/* Of a line that a free block begins with; all zeroes for any other. */
struct line_pool_link {
    uint32_t next; /* line + 1 */
    uint32_t previous;
    uint8_t order; /* + 1 */
};

int line_pool_init(struct line_pool *pool, uint32_t lines)
{
    *pool = (struct line_pool){.count = 1};
    while (pool->count < lines && pool->count < 1u << (LINE_POOL_ORDERS - 1))
        pool->count *= 2;
    void *memory = NULL;
    int error = posix_memalign(&memory, LINE_POOL_LINE_BYTES, (size_t)pool->count * LINE_POOL_LINE_BYTES);
    pool->lines = error == 0 ? memory : NULL;
    pool->links = calloc(pool->count, sizeof(*pool->links));
    if (pool->lines && pool->links)
        return 0;
    line_pool_deinit(pool);
    return -ENOMEM;
}

void line_pool_deinit(struct line_pool *pool)
{
    free(pool->lines);
    free(pool->links);
    *pool = (struct line_pool){0};
}

static void list(struct line_pool *pool, uint32_t line, unsigned order)
{
    struct line_pool_link *link = &pool->links[line];

    *link = (struct line_pool_link){.next = pool->free[order], .order = (uint8_t)(order + 1)};
    if (link->next != 0)
        pool->links[link->next - 1].previous = line + 1;
    pool->free[order] = line + 1;
}

static void unlist(struct line_pool *pool, uint32_t line)
{
    struct line_pool_link *link = &pool->links[line];

    if (link->previous != 0)
        pool->links[link->previous - 1].next = link->next;
    else
        pool->free[link->order - 1] = link->next;
    if (link->next != 0)
        pool->links[link->next - 1].previous = link->previous;
    *link = (struct line_pool_link){0};
}

/* Free blocks that end where a block of that order can begin: what was never used before it. */
static bool begin_lines(struct line_pool *pool, unsigned order, uint32_t *ret_line)
{
    uint32_t size = 1u << order;
    uint32_t line = (pool->begun + size - 1) & ~(size - 1);

    if (line >= pool->count || size > pool->count - line)
        return false;
    while (pool->begun < line) {
        unsigned skipped = (unsigned)__builtin_ctz(pool->begun);
        list(pool, pool->begun, skipped);
        pool->begun += 1u << skipped;
    }
    pool->begun = line + size;
    *ret_line = line;
    return true;
}

/* The smallest free block that is large enough, cut in halves. */
static bool cut(struct line_pool *pool, unsigned order, uint32_t *ret_line)
{
    unsigned from = order;

    while (from < LINE_POOL_ORDERS && pool->free[from] == 0)
        from++;
    if (from == LINE_POOL_ORDERS)
        return false;
    *ret_line = pool->free[from] - 1;
    unlist(pool, *ret_line);
    while (from-- > order)
        list(pool, *ret_line + (1u << from), from);
    return true;
}

void *line_pool_take(struct line_pool *pool, unsigned order)
{
    uint32_t line;

    if (order >= LINE_POOL_ORDERS || (!cut(pool, order, &line) && !begin_lines(pool, order, &line)))
        return NULL;
    return pool->lines + (size_t)line * LINE_POOL_LINE_BYTES;
}

void line_pool_give(struct line_pool *pool, void *block, unsigned order)
{
    if (!block)
        return;
    uint32_t line = (uint32_t)(((uint8_t *)block - pool->lines) / LINE_POOL_LINE_BYTES);
    for (; order < LINE_POOL_ORDERS - 1; order++) {
        uint32_t buddy = line ^ 1u << order;
        if (buddy >= pool->begun || pool->links[buddy].order != order + 1)
            break;
        unlist(pool, buddy);
        line &= ~(1u << order);
    }
    list(pool, line, order);
}
