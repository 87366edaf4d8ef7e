/* The numbers in the blocks of the statistics file by the names that JSON gives them, which are those of
 * mediasoup's getStats where it has them. Whoever prints a block walks its table: a new number is one line
 * there. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum statistics_field_type {
    STATISTICS_U8,
    STATISTICS_U8_FLAG,
    STATISTICS_U32,
    STATISTICS_U32_FLAG,
    STATISTICS_U32_MS,       /* microseconds, printed as milliseconds */
    STATISTICS_U32_KNOWN,    /* left out while it is 0 */
    STATISTICS_DBOV,         /* a uint32_t of loudness, printed as dBov: -127 to 0 */
    STATISTICS_LAYER_REASON, /* a uint8_t, printed by its name */
    STATISTICS_I8,
    STATISTICS_U64,
};

struct statistics_field {
    const char *name;
    uint16_t offset; /* in the block */
    uint16_t type;   /* enum statistics_field_type */
};

struct statistics_fields {
    const struct statistics_field *fields;
    size_t count;
};

extern const struct statistics_fields statistics_transport_fields; /* of struct statistics_transport */
extern const struct statistics_fields statistics_bandwidth_fields; /* more of it, an object of their own */
extern const struct statistics_fields statistics_stream_fields;    /* and so on */
extern const struct statistics_fields
    statistics_audio_fields; /* more of struct statistics_stream, of audio */
extern const struct statistics_fields statistics_consumer_fields;

/* The value of a number or flag. */
int64_t statistics_field_integer(const struct statistics_field *field, const void *block);

/* "unknown" for one of a later version. */
const char *statistics_layer_reason_name(int64_t reason);
