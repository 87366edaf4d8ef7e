#include "tools/kolabmeet-load/dtls_client.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "tools/kolabmeet-load/clock.h"
#include "tools/kolabmeet-load/datagram_bio.h"
#include "tools/kolabmeet-load/dtls_identity.h"
#include "tools/kolabmeet-load/memory.h"
#include "tools/kolabmeet-load/srtp_profile.h"

#define MTU_BYTES 1200

enum state { STATE_CONNECTING, STATE_CONNECTED, STATE_ENDED };

struct dtls_client {
    struct loop *loop;
    struct dtls_client_handler handler;
    void *context;
    enum srtp_profile profile;
    SSL *ssl;
    struct datagram_bio bio;
    struct schedule_entry timer;
    enum state state;
};

static void end(struct dtls_client *client, const char *reason)
{
    loop_cancel(client->loop, &client->timer);
    client->state = STATE_ENDED;
    client->handler.ended(client->context, reason);
}

/* RFC 5764 section 4.2: the exporter gives both keys, then both salts, the client's first. */
static int export_keys(const struct dtls_client *client, struct dtls_keys *ret_keys)
{
    static const char label[] = "EXTRACTOR-dtls_srtp";
    size_t key = srtp_profile_cipher_key_bytes(client->profile);
    size_t salt = srtp_key_bytes(client->profile) - key;
    uint8_t material[2 * SRTP_KEY_MAX];

    if (!SSL_get_selected_srtp_profile(client->ssl) ||
        SSL_export_keying_material(client->ssl, material, 2 * (key + salt), label, sizeof label - 1, NULL, 0,
                                   0) != 1)
        return -EIO;
    bool is_server = SSL_is_server(client->ssl);
    uint8_t *of_client = is_server ? ret_keys->receive : ret_keys->send;
    uint8_t *of_server = is_server ? ret_keys->send : ret_keys->receive;
    memcpy(of_client, material, key);
    memcpy(of_client + key, material + 2 * key, salt);
    memcpy(of_server, material + key, key);
    memcpy(of_server + key, material + 2 * key + salt, salt);
    ret_keys->profile = client->profile;
    OPENSSL_cleanse(material, sizeof material);
    return 0;
}

static void finish(struct dtls_client *client)
{
    struct dtls_keys keys;

    loop_cancel(client->loop, &client->timer);
    if (export_keys(client, &keys) != 0) {
        end(client, "DTLS: the server takes no SRTP profile that is offered");
        return;
    }
    client->state = STATE_CONNECTED;
    client->handler.connected(client->context, &keys);
    OPENSSL_cleanse(&keys, sizeof keys);
}

static void arm(struct dtls_client *client)
{
    struct timeval left;

    if (DTLSv1_get_timeout(client->ssl, &left))
        loop_at(client->loop, &client->timer,
                clock_ns() + (uint64_t)left.tv_sec * CLOCK_SECOND_NS + (uint64_t)left.tv_usec * 1000);
}

static void advance(struct dtls_client *client)
{
    ERR_clear_error();
    int done = SSL_do_handshake(client->ssl);
    if (done == 1) {
        finish(client);
        return;
    }
    int error = SSL_get_error(client->ssl, done);
    ERR_clear_error();
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        arm(client);
    else
        end(client, "DTLS handshake failed");
}

static void timed_out(void *context, uint64_t now_ns)
{
    struct dtls_client *client = context;

    (void)now_ns;
    int result = DTLSv1_handle_timeout(client->ssl);
    ERR_clear_error();
    if (result < 0)
        end(client, "DTLS: no answer to the handshake");
    else
        arm(client);
}

static void send_datagram(void *context, const uint8_t *data, size_t length)
{
    struct dtls_client *client = context;
    client->handler.send(client->context, data, length);
}

int dtls_client_create(const struct dtls_identity *identity, struct loop *loop, bool is_server,
                       const struct dtls_client_handler *handler, void *context,
                       struct dtls_client **ret_client)
{
    struct dtls_client *client = memory_take(1, sizeof *client);

    client->loop = loop;
    client->handler = *handler;
    client->context = context;
    client->profile = identity->profile;
    client->timer = (struct schedule_entry){.run = timed_out, .context = client};
    client->bio = (struct datagram_bio){.send = send_datagram, .context = client};
    client->ssl = SSL_new(identity->context);
    BIO *bio = client->ssl ? datagram_bio_new(&client->bio) : NULL;
    if (!bio) {
        SSL_free(client->ssl);
        free(client);
        return -ENOMEM;
    }
    SSL_set_bio(client->ssl, bio, bio);
    SSL_set_mtu(client->ssl, MTU_BYTES);
    *ret_client = client;
    if (is_server) {
        SSL_set_accept_state(client->ssl);
    } else {
        SSL_set_connect_state(client->ssl);
        advance(client);
    }
    return 0;
}

void dtls_client_destroy(struct dtls_client *client)
{
    if (!client)
        return;
    loop_cancel(client->loop, &client->timer);
    if (client->state == STATE_CONNECTED)
        (void)SSL_shutdown(client->ssl);
    ERR_clear_error();
    SSL_free(client->ssl);
    free(client);
}

static void read_records(struct dtls_client *client)
{
    uint8_t data[2048];

    ERR_clear_error();
    while (SSL_read(client->ssl, data, sizeof data) > 0)
        ;
    ERR_clear_error();
    if (SSL_get_shutdown(client->ssl) & SSL_RECEIVED_SHUTDOWN)
        end(client, "DTLS closed by the server");
}

void dtls_client_receive(struct dtls_client *client, const uint8_t *data, size_t length)
{
    client->bio.received = data;
    client->bio.received_bytes = length;
    if (client->state == STATE_CONNECTING)
        advance(client);
    else if (client->state == STATE_CONNECTED)
        read_records(client);
    client->bio.received = NULL;
}
