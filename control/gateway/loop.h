/* What the gateway thread waits with: libwebsockets' own loop asks the kernel about every socket each time, and
 * a turn of a thousand idle connections costs more than what is to be done for one. libev asks only for what
 * is ready (epoll). */
#pragma once

struct loop;
struct lws_context;
struct lws_context_creation_info;

/* NULL if there is no memory. */
struct loop *loop_create(void);
/* After the context that uses it. NULL is fine. */
void loop_destroy(struct loop *loop);

/* Says to the context to be created that this is its loop. Debian has what it needs for that in a package of
 * its own; without it no context is created. */
void loop_offer(struct loop *loop, struct lws_context_creation_info *info);

/* Waits for events of that context, and deals with them. `context` is the one created. */
void loop_begin(struct loop *loop, struct lws_context *context);
void loop_run_once(struct loop *loop);
