#include "control/ortc/types.h"

#include <string.h>

const char *media_kind_name(enum media_kind kind)
{
    return kind == MEDIA_AUDIO ? "audio" : "video";
}

bool media_kind_parse(const char *name, enum media_kind *ret_kind)
{
    if (strcmp(name, "audio") == 0)
        *ret_kind = MEDIA_AUDIO;
    else if (strcmp(name, "video") == 0)
        *ret_kind = MEDIA_VIDEO;
    else
        return false;
    return true;
}

const char *ortc_type_name(enum ortc_type type)
{
    switch (type) {
    case ORTC_SIMULCAST:
        return "simulcast";
    case ORTC_SVC:
        return "svc";
    case ORTC_SIMPLE:
        break;
    }
    return "simple";
}
