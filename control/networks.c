#include "control/networks.h"

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

struct networks {
    size_t count;
    struct network networks[];
};

bool networks_parse_address(const char *text, uint8_t ret_address[16], bool *ret_is_v4)
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
    if (!networks_parse_address(text, ret->address, &is_v4))
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

char *networks_next_word(char **rest)
{
    char *word = strsep(rest, ",");
    word += strspn(word, " ");
    for (size_t end = strlen(word); end > 0 && word[end - 1] == ' '; end--)
        word[end - 1] = '\0';
    return word;
}

int networks_parse(const char *list, struct networks **ret_networks)
{
    size_t most = 1;

    for (const char *c = list; *c; c++)
        most += *c == ',';
    struct networks *networks = calloc(1, sizeof(*networks) + most * sizeof(struct network));
    char *copy = strdup(list), *rest = copy;
    int result = networks && copy ? 0 : -ENOMEM;
    while (!result && rest) {
        if (!parse_network(networks_next_word(&rest), &networks->networks[networks->count++]))
            result = -EINVAL;
    }
    free(copy);
    if (result) {
        free(networks);
        return result;
    }
    *ret_networks = networks;
    return 0;
}

void networks_destroy(struct networks *networks)
{
    free(networks);
}

static bool is_in(const struct network *network, const uint8_t address[16])
{
    unsigned whole = network->bits / 8, left = network->bits % 8;

    if (memcmp(network->address, address, whole) != 0)
        return false;
    return left == 0 || ((network->address[whole] ^ address[whole]) >> (8 - left)) == 0;
}

bool networks_has(const struct networks *networks, const char *text)
{
    uint8_t address[16];
    bool is_v4;

    if (!networks || !networks_parse_address(text, address, &is_v4))
        return false;
    for (size_t i = 0; i < networks->count; i++)
        if (is_in(&networks->networks[i], address))
            return true;
    return false;
}
