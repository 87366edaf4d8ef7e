#include "control/transport/dtls_farewell.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#define RECORD_HEADER_BYTES 13
#define TAG_BYTES 16
#define RECORD_BYTES_MAX 2048 /* nothing longer comes in a datagram that we receive */

enum { RECORD_ALERT = 21, RECORD_HANDSHAKE = 22 };
enum { ALERT_CLOSE_NOTIFY = 0, ALERT_FATAL = 2 };

/* explicit_bytes: of the nonce, that stand in each record. */
static const struct cipher {
    int nid;
    size_t key_bytes;
    size_t iv_bytes;
    size_t explicit_bytes;
    const EVP_CIPHER *(*get)(void);
} ciphers[] = {
    {NID_aes_128_gcm, 16, 4, 8, EVP_aes_128_gcm},
    {NID_aes_256_gcm, 32, 4, 8, EVP_aes_256_gcm},
    {NID_chacha20_poly1305, 32, 12, 0, EVP_chacha20_poly1305},
};

static const struct cipher *find_cipher(int nid)
{
    for (size_t i = 0; i < sizeof ciphers / sizeof *ciphers; i++)
        if (ciphers[i].nid == nid)
            return &ciphers[i];
    return NULL;
}

/* RFC 5246 section 6.3. */
static int expand_keys(SSL *ssl, uint8_t *ret_block, size_t bytes)
{
    static const char label[] = "key expansion";
    uint8_t master[SSL_MAX_MASTER_KEY_LENGTH];
    uint8_t client[SSL3_RANDOM_SIZE];
    uint8_t server[SSL3_RANDOM_SIZE];
    const EVP_MD *digest = SSL_CIPHER_get_handshake_digest(SSL_get_current_cipher(ssl));
    size_t master_bytes = SSL_SESSION_get_master_key(SSL_get_session(ssl), master, sizeof master);
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_PRF, NULL);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);

    SSL_get_client_random(ssl, client, sizeof client);
    SSL_get_server_random(ssl, server, sizeof server);
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)EVP_MD_get0_name(digest), 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, master, master_bytes),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, (void *)label, sizeof label - 1),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, server, sizeof server),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, client, sizeof client),
        OSSL_PARAM_construct_end(),
    };
    bool made = context && EVP_KDF_derive(context, ret_block, bytes, parameters) == 1;
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    OPENSSL_cleanse(master, sizeof master);
    ERR_clear_error();
    return made ? 0 : -EIO;
}

int dtls_farewell_make(SSL *ssl, struct dtls_farewell *ret_farewell)
{
    const SSL_CIPHER *suite = SSL_get_current_cipher(ssl);
    const struct cipher *cipher = suite ? find_cipher(SSL_CIPHER_get_cipher_nid(suite)) : NULL;
    uint8_t block[2 * (32 + 12)];

    if (!cipher || SSL_version(ssl) != DTLS1_2_VERSION)
        return -ENOTSUP;
    size_t key = cipher->key_bytes;
    size_t iv = cipher->iv_bytes;
    int err = expand_keys(ssl, block, 2 * (key + iv));
    if (err != 0)
        return err;
    /* The client's key, the server's, then the nonces' parts. */
    size_t peer = SSL_is_server(ssl) ? 0 : 1;
    memset(ret_farewell, 0, sizeof *ret_farewell);
    memcpy(ret_farewell->key, block + peer * key, key);
    memcpy(ret_farewell->iv, block + 2 * key + peer * iv, iv);
    ret_farewell->cipher = cipher->nid;
    ret_farewell->newest = (uint64_t)1 << 48; /* its Finished */
    OPENSSL_cleanse(block, sizeof block);
    return 0;
}

static uint64_t load_number(const uint8_t *record)
{
    uint64_t number = 0;
    for (size_t i = 3; i < 11; i++)
        number = number << 8 | record[i];
    return number;
}

/* Deciphers the record's body into ret_text. */
static bool open_record(const struct dtls_farewell *farewell, const uint8_t *record, size_t body_bytes,
                        uint8_t ret_text[RECORD_BYTES_MAX], size_t *ret_bytes)
{
    const struct cipher *cipher = find_cipher(farewell->cipher);
    size_t overhead = cipher->explicit_bytes + TAG_BYTES;
    uint8_t nonce[12];
    uint8_t associated[RECORD_HEADER_BYTES];
    int length = 0;

    if (body_bytes < overhead || body_bytes > RECORD_BYTES_MAX)
        return false;
    size_t bytes = body_bytes - overhead;
    memcpy(associated, record + 3, 8); /* epoch and number, type, version, length of the text */
    memcpy(associated + 8, record, 3);
    associated[11] = (uint8_t)(bytes >> 8);
    associated[12] = (uint8_t)bytes;
    const uint8_t *body = record + RECORD_HEADER_BYTES;
    memcpy(nonce, farewell->iv, sizeof nonce);
    if (cipher->explicit_bytes > 0)
        memcpy(nonce + cipher->iv_bytes, body, cipher->explicit_bytes);
    else
        for (size_t i = 0; i < 8; i++)
            nonce[4 + i] ^= record[3 + i];
    const uint8_t *text = body + cipher->explicit_bytes;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool opened =
        context && EVP_DecryptInit_ex(context, cipher->get(), NULL, farewell->key, nonce) == 1 &&
        EVP_DecryptUpdate(context, NULL, &length, associated, sizeof associated) == 1 &&
        EVP_DecryptUpdate(context, ret_text, &length, text, (int)bytes) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, (void *)(text + bytes)) == 1 &&
        EVP_DecryptFinal_ex(context, ret_text + length, &length) == 1;
    EVP_CIPHER_CTX_free(context);
    ERR_clear_error();
    *ret_bytes = bytes;
    return opened;
}

static enum dtls_heard hear_record(struct dtls_farewell *farewell, const uint8_t *record, size_t body_bytes)
{
    uint8_t text[RECORD_BYTES_MAX];
    size_t bytes;
    uint64_t number = load_number(record);

    if ((record[0] != RECORD_ALERT && record[0] != RECORD_HANDSHAKE) || number >> 48 != 1 ||
        number <= farewell->newest || !open_record(farewell, record, body_bytes, text, &bytes))
        return DTLS_HEARD_NOTHING;
    farewell->newest = number;
    if (record[0] == RECORD_HANDSHAKE)
        return DTLS_HEARD_HANDSHAKE;
    return bytes == 2 && (text[0] == ALERT_FATAL || text[1] == ALERT_CLOSE_NOTIFY) ? DTLS_HEARD_END
                                                                                   : DTLS_HEARD_NOTHING;
}

enum dtls_heard dtls_farewell_hear(struct dtls_farewell *farewell, const uint8_t *data, size_t length)
{
    enum dtls_heard most = DTLS_HEARD_NOTHING;

    while (length >= RECORD_HEADER_BYTES) {
        size_t body_bytes = (size_t)data[11] << 8 | data[12];
        if (body_bytes > length - RECORD_HEADER_BYTES)
            break;
        enum dtls_heard heard = hear_record(farewell, data, body_bytes);
        if (heard > most)
            most = heard;
        data += RECORD_HEADER_BYTES + body_bytes;
        length -= RECORD_HEADER_BYTES + body_bytes;
    }
    return most;
}

void dtls_flight_begin(struct dtls_flight *flight)
{
    memset(flight, 0, sizeof *flight);
    flight->is_whole = true;
}

void dtls_flight_add(struct dtls_flight *flight, const uint8_t *data, size_t length)
{
    uint8_t end = flight->count > 0 ? flight->ends[flight->count - 1] : 0;

    if (flight->count == sizeof flight->ends || length > sizeof flight->data - end)
        flight->count = end = 0;
    flight->is_whole = length <= sizeof flight->data;
    if (!flight->is_whole)
        return;
    memcpy(flight->data + end, data, length);
    flight->ends[flight->count++] = (uint8_t)(end + length);
}

void dtls_flight_send(const struct dtls_flight *flight,
                      void (*send)(void *context, const uint8_t *data, size_t length), void *context)
{
    size_t begin = 0;
    for (size_t i = 0; i < flight->count; i++) {
        send(context, flight->data + begin, flight->ends[i] - begin);
        begin = flight->ends[i];
    }
}
