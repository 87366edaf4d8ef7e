#include "control/room/ice_servers.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

static json_t *split_urls(const char *urls)
{
    json_t *array = json_array();
    while (*urls) {
        size_t length = strcspn(urls, ",");
        size_t skip = strspn(urls, " ");
        if (skip < length)
            json_array_append_new(array, json_stringn(urls + skip, length - skip));
        urls += length + (urls[length] == ',');
    }
    return array;
}

json_t *ice_servers(const char *urls, const char *secret, const char *peer_id, time_t now)
{
    if (!urls || !secret)
        return json_null();

    char username[64];
    snprintf(username, sizeof(username), "%lld:%s", (long long)now + ICE_SERVERS_LIFETIME_S, peer_id);

    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned mac_bytes = 0;
    if (!HMAC(EVP_sha1(), secret, (int)strlen(secret), (const unsigned char *)username, strlen(username), mac,
              &mac_bytes))
        return NULL;
    char credential[4 * (EVP_MAX_MD_SIZE / 3 + 1) + 1];
    EVP_EncodeBlock((unsigned char *)credential, mac, (int)mac_bytes);

    return json_pack("[{s:o,s:s,s:s}]", "urls", split_urls(urls), "username", username, "credential",
                     credential);
}
