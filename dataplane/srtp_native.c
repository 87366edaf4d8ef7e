#include "dataplane/srtp_native.h"

#include <errno.h>

#include "dataplane/srtp_kdf.h"
#include "dataplane/srtp_session.h"

static const struct srtp_provider *chosen;

/* OpenSSL, which derives keys, takes milliseconds and megabytes (its own code, for the most part) when it is
 * first asked. That is to be over before the first call, and must not look like what a call takes. */
static int warm_up(const struct srtp_provider *provider)
{
    static const uint8_t master[SRTP_KEY_MAX];
    _Alignas(SHM_CACHE_LINE) uint8_t memory[SRTP_CIPHER_KEY_BYTES];
    struct srtp_cipher_key *key = (struct srtp_cipher_key *)(void *)memory;
    int error = 0;

    for (enum srtp_profile profile = SRTP_AEAD_AES_128_GCM; error == 0 && profile <= SRTP_AES128_CM_SHA1_80;
         profile++) {
        struct srtp_session_keys keys;
        error = srtp_kdf_derive(profile, master, &keys);
        if (error == 0)
            error = provider->key_init(profile, keys.rtp_key, keys.rtp_auth, key);
        if (error == 0)
            provider->key_deinit(key);
    }
    return error;
}

static int init_chosen(void)
{
    chosen = srtp_provider_choose();
    return warm_up(chosen);
}

static int init_openssl(void)
{
    return warm_up(&srtp_provider_openssl);
}

static void deinit(void)
{
}

/* The verbs that need a provider, and the table with them. */
#define NATIVE_BACKEND(symbol, words, initialise, provider)                                                  \
    static int create_##symbol(enum srtp_profile profile, const uint8_t *receive_key,                        \
                               const uint8_t *send_key, const struct srtp_place *place,                      \
                               struct srtp_session **ret_session)                                            \
    {                                                                                                        \
        return srtp_session_create(provider, profile, receive_key, send_key, place, ret_session);            \
    }                                                                                                        \
                                                                                                             \
    static int attach_##symbol(const struct srtp_place *place, struct srtp_session **ret_session)            \
    {                                                                                                        \
        return srtp_session_attach(provider, place, ret_session);                                            \
    }                                                                                                        \
                                                                                                             \
    static int begin_thread_##symbol(void)                                                                   \
    {                                                                                                        \
        return (provider)->begin_thread();                                                                   \
    }                                                                                                        \
                                                                                                             \
    const struct srtp_backend srtp_##symbol = {                                                              \
        .name = words,                                                                                       \
        .init = initialise,                                                                                  \
        .deinit = deinit,                                                                                    \
        .begin_thread = begin_thread_##symbol,                                                               \
        .create = create_##symbol,                                                                           \
        .attach = attach_##symbol,                                                                           \
        .destroy = srtp_session_destroy,                                                                     \
        .retire = srtp_session_retire,                                                                       \
        .unprotect = srtp_native_unprotect,                                                                  \
        .protect = srtp_native_protect,                                                                      \
        .keep = srtp_session_keep,                                                                           \
        .forget = srtp_session_forget,                                                                       \
    }

NATIVE_BACKEND(native, "native", init_chosen, chosen);
NATIVE_BACKEND(native_openssl, "native-openssl", init_openssl, &srtp_provider_openssl);

#if KM_WITH_IPSEC_MB
static int init_ipsec_mb(void)
{
    return srtp_provider_ipsec_mb.is_available() ? warm_up(&srtp_provider_ipsec_mb) : -ENOTSUP;
}

NATIVE_BACKEND(native_ipsec_mb, "native-ipsec-mb", init_ipsec_mb, &srtp_provider_ipsec_mb);
#endif
