#include "control/ortc/h264_profile.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONSTRAINT_SET3 0x10u
#define LEVEL_1_1 11u

/* RFC 6184 table 5, and the two High ones of H.264 annex A.2.4 and A.2.11. */
static const struct {
    uint8_t profile_idc;
    uint8_t iop_mask;
    uint8_t iop_value;
    enum h264_profile profile;
} patterns[] = {
    {0x42, 0x4f, 0x40, H264_PROFILE_CONSTRAINED_BASELINE},
    {0x4d, 0x8f, 0x80, H264_PROFILE_CONSTRAINED_BASELINE},
    {0x58, 0xcf, 0xc0, H264_PROFILE_CONSTRAINED_BASELINE},
    {0x42, 0x4f, 0x00, H264_PROFILE_BASELINE},
    {0x58, 0xcf, 0x80, H264_PROFILE_BASELINE},
    {0x4d, 0xaf, 0x00, H264_PROFILE_MAIN},
    {0x64, 0xff, 0x00, H264_PROFILE_HIGH},
    {0x64, 0xff, 0x0c, H264_PROFILE_CONSTRAINED_HIGH},
    {0xf4, 0xff, 0x00, H264_PROFILE_HIGH_444_PREDICTIVE},
};

static bool is_level(unsigned level)
{
    static const uint8_t levels[] = {10, 11, 12, 13, 20, 21, 22, 30, 31, 32, 40, 41, 42, 50, 51, 52};
    return memchr(levels, (int)level, sizeof levels) != NULL;
}

bool h264_profile_parse(const char *text, struct h264_profile_level *ret_value)
{
    if (strlen(text) != H264_PROFILE_TEXT_BYTES - 1)
        return false;
    for (const char *c = text; *c; c++)
        if (!isxdigit((unsigned char)*c))
            return false;

    unsigned long number = strtoul(text, NULL, 16);
    unsigned profile_idc = (unsigned)(number >> 16);
    unsigned iop = (unsigned)(number >> 8) & 0xff;
    unsigned level = (unsigned)number & 0xff;
    if (!is_level(level))
        return false;
    if (level == LEVEL_1_1 && iop & CONSTRAINT_SET3)
        level = H264_LEVEL_1B;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        if (patterns[i].profile_idc == profile_idc && (iop & patterns[i].iop_mask) == patterns[i].iop_value) {
            *ret_value = (struct h264_profile_level){patterns[i].profile, level};
            return true;
        }
    }
    return false;
}

bool h264_profile_of_parameters(const json_t *parameters, struct h264_profile_level *ret_value)
{
    const json_t *text = json_object_get(parameters, "profile-level-id");
    if (!text) {
        *ret_value = (struct h264_profile_level){H264_PROFILE_CONSTRAINED_BASELINE, 31};
        return true;
    }
    return json_is_string(text) && h264_profile_parse(json_string_value(text), ret_value);
}

/* H.264 table A-1: level 1b lies between 1 and 1.1. */
static unsigned level_rank(unsigned level)
{
    return level == H264_LEVEL_1B ? 2 * LEVEL_1_1 - 1 : 2 * level;
}

static bool allows_asymmetry(const json_t *parameters)
{
    const json_t *value = json_object_get(parameters, "level-asymmetry-allowed");
    return json_integer_value(value) == 1 ||
           (json_is_string(value) && strcmp(json_string_value(value), "1") == 0);
}

/* Level 1b comes out of parsing only with the three profiles of the first switch. */
static void write_text(struct h264_profile_level value, char ret_text[H264_PROFILE_TEXT_BYTES])
{
    static const uint16_t idc_iop[] = {
        [H264_PROFILE_CONSTRAINED_BASELINE] = 0x42e0,
        [H264_PROFILE_BASELINE] = 0x4200,
        [H264_PROFILE_MAIN] = 0x4d00,
        [H264_PROFILE_CONSTRAINED_HIGH] = 0x640c,
        [H264_PROFILE_HIGH] = 0x6400,
        [H264_PROFILE_HIGH_444_PREDICTIVE] = 0xf400,
    };
    unsigned head = idc_iop[value.profile];
    unsigned level = value.level;
    if (level == H264_LEVEL_1B) {
        head |= CONSTRAINT_SET3;
        level = LEVEL_1_1;
    }
    snprintf(ret_text, H264_PROFILE_TEXT_BYTES, "%04x%02x", head & 0xffff, level & 0xff);
}

bool h264_profile_answer(const json_t *local, const json_t *remote, char ret_text[H264_PROFILE_TEXT_BYTES])
{
    struct h264_profile_level mine, theirs;
    if (!h264_profile_of_parameters(local, &mine) || !h264_profile_of_parameters(remote, &theirs) ||
        mine.profile != theirs.profile)
        return false;
    if (!json_object_get(local, "profile-level-id") && !json_object_get(remote, "profile-level-id")) {
        ret_text[0] = '\0';
        return true;
    }
    if (!(allows_asymmetry(local) && allows_asymmetry(remote)) &&
        level_rank(theirs.level) < level_rank(mine.level))
        mine.level = theirs.level;
    write_text(mine, ret_text);
    return true;
}
