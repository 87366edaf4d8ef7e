/* Dependency descriptors one after the other, as of one stream: a length, then that many bytes each. */
#include <errno.h>

#include "fuzz_check.h"
#include "proto/wire/dependency_descriptor.h"

static void check_structure(const struct dependency_structure *structure)
{
    CHECK(structure->template_count <= DEPENDENCY_TEMPLATES_MAX);
    CHECK(structure->target_count <= DEPENDENCY_TARGETS_MAX);
    CHECK(structure->spatial_layers <= DEPENDENCY_LAYERS_MAX);
    CHECK(structure->chain_count <= structure->target_count);
    for (unsigned i = 0; i < structure->template_count; i++) {
        CHECK(structure->templates[i].spatial < structure->spatial_layers);
        CHECK(structure->templates[i].temporal < DEPENDENCY_LAYERS_MAX);
        CHECK(structure->templates[i].reach <= 16);
    }
}

/* With another mask of active targets everything else is as it was. */
static void check_rewrite(const uint8_t *value, size_t bytes, const struct dependency_structure *known,
                          const struct dependency_descriptor *descriptor)
{
    uint8_t out[512];
    uint32_t mask = 0xa5c3f019u >> (32 - descriptor->active.target_count);
    int written =
        dependency_descriptor_write_active(value, bytes, &descriptor->active, mask, out, sizeof(out));
    struct dependency_structure structure = *known;
    struct dependency_descriptor again, expected = *descriptor;

    CHECK(written > 0);
    uint8_t *copy = copy_of(out, (size_t)written);
    CHECK(dependency_descriptor_parse(copy, (size_t)written, known, &structure, &again) == 0);
    free(copy);
    CHECK(again.has_active_targets && again.active_targets == mask);
    CHECK(again.start_of_frame == expected.start_of_frame && again.end_of_frame == expected.end_of_frame);
    CHECK(again.has_structure == expected.has_structure && again.frame_number == expected.frame_number);
    CHECK(again.spatial == expected.spatial && again.temporal == expected.temporal);
    CHECK(again.reach == expected.reach && again.indications == expected.indications);
    CHECK(dependency_descriptor_write_active(value, bytes, &descriptor->active, mask, out,
                                             (size_t)written - 1) == -ENOSPC);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    struct dependency_structure structure = {0};

    while (length > 0) {
        size_t bytes = data[0] < length ? data[0] : length - 1;
        uint8_t *value = copy_of(data + 1, bytes);
        struct dependency_structure before = structure;
        struct dependency_descriptor descriptor;
        int error = dependency_descriptor_parse(value, bytes, &structure, &structure, &descriptor);
        if (error == 0)
            check_rewrite(value, bytes, &before, &descriptor);
        free(value);
        if (error != 0 || !descriptor.has_structure)
            CHECK(memcmp(&before, &structure, sizeof before) == 0);
        check_structure(&structure);
        if (error == 0) {
            CHECK(descriptor.spatial < structure.spatial_layers);
            CHECK(descriptor.reach <= 4096);
            for (unsigned i = structure.target_count; i < DEPENDENCY_TARGETS_MAX; i++)
                CHECK(dependency_indication_of(descriptor.indications, i) == DEPENDENCY_NOT_PRESENT);
        }
        data += 1 + bytes;
        length -= 1 + bytes;
    }
    return 0;
}
