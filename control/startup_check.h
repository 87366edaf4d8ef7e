/* What can be said of the settings before, or when, the server runs: what is wrong with them, which address
 * clients will send their media to, and what cannot work. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct config;

/* Whether everything that settings name is there and can be read: certificates, codecs, the webhook's URL,
 * networks, the forwarder. -EINVAL with one line in error. */
int startup_check_settings(const struct config *config, char *error, size_t size);

/* One line without a line end. */
typedef void (*startup_check_fn)(void *context, bool is_warning, const char *line);

/* Says which candidates clients get, and warns. */
void startup_check_reach(const struct config *config, startup_check_fn say, void *context);
