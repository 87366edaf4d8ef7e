/* What packets of VP9 and AV1 say of their layers, as sets of targets. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/wire/dependency_write.h"
#include "dataplane/svc_frame.h"

/* All temporal layers of a spatial one, from one on. */
static unsigned row(unsigned spatial, unsigned temporal)
{
    return (0xfu << temporal & 0xfu) << svc_target(spatial, 0);
}

static void test_vp9_layers(void **state)
{
    (void)state;
    struct svc_stream stream = {0};
    struct svc_frame frame;
    struct vp9_descriptor key = {.has_layers = true,
                                 .start_of_frame = true,
                                 .key_frame = true,
                                 .has_structure = true,
                                 .spatial_layer_count = 3};
    svc_frame_read_vp9(&stream, &key, &frame);
    assert_true(frame.is_layered && frame.key_picture && frame.independent && frame.start && !frame.end);
    assert_int_equal(frame.present, SVC_TARGETS_ALL);
    assert_int_equal(frame.required, SVC_TARGETS_ALL);
    assert_int_equal(frame.active, row(0, 0) | row(1, 0) | row(2, 0));

    struct vp9_descriptor upper = {.has_layers = true,
                                   .inter_predicted = true,
                                   .end_of_frame = true,
                                   .not_for_upper = true,
                                   .switching_up = true,
                                   .spatial_layer = 1,
                                   .temporal_layer = 2};
    svc_frame_read_vp9(&stream, &upper, &frame);
    assert_true(frame.end && frame.temporal_switch && !frame.own_picture_only && !frame.key_picture);
    assert_int_equal(frame.spatial, 1);
    assert_int_equal(frame.temporal, 2);
    assert_int_equal(frame.present, row(1, 2));
    assert_int_equal(frame.switches, 0);
    assert_int_equal(frame.active, row(0, 0) | row(1, 0) | row(2, 0));
    upper.not_for_upper = false;
    svc_frame_read_vp9(&stream, &upper, &frame);
    assert_int_equal(frame.present, row(1, 2) | row(2, 2) | row(3, 2));
}

static void test_vp9_without_layers(void **state)
{
    (void)state;
    struct svc_stream stream = {0};
    struct svc_frame frame;
    struct vp9_descriptor descriptor = {.start_of_frame = true, .inter_predicted = true};
    svc_frame_read_vp9(&stream, &descriptor, &frame);
    assert_false(frame.is_layered);
}

/* Eight layers each way: those above the fourth count as the fourth. */
static void test_vp9_higher_layers(void **state)
{
    (void)state;
    struct svc_stream stream = {.spatial_layers = 8};
    struct svc_frame frame;
    for (unsigned i = 0; i < 64; i++) {
        struct vp9_descriptor descriptor = {.has_layers = true,
                                            .spatial_layer = (uint8_t)(i / 8),
                                            .temporal_layer = (uint8_t)(i % 8),
                                            .inter_predicted = true};
        svc_frame_read_vp9(&stream, &descriptor, &frame);
        assert_int_equal(frame.spatial, i / 8 < 4 ? i / 8 : 3);
        assert_int_equal(frame.temporal, i % 8 < 4 ? i % 8 : 3);
        assert_true(frame.present >> svc_target(frame.spatial, frame.temporal) & 1);
        assert_true(frame.present >> svc_target(3, 3) & 1);
    }
}

static void read_key(struct svc_stream *stream, unsigned active, struct svc_frame *ret_frame)
{
    struct bit_writer writer = {0};
    put_mandatory(&writer, 1, 0, 10, 1);
    put_flags(&writer, 1, active != 15, 0, 0, 0);
    put_structure(&writer, 10, l2t2_key, L2T2_KEY_TEMPLATES, 4, 2);
    put(&writer, 0, 1);
    if (active != 15)
        put(&writer, active, 4);
    assert_int_equal(svc_frame_read_dependency(stream, writer.bytes, bytes_of(&writer), ret_frame), 0);
}

static struct svc_frame read_frame(struct svc_stream *stream, unsigned template_id)
{
    struct bit_writer writer = {0};
    struct svc_frame frame;
    put_mandatory(&writer, 1, 1, 10 + template_id, 2);
    assert_int_equal(svc_frame_read_dependency(stream, writer.bytes, bytes_of(&writer), &frame), 0);
    return frame;
}

static void test_dependency_layers(void **state)
{
    (void)state;
    struct svc_stream stream = {0};
    struct svc_frame frame;
    read_key(&stream, 15, &frame);
    assert_true(frame.is_layered && frame.key_picture && frame.independent && frame.start && !frame.end);
    assert_int_equal(frame.present, SVC_TARGETS_ALL);
    assert_int_equal(frame.required, SVC_TARGETS_ALL);
    assert_int_equal(frame.switches, row(0, 0));
    assert_int_equal(frame.active, row(0, 0) | row(1, 0));

    frame = read_frame(&stream, 3);
    assert_false(frame.key_picture || frame.own_picture_only);
    assert_int_equal(frame.spatial, 0);
    assert_int_equal(frame.temporal, 1);
    assert_int_equal(frame.present, row(0, 1));
    assert_int_equal(frame.required, 0);
    frame = read_frame(&stream, 4);
    assert_true(frame.own_picture_only && !frame.independent && !frame.key_picture);
    assert_int_equal(frame.present, row(1, 0) | row(2, 0) | row(3, 0));
    assert_int_equal(frame.switches, frame.present);
}

/* The upper layer is switched off; the last word holds until another one is said. */
static void test_active_targets(void **state)
{
    (void)state;
    struct svc_stream stream = {0};
    struct svc_frame frame;
    read_key(&stream, 3, &frame);
    assert_int_equal(frame.active, row(0, 0));
    assert_int_equal(read_frame(&stream, 1).active, row(0, 0));
    read_key(&stream, 15, &frame);
    assert_int_equal(frame.active, row(0, 0) | row(1, 0));
}

static void test_dependency_errors(void **state)
{
    (void)state;
    struct svc_stream stream = {0};
    struct svc_frame frame;
    assert_int_equal(svc_frame_read_dependency(&stream, (const uint8_t *)"\300\0\1", 3, &frame), -ENOENT);
    assert_int_equal(svc_frame_read_dependency(&stream, (const uint8_t *)"\300\0\1\200", 4, &frame),
                     -EBADMSG);
    read_key(&stream, 15, &frame);
    assert_int_equal(svc_frame_read_dependency(&stream, (const uint8_t *)"\300\0\1\200", 4, &frame),
                     -EBADMSG);
    assert_int_equal(read_frame(&stream, 6).spatial, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vp9_layers),        cmocka_unit_test(test_vp9_without_layers),
        cmocka_unit_test(test_vp9_higher_layers), cmocka_unit_test(test_dependency_layers),
        cmocka_unit_test(test_active_targets),    cmocka_unit_test(test_dependency_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
