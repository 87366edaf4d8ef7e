/* A result for people and for programs. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "tools/kolabmeet-load/options.h"
#include "tools/kolabmeet-load/result.h"

/* Says clearly when the generator was the limit. */
void report_print(FILE *file, const struct options *options, const struct result *result);

/* A new reference. */
json_t *report_json(const struct options *options, const struct result *result);
