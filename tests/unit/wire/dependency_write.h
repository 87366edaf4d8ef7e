/* Writes dependency descriptors by the syntax of appendix A.8 of the AV1 payload format, for tests. */
#pragma once

#include <stdint.h>
#include <string.h>

struct bit_writer {
    uint8_t bytes[512];
    unsigned position; /* bits */
};

static inline void put(struct bit_writer *writer, uint32_t value, unsigned bits)
{
    while (bits-- > 0) {
        writer->bytes[writer->position / 8] |= (uint8_t)((value >> bits & 1) << (7 - writer->position % 8));
        writer->position++;
    }
}

static inline unsigned bytes_of(const struct bit_writer *writer)
{
    return (writer->position + 7) / 8;
}

static inline void put_mandatory(struct bit_writer *writer, int start, int end, unsigned template_id,
                                 unsigned frame_number)
{
    put(writer, (uint32_t)start, 1);
    put(writer, (uint32_t)end, 1);
    put(writer, template_id, 6);
    put(writer, frame_number, 16);
}

static inline void put_flags(struct bit_writer *writer, int structure, int active, int dtis, int fdiffs,
                             int chains)
{
    put(writer, (uint32_t)structure, 1);
    put(writer, (uint32_t)active, 1);
    put(writer, (uint32_t)dtis, 1);
    put(writer, (uint32_t)fdiffs, 1);
    put(writer, (uint32_t)chains, 1);
}

/* One row a template. next: what stands behind it in template_layers; the last has 3. */
struct written_template {
    uint8_t next;
    const char *indications; /* one of -DSR a target */
    uint8_t fdiffs[4];       /* until a 0 */
    uint8_t chain_fdiffs[4];
};

static inline void put_indications(struct bit_writer *writer, const char *indications)
{
    for (; *indications; indications++)
        put(writer, (uint32_t)(strchr("-DSR", *indications) - "-DSR"), 2);
}

/* ns(n) */
static inline void put_below(struct bit_writer *writer, uint32_t value, uint32_t n)
{
    unsigned bits = 0;
    for (uint32_t x = n; x != 0; x >>= 1)
        bits++;
    uint32_t short_values = (1u << bits) - n;
    if (value < short_values)
        put(writer, value, bits - 1);
    else
        put(writer, value + short_values, bits);
}

static inline void put_structure(struct bit_writer *writer, unsigned offset,
                                 const struct written_template *templates, unsigned count, unsigned targets,
                                 unsigned chains)
{
    put(writer, offset, 6);
    put(writer, targets - 1, 5);
    for (unsigned i = 0; i < count; i++)
        put(writer, templates[i].next, 2);
    for (unsigned i = 0; i < count; i++)
        put_indications(writer, templates[i].indications);
    for (unsigned i = 0; i < count; i++) {
        for (unsigned j = 0; j < 4 && templates[i].fdiffs[j] != 0; j++) {
            put(writer, 1, 1);
            put(writer, templates[i].fdiffs[j] - 1u, 4);
        }
        put(writer, 0, 1);
    }
    put_below(writer, chains, targets + 1);
    for (unsigned i = 0; chains > 0 && i < targets; i++)
        put_below(writer, i * chains / targets, chains);
    for (unsigned i = 0; chains > 0 && i < count; i++)
        for (unsigned j = 0; j < chains; j++)
            put(writer, templates[i].chain_fdiffs[j], 4);
}

/* Two spatial layers of two temporal ones each, the upper predicted from the lower at key frames alone
 * (L2T2_KEY). Targets: S0T0, S0T1, S1T0, S1T1. */
static const struct written_template l2t2_key[] = {
    {0, "SSRR", {0}, {0, 0}}, /* 0: S0 key */
    {0, "SS--", {4}, {4, 3}}, /* 1: S0T0 */
    {1, "SS--", {2}, {2, 1}}, /* 2: S0T0, other distance: all that counts is the row */
    {2, "-D--", {2}, {2, 1}}, /* 3: S0T1 */
    {0, "--SS", {1}, {1, 1}}, /* 4: S1 key */
    {1, "--SS", {4}, {1, 4}}, /* 5: S1T0 */
    {3, "---D", {2}, {3, 2}}, /* 6: S1T1 */
};
#define L2T2_KEY_TEMPLATES (sizeof(l2t2_key) / sizeof(l2t2_key[0]))
