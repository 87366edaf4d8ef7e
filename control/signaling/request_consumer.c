#include <errno.h>

#include "control/json_input.h"
#include "control/room/consumer.h"
#include "control/room/peer.h"
#include "control/signaling/requests.h"

static int pause_consumer(struct peer *peer, const json_t *data, bool paused)
{
    struct consumer *consumer =
        peer_find_consumer(peer, json_input_text(json_object_get(data, "consumerId")));
    return consumer ? consumer_pause(consumer, paused) : -ENOENT;
}

int request_pause_consumer(struct peer *peer, const json_t *data, json_t **ret_response)
{
    (void)ret_response;
    return pause_consumer(peer, data, true);
}

int request_resume_consumer(struct peer *peer, const json_t *data, json_t **ret_response)
{
    (void)ret_response;
    return pause_consumer(peer, data, false);
}
