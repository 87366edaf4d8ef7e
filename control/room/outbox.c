#include "control/room/outbox.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_IDS 4

struct outbox_entry {
    struct outbox *outbox;
    struct event_text event;
    outbox_done_fn done; /* NULL: a notification */
    void *context;
    uint64_t answer_ids[ANSWER_IDS]; /* of the last times it was sent; a late answer is as good */
    unsigned sent;
    unsigned tries; /* like sent, without what a broken connection swallowed */
    struct event *timer;
    TAILQ_ENTRY(outbox_entry) link;
};

void outbox_init(struct outbox *outbox, const struct outbox_config *config)
{
    *outbox = (struct outbox){.config = *config};
    TAILQ_INIT(&outbox->waiting);
    TAILQ_INIT(&outbox->unanswered);
}

static void entry_free(struct outbox_entry *entry)
{
    if (!entry)
        return;
    if (entry->timer)
        event_free(entry->timer);
    event_text_deinit(&entry->event);
    free(entry);
}

static void take_out(struct outbox *outbox, struct outbox_entry *entry)
{
    if (entry->tries > 0)
        TAILQ_REMOVE(&outbox->unanswered, entry, link);
    else
        TAILQ_REMOVE(&outbox->waiting, entry, link);
    if (!entry->done)
        outbox->waiting_bytes -= entry->event.length;
}

static void free_all(struct outbox *outbox)
{
    struct outbox_entry *entry;
    while ((entry = TAILQ_FIRST(&outbox->unanswered)) || (entry = TAILQ_FIRST(&outbox->waiting))) {
        take_out(outbox, entry);
        entry_free(entry);
    }
}

void outbox_deinit(struct outbox *outbox)
{
    free_all(outbox);
    outbox->link = (struct link){0};
}

bool outbox_is_attached(const struct outbox *outbox)
{
    return outbox->link.verbs != NULL;
}

static void send_text(struct outbox *outbox, const struct event_text *event, int64_t answer_id)
{
    if (event->text)
        outbox->link.verbs->send(outbox->link.context, event->text, event->length, answer_id);
}

static void transmit(struct outbox *outbox, struct outbox_entry *entry)
{
    uint64_t answer_id = (*outbox->config.next_answer_id)++;
    entry->answer_ids[entry->sent++ % ANSWER_IDS] = answer_id;
    send_text(outbox, &entry->event, (int64_t)answer_id);
    struct timeval timeout = {.tv_sec = outbox->config.timeout_ms / 1000,
                              .tv_usec = outbox->config.timeout_ms % 1000 * 1000};
    event_add(entry->timer, &timeout);
}

static void send_first(struct outbox *outbox, struct outbox_entry *entry)
{
    TAILQ_REMOVE(&outbox->waiting, entry, link);
    TAILQ_INSERT_TAIL(&outbox->unanswered, entry, link);
    entry->tries = 1;
    transmit(outbox, entry);
}

static void on_timeout(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct outbox_entry *entry = context;
    struct outbox *outbox = entry->outbox;
    if (entry->tries < outbox->config.tries) {
        entry->tries++;
        transmit(outbox, entry);
        return;
    }
    outbox_done_fn done = entry->done;
    void *done_context = entry->context;
    take_out(outbox, entry);
    entry_free(entry);
    done(done_context, false);
}

static void flush(struct outbox *outbox)
{
    struct outbox_entry *entry;
    while ((entry = TAILQ_FIRST(&outbox->waiting))) {
        if (entry->done) {
            send_first(outbox, entry);
        } else {
            send_text(outbox, &entry->event, LINK_NO_ANSWER);
            take_out(outbox, entry);
            entry_free(entry);
        }
    }
}

void outbox_attach(struct outbox *outbox, const struct link *link, const struct event_text *first_event)
{
    outbox->link = *link;
    send_text(outbox, first_event, LINK_NO_ANSWER);
    struct outbox_entry *entry;
    TAILQ_FOREACH(entry, &outbox->unanswered, link)
    transmit(outbox, entry);
    flush(outbox);
}

void outbox_detach(struct outbox *outbox)
{
    outbox->link = (struct link){0};
    struct outbox_entry *entry;
    TAILQ_FOREACH(entry, &outbox->unanswered, link)
    event_del(entry->timer);
}

void outbox_close(struct outbox *outbox)
{
    outbox_detach(outbox);
    outbox->closed = true;
}

/* Puts a copy or, for a request, the text itself at the end of what waits. */
static struct outbox_entry *append(struct outbox *outbox, struct event_text *event, outbox_done_fn done,
                                   void *context)
{
    struct outbox_entry *entry = calloc(1, sizeof(*entry));
    if (!entry)
        return NULL;
    *entry = (struct outbox_entry){.outbox = outbox, .done = done, .context = context};
    if (done) {
        entry->timer = event_new(outbox->config.base, -1, 0, on_timeout, entry);
        if (!entry->timer) {
            free(entry);
            return NULL;
        }
    }
    entry->event = *event;
    *event = (struct event_text){0};
    TAILQ_INSERT_TAIL(&outbox->waiting, entry, link);
    return entry;
}

static void keep(struct outbox *outbox, const struct event_text *event)
{
    if (outbox->closed || outbox->waiting_bytes + event->length > OUTBOX_WAITING_BYTES_MAX)
        return;
    struct event_text copy = {.text = malloc(event->length + 1), .length = event->length};
    if (!copy.text)
        return;
    memcpy(copy.text, event->text, event->length + 1);
    if (append(outbox, &copy, NULL, NULL))
        outbox->waiting_bytes += event->length;
    event_text_deinit(&copy);
}

void outbox_notify(struct outbox *outbox, const struct event_text *event)
{
    if (outbox_is_attached(outbox))
        send_text(outbox, event, LINK_NO_ANSWER);
    else if (event->text)
        keep(outbox, event);
}

void outbox_report(struct outbox *outbox, const struct event_text *event)
{
    if (!event->text)
        return;
    if (outbox_is_attached(outbox))
        outbox->link.verbs->report(outbox->link.context, event->text, event->length);
    else
        keep(outbox, event);
}

int outbox_request(struct outbox *outbox, struct event_text *event, outbox_done_fn done, void *context,
                   struct outbox_entry **ret_request)
{
    struct outbox_entry *entry = event->text ? append(outbox, event, done, context) : NULL;
    if (!entry) {
        event_text_deinit(event);
        return -ENOMEM;
    }
    *ret_request = entry;
    if (outbox_is_attached(outbox))
        send_first(outbox, entry);
    return 0;
}

bool outbox_cancel(struct outbox *outbox, struct outbox_entry *request)
{
    bool seen = request->tries > 0;
    take_out(outbox, request);
    entry_free(request);
    return seen;
}

static bool has_answer_id(const struct outbox_entry *entry, uint64_t answer_id)
{
    for (unsigned i = 0; i < entry->sent && i < ANSWER_IDS; i++)
        if (entry->answer_ids[i] == answer_id)
            return true;
    return false;
}

void outbox_answer(struct outbox *outbox, uint64_t answer_id, bool failed)
{
    struct outbox_entry *entry;
    TAILQ_FOREACH(entry, &outbox->unanswered, link)
    {
        if (has_answer_id(entry, answer_id)) {
            outbox_done_fn done = entry->done;
            void *context = entry->context;
            take_out(outbox, entry);
            entry_free(entry);
            done(context, !failed);
            return;
        }
    }
}
