/* The forwarder as a process: started with one end of a socket pair, watched by a pidfd. */
#pragma once

#include <sys/types.h>

struct forwarder_process {
    pid_t pid;
    int pidfd;
    int socket; /* SOCK_SEQPACKET, this end */
};

/* argv[0] is the binary; `--control-fd=3` is among the arguments. -errno when it cannot be executed. */
int process_start(char *const argv[], struct forwarder_process *ret_process);

/* How it ended, in words, once its pidfd is readable. Closes all. */
void process_reap(struct forwarder_process *process, char *ret_how, size_t how_bytes);

/* SIGTERM, and SIGKILL when it is still there after grace_ms. Waits. */
void process_stop(struct forwarder_process *process, int grace_ms);
