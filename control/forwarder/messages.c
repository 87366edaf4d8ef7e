#include "control/forwarder/messages.h"

/* ORTC's enums are numbered as the schema's, so that they can be copied. */
_Static_assert((int)ORTC_CODEC_OTHER_VIDEO == (int)KM__CODEC__OTHER_VIDEO, "codecs");
_Static_assert((int)ORTC_SVC == (int)KM__CONSUMER_TYPE__SVC, "types");
_Static_assert((int)MEDIA_VIDEO == (int)KM__MEDIA_KIND__VIDEO, "kinds");
_Static_assert((int)ORTC_EXT_DEPENDENCY_DESCRIPTOR == (int)KM__HEADER_EXTENSION__URI__DEPENDENCY_DESCRIPTOR,
               "header extensions");

static void set_feedback(const struct ortc_feedback *feedback, struct message_storage *storage)
{
    km__feedback__init(&storage->feedback);
    storage->feedback.nack = feedback->nack;
    storage->feedback.pli = feedback->pli;
    storage->feedback.fir = feedback->fir;
    storage->feedback.transport_cc = feedback->transport_cc;
    storage->feedback.goog_remb = feedback->goog_remb;
}

static size_t set_extensions(const struct ortc_extension_ids *ids, struct message_storage *storage)
{
    size_t count = 0;
    for (int uri = 1; uri < ORTC_EXT_COUNT; uri++) {
        if (ids->id[uri] == 0)
            continue;
        Km__HeaderExtension *extension = &storage->extensions[count];
        km__header_extension__init(extension);
        extension->uri = (Km__HeaderExtension__Uri)uri;
        extension->id = ids->id[uri];
        storage->extension_list[count++] = extension;
    }
    return count;
}

static void set_payload_types(const struct ortc_producer *producer, struct message_storage *storage)
{
    for (size_t i = 0; i < producer->payload_type_count; i++) {
        const struct ortc_payload_type *from = &producer->payload_types[i];
        Km__PayloadType *to = &storage->payload_types[i];
        km__payload_type__init(to);
        to->codec = (Km__Codec)from->codec;
        to->clock_rate = from->clock_rate;
        to->payload_type = from->payload_type;
        to->rtx_payload_type = from->rtx_payload_type;
        to->router_payload_type = from->router_payload_type;
        to->router_rtx_payload_type = from->router_rtx_payload_type;
        to->in_band_fec = from->in_band_fec;
        storage->payload_type_list[i] = to;
    }
}

static void set_encodings(const struct ortc_producer *producer, const uint64_t *streams,
                          struct message_storage *storage)
{
    for (size_t i = 0; i < producer->encoding_count; i++) {
        const struct ortc_encoding *from = &producer->encodings[i];
        Km__Encoding *to = &storage->encodings[i];
        km__encoding__init(to);
        to->stream = streams[i];
        to->ssrc = from->ssrc;
        to->rtx_ssrc = from->rtx_ssrc;
        to->rid = (char *)from->rid;
        to->dtx = from->dtx;
        to->max_bitrate_bps = from->max_bitrate_bps;
        to->spatial_layers = from->spatial_layers;
        to->temporal_layers = from->temporal_layers;
        storage->encoding_list[i] = to;
    }
}

void message_of_producer(const struct ortc_producer *producer, const uint64_t *streams,
                         struct message_storage *storage, Km__InstallProducer *ret_message)
{
    km__install_producer__init(ret_message);
    set_feedback(&producer->feedback, storage);
    set_payload_types(producer, storage);
    set_encodings(producer, streams, storage);
    ret_message->kind = (Km__MediaKind)producer->kind;
    ret_message->type = (Km__ConsumerType)producer->type;
    ret_message->mid = (char *)producer->mid;
    ret_message->cname = (char *)producer->cname;
    ret_message->n_payload_types = producer->payload_type_count;
    ret_message->payload_types = storage->payload_type_list;
    ret_message->n_encodings = producer->encoding_count;
    ret_message->encodings = storage->encoding_list;
    ret_message->n_header_extensions = set_extensions(&producer->extensions, storage);
    ret_message->header_extensions = storage->extension_list;
    ret_message->feedback = &storage->feedback;
}

void message_of_consumer(const struct ortc_consumer *consumer, struct message_storage *storage,
                         Km__InstallConsumer *ret_message)
{
    km__install_consumer__init(ret_message);
    set_feedback(&consumer->feedback, storage);
    ret_message->ssrc = consumer->ssrc;
    ret_message->rtx_ssrc = consumer->rtx_ssrc;
    ret_message->mid = (char *)consumer->mid;
    ret_message->n_header_extensions = set_extensions(&consumer->extensions, storage);
    ret_message->header_extensions = storage->extension_list;
    ret_message->feedback = &storage->feedback;
}
