/* Text of an event for clients: written once, sent to many. */
#pragma once

#include <jansson.h>
#include <stddef.h>

struct event_text {
    char *text; /* allocated; NULL when out of memory, which senders skip */
    size_t length;
};

/* ["notification",{"method":method,"data":data}]. Steals data; NULL leaves the key out. */
struct event_text event_notification(const char *method, json_t *data);
/* ["request",{"method":method,"data":data}]. Steals data. */
struct event_text event_request(const char *method, json_t *data);
void event_text_deinit(struct event_text *event);
