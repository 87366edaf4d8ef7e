/* What control would have a worker install for a room, put into its tables directly: peers with keys and an
 * address, their cameras, consumers of them. For benches, while the worker's thread does not run. */
#pragma once

#include <netinet/in.h>

#include "dataplane/worker.h"

#define ROOM_CAMERA_SSRC 0x1234u   /* of camera 0, and so on */
#define ROOM_CONSUMER_SSRC 100000u /* likewise */

/* What the worker receives from a peer with, and sends to it with. */
void room_keys(uint32_t peer, uint8_t ret_receive[SRTP_KEY_MAX], uint8_t ret_send[SRTP_KEY_MAX]);

/* All return what they added, or NULL with a message on stderr. Numbers are indices of rows: unique in the
 * segment.
 */
struct transport *room_add_peer(struct worker *worker, enum srtp_profile profile, uint32_t peer,
                                const struct sockaddr_in *name);
struct producer *room_add_camera(struct worker *worker, struct transport *transport, uint32_t camera);
struct consumer *room_add_consumer(struct worker *worker, struct producer *producer,
                                   struct transport *transport, uint32_t number, bool is_paused);

/* Has worker follow the camera of another one. */
struct producer *room_add_mirror(struct worker *worker, struct worker *owner, const struct producer *camera);

/* As if all its peers had just sent a check: it can take longer to make a thousand than consent lasts. */
void room_refresh_consent(struct worker *worker);
