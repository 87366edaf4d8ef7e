/* What falls out of a media socket's receive buffer is counted, and published by its name. */
#include "dataplane/counters.h"
#include "dataplane/socket_watch.h"
#include "tests/unit/dataplane/engine_rig.h"

#define SENT 64u

static void shrink(int socket)
{
    int bytes = 1; /* the kernel makes the least of it that it permits */
    assert_int_equal(setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)), 0);
}

/* Sends more than there is room for; nobody reads meanwhile. */
static void flood(const struct rig *rig)
{
    static const uint8_t data[1200];
    int sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    for (unsigned i = 0; i < SENT; i++)
        assert_int_equal(sendto(sender, data, sizeof(data), 0, (const struct sockaddr *)&rig->media_name,
                                sizeof(rig->media_name)),
                         sizeof(data));
    close(sender);
}

static uint64_t published(const struct rig *rig)
{
    struct statistics_worker block;
    assert_int_equal(statistics_read(&rig->statistics, STATISTICS_WORKER, 0, &block, sizeof(block)), 0);
    return block.drops[DROP_receive_buffer_overflow];
}

static void test_what_overflows_has_a_name(void **state)
{
    static struct rig rig;
    static struct socket_watch watch;

    (void)state;
    rig_init(&rig);
    shrink(rig.media_socket);
    assert_int_equal(socket_watch_look(&watch, 0, rig.media_socket), 0);
    flood(&rig);
    uint64_t lost = socket_watch_look(&watch, 0, rig.media_socket);
    assert_in_range(lost, 1, SENT - 1);
    worker_note_overflow(rig.worker, lost);
    rig_wait_ms(&rig, 2 * COUNTERS_INTERVAL_US / 1000);
    assert_int_equal(published(&rig), lost);
    assert_int_equal(rig.worker->totals.packets_received, SENT - lost); /* all others were seen */
    assert_string_equal(statistics_drop_name(DROP_receive_buffer_overflow), "receive_buffer_overflow");

    flood(&rig);
    uint64_t more = socket_watch_look(&watch, 0, rig.media_socket);
    assert_true(more > lost);
    worker_note_overflow(rig.worker, more);
    rig_wait_ms(&rig, 2 * COUNTERS_INTERVAL_US / 1000);
    assert_int_equal(published(&rig), more);
    assert_int_equal(rig.worker->totals.packets_received, 2 * SENT - more);
    rig_deinit(&rig);
}

static void test_the_kernels_number_wraps(void **state)
{
    struct socket_watch watch = {.sockets[1] = {.total = 10, .seen = UINT32_MAX - 1}};
    int fresh = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0); /* has lost none */

    (void)state;
    assert_int_equal(socket_watch_look(&watch, 1, fresh), 12);
    assert_int_equal(socket_watch_look(&watch, 1, fresh), 12);
    close(fresh);
    assert_int_equal(socket_watch_look(&watch, 1, fresh), 12); /* nothing is known: nothing changes */
}

static void test_once_a_second(void **state)
{
    struct socket_watch watch = {0};

    (void)state;
    assert_true(socket_watch_is_due(&watch, 5000));
    assert_false(socket_watch_is_due(&watch, 5000 + SOCKET_WATCH_INTERVAL_US - 1));
    assert_true(socket_watch_is_due(&watch, 5000 + SOCKET_WATCH_INTERVAL_US));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_overflows_has_a_name),
        cmocka_unit_test(test_the_kernels_number_wraps),
        cmocka_unit_test(test_once_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
