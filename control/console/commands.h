/* The functions in the table of command.c. */
#pragma once

#include "control/console/command.h"

/* commands_look.c */
json_t *command_usage(struct command_call *call);
json_t *command_stats(struct command_call *call);
json_t *command_dump(struct command_call *call);
json_t *command_rooms(struct command_call *call);
json_t *command_peers(struct command_call *call);

/* commands_log.c */
json_t *command_log_level(struct command_call *call);
json_t *command_log_tags(struct command_call *call);

/* commands_act.c */
json_t *command_kick(struct command_call *call);
json_t *command_close(struct command_call *call);
json_t *command_drain(struct command_call *call);
json_t *command_undrain(struct command_call *call);

/* complete.c */
json_t *command_complete(struct command_call *call);

/* What the argument means, for these. The error is said in call->error. */
struct found;
int command_find_one(struct command_call *call, unsigned kinds, const char *prefix, struct found *ret_found);
