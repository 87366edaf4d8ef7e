#include "control/forwarder/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONTROL_FD 3
#define ENVIRONMENT_MAX 32

extern char **environ;

/* The forwarder faces the network, and needs no secret of control's: of its environment it gets what
 * libraries and sanitizers look for. */
static void filter_environment(char *ret_environment[ENVIRONMENT_MAX + 1])
{
    static const char *const kept[] = {"PATH=",  "LANG=", "LC_",   "TZ=",     "ASAN_",
                                       "UBSAN_", "TSAN_", "LSAN_", "KM_TEST="};
    size_t count = 0;

    for (char **entry = environ; *entry && count < ENVIRONMENT_MAX; entry++)
        for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
            if (strncmp(*entry, kept[i], strlen(kept[i])) == 0) {
                ret_environment[count++] = *entry;
                break;
            }
    ret_environment[count] = NULL;
}

static int spawn(char *const argv[], int socket, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigset_t all;
    char *environment[ENVIRONMENT_MAX + 1];

    filter_environment(environment);
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int err = posix_spawn_file_actions_adddup2(&actions, socket, CONTROL_FD);
    if (err == 0)
        err = posix_spawn(ret_pid, argv[0], &actions, &attributes, argv, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return -err;
}

int process_start(char *const argv[], struct forwarder_process *ret_process)
{
    struct forwarder_process made;
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return -errno;
    int err = spawn(argv, pair[1], &made.pid);
    close(pair[1]);
    if (err != 0) {
        close(pair[0]);
        return err;
    }
    made.socket = pair[0];
    made.pidfd = (int)syscall(SYS_pidfd_open, made.pid, 0);
    if (made.pidfd < 0) {
        err = -errno;
        kill(made.pid, SIGKILL);
        while (waitpid(made.pid, NULL, 0) < 0 && errno == EINTR)
            ;
        close(made.socket);
        return err;
    }
    *ret_process = made;
    return 0;
}

void process_reap(struct forwarder_process *process, char *ret_how, size_t how_bytes)
{
    int status = 0;
    pid_t pid;

    do {
        pid = waitpid(process->pid, &status, 0);
    } while (pid < 0 && errno == EINTR);
    if (pid > 0 && WIFSIGNALED(status))
        snprintf(ret_how, how_bytes, "killed by signal %d", WTERMSIG(status));
    else if (pid > 0)
        snprintf(ret_how, how_bytes, "exit status %d", WEXITSTATUS(status));
    else
        snprintf(ret_how, how_bytes, "gone");
    close(process->pidfd);
    close(process->socket);
    process->pid = 0;
    process->pidfd = process->socket = -1;
}

void process_stop(struct forwarder_process *process, int grace_ms)
{
    struct pollfd ended = {.fd = process->pidfd, .events = POLLIN};
    char how[40];

    kill(process->pid, SIGTERM);
    if (poll(&ended, 1, grace_ms) <= 0)
        kill(process->pid, SIGKILL);
    process_reap(process, how, sizeof how);
}
