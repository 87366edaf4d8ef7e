#include "dataplane/punt.h"

#include <string.h>

#include "dataplane/worker.h"
#include "shm/siphash.h"
#include "shm/ufrag.h"

void punt_quota_init(struct punt_quota *quota, uint32_t seed)
{
    memset(quota, 0, sizeof(*quota));
    quota->seed = seed;
}

bool token_bucket_take(struct token_bucket *bucket, uint32_t tokens, uint32_t rate, uint32_t burst,
                       uint64_t now_us)
{
    if (bucket->refilled_us == 0) {
        bucket->tokens = burst;
        bucket->refilled_us = now_us;
    }
    uint64_t earned = (now_us - bucket->refilled_us) * rate / 1000000;
    if (earned > 0) {
        bucket->tokens = earned >= burst - bucket->tokens ? burst : bucket->tokens + (uint32_t)earned;
        bucket->refilled_us += earned * 1000000 / rate;
    }
    if (bucket->tokens < tokens)
        return false;
    bucket->tokens -= tokens;
    return true;
}

static bool is_ipv4(const struct shm_address *address)
{
    static const uint8_t v4_mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return memcmp(address->ip, v4_mapped, sizeof(v4_mapped)) == 0;
}

/* FNV-1a over the part of the address that one customer has. */
static struct token_bucket *source_bucket(struct punt_quota *quota, const struct shm_address *remote)
{
    size_t bytes = is_ipv4(remote) ? 16 : 8;
    uint32_t hash = 2166136261u ^ quota->seed;

    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ remote->ip[i]) * 16777619u;
    hash ^= hash >> 15;
    return &quota->sources[hash % PUNT_SOURCES];
}

static bool take_of_source(struct worker *worker, const struct shm_address *remote)
{
    return token_bucket_take(source_bucket(&worker->quota, remote), 1, PUNT_SOURCE_RATE, PUNT_SOURCE_BURST,
                             worker->now_us);
}

bool punt_may_hand_over(struct worker *worker, const char *ufrag)
{
    uint64_t name = siphash(worker->segment->secret, ufrag, UFRAG_CHARACTERS);

    return token_bucket_take(&worker->quota.names[name % PUNT_NAMES], 1, PUNT_NAME_RATE, PUNT_NAME_BURST,
                             worker->now_us) &&
           token_bucket_take(&worker->quota.handed_over, 1, PUNT_HAND_OVER_RATE, PUNT_HAND_OVER_RATE,
                             worker->now_us);
}

void punt(struct worker *worker, struct transport *transport, const struct port_packet *packet,
          enum shm_datagram_class datagram_class)
{
    bool granted = transport ? token_bucket_take(&transport->punts, 1, PUNT_TRANSPORT_RATE,
                                                 PUNT_TRANSPORT_BURST, worker->now_us)
                             : take_of_source(worker, &packet->remote);
    if (!granted) {
        worker_drop(worker, datagram_class == SHM_DATAGRAM_STUN ? DROP_stun_quota : DROP_dtls_quota);
        return;
    }
    bool has_room = transport || ring_has_free(&worker->punts, worker->punts.capacity / 4);
    struct shm_datagram *datagram =
        has_room ? ring_reserve(&worker->punts, sizeof(*datagram) + packet->length) : NULL;
    if (!datagram) {
        worker_drop(worker, DROP_punt_ring_full);
        return;
    }
    *datagram = (struct shm_datagram){
        .remote = packet->remote,
        .transport = transport ? transport->handle : SHM_HANDLE_NONE,
        .length = packet->length,
        .datagram_class = datagram_class,
        .received_us = worker->now_us,
    };
    memcpy(datagram + 1, packet->data, packet->length);
    ring_commit(&worker->punts, sizeof(*datagram) + packet->length);
    worker->totals.punted++;
    worker->told_control = true;
}

static void inject_one(struct worker *worker, const void *record, uint32_t record_bytes)
{
    struct shm_datagram datagram;

    if (record_bytes < sizeof(datagram)) {
        worker_drop(worker, DROP_inject_malformed);
        return;
    }
    memcpy(&datagram, record, sizeof(datagram));
    if (datagram.length == 0 || datagram.length > PORT_BUFFER_BYTES ||
        datagram.length > record_bytes - sizeof(datagram) || datagram.remote.port == 0) {
        worker_drop(worker, DROP_inject_malformed);
        return;
    }
    uint8_t *buffer = egress_begin_clear(worker);
    memcpy(buffer, (const uint8_t *)record + sizeof(datagram), datagram.length);
    egress_commit_clear(worker, buffer, datagram.length, &datagram.remote);
    worker->totals.injected++;
}

uint32_t inject(struct worker *worker)
{
    uint32_t count = 0;
    uint32_t record_bytes;
    const void *record;

    while (count < PORT_BATCH && (record = ring_peek(&worker->injects, &record_bytes))) {
        inject_one(worker, record, record_bytes);
        ring_release(&worker->injects);
        count++;
    }
    return count;
}
