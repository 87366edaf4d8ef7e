/* iceServers for a client: time-limited credentials of a TURN server that knows the same secret (coturn's
 * use-auth-secret, draft-uberti-behave-turn-rest-00). */
#pragma once

#include <jansson.h>
#include <time.h>

#define ICE_SERVERS_LIFETIME_S 86400

/* [{urls, username: "<now+86400>:<peer_id>", credential: base64(HMAC-SHA1(secret, username))}], or null when
 * urls (by commas) or secret is NULL. A new reference; NULL when out of memory. */
json_t *ice_servers(const char *urls, const char *secret, const char *peer_id, time_t now);
