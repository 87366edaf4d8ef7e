#include "control/ortc/codec_match.h"

#include <strings.h>

#include "control/ortc/h264_profile.h"

static bool same_integer(const struct ortc_codec *a, const struct ortc_codec *b, const char *name)
{
    const json_t *x = json_object_get(a->parameters, name), *y = json_object_get(b->parameters, name);
    if ((x && !json_is_integer(x)) || (y && !json_is_integer(y)))
        return false;
    return json_integer_value(x) == json_integer_value(y);
}

static bool same_h264_profile(const struct ortc_codec *a, const struct ortc_codec *b)
{
    struct h264_profile_level x, y;
    return h264_profile_of_parameters(a->parameters, &x) && h264_profile_of_parameters(b->parameters, &y) &&
           x.profile == y.profile;
}

bool codec_match(const struct ortc_codec *a, const struct ortc_codec *b)
{
    if (strcasecmp(a->mime_type, b->mime_type) != 0 || a->clock_rate != b->clock_rate ||
        a->channels != b->channels)
        return false;
    switch (a->id) {
    case ORTC_CODEC_H264:
        return same_integer(a, b, "packetization-mode") && same_h264_profile(a, b);
    case ORTC_CODEC_VP9:
        return same_integer(a, b, "profile-id");
    case ORTC_CODEC_AV1:
        return same_integer(a, b, "profile");
    default:
        return true;
    }
}
