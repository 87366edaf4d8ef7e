/* From long polling to a websocket: the client probes it ("2probe", "3probe"), lets its last GET come back,
 * and says "5". Everything waits in the queue of long polling until then, so that nothing is lost or doubled.
 */
#include <string.h>

#include "control/gateway/gateway.h"
#include "control/signaling/session_private.h"

/* A client that has begun another GET before it saw the probe's answer is not kept longer than this. */
#define NOOP_DELAY_MS 100

bool session_may_upgrade(const struct session *session)
{
    return session->state == SESSION_OPEN && session->is_polling && session->websocket.value == 0;
}

void session_upgrade(struct session *session, uint64_t websocket)
{
    if (session_table_set(session->table, &session->websocket, websocket))
        gateway_ws_close(session->config->gateway, websocket, 1013);
    else
        session_timer_set(session->upgrade_timer, session->config->upgrade_timeout_ms);
}

static void end_upgrade(struct session *session)
{
    session->probed = false;
    session_timer_cancel(session->upgrade_timer);
    session_timer_cancel(session->noop_timer);
}

void session_upgrade_abandon(struct session *session)
{
    if (!session->is_polling)
        return;
    end_upgrade(session);
    if (session->websocket.value)
        gateway_ws_close(session->config->gateway, session->websocket.value, 0);
    session_table_set(session->table, &session->websocket, 0);
}

void session_upgrade_on_timeout(void *session)
{
    session_upgrade_abandon(session);
}

void session_upgrade_on_noop(void *session)
{
    session_polling_release(session);
}

void session_upgrade_hurry(struct session *session)
{
    if (session->probed && session->polling.get.value)
        session_timer_set(session->noop_timer, NOOP_DELAY_MS);
}

static void answer_probe(struct session *session)
{
    session->probed = true;
    gateway_ws_send(session->config->gateway, session->websocket.value, "3probe", 6);
    session_polling_release(session);
}

static void complete(struct session *session)
{
    end_upgrade(session);
    session->is_polling = false;
    session_polling_move(session, session->websocket.value);
}

void session_upgrade_receive(struct session *session, const char *data, size_t length, bool binary)
{
    struct engineio_packet packet;
    if (binary || engineio_parse(data, length, &packet))
        session_upgrade_abandon(session);
    else if (packet.type == ENGINEIO_PING && packet.length == 5 && memcmp(packet.data, "probe", 5) == 0)
        answer_probe(session);
    else if (packet.type == ENGINEIO_UPGRADE)
        complete(session);
    else
        session_upgrade_abandon(session);
}
