#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dataplane/layer_switch.h"
#include "tests/unit/dataplane/prng.h"

#define S 1000000ull

static const uint8_t three_by_three[] = {3, 3, 3};

static void test_start_and_up(void **state)
{
    (void)state;
    struct layer_switch layer;
    struct layer_view views[3] = {{0}};
    int spatial, temporal;
    layer_switch_init(&layer, three_by_three, 3, true);
    assert_false(layer_switch_take_change(&layer, 0, &spatial, &temporal));
    assert_int_equal(layer_switch_update(&layer, views, 10 * S), -1); /* nothing lives */

    views[0].last_packet_us = 10 * S;
    assert_int_equal(layer_switch_update(&layer, views, 10 * S), 0);
    assert_int_equal(layer_switch_packet(&layer, 0, false), LAYER_IGNORE);
    assert_int_equal(layer_switch_packet(&layer, 0, true), LAYER_BEGIN);
    assert_int_equal(layer_switch_packet(&layer, 0, false), LAYER_FORWARD);
    assert_int_equal(layer_switch_packet(&layer, 0, true), LAYER_FORWARD);
    assert_true(layer_switch_take_change(&layer, 0, &spatial, &temporal));
    assert_int_equal(spatial, 0);
    assert_int_equal(temporal, 2);
    assert_false(layer_switch_take_change(&layer, 0, &spatial, &temporal));

    /* The top comes to life: the current goes on until its key frame. */
    views[0].last_packet_us = views[2].last_packet_us = 11 * S;
    assert_int_equal(layer_switch_update(&layer, views, 11 * S), 2);
    assert_int_equal(layer_switch_packet(&layer, 2, false), LAYER_IGNORE);
    assert_int_equal(layer_switch_packet(&layer, 0, false), LAYER_FORWARD);
    assert_false(layer_switch_take_change(&layer, 0, &spatial, &temporal));
    assert_int_equal(layer_switch_packet(&layer, 2, true), LAYER_BEGIN);
    assert_int_equal(layer_switch_packet(&layer, 0, true), LAYER_IGNORE);
    assert_true(layer_switch_take_change(&layer, 0, &spatial, &temporal));
    assert_int_equal(spatial, 2);
    assert_int_equal(layer_switch_update(&layer, views, 11 * S), -1);
}

static void test_a_dead_layer_is_left(void **state)
{
    (void)state;
    struct layer_switch layer;
    struct layer_view views[3] = {
        {.last_packet_us = 10 * S}, {.last_packet_us = 10 * S}, {.last_packet_us = 10 * S}};
    int spatial, temporal;
    layer_switch_init(&layer, three_by_three, 3, true);
    layer_switch_update(&layer, views, 10 * S);
    assert_int_equal(layer_switch_packet(&layer, 2, true), LAYER_BEGIN);
    layer_switch_take_change(&layer, 0, &spatial, &temporal);

    views[0].last_packet_us = views[1].last_packet_us = 12 * S;
    assert_int_equal(layer_switch_update(&layer, views, 12 * S), -1);
    assert_int_equal(layer_switch_update(&layer, views, 12 * S + 1), 1);
    assert_int_equal(layer_switch_packet(&layer, 1, false), LAYER_IGNORE);
    /* Nothing is shown: the key frame of a lower layer is better than waiting. */
    assert_int_equal(layer_switch_packet(&layer, 0, true), LAYER_BEGIN);
    assert_int_equal(layer_switch_packet(&layer, 1, true), LAYER_BEGIN);
    assert_int_equal(layer_switch_packet(&layer, 0, true), LAYER_IGNORE);
    assert_true(layer_switch_take_change(&layer, 0, &spatial, &temporal));
    assert_int_equal(spatial, 1);

    /* All die. */
    assert_int_equal(layer_switch_update(&layer, views, 20 * S), -1);
    assert_true(layer_switch_take_change(&layer, 0, &spatial, &temporal));
    assert_int_equal(spatial, -1);
    assert_int_equal(temporal, -1);
}

static void test_quiet_screens_live_longer(void **state)
{
    (void)state;
    struct layer_switch layer;
    struct layer_view view = {.last_packet_us = 10 * S, .dtx = true};
    const uint8_t one = 0;
    int spatial, temporal;
    layer_switch_init(&layer, &one, 1, true);
    layer_switch_update(&layer, &view, 10 * S);
    layer_switch_packet(&layer, 0, true);
    assert_true(layer_switch_take_change(&layer, 0, &spatial, &temporal));
    assert_int_equal(temporal, 0);
    layer_switch_update(&layer, &view, 15 * S);
    assert_false(layer_switch_take_change(&layer, 0, &spatial, &temporal));
    layer_switch_update(&layer, &view, 15 * S + 1);
    assert_true(layer_switch_take_change(&layer, 0, &spatial, &temporal));
    assert_int_equal(spatial, -1);
    /* It wakes up where it stopped: no key frame is needed to go on. */
    view.last_packet_us = 16 * S;
    assert_int_equal(layer_switch_packet(&layer, 0, false), LAYER_FORWARD);
    layer_switch_update(&layer, &view, 16 * S);
    assert_true(layer_switch_take_change(&layer, 0, &spatial, &temporal));
    assert_int_equal(spatial, 0);
}

static void test_highest_allowed(void **state)
{
    (void)state;
    struct layer_switch layer;
    struct layer_view views[3] = {
        {.last_packet_us = 10 * S}, {.last_packet_us = 10 * S}, {.last_packet_us = 10 * S}};
    layer_switch_init(&layer, three_by_three, 3, true);
    layer_switch_update(&layer, views, 10 * S);
    layer_switch_packet(&layer, 2, true);

    /* Down: at once asked for, at its key frame done. */
    layer_switch_allow(&layer, 0, MEDIA_TEMPORAL_LAYERS_MAX - 1);
    assert_int_equal(layer_switch_update(&layer, views, 10 * S), 0);
    assert_int_equal(layer_switch_packet(&layer, 2, false), LAYER_FORWARD);
    assert_int_equal(layer_switch_packet(&layer, 1, true), LAYER_IGNORE);
    assert_int_equal(layer_switch_packet(&layer, 0, true), LAYER_BEGIN);
    /* What lies above is not taken while something below lives. */
    assert_int_equal(layer_switch_packet(&layer, 2, true), LAYER_IGNORE);
    views[0].last_packet_us = 1;
    assert_int_equal(layer_switch_update(&layer, views, 10 * S), 1);
}

static void test_newcomers_wait(void **state)
{
    (void)state;
    struct layer_switch layer;
    struct layer_view views[3] = {{0}, {.last_packet_us = 10 * S}};
    layer_switch_init(&layer, three_by_three, 3, true);
    layer_switch_update(&layer, views, 10 * S);
    assert_int_equal(layer_switch_packet(&layer, 1, true), LAYER_BEGIN);

    /* Not taken while what is sent lives. */
    views[2] = (struct layer_view){.last_packet_us = 11 * S, .is_newcomer = true};
    views[1].last_packet_us = 11 * S;
    assert_int_equal(layer_switch_update(&layer, views, 11 * S), -1);
    assert_int_equal(layer_switch_packet(&layer, 2, true), LAYER_IGNORE);
    views[2].is_newcomer = false;
    assert_int_equal(layer_switch_update(&layer, views, 11 * S), 2);
    assert_int_equal(layer_switch_packet(&layer, 2, true), LAYER_BEGIN);

    /* Downwards, and when nothing else is sent, it is better than waiting. */
    views[0] = (struct layer_view){.last_packet_us = 11 * S, .is_newcomer = true};
    layer_switch_allow(&layer, 0, 3);
    assert_int_equal(layer_switch_update(&layer, views, 11 * S), 0);
    assert_int_equal(layer_switch_packet(&layer, 0, true), LAYER_BEGIN);
    layer_switch_allow(&layer, 2, 3);
    views[0].last_packet_us = 1;
    views[2].is_newcomer = true;
    assert_int_equal(layer_switch_update(&layer, views, 11 * S), 2);
}

static void test_reset_and_audio(void **state)
{
    (void)state;
    struct layer_switch layer;
    struct layer_view view = {.last_packet_us = 10 * S};
    const uint8_t one = 1;
    layer_switch_init(&layer, &one, 1, true);
    layer_switch_update(&layer, &view, 10 * S);
    layer_switch_packet(&layer, 0, true);
    layer_switch_reset(&layer);
    assert_int_equal(layer_switch_update(&layer, &view, 10 * S), 0);
    assert_int_equal(layer_switch_packet(&layer, 0, false), LAYER_IGNORE);
    assert_int_equal(layer_switch_packet(&layer, 0, true), LAYER_BEGIN);

    layer_switch_init(&layer, &one, 1, false);
    assert_int_equal(layer_switch_packet(&layer, 0, false), LAYER_BEGIN);
    assert_int_equal(layer_switch_packet(&layer, 0, false), LAYER_FORWARD);
    assert_int_equal(layer_switch_packet(&layer, 1, true), LAYER_IGNORE); /* there is none such */
    assert_int_equal(layer_switch_update(&layer, &view, 10 * S), -1);
}

/* A picture of a temporal layer: whether it passes. */
static bool picture(struct layer_switch *layer, uint8_t temporal, bool sync)
{
    struct packet_layer view = {.temporal = temporal, .temporal_sync = sync, .frame_start = true};
    return layer_switch_temporal(layer, &view, false);
}

static void test_bandwidth_takes_temporal_layers(void **state)
{
    (void)state;
    struct layer_switch layer;
    struct layer_view views[3] = {{.last_packet_us = 10 * S}};
    int spatial, temporal;
    layer_switch_init(&layer, three_by_three, 3, true);
    layer_switch_update(&layer, views, 10 * S);
    assert_int_equal(layer_switch_packet(&layer, 0, true), LAYER_BEGIN);
    assert_true(picture(&layer, 2, false));
    layer_switch_take_change(&layer, 0, &spatial, &temporal);

    /* In the middle of a picture nothing is taken away. */
    layer_switch_allow(&layer, 2, 0);
    struct packet_layer rest = {.temporal = 2};
    assert_true(layer_switch_temporal(&layer, &rest, false));
    assert_false(picture(&layer, 2, false));
    assert_true(picture(&layer, 0, false));
    assert_true(layer_switch_take_change(&layer, 0, &spatial, &temporal));
    assert_int_equal(spatial, 0);
    assert_int_equal(temporal, 0);

    /* Up one by one, where the stream says so. */
    layer_switch_allow(&layer, 2, 3);
    assert_false(picture(&layer, 1, false));
    assert_false(picture(&layer, 2, true)); /* of the layer between, later ones would be missing */
    assert_true(picture(&layer, 1, true));
    assert_false(picture(&layer, 2, false));
    assert_true(picture(&layer, 2, true));
    assert_true(layer_switch_take_change(&layer, 0, &spatial, &temporal));
    assert_int_equal(temporal, 2);

    /* A key frame leaves nothing to wait for. */
    layer_switch_allow(&layer, 2, 0);
    assert_false(picture(&layer, 1, false));
    layer_switch_allow(&layer, 2, 3);
    struct packet_layer key = {.frame_start = true};
    assert_true(layer_switch_temporal(&layer, &key, true));
    assert_true(picture(&layer, 2, false));
}

static void test_bandwidth_takes_encodings(void **state)
{
    (void)state;
    struct layer_switch layer;
    struct layer_view views[3] = {
        {.last_packet_us = 10 * S}, {.last_packet_us = 10 * S}, {.last_packet_us = 10 * S}};
    layer_switch_init(&layer, three_by_three, 3, true);
    layer_switch_update(&layer, views, 10 * S);
    assert_int_equal(layer_switch_packet(&layer, 2, true), LAYER_BEGIN);
    assert_int_equal(layer.reason, LAYER_REASON_PREFERRED);

    /* Until the key frame of the lower one, the current is thinned out. */
    layer_switch_allow(&layer, 0, 3);
    assert_int_equal(layer_switch_update(&layer, views, 10 * S), 0);
    assert_int_equal(layer.reason, LAYER_REASON_ESTIMATE);
    assert_int_equal(layer_switch_packet(&layer, 2, false), LAYER_FORWARD);
    assert_false(picture(&layer, 1, false));
    assert_int_equal(layer_switch_packet(&layer, 0, false), LAYER_IGNORE);
    assert_int_equal(layer_switch_packet(&layer, 0, true), LAYER_BEGIN);
    assert_true(picture(&layer, 2, false));
    assert_int_equal(layer_switch_packet(&layer, 1, true), LAYER_IGNORE);

    /* Suspended: at once, and nothing begins by itself. */
    layer_switch_allow(&layer, -1, -1);
    assert_int_equal(layer_switch_update(&layer, views, 10 * S), -1);
    assert_int_equal(layer.reason, LAYER_REASON_SUSPENDED);
    assert_int_equal(layer_switch_packet(&layer, 0, true), LAYER_IGNORE);
    layer_switch_allow(&layer, 1, 0);
    assert_int_equal(layer_switch_update(&layer, views, 10 * S), 1);
    assert_int_equal(layer_switch_packet(&layer, 1, true), LAYER_BEGIN);
    assert_false(picture(&layer, 1, true));
}

/* In whatever state, what is said to be taken is what is not ignored. */
static void check_takes(const struct layer_switch *layer)
{
    uint8_t takes, begins;

    layer_switch_takes(layer, &takes, &begins);
    for (unsigned encoding = 0; encoding < MEDIA_ENCODINGS_MAX; encoding++) {
        for (unsigned key = 0; key < 2; key++) {
            struct layer_switch tried = *layer;
            bool said = (takes | (key ? begins : 0)) >> encoding & 1;
            bool taken = layer_switch_packet(&tried, encoding, key) != LAYER_IGNORE;
            assert_int_equal(said, taken);
        }
    }
}

static void test_says_what_it_takes(void **state)
{
    struct prng prng = {.state = 11};

    (void)state;
    for (unsigned run = 0; run < 300; run++) {
        struct layer_switch layer;
        struct layer_view views[MEDIA_ENCODINGS_MAX] = {{0}};
        layer_switch_init(&layer, three_by_three, 1 + prng_below(&prng, 3), prng_below(&prng, 2));
        for (uint64_t now_us = 10 * S; now_us < 20 * S; now_us += S / 10) {
            check_takes(&layer);
            unsigned encoding = prng_below(&prng, layer.count);
            switch (prng_below(&prng, 5)) {
            case 0:
                layer_switch_packet(&layer, encoding, prng_below(&prng, 2));
                break;
            case 1:
                layer_switch_allow(&layer, (int)prng_below(&prng, 4) - 1, (int)prng_below(&prng, 3));
                break;
            case 2:
                views[encoding].last_packet_us = now_us;
                break;
            case 3:
                layer_switch_update(&layer, views, now_us);
                break;
            default:
                layer_switch_reset(&layer);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start_and_up),
        cmocka_unit_test(test_a_dead_layer_is_left),
        cmocka_unit_test(test_quiet_screens_live_longer),
        cmocka_unit_test(test_highest_allowed),
        cmocka_unit_test(test_newcomers_wait),
        cmocka_unit_test(test_reset_and_audio),
        cmocka_unit_test(test_bandwidth_takes_temporal_layers),
        cmocka_unit_test(test_bandwidth_takes_encodings),
        cmocka_unit_test(test_says_what_it_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
