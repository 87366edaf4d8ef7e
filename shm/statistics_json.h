/* Statistics as JSON of jansson, for those who link it: the segment itself knows of no library. */
#pragma once

#include <jansson.h>

#include "shm/address.h"
#include "shm/statistics.h"
#include "shm/statistics_fields.h"

/* {remoteIp, remotePort, protocol}, or null without a remote address. */
static inline json_t *statistics_json_remote(const struct statistics_transport *transport)
{
    char ip[SHM_ADDRESS_TEXT_BYTES];

    if (transport->remote_port == 0)
        return json_null();
    return json_pack("{s:s,s:i,s:s}", "remoteIp", shm_address_text(transport->remote_ip, ip), "remotePort",
                     (int)transport->remote_port, "protocol",
                     transport->protocol == SHM_PROTOCOL_TCP ? "tcp" : "udp");
}

/* NULL for what is not known. */
static inline json_t *statistics_json_value(const struct statistics_field *field, const void *block)
{
    int64_t value = statistics_field_integer(field, block);

    switch ((enum statistics_field_type)field->type) {
    case STATISTICS_U8_FLAG:
    case STATISTICS_U32_FLAG:
        return json_boolean(value != 0);
    case STATISTICS_U32_MS:
        return json_real((double)value / 1000);
    case STATISTICS_U32_KNOWN:
        return value != 0 ? json_integer(value) : NULL;
    case STATISTICS_LAYER_REASON:
        return json_string(statistics_layer_reason_name(value));
    case STATISTICS_U8:
    case STATISTICS_U32:
    case STATISTICS_DBOV:
    case STATISTICS_I8:
    case STATISTICS_U64:
        break;
    }
    return json_integer(value);
}

/* Adds those fields of a block that are known. */
static inline void statistics_json_add(json_t *object, const struct statistics_fields *fields,
                                       const void *block)
{
    for (size_t i = 0; i < fields->count; i++)
        json_object_set_new(object, fields->fields[i].name, statistics_json_value(&fields->fields[i], block));
}

/* What a later version counts may have no name here. */
static inline const char *statistics_json_name(const char *known)
{
    return known ? known : "unknown";
}
