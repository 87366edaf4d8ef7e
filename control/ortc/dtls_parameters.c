#include "control/ortc/dtls_parameters.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "control/hex.h"
#include "control/ortc/json_field.h"

#define MAX_FINGERPRINTS 16
#define MAX_ALGORITHM 16
#define MAX_VALUE 255

/* RFC 8122 section 5. Those without a number are too weak, or not computed here. */
static const struct hash {
    const char *name;
    size_t bytes;
    int algorithm;
} hashes[] = {
    {"sha-1", 20, 0},
    {"sha-224", 28, 0},
    {"sha-256", 32, DTLS_HASH_SHA_256},
    {"sha-384", 48, DTLS_HASH_SHA_384},
    {"sha-512", 64, DTLS_HASH_SHA_512},
};

static const struct hash *find_hash(const char *name)
{
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++)
        if (strcasecmp(hashes[i].name, name) == 0)
            return &hashes[i];
    return NULL;
}

/* Exactly that many bytes as pairs of digits with colons between. */
static bool parse_value(const char *text, size_t bytes, uint8_t *ret_value)
{
    if (strlen(text) != 3 * bytes - 1)
        return false;
    for (size_t i = 0; i < bytes; i++) {
        int high = hex_digit(text[3 * i]), low = hex_digit(text[3 * i + 1]);
        if (high < 0 || low < 0 || (i + 1 < bytes && text[3 * i + 2] != ':'))
            return false;
        ret_value[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static int parse_role(const json_t *json, enum dtls_role *ret_role)
{
    const char *name;
    if (json_field_text(json, "role", 6, &name) != 0)
        return -EINVAL;
    if (!name || strcmp(name, "auto") == 0)
        *ret_role = DTLS_ROLE_AUTO;
    else if (strcmp(name, "client") == 0)
        *ret_role = DTLS_ROLE_CLIENT;
    else if (strcmp(name, "server") == 0)
        *ret_role = DTLS_ROLE_SERVER;
    else
        return -EINVAL;
    return 0;
}

static int parse_fingerprint(const json_t *json, struct dtls_parameters *parameters)
{
    uint8_t value[DTLS_FINGERPRINT_MAX_BYTES];
    const char *algorithm, *text;
    if (!json_is_object(json) || json_field_text(json, "algorithm", MAX_ALGORITHM, &algorithm) != 0 ||
        !algorithm || json_field_text(json, "value", MAX_VALUE, &text) != 0 || !text)
        return -EINVAL;
    const struct hash *hash = find_hash(algorithm);
    if (!hash)
        return 0;
    if (!parse_value(text, hash->bytes, value))
        return -EINVAL;
    if (hash->algorithm == 0 || parameters->fingerprint_bytes != 0)
        return 0;
    parameters->algorithm = (enum dtls_hash)hash->algorithm;
    parameters->fingerprint_bytes = hash->bytes;
    memcpy(parameters->fingerprint, value, hash->bytes);
    return 0;
}

int dtls_parameters_parse(const json_t *json, struct dtls_parameters *ret_parameters)
{
    struct dtls_parameters parameters = {.fingerprint_bytes = 0};
    const json_t *fingerprints;
    if (!json_is_object(json) || parse_role(json, &parameters.role) != 0 ||
        json_field_array(json, "fingerprints", MAX_FINGERPRINTS, &fingerprints) != 0)
        return -EINVAL;
    for (size_t i = 0; i < json_array_size(fingerprints); i++)
        if (parse_fingerprint(json_array_get(fingerprints, i), &parameters) != 0)
            return -EINVAL;
    if (parameters.fingerprint_bytes == 0)
        return -EINVAL;
    *ret_parameters = parameters;
    return 0;
}
