#include "control/gateway/forwarded.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESS_BITS 128
#define V4_MAPPED_BITS 96

/* All addresses as IPv6, IPv4 mapped into it (RFC 4291 section 2.5.5.2). */
struct network {
    uint8_t address[16];
    unsigned bits;
};

struct forwarded_trust {
    size_t count;
    struct network networks[];
};

static bool parse_address(const char *text, uint8_t ret_address[16], bool *ret_is_v4)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (inet_pton(AF_INET6, text, ret_address) == 1) {
        *ret_is_v4 = false;
        return true;
    }
    memcpy(ret_address, mapped, sizeof(mapped));
    *ret_is_v4 = true;
    return inet_pton(AF_INET, text, ret_address + sizeof(mapped)) == 1;
}

static bool parse_network(char *text, struct network *ret)
{
    bool is_v4;
    char *slash = strchr(text, '/');

    if (slash)
        *slash = '\0';
    if (!parse_address(text, ret->address, &is_v4))
        return false;
    unsigned most = is_v4 ? ADDRESS_BITS - V4_MAPPED_BITS : ADDRESS_BITS;
    unsigned long bits = most;
    if (slash) {
        char *end;
        bits = strtoul(slash + 1, &end, 10);
        if (slash[1] < '0' || slash[1] > '9' || *end || bits > most)
            return false;
    }
    ret->bits = (unsigned)bits + (is_v4 ? V4_MAPPED_BITS : 0);
    return true;
}

int forwarded_trust_parse(const char *list, struct forwarded_trust **ret_trust)
{
    size_t most = 1;

    for (const char *c = list; *c; c++)
        most += *c == ',';
    struct forwarded_trust *trust = calloc(1, sizeof(*trust) + most * sizeof(struct network));
    char *copy = strdup(list), *rest = copy;
    int result = trust && copy ? 0 : -ENOMEM;
    while (!result && rest) {
        char *word = strsep(&rest, ",");
        word += strspn(word, " ");
        word[strcspn(word, " ")] = '\0';
        if (!parse_network(word, &trust->networks[trust->count++]))
            result = -EINVAL;
    }
    free(copy);
    if (result) {
        free(trust);
        return result;
    }
    *ret_trust = trust;
    return 0;
}

void forwarded_trust_destroy(struct forwarded_trust *trust)
{
    free(trust);
}

static bool is_in(const struct network *network, const uint8_t address[16])
{
    unsigned whole = network->bits / 8, left = network->bits % 8;

    if (memcmp(network->address, address, whole) != 0)
        return false;
    return left == 0 || ((network->address[whole] ^ address[whole]) >> (8 - left)) == 0;
}

bool forwarded_trust_has(const struct forwarded_trust *trust, const char *text)
{
    uint8_t address[16];
    bool is_v4;

    if (!trust || !parse_address(text, address, &is_v4))
        return false;
    for (size_t i = 0; i < trust->count; i++)
        if (is_in(&trust->networks[i], address))
            return true;
    return false;
}

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
    if (!parse_address(address, bytes, &is_v4))
        return false;
    strcpy(ret_address, address);
    return true;
}

void forwarded_client(const struct forwarded_trust *trust, const char *peer, const char *header,
                      char ret_address[FORWARDED_ADDRESS_BYTES])
{
    size_t length = header ? strlen(header) : 0;

    snprintf(ret_address, FORWARDED_ADDRESS_BYTES, "%s", peer);
    while (length > 0 && forwarded_trust_has(trust, ret_address))
        if (!take_last(header, &length, ret_address))
            return;
}
