/* What settings say together: what must be there, what goes with what, and what follows from the others. */
#pragma once

#include <stddef.h>

struct config;

/* Errors as config_parse. The words that stand for "unset" are made NULL where others depend on them. */
int config_check(struct config *config, char *error, size_t size);

/* Fills in what is found out at the start, and makes the other words for "unset" NULL. -ENOMEM. */
int config_complete(struct config *config, char *error, size_t size);
