/* What seals ICE user name fragments, and keys the tuple map. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shm/siphash.h"
#include "shm/ufrag.h"

/* Appendix A of the paper, and the vectors of its authors' program. */
static void siphash_is_siphash(void **state)
{
    const uint64_t key[2] = {0x0706050403020100ull, 0x0f0e0d0c0b0a0908ull};
    uint8_t data[16];

    (void)state;
    for (uint8_t i = 0; i < sizeof(data); i++)
        data[i] = i;
    assert_true(siphash(key, data, 15) == 0xa129ca6149be45e5ull);
    assert_true(siphash(key, data, 0) == 0x726fdb47dd0e0e31ull);
    assert_true(siphash(key, data, 8) == 0x93f5f5799a932462ull);
}

static void only_what_was_sealed_is(void **state)
{
    const uint64_t secret[2] = {1, 2}, other[2] = {1, 3};
    char name[] = "01abcdefghijklmnopqrstuvwxyz0123:theirs";

    (void)state;
    assert_false(ufrag_is_sealed(secret, name, strlen(name)));
    ufrag_seal(secret, name);
    assert_memory_equal(name, "01abcdefghijklmnopqrstuvwx", 26);
    assert_string_equal(name + 32, ":theirs");
    assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789"), 32);
    assert_true(ufrag_is_sealed(secret, name, strlen(name)));
    assert_true(ufrag_is_sealed(secret, name, 32));
    assert_false(ufrag_is_sealed(secret, name, 31));
    assert_false(ufrag_is_sealed(other, name, strlen(name)));
    for (unsigned i = 0; i < 32; i++) {
        name[i] ^= 1;
        assert_false(ufrag_is_sealed(secret, name, strlen(name)));
        name[i] ^= 1;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(siphash_is_siphash),
        cmocka_unit_test(only_what_was_sealed_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
