#include "control/room/event.h"

#include <stdlib.h>
#include <string.h>

static struct event_text encode(const char *name, const char *method, json_t *data)
{
    struct event_text event = {0};
    json_t *body = json_pack("{s:s}", "method", method);
    if (data)
        json_object_set_new(body, "data", data);
    json_t *array = json_pack("[s,o]", name, body);
    event.text = array ? json_dumps(array, JSON_COMPACT) : NULL;
    event.length = event.text ? strlen(event.text) : 0;
    json_decref(array);
    return event;
}

struct event_text event_notification(const char *method, json_t *data)
{
    return encode("notification", method, data);
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
