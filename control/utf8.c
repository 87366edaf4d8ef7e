#include "control/utf8.h"

/* RFC 3629 section 4 */
size_t utf8_char_bytes(const uint8_t *text, size_t length)
{
    uint8_t lead = text[0];
    uint8_t low = 0x80, high = 0xbf;
    size_t count;

    if (lead < 0x80)
        return 1;
    if (lead >= 0xc2 && lead <= 0xdf)
        count = 2;
    else if (lead >= 0xe0 && lead <= 0xef)
        count = 3;
    else if (lead >= 0xf0 && lead <= 0xf4)
        count = 4;
    else
        return 0;
    if (lead == 0xe0)
        low = 0xa0;
    else if (lead == 0xed)
        high = 0x9f;
    else if (lead == 0xf0)
        low = 0x90;
    else if (lead == 0xf4)
        high = 0x8f;

    if (length < count || text[1] < low || text[1] > high)
        return 0;
    for (size_t i = 2; i < count; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    }
    return count;
}

bool utf8_valid(const uint8_t *text, size_t length)
{
    for (size_t i = 0; i < length;) {
        size_t count = utf8_char_bytes(text + i, length - i);

        if (count == 0)
            return false;
        i += count;
    }
    return true;
}
