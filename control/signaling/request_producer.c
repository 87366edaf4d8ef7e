#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "control/json_input.h"
#include "control/room/peer.h"
#include "control/room/producer.h"
#include "control/signaling/requests.h"

static bool is_source(const json_t *app_data)
{
    const char *source = json_input_text(json_object_get(app_data, "source"));
    return source &&
           (strcmp(source, "mic") == 0 || strcmp(source, "webcam") == 0 || strcmp(source, "screen") == 0);
}

int request_produce(struct peer *peer, const json_t *data, json_t **ret_response)
{
    struct peer_transport *transport =
        peer_find_transport(peer, json_input_text(json_object_get(data, "transportId")));
    if (!transport)
        return -ENOENT;
    const char *kind_name = json_input_text(json_object_get(data, "kind"));
    enum media_kind kind;
    if (!kind_name || !media_kind_parse(kind_name, &kind))
        return -EINVAL;
    json_t *app_data = json_object_get(data, "appData");
    if (!is_source(app_data))
        return -EINVAL;

    struct producer *producer;
    int error = producer_create(transport, kind, json_object_get(data, "rtpParameters"), app_data, &producer);
    if (error)
        return error;
    *ret_response = json_pack("{s:s}", "id", producer->id);
    producer_offer(producer);
    return 0;
}

static struct producer *find_producer(const struct peer *peer, const json_t *data)
{
    return peer_find_producer(peer, json_input_text(json_object_get(data, "producerId")));
}

int request_close_producer(struct peer *peer, const json_t *data, json_t **ret_response)
{
    (void)ret_response;
    struct producer *producer = find_producer(peer, data);
    if (!producer)
        return -ENOENT;
    producer_close(producer);
    return 0;
}

static int pause_producer(struct peer *peer, const json_t *data, bool paused)
{
    struct producer *producer = find_producer(peer, data);
    return producer ? producer_pause(producer, paused) : -ENOENT;
}

int request_pause_producer(struct peer *peer, const json_t *data, json_t **ret_response)
{
    (void)ret_response;
    return pause_producer(peer, data, true);
}

int request_resume_producer(struct peer *peer, const json_t *data, json_t **ret_response)
{
    (void)ret_response;
    return pause_producer(peer, data, false);
}
