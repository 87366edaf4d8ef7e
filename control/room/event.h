/* Text of an event for clients: written once, sent to many. Also of other JSON that is kept or put together.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

struct event_text {
    char *text; /* allocated; NULL when out of memory, which senders skip */
    size_t length;
};

/* ["notification",{"method":method,"data":data}]. Steals data; NULL leaves the key out. */
struct event_text event_notification(const char *method, json_t *data);
/* The same with data that is JSON already; none if that has no text. */
struct event_text event_notification_of(const char *method, const struct event_text *data);
/* ["request",{"method":method,"data":data}]. Steals data. */
struct event_text event_request(const char *method, json_t *data);
/* JSON, compact; steals value, which may be NULL: no text. */
struct event_text event_text_dump(json_t *value);
/* The parts one after another, of which the last is NULL. */
struct event_text event_text_join(const char *const *parts);
void event_text_deinit(struct event_text *event);
