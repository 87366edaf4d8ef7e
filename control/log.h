/* Logging of the daemon: one line an event, to stderr.
 *
 *   2026-11-22T17:04:13.123Z WARN gateway: text
 *
 * Everything but printable ASCII and UTF-8 sequences is escaped (\n, \x1b, …), so that no nickname can forge
 * a line or drive a terminal. A line is written by one write(2), at most LOG_LINE_MAX bytes of it, so that
 * lines of several threads never mix. Secrets are never passed to these functions. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_LINE_MAX 2048

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* The subsystems that lines come from; the last three are of the forwarder (shm/log_levels.h). A line with
 * another tag follows log_set_level. */
#define LOG_TAGS(X)                                                                                          \
    X("daemon")                                                                                              \
    X("gateway")                                                                                             \
    X("api")                                                                                                 \
    X("signaling")                                                                                           \
    X("room")                                                                                                \
    X("webhook")                                                                                             \
    X("forwarder")                                                                                           \
    X("ice")                                                                                                 \
    X("dtls")                                                                                                \
    X("plain")                                                                                               \
    X("console")                                                                                             \
    X("worker")                                                                                              \
    X("drops")                                                                                               \
    X("handover")

/* The default is LOG_LEVEL_INFO. Any thread, any time; so are the functions for tags. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

/* A tag's own level, whatever log_set_level says; LOG_LEVEL_ERROR switches it off but for errors. -ENOENT for
 * a tag that is not in LOG_TAGS. */
int log_set_tag_level(const char *tag, enum log_level level);
/* The tag follows log_set_level again, as at the start. -ENOENT. */
int log_reset_tag_level(const char *tag);
/* 0 and the tag's own level, -ENODATA when it follows log_set_level, -ENOENT. */
int log_get_tag_level(const char *tag, enum log_level *ret_level);
/* The tags of LOG_TAGS; NULL beyond the last. */
const char *log_tag_name(size_t index);

/* Sends the lines to this descriptor, which stays the caller's. The default is 2. */
void log_set_descriptor(int descriptor);

/* `error`, `warn`, `info` or `debug` in any case. -EINVAL for anything else. */
int log_level_parse(const char *name, enum log_level *ret_level);
/* In lower case. */
const char *log_level_name(enum log_level level);

bool log_enabled(const char *tag, enum log_level level);

void log_error(const char *tag, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_warn(const char *tag, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_info(const char *tag, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_debug(const char *tag, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What a call site of log_every_s remembers. */
struct log_limit {
    _Atomic int64_t next_us;
    _Atomic uint32_t suppressed;
};

/* True if the call site may log now; *ret_suppressed is then how often it was silent since it last did. */
bool log_limit_pass(struct log_limit *limit, unsigned interval_s, unsigned *ret_suppressed);

/* log_every_s(10, log_warn, "ice", "no room for %u", n): this call site logs at most once in 10 s; the number
 * of suppressed lines is added to the next one. The format is a literal. */
#define log_every_s(interval_s, log_function, tag, format, ...)                                              \
    do {                                                                                                     \
        static struct log_limit log_limit_here;                                                              \
        unsigned log_suppressed_here;                                                                        \
        if (!log_limit_pass(&log_limit_here, (interval_s), &log_suppressed_here))                            \
            break;                                                                                           \
        if (log_suppressed_here)                                                                             \
            log_function((tag), format " (and %u more)", ##__VA_ARGS__, log_suppressed_here);                \
        else                                                                                                 \
            log_function((tag), format, ##__VA_ARGS__);                                                      \
    } while (0)
