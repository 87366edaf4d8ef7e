#include "control/gateway/forwarded.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "control/networks.h"

/* Cuts the last of the comma-separated words off, without blanks, brackets and a port. False if it is no
 * address. */
static bool take_last(const char *header, size_t *length, char ret_address[FORWARDED_ADDRESS_BYTES])
{
    size_t end = *length, start = end;

    while (start > 0 && header[start - 1] != ',')
        start--;
    *length = start > 0 ? start - 1 : 0;
    while (start < end && (header[start] == ' ' || header[start] == '\t'))
        start++;
    while (end > start && (header[end - 1] == ' ' || header[end - 1] == '\t'))
        end--;
    if (end - start >= FORWARDED_ADDRESS_BYTES)
        return false;

    char word[FORWARDED_ADDRESS_BYTES];
    memcpy(word, header + start, end - start);
    word[end - start] = '\0';
    char *address = word, *colon = strchr(word, ':');
    if (word[0] == '[') {
        address++;
        address[strcspn(address, "]")] = '\0';
    } else if (colon && !strchr(colon + 1, ':')) {
        *colon = '\0';
    }
    uint8_t bytes[16];
    bool is_v4;
    if (!networks_parse_address(address, bytes, &is_v4))
        return false;
    strcpy(ret_address, address);
    return true;
}

void forwarded_client(const struct networks *trust, const char *peer, const char *header,
                      char ret_address[FORWARDED_ADDRESS_BYTES])
{
    size_t length = header ? strlen(header) : 0;

    snprintf(ret_address, FORWARDED_ADDRESS_BYTES, "%s", peer);
    while (length > 0 && networks_has(trust, ret_address))
        if (!take_last(header, &length, ret_address))
            return;
}
