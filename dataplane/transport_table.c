#include "dataplane/transport_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/estimator.h"
#include "dataplane/row.h"
#include "dataplane/srtp_memory.h"
#include "dataplane/srtp_receive_pool.h"
#include "dataplane/zero_pages.h"
#include "shm/seqlock.h"

/* Those that are appended may be due a little before the last, whose turn is taken first all the same. */
static void queue_append(struct transport_table *table, struct transport *transport, uint64_t due_us)
{
    transport->due_us = due_us;
    transport->previous = table->last;
    transport->next = NULL;
    if (table->last)
        table->last->next = transport;
    else
        table->first = transport;
    table->last = transport;
}

static void queue_remove(struct transport_table *table, struct transport *transport)
{
    if (transport->previous)
        transport->previous->next = transport->next;
    else
        table->first = transport->next;
    if (transport->next)
        transport->next->previous = transport->previous;
    else
        table->last = transport->previous;
    transport->previous = transport->next = NULL;
}

/* What is read of untouched memory takes none. */
static struct demux_producer *empty_places(const struct transport_table *table, uint32_t index)
{
    struct demux_producer *places = &table->demuxes[(size_t)index * TRANSPORT_PRODUCERS_MAX];

    for (unsigned i = 0; i < TRANSPORT_PRODUCERS_MAX; i++) {
        if (places[i].producer != 0)
            memset(&places[i], 0, sizeof(places[i]));
    }
    return places;
}

static struct transport *link_row(struct transport_table *table, const struct shm_segment *segment,
                                  struct shm_transport_row *row, uint32_t index, uint64_t now_us)
{
    struct transport *transport = &table->transports[index];

    memset(transport, 0, sizeof(*transport));
    transport->handle = shm_handle_make(index, row->row.generation);
    transport->index = index;
    transport->row = row;
    if (row->has_twcc)
        transport->twcc = shm_segment_at(segment, SHM_SECTION_TWCC, index);
    transport->demux = empty_places(table, index);
    queue_append(table, transport, now_us + TRANSPORT_TURN_US);
    table->count++;
    return transport;
}

/* The epoch of the keys stays: what consumers say of indices is about it. */
static void forget_keys(struct shm_transport_row *row)
{
    seqlock_write_begin(&row->row.sequence);
    row->srtp.profile = 0;
    explicit_bzero(&row->srtp.receive, sizeof(row->srtp.receive));
    explicit_bzero(&row->srtp.send, sizeof(row->srtp.send));
    row->has_keys = 0;
    row->srtp_profile = 0;
    seqlock_write_end(&row->row.sequence);
}

static struct srtp_place place_of(const struct transport_table *table, const struct transport *transport)
{
    return (struct srtp_place){.state = &transport->row->srtp,
                               .pool = table->pool,
                               .memory = table->srtp_memory,
                               .owner = transport->handle};
}

/* Goes on with the keys in its row, if it can. */
static void attach_keys(struct transport_table *table, struct transport *transport)
{
    struct srtp_place place = place_of(table, transport);

    if (table->srtp->attach(&place, &transport->srtp) == 0)
        transport->key_epoch++;
    else
        forget_keys(transport->row);
}

static int create_pool(struct transport_table *table, const struct shm_segment *segment)
{
    uint32_t streams = shm_segment_srtp_streams(&segment->capacities);

    return srtp_receive_pool_create(
        shm_segment_at(segment, SHM_SECTION_SRTP_HEAD, table->worker),
        shm_segment_at(segment, SHM_SECTION_SRTP_RECEIVE, table->worker * streams), streams, &table->pool);
}

int transport_table_init(struct transport_table *table, const struct shm_segment *segment, uint32_t worker,
                         const struct srtp_backend *srtp, uint64_t now_us)
{
    *table =
        (struct transport_table){.capacity = segment->capacities.transports, .worker = worker, .srtp = srtp};
    table->transports = zero_pages_map(table->capacity * sizeof(*table->transports));
    table->estimators = calloc(table->capacity, sizeof(*table->estimators));
    table->demuxes = calloc((size_t)table->capacity * TRANSPORT_PRODUCERS_MAX, sizeof(*table->demuxes));
    if (!table->transports || !table->estimators || !table->demuxes || create_pool(table, segment) != 0 ||
        srtp_memory_create(table->capacity, &table->srtp_memory) != 0) {
        transport_table_deinit(table);
        return -ENOMEM;
    }
    for (uint32_t i = row_next_touched(segment, SHM_SECTION_TRANSPORT, 0); i < table->capacity;
         i = row_next_touched(segment, SHM_SECTION_TRANSPORT, i + 1)) {
        struct shm_transport_row *row = shm_segment_at(segment, SHM_SECTION_TRANSPORT, i);
        if (row_adopt(&row->row, sizeof(*row), worker)) {
            attach_keys(table, link_row(table, segment, row, i, now_us));
        }
    }
    srtp_receive_pool_sweep(table->pool);
    return 0;
}

void transport_table_deinit(struct transport_table *table)
{
    for (struct transport *transport = table->first; transport; transport = transport->next)
        table->srtp->destroy(transport->srtp);
    srtp_receive_pool_destroy(table->pool);
    srtp_memory_destroy(table->srtp_memory);
    free(table->demuxes);
    free(table->estimators);
    zero_pages_unmap(table->transports, table->capacity * sizeof(*table->transports));
    *table = (struct transport_table){0};
}

struct transport *transport_find(const struct transport_table *table, shm_handle handle)
{
    uint32_t index = shm_handle_index(handle);

    if (handle == SHM_HANDLE_NONE || index >= table->capacity)
        return NULL;
    return table->transports[index].handle == handle ? &table->transports[index] : NULL;
}

int transport_install(struct transport_table *table, const struct shm_segment *segment, shm_handle handle,
                      const struct shm_transport_row *initial, uint64_t now_us,
                      struct transport **ret_transport)
{
    uint32_t index = shm_handle_index(handle);
    struct shm_transport_row *row = shm_segment_at(segment, SHM_SECTION_TRANSPORT, index);

    if (!row || index >= table->capacity)
        return -ERANGE;
    int error = row_check_free(&row->row, handle);
    if (error != 0)
        return error;
    row_install(&row->row, &initial->row, sizeof(*row), handle, table->worker);
    *ret_transport = link_row(table, segment, row, index, now_us);
    return 0;
}

void transport_begin_twcc(struct transport *transport, const struct shm_segment *segment)
{
    struct twcc_feedback_state *twcc = shm_segment_at(segment, SHM_SECTION_TWCC, transport->index);

    memset(twcc, 0, sizeof(*twcc)); /* what another transport left there, or nothing */
    __atomic_signal_fence(__ATOMIC_RELEASE);
    transport->row->has_twcc = 1;
    transport->twcc = twcc;
}

void transport_table_busy(struct transport_table *table, struct transport *transport)
{
    if (transport->is_busy)
        return;
    transport->is_busy = true;
    transport->next_busy = table->busy;
    table->busy = transport;
}

static void leave_busy(struct transport_table *table, const struct transport *transport)
{
    struct transport **link = &table->busy;

    while (*link && *link != transport)
        link = &(*link)->next_busy;
    if (*link)
        *link = transport->next_busy;
}

void transport_remove(struct transport_table *table, struct transport *transport)
{
    table->srtp->retire(transport->srtp);
    queue_remove(table, transport);
    leave_busy(table, transport);
    row_remove(&transport->row->row, sizeof(*transport->row));
    memset(transport, 0, sizeof(*transport));
    table->count--;
}

void transport_set_credentials(struct transport *transport, const struct shm_ice_credentials *credentials)
{
    struct shm_transport_row *row = transport->row;

    seqlock_write_begin(&row->row.sequence);
    row->ice_previous = row->ice;
    row->ice = *credentials;
    row->is_nominated = 0;
    seqlock_write_end(&row->row.sequence);
}

void transport_select(struct transport *transport, const struct shm_address *remote, bool nominated,
                      uint64_t now_us)
{
    struct shm_transport_row *row = transport->row;

    seqlock_write_begin(&row->row.sequence);
    row->selected = *remote;
    row->has_selected = 1;
    row->has_consent = 1;
    row->consent_us = now_us;
    row->is_nominated = nominated;
    if (nominated)
        explicit_bzero(&row->ice_previous, sizeof(row->ice_previous));
    seqlock_write_end(&row->row.sequence);
}

int transport_set_keys(const struct transport_table *table, struct transport *transport,
                       enum srtp_profile profile, const uint8_t *receive_key, const uint8_t *send_key)
{
    struct shm_transport_row *row = transport->row;

    if (srtp_key_bytes(profile) == 0)
        return -EINVAL;
    table->srtp->retire(transport->srtp); /* the new session stands in the same place */
    transport->srtp = NULL;
    forget_keys(row);
    struct srtp_place place = place_of(table, transport);
    int error = table->srtp->create(profile, receive_key, send_key, &place, &transport->srtp);
    if (error != 0)
        return error;
    transport->key_epoch++;
    seqlock_write_begin(&row->row.sequence);
    row->srtp_profile = (uint8_t)profile;
    row->has_keys = 1;
    seqlock_write_end(&row->row.sequence);
    return 0;
}

struct transport *transport_take_turn(struct transport_table *table, uint64_t now_us)
{
    struct transport *transport = table->first;

    if (!transport || transport->due_us > now_us)
        return NULL;
    /* Turns that were slept past together stay apart when there is no time to sleep. */
    uint64_t from_us = now_us - transport->due_us <= 2 * TRANSPORT_SLACK_US ? transport->due_us : now_us;
    queue_remove(table, transport);
    queue_append(table, transport, from_us + TRANSPORT_TURN_US);
    transport->turns++;
    return transport;
}

uint64_t transport_latest_turn_us(const struct transport_table *table)
{
    return table->first ? table->first->due_us + TRANSPORT_SLACK_US : UINT64_MAX;
}
