/* `kolabmeetctl top`: workers, rooms and streams live, once a second. */
#pragma once

#include <stdio.h>

#include "tools/kolabmeetctl/rates.h"

/* On the terminal until q is pressed; with json, one object a line for scripts, until nobody reads. Returns
 * an exit status; what failed is said on stderr. */
int top_run(const char *statistics_path, bool json);

/* -ENOMEM. */
int top_print_json(FILE *out, const struct snapshot *snapshot, const struct rates *rates);
void top_draw(const struct snapshot *snapshot, const struct rates *rates);
