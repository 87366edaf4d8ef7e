/* Two associations shake hands over a wire that this test holds: it drops, repeats, damages and forges. */
#include <event2/event.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/transport/dtls_association.h"

#define QUEUE_MAX 64
#define DATAGRAM_MAX 1500

struct datagram {
    uint8_t data[DATAGRAM_MAX];
    size_t length;
};

struct side {
    struct dtls_certificate certificate;
    struct dtls_context *dtls;
    struct dtls_association *association;
    struct datagram queue[QUEUE_MAX]; /* sent by this side, not yet delivered */
    size_t queued;
    struct dtls_srtp_keys keys;
    bool connected;
    enum dtls_state ended;
    size_t longest;
};

static struct event_base *base;
static struct side client;
static struct side server;
static unsigned (*loss)(unsigned n); /* whether datagram n is lost */
static unsigned delivered;

static void on_send(void *context, const uint8_t *data, size_t length)
{
    struct side *side = context;
    assert_true(length <= DATAGRAM_MAX && side->queued < QUEUE_MAX);
    memcpy(side->queue[side->queued].data, data, length);
    side->queue[side->queued++].length = length;
    if (length > side->longest)
        side->longest = length;
}

static void on_connected(void *context, const struct dtls_srtp_keys *keys)
{
    struct side *side = context;
    side->keys = *keys;
    side->connected = true;
}

static void on_ended(void *context, enum dtls_state state, const char *reason)
{
    struct side *side = context;
    side->ended = state;
    assert_non_null(reason);
}

static const struct dtls_handler handler = {on_send, on_connected, on_ended};

static int make_side(struct side *side)
{
    memset(side, 0, sizeof *side);
    return dtls_certificate_make(&side->certificate) != 0 ||
           dtls_context_create(&side->certificate, &side->dtls) != 0;
}

static int make_sides(void **state)
{
    (void)state;
    base = event_base_new();
    loss = NULL;
    delivered = 0;
    return !base || make_side(&client) || make_side(&server);
}

static void drop_side(struct side *side)
{
    dtls_association_destroy(side->association);
    dtls_context_destroy(side->dtls);
    dtls_certificate_deinit(&side->certificate);
}

static int drop_sides(void **state)
{
    (void)state;
    drop_side(&client);
    drop_side(&server);
    event_base_free(base);
    return 0;
}

static struct dtls_parameters parameters_of(const struct side *side, enum dtls_role role)
{
    struct dtls_parameters parameters = {.role = role, .algorithm = DTLS_HASH_SHA_256};
    unsigned length = 0;
    X509_digest(side->certificate.x509, EVP_sha256(), parameters.fingerprint, &length);
    parameters.fingerprint_bytes = length;
    return parameters;
}

static void open_side(struct side *side, const struct dtls_parameters *peer)
{
    assert_int_equal(dtls_association_create(side->dtls, base, peer, &handler, side, &side->association), 0);
}

static void open_both(void)
{
    struct dtls_parameters of_client = parameters_of(&client, DTLS_ROLE_CLIENT);
    struct dtls_parameters of_server = parameters_of(&server, DTLS_ROLE_SERVER);
    open_side(&server, &of_client);
    open_side(&client, &of_server);
}

static bool deliver_one(struct side *from, struct side *to)
{
    struct datagram datagram;
    if (from->queued == 0)
        return false;
    datagram = from->queue[0];
    memmove(from->queue, from->queue + 1, --from->queued * sizeof *from->queue);
    if (!loss || !loss(delivered++))
        dtls_association_receive(to->association, datagram.data, datagram.length);
    return true;
}

/* Delivers all, and lets retransmission timers run, until both are connected or nothing more happens. */
static void run(void)
{
    for (int idle = 0; idle < 60 && !(client.connected && server.connected);) {
        if (deliver_one(&client, &server) || deliver_one(&server, &client)) {
            idle = 0;
            continue;
        }
        struct timeval wait = {.tv_usec = 50000};
        event_base_loopexit(base, &wait);
        event_base_dispatch(base);
        idle++;
    }
    while (deliver_one(&client, &server) || deliver_one(&server, &client))
        ;
}

static void assert_keys_agree(void)
{
    assert_true(client.connected && server.connected);
    assert_int_equal(client.keys.profile, DTLS_SRTP_AEAD_AES_128_GCM);
    assert_int_equal(client.keys.profile, server.keys.profile);
    assert_int_equal(client.keys.bytes, 28);
    assert_memory_equal(client.keys.send, server.keys.receive, client.keys.bytes);
    assert_memory_equal(client.keys.receive, server.keys.send, client.keys.bytes);
    assert_memory_not_equal(client.keys.send, client.keys.receive, client.keys.bytes);
}

static void both_get_the_same_keys_in_datagrams_that_fit(void **state)
{
    (void)state;
    open_both();
    run();
    assert_keys_agree();
    assert_true(client.longest <= DTLS_MTU_BYTES && server.longest <= DTLS_MTU_BYTES);
}

static unsigned lose_every_fourth(unsigned n)
{
    return n % 4 == 1;
}

static void lost_flights_are_repeated(void **state)
{
    (void)state;
    loss = lose_every_fourth;
    open_both();
    run();
    assert_keys_agree();
}

/* The server has finished, its last flight is lost, and OpenSSL's state is gone: the client's next try still
 * gets an answer. */
static unsigned drops_left;

static unsigned lose_last_flight(unsigned n)
{
    (void)n;
    if (!server.connected || drops_left == 0)
        return 0;
    drops_left--;
    return 1;
}

static void a_lost_last_flight_is_repeated(void **state)
{
    (void)state;
    drops_left = 2;
    loss = lose_last_flight;
    open_both();
    run();
    assert_int_equal(drops_left, 0);
    assert_keys_agree();
    assert_int_equal(dtls_association_state(server.association), DTLS_CONNECTED);
}

static void closing_is_heard_by_both(void **state)
{
    (void)state;
    open_both();
    run();
    assert_keys_agree();
    dtls_association_destroy(server.association);
    server.association = NULL;
    assert_int_equal(server.queued, 1);
    struct datagram closing = server.queue[0];
    dtls_association_receive(client.association, closing.data, closing.length);
    assert_int_equal(client.ended, DTLS_CLOSED);
    client.ended = DTLS_NEW;
    dtls_association_receive(client.association, closing.data, closing.length);
    assert_int_equal(client.ended, DTLS_NEW);
}

static void another_fingerprint_gives_no_keys(void **state)
{
    (void)state;
    struct dtls_parameters of_client = parameters_of(&client, DTLS_ROLE_CLIENT);
    struct dtls_parameters of_server = parameters_of(&server, DTLS_ROLE_SERVER);
    of_client.fingerprint[0] ^= 1;
    open_side(&server, &of_client);
    open_side(&client, &of_server);
    run();
    assert_false(server.connected);
    assert_int_equal(server.ended, DTLS_FAILED);
}

static void a_new_client_hello_does_not_disturb(void **state)
{
    (void)state;
    struct side intruder;
    struct dtls_parameters of_server = parameters_of(&server, DTLS_ROLE_SERVER);

    open_both();
    run();
    assert_keys_agree();
    assert_int_equal(make_side(&intruder), 0);
    open_side(&intruder, &of_server);
    for (int i = 0; i < 100; i++)
        dtls_association_receive(server.association, intruder.queue[0].data, intruder.queue[0].length);
    assert_int_equal(dtls_association_state(server.association), DTLS_CONNECTED);
    assert_int_equal(server.ended, DTLS_NEW);
    drop_side(&intruder);

    /* And it still hears its peer: a real close. */
    dtls_association_destroy(client.association);
    client.association = NULL;
    assert_true(deliver_one(&client, &server));
    assert_int_equal(server.ended, DTLS_CLOSED);
}

static void forged_alerts_and_noise_do_not_end_it(void **state)
{
    (void)state;
    static const uint8_t fatal[] = {21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40};
    uint8_t noise[600];
    uint32_t random = 7;

    open_both();
    run();
    assert_keys_agree();
    dtls_association_receive(server.association, fatal, sizeof fatal);
    for (int i = 0; i < 2000; i++) {
        for (size_t j = 0; j < sizeof noise; j++)
            noise[j] = (uint8_t)((random = random * 1664525u + 1013904223u) >> 24);
        noise[0] = (uint8_t)(20 + i % 4);
        noise[1] = 254;
        noise[2] = 253;
        noise[3] = 0;
        noise[4] = (uint8_t)(i % 3);
        noise[11] = (uint8_t)(i & 1);
        dtls_association_receive(server.association, noise, 1 + (size_t)i % sizeof noise);
    }
    assert_int_equal(dtls_association_state(server.association), DTLS_CONNECTED);
}

/* A handshake whose datagrams are damaged in turn, one byte each, never crashes, and never connects the two
 * with different keys. */
static void damaged_handshakes_are_survived(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 60; n++) {
        struct datagram datagram;
        struct dtls_parameters of_client = parameters_of(&client, DTLS_ROLE_CLIENT);
        struct dtls_parameters of_server = parameters_of(&server, DTLS_ROLE_SERVER);
        client.connected = server.connected = false;
        client.queued = server.queued = 0;
        open_side(&server, &of_client);
        open_side(&client, &of_server);
        for (unsigned step = 0; step < 12; step++) {
            struct side *from = client.queued ? &client : &server;
            struct side *to = from == &client ? &server : &client;
            if (from->queued == 0)
                break;
            datagram = from->queue[0];
            memmove(from->queue, from->queue + 1, --from->queued * sizeof *from->queue);
            if (step == n % 6)
                datagram.data[(n * 37) % datagram.length] ^= (uint8_t)(1 + n);
            dtls_association_receive(to->association, datagram.data, datagram.length);
        }
        if (client.connected && server.connected)
            assert_memory_equal(client.keys.send, server.keys.receive, client.keys.bytes);
        dtls_association_destroy(client.association);
        dtls_association_destroy(server.association);
        client.association = server.association = NULL;
    }
}

static void fingerprints_are_those_of_the_certificate(void **state)
{
    (void)state;
    json_t *list = dtls_certificate_fingerprints(&server.certificate);
    struct dtls_parameters parsed;
    struct dtls_parameters expected = parameters_of(&server, DTLS_ROLE_AUTO);
    json_t *parameters = json_pack("{s:[O]}", "fingerprints", json_array_get(list, 4));

    assert_int_equal(json_array_size(list), 5);
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 4), "algorithm")), "sha-256");
    assert_int_equal(dtls_parameters_parse(parameters, &parsed), 0);
    assert_memory_equal(parsed.fingerprint, expected.fingerprint, 32);
    json_decref(parameters);
    json_decref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_get_the_same_keys_in_datagrams_that_fit, make_sides, drop_sides),
        cmocka_unit_test_setup_teardown(lost_flights_are_repeated, make_sides, drop_sides),
        cmocka_unit_test_setup_teardown(a_lost_last_flight_is_repeated, make_sides, drop_sides),
        cmocka_unit_test_setup_teardown(closing_is_heard_by_both, make_sides, drop_sides),
        cmocka_unit_test_setup_teardown(another_fingerprint_gives_no_keys, make_sides, drop_sides),
        cmocka_unit_test_setup_teardown(a_new_client_hello_does_not_disturb, make_sides, drop_sides),
        cmocka_unit_test_setup_teardown(forged_alerts_and_noise_do_not_end_it, make_sides, drop_sides),
        cmocka_unit_test_setup_teardown(damaged_handshakes_are_survived, make_sides, drop_sides),
        cmocka_unit_test_setup_teardown(fingerprints_are_those_of_the_certificate, make_sides, drop_sides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
