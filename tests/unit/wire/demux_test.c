/* The first byte says what a datagram is: all 256 of them. */
#include "proto/wire/demux.h"
#include "wire_test.h"

static enum demux_class expected(unsigned first, unsigned second)
{
    if (first < 4)
        return DEMUX_STUN;
    if (first >= 20 && first < 64)
        return DEMUX_DTLS;
    if (first >= 128 && first < 192)
        return second >= 192 && second < 224 ? DEMUX_RTCP : DEMUX_RTP;
    return DEMUX_UNKNOWN;
}

static void test_all_first_bytes(void **state)
{
    (void)state;
    static const uint8_t seconds[] = {0, 1, 72, 127, 128, 191, 192, 200, 207, 223, 224, 255};
    for (unsigned first = 0; first < 256; first++) {
        for (size_t i = 0; i < COUNT_OF(seconds); i++) {
            const uint8_t data[2] = {(uint8_t)first, seconds[i]};
            assert_int_equal(demux_classify(data, 2), expected(first, seconds[i]));
        }
    }
}

static void test_too_short(void **state)
{
    (void)state;
    const uint8_t data[1] = {0x80};
    assert_int_equal(demux_classify(data, 1), DEMUX_UNKNOWN);
    assert_int_equal(demux_classify(data, 0), DEMUX_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_first_bytes),
        cmocka_unit_test(test_too_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
