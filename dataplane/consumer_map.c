#include "dataplane/consumer_map.h"

#include <errno.h>
#include <stdlib.h>

#include "dataplane/stream_table.h"

/* A link says whose SSRC comes next in its chain, and whether it is that of RTX; 0: none. */
static uint32_t link_to(const struct consumer *consumer, unsigned is_rtx)
{
    return (shm_handle_index(consumer->handle) << 1 | is_rtx) + 1;
}

static struct consumer *consumer_of(const struct consumer_map *map, uint32_t link)
{
    return &map->consumers[(link - 1) >> 1];
}

static uint32_t *next_of(const struct consumer_map *map, uint32_t link)
{
    return &consumer_of(map, link)->next_of_ssrc[(link - 1) & 1];
}

static uint32_t ssrc_of(const struct consumer *consumer, unsigned is_rtx)
{
    return is_rtx ? consumer->row->rtx_ssrc : consumer->row->ssrc;
}

/* Control chooses these SSRCs, at random. */
static uint32_t *head_of(const struct consumer_map *map, const struct transport *transport, uint32_t ssrc)
{
    uint32_t hash = (ssrc ^ transport->index * 0x9e3779b1u) * 0x85ebca6bu;
    return &map->heads[(hash ^ hash >> 16) % CONSUMER_MAP_HEADS];
}

int consumer_map_init(struct consumer_map *map, struct consumer *consumers)
{
    map->consumers = consumers;
    map->heads = calloc(CONSUMER_MAP_HEADS, sizeof(*map->heads));
    return map->heads ? 0 : -ENOMEM;
}

void consumer_map_deinit(struct consumer_map *map)
{
    free(map->heads);
    *map = (struct consumer_map){0};
}

void consumer_map_install(struct consumer_map *map, struct consumer *consumer)
{
    unsigned count = consumer->row->rtx_ssrc != 0 ? 2 : 1;

    for (unsigned i = 0; i < count; i++) {
        uint32_t *head = head_of(map, consumer->transport, ssrc_of(consumer, i));
        consumer->next_of_ssrc[i] = *head;
        *head = link_to(consumer, i);
    }
}

void consumer_map_remove(struct consumer_map *map, struct consumer *consumer)
{
    unsigned count = consumer->row->rtx_ssrc != 0 ? 2 : 1;

    for (unsigned i = 0; i < count; i++) {
        uint32_t *link = head_of(map, consumer->transport, ssrc_of(consumer, i));
        while (*link != 0 && *link != link_to(consumer, i))
            link = next_of(map, *link);
        if (*link != 0)
            *link = *next_of(map, *link);
    }
}

struct consumer *consumer_map_find(const struct consumer_map *map, const struct transport *transport,
                                   uint32_t ssrc)
{
    for (uint32_t link = *head_of(map, transport, ssrc); link != 0; link = *next_of(map, link)) {
        struct consumer *consumer = consumer_of(map, link);
        if (consumer->transport == transport && ssrc_of(consumer, (link - 1) & 1) == ssrc)
            return consumer;
    }
    return NULL;
}
