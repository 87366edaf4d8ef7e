#include "control/transport/plain_targets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/networks.h"

#define LOOPBACK "127.0.0.0/8,::1"
#define PRIVATE "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7"
#define EVERYBODY "0.0.0.0/0,::/0"
#define LINK "169.254.0.0/16,fe80::/10"
/* Of AWS, Google and Oracle in IPv6, Alibaba, Azure; in IPv4 most of them are on the link. NAT64 (RFC 6052)
 * leads to IPv4 addresses, whatever they are. */
#define METADATA "fd00:ec2::254,fd20:ce::254,fd00:c1::a9fe:a9fe,100.100.100.200,168.63.129.16,64:ff9b::/96"

struct plain_targets {
    struct networks *named; /* addresses and networks; or NULL */
    struct networks *meant; /* by words; or NULL */
    struct networks *kept;  /* from what words mean */
};

static bool is_loopback(const char *ip)
{
    struct networks *loopback;
    if (networks_parse(LOOPBACK, &loopback) != 0)
        return false;
    bool found = networks_has(loopback, ip);
    networks_destroy(loopback);
    return found;
}

/* Takes the words out of the list: what is left are addresses and networks. -EINVAL where nothing stands
 * between commas. */
static int split(char *list, char *ret_named, bool *ret_private, bool *ret_any)
{
    *ret_named = '\0';
    while (list) {
        const char *word = networks_next_word(&list);
        if (!*word)
            return -EINVAL;
        if (strcmp(word, "private") == 0) {
            *ret_private = true;
        } else if (strcmp(word, "any") == 0) {
            *ret_any = true;
        } else {
            if (*ret_named)
                strcat(ret_named, ",");
            strcat(ret_named, word);
        }
    }
    return 0;
}

static int parse(struct plain_targets *targets, const char *setting, const char *listen_ip)
{
    bool is_private = false, is_any = false;
    char *list = strdup(setting), *named = list ? malloc(strlen(list) + 1) : NULL;
    int err = named ? split(list, named, &is_private, &is_any) : -ENOMEM;
    if (err == 0 && *named)
        err = networks_parse(named, &targets->named);
    free(named);
    free(list);
    if (err != 0)
        return err;
    bool is_alone = is_loopback(listen_ip);
    if (is_any)
        err = networks_parse(EVERYBODY, &targets->meant);
    else if (is_private)
        err = networks_parse(is_alone ? PRIVATE "," LOOPBACK : PRIVATE, &targets->meant);
    if (err != 0)
        return err;
    return networks_parse(is_alone ? LINK "," METADATA : LINK "," METADATA "," LOOPBACK, &targets->kept);
}

int plain_targets_create(const char *setting, const char *listen_ip, struct plain_targets **ret_targets)
{
    struct plain_targets *targets = calloc(1, sizeof *targets);
    if (!targets)
        return -ENOMEM;
    int err = setting ? parse(targets, setting, listen_ip) : 0;
    if (err != 0) {
        plain_targets_destroy(targets);
        return err;
    }
    *ret_targets = targets;
    return 0;
}

void plain_targets_destroy(struct plain_targets *targets)
{
    if (!targets)
        return;
    networks_destroy(targets->named);
    networks_destroy(targets->meant);
    networks_destroy(targets->kept);
    free(targets);
}

bool plain_targets_have(const struct plain_targets *targets, const char *ip)
{
    return networks_has(targets->named, ip) ||
           (networks_has(targets->meant, ip) && !networks_has(targets->kept, ip));
}
