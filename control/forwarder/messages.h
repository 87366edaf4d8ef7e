/* ORTC's producers and consumers as the messages that install them. Strings and lists are borrowed from the
 * ORTC struct and from storage, which must outlive the message. */
#pragma once

#include "control/ortc/consume.h"
#include "control/ortc/produce.h"
#include "proto/schema/forwarder.pb-c.h"

struct message_storage {
    Km__Feedback feedback;
    Km__PayloadType payload_types[ORTC_MAX_CODECS];
    Km__PayloadType *payload_type_list[ORTC_MAX_CODECS];
    Km__Encoding encodings[ORTC_MAX_ENCODINGS];
    Km__Encoding *encoding_list[ORTC_MAX_ENCODINGS];
    Km__HeaderExtension extensions[ORTC_EXT_COUNT];
    Km__HeaderExtension *extension_list[ORTC_EXT_COUNT];
};

/* streams: a handle an encoding. */
void message_of_producer(const struct ortc_producer *producer, const uint64_t *streams,
                         struct message_storage *storage, Km__InstallProducer *ret_message);
void message_of_consumer(const struct ortc_consumer *consumer, struct message_storage *storage,
                         Km__InstallConsumer *ret_message);
