/* An ICE-lite agent (RFC 8445 section 2.5): answers connectivity checks, keeps the pairs they have validated,
 * and selects the one that media takes.
 *
 * Nothing of a check is believed before its FINGERPRINT and MESSAGE-INTEGRITY are. What follows from it is
 * told by the actions, in this order: the tuple is known to the workers before the check is answered. A
 * restart gives new credentials; the old ones and the pairs they made go on until a check with the new ones
 * nominates a pair. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "control/transport/ice_credentials.h"
#include "proto/wire/stun.h"

#define ICE_TUPLES_MAX 8

enum ice_state { ICE_NEW, ICE_CONNECTED, ICE_COMPLETED, ICE_DISCONNECTED };

struct ice_actions {
    int (*add_tuple)(void *context, const struct sockaddr *remote);
    void (*remove_tuple)(void *context, const struct sockaddr *remote);
    /* nominated: by a check with the current credentials. Called again when a selected pair is nominated. */
    int (*select_tuple)(void *context, const struct sockaddr *remote, bool nominated);
    void (*send)(void *context, const struct sockaddr *remote, const uint8_t *data, size_t length);
};

struct ice_tuple {
    struct sockaddr_storage remote;
    uint64_t used; /* rank by time of the last check seen here */
};

struct ice_agent {
    const struct ice_actions *actions;
    void *context;
    struct ice_credentials credentials;
    struct ice_credentials previous; /* "" unless a restart is under way */
    enum ice_state state;
    struct ice_tuple tuples[ICE_TUPLES_MAX];
    unsigned tuple_count;
    int selected; /* index, -1 = none */
    bool selected_is_nominated;
    uint64_t clock;
    uint32_t nomination; /* the highest value seen since the last restart */
};

/* What became of a check: for counters. */
enum ice_result { ICE_ANSWERED, ICE_REFUSED, ICE_UNAUTHENTICATED, ICE_MALFORMED };

void ice_agent_init(struct ice_agent *agent, const struct ice_credentials *credentials,
                    const struct ice_actions *actions, void *context);

/* A binding request whose USERNAME named this agent, now or before the restart. Indications and responses are
 * for nobody here: a lite agent asks nothing. */
enum ice_result ice_agent_receive(struct ice_agent *agent, const struct sockaddr *remote,
                                  const struct stun_message *message);

/* Whether a binding request is an authentic check for this agent. Changes nothing. */
bool ice_agent_trusts(const struct ice_agent *agent, const struct stun_message *message);

void ice_agent_restart(struct ice_agent *agent, const struct ice_credentials *credentials);

/* RFC 7675: no valid check for 30 s on the selected pair, or one again. */
void ice_agent_lose_consent(struct ice_agent *agent);
void ice_agent_regain_consent(struct ice_agent *agent);

/* Where media goes; NULL while there is no pair. */
const struct sockaddr *ice_agent_selected(const struct ice_agent *agent);
bool ice_agent_knows(const struct ice_agent *agent, const struct sockaddr *remote);
