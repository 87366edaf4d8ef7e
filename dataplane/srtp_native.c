#include "dataplane/srtp_native.h"

#include <errno.h>

#include "dataplane/srtp_session.h"

static const struct srtp_provider *chosen;

static int init_chosen(void)
{
    chosen = srtp_provider_choose();
    return 0;
}

static int init_openssl(void)
{
    return 0;
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
    const struct srtp_backend srtp_##symbol = {                                                              \
        .name = words,                                                                                       \
        .init = initialise,                                                                                  \
        .deinit = deinit,                                                                                    \
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
    return srtp_provider_ipsec_mb.is_available() ? 0 : -ENOTSUP;
}

NATIVE_BACKEND(native_ipsec_mb, "native-ipsec-mb", init_ipsec_mb, &srtp_provider_ipsec_mb);
#endif
