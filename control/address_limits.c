#include "control/address_limits.h"
#include "control/networks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#define KEY_BYTES 8 /* IPv4, or the network of IPv6 */

struct bucket {
    uint64_t used_ms; /* thousandths of a thing, times the rate: what was taken and has not come back */
    uint64_t at_ms;
};

struct limited {
    uint8_t key[KEY_BYTES];
    unsigned connections;
    struct bucket bucket;
    TAILQ_ENTRY(limited) link;
};

struct address_limits {
    struct address_limits_config config;
    void *by_key; /* tsearch(3) tree of struct limited: keys are the attackers' choice, and a tree keeps its
                     depth */
    TAILQ_HEAD(, limited) entries; /* the longest unused first */
    size_t count;
    struct bucket all;
};

int address_limits_create(const struct address_limits_config *config, struct address_limits **ret_limits)
{
    struct address_limits *limits = calloc(1, sizeof(*limits));
    if (!limits)
        return -ENOMEM;
    limits->config = *config;
    TAILQ_INIT(&limits->entries);
    *ret_limits = limits;
    return 0;
}

static int compare(const void *a, const void *b)
{
    return memcmp(((const struct limited *)a)->key, ((const struct limited *)b)->key, KEY_BYTES);
}

static void remove_entry(struct address_limits *limits, struct limited *entry)
{
    tdelete(entry, &limits->by_key, compare);
    TAILQ_REMOVE(&limits->entries, entry, link);
    limits->count--;
    free(entry);
}

void address_limits_destroy(struct address_limits *limits)
{
    if (!limits)
        return;
    struct limited *entry;
    while ((entry = TAILQ_FIRST(&limits->entries)))
        remove_entry(limits, entry);
    free(limits);
}

/* A text that is no address has a key too: all such are one. */
static void make_key(const char *address, uint8_t ret_key[KEY_BYTES])
{
    struct in6_addr v6;
    struct in_addr v4 = {0};
    memset(ret_key, 0, KEY_BYTES);
    if (inet_pton(AF_INET6, address, &v6) == 1 && !IN6_IS_ADDR_V4MAPPED(&v6)) {
        memcpy(ret_key, &v6, KEY_BYTES);
    } else {
        const char *last = strrchr(address, ':'); /* IPv4 in IPv6 */
        inet_pton(AF_INET, last ? last + 1 : address, &v4);
        memcpy(ret_key, &v4, sizeof(v4));
    }
}

static struct limited *find(struct address_limits *limits, const char *address)
{
    struct limited key;
    make_key(address, key.key);
    struct limited *const *found = tfind(&key, &limits->by_key, compare);
    return found ? *found : NULL;
}

static void forget_one(struct address_limits *limits)
{
    struct limited *entry;
    TAILQ_FOREACH(entry, &limits->entries, link)
    {
        if (entry->connections == 0) {
            remove_entry(limits, entry);
            return;
        }
    }
}

/* The address's entry, made if there is none; NULL without memory. */
static struct limited *use(struct address_limits *limits, const char *address)
{
    struct limited *entry = find(limits, address);
    if (entry) {
        TAILQ_REMOVE(&limits->entries, entry, link);
        TAILQ_INSERT_TAIL(&limits->entries, entry, link);
        return entry;
    }
    if (limits->count >= ADDRESS_LIMITS_ADDRESSES_MAX)
        forget_one(limits);
    entry = calloc(1, sizeof(*entry));
    if (!entry)
        return NULL;
    make_key(address, entry->key);
    if (!tsearch(entry, &limits->by_key, compare)) {
        free(entry);
        return NULL;
    }
    TAILQ_INSERT_TAIL(&limits->entries, entry, link);
    limits->count++;
    return entry;
}

bool address_limits_connect(struct address_limits *limits, const char *address)
{
    if (!limits || !limits->config.connections)
        return true;
    struct limited *entry = use(limits, address);
    if (!entry ||
        (entry->connections >= limits->config.connections && !networks_has(limits->config.trust, address)))
        return false;
    entry->connections++;
    return true;
}

void address_limits_disconnect(struct address_limits *limits, const char *address)
{
    struct limited *entry = limits && limits->config.connections ? find(limits, address) : NULL;
    if (entry && entry->connections > 0)
        entry->connections--;
}

/* A thing takes 1000 / rate milliseconds to come back. */
static bool may_take(struct bucket *bucket, unsigned rate, uint64_t now_ms)
{
    uint64_t back = (now_ms - bucket->at_ms) * rate;
    bucket->used_ms = bucket->used_ms > back ? bucket->used_ms - back : 0;
    bucket->at_ms = now_ms;
    return bucket->used_ms + 1000 <= (uint64_t)rate * ADDRESS_LIMITS_BURST_S * 1000;
}

enum address_limits_verdict address_limits_take(struct address_limits *limits, const char *address,
                                                uint64_t now_ms)
{
    if (!limits)
        return ADDRESS_LIMITS_OK;
    unsigned rate = limits->config.rate, rate_all = limits->config.rate_all;
    struct limited *entry =
        rate && !networks_has(limits->config.trust, address) ? use(limits, address) : NULL;
    if (entry && !may_take(&entry->bucket, rate, now_ms))
        return ADDRESS_LIMITS_ADDRESS;
    if (rate_all && !may_take(&limits->all, rate_all, now_ms))
        return ADDRESS_LIMITS_ALL;
    if (entry)
        entry->bucket.used_ms += 1000;
    if (rate_all)
        limits->all.used_ms += 1000;
    return ADDRESS_LIMITS_OK;
}

uint64_t address_limits_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
