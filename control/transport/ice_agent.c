#include "control/transport/ice_agent.h"

#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "proto/wire/stun_write.h"

static socklen_t name_length(const struct sockaddr *name)
{
    return name->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

/* All that the forwarder told: TCP and UDP differ in what the kernel leaves zero. */
static bool same(const struct sockaddr *a, const struct sockaddr *b)
{
    const struct sockaddr_in *a4 = (const struct sockaddr_in *)a;
    const struct sockaddr_in *b4 = (const struct sockaddr_in *)b;
    const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)a;
    const struct sockaddr_in6 *b6 = (const struct sockaddr_in6 *)b;

    if (a->sa_family != b->sa_family)
        return false;
    if (a->sa_family == AF_INET)
        return a4->sin_port == b4->sin_port && a4->sin_addr.s_addr == b4->sin_addr.s_addr &&
               memcmp(a4->sin_zero, b4->sin_zero, sizeof a4->sin_zero) == 0;
    return a6->sin6_port == b6->sin6_port && a6->sin6_scope_id == b6->sin6_scope_id &&
           a6->sin6_flowinfo == b6->sin6_flowinfo &&
           memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof a6->sin6_addr) == 0;
}

void ice_agent_init(struct ice_agent *agent, const struct ice_credentials *credentials,
                    const struct ice_actions *actions, void *context)
{
    memset(agent, 0, sizeof *agent);
    agent->actions = actions;
    agent->context = context;
    agent->credentials = *credentials;
    agent->selected = -1;
}

static int find_tuple(const struct ice_agent *agent, const struct sockaddr *remote)
{
    for (unsigned i = 0; i < agent->tuple_count; i++)
        if (same((const struct sockaddr *)&agent->tuples[i].remote, remote))
            return (int)i;
    return -1;
}

bool ice_agent_knows(const struct ice_agent *agent, const struct sockaddr *remote)
{
    return find_tuple(agent, remote) >= 0;
}

const struct sockaddr *ice_agent_selected(const struct ice_agent *agent)
{
    return agent->selected < 0 ? NULL : (const struct sockaddr *)&agent->tuples[agent->selected].remote;
}

static void forget_tuple(struct ice_agent *agent, int index)
{
    int last = (int)--agent->tuple_count;
    agent->actions->remove_tuple(agent->context, (const struct sockaddr *)&agent->tuples[index].remote);
    if (agent->selected == index)
        agent->selected = -1;
    else if (agent->selected == last)
        agent->selected = index;
    agent->tuples[index] = agent->tuples[last];
}

/* Room for one more, at the cost of the one that was silent longest and is not in use. */
static void make_room(struct ice_agent *agent)
{
    int oldest = -1;
    if (agent->tuple_count < ICE_TUPLES_MAX)
        return;
    for (int i = 0; i < ICE_TUPLES_MAX; i++)
        if (i != agent->selected && (oldest < 0 || agent->tuples[i].used < agent->tuples[oldest].used))
            oldest = i;
    forget_tuple(agent, oldest);
}

static int keep_tuple(struct ice_agent *agent, const struct sockaddr *remote)
{
    int index = find_tuple(agent, remote);
    if (index < 0)
        make_room(agent);
    if (agent->actions->add_tuple(agent->context, remote) != 0)
        return -1;
    if (index < 0) {
        index = (int)agent->tuple_count++;
        memset(&agent->tuples[index], 0, sizeof agent->tuples[index]);
        memcpy(&agent->tuples[index].remote, remote, name_length(remote));
    }
    agent->tuples[index].used = ++agent->clock;
    return index;
}

static void select_tuple(struct ice_agent *agent, int index, bool nominated)
{
    const struct sockaddr *remote = (const struct sockaddr *)&agent->tuples[index].remote;

    if (agent->selected == index && (agent->selected_is_nominated || !nominated))
        return;
    if (agent->actions->select_tuple(agent->context, remote, nominated) != 0)
        return;
    agent->selected = index;
    agent->selected_is_nominated = nominated;
}

static const struct ice_credentials *named_credentials(const struct ice_agent *agent,
                                                       const struct stun_message *message)
{
    const struct ice_credentials *both[] = {&agent->credentials, &agent->previous};
    for (int i = 0; i < 2; i++)
        if (stun_is_addressed_to(message, both[i]->ufrag, strlen(both[i]->ufrag)))
            return both[i];
    return NULL;
}

static void refuse(struct ice_agent *agent, const struct sockaddr *remote, const struct stun_message *message,
                   unsigned code, const struct stun_key *key)
{
    uint8_t answer[256];
    size_t unknown = message->unknown_count < STUN_UNKNOWN_MAX ? message->unknown_count : STUN_UNKNOWN_MAX;
    int length = stun_write_error(answer, sizeof answer, message->transaction_id, code, message->unknown,
                                  unknown, key);
    if (length > 0)
        agent->actions->send(agent->context, remote, answer, (size_t)length);
}

/* 0, or the code that the check is refused with (RFC 8445 section 7.3). Called with authenticated checks
 * only. */
static unsigned fault(const struct stun_message *message)
{
    if (message->unknown_count > 0)
        return STUN_UNKNOWN_ATTRIBUTE;
    if (!message->has_priority)
        return STUN_BAD_REQUEST;
    if (message->has_controlled) /* a lite agent is never controlling */
        return STUN_ROLE_CONFLICT;
    return 0;
}

static bool nominates(const struct ice_agent *agent, const struct stun_message *message)
{
    return message->use_candidate || (message->has_nomination && message->nomination > agent->nomination);
}

static void take(struct ice_agent *agent, int index, const struct stun_message *message, bool current)
{
    if (nominates(agent, message)) {
        if (message->has_nomination && message->nomination > agent->nomination)
            agent->nomination = message->nomination;
        select_tuple(agent, index, current);
        agent->state = ICE_COMPLETED;
        if (current)
            agent->previous.ufrag[0] = 0; /* the restart, if there was one, is done */
    } else if (agent->state != ICE_COMPLETED) {
        /* Before anything is nominated the most recent pair serves, so that DTLS need not wait. */
        select_tuple(agent, index, false);
        agent->state = ICE_CONNECTED;
    }
}

static bool hmac_sha1(const uint8_t *key, size_t key_length, const uint8_t *data, size_t length,
                      uint8_t ret_mac[STUN_INTEGRITY_BYTES])
{
    return HMAC(EVP_sha1(), key, (int)key_length, data, length, ret_mac, NULL) != NULL;
}

static struct stun_key key_of(const struct ice_credentials *credentials)
{
    return (struct stun_key){.bytes = (const uint8_t *)credentials->password,
                             .length = strlen(credentials->password),
                             .hmac = hmac_sha1};
}

static bool is_authentic(const struct stun_message *message, const struct stun_key *key)
{
    return stun_check_fingerprint(message) && stun_check_integrity(message, key);
}

bool ice_agent_trusts(const struct ice_agent *agent, const struct stun_message *message)
{
    const struct ice_credentials *credentials = named_credentials(agent, message);
    if (message->class != STUN_REQUEST || message->method != STUN_METHOD_BINDING || !credentials)
        return false;
    const struct stun_key key = key_of(credentials);
    return is_authentic(message, &key);
}

enum ice_result ice_agent_receive(struct ice_agent *agent, const struct sockaddr *remote,
                                  const struct stun_message *message)
{
    uint8_t answer[STUN_SUCCESS_MAX];

    if (message->class != STUN_REQUEST || message->method != STUN_METHOD_BINDING)
        return ICE_MALFORMED;
    const struct ice_credentials *credentials = named_credentials(agent, message);
    if (!credentials)
        return ICE_UNAUTHENTICATED;
    const struct stun_key key = key_of(credentials);
    if (!is_authentic(message, &key))
        return ICE_UNAUTHENTICATED;

    unsigned code = fault(message);
    if (code != 0) {
        refuse(agent, remote, message, code, &key);
        return ICE_REFUSED;
    }
    int index = keep_tuple(agent, remote);
    if (index < 0)
        return ICE_REFUSED;
    bool current = credentials == &agent->credentials;
    int length = stun_write_success(answer, sizeof answer, message->transaction_id, remote, &key);
    take(agent, index, message, current);
    if (length > 0)
        agent->actions->send(agent->context, remote, answer, (size_t)length);
    return ICE_ANSWERED;
}

void ice_agent_restart(struct ice_agent *agent, const struct ice_credentials *credentials)
{
    agent->previous = agent->credentials;
    agent->credentials = *credentials;
    agent->nomination = 0;
    agent->selected_is_nominated = false;
}

void ice_agent_lose_consent(struct ice_agent *agent)
{
    while (agent->tuple_count > 0)
        forget_tuple(agent, 0);
    agent->state = ICE_DISCONNECTED;
}

void ice_agent_regain_consent(struct ice_agent *agent)
{
    if (agent->state == ICE_DISCONNECTED && agent->selected >= 0)
        agent->state = ICE_CONNECTED;
}
