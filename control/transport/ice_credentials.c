#include "control/transport/ice_credentials.h"

#include <errno.h>
#include <openssl/rand.h>

static const char alphabet[36] = "0123456789abcdefghijklmnopqrstuvwxyz";

static int random_string(char ret_string[ICE_CREDENTIAL_CHARACTERS + 1])
{
    unsigned filled = 0;
    while (filled < ICE_CREDENTIAL_CHARACTERS) {
        uint8_t bytes[ICE_CREDENTIAL_CHARACTERS];
        if (RAND_bytes(bytes, sizeof bytes) != 1)
            return -EIO;
        for (unsigned i = 0; i < sizeof bytes && filled < ICE_CREDENTIAL_CHARACTERS; i++)
            if (bytes[i] < 252) /* the largest multiple of 36: all characters are equally likely */
                ret_string[filled++] = alphabet[bytes[i] % 36];
    }
    ret_string[filled] = 0;
    return 0;
}

int ice_credentials_make(uint32_t worker, struct ice_credentials *ret_credentials)
{
    struct ice_credentials made;
    if (worker >= ICE_WORKERS_MAX)
        return -EINVAL;
    if (random_string(made.ufrag) != 0 || random_string(made.password) != 0)
        return -EIO;
    made.ufrag[0] = alphabet[worker / 36];
    made.ufrag[1] = alphabet[worker % 36];
    *ret_credentials = made;
    return 0;
}
