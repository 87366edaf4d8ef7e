/* OpenSSL is the oracle: what its associations say after the handshake is heard by what is left of another.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/transport/dtls_bio.h"
#include "control/transport/dtls_certificate.h"
#include "control/transport/dtls_farewell.h"

#define QUEUE_MAX 32
#define DATAGRAM_MAX 1500

struct end {
    SSL *ssl;
    struct dtls_bio bio;
    uint8_t sent[QUEUE_MAX][DATAGRAM_MAX];
    size_t lengths[QUEUE_MAX];
    size_t count;
};

struct pair {
    struct dtls_certificate certificate;
    SSL_CTX *context;
    struct end client;
    struct end server;
};

static void keep(void *context, const uint8_t *data, size_t length)
{
    struct end *end = context;
    assert_true(end->count < QUEUE_MAX && length <= DATAGRAM_MAX);
    memcpy(end->sent[end->count], data, length);
    end->lengths[end->count++] = length;
}

static int accept_any(int ok, X509_STORE_CTX *store)
{
    (void)ok;
    (void)store;
    return 1;
}

static void open_end(struct pair *pair, struct end *end)
{
    end->bio = (struct dtls_bio){.send = keep, .context = end};
    end->ssl = SSL_new(pair->context);
    BIO *bio = dtls_bio_new(&end->bio);
    assert_true(end->ssl && bio);
    SSL_set_bio(end->ssl, bio, bio);
    SSL_set_options(end->ssl, SSL_OP_NO_QUERY_MTU);
    DTLS_set_link_mtu(end->ssl, 1200);
    SSL_set_mtu(end->ssl, 1200);
}

static void hand_over(struct end *from, struct end *to)
{
    for (size_t i = 0; i < from->count; i++) {
        to->bio.received = from->sent[i];
        to->bio.received_length = from->lengths[i];
        SSL_do_handshake(to->ssl);
        to->bio.received = NULL;
    }
    from->count = 0;
}

/* The pair is big. */
static struct pair *open_pair(const char *suite)
{
    struct pair *pair = calloc(1, sizeof *pair);
    assert_non_null(pair);
    assert_int_equal(dtls_certificate_make(&pair->certificate), 0);
    pair->context = SSL_CTX_new(DTLS_method());
    assert_int_equal(SSL_CTX_set_max_proto_version(pair->context, DTLS1_2_VERSION), 1);
    assert_int_equal(SSL_CTX_use_certificate(pair->context, pair->certificate.x509), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(pair->context, pair->certificate.key), 1);
    assert_int_equal(SSL_CTX_set_cipher_list(pair->context, suite), 1);
    SSL_CTX_set_options(pair->context, SSL_OP_NO_TICKET);
    SSL_CTX_set_verify(pair->context, SSL_VERIFY_PEER, accept_any);
    open_end(pair, &pair->client);
    open_end(pair, &pair->server);
    SSL_set_connect_state(pair->client.ssl);
    SSL_set_accept_state(pair->server.ssl);
    SSL_do_handshake(pair->client.ssl);
    for (int i = 0; i < 4; i++) {
        hand_over(&pair->client, &pair->server);
        hand_over(&pair->server, &pair->client);
    }
    assert_true(SSL_is_init_finished(pair->client.ssl) && SSL_is_init_finished(pair->server.ssl));
    return pair;
}

static void close_pair(struct pair *pair)
{
    SSL_free(pair->client.ssl);
    SSL_free(pair->server.ssl);
    SSL_CTX_free(pair->context);
    dtls_certificate_deinit(&pair->certificate);
    free(pair);
}

static enum dtls_heard hear(struct dtls_farewell *farewell, const struct end *from, size_t i)
{
    return dtls_farewell_hear(farewell, from->sent[i], from->lengths[i]);
}

static const char *const suites[] = {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
                                     "ECDHE-ECDSA-CHACHA20-POLY1305"};

static void closing_is_heard_by_every_cipher_and_role(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct pair *pair = open_pair(suites[i]);
        struct dtls_farewell of_client;
        struct dtls_farewell of_server;
        assert_int_equal(dtls_farewell_make(pair->client.ssl, &of_client), 0);
        assert_int_equal(dtls_farewell_make(pair->server.ssl, &of_server), 0);
        SSL_shutdown(pair->client.ssl);
        SSL_shutdown(pair->server.ssl);
        assert_int_equal(pair->client.count, 1);
        assert_int_equal(pair->server.count, 1);
        assert_int_equal(hear(&of_client, &pair->client, 0), DTLS_HEARD_NOTHING); /* its own */
        assert_int_equal(hear(&of_server, &pair->client, 0), DTLS_HEARD_END);
        assert_int_equal(hear(&of_client, &pair->server, 0), DTLS_HEARD_END);
        assert_int_equal(hear(&of_client, &pair->server, 0), DTLS_HEARD_NOTHING); /* once more */
        close_pair(pair);
    }
}

static void what_is_damaged_is_nothing(void **state)
{
    (void)state;
    struct pair *pair = open_pair(suites[0]);
    struct dtls_farewell farewell;
    uint8_t damaged[DATAGRAM_MAX];

    assert_int_equal(dtls_farewell_make(pair->server.ssl, &farewell), 0);
    SSL_shutdown(pair->client.ssl);
    size_t length = pair->client.lengths[0];
    for (size_t bit = 0; bit < length * 8; bit++) {
        memcpy(damaged, pair->client.sent[0], length);
        damaged[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(dtls_farewell_hear(&farewell, damaged, length), DTLS_HEARD_NOTHING);
    }
    for (size_t shorter = 0; shorter < length; shorter++)
        assert_int_equal(dtls_farewell_hear(&farewell, pair->client.sent[0], shorter), DTLS_HEARD_NOTHING);
    assert_int_equal(hear(&farewell, &pair->client, 0), DTLS_HEARD_END);
    close_pair(pair);
}

static void application_data_is_nothing(void **state)
{
    (void)state;
    struct pair *pair = open_pair(suites[1]);
    struct dtls_farewell farewell;

    assert_int_equal(dtls_farewell_make(pair->server.ssl, &farewell), 0);
    assert_int_equal(SSL_write(pair->client.ssl, "hello", 5), 5);
    assert_int_equal(hear(&farewell, &pair->client, 0), DTLS_HEARD_NOTHING);
    close_pair(pair);
}

static void other_ciphers_are_refused(void **state)
{
    (void)state;
    struct pair *pair = open_pair("ECDHE-ECDSA-AES128-SHA");
    struct dtls_farewell farewell;

    assert_int_equal(dtls_farewell_make(pair->server.ssl, &farewell), -ENOTSUP);
    close_pair(pair);
}

static void count_bytes(void *context, const uint8_t *data, size_t length)
{
    size_t *next = context;
    for (size_t i = 0; i < length; i++)
        assert_int_equal(data[i], (*next)++);
}

static void a_flight_goes_out_as_it_was(void **state)
{
    (void)state;
    struct dtls_flight flight;
    uint8_t data[DTLS_FAREWELL_BYTES + 1];
    size_t next = 0;

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)i;
    dtls_flight_begin(&flight);
    dtls_flight_add(&flight, data, 14);
    dtls_flight_add(&flight, data + 14, DTLS_FAREWELL_BYTES - 14);
    assert_true(flight.is_whole);
    dtls_flight_send(&flight, count_bytes, &next);
    assert_int_equal(next, DTLS_FAREWELL_BYTES);
    dtls_flight_begin(&flight);
    dtls_flight_add(&flight, data, sizeof data);
    assert_false(flight.is_whole);
}

static void the_newest_of_a_flight_is_kept(void **state)
{
    (void)state;
    struct dtls_flight flight;
    uint8_t data[DTLS_FAREWELL_BYTES + 1];
    size_t next = 0;

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)i;
    dtls_flight_begin(&flight);
    dtls_flight_add(&flight, data, DTLS_FAREWELL_BYTES - 1);
    dtls_flight_add(&flight, data, sizeof data); /* an earlier flight, sent again for a timeout */
    dtls_flight_add(&flight, data, 14);
    dtls_flight_add(&flight, data + 14, 61);
    assert_true(flight.is_whole);
    dtls_flight_send(&flight, count_bytes, &next);
    assert_int_equal(next, 14 + 61);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closing_is_heard_by_every_cipher_and_role),
        cmocka_unit_test(what_is_damaged_is_nothing),
        cmocka_unit_test(application_data_is_nothing),
        cmocka_unit_test(other_ciphers_are_refused),
        cmocka_unit_test(a_flight_goes_out_as_it_was),
        cmocka_unit_test(the_newest_of_a_flight_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
