#include "control/address_limits.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>
#include <uthash.h>

#define KEY_BYTES 8 /* IPv4, or the network of IPv6 */

struct bucket {
    uint64_t used_ms; /* thousandths of a thing, times the rate: what was taken and has not come back */
    uint64_t at_ms;
};

struct entry {
    uint8_t key[KEY_BYTES];
    unsigned connections;
    struct bucket bucket;
    UT_hash_handle hh;
    TAILQ_ENTRY(entry) link;
};

struct address_limits {
    struct address_limits_config config;
    struct entry *by_key;
    TAILQ_HEAD(, entry) entries; /* the longest unused first */
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

static void remove_entry(struct address_limits *limits, struct entry *entry)
{
    HASH_DEL(limits->by_key, entry);
    TAILQ_REMOVE(&limits->entries, entry, link);
    limits->count--;
    free(entry);
}

void address_limits_destroy(struct address_limits *limits)
{
    if (!limits)
        return;
    struct entry *entry;
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

static struct entry *find(struct address_limits *limits, const char *address)
{
    uint8_t key[KEY_BYTES];
    struct entry *entry;
    make_key(address, key);
    HASH_FIND(hh, limits->by_key, key, KEY_BYTES, entry);
    return entry;
}

static void forget_one(struct address_limits *limits)
{
    struct entry *entry;
    TAILQ_FOREACH(entry, &limits->entries, link)
    {
        if (entry->connections == 0) {
            remove_entry(limits, entry);
            return;
        }
    }
}

/* The address's entry, made if there is none; NULL without memory. */
static struct entry *use(struct address_limits *limits, const char *address)
{
    struct entry *entry = find(limits, address);
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
    HASH_ADD(hh, limits->by_key, key, KEY_BYTES, entry);
    TAILQ_INSERT_TAIL(&limits->entries, entry, link);
    limits->count++;
    return entry;
}

bool address_limits_connect(struct address_limits *limits, const char *address)
{
    if (!limits || !limits->config.connections)
        return true;
    struct entry *entry = use(limits, address);
    if (!entry || (entry->connections >= limits->config.connections &&
                   !forwarded_trust_has(limits->config.trust, address)))
        return false;
    entry->connections++;
    return true;
}

void address_limits_disconnect(struct address_limits *limits, const char *address)
{
    struct entry *entry = limits && limits->config.connections ? find(limits, address) : NULL;
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
    struct entry *entry =
        rate && !forwarded_trust_has(limits->config.trust, address) ? use(limits, address) : NULL;
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
