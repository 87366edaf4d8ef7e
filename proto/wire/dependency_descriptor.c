#include "proto/wire/dependency_descriptor.h"

#include <errno.h>
#include <string.h>

#define MANDATORY_BITS 24u
#define HAS_ACTIVE_BIT (MANDATORY_BITS + 1u)
#define FLAGS_END (MANDATORY_BITS + 5u)

/* Bits that are left. A take beyond the end yields zero and marks the descriptor as torn. */
struct reader {
    const uint8_t *data;
    size_t position; /* bits */
    size_t end;
    bool torn;
};

static uint32_t take(struct reader *reader, unsigned bits)
{
    uint32_t value = 0;

    if (bits > reader->end - reader->position) {
        reader->torn = true;
        reader->position = reader->end;
        return 0;
    }
    for (; bits > 0; bits--, reader->position++)
        value = value << 1 | (reader->data[reader->position / 8] >> (7 - reader->position % 8) & 1u);
    return value;
}

/* ns(n) of appendix A.8.1: a number below n, in as few bits as that takes. */
static uint32_t take_below(struct reader *reader, uint32_t n)
{
    unsigned bits = 0;
    for (uint32_t x = n; x != 0; x >>= 1)
        bits++;
    uint32_t short_values = (1u << bits) - n;
    uint32_t value = take(reader, bits - 1);
    if (value < short_values)
        return value;
    return (value << 1) - short_values + take(reader, 1);
}

static void take_layers(struct reader *reader, struct dependency_structure *structure)
{
    enum { SAME = 0, NEXT_TEMPORAL = 1, NEXT_SPATIAL = 2, END = 3 };
    uint8_t spatial = 0, temporal = 0;
    uint32_t next;

    do {
        if (structure->template_count == DEPENDENCY_TEMPLATES_MAX || spatial == DEPENDENCY_LAYERS_MAX ||
            temporal == DEPENDENCY_LAYERS_MAX) {
            reader->torn = true;
            return;
        }
        structure->templates[structure->template_count++] =
            (struct dependency_template){.spatial = spatial, .temporal = temporal};
        structure->spatial_layers = (uint8_t)(spatial + 1);
        next = take(reader, 2);
        if (next == NEXT_TEMPORAL) {
            temporal++;
        } else if (next == NEXT_SPATIAL) {
            temporal = 0;
            spatial++;
        }
    } while (next != END && !reader->torn);
}

static uint64_t take_indications(struct reader *reader, unsigned targets)
{
    uint64_t indications = 0;
    for (unsigned i = 0; i < targets; i++)
        indications |= (uint64_t)take(reader, 2) << 2 * i;
    return indications;
}

static void take_template_reach(struct reader *reader, struct dependency_template *template)
{
    while (take(reader, 1)) {
        uint32_t back = take(reader, 4) + 1;
        if (back > template->reach)
            template->reach = (uint8_t)back;
    }
}

static void take_chains(struct reader *reader, struct dependency_structure *structure)
{
    structure->chain_count = (uint8_t)take_below(reader, structure->target_count + 1u);
    if (structure->chain_count == 0)
        return;
    for (unsigned i = 0; i < structure->target_count; i++)
        take_below(reader, structure->chain_count);
    for (unsigned i = 0; i < structure->template_count; i++)
        for (unsigned chain = 0; chain < structure->chain_count; chain++)
            take(reader, 4);
}

/* Appendix A.8.3.5: a target reaches as high as the highest frame in it. */
static void derive_target_layers(struct dependency_structure *structure)
{
    for (unsigned i = 0; i < structure->template_count; i++) {
        const struct dependency_template *template = &structure->templates[i];
        for (unsigned target = 0; target < structure->target_count; target++) {
            if (dependency_indication_of(template->indications, target) == DEPENDENCY_NOT_PRESENT)
                continue;
            if (template->spatial > structure->target_spatial[target])
                structure->target_spatial[target] = template->spatial;
            if (template->temporal > structure->target_temporal[target])
                structure->target_temporal[target] = template->temporal;
        }
    }
}

static void take_structure(struct reader *reader, struct dependency_structure *structure)
{
    memset(structure, 0, sizeof(*structure));
    structure->template_offset = (uint8_t)take(reader, 6);
    structure->target_count = (uint8_t)(take(reader, 5) + 1);
    take_layers(reader, structure);
    for (unsigned i = 0; i < structure->template_count; i++)
        structure->templates[i].indications = take_indications(reader, structure->target_count);
    for (unsigned i = 0; i < structure->template_count; i++)
        take_template_reach(reader, &structure->templates[i]);
    take_chains(reader, structure);
    derive_target_layers(structure);
    structure->has_resolutions = take(reader, 1);
    for (unsigned i = 0; structure->has_resolutions && i < structure->spatial_layers; i++)
        take(reader, 32);
}

static uint16_t take_reach(struct reader *reader)
{
    uint32_t reach = 0;

    for (uint32_t size = take(reader, 2); size != 0; size = take(reader, 2)) {
        uint32_t back = take(reader, 4 * size) + 1;
        if (back > reach)
            reach = back;
    }
    return (uint16_t)reach;
}

int dependency_descriptor_parse(const uint8_t *value, size_t length, const struct dependency_structure *known,
                                struct dependency_structure *ret_structure,
                                struct dependency_descriptor *ret_descriptor)
{
    struct reader reader = {.data = value, .end = 8 * length};
    struct dependency_structure own;
    const struct dependency_structure *structure = known;
    struct dependency_descriptor descriptor = {.start_of_frame = take(&reader, 1)};
    bool custom_indications = false, custom_reach = false, custom_chains = false;

    descriptor.end_of_frame = take(&reader, 1);
    uint32_t template_id = take(&reader, 6);
    descriptor.frame_number = (uint16_t)take(&reader, 16);
    if (length > 3) {
        descriptor.has_structure = take(&reader, 1);
        descriptor.has_active_targets = take(&reader, 1);
        custom_indications = take(&reader, 1);
        custom_reach = take(&reader, 1);
        custom_chains = take(&reader, 1);
    }
    if (descriptor.has_structure) {
        take_structure(&reader, &own);
        structure = &own;
    }
    if (reader.torn)
        return -EBADMSG;
    uint32_t index = (template_id - structure->template_offset) & (DEPENDENCY_TEMPLATES_MAX - 1);
    if (index >= structure->template_count)
        return descriptor.has_structure ? -EBADMSG : -ENOENT;

    const struct dependency_template *template = &structure->templates[index];
    descriptor.active = (struct dependency_active){
        .position = (uint16_t)(length > 3 ? reader.position : FLAGS_END),
        .target_count = structure->target_count,
        .is_present = descriptor.has_active_targets,
    };
    if (descriptor.has_active_targets)
        descriptor.active_targets = take(&reader, structure->target_count);
    descriptor.spatial = template->spatial;
    descriptor.temporal = template->temporal;
    descriptor.indications =
        custom_indications ? take_indications(&reader, structure->target_count) : template->indications;
    descriptor.reach = custom_reach ? take_reach(&reader) : template->reach;
    for (unsigned i = 0; custom_chains && i < structure->chain_count; i++)
        take(&reader, 8);
    if (reader.torn)
        return -EBADMSG;
    if (descriptor.has_structure)
        *ret_structure = own;
    *ret_descriptor = descriptor;
    return 0;
}

/* Bits onto zeroes. */
struct writer {
    uint8_t *data;
    size_t position;
};

static void put(struct writer *writer, uint32_t value, unsigned bits)
{
    for (; bits > 0; bits--, writer->position++)
        writer->data[writer->position / 8] |=
            (uint8_t)((value >> (bits - 1) & 1u) << (7 - writer->position % 8));
}

static void copy_until(struct writer *writer, struct reader *reader, size_t position)
{
    while (reader->position < position)
        put(writer, take(reader, 1), 1);
}

int dependency_descriptor_write_active(const uint8_t *value, size_t length,
                                       const struct dependency_active *place, uint32_t active_targets,
                                       uint8_t *out, size_t out_bytes)
{
    size_t before = place->is_present ? place->target_count : 0;
    size_t bits = length > 3 ? 8 * length : FLAGS_END; /* flags that are not there are all zero */
    struct reader reader = {.data = value, .end = 8 * length};
    struct writer writer = {.data = out};

    if (length < 3 || place->position < FLAGS_END || place->position + before > bits)
        return -EBADMSG;
    size_t bytes = (bits - before + place->target_count + 7) / 8;
    if (bytes > out_bytes)
        return -ENOSPC;
    memset(out, 0, bytes);
    copy_until(&writer, &reader, length > 3 ? place->position : MANDATORY_BITS);
    writer.position = place->position;
    put(&writer, active_targets, place->target_count);
    out[HAS_ACTIVE_BIT / 8] |= (uint8_t)(0x80 >> HAS_ACTIVE_BIT % 8);
    if (length > 3) {
        reader.position += before;
        copy_until(&writer, &reader, reader.end);
    }
    return (int)bytes;
}
