#include "control/gateway/mailbox.h"

#include <stdlib.h>

static void append_event(struct mailbox_events *events, struct mailbox_event *event)
{
    event->next = NULL;
    if (events->last)
        events->last->next = event;
    else
        events->first = event;
    events->last = event;
}

void mailbox_init(struct mailbox *mailbox)
{
    *mailbox = (struct mailbox){0};
    pthread_mutex_init(&mailbox->mutex, NULL);
}

static void free_events(struct mailbox_event *event)
{
    while (event) {
        struct mailbox_event *next = event->next;

        mailbox_event_free(event);
        event = next;
    }
}

void mailbox_deinit(struct mailbox *mailbox)
{
    free_events(mailbox->events.first);
    free_events(mailbox->done.first);
    for (struct mailbox_command *command = mailbox->commands.first; command;) {
        struct mailbox_command *next = command->next;

        mailbox_command_free(command);
        command = next;
    }
    pthread_mutex_destroy(&mailbox->mutex);
}

bool mailbox_post_event(struct mailbox *mailbox, struct mailbox_event *event)
{
    pthread_mutex_lock(&mailbox->mutex);
    bool was_empty = !mailbox->events.first;
    append_event(&mailbox->events, event);
    pthread_mutex_unlock(&mailbox->mutex);
    return was_empty;
}

struct mailbox_event *mailbox_take_events(struct mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->mutex);
    struct mailbox_event *first = mailbox->events.first;
    mailbox->events = (struct mailbox_events){0};
    pthread_mutex_unlock(&mailbox->mutex);
    return first;
}

void mailbox_append_command(struct mailbox_commands *commands, struct mailbox_command *command)
{
    command->next = NULL;
    if (commands->last)
        commands->last->next = command;
    else
        commands->first = command;
    commands->last = command;
    commands->count++;
}

bool mailbox_post_command(struct mailbox *mailbox, struct mailbox_command *command)
{
    struct mailbox_commands commands = {0};

    mailbox_append_command(&commands, command);
    return mailbox_post_commands(mailbox, &commands);
}

bool mailbox_post_commands(struct mailbox *mailbox, const struct mailbox_commands *commands)
{
    pthread_mutex_lock(&mailbox->mutex);
    bool was_empty = !mailbox->commands.first && !mailbox->done.first;
    if (mailbox->commands.last)
        mailbox->commands.last->next = commands->first;
    else
        mailbox->commands.first = commands->first;
    mailbox->commands.last = commands->last;
    mailbox->commands.count += commands->count;
    pthread_mutex_unlock(&mailbox->mutex);
    return was_empty;
}

bool mailbox_post_done(struct mailbox *mailbox, struct mailbox_events *done)
{
    pthread_mutex_lock(&mailbox->mutex);
    bool was_empty = !mailbox->commands.first && !mailbox->done.first;
    if (mailbox->done.last)
        mailbox->done.last->next = done->first;
    else
        mailbox->done.first = done->first;
    mailbox->done.last = done->last;
    pthread_mutex_unlock(&mailbox->mutex);
    return was_empty;
}

void mailbox_take_commands(struct mailbox *mailbox, struct mailbox_commands *ret_commands,
                           struct mailbox_events *ret_done, bool *ret_stopping)
{
    pthread_mutex_lock(&mailbox->mutex);
    *ret_commands = mailbox->commands;
    *ret_done = mailbox->done;
    *ret_stopping = mailbox->stopping;
    mailbox->commands = (struct mailbox_commands){0};
    mailbox->done = (struct mailbox_events){0};
    pthread_mutex_unlock(&mailbox->mutex);
}

void mailbox_stop(struct mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->mutex);
    mailbox->stopping = true;
    pthread_mutex_unlock(&mailbox->mutex);
}

void mailbox_event_free(struct mailbox_event *event)
{
    free(event->head);
    free(event->body);
    free(event);
}

void mailbox_command_free(struct mailbox_command *command)
{
    free(command->content_type);
    free(command->fields);
    output_block_free(command->body);
    certificate_destroy(command->certificate);
    free(command);
}
