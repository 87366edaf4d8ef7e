/* The functions in the table of commands.c, and what they share. Each runs one command: 0, or a negative
 * errno, which *ret_reason may explain. */
#pragma once

#include "dataplane/commands.h"

struct consumer;
struct producer;
struct transport;

/* commands_transport.c */
int command_install_transport(struct worker *worker, const Km__Command *command, const char **ret_reason);
int command_remove_transport(struct worker *worker, const Km__Command *command, const char **ret_reason);
int command_set_ice_credentials(struct worker *worker, const Km__Command *command, const char **ret_reason);
int command_select_tuple(struct worker *worker, const Km__Command *command, const char **ret_reason);
int command_connect_plain(struct worker *worker, const Km__Command *command, const char **ret_reason);
int command_install_keys(struct worker *worker, const Km__Command *command, const char **ret_reason);

/* commands_media.c */
int command_install_producer(struct worker *worker, const Km__Command *command, const char **ret_reason);
int command_mirror_producer(struct worker *worker, const Km__Command *command, const char **ret_reason);
int command_set_follower(struct worker *worker, const Km__Command *command, const char **ret_reason);
int command_remove_producer(struct worker *worker, const Km__Command *command, const char **ret_reason);
int command_pause_producer(struct worker *worker, const Km__Command *command, const char **ret_reason);
int command_install_consumer(struct worker *worker, const Km__Command *command, const char **ret_reason);
int command_remove_consumer(struct worker *worker, const Km__Command *command, const char **ret_reason);
int command_pause_consumer(struct worker *worker, const Km__Command *command, const char **ret_reason);
int command_request_key_frame(struct worker *worker, const Km__Command *command, const char **ret_reason);

/* With all that is kept of it elsewhere; a producer with its consumers. */
void command_drop_consumer(struct worker *worker, struct consumer *consumer);
void command_drop_producer(struct worker *worker, struct producer *producer);

/* commands.c */
int command_find_transport(struct worker *worker, shm_handle handle, struct transport **ret_transport,
                           const char **ret_reason);
/* Answers the error of an installation, which is explained. */
int command_explain_install(int error, const char **ret_reason);
