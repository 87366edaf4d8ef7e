#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "control/counters.h"
#include "control/ortc/capabilities.h"
#include "control/room/consumer.h"
#include "control/room/peer.h"
#include "control/room/producer.h"
#include "control/room/room.h"
#include "control/room/rooms.h"
#include "control/signaling/requests.h"

static bool is_nickname(const struct peer *peer, const json_t *value)
{
    size_t characters = SIZE_MAX;
    if (json_is_string(value)) {
        const char *text = json_string_value(value);
        characters = 0;
        for (size_t i = 0; i < json_string_length(value); i++)
            characters += (text[i] & 0xc0) != 0x80; /* UTF-8: all but continuation bytes */
    }
    bool is_fine = characters <= rooms_get_config(peer->room->rooms)->nickname_max;
    if (!is_fine)
        counters_count(COUNTER_NICKNAMES_REFUSED);
    return is_fine;
}

/* {peers: [info of each other one], and this one's own info}. */
static struct event_text make_join_response(struct peer *peer)
{
    const char **parts = calloc(2 * peer->room->peer_count + 5, sizeof(*parts));
    const char *info = peer_info(peer)->text;
    size_t count = 0;
    struct peer *other;
    if (!parts || !info) {
        free(parts);
        return (struct event_text){0};
    }
    parts[count++] = "{\"peers\":[";
    TAILQ_FOREACH(other, &peer->room->peers, link)
    {
        const char *text = other == peer ? NULL : peer_info(other)->text;
        if (!text)
            continue;
        if (count > 1)
            parts[count++] = ",";
        parts[count++] = text;
    }
    parts[count++] = "],";
    parts[count++] = info + 1;
    struct event_text response = event_text_join(parts);
    free(parts);
    return response;
}

int request_join(struct peer *peer, const json_t *data, struct event_text *ret_response)
{
    json_t *nickname = json_object_get(data, "nickname");
    if (nickname && !json_is_null(nickname) && !is_nickname(peer, nickname))
        return -EINVAL;
    const json_t *rtp_capabilities = json_object_get(data, "rtpCapabilities");
    if (rtp_capabilities && !json_is_null(rtp_capabilities)) {
        struct ortc_capabilities *capabilities;
        int error = ortc_capabilities_parse(rtp_capabilities, &capabilities);
        if (error)
            return error;
        ortc_capabilities_destroy(peer->capabilities);
        peer->capabilities = capabilities;
    }

    peer->joined = true;
    peer_set_nickname(peer, nickname);
    room_report(peer->room, peer, event_notification_of("newPeer", peer_info(peer)));
    *ret_response = make_join_response(peer);
    return 0;
}

void request_join_follow(struct peer *peer)
{
    const struct peer *other;
    TAILQ_FOREACH(other, &peer->room->peers, link)
    {
        struct producer *producer;
        TAILQ_FOREACH(producer, &other->producers, link)
        consumer_create(producer, peer);
    }
}

int request_change_nickname(struct peer *peer, const json_t *data, json_t **ret_response)
{
    (void)ret_response;
    json_t *nickname = json_object_get(data, "nickname");
    if (!is_nickname(peer, nickname))
        return -EINVAL;
    peer_set_nickname(peer, nickname);
    return 0;
}

int request_raised_hand(struct peer *peer, const json_t *data, json_t **ret_response)
{
    (void)ret_response;
    json_t *raised_hand = json_object_get(data, "raisedHand");
    if (raised_hand && !json_is_null(raised_hand) && !json_is_boolean(raised_hand) &&
        !json_is_number(raised_hand))
        return -EINVAL;
    peer_set_raised_hand(peer, raised_hand);
    return 0;
}

int request_chat_message(struct peer *peer, const json_t *data, json_t **ret_response)
{
    (void)ret_response;
    json_t *message = json_object_get(data, "message");
    if (message && json_dumpb(message, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY) >
                       rooms_get_config(peer->room->rooms)->chat_bytes_max) {
        counters_count(COUNTER_CHATS_REFUSED);
        return -EMSGSIZE;
    }
    room_notify(
        peer->room, NULL, "chatMessage",
        json_pack("{s:s,s:O*,s:O*}", "peerId", peer->id, "nickname", peer->nickname, "message", message));
    return 0;
}
