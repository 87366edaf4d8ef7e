#include "control/transport/dtls_association.h"

#include <errno.h>
#include <event2/event.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/transport/dtls_bio.h"
#include "control/transport/dtls_farewell.h"
#include "control/transport/dtls_library.h"

#define FIRST_TIMEOUT_US 100000u
#define LAST_TIMEOUT_US 4000000u

/* Preference: the cheapest to forward first. */
#define SRTP_PROFILES "SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80"
#define CIPHERS                                                                                              \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"               \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

struct dtls_context {
    SSL_CTX *ssl;
};

struct dtls_association {
    SSL *ssl; /* NULL once it is finished: farewell and flights stand for it */
    struct dtls_bio bio;
    struct dtls_parameters peer;
    struct dtls_handler handler;
    void *context;
    enum dtls_state state;
    struct event *timer;
    struct dtls_flight last_flight; /* what was sent for the last datagram */
    struct dtls_flight close_notify;
    struct dtls_farewell farewell;
};

/* Certificates here are self-signed: no chain is looked for, and the fingerprint decides, once the handshake
 * is done. */
static int accept_any_certificate(X509_STORE_CTX *store, void *unused)
{
    (void)unused;
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

int dtls_context_create(const struct dtls_certificate *certificate, struct dtls_context **ret_context)
{
    struct dtls_context *made = calloc(1, sizeof *made);
    if (!made)
        return -ENOMEM;
    made->ssl = dtls_library() ? SSL_CTX_new_ex(dtls_library(), NULL, DTLS_method()) : NULL;
    if (!made->ssl || !SSL_CTX_set_min_proto_version(made->ssl, DTLS1_2_VERSION) ||
        !SSL_CTX_set_max_proto_version(made->ssl, DTLS1_2_VERSION) ||
        !SSL_CTX_use_certificate(made->ssl, certificate->x509) ||
        !SSL_CTX_use_PrivateKey(made->ssl, certificate->key) ||
        !SSL_CTX_set_cipher_list(made->ssl, CIPHERS) ||
        !SSL_CTX_set1_groups_list(made->ssl, "X25519:P-256:P-384") ||
        SSL_CTX_set_tlsext_use_srtp(made->ssl, SRTP_PROFILES) != 0) {
        ERR_clear_error();
        dtls_context_destroy(made);
        return -EIO;
    }
    SSL_CTX_set_options(made->ssl, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_QUERY_MTU |
                                       SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(made->ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(made->ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(made->ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(made->ssl, accept_any_certificate, NULL);
    *ret_context = made;
    return 0;
}

void dtls_context_destroy(struct dtls_context *context)
{
    if (!context)
        return;
    SSL_CTX_free(context->ssl);
    free(context);
}

enum dtls_state dtls_association_state(const struct dtls_association *association)
{
    return association->state;
}

static void end(struct dtls_association *association, enum dtls_state state, const char *reason)
{
    if (association->timer)
        evtimer_del(association->timer);
    association->state = state;
    association->handler.ended(association->context, state, reason);
}

static bool fingerprint_matches(const struct dtls_association *association)
{
    const EVP_MD *digest = association->peer.algorithm == DTLS_HASH_SHA_256   ? EVP_sha256()
                           : association->peer.algorithm == DTLS_HASH_SHA_384 ? EVP_sha384()
                                                                              : EVP_sha512();
    uint8_t bytes[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    X509 *certificate = SSL_get1_peer_certificate(association->ssl);
    bool matches = certificate && X509_digest(certificate, digest, bytes, &length) &&
                   length == association->peer.fingerprint_bytes &&
                   CRYPTO_memcmp(bytes, association->peer.fingerprint, length) == 0;
    X509_free(certificate);
    return matches;
}

/* RFC 5764 section 4.2: the exporter gives both keys, then both salts, the client's first. */
static int export_keys(SSL *ssl, struct dtls_srtp_keys *ret_keys)
{
    static const struct {
        unsigned long id;
        enum dtls_srtp_profile profile;
        size_t key;
        size_t salt;
    } profiles[] = {
        {SRTP_AEAD_AES_128_GCM, DTLS_SRTP_AEAD_AES_128_GCM, 16, 12},
        {SRTP_AEAD_AES_256_GCM, DTLS_SRTP_AEAD_AES_256_GCM, 32, 12},
        {SRTP_AES128_CM_SHA1_80, DTLS_SRTP_AES128_CM_SHA1_80, 16, 14},
    };
    static const char label[] = "EXTRACTOR-dtls_srtp";
    const SRTP_PROTECTION_PROFILE *chosen = SSL_get_selected_srtp_profile(ssl);
    uint8_t material[2 * DTLS_SRTP_KEY_MAX];
    size_t i = 0;

    while (i < 3 && (!chosen || profiles[i].id != chosen->id))
        i++;
    if (i == 3)
        return -ENOTSUP;
    size_t key = profiles[i].key;
    size_t salt = profiles[i].salt;
    if (SSL_export_keying_material(ssl, material, 2 * (key + salt), label, sizeof label - 1, NULL, 0, 0) != 1)
        return -EIO;
    uint8_t *of_client = SSL_is_server(ssl) ? ret_keys->receive : ret_keys->send;
    uint8_t *of_server = SSL_is_server(ssl) ? ret_keys->send : ret_keys->receive;
    memcpy(of_client, material, key);
    memcpy(of_client + key, material + 2 * key, salt);
    memcpy(of_server, material + key, key);
    memcpy(of_server + key, material + 2 * key + salt, salt);
    ret_keys->profile = profiles[i].profile;
    ret_keys->bytes = key + salt;
    OPENSSL_cleanse(material, sizeof material);
    return 0;
}

static void keep_close_notify(void *context, const uint8_t *data, size_t length)
{
    struct dtls_association *association = context;
    dtls_flight_add(&association->close_notify, data, length);
}

/* Gives OpenSSL's state back. */
static int settle(struct dtls_association *association)
{
    int err = association->last_flight.is_whole ? dtls_farewell_make(association->ssl, &association->farewell)
                                                : -EMSGSIZE;
    if (err != 0)
        return err;
    dtls_flight_begin(&association->close_notify);
    association->bio.send = keep_close_notify;
    (void)SSL_shutdown(association->ssl);
    SSL_free(association->ssl);
    ERR_clear_error();
    association->ssl = NULL;
    event_free(association->timer);
    association->timer = NULL;
    return 0;
}

static void finish(struct dtls_association *association)
{
    struct dtls_srtp_keys keys = {0};

    evtimer_del(association->timer);
    if (!fingerprint_matches(association)) {
        end(association, DTLS_FAILED, "the peer's certificate has another fingerprint than was signaled");
        return;
    }
    if (export_keys(association->ssl, &keys) != 0) {
        end(association, DTLS_FAILED, "no SRTP profile in common");
        return;
    }
    if (settle(association) == 0) {
        association->state = DTLS_CONNECTED;
        association->handler.connected(association->context, &keys);
    } else {
        end(association, DTLS_FAILED, "its keys cannot be kept");
    }
    OPENSSL_cleanse(&keys, sizeof keys);
}

static void rearm(struct dtls_association *association)
{
    struct timeval left;
    if (DTLSv1_get_timeout(association->ssl, &left))
        evtimer_add(association->timer, &left);
    else
        evtimer_del(association->timer);
}

/* Goes on with the handshake as far as the received datagram allows. */
static void advance(struct dtls_association *association)
{
    char reason[120] = "handshake failed";

    ERR_clear_error();
    int done = SSL_do_handshake(association->ssl);
    if (done == 1) {
        finish(association);
        return;
    }
    int error = SSL_get_error(association->ssl, done);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        rearm(association);
        return;
    }
    unsigned long code = ERR_get_error();
    if (code != 0)
        ERR_error_string_n(code, reason, sizeof reason);
    ERR_clear_error();
    end(association, DTLS_FAILED, reason);
}

static void on_timeout(evutil_socket_t fd, short what, void *context)
{
    struct dtls_association *association = context;
    (void)fd;
    (void)what;
    ERR_clear_error();
    if (DTLSv1_handle_timeout(association->ssl) < 0) {
        ERR_clear_error();
        end(association, DTLS_FAILED, "no answer to the handshake");
        return;
    }
    rearm(association);
}

static unsigned next_timeout_us(SSL *ssl, unsigned timeout_us)
{
    (void)ssl;
    if (timeout_us == 0)
        return FIRST_TIMEOUT_US;
    return timeout_us * 2 < LAST_TIMEOUT_US ? timeout_us * 2 : LAST_TIMEOUT_US;
}

static void send_datagram(void *context, const uint8_t *data, size_t length)
{
    struct dtls_association *association = context;
    dtls_flight_add(&association->last_flight, data, length);
    association->handler.send(association->context, data, length);
}

static int make_ssl(struct dtls_association *association, SSL_CTX *ssl_ctx)
{
    association->ssl = SSL_new(ssl_ctx);
    BIO *bio = association->ssl ? dtls_bio_new(&association->bio) : NULL;
    if (!bio)
        return -ENOMEM;
    SSL_set_bio(association->ssl, bio, bio);
    DTLS_set_timer_cb(association->ssl, next_timeout_us);
    DTLS_set_link_mtu(association->ssl, DTLS_MTU_BYTES);
    SSL_set_mtu(association->ssl, DTLS_MTU_BYTES);
    if (association->peer.role == DTLS_ROLE_CLIENT)
        SSL_set_accept_state(association->ssl);
    else
        SSL_set_connect_state(association->ssl);
    return 0;
}

int dtls_association_create(struct dtls_context *dtls, struct event_base *base,
                            const struct dtls_parameters *peer, const struct dtls_handler *handler,
                            void *context, struct dtls_association **ret_association)
{
    struct dtls_association *made = calloc(1, sizeof *made);
    if (!made)
        return -ENOMEM;
    made->peer = *peer;
    made->handler = *handler;
    made->context = context;
    made->state = DTLS_CONNECTING;
    made->bio.send = send_datagram;
    made->bio.context = made;
    made->timer = evtimer_new(base, on_timeout, made);
    if (!made->timer || make_ssl(made, dtls->ssl) != 0) {
        dtls_association_destroy(made);
        ERR_clear_error();
        return -ENOMEM;
    }
    *ret_association = made;
    if (peer->role != DTLS_ROLE_CLIENT)
        advance(made);
    return 0;
}

void dtls_association_destroy(struct dtls_association *association)
{
    if (!association)
        return;
    if (association->state == DTLS_CONNECTED)
        dtls_flight_send(&association->close_notify, association->handler.send, association->context);
    SSL_free(association->ssl);
    ERR_clear_error();
    if (association->timer)
        event_free(association->timer);
    OPENSSL_cleanse(&association->farewell, sizeof association->farewell);
    free(association);
}

static void listen_on(struct dtls_association *association, const uint8_t *data, size_t length)
{
    switch (dtls_farewell_hear(&association->farewell, data, length)) {
    case DTLS_HEARD_NOTHING:
        break;
    case DTLS_HEARD_HANDSHAKE: /* RFC 6347 section 4.2.4: the last flight is repeated when it is asked for */
        dtls_flight_send(&association->last_flight, association->handler.send, association->context);
        break;
    case DTLS_HEARD_END:
        end(association, DTLS_CLOSED, "closed by the peer");
        break;
    }
}

void dtls_association_receive(struct dtls_association *association, const uint8_t *data, size_t length)
{
    if (association->state == DTLS_CONNECTED) {
        listen_on(association, data, length);
        return;
    }
    if (association->state != DTLS_CONNECTING)
        return;
    dtls_flight_begin(&association->last_flight);
    association->bio.received = data;
    association->bio.received_length = length;
    advance(association);
    association->bio.received = NULL;
}
