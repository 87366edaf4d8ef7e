/* Paths of the HTTP API: any case, with or without a slash at the end, one `:parameter` at most. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define ROUTE_PARAMETER_BYTES 256

/* Whether path is pattern ("/sessions/:id/connection"). The parameter is written decoded, cut never: one that
 * does not fit, or is no well-formed percent-encoding, is written as "", which names nothing. */
bool route_matches(const char *pattern, const char *path, char ret_parameter[ROUTE_PARAMETER_BYTES]);
