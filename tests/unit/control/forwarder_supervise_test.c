/* A forwarder that cannot be started, or ends at once: nothing leaks, and it is tried again ever more slowly.
 */
#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/forwarder/forwarder.h"
#include "control/forwarder/forwarder_private.h"
#include "control/forwarder/supervise.h"
#include "control/log.h"

static const struct forwarder_handler nobody;

struct stage {
    char folder[64];
    struct event_base *base;
    FILE *log;
};

static void stage_open(struct stage *stage)
{
    snprintf(stage->folder, sizeof(stage->folder), "/tmp/kolabmeet-supervise-XXXXXX");
    assert_non_null(mkdtemp(stage->folder));
    stage->base = event_base_new();
    assert_non_null(stage->base);
    stage->log = tmpfile();
    assert_non_null(stage->log);
    log_set_descriptor(fileno(stage->log));
}

static void stage_close(struct stage *stage)
{
    char file[96];
    log_set_descriptor(STDERR_FILENO);
    fclose(stage->log);
    event_base_free(stage->base);
    snprintf(file, sizeof(file), "%s/stats", stage->folder);
    unlink(file);
    assert_int_equal(rmdir(stage->folder), 0);
}

static int create(const struct stage *stage, const char *binary, struct forwarder **ret_forwarder,
                  char *ret_error, size_t error_bytes)
{
    const struct forwarder_config config = {
        .binary = binary,
        .runtime_dir = stage->folder,
        .poll = "sleep",
        .srtp_backend = "native",
        .listen_ip = "127.0.0.1",
        .workers = 1,
        .store_mib = 1,
    };
    return forwarder_create(&config, stage->base, &nobody, NULL, ret_forwarder, ret_error, error_bytes);
}

static int count_descriptors(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static void expect_no_child(void)
{
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

/* What was logged so far. */
static void read_log(const struct stage *stage, char *ret_text, size_t bytes)
{
    ssize_t length = pread(fileno(stage->log), ret_text, bytes - 1, 0);
    assert_true(length >= 0);
    ret_text[length] = '\0';
}

static void test_restarts_slow_down(void **state)
{
    (void)state;
    assert_int_equal(supervise_restart_us(0), 500000);
    assert_int_equal(supervise_restart_us(1), 500000);
    assert_int_equal(supervise_restart_us(2), 1000000);
    assert_int_equal(supervise_restart_us(5), 8000000);
    assert_int_equal(supervise_restart_us(UINT32_MAX), 8000000);
}

/* Executable, and yet nothing that can be executed. */
static void test_what_cannot_be_executed(void **state)
{
    (void)state;
    struct stage stage;
    struct forwarder *forwarder = NULL;
    char error[5000];
    stage_open(&stage);
    int before = count_descriptors();
    assert_int_equal(create(&stage, "/tmp", &forwarder, error, sizeof(error)), -EACCES);
    assert_null(forwarder);
    assert_string_equal(error, "/tmp cannot be started: Permission denied");
    assert_int_equal(count_descriptors(), before);
    expect_no_child();
    stage_close(&stage);
}

static void test_it_ends_at_once(void **state)
{
    (void)state;
    struct stage stage;
    struct forwarder *forwarder = NULL;
    char error[5000];
    char log[8192];
    stage_open(&stage);
    int before = count_descriptors();
    assert_int_equal(create(&stage, "/bin/false", &forwarder, error, sizeof(error)), 0);
    uint64_t start_us = forwarder_now_us();
    int running = count_descriptors();
    while (forwarder->counts.forwarder_starts < 3)
        assert_int_equal(event_base_loop(stage.base, EVLOOP_ONCE), 0);
    assert_true(forwarder_now_us() - start_us >= 1500000);
    assert_int_equal(count_descriptors(), running);
    read_log(&stage, log, sizeof(log));
    assert_non_null(strstr(log, "ended (exit status 1), starting another in "));
    forwarder_destroy(forwarder);
    assert_int_equal(count_descriptors(), before);
    expect_no_child();
    stage_close(&stage);
}

/* It was there when control started, and is away for a while, as in an upgrade. */
static void test_its_program_goes_and_comes_back(void **state)
{
    (void)state;
    struct stage stage;
    struct forwarder *forwarder = NULL;
    char error[5000], log[8192];
    stage_open(&stage);
    int before = count_descriptors();
    assert_int_equal(create(&stage, "/bin/false", &forwarder, error, sizeof(error)), 0);
    snprintf(forwarder->binary, sizeof(forwarder->binary), "%s/away", stage.folder);
    do {
        assert_int_equal(event_base_loop(stage.base, EVLOOP_ONCE), 0);
        read_log(&stage, log, sizeof(log));
    } while (!strstr(log, "cannot be started: No such file or directory; trying again in"));
    assert_int_equal(forwarder->counts.forwarder_starts, 1);
    snprintf(forwarder->binary, sizeof(forwarder->binary), "/bin/false");
    while (forwarder->counts.forwarder_starts < 2)
        assert_int_equal(event_base_loop(stage.base, EVLOOP_ONCE), 0);
    forwarder_destroy(forwarder);
    assert_int_equal(count_descriptors(), before);
    expect_no_child();
    stage_close(&stage);
}

/* libevent's memory: the allocation that fails, from 1; 0 for none. */
static unsigned failing, allocations;

static void *allocate(size_t bytes)
{
    return ++allocations == failing ? NULL : malloc(bytes);
}

static void *reallocate(void *memory, size_t bytes)
{
    return ++allocations == failing ? NULL : realloc(memory, bytes);
}

static void test_no_memory_for_events(void **state)
{
    (void)state;
    struct stage stage;
    struct forwarder *forwarder = NULL;
    char error[5000];
    int result = -ENOMEM;
    unsigned failed = 0;
    stage_open(&stage);
    int before = count_descriptors();
    for (unsigned next = 1; result != 0; next++) {
        allocations = 0;
        failing = next;
        result = create(&stage, "/bin/false", &forwarder, error, sizeof(error));
        failing = 0;
        if (result != 0) {
            failed++;
            assert_int_equal(result, -ENOMEM);
            assert_int_equal(count_descriptors(), before);
            expect_no_child();
        }
    }
    assert_true(failed >= 4); /* worker, tick, hello, end */
    forwarder_destroy(forwarder);
    assert_int_equal(count_descriptors(), before);
    expect_no_child();
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_restarts_slow_down),   cmocka_unit_test(test_what_cannot_be_executed),
        cmocka_unit_test(test_it_ends_at_once),      cmocka_unit_test(test_its_program_goes_and_comes_back),
        cmocka_unit_test(test_no_memory_for_events),
    };
    event_set_mem_functions(allocate, reallocate, free);
    return cmocka_run_group_tests_name("forwarder_supervise", tests, NULL, NULL);
}
