/* A look at the listener's certificate before libwebsockets loads it, for errors that say what is wrong. */
#pragma once

#include <stddef.h>

/* 0 if both files can be read, parse as PEM and belong together. Otherwise a negative errno (that of opening
 * the file, or -EINVAL) with one line in `error`. A key with a passphrase is refused, never asked for. */
int certificate_check(const char *cert_path, const char *key_path, char *error, size_t size);
