#include "control/gateway/loop.h"

#include <ev.h>
#include <libwebsockets.h>
#include <stdlib.h>

#define TICK_S 0.05

struct loop {
    struct ev_loop *ev;
    void *foreign[1];
    struct lws_context *context;
    ev_timer tick;
};

/* libwebsockets 4.1.6 moves its one timer of libev only once that has fired, so that a timeout which is due
 * before it would be late by as much. Whenever it was woken it looks at its timeouts anyway. */
static void on_tick(struct ev_loop *ev, ev_timer *tick, int what)
{
    struct loop *loop = tick->data;

    (void)ev;
    (void)what;
    lws_cancel_service(loop->context);
}

struct loop *loop_create(void)
{
    struct loop *loop = calloc(1, sizeof(*loop));

    if (!loop)
        return NULL;
    loop->ev = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
    if (!loop->ev) {
        free(loop);
        return NULL;
    }
    loop->foreign[0] = loop->ev;
    return loop;
}

void loop_destroy(struct loop *loop)
{
    if (!loop)
        return;
    ev_loop_destroy(loop->ev);
    free(loop);
}

void loop_offer(struct loop *loop, struct lws_context_creation_info *info)
{
    info->options |= LWS_SERVER_OPTION_LIBEV;
    info->foreign_loops = loop->foreign;
}

void loop_begin(struct loop *loop, struct lws_context *context)
{
    loop->context = context;
    ev_init(&loop->tick, on_tick);
    loop->tick.data = loop;
    loop->tick.repeat = TICK_S;
    ev_timer_again(loop->ev, &loop->tick);
}

void loop_run_once(struct loop *loop)
{
    ev_run(loop->ev, EVRUN_ONCE);
}
