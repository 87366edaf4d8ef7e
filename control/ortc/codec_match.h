/* Whether two codecs are the same one: what one side encodes, the other decodes. */
#pragma once

#include "control/ortc/codec.h"

/* Mime type in any case, clock rate and channels; H264 also packetization-mode (0 when absent) and profile
 * (levels don't matter); VP9 profile-id and AV1 profile (0 when absent). */
bool codec_match(const struct ortc_codec *a, const struct ortc_codec *b);
