/* The forwarder's log: levels that control changes at run time, and what is said of workers and their drops.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dataplane/log.h"
#include "dataplane/log_watch.h"

#define WORKERS 2u
#define START_US 100000000u

static _Atomic uint32_t levels;
static int stderr_before;
static FILE *said;

static void set(enum shm_log_tag tag, enum shm_log_level level)
{
    atomic_store(&levels, log_levels_with(atomic_load(&levels), tag, level));
}

static int listen_to_stderr(void **state)
{
    (void)state;
    said = tmpfile();
    stderr_before = dup(STDERR_FILENO);
    atomic_store(&levels, 0);
    log_follow(&levels);
    return said && dup2(fileno(said), STDERR_FILENO) >= 0 ? 0 : -1;
}

static int restore_stderr(void **state)
{
    (void)state;
    log_follow(NULL);
    dup2(stderr_before, STDERR_FILENO);
    close(stderr_before);
    fclose(said);
    return 0;
}

/* What was said since the last time, without the times: "WARN drops: …" */
static void expect(const char *lines)
{
    char text[2048], heard[2048] = "";
    rewind(said);
    while (fgets(text, sizeof(text), said)) {
        int at = 0;
        assert_int_equal(sscanf(text, "%*4d-%*2d-%*2dT%*2d:%*2d:%*2d.%*3dZ %n", &at), 0);
        assert_int_equal(at, 25);
        strncat(heard, text + at, sizeof(heard) - strlen(heard) - 1);
    }
    assert_string_equal(heard, lines);
    assert_int_equal(ftruncate(fileno(said), 0), 0);
    lseek(STDERR_FILENO, 0, SEEK_SET);
}

static void test_levels_change_at_run_time(void **state)
{
    (void)state;
    log_say(SHM_LOG_worker, SHM_LOG_ERROR, "one %d", 1);
    log_say(SHM_LOG_worker, SHM_LOG_WARN, "not yet");
    expect("ERROR worker: one 1\n");
    set(SHM_LOG_worker, SHM_LOG_INFO);
    log_say(SHM_LOG_worker, SHM_LOG_INFO, "two");
    log_say(SHM_LOG_worker, SHM_LOG_DEBUG, "too much");
    log_say(SHM_LOG_drops, SHM_LOG_INFO, "another tag");
    expect("INFO worker: two\n");
    set(SHM_LOG_drops, SHM_LOG_DEBUG);
    set(SHM_LOG_worker, SHM_LOG_ERROR);
    log_say(SHM_LOG_worker, SHM_LOG_WARN, "no more");
    log_say(SHM_LOG_drops, SHM_LOG_DEBUG, "three");
    expect("DEBUG drops: three\n");
    log_follow(NULL);
    log_say(SHM_LOG_drops, SHM_LOG_WARN, "with nobody to follow");
    expect("");
}

static void test_a_long_line_is_cut(void **state)
{
    (void)state;
    char text[3000], line[2048];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    log_say(SHM_LOG_worker, SHM_LOG_ERROR, "%s", text);
    rewind(said);
    assert_non_null(fgets(line, sizeof(line), said));
    assert_int_equal(strlen(line), 1024);
    assert_int_equal(line[1023], '\n');
}

struct stage {
    char folder[64];
    struct shm_segment segment;
    struct statistics statistics;
    struct log_watch *watch;
};

static void beat(struct stage *stage, uint32_t worker, uint64_t now_us)
{
    liveness_beat(shm_segment_at(&stage->segment, SHM_SECTION_LIVENESS, SHM_LIVENESS_WORKER(worker)), now_us);
}

static void count(const struct stage *stage, uint32_t worker, uint64_t unknown, uint64_t full)
{
    struct statistics_worker block = {0};
    block.drops[DROP_unknown_tuple] = unknown;
    block.drops[DROP_late] = unknown;
    block.drops[DROP_send_queue_full] = full;
    statistics_publish(&stage->statistics, STATISTICS_WORKER, worker, &block, sizeof(block));
}

static void stage_open(struct stage *stage)
{
    char why[256];
    struct shm_capacities capacities = shm_capacities_default(WORKERS);
    capacities.store_chunks = 4;
    snprintf(stage->folder, sizeof(stage->folder), "/tmp/kolabmeet-log-XXXXXX");
    assert_non_null(mkdtemp(stage->folder));
    assert_int_equal(shm_segment_create(&capacities, &stage->segment), 0);
    assert_int_equal(statistics_create(stage->folder, &capacities, &stage->statistics, why, sizeof(why)), 0);
    count(stage, 0, 5, 5); /* by a forwarder before this one */
    stage->watch = log_watch_create(&stage->statistics, WORKERS);
    assert_non_null(stage->watch);
}

static void stage_close(struct stage *stage)
{
    char file[96];
    free(stage->watch);
    snprintf(file, sizeof(file), "%s/stats", stage->folder);
    statistics_deinit(&stage->statistics);
    shm_segment_deinit(&stage->segment, true);
    unlink(file);
    rmdir(stage->folder);
}

static void turn(struct stage *stage, uint64_t now_us)
{
    log_watch_turn(stage->watch, &stage->segment, &stage->statistics, now_us);
}

static void test_drops_are_said_by_name(void **state)
{
    (void)state;
    struct stage stage;
    uint64_t now_us = START_US;
    stage_open(&stage);
    beat(&stage, 0, UINT64_MAX); /* never still */
    beat(&stage, 1, UINT64_MAX);
    set(SHM_LOG_drops, SHM_LOG_WARN);
    turn(&stage, now_us);
    expect("");
    count(&stage, 0, 7, 8);
    turn(&stage, now_us + LOG_WATCH_INTERVAL_US - 1);
    expect("");
    turn(&stage, now_us += LOG_WATCH_INTERVAL_US);
    expect("WARN drops: worker 0 dropped 3 send_queue_full\n");
    set(SHM_LOG_drops, SHM_LOG_DEBUG);
    turn(&stage, now_us += LOG_WATCH_INTERVAL_US); /* what was not said then is not said later */
    expect("");
    count(&stage, 1, 9, 0);
    turn(&stage, now_us += LOG_WATCH_INTERVAL_US);
    expect("DEBUG drops: worker 1 dropped 9 unknown_tuple, 9 late\n");
    stage_close(&stage);
}

static void test_a_worker_that_stands_still_is_told_of_once(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage);
    set(SHM_LOG_worker, SHM_LOG_WARN);
    turn(&stage, START_US); /* they have not begun */
    beat(&stage, 0, START_US);
    beat(&stage, 1, START_US);
    turn(&stage, START_US + LOG_WATCH_STILL_US);
    expect("");
    beat(&stage, 0, START_US + 1000000);
    turn(&stage, START_US + 1500000);
    turn(&stage, START_US + 1600000);
    expect("WARN worker: worker 1 has stood still for 1.5 s\n");
    beat(&stage, 1, START_US + 1700000);
    turn(&stage, START_US + 1700000);
    expect("WARN worker: worker 1 goes on\n");
    stage_close(&stage);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, listen_to_stderr, restore_stderr)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_levels_change_at_run_time),
        TEST(test_a_long_line_is_cut),
        TEST(test_drops_are_said_by_name),
        TEST(test_a_worker_that_stands_still_is_told_of_once),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
