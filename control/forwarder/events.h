/* What a worker says (Event in proto/schema/forwarder.proto), handed on to the forwarder's handler. Handles
 * that are stale by now are dropped. */
#pragma once

#include <stdint.h>

#include "proto/schema/forwarder.pb-c.h"

/* context is the struct forwarder. */
void events_take(void *context, uint32_t worker, const Km__Event *event);
