#include "dataplane/svc_frame.h"

#define SPATIAL MEDIA_SPATIAL_LAYERS_MAX
#define TEMPORAL MEDIA_TEMPORAL_LAYERS_MAX
#define NO_TARGET 0xff

static uint8_t at_most(uint8_t layer, unsigned count)
{
    return layer < count ? layer : (uint8_t)(count - 1);
}

/* The targets of one spatial layer, from a temporal one on. */
static uint16_t targets_of(unsigned spatial, unsigned temporal)
{
    return (uint16_t)((0xfu << temporal & 0xfu) << svc_target(spatial, 0));
}

void svc_frame_read_vp9(struct svc_stream *stream, const struct vp9_descriptor *descriptor,
                        struct svc_frame *ret_frame)
{
    struct svc_frame frame = {
        .is_layered = descriptor->has_layers,
        .key_picture = descriptor->key_frame,
        .independent = !descriptor->inter_predicted && !descriptor->inter_layer,
        .own_picture_only = !descriptor->inter_predicted,
        .temporal_switch = descriptor->switching_up,
        .start = descriptor->start_of_frame,
        .end = descriptor->end_of_frame,
        .spatial = at_most(descriptor->spatial_layer, SPATIAL),
        .temporal = at_most(descriptor->temporal_layer, TEMPORAL),
    };

    if (descriptor->has_structure)
        stream->spatial_layers = descriptor->spatial_layer_count;
    for (unsigned s = frame.spatial; s < SPATIAL; s++) {
        /* Z: no higher layer of this picture is predicted from it, as between the key frames of k-SVC. */
        if (s == frame.spatial || !descriptor->not_for_upper)
            frame.present |= targets_of(s, frame.temporal);
        if (stream->spatial_layers == 0 || s < stream->spatial_layers)
            frame.active |= targets_of(s, 0);
    }
    for (unsigned s = 0; s < frame.spatial; s++)
        frame.active |= targets_of(s, 0);
    frame.required = frame.present;
    if (frame.own_picture_only)
        frame.switches = targets_of(frame.spatial, frame.temporal);
    *ret_frame = frame;
}

/* The decode target that reaches highest without passing these layers. */
static unsigned find_decode_target(const struct dependency_structure *structure, unsigned spatial,
                                   unsigned temporal)
{
    unsigned found = NO_TARGET;

    for (unsigned i = 0; i < structure->target_count; i++) {
        if (structure->target_spatial[i] > spatial || structure->target_temporal[i] > temporal)
            continue;
        if (found == NO_TARGET || structure->target_spatial[i] > structure->target_spatial[found] ||
            (structure->target_spatial[i] == structure->target_spatial[found] &&
             structure->target_temporal[i] > structure->target_temporal[found]))
            found = i;
    }
    return found;
}

static void add_target(struct svc_frame *frame, unsigned target, enum dependency_indication indication)
{
    uint16_t bit = (uint16_t)(1u << target);

    if (indication == DEPENDENCY_NOT_PRESENT)
        return;
    frame->present |= bit;
    if (indication != DEPENDENCY_DISCARDABLE)
        frame->required |= bit;
    if (indication == DEPENDENCY_SWITCH)
        frame->switches |= bit;
}

/* Whether a target has all frames of another one. */
static bool holds(const struct dependency_structure *structure, unsigned target, unsigned other)
{
    for (unsigned i = 0; i < structure->template_count; i++) {
        uint64_t indications = structure->templates[i].indications;
        if (dependency_indication_of(indications, other) != DEPENDENCY_NOT_PRESENT &&
            dependency_indication_of(indications, target) == DEPENDENCY_NOT_PRESENT)
            return false;
    }
    return true;
}

static bool are_layers_apart(const struct dependency_structure *structure)
{
    for (unsigned i = 0; i < structure->target_count; i++)
        for (unsigned other = 0; other < structure->target_count; other++)
            if (structure->target_spatial[other] < structure->target_spatial[i] &&
                structure->target_temporal[other] <= structure->target_temporal[i] &&
                !holds(structure, i, other))
                return true;
    return false;
}

static int read_descriptor(struct svc_stream *stream, const uint8_t *value, size_t length,
                           struct dependency_descriptor *ret_descriptor)
{
    int error =
        dependency_descriptor_parse(value, length, &stream->structure, &stream->structure, ret_descriptor);

    if (error != 0)
        return error;
    if (ret_descriptor->has_structure)
        stream->layers_apart = are_layers_apart(&stream->structure);
    if (ret_descriptor->has_active_targets)
        stream->active_targets = ret_descriptor->active_targets;
    else if (ret_descriptor->has_structure)
        stream->active_targets = UINT32_MAX;
    return 0;
}

static void note_decode_targets(const struct svc_stream *stream,
                                const struct dependency_descriptor *descriptor,
                                struct svc_decode_targets *ret_targets)
{
    const struct dependency_structure *structure = &stream->structure;

    *ret_targets = (struct svc_decode_targets){.place = descriptor->active,
                                               .has_structure = descriptor->has_structure,
                                               .layers_apart = stream->layers_apart};
    if (structure->target_count > SVC_DECODE_TARGETS_MAX)
        return;
    ret_targets->count = structure->target_count;
    ret_targets->active = stream->active_targets & ((1u << structure->target_count) - 1);
    for (unsigned i = 0; i < structure->target_count; i++) {
        unsigned layer = svc_target(at_most(structure->target_spatial[i], SPATIAL),
                                    at_most(structure->target_temporal[i], TEMPORAL));
        ret_targets->layers |= (uint64_t)layer << 4 * i;
    }
}

int svc_frame_read_decode_targets(struct svc_stream *stream, const uint8_t *value, size_t length,
                                  struct svc_frame *frame)
{
    struct dependency_descriptor descriptor;
    int error = read_descriptor(stream, value, length, &descriptor);

    if (error == 0)
        note_decode_targets(stream, &descriptor, &frame->decode_targets);
    return error;
}

int svc_frame_read_dependency(struct svc_stream *stream, const uint8_t *value, size_t length,
                              struct svc_frame *ret_frame)
{
    struct dependency_descriptor descriptor;
    const struct dependency_structure *structure = &stream->structure;
    int error = read_descriptor(stream, value, length, &descriptor);

    if (error != 0)
        return error;
    struct svc_frame frame = {
        .is_layered = true,
        .key_picture = descriptor.has_structure && descriptor.reach == 0,
        .independent = descriptor.reach == 0,
        /* Frames of a picture follow one another, lowest first. */
        .own_picture_only = descriptor.reach <= descriptor.spatial,
        .start = descriptor.start_of_frame,
        .end = descriptor.end_of_frame,
        .spatial = at_most(descriptor.spatial, SPATIAL),
        .temporal = at_most(descriptor.temporal, TEMPORAL),
    };
    note_decode_targets(stream, &descriptor, &frame.decode_targets);
    for (unsigned i = 0; i < SPATIAL * TEMPORAL; i++) {
        unsigned target = find_decode_target(structure, i / TEMPORAL, i % TEMPORAL);
        if (target == NO_TARGET)
            continue;
        add_target(&frame, i, dependency_indication_of(descriptor.indications, target));
        /* Targets that no decode target stands for are another one by a second name. */
        if (stream->active_targets >> target & 1 && structure->target_spatial[target] == i / TEMPORAL)
            frame.active |= (uint16_t)(1u << i);
    }
    *ret_frame = frame;
    return 0;
}
