/* The forwarder's own SRTP layer (RFC 3711, RFC 7714): all state plain (shm/srtp_state.h), the ciphers by a
 * provider (srtp_provider.h). Sessions of one batch belong to one of these backends. */
#pragma once

#include "dataplane/srtp.h"

extern const struct srtp_backend srtp_native;         /* with the fastest provider that there is */
extern const struct srtp_backend srtp_native_openssl; /* with OpenSSL */
#if KM_WITH_IPSEC_MB
extern const struct srtp_backend srtp_native_ipsec_mb; /* init: -ENOTSUP when the CPU cannot */
#endif

/* The verbs that do the work (srtp_protect.c, srtp_unprotect.c). */
void srtp_native_protect(struct srtp_protect_job *jobs, size_t count);
void srtp_native_unprotect(struct srtp_unprotect_job *jobs, size_t count);
