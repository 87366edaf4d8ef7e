/* STUN writing: what is written reads back, is authenticated, and is no longer than promised. */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "hmac_sha1.h"
#include "proto/wire/bytes.h"
#include "proto/wire/stun_write.h"
#include "wire_test.h"

static const uint8_t transaction_id[STUN_TRANSACTION_ID_BYTES] = "abcdefghijkl";
static const uint8_t password[] = "a password of twenty-two";
static const struct stun_key key = {password, sizeof password - 1, hmac_sha1_by_hand};

static const struct sockaddr_in *ipv4(void)
{
    static struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_port = htons(49203);
    inet_pton(AF_INET, "198.51.100.7", &address.sin_addr);
    return &address;
}

static const struct sockaddr_in6 *ipv6(void)
{
    static struct sockaddr_in6 address = {.sin6_family = AF_INET6};
    address.sin6_port = htons(1);
    inet_pton(AF_INET6, "2001:db8::ff:1", &address.sin6_addr);
    return &address;
}

static void check_ends(const struct stun_message *m, bool authenticated)
{
    assert_true(stun_check_fingerprint(m));
    assert_int_equal(
        stun_check_integrity(m, &(struct stun_key){password, sizeof password - 1, hmac_sha1_by_hand}),
        authenticated);
    assert_memory_equal(m->transaction_id, transaction_id, sizeof transaction_id);
    assert_int_equal(m->method, STUN_METHOD_BINDING);
}

static void test_success_ipv4(void **state)
{
    (void)state;
    uint8_t buffer[STUN_SUCCESS_MAX];
    struct stun_message m;
    struct sockaddr_storage got;
    int length =
        stun_write_success(buffer, sizeof buffer, transaction_id, (const struct sockaddr *)ipv4(), &key);
    assert_int_equal(length, 20 + 12 + 24 + 8);
    assert_int_equal(stun_parse(buffer, (size_t)length, &m), 0);
    assert_int_equal(m.class, STUN_SUCCESS);
    check_ends(&m, true);
    assert_int_equal(stun_xor_mapped_address(&m, &got), 0);
    assert_memory_equal(&got, ipv4(), sizeof(struct sockaddr_in));
}

static void test_success_ipv6(void **state)
{
    (void)state;
    uint8_t buffer[STUN_SUCCESS_MAX];
    struct stun_message m;
    struct sockaddr_storage got;
    int length =
        stun_write_success(buffer, sizeof buffer, transaction_id, (const struct sockaddr *)ipv6(), &key);
    assert_int_equal(length, STUN_SUCCESS_MAX);
    assert_int_equal(stun_parse(buffer, (size_t)length, &m), 0);
    check_ends(&m, true);
    assert_int_equal(stun_xor_mapped_address(&m, &got), 0);
    assert_memory_equal(&got, ipv6(), sizeof(struct sockaddr_in6));
}

static void test_success_of_the_rfc(void **state)
{
    (void)state;
    /* RFC 5769 section 2.2, less its SOFTWARE attribute. */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(32853)};
    uint8_t buffer[STUN_SUCCESS_MAX];
    inet_pton(AF_INET, "192.0.2.1", &address.sin_addr);
    int length = stun_write_success(buffer, sizeof buffer,
                                    (const uint8_t *)"\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae",
                                    (const struct sockaddr *)&address, NULL);
    assert_int_equal(length, 20 + 12 + 8);
    assert_memory_equal(buffer,
                        "\x01\x01\x00\x14\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"
                        "\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43\x80\x28\x00\x04",
                        36);
}

static void test_other_families_are_refused(void **state)
{
    (void)state;
    uint8_t buffer[STUN_SUCCESS_MAX];
    struct sockaddr address = {.sa_family = AF_UNIX};
    assert_int_equal(stun_write_success(buffer, sizeof buffer, transaction_id, &address, &key),
                     -EAFNOSUPPORT);
}

static void test_errors(void **state)
{
    (void)state;
    static const unsigned codes[] = {STUN_BAD_REQUEST, STUN_UNAUTHORIZED, STUN_ROLE_CONFLICT, 300, 699};
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        uint8_t buffer[128];
        struct stun_message m;
        bool authenticated = codes[i] == STUN_ROLE_CONFLICT;
        int length = stun_write_error(buffer, sizeof buffer, transaction_id, codes[i], NULL, 0,
                                      authenticated ? &key : NULL);
        assert_int_equal(length, 20 + 8 + 8 + (authenticated ? 24 : 0));
        assert_int_equal(stun_parse(buffer, (size_t)length, &m), 0);
        assert_int_equal(m.class, STUN_ERROR);
        assert_int_equal(m.error_code, codes[i]);
        check_ends(&m, authenticated);
    }
    uint8_t buffer[128];
    assert_int_equal(stun_write_error(buffer, sizeof buffer, transaction_id, 299, NULL, 0, &key), -EINVAL);
    assert_int_equal(stun_write_error(buffer, sizeof buffer, transaction_id, 700, NULL, 0, &key), -EINVAL);
}

static void test_unknown_attributes(void **state)
{
    (void)state;
    const uint16_t unknown[] = {0x7001, 0x7002, 0x7003};
    uint8_t buffer[128];
    struct stun_message m;
    int length =
        stun_write_error(buffer, sizeof buffer, transaction_id, STUN_UNKNOWN_ATTRIBUTE, unknown, 3, &key);
    assert_int_equal(length, 20 + 8 + 12 + 24 + 8);
    assert_int_equal(stun_parse(buffer, (size_t)length, &m), 0);
    assert_int_equal(m.error_code, 420);
    check_ends(&m, true);
    /* Six bytes and two of zero padding. */
    assert_memory_equal(buffer + 28, "\x00\x0a\x00\x06\x70\x01\x70\x02\x70\x03\x00\x00", 12);

    uint16_t many[100] = {0};
    length = stun_write_error(buffer, sizeof buffer, transaction_id, STUN_UNKNOWN_ATTRIBUTE, many, 100, NULL);
    assert_int_equal(length, 20 + 8 + 4 + 2 * STUN_UNKNOWN_MAX + 8);
}

static void test_binding_request(void **state)
{
    (void)state;
    struct stun_binding_request request = {
        .transaction_id = transaction_id,
        .username = "remote:local",
        .username_length = 12,
        .priority = 0x6e7f1eff,
        .tiebreaker = 0x0123456789abcdefu,
        .controlling = true,
        .use_candidate = true,
        .has_nomination = true,
        .nomination = 9,
    };
    uint8_t buffer[256];
    struct stun_message m;
    int length = stun_write_binding_request(buffer, sizeof buffer, &request, &key);
    assert_true(length > 0);
    assert_int_equal(stun_parse(buffer, (size_t)length, &m), 0);
    check_ends(&m, true);
    assert_int_equal(m.class, STUN_REQUEST);
    assert_int_equal(m.username_length, 12);
    assert_memory_equal(m.username, "remote:local", 12);
    assert_int_equal(m.priority, 0x6e7f1eff);
    assert_true(m.has_controlling);
    assert_true(m.tiebreaker == 0x0123456789abcdefu);
    assert_true(m.use_candidate);
    assert_int_equal(m.nomination, 9);

    request.controlling = false;
    request.use_candidate = false;
    request.has_nomination = false;
    request.username = NULL;
    request.username_length = 0;
    length = stun_write_binding_request(buffer, sizeof buffer, &request, &key);
    assert_int_equal(stun_parse(buffer, (size_t)length, &m), 0);
    assert_true(m.has_controlled && !m.has_controlling && !m.use_candidate && !m.has_nomination);
    assert_null(m.username);

    request.username_length = STUN_USERNAME_MAX + 1;
    assert_int_equal(stun_write_binding_request(buffer, sizeof buffer, &request, &key), -EINVAL);
}

static void test_padding_is_zero(void **state)
{
    (void)state;
    struct stun_binding_request request = {
        .transaction_id = transaction_id, .username = "a:bcd", .username_length = 5};
    uint8_t buffer[256];
    memset(buffer, 0xee, sizeof buffer);
    assert_true(stun_write_binding_request(buffer, sizeof buffer, &request, &key) > 0);
    assert_memory_equal(buffer + 20,
                        "\x00\x06\x00\x05"
                        "a:bcd\0\0\0",
                        12);
}

/* At every capacity: the whole message or -ENOSPC, and never a byte beyond. */
static void test_every_capacity(void **state)
{
    (void)state;
    const struct stun_binding_request request = {
        .transaction_id = transaction_id, .username = "a:b", .username_length = 3, .use_candidate = true};
    const uint16_t unknown[] = {1, 2, 3};
    for (size_t capacity = 0; capacity <= 128; capacity++) {
        uint8_t *buffer = malloc(capacity ? capacity : 1);
        assert_non_null(buffer);
        assert_int_equal(
            stun_write_success(buffer, capacity, transaction_id, (const struct sockaddr *)ipv6(), &key),
            capacity < STUN_SUCCESS_MAX ? -ENOSPC : STUN_SUCCESS_MAX);
        assert_int_equal(stun_write_error(buffer, capacity, transaction_id, 420, unknown, 3, &key),
                         capacity < 72 ? -ENOSPC : 72);
        assert_int_equal(stun_write_binding_request(buffer, capacity, &request, &key),
                         capacity < 84 ? -ENOSPC : 84);
        free(buffer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_success_ipv4),
        cmocka_unit_test(test_success_ipv6),
        cmocka_unit_test(test_success_of_the_rfc),
        cmocka_unit_test(test_other_families_are_refused),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_unknown_attributes),
        cmocka_unit_test(test_binding_request),
        cmocka_unit_test(test_padding_is_zero),
        cmocka_unit_test(test_every_capacity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
