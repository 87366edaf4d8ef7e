/* The text of one setting made a value of struct config, as its kind in the table says. */
#pragma once

#include <stddef.h>

#include "control/config_table.h"

/* -EINVAL or -ENOMEM, with one line in error; its text is part of that, so secrets must not fail. */
int config_value_store(struct config *config, const struct setting *setting, const char *text, char *error,
                       size_t size);
