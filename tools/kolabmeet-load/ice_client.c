#include "tools/kolabmeet-load/ice_client.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "proto/wire/stun_write.h"
#include "tools/kolabmeet-load/clock.h"

#define FIRST_INTERVAL_NS (50 * CLOCK_MS_NS)
#define LAST_INTERVAL_NS (1000 * CLOCK_MS_NS)
#define START_PATIENCE_NS (20 * CLOCK_SECOND_NS)
#define CONSENT_INTERVAL_NS (5 * CLOCK_SECOND_NS)
#define CONSENT_RETRY_NS (500 * CLOCK_MS_NS)
#define CONSENT_EXPIRES_NS (30 * CLOCK_SECOND_NS)
#define PRIORITY 1845501695u /* of a peer-reflexive candidate, RFC 8445 section 5.1.2 */

static bool hmac_sha1(const uint8_t *key, size_t key_length, const uint8_t *data, size_t length,
                      uint8_t ret_mac[STUN_INTEGRITY_BYTES])
{
    return HMAC(EVP_sha1(), key, (int)key_length, data, length, ret_mac, NULL) != NULL;
}

static struct stun_key key_of(const struct ice_client *ice)
{
    return (struct stun_key){
        .bytes = (const uint8_t *)ice->password, .length = strlen(ice->password), .hmac = hmac_sha1};
}

static void send_check(struct ice_client *ice)
{
    uint8_t message[STUN_MESSAGE_MAX];
    const struct stun_key key = key_of(ice);
    const struct stun_binding_request request = {
        .transaction_id = ice->transaction_id,
        .username = ice->username,
        .username_length = strlen(ice->username),
        .priority = PRIORITY,
        .tiebreaker = ice->tiebreaker,
        .controlling = true,
        .use_candidate = true,
    };
    int length = stun_write_binding_request(message, sizeof message, &request, &key);
    if (length > 0)
        ice->handler.send(ice->context, message, (size_t)length);
}

static void begin_check(struct ice_client *ice)
{
    RAND_bytes(ice->transaction_id, sizeof ice->transaction_id);
    ice->is_answered = false;
}

/* RFC 7675 section 5.1: between 0.8 and 1.2 times the interval. */
static uint64_t consent_interval_ns(const struct ice_client *ice)
{
    return CONSENT_INTERVAL_NS / 5 * 4 + ice->transaction_id[0] * (CONSENT_INTERVAL_NS * 2 / 5 / 256);
}

static void check_connected(struct ice_client *ice, uint64_t now_ns)
{
    if (now_ns - ice->last_answer_ns > CONSENT_EXPIRES_NS) {
        ice->handler.failed(ice->context, "the server stopped answering ICE checks");
        return;
    }
    if (ice->is_answered)
        begin_check(ice);
    send_check(ice);
    loop_at(ice->loop, &ice->timer, now_ns + CONSENT_RETRY_NS);
}

static void tick(void *context, uint64_t now_ns)
{
    struct ice_client *ice = context;

    if (ice->is_connected) {
        check_connected(ice, now_ns);
        return;
    }
    if (now_ns - ice->last_answer_ns > START_PATIENCE_NS) {
        ice->handler.failed(ice->context, "the server answers no ICE check");
        return;
    }
    send_check(ice);
    loop_at(ice->loop, &ice->timer, now_ns + ice->interval_ns);
    ice->interval_ns = 2 * ice->interval_ns < LAST_INTERVAL_NS ? 2 * ice->interval_ns : LAST_INTERVAL_NS;
}

int ice_client_start(struct ice_client *ice, struct loop *loop, const char *remote_ufrag,
                     const char *remote_password, const struct ice_client_handler *handler, void *context)
{
    uint32_t local;

    if (strlen(remote_ufrag) > ICE_UFRAG_MAX || strlen(remote_password) >= ICE_PASSWORD_MAX)
        return -EINVAL;
    memset(ice, 0, sizeof *ice);
    ice->loop = loop;
    ice->handler = *handler;
    ice->context = context;
    ice->timer = (struct schedule_entry){.run = tick, .context = ice};
    RAND_bytes((uint8_t *)&local, sizeof local);
    RAND_bytes((uint8_t *)&ice->tiebreaker, sizeof ice->tiebreaker);
    snprintf(ice->username, sizeof ice->username, "%s:%08x", remote_ufrag, local);
    snprintf(ice->password, sizeof ice->password, "%s", remote_password);
    ice->interval_ns = FIRST_INTERVAL_NS;
    ice->last_answer_ns = loop->now_ns;
    begin_check(ice);
    tick(ice, loop->now_ns);
    return 0;
}

void ice_client_stop(struct ice_client *ice)
{
    if (ice->loop)
        loop_cancel(ice->loop, &ice->timer);
}

void ice_client_receive(struct ice_client *ice, const uint8_t *data, size_t length)
{
    struct stun_message message;
    const struct stun_key key = key_of(ice);

    if (!ice->loop || ice->is_answered || stun_parse(data, length, &message) != 0 ||
        message.class != STUN_SUCCESS || message.method != STUN_METHOD_BINDING ||
        memcmp(message.transaction_id, ice->transaction_id, STUN_TRANSACTION_ID_BYTES) != 0 ||
        !stun_check_integrity(&message, &key))
        return;
    ice->is_answered = true;
    ice->last_answer_ns = ice->loop->now_ns;
    loop_at(ice->loop, &ice->timer, ice->loop->now_ns + consent_interval_ns(ice));
    if (!ice->is_connected) {
        ice->is_connected = true;
        ice->handler.connected(ice->context);
    }
}
