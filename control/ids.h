/* Names that nobody can guess: from OpenSSL's generator, never from rand(). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define IDS_UUID_BYTES 37 /* with the terminating NUL, as all sizes here */
#define IDS_SID_BYTES 21

/* A random uuid (RFC 4122 version 4), lower case. 0, or -EIO when the system gives no random bytes. */
int ids_uuid(char ret_uuid[IDS_UUID_BYTES]);

/* digits lower-case hexadecimal digits (an even number) and a NUL. As ids_uuid. */
int ids_hex(char *ret_hex, size_t digits);

/* The name of an engine.io or socket.io session: 20 random characters of base64url. As ids_uuid. */
int ids_sid(char ret_sid[IDS_SID_BYTES]);

/* A random SSRC: not 0, and ssrc + 1 is an SSRC too. As ids_uuid. */
int ids_ssrc(uint32_t *ret_ssrc);
