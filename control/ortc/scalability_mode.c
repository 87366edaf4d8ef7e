#include "control/ortc/scalability_mode.h"

#include <string.h>

#include "control/ortc/types.h"

bool scalability_mode_parse(const char *text, struct scalability_mode *ret_mode)
{
    unsigned spatial, temporal;
    if ((text[0] != 'L' && text[0] != 'S') || text[1] < '1' || text[1] > '0' + ORTC_MAX_LAYERS)
        return false;
    spatial = (unsigned)(text[1] - '0');
    if (text[2] != 'T' || text[3] < '1' || text[3] > '0' + ORTC_MAX_LAYERS)
        return false;
    temporal = (unsigned)(text[3] - '0');

    const char *rest = text + 4;
    if (*rest == 'h')
        rest++;
    if (*rest != '\0' && strcmp(rest, "_KEY") != 0 && strcmp(rest, "_KEY_SHIFT") != 0)
        return false;
    *ret_mode = (struct scalability_mode){(uint8_t)spatial, (uint8_t)temporal};
    return true;
}
