/* The forwarder's log: one line an event, to stderr, as control writes its own (control/log.h). Of the main
 * thread only: workers count, and log_watch.h says what they counted. */
#pragma once

#include "shm/log_levels.h"

/* Until then errors only. The word is looked at with each line. NULL: errors only again. */
void log_follow(const _Atomic uint32_t *levels);

bool log_wants(enum shm_log_tag tag, enum shm_log_level level);
void log_say(enum shm_log_tag tag, enum shm_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
