/* Dependency descriptors one after the other, as of one stream: a length, then that many bytes each. */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    struct dependency_structure structure = {0};

    while (length > 0) {
        size_t bytes = data[0] < length ? data[0] : length - 1;
        uint8_t *value = copy_of(data + 1, bytes);
        struct dependency_structure before = structure;
        struct dependency_descriptor descriptor;
        int error = dependency_descriptor_parse(value, bytes, &structure, &structure, &descriptor);
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
