/* ETags (RFC 9110 section 8.8.3). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define ETAG_BYTES 64

/* A weak validator: W/"<length in hex>-<27 characters of base64 of SHA-1>". */
void etag_write(const void *body, size_t length, char ret_etag[ETAG_BYTES]);
/* If-None-Match by weak comparison; NULL matches nothing. */
bool etag_matches(const char *if_none_match, const char *etag);
