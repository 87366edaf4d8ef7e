#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "tools/kolabmeet-load/participant_private.h"

static void connected(void *context)
{
    struct participant_leg *leg = context;
    struct participant *participant = leg->participant;

    leg->is_connected = true;
    rtcp_agent_start(&leg->agent);
    if (!leg->is_producing)
        participant_attach_sinks(participant);
    participant_progress(participant);
}

static void ended(void *context, const char *reason)
{
    struct participant_leg *leg = context;
    participant_fail(leg->participant, reason);
}

static void take_rtcp(void *context, const uint8_t *data, size_t length)
{
    struct participant_leg *leg = context;
    rtcp_agent_receive(&leg->agent, data, length);
}

/* The address of the first UDP candidate. */
static bool read_candidate(const json_t *candidates, struct sockaddr_storage *ret_address,
                           socklen_t *ret_length)
{
    const json_t *candidate;
    size_t i;

    json_array_foreach(candidates, i, candidate)
    {
        const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST};
        const char *protocol = json_string_value(json_object_get(candidate, "protocol"));
        const char *ip = json_string_value(json_object_get(candidate, "ip"));
        struct addrinfo *found;
        char port[16];

        snprintf(port, sizeof port, "%d", (int)json_integer_value(json_object_get(candidate, "port")));
        if (!protocol || !ip || strcmp(protocol, "udp") != 0 || getaddrinfo(ip, port, &hints, &found) != 0)
            continue;
        memcpy(ret_address, found->ai_addr, found->ai_addrlen);
        *ret_length = found->ai_addrlen;
        freeaddrinfo(found);
        return true;
    }
    return false;
}

static void signaled(void *context, const json_t *data)
{
    struct participant_leg *leg = context;

    if (!data) {
        participant_fail(leg->participant, "connectWebRtcTransport failed");
        return;
    }
    if (leg->transport)
        transport_signaled(leg->transport);
}

static void send_fingerprint(struct participant_leg *leg)
{
    const struct world *world = leg->participant->world;

    signaling_request(leg->participant->signaling, "connectWebRtcTransport",
                      json_pack("{s:s, s:{s:s, s:[{s:s, s:s}]}}", "transportId", leg->id, "dtlsParameters",
                                "role", world->options->is_dtls_server ? "server" : "client", "fingerprints",
                                "algorithm", "sha-256", "value", dtls_identity_sha256(world->identity)),
                      signaled, leg);
}

static int open_transport(struct participant_leg *leg, const json_t *data)
{
    static const struct transport_handler handler = {connected, ended, take_rtcp};
    struct world *world = leg->participant->world;
    const json_t *ice = json_object_get(data, "iceParameters");
    const char *ufrag = json_string_value(json_object_get(ice, "usernameFragment"));
    const char *password = json_string_value(json_object_get(ice, "password"));
    struct sockaddr_storage remote;
    socklen_t remote_bytes;

    if (!ufrag || !password ||
        !read_candidate(json_object_get(data, "iceCandidates"), &remote, &remote_bytes))
        return -1;
    int error = transport_create(&world->loop, world->io, &world->pool, world->identity,
                                 (const struct sockaddr *)&remote, remote_bytes,
                                 world->options->is_dtls_server, &handler, leg, &leg->transport);
    if (error != 0)
        return error;
    if (!leg->is_producing)
        leg->transport->twcc_extension = leg->participant->offer.twcc_extension;
    rtcp_agent_init(&leg->agent, &world->loop, world->io, leg->transport, &world->tally,
                    world->options->feedback, world_next_ssrc(world));
    leg->agent.is_nacking = !leg->is_producing && world->options->nack;
    return transport_start(leg->transport, ufrag, password);
}

static void created(void *context, const json_t *data)
{
    struct participant_leg *leg = context;
    const char *id = json_string_value(json_object_get(data, "id"));

    if (!data || !id) {
        participant_fail(leg->participant, "createWebRtcTransport failed");
        return;
    }
    snprintf(leg->id, sizeof leg->id, "%s", id);
    if (open_transport(leg, data) != 0) {
        participant_fail(leg->participant, "no socket, or no usable candidate of the server");
        return;
    }
    send_fingerprint(leg);
    if (leg->is_producing) {
        participant_make_sources(leg->participant);
        participant_produce(leg->participant);
    }
}

void participant_leg_open(struct participant_leg *leg)
{
    signaling_request(leg->participant->signaling, "createWebRtcTransport",
                      json_pack("{s:b, s:b, s:b}", "forceTcp", 0, "producing", leg->is_producing, "consuming",
                                !leg->is_producing),
                      created, leg);
}

void participant_leg_close(struct participant_leg *leg)
{
    rtcp_agent_deinit(&leg->agent);
    transport_destroy(leg->transport);
    leg->transport = NULL;
}
