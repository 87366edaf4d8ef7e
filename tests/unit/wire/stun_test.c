/* STUN reading: the vectors of RFC 5769, and messages that lie. */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "hmac_sha1.h"
#include "proto/wire/bytes.h"
#include "proto/wire/stun.h"
#include "stun_vectors.h"
#include "wire_test.h"

#define BYTES(literal) ((const uint8_t *)(literal)), (sizeof(literal) - 1)
#define PASSWORD BYTES(RFC5769_PASSWORD)

static void test_hmac_of_the_tests(void **state)
{
    (void)state;
    /* RFC 2202 test case 2. */
    uint8_t mac[20];
    hmac_sha1_by_hand(BYTES("Jefe"), BYTES("what do ya want for nothing?"), mac);
    assert_memory_equal(
        mac, "\xef\xfc\xdf\x6a\xe5\xeb\x2f\xa2\xd2\x74\x16\xd5\xf1\x84\xdf\x9c\x25\x9a\x7c\x79", 20);
}

static void test_sample_request(void **state)
{
    (void)state;
    struct stun_message m;
    assert_int_equal(stun_parse(BYTES(rfc5769_request), &m), 0);
    assert_int_equal(m.class, STUN_REQUEST);
    assert_int_equal(m.method, STUN_METHOD_BINDING);
    assert_memory_equal(m.transaction_id, "\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae", 12);
    assert_int_equal(m.username_length, 9);
    assert_memory_equal(m.username, "evtj:h6vY", 9);
    assert_true(m.has_priority);
    assert_int_equal(m.priority, 0x6e0001ff);
    assert_true(m.has_controlled);
    assert_false(m.has_controlling);
    assert_true(m.tiebreaker == 0x932ff9b151263b36u);
    assert_false(m.use_candidate);
    assert_false(m.has_nomination);
    assert_int_equal(m.unknown_count, 0);
    assert_int_equal(m.error_code, 0);
    assert_true(stun_check_fingerprint(&m));
    assert_true(stun_check_integrity(&m, &(struct stun_key){PASSWORD, hmac_sha1_by_hand}));
    assert_false(
        stun_check_integrity(&m, &(struct stun_key){BYTES("VOkJxbRl1RmTxUk/WvJxBT"), hmac_sha1_by_hand}));
    assert_false(stun_check_integrity(&m, &(struct stun_key){BYTES(""), hmac_sha1_by_hand}));
}

static void test_whom_a_username_names(void **state)
{
    (void)state;
    struct stun_message m;
    assert_int_equal(stun_parse(BYTES(rfc5769_request), &m), 0);
    assert_true(stun_is_addressed_to(&m, "evtj", 4));
    assert_false(stun_is_addressed_to(&m, "evt", 3));
    assert_false(stun_is_addressed_to(&m, "evtj:", 5));
    assert_false(stun_is_addressed_to(&m, "evtk", 4));
    assert_false(stun_is_addressed_to(&m, "", 0));
    assert_false(stun_is_addressed_to(&m, "evtj:h6vY", 9));
    assert_false(stun_is_addressed_to(&m, "evtj:h6vY:evtj:h6vY", 19));
    m.username = NULL;
    assert_false(stun_is_addressed_to(&m, "evtj", 4));
}

static void check_response(const uint8_t *data, size_t length, struct sockaddr_storage *ret_address)
{
    struct stun_message m;
    assert_int_equal(stun_parse(data, length, &m), 0);
    assert_int_equal(m.class, STUN_SUCCESS);
    assert_int_equal(m.method, STUN_METHOD_BINDING);
    assert_true(stun_check_fingerprint(&m));
    assert_true(stun_check_integrity(&m, &(struct stun_key){PASSWORD, hmac_sha1_by_hand}));
    assert_int_equal(stun_xor_mapped_address(&m, ret_address), 0);
}

static void test_sample_ipv4_response(void **state)
{
    (void)state;
    struct sockaddr_storage address;
    check_response(BYTES(rfc5769_ipv4_response), &address);
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address;
    assert_int_equal(v4->sin_family, AF_INET);
    assert_int_equal(ntohs(v4->sin_port), 32853);
    assert_int_equal(ntohl(v4->sin_addr.s_addr), 0xc0000201);
}

static void test_sample_ipv6_response(void **state)
{
    (void)state;
    struct sockaddr_storage address;
    struct in6_addr expected;
    check_response(BYTES(rfc5769_ipv6_response), &address);
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address;
    inet_pton(AF_INET6, "2001:db8:1234:5678:11:2233:4455:6677", &expected);
    assert_int_equal(v6->sin6_family, AF_INET6);
    assert_int_equal(ntohs(v6->sin6_port), 32853);
    assert_memory_equal(&v6->sin6_addr, &expected, 16);
}

static void test_sample_long_term_request(void **state)
{
    (void)state;
    struct stun_message m;
    assert_int_equal(stun_parse(BYTES(rfc5769_long_term_request), &m), 0);
    assert_int_equal(m.username_length, 18);
    assert_int_equal(m.unknown_count, 0);
    assert_int_equal(m.fingerprint_offset, 0);
    assert_false(stun_check_fingerprint(&m));
    /* MD5 of "<user>:example.org:TheMatrIX". */
    assert_true(stun_check_integrity(
        &m, &(struct stun_key){BYTES("\xe8\xca\x7a\xd5\x9d\x5e\xb0\x51\x8e\x31\x29\x11\xd2\xda\xb2\xa9"),
                               hmac_sha1_by_hand}));
}

static void test_every_truncation_is_refused(void **state)
{
    (void)state;
    for (size_t length = 0; length < sizeof rfc5769_request - 1; length++) {
        uint8_t *cut = exact_copy(rfc5769_request, length);
        struct stun_message m;
        assert_int_equal(stun_parse(cut, length, &m), -EBADMSG);
        /* With a length field that agrees, nothing may be read beyond the end either, whatever the answer. */
        if (length >= STUN_HEADER_BYTES) {
            store_be16(cut + 2, (uint16_t)(length - STUN_HEADER_BYTES));
            if (stun_parse(cut, length, &m) == 0) {
                assert_int_equal(length % 4, 0);
                assert_false(stun_check_integrity(&m, &(struct stun_key){PASSWORD, hmac_sha1_by_hand}) &&
                             m.fingerprint_offset);
            }
        }
        free(cut);
    }
}

static void test_every_changed_byte_is_noticed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rfc5769_request - 1; i++) {
        uint8_t *changed = exact_copy(rfc5769_request, sizeof rfc5769_request - 1);
        struct stun_message m;
        changed[i] ^= 0x01;
        bool passes = stun_parse(changed, sizeof rfc5769_request - 1, &m) == 0 &&
                      stun_check_fingerprint(&m) &&
                      stun_check_integrity(&m, &(struct stun_key){PASSWORD, hmac_sha1_by_hand});
        assert_false(passes);
        free(changed);
    }
}

/* A message with these attributes and a right length field. */
static int parse_with(uint16_t type, const void *attributes, size_t length, struct stun_message *ret_message)
{
    static uint8_t buffer[STUN_MESSAGE_MAX + 64];
    uint8_t *to = buffer + sizeof buffer - STUN_HEADER_BYTES - length;
    store_be16(to, type);
    store_be16(to + 2, (uint16_t)length);
    memcpy(to + 4, RFC5769_COOKIE_AND_ID, 16);
    memcpy(to + STUN_HEADER_BYTES, attributes, length);
    return stun_parse(to, STUN_HEADER_BYTES + length, ret_message);
}

#define PARSE(literal, message) parse_with(0x0001, literal, sizeof(literal) - 1, message)

static void test_header(void **state)
{
    (void)state;
    struct stun_message m;
    uint8_t data[20] = "\x00\x01\x00\x00" RFC5769_COOKIE_AND_ID;
    assert_int_equal(stun_parse(data, 20, &m), 0);
    assert_null(m.username);
    assert_false(stun_check_integrity(&m, &(struct stun_key){PASSWORD, hmac_sha1_by_hand}));
    assert_false(stun_check_fingerprint(&m));
    struct sockaddr_storage address;
    uint8_t input[64];
    assert_int_equal(stun_xor_mapped_address(&m, &address), -ENODATA);
    assert_int_equal(stun_integrity_input(&m, input, sizeof input), -ENODATA);

    data[4] ^= 1;
    assert_int_equal(stun_parse(data, 20, &m), -EBADMSG);
    data[4] ^= 1;
    data[0] = 0x40;
    assert_int_equal(stun_parse(data, 20, &m), -EBADMSG);
    data[0] = 0x80;
    assert_int_equal(stun_parse(data, 20, &m), -EBADMSG);
    data[0] = 0;
    for (unsigned length = 1; length < 65536; length++) {
        store_be16(data + 2, (uint16_t)length);
        assert_int_equal(stun_parse(data, 20, &m), -EBADMSG);
    }
}

static void test_class_and_method_bits(void **state)
{
    (void)state;
    static const struct {
        uint16_t type;
        enum stun_class class;
        uint16_t method;
    } cases[] = {
        {0x0001, STUN_REQUEST, 1},    {0x0011, STUN_INDICATION, 1}, {0x0101, STUN_SUCCESS, 1},
        {0x0111, STUN_ERROR, 1},      {0x0003, STUN_REQUEST, 3},    {0x0113, STUN_ERROR, 3},
        {0x0021, STUN_REQUEST, 0x11}, {0x0201, STUN_REQUEST, 0x81}, {0x3eef, STUN_REQUEST, 0xfff},
        {0x3fff, STUN_ERROR, 0xfff},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct stun_message m;
        assert_int_equal(parse_with(cases[i].type, "", 0, &m), 0);
        assert_int_equal(m.class, cases[i].class);
        assert_int_equal(m.method, cases[i].method);
    }
}

static void test_attribute_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
    } refused[] = {
#define CASE(literal) {literal, sizeof(literal) - 1}
        CASE("\x00\x06\x00\x05"
             "abcd"), /* past the end */
        CASE("\x00\x06\xff\xff"
             "abcd"), /* far past it */
        CASE("\x00\x06\xff\xfd"
             "abcd"),                                             /* padded length wraps in 16 bits */
        CASE("\x00\x24\x00\x00"),                                 /* PRIORITY of nothing */
        CASE("\x00\x24\x00\x03\x01\x02\x03\x00"),                 /* of three bytes */
        CASE("\x00\x24\x00\x08\x01\x02\x03\x04\x05\x06\x07\x08"), /* of eight */
        CASE("\x00\x25\x00\x04\x00\x00\x00\x00"),                 /* USE-CANDIDATE with a value */
        CASE("\x80\x2a\x00\x04\x00\x00\x00\x00"),                 /* ICE-CONTROLLING of four */
        CASE("\x80\x29\x00\x00"),                                 /* ICE-CONTROLLED of nothing */
        CASE("\xc0\x01\x00\x02\x00\x01\x00\x00"),                 /* NOMINATION of two */
        CASE("\x00\x08\x00\x10"
             "0123456789abcdef"), /* MESSAGE-INTEGRITY of sixteen */
        CASE("\x00\x08\x00\x00"),
        CASE("\x80\x28\x00\x00"), /* FINGERPRINT of nothing */
        CASE("\x80\x28\x00\x08"
             "01234567"),                                         /* and of eight */
        CASE("\x00\x20\x00\x00"),                                 /* XOR-MAPPED-ADDRESS of nothing */
        CASE("\x00\x20\x00\x04\x00\x01\x00\x00"),                 /* without address */
        CASE("\x00\x20\x00\x08\x00\x02\x00\x00\x01\x02\x03\x04"), /* IPv6 as long as IPv4 */
        CASE("\x00\x20\x00\x08\x00\x03\x00\x00\x01\x02\x03\x04"), /* a family nobody knows */
        CASE("\x00\x09\x00\x00"),                                 /* ERROR-CODE of nothing */
        CASE("\x00\x09\x00\x04\x00\x00\x02\x00"),                 /* 200 */
        CASE("\x00\x09\x00\x04\x00\x00\x07\x00"),                 /* 700 */
        CASE("\x00\x09\x00\x04\x00\x00\x04\x64"),                 /* 4 * 100 + 100 */
#undef CASE
    };
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        struct stun_message m = {.method = 77};
        assert_int_equal(parse_with(0x0001, refused[i].bytes, refused[i].length, &m), -EBADMSG);
        assert_int_equal(m.method, 77); /* untouched */
    }
}

static void test_username_bound(void **state)
{
    (void)state;
    struct stun_message m;
    uint8_t attribute[4 + 520] = {0x00, 0x06};
    store_be16(attribute + 2, 513);
    assert_int_equal(parse_with(0x0001, attribute, 4 + 516, &m), 0);
    assert_int_equal(m.username_length, 513);
    store_be16(attribute + 2, 514);
    assert_int_equal(parse_with(0x0001, attribute, 4 + 516, &m), -EBADMSG);
    assert_int_equal(PARSE("\x00\x06\x00\x00", &m), 0);
    assert_non_null(m.username);
    assert_int_equal(m.username_length, 0);
}

static void test_too_long_a_message(void **state)
{
    (void)state;
    struct stun_message m;
    uint8_t attribute[STUN_MESSAGE_MAX] = {0x80, 0x22};
    store_be16(attribute + 2, STUN_MESSAGE_MAX - 20 - 4);
    assert_int_equal(parse_with(0x0001, attribute, STUN_MESSAGE_MAX - 20, &m), 0);
    store_be16(attribute + 2, STUN_MESSAGE_MAX - 20);
    assert_int_equal(parse_with(0x0001, attribute, STUN_MESSAGE_MAX - 16, &m), -EBADMSG);
}

static void test_first_of_equal_attributes_counts(void **state)
{
    (void)state;
    struct stun_message m;
    assert_int_equal(PARSE("\x00\x06\x00\x01"
                           "a\0\0\0"
                           "\x00\x06\x00\x01"
                           "b\0\0\0"
                           "\x00\x24\x00\x04\0\0\0\x01"
                           "\x00\x24\x00\x04\0\0\0\x02",
                           &m),
                     0);
    assert_int_equal(m.username[0], 'a');
    assert_int_equal(m.priority, 1);
}

static void test_both_roles_are_refused(void **state)
{
    (void)state;
    struct stun_message m;
    assert_int_equal(PARSE("\x80\x2a\x00\x08"
                           "12345678"
                           "\x80\x29\x00\x08"
                           "12345678",
                           &m),
                     -EBADMSG);
    assert_int_equal(PARSE("\x80\x29\x00\x08"
                           "12345678"
                           "\x80\x2a\x00\x08"
                           "12345678",
                           &m),
                     -EBADMSG);
    assert_int_equal(PARSE("\x80\x2a\x00\x08"
                           "12345678",
                           &m),
                     0);
    assert_true(m.has_controlling && !m.has_controlled);
    assert_true(m.tiebreaker == 0x3132333435363738u);
}

static void test_ice_attributes(void **state)
{
    (void)state;
    struct stun_message m;
    assert_int_equal(PARSE("\x00\x25\x00\x00"
                           "\xc0\x01\x00\x04\x00\x00\x01\x02"
                           "\xc0\x57\x00\x04\x00\x00\x00\x0a",
                           &m),
                     0);
    assert_true(m.use_candidate);
    assert_true(m.has_nomination);
    assert_int_equal(m.nomination, 0x102);
    assert_int_equal(m.unknown_count, 0); /* 0xC057 is optional to understand */
}

static void test_unknown_attributes(void **state)
{
    (void)state;
    struct stun_message m;
    assert_int_equal(PARSE("\x7f\xff\x00\x00"
                           "\x00\x02\x00\x01x\0\0\0"
                           "\x7f\xff\x00\x00"
                           "\x80\x00\x00\x00",
                           &m),
                     0);
    assert_int_equal(m.unknown_count, 2);
    assert_int_equal(m.unknown[0], 0x7fff);
    assert_int_equal(m.unknown[1], 0x0002);

    uint8_t many[4 * 300] = {0};
    for (uint16_t i = 0; i < 300; i++)
        store_be16(many + 4 * i, (uint16_t)(0x1000 + i));
    assert_int_equal(parse_with(0x0001, many, sizeof many, &m), 0);
    assert_int_equal(m.unknown_count, STUN_UNKNOWN_MAX);
    assert_int_equal(m.unknown[STUN_UNKNOWN_MAX - 1], 0x1000 + STUN_UNKNOWN_MAX - 1);
}

#define INTEGRITY                                                                                            \
    "\x00\x08\x00\x14"                                                                                       \
    "01234567890123456789"
#define FINGERPRINT                                                                                          \
    "\x80\x28\x00\x04"                                                                                       \
    "0123"

static void test_order_of_the_last_attributes(void **state)
{
    (void)state;
    struct stun_message m;
    /* What stands behind MESSAGE-INTEGRITY is not covered by it and must not count. */
    assert_int_equal(PARSE(INTEGRITY "\x00\x25\x00\x00"
                                     "\x00\x06\x00\x01"
                                     "a\0\0\0"
                                     "\x7f\xff\x00\x00"
                                     "\x00\x24\x00\x01"
                                     "a\0\0\0" INTEGRITY FINGERPRINT,
                           &m),
                     0);
    assert_int_equal(m.integrity_offset, 20);
    assert_int_not_equal(m.fingerprint_offset, 0);
    assert_false(m.use_candidate);
    assert_false(m.has_priority);
    assert_null(m.username);
    assert_int_equal(m.unknown_count, 0);

    assert_int_equal(PARSE(FINGERPRINT INTEGRITY, &m), -EBADMSG);
    assert_int_equal(PARSE(FINGERPRINT FINGERPRINT, &m), -EBADMSG);
    assert_int_equal(PARSE(INTEGRITY FINGERPRINT "\x00\x25\x00\x00", &m), -EBADMSG);
    assert_int_equal(PARSE(INTEGRITY "\x80\x28\x00\x00", &m), -EBADMSG);
}

static void test_integrity_input(void **state)
{
    (void)state;
    struct stun_message m;
    uint8_t input[STUN_MESSAGE_MAX];
    assert_int_equal(stun_parse(BYTES(rfc5769_request), &m), 0);
    /* 20 + 20 + 8 + 12 + 16 bytes stand before the attribute; the length field ends with the attribute. */
    assert_int_equal(stun_integrity_input(&m, input, sizeof input), 76);
    assert_int_equal(load_be16(input + 2), 76 + 24 - 20);
    assert_memory_equal(input + 4, rfc5769_request + 4, 72);
    assert_int_equal(stun_integrity_input(&m, input, 75), -ENOSPC);
    assert_int_equal(stun_integrity_input(&m, input, 76), 76);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hmac_of_the_tests),
        cmocka_unit_test(test_sample_request),
        cmocka_unit_test(test_whom_a_username_names),
        cmocka_unit_test(test_sample_ipv4_response),
        cmocka_unit_test(test_sample_ipv6_response),
        cmocka_unit_test(test_sample_long_term_request),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_every_changed_byte_is_noticed),
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_class_and_method_bits),
        cmocka_unit_test(test_attribute_sizes),
        cmocka_unit_test(test_username_bound),
        cmocka_unit_test(test_too_long_a_message),
        cmocka_unit_test(test_first_of_equal_attributes_counts),
        cmocka_unit_test(test_both_roles_are_refused),
        cmocka_unit_test(test_ice_attributes),
        cmocka_unit_test(test_unknown_attributes),
        cmocka_unit_test(test_order_of_the_last_attributes),
        cmocka_unit_test(test_integrity_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
