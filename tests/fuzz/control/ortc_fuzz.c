/* A client's JSON against every entry point that takes it: produce of both kinds, capabilities, DTLS
 * parameters; and when the input has both, {produced, capabilities}, a consumer made of the two. The CODECS
 * setting is fed with the same bytes. Whatever is accepted must keep the promises of its header. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "control/ortc/consume.h"
#include "control/ortc/dtls_parameters.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_producer(const struct ortc_producer *producer)
{
    require(producer->payload_type_count >= 1 && producer->payload_type_count <= ORTC_MAX_CODECS);
    require(producer->encoding_count >= 1 && producer->encoding_count <= ORTC_MAX_ENCODINGS);
    require(producer->cname[0] != '\0');
    for (size_t i = 0; i < producer->payload_type_count; i++)
        require(producer->payload_types[i].payload_type < 128 &&
                producer->payload_types[i].router_payload_type < 128);
    for (size_t i = 0; i < producer->encoding_count; i++)
        require(producer->encodings[i].spatial_layers >= 1 && producer->encodings[i].temporal_layers >= 1 &&
                producer->encodings[i].spatial_layers <= ORTC_MAX_LAYERS &&
                producer->encodings[i].temporal_layers <= ORTC_MAX_LAYERS);
    require(producer->encoding_count == 1 || producer->type == ORTC_SIMULCAST);
    require(ortc_producers_conflict(producer, producer) || producer->encodings[0].ssrc == 0);
}

static void check_consumer(const struct ortc_producer *producer, const struct ortc_capabilities *capabilities)
{
    struct ortc_consumer *consumer = NULL;
    int error = ortc_consume(producer, capabilities, 7, 1, NULL, &consumer);
    require((error == 0) == ortc_can_consume(producer, capabilities));
    if (error != 0)
        return;
    require(consumer->payload_type_count >= 1);
    require(consumer->rtx_ssrc == 0 || consumer->rtx_ssrc == 2);
    char *text = json_dumps(consumer->rtp_parameters, JSON_COMPACT);
    require(text != NULL);
    free(text);
    ortc_consumer_destroy(consumer);
}

static void feed_json(const struct ortc_router *router, const json_t *json)
{
    const json_t *produced = json_object_get(json, "produced"),
                 *offered = json_object_get(json, "capabilities");
    struct ortc_capabilities *capabilities = NULL;
    struct dtls_parameters parameters;
    if (dtls_parameters_parse(json, &parameters) == 0)
        require(parameters.fingerprint_bytes >= 32 &&
                parameters.fingerprint_bytes <= sizeof parameters.fingerprint);
    ortc_capabilities_parse(offered ? offered : json, &capabilities);
    for (enum media_kind kind = MEDIA_AUDIO; kind <= MEDIA_VIDEO; kind++) {
        struct ortc_producer *producer = NULL;
        if (ortc_produce(router, kind, produced ? produced : json, "fallback", &producer) != 0)
            continue;
        check_producer(producer);
        if (capabilities)
            check_consumer(producer, capabilities);
        ortc_producer_destroy(producer);
    }
    ortc_capabilities_destroy(capabilities);
}

static void feed_setting(const uint8_t *data, size_t length)
{
    struct ortc_router *router = NULL;
    char error[64] = "";
    char *setting = malloc(length + 1);
    require(setting != NULL);
    memcpy(setting, data, length);
    setting[length] = '\0';
    if (ortc_router_create(setting, &router, error, sizeof error) != 0)
        require(error[0] != '\0' && !router);
    ortc_router_destroy(router);
    free(setting);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    static struct ortc_router *router;
    char error[64];
    if (!router &&
        ortc_router_create("opus,VP8,VP9;profile-id=0,VP9;profile-id=2,H264;profile-level-id=4d0032,"
                           "H264;profile-level-id=42e01f,AV1,PCMU",
                           &router, error, sizeof error) != 0)
        abort();
    json_t *json = json_loadb((const char *)data, length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (json)
        feed_json(router, json);
    else
        feed_setting(data, length);
    json_decref(json);
    return 0;
}
