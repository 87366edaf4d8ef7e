#include "tests/unit/control/gateway_harness.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

static char folder[] = "/tmp/gateway_tls.XXXXXX";
static char cert_path[64], key_path[64], other_key_path[64], broken_path[64];

static void write_key(const char *path, EVP_PKEY *key)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
}

/* A certificate that signs itself. */
static void write_certificate(const char *path, EVP_PKEY *key, long serial)
{
    X509 *cert = X509_new();
    X509_NAME *name = X509_get_subject_name(cert);

    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(cert, name);
    X509_set_pubkey(cert, key);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, cert), 1);
    fclose(file);
    X509_free(cert);
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int make_files(void **state)
{
    (void)state;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    EVP_PKEY *other = EVP_EC_gen("P-256");

    if (!mkdtemp(folder))
        return -1;
    snprintf(cert_path, sizeof(cert_path), "%s/cert.pem", folder);
    snprintf(key_path, sizeof(key_path), "%s/key.pem", folder);
    snprintf(other_key_path, sizeof(other_key_path), "%s/other.pem", folder);
    snprintf(broken_path, sizeof(broken_path), "%s/broken.pem", folder);
    write_key(key_path, key);
    write_key(other_key_path, other);
    write_certificate(cert_path, key, 1);
    write_text(broken_path, "-----BEGIN NOTHING-----\n");
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    unlink(cert_path);
    unlink(key_path);
    unlink(other_key_path);
    unlink(broken_path);
    return rmdir(folder);
}

struct client {
    int socket;
    SSL_CTX *context;
    SSL *ssl;
};

static int try_connect(const struct harness *harness, struct client *client, int max_version)
{
    static const unsigned char alpn[] = "\x02h2\x08http/1.1";

    client->socket = harness_connect(harness);
    client->context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(client->context, 0);
    SSL_CTX_set_max_proto_version(client->context, max_version);
    SSL_CTX_set_alpn_protos(client->context, alpn, sizeof(alpn) - 1);
    client->ssl = SSL_new(client->context);
    SSL_set_fd(client->ssl, client->socket);
    return SSL_connect(client->ssl);
}

static void disconnect(struct client *client)
{
    SSL_free(client->ssl);
    SSL_CTX_free(client->context);
    close(client->socket);
    ERR_clear_error();
}

static void start_tls(struct harness *harness)
{
    harness_init(harness);
    harness->config.cert_path = cert_path;
    harness->config.key_path = key_path;
    harness_start(harness);
}

/* Reads until `text` has come. */
static void expect_text(struct client *client, const char *text)
{
    char got[4096] = "";
    size_t have = 0;

    while (!strstr(got, text)) {
        assert_true(have + 1 < sizeof(got));
        int count = SSL_read(client->ssl, got + have, (int)(sizeof(got) - 1 - have));
        assert_true(count > 0);
        have += (size_t)count;
        got[have] = '\0';
    }
}

static void requests_over_tls(void **state)
{
    (void)state;
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct harness harness;

    start_tls(&harness);
    for (size_t i = 0; i < 2; i++) {
        static const char first[] = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
        static const char last[] = "GET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        struct client client;
        const unsigned char *alpn;
        unsigned alpn_length;
        char rest;

        assert_int_equal(try_connect(&harness, &client, versions[i]), 1);
        assert_int_equal(SSL_version(client.ssl), versions[i]);
        SSL_get0_alpn_selected(client.ssl, &alpn, &alpn_length);
        assert_int_equal(alpn_length, 8);
        assert_memory_equal(alpn, "http/1.1", 8);
        assert_int_equal(SSL_write(client.ssl, first, sizeof(first) - 1), sizeof(first) - 1);
        expect_text(&client, "GET /a ? token=- body=0:");
        assert_int_equal(SSL_write(client.ssl, last, sizeof(last) - 1), sizeof(last) - 1);
        expect_text(&client, "GET /b ? token=- body=0:");
        /* Ended in order, by close_notify. */
        int end = SSL_read(client.ssl, &rest, 1);
        assert_int_equal(SSL_get_error(client.ssl, end), SSL_ERROR_ZERO_RETURN);
        disconnect(&client);
    }
    harness_stop(&harness);
}

static void old_versions_are_refused(void **state)
{
    (void)state;
    struct harness harness;
    struct client client;

    start_tls(&harness);
    assert_true(try_connect(&harness, &client, TLS1_1_VERSION) <= 0);
    disconnect(&client);
    harness_stop(&harness);
}

/* More than one TLS record each way, so that the gateway's input is held back and its output blocks. */
static void big_messages_over_tls(void **state)
{
    (void)state;
    struct harness harness;
    struct client client;
    size_t length = 900000;
    size_t total = length + 10 + 37; /* its frame header, and the first frame */
    uint8_t *frame = calloc(1, length + 14);
    uint8_t *got = calloc(1, 129 + 2 + total);

    start_tls(&harness);
    assert_int_equal(try_connect(&harness, &client, TLS1_3_VERSION), 1);
    static const char request[] = WS_REQUEST("/meetmedia/signaling") "\r\n";
    assert_true(SSL_write(client.ssl, request, sizeof(request) - 1) > 0);
    /* Zero as mask and as payload. */
    memcpy(frame, "\x82\xff\0\0\0\0\0\x0d\xbb\xa0", 10);
    for (size_t sent = 0; sent < length + 14;) {
        int count = SSL_write(client.ssl, frame + sent, (int)(length + 14 - sent));
        assert_true(count > 0);
        sent += (size_t)count;
    }
    for (size_t have = 0; have < 129 + 2 + total;) {
        int count = SSL_read(client.ssl, got + have, (int)(129 + 2 + total - have));
        assert_true(count > 0);
        have += (size_t)count;
    }
    assert_memory_equal(got, "HTTP/1.1 101 ", 13);
    assert_memory_equal(got + 129 + 2 + 37, "\x82\x7f\0\0\0\0\0\x0d\xbb\xa0", 10);
    disconnect(&client);
    wait_for(&harness.ws_closed, 1);
    harness_stop(&harness);
    free(frame);
    free(got);
}

static void plain_bytes_on_the_tls_port_end_only_their_connection(void **state)
{
    (void)state;
    struct harness harness;
    struct client client;

    start_tls(&harness);
    int plain = harness_connect(&harness);
    put_text(plain, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    char byte;
    while (recv(plain, &byte, 1, 0) > 0)
        ;
    close(plain);
    assert_int_equal(try_connect(&harness, &client, TLS1_3_VERSION), 1);
    disconnect(&client);
    harness_stop(&harness);
}

static void bad_certificates_are_named(void **state)
{
    (void)state;
    static const struct gateway_handler handler = {0};
    const struct {
        const char *cert, *key;
        int result;
        const char *error;
    } cases[] = {
        {"/nowhere/cert.pem", key_path, -ENOENT,
         "cannot read the certificate /nowhere/cert.pem: No such file"},
        {cert_path, "/nowhere/key.pem", -ENOENT, "cannot read the key /nowhere/key.pem: No such file"},
        {folder, key_path, -EISDIR, "cannot read the certificate"},
        {broken_path, key_path, -EINVAL, "is no usable PEM certificate"},
        {cert_path, broken_path, -EINVAL, "is no usable PEM key"},
        {cert_path, other_key_path, -EINVAL, "not the key of"},
    };
    struct event_base *base = event_base_new();

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gateway_config config;
        struct gateway *gateway = NULL;
        char error[GATEWAY_ERROR_MAX] = "";

        gateway_config_init(&config);
        config.host = "127.0.0.1";
        config.cert_path = cases[i].cert;
        config.key_path = cases[i].key;
        assert_int_equal(gateway_create(&config, base, &handler, NULL, &gateway, error, sizeof(error)),
                         cases[i].result);
        assert_null(gateway);
        assert_non_null(strstr(error, cases[i].error));
        assert_null(strchr(error, '\n'));
    }
    event_base_free(base);
}

static long serial_of_a_connection(const struct harness *harness, int version)
{
    struct client client;

    assert_int_equal(try_connect(harness, &client, version), 1);
    X509 *cert = SSL_get1_peer_certificate(client.ssl);
    assert_non_null(cert);
    long serial = ASN1_INTEGER_get(X509_get0_serialNumber(cert));
    X509_free(cert);
    disconnect(&client);
    return serial;
}

/* A certificate that was read again is used from the gateway thread's next turn on. */
static void expect_serial(const struct harness *harness, int version, long serial)
{
    long seen = serial_of_a_connection(harness, version);

    for (int i = 0; i < 100 && seen != serial; i++) {
        usleep(20000);
        seen = serial_of_a_connection(harness, version);
    }
    assert_int_equal(seen, serial);
}

static void the_certificate_is_read_again(void **state)
{
    (void)state;
    static const char request[] = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
    struct harness harness;
    struct client client;
    char error[GATEWAY_ERROR_MAX] = "";
    EVP_PKEY *rsa = EVP_RSA_gen(2048), *last = EVP_EC_gen("P-256");

    start_tls(&harness);
    assert_int_equal(try_connect(&harness, &client, TLS1_3_VERSION), 1);
    expect_serial(&harness, TLS1_2_VERSION, 1);

    /* A key of another type takes the place of the first, and does not stand beside it. */
    write_key(key_path, rsa);
    write_certificate(cert_path, rsa, 2);
    expect_serial(&harness, TLS1_3_VERSION, 1);
    assert_int_equal(gateway_reload_certificate(harness.gateway, error, sizeof(error)), 0);
    expect_serial(&harness, TLS1_2_VERSION, 2);
    expect_serial(&harness, TLS1_3_VERSION, 2);

    /* Broken files change nothing. */
    write_text(cert_path, "-----BEGIN NOTHING-----\n");
    assert_int_equal(gateway_reload_certificate(harness.gateway, error, sizeof(error)), -EINVAL);
    assert_non_null(strstr(error, "is no usable PEM certificate"));
    assert_null(strchr(error, '\n'));
    expect_serial(&harness, TLS1_3_VERSION, 2);
    write_certificate(cert_path, last, 3);
    assert_int_equal(gateway_reload_certificate(harness.gateway, error, sizeof(error)), -EINVAL);
    assert_non_null(strstr(error, "not the key of"));
    expect_serial(&harness, TLS1_2_VERSION, 2);

    /* Twice, before anybody connects. */
    write_key(key_path, last);
    for (int i = 0; i < 2; i++)
        assert_int_equal(gateway_reload_certificate(harness.gateway, error, sizeof(error)), 0);
    expect_serial(&harness, TLS1_2_VERSION, 3);

    /* The connection from before has seen nothing of it. */
    assert_int_equal(SSL_write(client.ssl, request, sizeof(request) - 1), sizeof(request) - 1);
    expect_text(&client, "GET /a ? token=- body=0:");
    disconnect(&client);
    harness_stop(&harness);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(last);

    harness_init(&harness);
    harness_start(&harness);
    assert_int_equal(gateway_reload_certificate(harness.gateway, error, sizeof(error)), -ENOTSUP);
    harness_stop(&harness);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_over_tls),
        cmocka_unit_test(old_versions_are_refused),
        cmocka_unit_test(big_messages_over_tls),
        cmocka_unit_test(plain_bytes_on_the_tls_port_end_only_their_connection),
        cmocka_unit_test(bad_certificates_are_named),
        cmocka_unit_test(the_certificate_is_read_again),
    };

    return cmocka_run_group_tests(tests, make_files, remove_files);
}
