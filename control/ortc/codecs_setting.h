/* The codecs setting (router.h has its syntax), read into codecs without payload types. */
#pragma once

#include "control/ortc/codec.h"

struct codecs_setting_entry {
    struct ortc_codec codec;    /* payload_type only where RFC 3551 fixes it; owned by the entry */
    bool parameters_come_first; /* before rtcpFeedback in the capabilities' JSON */
};

/* Reads at most max_entries. -EINVAL with one clear line in ret_error, -ENOMEM; nothing is left to free then.
 */
int codecs_setting_parse(const char *setting, struct codecs_setting_entry *ret_entries, size_t max_entries,
                         size_t *ret_count, char *ret_error, size_t error_bytes);
