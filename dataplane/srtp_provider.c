#include "dataplane/srtp_provider.h"

const struct srtp_provider *srtp_provider_choose(void)
{
#if KM_WITH_IPSEC_MB
    if (srtp_provider_ipsec_mb.is_available())
        return &srtp_provider_ipsec_mb;
#endif
    return &srtp_provider_openssl;
}
