#include "control/api/etag.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define HASH_CHARS 27

void etag_write(const void *body, size_t length, char ret_etag[ETAG_BYTES])
{
    unsigned char hash[EVP_MAX_MD_SIZE], text[4 * (EVP_MAX_MD_SIZE / 3 + 1) + 1] = {0};
    unsigned bytes = 0;
    if (EVP_Digest(body, length, hash, &bytes, EVP_sha1(), NULL) == 1)
        EVP_EncodeBlock(text, hash, (int)bytes);
    snprintf(ret_etag, ETAG_BYTES, "W/\"%zx-%.*s\"", length, HASH_CHARS, (const char *)text);
}

static const char *skip_weak(const char *tag)
{
    return strncmp(tag, "W/", 2) == 0 ? tag + 2 : tag;
}

bool etag_matches(const char *if_none_match, const char *etag)
{
    if (!if_none_match)
        return false;
    etag = skip_weak(etag);
    while (*if_none_match) {
        if_none_match += strspn(if_none_match, ", \t");
        if (*if_none_match == '*')
            return true;
        const char *tag = skip_weak(if_none_match);
        if (strncmp(tag, etag, strlen(etag)) == 0)
            return true;
        if_none_match += strcspn(if_none_match, ",");
    }
    return false;
}
