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

const char *srtp_native_provider_name(void)
{
    return chosen ? chosen->name : "none";
}

static int create_chosen(enum srtp_profile profile, const uint8_t *receive_key, const uint8_t *send_key,
                         const struct srtp_place *place, struct srtp_session **ret_session)
{
    return srtp_session_create(chosen, profile, receive_key, send_key, place, ret_session);
}

static int attach_chosen(const struct srtp_place *place, struct srtp_session **ret_session)
{
    return srtp_session_attach(chosen, place, ret_session);
}

static int create_openssl(enum srtp_profile profile, const uint8_t *receive_key, const uint8_t *send_key,
                          const struct srtp_place *place, struct srtp_session **ret_session)
{
    return srtp_session_create(&srtp_provider_openssl, profile, receive_key, send_key, place, ret_session);
}

static int attach_openssl(const struct srtp_place *place, struct srtp_session **ret_session)
{
    return srtp_session_attach(&srtp_provider_openssl, place, ret_session);
}

const struct srtp_backend srtp_native = {
    .name = "native",
    .init = init_chosen,
    .deinit = deinit,
    .create = create_chosen,
    .attach = attach_chosen,
    .destroy = srtp_session_destroy,
    .retire = srtp_session_retire,
    .unprotect = srtp_native_unprotect,
    .protect = srtp_native_protect,
    .keep = srtp_session_keep,
    .forget = srtp_session_forget,
};

const struct srtp_backend srtp_native_openssl = {
    .name = "native-openssl",
    .init = init_openssl,
    .deinit = deinit,
    .create = create_openssl,
    .attach = attach_openssl,
    .destroy = srtp_session_destroy,
    .retire = srtp_session_retire,
    .unprotect = srtp_native_unprotect,
    .protect = srtp_native_protect,
    .keep = srtp_session_keep,
    .forget = srtp_session_forget,
};

#if KM_WITH_IPSEC_MB
static int init_ipsec_mb(void)
{
    return srtp_provider_ipsec_mb.is_available() ? 0 : -ENOTSUP;
}

static int create_ipsec_mb(enum srtp_profile profile, const uint8_t *receive_key, const uint8_t *send_key,
                           const struct srtp_place *place, struct srtp_session **ret_session)
{
    return srtp_session_create(&srtp_provider_ipsec_mb, profile, receive_key, send_key, place, ret_session);
}

static int attach_ipsec_mb(const struct srtp_place *place, struct srtp_session **ret_session)
{
    return srtp_session_attach(&srtp_provider_ipsec_mb, place, ret_session);
}

const struct srtp_backend srtp_native_ipsec_mb = {
    .name = "native-ipsec-mb",
    .init = init_ipsec_mb,
    .deinit = deinit,
    .create = create_ipsec_mb,
    .attach = attach_ipsec_mb,
    .destroy = srtp_session_destroy,
    .retire = srtp_session_retire,
    .unprotect = srtp_native_unprotect,
    .protect = srtp_native_protect,
    .keep = srtp_session_keep,
    .forget = srtp_session_forget,
};
#endif
