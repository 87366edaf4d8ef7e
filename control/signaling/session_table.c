#include "control/signaling/session_table.h"

#include <errno.h>
#include <search.h>
#include <string.h>

#include "control/signaling/session_private.h"

static int compare_sids(const void *a, const void *b)
{
    return strcmp(((const struct session *)a)->sid, ((const struct session *)b)->sid);
}

static int compare_handles(const void *a, const void *b)
{
    uint64_t left = ((const struct session_handle *)a)->value,
             right = ((const struct session_handle *)b)->value;
    return (left > right) - (left < right);
}

void session_table_init(struct session_table *table, size_t limit)
{
    *table = (struct session_table){.limit = limit};
    TAILQ_INIT(&table->all);
}

void session_table_deinit(struct session_table *table)
{
    struct session *session;
    while ((session = TAILQ_FIRST(&table->all)))
        session_table_remove(table, session);
}

int session_table_add(struct session_table *table, struct session *session)
{
    if (table->count >= table->limit)
        return -ENOSPC;
    if (!tsearch(session, &table->by_sid, compare_sids))
        return -ENOMEM;
    TAILQ_INSERT_TAIL(&table->all, session, link);
    table->count++;
    return 0;
}

void session_table_remove(struct session_table *table, struct session *session)
{
    session_table_set(table, &session->websocket, 0);
    session_table_set(table, &session->polling.get, 0);
    tdelete(session, &table->by_sid, compare_sids);
    TAILQ_REMOVE(&table->all, session, link);
    table->count--;
    session_destroy(session);
}

int session_table_set(struct session_table *table, struct session_handle *handle, uint64_t value)
{
    if (handle->value)
        tdelete(handle, &table->by_handle, compare_handles);
    handle->value = value;
    if (value && !tsearch(handle, &table->by_handle, compare_handles)) {
        handle->value = 0;
        return -ENOMEM;
    }
    return 0;
}

struct session *session_table_find_sid(const struct session_table *table, const char *sid)
{
    struct session key = {0};
    memcpy(key.sid, sid, strnlen(sid, sizeof(key.sid) - 1));
    struct session *const *found = tfind(&key, &table->by_sid, compare_sids);
    return found ? *found : NULL;
}

struct session *session_table_find_handle(const struct session_table *table, uint64_t handle)
{
    struct session_handle key = {.value = handle};
    struct session_handle *const *found = tfind(&key, &table->by_handle, compare_handles);
    return found ? (*found)->session : NULL;
}
