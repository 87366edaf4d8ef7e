/* H.264 profile-level-id (RFC 6184 section 8.1): three bytes in hexadecimal, profile_idc, profile-iop,
 * level_idc. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#define H264_PROFILE_TEXT_BYTES 7

enum h264_profile {
    H264_PROFILE_CONSTRAINED_BASELINE = 1,
    H264_PROFILE_BASELINE,
    H264_PROFILE_MAIN,
    H264_PROFILE_CONSTRAINED_HIGH,
    H264_PROFILE_HIGH,
    H264_PROFILE_HIGH_444_PREDICTIVE,
};

#define H264_LEVEL_1B 0 /* every other level is its level_idc: 10 times its number */

struct h264_profile_level {
    enum h264_profile profile;
    unsigned level;
};

/* False for anything that is no known profile at a known level. */
bool h264_profile_parse(const char *text, struct h264_profile_level *ret_value);

/* Parameters of a codec, as JSON. Without profile-level-id they mean Constrained Baseline 3.1: RFC 6184 says
 * Baseline 1, but what browsers do is this. */
bool h264_profile_of_parameters(const json_t *parameters, struct h264_profile_level *ret_value);

/* What an answer by local to remote carries (RFC 6184 section 8.2.2): the profile that both have, at local's
 * level where both allow level asymmetry, else at the lower of the two. False when the profiles differ or are
 * invalid. ret_text is "" when neither names a profile. */
bool h264_profile_answer(const json_t *local, const json_t *remote, char ret_text[H264_PROFILE_TEXT_BYTES]);
