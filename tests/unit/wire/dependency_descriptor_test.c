/* Dependency descriptors: structure, frames that refer to it, their own dependencies, and what is wrong. */
#include "proto/wire/dependency_descriptor.h"
#include "tests/unit/wire/dependency_write.h"
#include "wire_test.h"

static int parse(const struct bit_writer *writer, struct dependency_structure *structure,
                 struct dependency_descriptor *descriptor)
{
    uint8_t *copy = exact_copy(writer->bytes, bytes_of(writer));
    int result = dependency_descriptor_parse(copy, bytes_of(writer), structure, structure, descriptor);
    free(copy);
    return result;
}

static struct bit_writer key_frame(unsigned offset, int resolutions)
{
    struct bit_writer writer = {0};
    put_mandatory(&writer, 1, 0, offset, 0xabcd);
    put_flags(&writer, 1, 1, 0, 0, 0);
    put_structure(&writer, offset, l2t2_key, L2T2_KEY_TEMPLATES, 4, 2);
    put(&writer, (uint32_t)resolutions, 1);
    for (int i = 0; resolutions && i < 2; i++)
        put(&writer, 0x027f0167, 32);
    put(&writer, 0xb, 4); /* active targets: all but S1T0 */
    return writer;
}

static void test_structure(void **state)
{
    (void)state;
    struct dependency_structure s = {0};
    struct dependency_descriptor d;
    struct bit_writer writer = key_frame(60, 1);

    assert_int_equal(parse(&writer, &s, &d), 0);
    assert_true(d.start_of_frame && !d.end_of_frame && d.has_structure && d.has_active_targets);
    assert_int_equal(d.frame_number, 0xabcd);
    assert_int_equal(d.active_targets, 0xb);
    assert_int_equal(d.reach, 0);
    assert_int_equal(s.template_offset, 60);
    assert_int_equal(s.template_count, 7);
    assert_int_equal(s.target_count, 4);
    assert_int_equal(s.chain_count, 2);
    assert_int_equal(s.spatial_layers, 2);
    assert_true(s.has_resolutions);
    assert_memory_equal(s.target_spatial, "\0\0\1\1", 4);
    assert_memory_equal(s.target_temporal, "\0\1\0\1", 4);
    assert_int_equal(s.templates[6].spatial, 1);
    assert_int_equal(s.templates[6].temporal, 1);
    assert_int_equal(s.templates[1].reach, 4);
    assert_int_equal(dependency_indication_of(d.indications, 1), DEPENDENCY_SWITCH);
    assert_int_equal(dependency_indication_of(d.indications, 3), DEPENDENCY_REQUIRED);
}

static void test_frames_by_template(void **state)
{
    (void)state;
    struct dependency_structure s = {0};
    struct dependency_descriptor d;
    struct bit_writer writer = key_frame(60, 0);
    assert_int_equal(parse(&writer, &s, &d), 0);

    struct bit_writer frame = {0};
    put_mandatory(&frame, 0, 1, (60 + 6) % 64, 7); /* ids go round */
    assert_int_equal(parse(&frame, &s, &d), 0);
    assert_true(!d.start_of_frame && d.end_of_frame && !d.has_structure && !d.has_active_targets);
    assert_int_equal(d.spatial, 1);
    assert_int_equal(d.temporal, 1);
    assert_int_equal(d.reach, 2);
    assert_int_equal(d.indications, 0x40);

    frame = (struct bit_writer){0};
    put_mandatory(&frame, 0, 1, 59, 8);
    assert_int_equal(parse(&frame, &s, &d), -ENOENT);
    frame = (struct bit_writer){0};
    put_mandatory(&frame, 0, 1, 3, 8);
    assert_int_equal(parse(&frame, &s, &d), -ENOENT);
    assert_int_equal(s.template_count, 7);
}

static void test_own_dependencies(void **state)
{
    (void)state;
    struct dependency_structure s = {0};
    struct dependency_descriptor d;
    struct bit_writer writer = key_frame(0, 0);
    assert_int_equal(parse(&writer, &s, &d), 0);

    struct bit_writer frame = {0};
    put_mandatory(&frame, 1, 1, 5, 9);
    put_flags(&frame, 0, 0, 1, 1, 1);
    put_indications(&frame, "D-SR");
    put(&frame, 1, 2);
    put(&frame, 3, 4);
    put(&frame, 3, 2);
    put(&frame, 4095, 12);
    put(&frame, 2, 2);
    put(&frame, 200, 8);
    put(&frame, 0, 2);
    put(&frame, 1, 8);
    put(&frame, 255, 8);
    assert_int_equal(parse(&frame, &s, &d), 0);
    assert_int_equal(d.reach, 4096);
    assert_int_equal(d.indications,
                     DEPENDENCY_DISCARDABLE | DEPENDENCY_SWITCH << 4 | DEPENDENCY_REQUIRED << 6);

    /* Torn anywhere behind the mandatory fields: refused, and nothing is written. */
    unsigned whole = bytes_of(&frame);
    for (unsigned length = 4; length < whole; length++) {
        frame.position = length * 8;
        d.reach = 77;
        assert_int_equal(parse(&frame, &s, &d), -EBADMSG);
        assert_int_equal(d.reach, 77);
    }
}

static void test_nothing_known(void **state)
{
    (void)state;
    struct dependency_structure s = {0};
    struct dependency_descriptor d;
    const uint8_t mandatory[] = {0xc0, 0, 1};
    for (size_t length = 0; length < sizeof mandatory; length++)
        assert_int_equal(dependency_descriptor_parse(mandatory, length, &s, &s, &d), -EBADMSG);
    assert_int_equal(dependency_descriptor_parse(mandatory, sizeof mandatory, &s, &s, &d), -ENOENT);
}

static void test_torn_structures_are_refused(void **state)
{
    (void)state;
    struct dependency_structure s = {0};
    struct dependency_descriptor d;
    struct bit_writer writer = key_frame(0, 1);
    unsigned whole = bytes_of(&writer);
    for (unsigned length = 4; length < whole; length++) {
        writer.position = length * 8;
        assert_int_equal(parse(&writer, &s, &d), -EBADMSG);
        assert_int_equal(s.template_count, 0);
    }
}

/* Templates and layers beyond what there can be, however long the descriptor goes on. */
static void test_too_many(void **state)
{
    (void)state;
    for (unsigned next = 0; next < 3; next++) {
        struct dependency_structure s = {0};
        struct dependency_descriptor d;
        struct bit_writer writer = {0};
        put_mandatory(&writer, 1, 1, 0, 1);
        put_flags(&writer, 1, 0, 0, 0, 0);
        put(&writer, 0, 6);
        put(&writer, 31, 5);
        unsigned templates = next == 0 ? DEPENDENCY_TEMPLATES_MAX + 1 : DEPENDENCY_LAYERS_MAX + 1;
        for (unsigned i = 0; i + 1 < templates; i++)
            put(&writer, next, 2);
        put(&writer, 3, 2);
        writer.position = 255 * 8;
        assert_int_equal(parse(&writer, &s, &d), -EBADMSG);
        assert_int_equal(s.template_count, 0);
    }
}

/* 64 templates and 32 targets, each chain its own, fit. */
static void test_maxima(void **state)
{
    (void)state;
    static uint8_t bytes[2048];
    struct bit_writer writer = {0};
    put_mandatory(&writer, 1, 1, 63, 1);
    put_flags(&writer, 1, 0, 0, 0, 0);
    put(&writer, 0, 6);
    put(&writer, 31, 5);
    for (unsigned i = 0; i < 63; i++)
        put(&writer, 0, 2);
    put(&writer, 3, 2);
    memcpy(bytes, writer.bytes, sizeof writer.bytes);
    /* All that follows is zeroes: nothing is present, no chains, no resolutions. */
    struct dependency_structure s = {0};
    struct dependency_descriptor d;
    assert_int_equal(dependency_descriptor_parse(bytes, sizeof bytes, &s, &s, &d), 0);
    assert_int_equal(s.template_count, 64);
    assert_int_equal(s.target_count, 32);
    assert_int_equal(d.indications, 0);
}

/* Any bytes: no read beyond them (the sanitizer looks on), and what is said keeps its bounds. */
static void test_noise(void **state)
{
    (void)state;
    uint64_t seed = 42;
    struct dependency_structure s = {0};
    unsigned parsed = 0;
    for (unsigned round = 0; round < 20000; round++) {
        struct dependency_descriptor d;
        struct bit_writer writer = key_frame((unsigned)(next_random(&seed) % 64), 1);
        writer.position = (unsigned)(8 * (3 + next_random(&seed) % 60));
        for (unsigned flips = 0; flips < 3; flips++)
            writer.bytes[next_random(&seed) % 40] ^= (uint8_t)(1u << next_random(&seed) % 8);
        parsed += parse(&writer, &s, &d) == 0;
        assert_true(s.template_count <= DEPENDENCY_TEMPLATES_MAX && s.target_count <= DEPENDENCY_TARGETS_MAX);
    }
    assert_true(parsed > 100);
}

/* Whatever else stands in a descriptor, with a mask or without: another mask changes the mask alone. */
static void test_active_targets_are_rewritten(void **state)
{
    (void)state;
    uint32_t random = 1;

    for (unsigned round = 0; round < 2000; round++) {
        struct dependency_structure s = {0}, after;
        struct dependency_descriptor d, again;
        struct bit_writer writer = key_frame(60, round & 1);
        uint8_t out[300];

        assert_int_equal(parse(&writer, &s, &d), 0);
        random = random * 1664525u + 1013904223u;
        unsigned kind = random >> 24;
        uint32_t mask = random >> 16 & 0xf;
        if (kind & 0x80) { /* a frame that refers to the structure, with fields of its own or none */
            writer = (struct bit_writer){0};
            put_mandatory(&writer, kind & 1, kind >> 1 & 1, (60 + kind % 7) & 63, random & 0xffff);
            if (kind & 0x7c) {
                put_flags(&writer, 0, kind >> 2 & 1, kind >> 3 & 1, kind >> 4 & 1, kind >> 5 & 1);
                if (kind >> 2 & 1)
                    put(&writer, 0x5, 4);
                if (kind >> 3 & 1)
                    put_indications(&writer, "-DSR");
                if (kind >> 4 & 1) {
                    put(&writer, 1, 2);
                    put(&writer, 9, 4);
                    put(&writer, 3, 2);
                    put(&writer, random & 0xfff, 12);
                    put(&writer, 0, 2);
                }
                if (kind >> 5 & 1)
                    put(&writer, random & 0xffff, 16);
            }
            assert_int_equal(parse(&writer, &s, &d), 0);
        }
        int bytes = dependency_descriptor_write_active(writer.bytes, bytes_of(&writer), &d.active, mask, out,
                                                       sizeof(out));
        assert_true(bytes > 0 && bytes <= (int)bytes_of(&writer) + 2);
        after = s;
        assert_int_equal(dependency_descriptor_parse(out, (size_t)bytes, &s, &after, &again), 0);
        assert_true(again.has_active_targets);
        assert_int_equal(again.active_targets, mask);
        assert_memory_equal(&after, &s, sizeof(s));
        assert_int_equal(again.frame_number, d.frame_number);
        assert_int_equal(again.start_of_frame, d.start_of_frame);
        assert_int_equal(again.end_of_frame, d.end_of_frame);
        assert_int_equal(again.spatial, d.spatial);
        assert_int_equal(again.temporal, d.temporal);
        assert_int_equal(again.reach, d.reach);
        assert_int_equal(again.indications, d.indications);
    }
    struct dependency_active beyond = {.position = 200, .target_count = 4, .is_present = true};
    const uint8_t value[4] = {0};
    uint8_t out[8];
    assert_int_equal(dependency_descriptor_write_active(value, 4, &beyond, 1, out, sizeof(out)), -EBADMSG);
    beyond.position = 29;
    beyond.is_present = false;
    assert_int_equal(dependency_descriptor_write_active(value, 2, &beyond, 1, out, sizeof(out)), -EBADMSG);
    assert_int_equal(dependency_descriptor_write_active(value, 3, &beyond, 1, out, 4), -ENOSPC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_structure),
        cmocka_unit_test(test_frames_by_template),
        cmocka_unit_test(test_own_dependencies),
        cmocka_unit_test(test_nothing_known),
        cmocka_unit_test(test_torn_structures_are_refused),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_maxima),
        cmocka_unit_test(test_noise),
        cmocka_unit_test(test_active_targets_are_rewritten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
