/* The tables of names: every field lies in its block, none is named twice, and values come out as they went
 * in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "shm/media_state.h"
#include "shm/statistics.h"
#include "shm/statistics_fields.h"

static size_t width(const struct statistics_field *field)
{
    switch ((enum statistics_field_type)field->type) {
    case STATISTICS_U8:
    case STATISTICS_U8_FLAG:
    case STATISTICS_I8:
    case STATISTICS_LAYER_REASON:
        return 1;
    case STATISTICS_U64:
        return 8;
    default:
        return 4;
    }
}

static void check(const struct statistics_fields *fields, size_t block_bytes)
{
    assert_true(fields->count > 0);
    for (size_t i = 0; i < fields->count; i++) {
        const struct statistics_field *field = &fields->fields[i];
        assert_true(field->offset >= 4); /* behind the sequence */
        assert_true(field->offset + width(field) <= block_bytes);
        assert_int_equal(field->offset % width(field), 0);
        for (size_t j = 0; j < i; j++) {
            const struct statistics_field *other = &fields->fields[j];
            assert_string_not_equal(field->name, other->name);
            assert_true(field->offset + width(field) <= other->offset ||
                        other->offset + width(other) <= field->offset);
        }
    }
}

static void test_tables(void **state)
{
    (void)state;
    check(&statistics_transport_fields, sizeof(struct statistics_transport));
    check(&statistics_bandwidth_fields, sizeof(struct statistics_transport));
    check(&statistics_stream_fields, sizeof(struct statistics_stream));
    check(&statistics_audio_fields, sizeof(struct statistics_stream));
    check(&statistics_consumer_fields, sizeof(struct statistics_consumer));
}

static int64_t value(const struct statistics_fields *fields, const char *name, const void *block)
{
    for (size_t i = 0; i < fields->count; i++)
        if (strcmp(fields->fields[i].name, name) == 0)
            return statistics_field_integer(&fields->fields[i], block);
    fail_msg("no field %s", name);
    return 0;
}

static void test_values(void **state)
{
    struct statistics_transport transport = {.bytes_sent = 1ull << 40, .has_keys = 1, .rtt_us = 23456};
    struct statistics_stream stream = {.audio_loudness = 97, .packets_lost = 3};
    struct statistics_consumer consumer = {.spatial_layer = -1, .priority = 255};

    (void)state;
    assert_int_equal(value(&statistics_transport_fields, "bytesSent", &transport), 1ll << 40);
    assert_int_equal(value(&statistics_transport_fields, "keys", &transport), 1);
    assert_int_equal(value(&statistics_transport_fields, "consent", &transport), 0);
    assert_int_equal(value(&statistics_transport_fields, "roundTripTime", &transport), 23456);
    assert_int_equal(value(&statistics_audio_fields, "audioLevel", &stream), -30);
    assert_int_equal(value(&statistics_stream_fields, "packetsLost", &stream), 3);
    assert_int_equal(value(&statistics_consumer_fields, "spatialLayer", &consumer), -1);
    assert_int_equal(value(&statistics_consumer_fields, "priority", &consumer), 255);
}

static void test_reasons_have_names(void **state)
{
    (void)state;
    for (int64_t reason = 0; reason <= LAYER_REASON_PAUSED; reason++) {
        assert_non_null(statistics_layer_reason_name(reason));
        assert_string_not_equal(statistics_layer_reason_name(reason), "unknown");
    }
    assert_string_equal(statistics_layer_reason_name(LAYER_REASON_ESTIMATE), "estimate");
    assert_string_equal(statistics_layer_reason_name(LAYER_REASON_PAUSED + 1), "unknown");
    assert_string_equal(statistics_layer_reason_name(-1), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_reasons_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
