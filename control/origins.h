/* Which web pages may use this server (RFC 6454): the Origin that browsers say. The credentials of a place
 * are what protects it; this is a second lock for who wants one. */
#pragma once

#include <stdbool.h>

/* list: origins by commas ("https://meet.example.org"), NULL: any. A request without Origin is no browser's,
 * and allowed. */
bool origins_allow(const char *list, const char *origin);
