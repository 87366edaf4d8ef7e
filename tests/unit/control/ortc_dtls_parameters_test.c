#include "tests/unit/control/ortc_data.h"

#include <errno.h>

#include "control/ortc/dtls_parameters.h"

#define BYTES_16 "00:11:22:33:44:55:66:77:88:99:aa:BB:cC:DD:EE:FF"
#define SHA_256 BYTES_16 ":" BYTES_16
#define SHA_384 SHA_256 ":" BYTES_16
#define SHA_512 SHA_256 ":" SHA_256
#define SHA_1 BYTES_16 ":00:01:02:03"
#define PRINT(algorithm, value) "{'algorithm':'" algorithm "','value':'" value "'}"
#define LIST(list) "{'fingerprints':[" list "]}"

static int parse(const char *text, struct dtls_parameters *ret_parameters)
{
    json_t *json = json_of(text);
    int error = dtls_parameters_parse(json, ret_parameters);
    json_decref(json);
    return error;
}

static void first_acceptable_fingerprint_is_taken(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum dtls_hash algorithm;
        size_t bytes;
    } cases[] = {
        {LIST(PRINT("sha-256", SHA_256)), DTLS_HASH_SHA_256, 32},
        {LIST(PRINT("SHA-384", SHA_384)), DTLS_HASH_SHA_384, 48},
        {LIST(PRINT("sha-512", SHA_512)), DTLS_HASH_SHA_512, 64},
        {LIST(PRINT("sha-1", SHA_1) "," PRINT("sha-512", SHA_512) "," PRINT("sha-256", SHA_256)),
         DTLS_HASH_SHA_512, 64},
        {LIST(PRINT("sha3-256", "whatever") "," PRINT("sha-256", SHA_256)), DTLS_HASH_SHA_256, 32},
    };
    static const uint8_t expected[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                         0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dtls_parameters parameters;
        assert_int_equal(parse(cases[i].text, &parameters), 0);
        assert_int_equal(parameters.role, DTLS_ROLE_AUTO);
        assert_int_equal(parameters.algorithm, cases[i].algorithm);
        assert_int_equal(parameters.fingerprint_bytes, cases[i].bytes);
        for (size_t at = 0; at < cases[i].bytes; at += 16)
            assert_memory_equal(parameters.fingerprint + at, expected, 16);
    }
}

static void roles_are_read(void **state)
{
    (void)state;
#define ROLE(role) "{'role':" role ",'fingerprints':[" PRINT("sha-256", SHA_256) "]}"
    struct dtls_parameters parameters;
    assert_int_equal(parse(ROLE("'auto'"), &parameters), 0);
    assert_int_equal(parameters.role, DTLS_ROLE_AUTO);
    assert_int_equal(parse(ROLE("'client'"), &parameters), 0);
    assert_int_equal(parameters.role, DTLS_ROLE_CLIENT);
    assert_int_equal(parse(ROLE("'server'"), &parameters), 0);
    assert_int_equal(parameters.role, DTLS_ROLE_SERVER);
    assert_int_equal(parse(ROLE("null"), &parameters), 0);
    assert_int_equal(parameters.role, DTLS_ROLE_AUTO);
}

/* What ws-23 records as refused, and the malformed fingerprint that the old server took. */
static void nonsense_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "null",
        "[]",
        "{}",
        "{'role':'server'}",
        "{'role':'server','fingerprints':[]}",
        "{'fingerprints':{}}",
        "{'fingerprints':null}",
        ROLE("'foo'"),
        ROLE("5"),
        LIST("null"),
        LIST("{'algorithm':'sha-256'}"),
        LIST("{'value':'" SHA_256 "'}"),
        LIST("{'algorithm':256,'value':'" SHA_256 "'}"),
        LIST(PRINT("md5", "AA")),
        LIST(PRINT("sha-1", SHA_1)),
        LIST(PRINT("sha-512", "AA:BB")),
        LIST(PRINT("sha-256", "")),
        LIST(PRINT("sha-256", SHA_256 ":")),
        LIST(PRINT("sha-256", SHA_256 ":00")),
        LIST(PRINT("sha-256", SHA_384)),
        LIST(PRINT("sha-256", "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF")),
        LIST(PRINT("sha-256", BYTES_16 "-" BYTES_16)),
        LIST(PRINT("sha-256", BYTES_16 ":0g:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF")),
        LIST(PRINT("sha-256", SHA_256) "," PRINT("sha-512", "AA:BB")),
    };
    struct dtls_parameters untouched, parameters;
    memset(&untouched, 0xa5, sizeof untouched);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        parameters = untouched;
        if (parse(wrong[i], &parameters) != -EINVAL)
            fail_msg("taken: %s", wrong[i]);
        assert_memory_equal(&parameters, &untouched, sizeof untouched);
    }
    assert_int_equal(dtls_parameters_parse(NULL, &parameters), -EINVAL);

    json_t *json = json_of(LIST(PRINT("sha-256", SHA_256)));
    json_t *list = json_object_get(json, "fingerprints");
    for (size_t i = 1; i < 16; i++)
        json_array_append(list, json_array_get(list, 0));
    assert_int_equal(dtls_parameters_parse(json, &parameters), 0);
    json_array_append(list, json_array_get(list, 0));
    assert_int_equal(dtls_parameters_parse(json, &parameters), -EINVAL);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_acceptable_fingerprint_is_taken),
        cmocka_unit_test(roles_are_read),
        cmocka_unit_test(nonsense_is_refused_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
