#include "tools/kolabmeet-load/option_value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/kolabmeet-load/stamp.h"
#include "tools/kolabmeet-load/video_shape.h"

#define PAYLOAD_MIN (VIDEO_SHAPE_HEAD_MAX + STAMP_BYTES)
#define PAYLOAD_MAX 1300

bool option_read_uint(const char *text, uint32_t min, uint32_t max, uint32_t *ret_value)
{
    char *end;

    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno != 0 || *end != '\0' || end == text || text[0] == '-' || value < min || value > max)
        return false;
    *ret_value = (uint32_t)value;
    return true;
}

bool option_read_int(const char *text, int *ret_value)
{
    uint32_t value;
    if (!option_read_uint(text, 0, INT32_MAX, &value))
        return false;
    *ret_value = (int)value;
    return true;
}

bool option_read_double(const char *text, double min, double max, double *ret_value)
{
    char *end;
    double value = strtod(text, &end);

    if (*end != '\0' || end == text || !(value >= min && value <= max))
        return false;
    *ret_value = value;
    return true;
}

bool option_read_percent(const char *text, double *ret_share)
{
    double percent;
    if (!option_read_double(text, 0, 100, &percent))
        return false;
    *ret_share = percent / 100;
    return true;
}

bool option_read_milliseconds(const char *text, uint64_t *ret_ns)
{
    double milliseconds;
    if (!option_read_double(text, 0, 1e6, &milliseconds))
        return false;
    *ret_ns = (uint64_t)(milliseconds * 1e6);
    return true;
}

bool option_read_media(const char *text, struct options_media *ret_media, double *ret_frames)
{
    struct options_media media = *ret_media;
    double frames = ret_frames ? *ret_frames : 1;
    char *end;

    if (strcmp(text, "off") == 0) {
        ret_media->packets_per_second = 0;
        return true;
    }
    media.packets_per_second = strtod(text, &end);
    if (end == text)
        return false;
    if (*end == 'x') {
        const char *bytes = end + 1;
        media.payload_bytes = (uint32_t)strtoul(bytes, &end, 10);
        if (end == bytes)
            return false;
    }
    if (*end == '@' && ret_frames) {
        const char *rate = end + 1;
        frames = strtod(rate, &end);
        if (end == rate)
            return false;
    }
    if (*end != '\0' || !(media.packets_per_second >= 1 && media.packets_per_second <= 100000) ||
        !(frames >= 1 && frames <= media.packets_per_second) || media.payload_bytes < PAYLOAD_MIN ||
        media.payload_bytes > PAYLOAD_MAX)
        return false;
    *ret_media = media;
    if (ret_frames)
        *ret_frames = frames;
    return true;
}

/* The place of text among count words, or -1. */
static int find_word(const char *text, const char *const *words, int count)
{
    for (int i = 0; i < count; i++)
        if (strcasecmp(text, words[i]) == 0)
            return i;
    return -1;
}

bool option_read_feedback(const char *text, enum feedback_kind *ret_feedback)
{
    static const char *const words[] = {"twcc", "remb", "none"};
    int found = find_word(text, words, 3);
    if (found >= 0)
        *ret_feedback = (enum feedback_kind)found;
    return found >= 0;
}

bool option_read_dtls_role(const char *text, bool *ret_is_server)
{
    static const char *const words[] = {"client", "server"};
    int found = find_word(text, words, 2);
    if (found >= 0)
        *ret_is_server = found == 1;
    return found >= 0;
}

bool option_read_search(const char *text, enum search_kind *ret_search)
{
    static const char *const words[] = {"rate", "subscribers"};
    int found = text ? find_word(text, words, 2) : 0;
    if (found >= 0)
        *ret_search = found == 0 ? SEARCH_RATE : SEARCH_SUBSCRIBERS;
    return found >= 0;
}

bool option_read_backend(const char *text, const struct srtp_backend **ret_backend)
{
    *ret_backend = srtp_backend_find(text);
    return *ret_backend != NULL;
}

bool option_read_check(const char *text, uint32_t *ret_check_every)
{
    if (strcmp(text, "all") == 0) {
        *ret_check_every = 1;
        return true;
    }
    return option_read_uint(text, 1, 10000, ret_check_every);
}

bool option_read_network(const char *text, uint32_t *ret_network, unsigned *ret_prefix_bits)
{
    char address_text[INET_ADDRSTRLEN] = {0};
    const char *slash = strchr(text, '/');
    struct in_addr address;
    uint32_t bits;

    if (!slash || slash - text >= INET_ADDRSTRLEN || !option_read_uint(slash + 1, 8, 30, &bits))
        return false;
    memcpy(address_text, text, (size_t)(slash - text));
    if (inet_pton(AF_INET, address_text, &address) != 1)
        return false;
    *ret_network = ntohl(address.s_addr);
    *ret_prefix_bits = bits;
    return true;
}
