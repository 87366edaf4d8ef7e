/* Against the tests' own and the vectors of RFC 2202. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/hmac_sha1.h"
#include "tests/unit/wire/hmac_sha1.h"

static void vectors_of_rfc_2202(void **state)
{
    static const struct {
        uint8_t key_byte;
        size_t key_length;
        const char *data;
        const char *mac;
    } vectors[] = {
        {0x0b, 20, "Hi There",
         "\xb6\x17\x31\x86\x55\x05\x72\x64\xe2\x8b\xc0\xb6\xfb\x37\x8c\x8e\xf1\x46\xbe\x00"},
        {0x0c, 20, "Test With Truncation",
         "\x4c\x1a\x03\x42\x4b\x55\xe0\x7f\xe7\xf2\x7b\xe1\xd5\x8b\xb9\x32\x4a\x9a\x5a\x04"},
        {0xaa, 80, "Test Using Larger Than Block-Size Key - Hash Key First",
         "\xaa\x4a\xe5\xe1\x52\x72\xd0\x0e\x95\x70\x56\x37\xce\x8a\x3b\x55\xed\x40\x21\x12"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
        uint8_t key[80], mac[HMAC_SHA1_BYTES];
        memset(key, vectors[i].key_byte, sizeof(key));
        assert_true(hmac_sha1(key, vectors[i].key_length, (const uint8_t *)vectors[i].data,
                              strlen(vectors[i].data), mac));
        assert_memory_equal(mac, vectors[i].mac, sizeof(mac));
    }
}

static void all_lengths_of_keys_and_messages(void **state)
{
    uint8_t bytes[200], mac[HMAC_SHA1_BYTES], expected[HMAC_SHA1_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7 + 1);
    for (size_t key_length = 0; key_length <= 64; key_length++)
        for (size_t length = 0; length < sizeof(bytes); length++) {
            assert_true(hmac_sha1(bytes, key_length, bytes, length, mac));
            hmac_sha1_by_hand(bytes, key_length, bytes, length, expected);
            assert_memory_equal(mac, expected, sizeof(mac));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_rfc_2202),
        cmocka_unit_test(all_lengths_of_keys_and_messages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
