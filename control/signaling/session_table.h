/* Sessions by their id, and by the handles of the gateway (websockets and hanging GETs) that are theirs now.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct session;

/* In a session: one handle that it may be found by. */
struct session_handle {
    uint64_t value; /* 0: none now */
    struct session *session;
};

TAILQ_HEAD(session_list, session);

struct session_table {
    void *by_sid;    /* tsearch(3) tree of struct session */
    void *by_handle; /* of struct session_handle */
    struct session_list all;
    size_t count;
    size_t limit;
};

void session_table_init(struct session_table *table, size_t limit);
/* Destroys all sessions. */
void session_table_deinit(struct session_table *table);

/* -ENOMEM, or -ENOSPC when the table is full. */
int session_table_add(struct session_table *table, struct session *session);
/* Removes and destroys it. */
void session_table_remove(struct session_table *table, struct session *session);

/* Moves from the handle that it stands for now to value (0: none). -ENOMEM: it stands for none then. */
int session_table_set(struct session_table *table, struct session_handle *handle, uint64_t value);

/* NULL for none. */
struct session *session_table_find_sid(const struct session_table *table, const char *sid);
struct session *session_table_find_handle(const struct session_table *table, uint64_t handle);
