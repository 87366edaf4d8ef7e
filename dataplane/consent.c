#include "dataplane/consent.h"

#include <string.h>

#include "dataplane/events.h"
#include "dataplane/forward.h"
#include "dataplane/hmac_sha1.h"
#include "dataplane/plain.h"
#include "dataplane/punt.h"
#include "dataplane/worker.h"
#include "proto/wire/stun.h"
#include "proto/wire/stun_write.h"
#include "shm/address.h"

static bool is_addressed_to(const struct stun_message *message, const struct shm_ice_credentials *ice)
{
    return stun_is_addressed_to(message, ice->ufrag, strnlen(ice->ufrag, sizeof(ice->ufrag)));
}

static const struct shm_ice_credentials *find_credentials(const struct shm_transport_row *row,
                                                          const struct stun_message *message)
{
    if (is_addressed_to(message, &row->ice))
        return &row->ice;
    return is_addressed_to(message, &row->ice_previous) ? &row->ice_previous : NULL;
}

/* A check that can only mean "still there?": well-formed, from the controlling side, on a pair that is in use
 * or may idle beside one that is. */
static bool is_plain_check(const struct shm_transport_row *row, const struct stun_message *message,
                           bool on_selected)
{
    bool nominates = message->use_candidate || message->has_nomination;

    if (message->has_controlled || message->unknown_count > 0 || !message->has_priority || !row->has_selected)
        return false;
    return on_selected ? !nominates || row->is_nominated : !nominates && row->has_consent;
}

static void answer(struct worker *worker, const struct stun_message *message,
                   const struct shm_address *remote, const struct stun_key *key)
{
    struct sockaddr_storage name;
    uint8_t *buffer = egress_begin_clear(worker);

    shm_address_to_sockaddr(remote, &name);
    int length = stun_write_success(buffer, PORT_BUFFER_BYTES, message->transaction_id,
                                    (const struct sockaddr *)&name, key);
    egress_commit_clear(worker, buffer, length > 0 ? (uint32_t)length : 0, remote);
    worker->totals.stun_answered++;
}

static void refresh(struct worker *worker, struct transport *transport)
{
    struct shm_transport_row *row = transport->row;

    row->consent_us = worker->now_us;
    if (!row->has_consent) {
        row->has_consent = 1;
        forward_begin_transport(worker, transport);
    }
}

void consent_ingress(struct worker *worker, struct transport *transport, const struct port_packet *packet)
{
    struct stun_message message;

    if (stun_parse(packet->data, packet->length, &message) != 0) {
        worker_drop(worker, DROP_stun_malformed);
        return;
    }
    if (message.class != STUN_REQUEST || message.method != STUN_METHOD_BINDING) {
        worker_drop(worker, DROP_stun_not_request); /* this side, being lite, asks nothing */
        return;
    }
    const struct shm_ice_credentials *ice = transport ? find_credentials(transport->row, &message) : NULL;
    if (!ice) {
        punt(worker, transport, packet, SHM_DATAGRAM_STUN);
        return;
    }
    struct stun_key key = {.bytes = (const uint8_t *)ice->password,
                           .length = strnlen(ice->password, sizeof(ice->password)),
                           .hmac = hmac_sha1};
    if (!stun_check_fingerprint(&message) || !stun_check_integrity(&message, &key)) {
        worker_drop(worker, DROP_stun_integrity);
        return;
    }
    bool on_selected = memcmp(&packet->remote, &transport->row->selected, sizeof(packet->remote)) == 0;
    if (on_selected && transport->row->has_selected)
        refresh(worker, transport); /* whoever answers: the check is authentic */
    if (is_plain_check(transport->row, &message, on_selected))
        answer(worker, &message, &packet->remote, &key);
    else
        punt(worker, transport, packet, SHM_DATAGRAM_STUN);
}

/* Once for each change, however full control's ring is meanwhile: what it forgets with a lost consent it has
 * learned anew when consent is back. What a killed forwarder has said is not known, and said again. */
static void tell(struct worker *worker, struct transport *transport)
{
    bool is_lost = transport->row->has_selected && !transport->row->has_consent;

    if (is_lost != transport->told_lost && events_consent(worker, transport->handle, is_lost))
        transport->told_lost = is_lost;
}

void consent_turn(struct worker *worker, struct transport *transport)
{
    struct shm_transport_row *row = transport->row;

    if (row->plain != SHM_PLAIN_NO) {
        plain_turn(worker, transport);
        return;
    }
    if (row->has_selected && row->has_consent && worker->now_us - row->consent_us > CONSENT_TIMEOUT_US) {
        row->has_consent = 0;
    }
    tell(worker, transport);
}
