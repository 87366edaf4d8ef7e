/* Layers of one stream: what a consumer gets can be decoded, whatever it wants and when, and is what it wants
 * as soon as that can be. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/svc_filter.h"
#include "tests/unit/dataplane/prng.h"
#include "tests/unit/dataplane/svc_model.h"

#define TICKS 3000u
#define MARKER_NONE (-1)

struct scene {
    struct model model;
    struct svc_filter filter;
    struct model_receiver receiver;
    unsigned picture;
    unsigned spatial;  /* wanted */
    unsigned temporal; /* likewise */
    unsigned sent;     /* of the last picture: bit s */
    int marker;        /* of the last picture: the layer whose last packet has it */
};

static void scene_init(struct scene *scene, bool key_only, unsigned layers)
{
    memset(scene, 0, sizeof(*scene));
    scene->model = (struct model){.key_only = key_only, .layers = layers};
    scene->picture = 8;
    scene->spatial = layers - 1;
    scene->temporal = 2;
    svc_filter_init(&scene->filter);
}

/* One picture of two packets a layer; what the filter lets pass must be whole frames that can be decoded. */
static void picture(struct scene *scene, bool key)
{
    uint32_t timestamp = 0xfffff000u + scene->picture * TICKS;

    scene->sent = 0;
    scene->marker = MARKER_NONE;
    for (unsigned s = 0; s < scene->model.layers; s++) {
        struct model_frame frame = model_frame(&scene->model, scene->picture, s, key);
        struct svc_frame first = model_packet(&scene->model, &frame, true, false);
        struct svc_frame last = model_packet(&scene->model, &frame, false, true);
        bool forwarded =
            svc_filter_packet(&scene->filter, timestamp, &first, scene->spatial, scene->temporal);
        assert_false(svc_filter_is_last(&scene->filter, &first));
        assert_int_equal(svc_filter_packet(&scene->filter, timestamp, &last, scene->spatial, scene->temporal),
                         forwarded);
        if (!forwarded)
            continue;
        assert_true(model_receive(&scene->receiver, &frame));
        scene->sent |= 1u << s;
        if (svc_filter_is_last(&scene->filter, &last))
            scene->marker = (int)s;
    }
    scene->picture++;
    if (scene->sent != 0) /* its last frame says so, and no other */
        assert_int_equal(scene->marker, 31 - __builtin_clz(scene->sent));
}

static void assert_layers(const struct scene *scene, int spatial, int temporal)
{
    int is_spatial, is_temporal;
    assert_true(svc_filter_layers(&scene->filter, &is_spatial, &is_temporal));
    assert_int_equal(is_spatial, spatial);
    assert_int_equal(is_temporal, temporal);
}

static bool needs_key(const struct scene *scene)
{
    return svc_filter_needs_key_frame(&scene->filter, scene->spatial, scene->temporal);
}

static void test_everything(void **state)
{
    (void)state;
    for (unsigned key_only = 0; key_only < 2; key_only++) {
        struct scene scene;
        scene_init(&scene, key_only, 3);
        assert_true(needs_key(&scene));
        picture(&scene, true);
        assert_int_equal(scene.sent, 7);
        assert_false(needs_key(&scene));
        for (unsigned i = 0; i < 10; i++) {
            picture(&scene, false);
            assert_int_equal(scene.sent, key_only ? 4 : 7);
        }
        assert_layers(&scene, 2, 2);
    }
}

static void test_spatial_down_at_once(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, false, 3);
    picture(&scene, true);
    picture(&scene, false);
    scene.spatial = 0;
    assert_false(needs_key(&scene));
    picture(&scene, false);
    assert_int_equal(scene.sent, 1);
    assert_layers(&scene, 0, 2);
}

static void test_spatial_up_at_a_key_picture(void **state)
{
    (void)state;
    for (unsigned key_only = 0; key_only < 2; key_only++) {
        struct scene scene;
        scene_init(&scene, key_only, 3);
        scene.spatial = 0;
        picture(&scene, true);
        picture(&scene, false);
        scene.spatial = 2;
        assert_true(needs_key(&scene));
        for (unsigned i = 0; i < 8; i++) {
            picture(&scene, false);
            assert_int_equal(scene.sent, 1);
        }
        picture(&scene, true);
        assert_int_equal(scene.sent, 7);
        assert_layers(&scene, 2, 2);
    }
}

/* k-SVC: the lower layer did not go along; until a key picture the higher one is thinned out. */
static void test_spatial_down_in_k_svc(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, true, 3);
    for (unsigned i = 0; i < 6; i++)
        picture(&scene, i == 0);
    scene.spatial = 0;
    assert_true(needs_key(&scene));
    unsigned sent = 0;
    for (unsigned i = 0; i < 8; i++) {
        picture(&scene, false);
        assert_true((scene.sent & ~4u) == 0);
        sent += scene.sent != 0;
    }
    assert_int_equal(sent, 2);
    assert_layers(&scene, 2, 0);
    picture(&scene, true);
    assert_int_equal(scene.sent, 1);
    assert_layers(&scene, 0, 2);
}

static void test_temporal(void **state)
{
    (void)state;
    for (unsigned key_only = 0; key_only < 2; key_only++) {
        struct scene scene;
        scene_init(&scene, key_only, 3);
        picture(&scene, true);
        scene.temporal = 0;
        for (unsigned i = 1; i < 8; i++) {
            picture(&scene, false);
            assert_int_equal(scene.sent != 0, i % 4 == 0);
        }
        assert_false(needs_key(&scene));
        scene.temporal = 2;
        for (unsigned i = 8; i < 16; i++) {
            picture(&scene, false);
            assert_true(i == 8 || scene.sent != 0);
        }
        assert_layers(&scene, 2, 2);
    }
}

/* The sender's structure says two: a consumer that wants the third has got what there is. */
static void test_fewer_layers_than_wanted(void **state)
{
    (void)state;
    for (unsigned key_only = 0; key_only < 2; key_only++) {
        struct scene scene;
        scene_init(&scene, key_only, 2);
        scene.spatial = 3;
        scene.temporal = 3;
        picture(&scene, true);
        assert_int_equal(scene.sent, 3);
        picture(&scene, false);
        assert_int_equal(scene.sent, key_only ? 2 : 3);
        assert_false(needs_key(&scene));
    }
}

/* An upper layer that begins without reference to its past can be joined in the middle. */
static void test_up_where_the_layer_begins(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, false, 3);
    scene.spatial = 0;
    picture(&scene, true);
    for (unsigned i = 1; i < 4; i++)
        picture(&scene, false);
    scene.spatial = 1;
    uint32_t timestamp = 0xfffff000u + scene.picture * TICKS;
    struct model_frame base = model_frame(&scene.model, scene.picture, 0, false);
    struct model_frame upper = model_frame(&scene.model, scene.picture, 1, false);
    struct svc_frame packet = model_packet(&scene.model, &base, true, true);
    assert_true(svc_filter_packet(&scene.filter, timestamp, &packet, 1, 2));
    struct vp9_descriptor begins = {.has_layers = true,
                                    .start_of_frame = true,
                                    .end_of_frame = true,
                                    .inter_layer = true,
                                    .switching_up = true,
                                    .spatial_layer = 1,
                                    .temporal_layer = (uint8_t)upper.temporal};
    svc_frame_read_vp9(&scene.model.stream, &begins, &packet);
    assert_true(svc_filter_packet(&scene.filter, timestamp, &packet, 1, 2));
    assert_true(svc_filter_is_last(&scene.filter, &packet));
    assert_layers(&scene, 1, 2);
}

/* Late packets of earlier pictures go the way of what is forwarded now, and disturb nothing. */
static void test_late_packets(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, false, 3);
    scene.spatial = 1;
    picture(&scene, true);
    picture(&scene, false);
    picture(&scene, false);
    struct svc_filter before = scene.filter;
    for (unsigned s = 0; s < 3; s++) {
        struct model_frame frame = model_frame(&scene.model, scene.picture - 2, s, false);
        struct svc_frame packet = model_packet(&scene.model, &frame, true, false);
        uint32_t timestamp = 0xfffff000u + (scene.picture - 2) * TICKS;
        assert_int_equal(svc_filter_packet(&scene.filter, timestamp, &packet, 1, 2), s < 2);
    }
    assert_memory_equal(&before, &scene.filter, sizeof before);
}

/* Whatever is wanted and whenever: `picture` asserts that all that is sent can be decoded. After the next key
 * picture it is what is wanted. */
static void test_any_wish_at_any_time(void **state)
{
    (void)state;
    struct prng prng = {7};
    for (unsigned run = 0; run < 40; run++) {
        struct scene scene;
        scene_init(&scene, run % 2, 1 + run / 2 % 3);
        unsigned since_key = 0;
        for (unsigned i = 0; i < 1000; i++) {
            bool key = i == 0 || prng_next(&prng) % 40 == 0;
            if (prng_next(&prng) % 10 == 0) {
                scene.spatial = (unsigned)(prng_next(&prng) % 4);
                scene.temporal = (unsigned)(prng_next(&prng) % 4);
                since_key = 0;
            }
            picture(&scene, key);
            since_key = key ? 1 : since_key > 0 ? since_key + 1 : 0;
            int spatial, temporal;
            assert_true(svc_filter_layers(&scene.filter, &spatial, &temporal));
            unsigned top = scene.model.layers - 1;
            if (since_key > 0)
                assert_int_equal(spatial, scene.spatial < top ? scene.spatial : top);
            assert_true(temporal <= (int)scene.temporal || spatial > (int)scene.spatial);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything),
        cmocka_unit_test(test_spatial_down_at_once),
        cmocka_unit_test(test_spatial_up_at_a_key_picture),
        cmocka_unit_test(test_spatial_down_in_k_svc),
        cmocka_unit_test(test_temporal),
        cmocka_unit_test(test_fewer_layers_than_wanted),
        cmocka_unit_test(test_up_where_the_layer_begins),
        cmocka_unit_test(test_late_packets),
        cmocka_unit_test(test_any_wish_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
