/* The functions behind the requests of clients, each in the file of its subject.
 *
 * data is what the request brought: for methods that need data neither NULL nor null, but of any type (a
 * value that is no object has no members). Each returns 0, or a negative errno: then the request has failed
 * and nothing has changed. *ret_response, NULL before (or without text), is set to a new reference (or text)
 * where there is an answer. */
#pragma once

#include <jansson.h>

struct event_text;
struct peer;

/* request_room.c */
int request_ping(struct peer *peer, const json_t *data, json_t **ret_response);
int request_dump_stats(struct peer *peer, const json_t *data, json_t **ret_response);
int request_get_router_rtp_capabilities(struct peer *peer, const json_t *data,
                                        struct event_text *ret_response);

int request_observe_speakers(struct peer *peer, const json_t *data, json_t **ret_response);

/* request_peer.c */
int request_join(struct peer *peer, const json_t *data, struct event_text *ret_response);
void request_join_follow(struct peer *peer);
int request_change_nickname(struct peer *peer, const json_t *data, json_t **ret_response);
int request_raised_hand(struct peer *peer, const json_t *data, json_t **ret_response);
int request_chat_message(struct peer *peer, const json_t *data, json_t **ret_response);

/* request_transport.c */
int request_create_webrtc_transport(struct peer *peer, const json_t *data, json_t **ret_response);
int request_connect_webrtc_transport(struct peer *peer, const json_t *data, json_t **ret_response);
int request_create_plain_transport(struct peer *peer, const json_t *data, json_t **ret_response);
int request_connect_plain_transport(struct peer *peer, const json_t *data, json_t **ret_response);
int request_restart_ice(struct peer *peer, const json_t *data, json_t **ret_response);

/* request_producer.c */
int request_produce(struct peer *peer, const json_t *data, json_t **ret_response);
int request_close_producer(struct peer *peer, const json_t *data, json_t **ret_response);
int request_pause_producer(struct peer *peer, const json_t *data, json_t **ret_response);
int request_resume_producer(struct peer *peer, const json_t *data, json_t **ret_response);

/* request_consumer.c */
int request_pause_consumer(struct peer *peer, const json_t *data, json_t **ret_response);
int request_resume_consumer(struct peer *peer, const json_t *data, json_t **ret_response);

/* request_moderator.c */
int request_add_role(struct peer *peer, const json_t *data, json_t **ret_response);
int request_remove_role(struct peer *peer, const json_t *data, json_t **ret_response);
int request_change_language(struct peer *peer, const json_t *data, json_t **ret_response);
int request_accept_join_request(struct peer *peer, const json_t *data, json_t **ret_response);
int request_deny_join_request(struct peer *peer, const json_t *data, json_t **ret_response);
int request_close_room(struct peer *peer, const json_t *data, json_t **ret_response);
void request_close_room_follow(struct peer *peer);
int request_kick_peer(struct peer *peer, const json_t *data, json_t **ret_response);
void request_kick_peer_follow(struct peer *peer);
