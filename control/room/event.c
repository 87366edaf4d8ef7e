#include "control/room/event.h"

#include <stdlib.h>
#include <string.h>

struct event_text event_text_dump(json_t *value)
{
    struct event_text event = {.text = value ? json_dumps(value, JSON_COMPACT) : NULL};
    event.length = event.text ? strlen(event.text) : 0;
    json_decref(value);
    return event;
}

struct event_text event_text_join(const char *const *parts)
{
    struct event_text event = {0};
    size_t length = 0;
    for (size_t i = 0; parts[i]; i++)
        length += strlen(parts[i]);
    event.text = malloc(length + 1);
    if (!event.text)
        return event;
    for (size_t i = 0; parts[i]; i++) {
        size_t part_length = strlen(parts[i]);
        memcpy(event.text + event.length, parts[i], part_length);
        event.length += part_length;
    }
    event.text[event.length] = '\0';
    return event;
}

static struct event_text encode(const char *name, const char *method, json_t *data)
{
    json_t *body = json_pack("{s:s}", "method", method);
    if (data)
        json_object_set_new(body, "data", data);
    return event_text_dump(json_pack("[s,o]", name, body));
}

struct event_text event_notification(const char *method, json_t *data)
{
    return encode("notification", method, data);
}

struct event_text event_notification_of(const char *method, const struct event_text *data)
{
    if (!data->text)
        return (struct event_text){0};
    return event_text_join((const char *const[]){"[\"notification\",{\"method\":\"", method,
                                                 "\",\"data\":", data->text, "}]", NULL});
}

struct event_text event_request(const char *method, json_t *data)
{
    return encode("request", method, data);
}

void event_text_deinit(struct event_text *event)
{
    free(event->text);
    *event = (struct event_text){0};
}
