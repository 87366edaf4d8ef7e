#include "control/webhook/curl_loop.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

struct curl_loop {
    struct event_base *base;
    curl_loop_done_fn done;
    CURLM *multi;
    struct event *timer;
};

/* One file descriptor that libcurl wants to be watched. */
struct watch {
    struct curl_loop *loop;
    struct event *event;
};

static void take_results(struct curl_loop *loop)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(loop->multi, &left))) {
        if (message->msg == CURLMSG_DONE)
            loop->done(message->easy_handle, message->data.result);
    }
}

static void on_socket(evutil_socket_t fd, short what, void *context)
{
    struct watch *watch = context;
    struct curl_loop *loop = watch->loop;
    int action = (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);
    int running;
    curl_multi_socket_action(loop->multi, fd, action, &running);
    take_results(loop);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct curl_loop *loop = context;
    int running;
    curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    take_results(loop);
}

static void watch_free(struct watch *watch)
{
    if (watch->event)
        event_free(watch->event);
    free(watch);
}

/* libcurl: watch fd for this from now on. */
static int on_watch(CURL *easy, curl_socket_t fd, int what, void *context, void *socket_context)
{
    (void)easy;
    struct curl_loop *loop = context;
    struct watch *watch = socket_context;
    if (what == CURL_POLL_REMOVE) {
        if (watch)
            watch_free(watch);
        curl_multi_assign(loop->multi, fd, NULL);
        return 0;
    }
    if (!watch) {
        watch = calloc(1, sizeof(*watch));
        if (!watch)
            return -1;
        watch->loop = loop;
        curl_multi_assign(loop->multi, fd, watch);
    }
    if (watch->event)
        event_free(watch->event);
    short events = (short)((what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0));
    watch->event = event_new(loop->base, fd, (short)(events | EV_PERSIST), on_socket, watch);
    return watch->event && event_add(watch->event, NULL) == 0 ? 0 : -1;
}

/* libcurl: wake me then. */
static int on_set_timer(CURLM *multi, long delay_ms, void *context)
{
    (void)multi;
    struct curl_loop *loop = context;
    struct timeval delay = {.tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000};
    if (delay_ms < 0)
        event_del(loop->timer);
    else
        event_add(loop->timer, &delay);
    return 0;
}

int curl_loop_create(struct event_base *base, curl_loop_done_fn done, struct curl_loop **ret_loop)
{
    struct curl_loop *loop = calloc(1, sizeof(*loop));
    if (!loop)
        return -ENOMEM;
    *loop = (struct curl_loop){.base = base, .done = done, .multi = curl_multi_init()};
    loop->timer = event_new(base, -1, 0, on_timer, loop);
    if (!loop->multi || !loop->timer) {
        curl_loop_destroy(loop);
        return -ENOMEM;
    }
    curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, on_watch);
    curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
    curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, on_set_timer);
    curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
    *ret_loop = loop;
    return 0;
}

void curl_loop_destroy(struct curl_loop *loop)
{
    if (!loop)
        return;
    /* Its callbacks end the watches of kept connections. */
    curl_multi_cleanup(loop->multi);
    if (loop->timer)
        event_free(loop->timer);
    free(loop);
}

int curl_loop_add(struct curl_loop *loop, CURL *easy)
{
    return curl_multi_add_handle(loop->multi, easy) == CURLM_OK ? 0 : -ENOMEM;
}

void curl_loop_remove(struct curl_loop *loop, CURL *easy)
{
    curl_multi_remove_handle(loop->multi, easy);
}
