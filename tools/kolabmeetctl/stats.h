/* The two ways in which `kolabmeetctl stats` shows a snapshot. */
#pragma once

#include <stdio.h>

#include "tools/kolabmeetctl/snapshot.h"

void stats_print_text(FILE *out, const struct snapshot *snapshot);
/* One JSON object; keys are named as in mediasoup's getStats where it has them. -ENOMEM. */
int stats_print_json(FILE *out, const struct snapshot *snapshot);
