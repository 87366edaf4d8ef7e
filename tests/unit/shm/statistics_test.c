/* The statistics file: whole blocks for a reader at any time, also of a writer that has died, and of nobody
 * else. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/segment.h"
#include "shm/seqlock.h"
#include "shm/statistics.h"

struct folder {
    char path[64];
    char file[80];
    struct statistics writer;
};

static int make_file(void **state)
{
    static struct folder folder;
    struct shm_capacities c = shm_capacities_default(2);
    char why[200];
    c.transports = c.producers = c.streams = 16;
    c.consumers = 64;
    snprintf(folder.path, sizeof folder.path, "/tmp/km-statistics-XXXXXX");
    if (!mkdtemp(folder.path))
        return -1;
    snprintf(folder.file, sizeof folder.file, "%s/stats", folder.path);
    *state = &folder;
    return statistics_create(folder.path, &c, &folder.writer, why, sizeof why);
}

static int drop_file(void **state)
{
    struct folder *folder = *state;
    statistics_deinit(&folder->writer);
    unlink(folder->file);
    return rmdir(folder->path);
}

static void a_reader_sees_what_was_published(void **state)
{
    struct folder *folder = *state;
    struct statistics reader;
    struct stat status;
    char why[200];
    struct statistics_worker worker = {.transports = 3, .packets_received = 1234};
    struct statistics_worker read_back;

    worker.drops[DROP_srtp_replay] = 9;
    statistics_publish(&folder->writer, STATISTICS_WORKER, 1, &worker, sizeof worker);
    assert_int_equal(statistics_open(folder->file, &reader, why, sizeof why), 0);
    assert_int_equal(statistics_read(&reader, STATISTICS_WORKER, 1, &read_back, sizeof read_back), 0);
    assert_int_equal(read_back.transports, 3);
    assert_int_equal(read_back.packets_received, 1234);
    assert_int_equal(read_back.drops[DROP_srtp_replay], 9);
    assert_int_equal(statistics_read(&reader, STATISTICS_WORKER, 2, &read_back, sizeof read_back), -ERANGE);
    assert_int_equal(stat(folder->file, &status), 0);
    assert_int_equal(status.st_mode & 0777 & ~0640, 0);
    statistics_deinit(&reader);
}

static void it_outlives_its_writer_and_its_successor_does_not_tear_it(void **state)
{
    struct folder *folder = *state;
    struct shm_capacities c = shm_capacities_default(1);
    struct statistics reader;
    struct statistics successor;
    struct statistics_control control = {.rooms = 7};
    char why[200];

    statistics_publish(&folder->writer, STATISTICS_CONTROL, 0, &control, sizeof control);
    statistics_deinit(&folder->writer);
    assert_int_equal(statistics_open(folder->file, &reader, why, sizeof why), 0);
    assert_int_equal(statistics_create(folder->path, &c, &successor, why, sizeof why), 0);
    assert_int_equal(statistics_read(&reader, STATISTICS_CONTROL, 0, &control, sizeof control), 0);
    assert_int_equal(control.rooms, 7);
    statistics_deinit(&reader);
    statistics_deinit(&successor);
}

static void a_block_whose_writer_was_killed_inside_is_refused_not_awaited(void **state)
{
    struct folder *folder = *state;
    struct statistics_control control = {.rooms = 1};
    struct statistics_control read_back;
    _Atomic uint32_t *sequence = statistics_block(&folder->writer, STATISTICS_CONTROL, 0);

    seqlock_write_begin(sequence); /* killed here */
    assert_int_equal(statistics_read(&folder->writer, STATISTICS_CONTROL, 0, &read_back, sizeof read_back),
                     -EAGAIN);
    statistics_publish(&folder->writer, STATISTICS_CONTROL, 0, &control, sizeof control);
    assert_int_equal(statistics_read(&folder->writer, STATISTICS_CONTROL, 0, &read_back, sizeof read_back),
                     0);
    assert_int_equal(read_back.rooms, 1);
}

static void foreign_files_are_refused(void **state)
{
    struct folder *folder = *state;
    struct statistics reader;
    char why[200];

    folder->writer.header->version++;
    assert_int_equal(statistics_open(folder->file, &reader, why, sizeof why), -EPROTO);
    assert_non_null(strstr(why, "version"));
    folder->writer.header->version--;
    folder->writer.header->sections[STATISTICS_WORKER].count = 1u << 31;
    assert_int_equal(statistics_open(folder->file, &reader, why, sizeof why), -EPROTO);
    folder->writer.header->magic = 0;
    assert_int_equal(statistics_open(folder->file, &reader, why, sizeof why), -EPROTO);
    assert_int_equal(truncate(folder->file, 10), 0);
    assert_int_equal(statistics_open(folder->file, &reader, why, sizeof why), -EPROTO);
    assert_non_null(strstr(why, "header"));
    assert_int_equal(statistics_open("/nonexistent/stats", &reader, why, sizeof why), -ENOENT);
}

static void an_unusable_folder_is_named(void **state)
{
    (void)state;
    struct shm_capacities c = shm_capacities_default(1);
    struct statistics made;
    char why[200] = "";
    assert_true(statistics_create("/proc/none/such", &c, &made, why, sizeof why) < 0);
    assert_non_null(strstr(why, "/proc/none/such"));
}

static void every_drop_has_a_name(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < DROP_COUNT; i++) {
        assert_non_null(statistics_drop_name(i));
        assert_true(strlen(statistics_drop_text(i)) > 10);
    }
    assert_null(statistics_drop_name(DROP_COUNT));
    assert_null(statistics_drop_text(DROP_COUNT));
}

struct hammer {
    struct statistics *statistics;
    _Atomic bool done;
};

static void *publish_thread(void *context)
{
    struct hammer *h = context;
    struct statistics_worker worker = {0};
    for (uint64_t n = 1; n <= 100000; n++) {
        worker.transports = (uint32_t)n;
        worker.packets_received = n;
        worker.drops[STATISTICS_DROPS_MAX - 1] = n;
        statistics_publish(h->statistics, STATISTICS_WORKER, 0, &worker, sizeof worker);
    }
    h->done = true;
    return NULL;
}

static void snapshots_are_consistent(void **state)
{
    struct folder *folder = *state;
    struct hammer h = {.statistics = &folder->writer};
    struct statistics_worker read_back;
    pthread_t thread;
    uint64_t last = 0;

    assert_int_equal(pthread_create(&thread, NULL, publish_thread, &h), 0);
    while (!h.done) {
        if (statistics_read(h.statistics, STATISTICS_WORKER, 0, &read_back, sizeof read_back) != 0)
            continue;
        assert_int_equal(read_back.transports, read_back.packets_received);
        assert_int_equal(read_back.drops[STATISTICS_DROPS_MAX - 1], read_back.packets_received);
        assert_true(read_back.packets_received >= last);
        last = read_back.packets_received;
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(statistics_read(h.statistics, STATISTICS_WORKER, 0, &read_back, sizeof read_back), 0);
    assert_int_equal(read_back.packets_received, 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_reader_sees_what_was_published, make_file, drop_file),
        cmocka_unit_test_setup_teardown(it_outlives_its_writer_and_its_successor_does_not_tear_it, make_file,
                                        drop_file),
        cmocka_unit_test_setup_teardown(a_block_whose_writer_was_killed_inside_is_refused_not_awaited,
                                        make_file, drop_file),
        cmocka_unit_test_setup_teardown(foreign_files_are_refused, make_file, drop_file),
        cmocka_unit_test(an_unusable_folder_is_named),
        cmocka_unit_test(every_drop_has_a_name),
        cmocka_unit_test_setup_teardown(snapshots_are_consistent, make_file, drop_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
