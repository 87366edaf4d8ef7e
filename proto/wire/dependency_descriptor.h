/* The dependency descriptor (RTP payload format for AV1, appendix A): a header extension that says of each
 * frame which layer it is of, which decode targets need it, and how far back it depends on others.
 *
 * Most of that stands in templates, which come with the first packet of a key frame (the structure) and hold
 * until the next structure. Render resolutions and chains are checked and passed over. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEPENDENCY_TEMPLATES_MAX 64
#define DEPENDENCY_TARGETS_MAX 32
#define DEPENDENCY_LAYERS_MAX 8 /* spatial, or temporal */

/* What a frame is to a decode target, in two bits. */
enum dependency_indication {
    DEPENDENCY_NOT_PRESENT = 0,
    DEPENDENCY_DISCARDABLE = 1, /* belongs to it, and nothing in it depends on this frame */
    DEPENDENCY_SWITCH = 2,      /* who can decode this frame can decode the target from here on */
    DEPENDENCY_REQUIRED = 3
};

struct dependency_template {
    uint64_t indications; /* two bits a target, those of target 0 lowest */
    uint8_t spatial;
    uint8_t temporal;
    uint8_t reach; /* frames back to the farthest that it depends on; 0 = it depends on none */
};

/* All zeroes: none is known. */
struct dependency_structure {
    uint8_t template_offset; /* the id of the first template */
    uint8_t template_count;
    uint8_t target_count;
    uint8_t chain_count;
    uint8_t spatial_layers;
    bool has_resolutions;
    uint8_t target_spatial[DEPENDENCY_TARGETS_MAX]; /* highest layer in it, likewise below */
    uint8_t target_temporal[DEPENDENCY_TARGETS_MAX];
    struct dependency_template templates[DEPENDENCY_TEMPLATES_MAX];
};

/* Where the mask of active decode targets stands in a value, or would. */
struct dependency_active {
    uint16_t position; /* bits before it */
    uint8_t target_count;
    bool is_present;
};

struct dependency_descriptor {
    bool start_of_frame;
    bool end_of_frame;
    bool has_structure;
    bool has_active_targets;
    uint8_t spatial;
    uint8_t temporal;
    uint16_t frame_number;
    uint16_t reach;          /* as of a template */
    uint32_t active_targets; /* bit n: decode target n is being sent; with has_active_targets */
    uint64_t indications;    /* as of a template */
    struct dependency_active active;
};

static inline enum dependency_indication dependency_indication_of(uint64_t indications, unsigned target)
{
    return (enum dependency_indication)(indications >> 2 * target & 3);
}

/* Parses an extension's value. A structure in it is written to ret_structure, else known, the last one of
 * this stream, says what the template means; they may be the same, and ret_structure is left alone when there
 * is none, or on error. -EBADMSG when it is malformed, has more templates or layers than there can be, or
 * names a template that its own structure does not have; -ENOENT when known does not have it: the structure
 * was lost. */
int dependency_descriptor_parse(const uint8_t *value, size_t length, const struct dependency_structure *known,
                                struct dependency_structure *ret_structure,
                                struct dependency_descriptor *ret_descriptor);

/* Writes a value that was parsed with another mask of active targets (appendix A.8.3.4), which it may have
 * had none of. Returns its bytes; -EBADMSG when place is not of this value, -ENOSPC. out must not overlap
 * value. */
int dependency_descriptor_write_active(const uint8_t *value, size_t length,
                                       const struct dependency_active *place, uint32_t active_targets,
                                       uint8_t *out, size_t out_bytes);
