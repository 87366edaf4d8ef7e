/* kolabmeetd: the control process. */
#include <errno.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "control/config.h"
#include "control/daemon.h"
#include "control/log.h"
#include "control/startup_check.h"

#define EXIT_CONFIGURATION 78 /* sysexits.h: EX_CONFIG */

static void on_signal(evutil_socket_t number, short what, void *context)
{
    (void)what;
    log_info("daemon", "signal %d: ending", (int)number);
    event_base_loopbreak(context);
}

static int fail(const char *error, int status)
{
    fprintf(stderr, "kolabmeetd: %s\n", error);
    return status;
}

static void say(void *context, bool is_warning, const char *line)
{
    (void)context;
    if (is_warning)
        log_warn("daemon", "%s", line);
    else
        log_info("daemon", "%s", line);
}

static int check(const struct config *config)
{
    char error[DAEMON_ERROR_MAX];
    if (startup_check_settings(config, error, sizeof(error)))
        return fail(error, EXIT_CONFIGURATION);
    startup_check_reach(config, say, NULL);
    puts("the configuration is fine");
    return EXIT_SUCCESS;
}

/* Each connection takes a descriptor. */
static void allow_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int serve(const struct config *config, struct event_base *base)
{
    char error[DAEMON_ERROR_MAX];
    struct daemon *daemon;
    if (startup_check_settings(config, error, sizeof(error)))
        return fail(error, EXIT_CONFIGURATION);
    int result = daemon_create(config, base, &daemon, error, sizeof(error));
    if (result)
        return fail(error, result == -EDOM ? EXIT_CONFIGURATION : EXIT_FAILURE);
    daemon_print_listeners(daemon, stdout);
    startup_check_reach(config, say, NULL);
    result = event_base_dispatch(base);
    daemon_destroy(daemon);
    return result < 0 ? fail("the event loop failed", EXIT_FAILURE) : EXIT_SUCCESS;
}

static int run(const struct config *config)
{
    /* The gateway's thread wakes this one. */
    struct event_base *base = evthread_use_pthreads() ? NULL : event_base_new();
    if (!base)
        return fail("cannot make an event loop", EXIT_FAILURE);
    struct event *terminate = evsignal_new(base, SIGTERM, on_signal, base);
    struct event *interrupt = evsignal_new(base, SIGINT, on_signal, base);
    int status;
    if (terminate && interrupt && event_add(terminate, NULL) == 0 && event_add(interrupt, NULL) == 0)
        status = serve(config, base);
    else
        status = fail("cannot watch for signals", EXIT_FAILURE);
    if (interrupt)
        event_free(interrupt);
    if (terminate)
        event_free(terminate);
    event_base_free(base);
    return status;
}

int main(int argc, char **argv)
{
    char error[CONFIG_ERROR_MAX];
    struct config config;
    int result = config_parse(argc, argv, environ, &config, error, sizeof(error));
    if (result)
        return fail(error, config_exit_status(result));

    int status = EXIT_SUCCESS;
    switch (config.action) {
    case CONFIG_SHOW_HELP:
        config_print_help(stdout);
        break;
    case CONFIG_SHOW_VERSION:
        puts("kolabmeetd " KM_VERSION);
        break;
    case CONFIG_CHECK:
        status = check(&config);
        break;
    case CONFIG_RUN:
        signal(SIGPIPE, SIG_IGN);
        log_set_level(config.log_level);
        allow_descriptors();
        status = run(&config);
        break;
    }
    config_deinit(&config);
    libevent_global_shutdown();
    return status;
}
