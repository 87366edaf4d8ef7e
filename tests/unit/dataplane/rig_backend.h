/* Which SRTP backend the worker of a rig has. The clients' is always libsrtp2. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/srtp_native.h"

static const struct srtp_backend *rig_srtp = &srtp_native;

/* Runs a group of tests with each backend. */
#define RIG_RUN(tests)                                                                                       \
    (rig_use(&srtp_native) || cmocka_run_group_tests_name("native", tests, NULL, NULL) ||                    \
     rig_use(&srtp_libsrtp2) || cmocka_run_group_tests_name("libsrtp2", tests, NULL, NULL))

static inline int rig_use(const struct srtp_backend *backend)
{
    rig_srtp = backend;
    return 0;
}
