/* H.264 payloads: single units, aggregates, fragments, and sizes that lie. */
#include "proto/wire/h264.h"
#include "wire_test.h"

static int parse(const void *bytes, size_t length, struct h264_payload *ret_payload)
{
    uint8_t *payload = exact_copy(bytes, length);
    int result = h264_parse(payload, length, ret_payload);
    free(payload);
    return result;
}

#define PARSE(literal, payload) parse(literal, sizeof(literal) - 1, payload)

static void test_single(void **state)
{
    (void)state;
    struct h264_payload p;
    for (unsigned first = 0; first < 256; first++) {
        const uint8_t byte = (uint8_t)first;
        unsigned type = first & 0x1f;
        int result = parse(&byte, 1, &p);
        if (type == 24 || type == 28)
            assert_int_equal(result, -EBADMSG);
        else
            assert_int_equal(result, type >= 1 && type <= 23 ? 0 : -ENOTSUP);
        if (result != 0)
            continue;
        assert_int_equal(p.packet_type, type);
        assert_int_equal(p.nal_type, type);
        assert_int_equal(p.ref_idc, first >> 5 & 3);
        assert_true(p.start && p.end);
        assert_int_equal(p.has_idr, type == 5);
        assert_int_equal(p.has_sps, type == 7);
        assert_int_equal(p.key_frame, type == 5 || type == 7);
    }
    assert_int_equal(parse("", 0, &p), -EBADMSG);
}

static void test_stap_a(void **state)
{
    (void)state;
    struct h264_payload p;
    assert_int_equal(PARSE("\x78\x00\x02\x67"
                           "s"
                           "\x00\x01\x68"
                           "\x00\x03\x65"
                           "id",
                           &p),
                     0);
    assert_int_equal(p.packet_type, H264_NAL_STAP_A);
    assert_int_equal(p.nal_type, H264_NAL_SPS);
    assert_true(p.has_sps && p.has_idr && p.key_frame && p.start && p.end);
    /* Without either: no key frame. */
    assert_int_equal(PARSE("\x78\x00\x02\x68"
                           "p"
                           "\x00\x01\x41",
                           &p),
                     0);
    assert_int_equal(p.nal_type, H264_NAL_PPS);
    assert_false(p.has_sps || p.has_idr || p.key_frame);

    assert_int_equal(PARSE("\x78", &p), -EBADMSG);
    assert_int_equal(PARSE("\x78\x00", &p), -EBADMSG);
    assert_int_equal(PARSE("\x78\x00\x00", &p), -EBADMSG);
    assert_int_equal(PARSE("\x78\x00\x01", &p), -EBADMSG);
    assert_int_equal(PARSE("\x78\x00\x03\x67"
                           "s",
                           &p),
                     -EBADMSG);
    assert_int_equal(PARSE("\x78\xff\xff\x67"
                           "s",
                           &p),
                     -EBADMSG);
    assert_int_equal(PARSE("\x78\x00\x02\x67"
                           "s"
                           "\x00",
                           &p),
                     -EBADMSG);
    assert_int_equal(PARSE("\x78\x00\x02\x67"
                           "s"
                           "\x00\x00",
                           &p),
                     -EBADMSG);
    assert_int_equal(PARSE("\x78\x00\x04\x78\x00\x01\x67", &p), -EBADMSG); /* an aggregate in an aggregate */
    assert_int_equal(PARSE("\x78\x00\x01\x60", &p), -EBADMSG);             /* type 0 */
}

static void test_fu_a(void **state)
{
    (void)state;
    struct h264_payload p;
    assert_int_equal(PARSE("\x7c\x85"
                           "f",
                           &p),
                     0); /* the first fragment of an IDR slice */
    assert_int_equal(p.packet_type, H264_NAL_FU_A);
    assert_int_equal(p.nal_type, H264_NAL_IDR);
    assert_true(p.start && !p.end && p.has_idr && p.key_frame);
    assert_int_equal(PARSE("\x7c\x87"
                           "f",
                           &p),
                     0);
    assert_true(p.has_sps && p.key_frame);
    assert_int_equal(PARSE("\x7c\x05"
                           "f",
                           &p),
                     0); /* one in its midst */
    assert_false(p.start || p.end || p.has_idr || p.key_frame);
    assert_int_equal(p.nal_type, H264_NAL_IDR);
    assert_int_equal(PARSE("\x7c\x45"
                           "f",
                           &p),
                     0); /* its last */
    assert_false(p.start || p.key_frame);
    assert_true(p.end);
    assert_int_equal(PARSE("\x7c\x81"
                           "f",
                           &p),
                     0); /* of another slice */
    assert_true(p.start && !p.key_frame);

    assert_int_equal(PARSE("\x7c", &p), -EBADMSG);
    assert_int_equal(PARSE("\x7c\x85", &p), -EBADMSG);
    assert_int_equal(PARSE("\x7c\xc5"
                           "f",
                           &p),
                     -EBADMSG); /* start and end */
    assert_int_equal(PARSE("\x7c\x80"
                           "f",
                           &p),
                     -EBADMSG); /* type 0 */
    assert_int_equal(PARSE("\x7c\x98"
                           "f",
                           &p),
                     -EBADMSG); /* of an aggregate */
    assert_int_equal(PARSE("\x7c\x9c"
                           "f",
                           &p),
                     -EBADMSG); /* of a fragment */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single),
        cmocka_unit_test(test_stap_a),
        cmocka_unit_test(test_fu_a),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
