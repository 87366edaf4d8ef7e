/* The program kolabmeet-forwarder: its command line, the handshake, and how it ends. The test plays control.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/options.h"
#include "proto/schema/forwarder.pb-c.h"
#include "shm/endpoint.h"
#include "shm/liveness.h"
#include "shm/ring.h"
#include "shm/segment.h"
#include "shm/statistics.h"

static const struct shm_capacities capacities = {
    .workers = 1,
    .transports = 16,
    .producers = 16,
    .streams = 32,
    .consumers = 64,
    .tuples = 256,
    .command_ring_bytes = 65536,
    .event_ring_bytes = 65536,
    .punt_ring_bytes = 65536,
    .inject_ring_bytes = 65536,
    .peer_ring_bytes = 65536,
    .store_chunks = 16,
};

struct child {
    pid_t pid;
    int control; /* this end of the socket pair */
    int errors;  /* its stderr */
};

static const char *binary(void)
{
    static char path[4096];
    char self[2048];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

    assert_true(length > 0);
    self[length] = '\0';
    snprintf(path, sizeof(path), "%s/../bin/kolabmeet-forwarder", dirname(self));
    return path;
}

static void spawn(struct child *child, const char *option)
{
    int pair[2], pipes[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    child->pid = fork();
    assert_true(child->pid >= 0);
    if (child->pid == 0) {
        dup2(pipes[1], 2);
        dup2(pair[1], 200);
        execl(binary(), "kolabmeet-forwarder", "--control-fd=200", option, (char *)NULL);
        _exit(127);
    }
    close(pair[1]);
    close(pipes[1]);
    child->control = pair[0];
    child->errors = pipes[0];
}

/* Waits for the end. Returns the exit status, and what it said. */
static int bury(struct child *child, char *ret_said, size_t bytes)
{
    size_t length = 0;
    int status;

    for (;;) {
        ssize_t got = read(child->errors, ret_said + length, bytes - 1 - length);
        if (got <= 0)
            break;
        length += (size_t)got;
    }
    ret_said[length] = '\0';
    assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
    close(child->errors);
    if (child->control >= 0)
        close(child->control);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static unsigned count_lines(const char *text)
{
    unsigned lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

/* Control's side: what it makes, and hands over. */
struct control {
    char folder[64];
    struct shm_segment segment;
    struct statistics statistics;
    struct shm_descriptors descriptors;
};

static void control_init(struct control *control)
{
    char why[256] = "";
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    snprintf(control->folder, sizeof(control->folder), "/tmp/kolabmeet-process-XXXXXX");
    assert_non_null(mkdtemp(control->folder));
    assert_int_equal(shm_segment_create(&capacities, &control->segment), 0);
    assert_int_equal(statistics_create(control->folder, &capacities, &control->statistics, why, sizeof(why)),
                     0);
    struct shm_descriptors *d = &control->descriptors;
    d->segment = control->segment.fd;
    d->statistics = control->statistics.fd;
    d->workers = 1;
    d->media_socket[0] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(d->media_socket[0], (struct sockaddr *)&name, sizeof(name)), 0);
    d->worker_wake[0] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    d->control_wake[0] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

static void control_deinit(struct control *control)
{
    char path[128];

    close(control->descriptors.media_socket[0]);
    close(control->descriptors.worker_wake[0]);
    close(control->descriptors.control_wake[0]);
    shm_segment_deinit(&control->segment, true);
    statistics_deinit(&control->statistics);
    snprintf(path, sizeof(path), "%s/%s", control->folder, STATISTICS_FILE);
    unlink(path);
    rmdir(control->folder);
}

static void take_hello(struct child *child, struct shm_hello *ret_hello)
{
    struct pollfd fd = {.fd = child->control, .events = POLLIN};

    assert_int_equal(poll(&fd, 1, 10000), 1);
    assert_int_equal(endpoint_receive_hello(child->control, ret_hello), 0);
}

static void welcome(struct child *child, const struct control *control)
{
    struct shm_hello hello;
    char why[256];

    take_hello(child, &hello);
    assert_int_equal(endpoint_check(&hello, why, sizeof(why)), 0);
    assert_int_equal(hello.pid, child->pid);
    assert_int_equal(endpoint_send_welcome(child->control, &control->descriptors), 0);
}

static bool beats(const struct control *control, uint32_t index)
{
    const struct shm_liveness *liveness = shm_segment_at(&control->segment, SHM_SECTION_LIVENESS, index);

    for (unsigned i = 0; i < 3000; i++) {
        uint64_t first = atomic_load(&liveness->beat_us);
        usleep(10000);
        if (first != 0 && atomic_load(&liveness->beat_us) != first)
            return true;
    }
    return false;
}

/* Sends a command, with a wake when the worker sleeps, and waits for its Ack. */
static void check_commands(const struct control *control)
{
    struct ring_producer commands;
    struct ring_consumer events;
    uint8_t record[512];
    uint32_t length;
    Km__Command command = KM__COMMAND__INIT;
    Km__InstallTransport install = KM__INSTALL_TRANSPORT__INIT;

    assert_int_equal(ring_producer_init(&commands,
                                        shm_segment_at(&control->segment, SHM_SECTION_COMMAND_RING, 0),
                                        capacities.command_ring_bytes),
                     0);
    assert_int_equal(ring_consumer_init(&events, shm_segment_at(&control->segment, SHM_SECTION_EVENT_RING, 0),
                                        capacities.event_ring_bytes),
                     0);
    usleep(50000); /* it sleeps by now */
    assert_true(ring_sleep(&events));
    install.transport = 1ull << 32;
    install.ice_ufrag = (char *)"ufrag";
    install.ice_password = (char *)"password";
    command.sequence = 1;
    command.body_case = KM__COMMAND__BODY_INSTALL_TRANSPORT;
    command.install_transport = &install;
    length = (uint32_t)km__command__pack(&command, record);
    assert_int_equal(ring_push(&commands, record, length), 0);
    if (ring_wants_wake(&commands)) /* else its heartbeat has just woken it */
        eventfd_write(control->descriptors.worker_wake[0], 1);

    struct pollfd fd = {.fd = control->descriptors.control_wake[0], .events = POLLIN};
    assert_int_equal(poll(&fd, 1, 30000), 1);
    assert_int_equal(ring_pop(&events, record, sizeof(record), &length), 0);
    Km__Event *event = km__event__unpack(NULL, length, record);
    assert_non_null(event);
    assert_int_equal(event->body_case, KM__EVENT__BODY_ACK);
    assert_int_equal(event->ack->sequence, 1);
    assert_int_equal(event->ack->error, 0);
    km__event__free_unpacked(event, NULL);
}

static void lives_and_ends(const char *option, int signal_number)
{
    struct control control = {0};
    struct child child;
    char said[1024];

    control_init(&control);
    spawn(&child, option);
    welcome(&child, &control);
    assert_true(beats(&control, SHM_LIVENESS_FORWARDER));
    assert_true(beats(&control, SHM_LIVENESS_WORKER(0)));
    check_commands(&control);
    if (signal_number != 0) {
        kill(child.pid, signal_number);
    } else {
        close(child.control);
        child.control = -1;
    }
    assert_int_equal(bury(&child, said, sizeof(said)), 0);
    assert_string_equal(said, "");
    control_deinit(&control);
}

static void test_ends_by_signal(void **state)
{
    (void)state;
    lives_and_ends("--poll=sleep", SIGTERM);
    lives_and_ends("--poll=sleep", SIGINT);
}

static void test_ends_with_control(void **state)
{
    (void)state;
    lives_and_ends("--poll=sleep", 0);
}

static void test_refused(void **state)
{
    struct child child;
    struct shm_hello hello;
    char said[1024];

    (void)state;
    spawn(&child, "--poll=sleep");
    take_hello(&child, &hello);
    assert_int_equal(endpoint_send_refusal(child.control, EPROTO, "built for another time"), 0);
    assert_int_equal(bury(&child, said, sizeof(said)), 1);
    assert_int_equal(count_lines(said), 1);
    assert_non_null(strstr(said, "built for another time"));
}

static void test_control_hangs_up(void **state)
{
    struct child child;
    char said[1024];

    (void)state;
    spawn(&child, "--poll=sleep");
    close(child.control);
    child.control = -1;
    assert_int_equal(bury(&child, said, sizeof(said)), 1);
    assert_int_equal(count_lines(said), 1);
}

static void test_segment_of_a_stranger(void **state)
{
    struct control control = {0};
    struct child child;
    struct shm_hello hello;
    char said[1024];

    (void)state;
    control_init(&control);
    control.segment.header->magic ^= 1;
    spawn(&child, "--poll=sleep");
    take_hello(&child, &hello);
    assert_int_equal(endpoint_send_welcome(child.control, &control.descriptors), 0);
    assert_int_equal(bury(&child, said, sizeof(said)), 1);
    assert_int_equal(count_lines(said), 1);
    assert_non_null(strstr(said, "shared memory"));
    control_deinit(&control);
}

static int parse(struct options *options, char *error, size_t error_bytes, const char *one, const char *two)
{
    char first[128], second[128];
    char *argv[] = {(char *)"kolabmeet-forwarder", first, second, NULL};

    snprintf(first, sizeof(first), "%s", one);
    snprintf(second, sizeof(second), "%s", two ? two : "");
    if (!two)
        argv[2] = NULL;
    return options_parse(two ? 3 : 2, argv, options, error, error_bytes);
}

static void test_options(void **state)
{
    static const char *const bad[] = {
        "--poll=often",     "--cpus=",         "--cpus=1,",           "--cpus=x",
        "--cpus=3-1",       "--cpus=99999",    "--srtp-backend=none", "--control-fd=x",
        "--control-fd=-1",  "--control-fd=3x", "--nonsense",          "stray",
        "--log-level=loud", "--control-fd="};
    struct options options;
    char error[256];

    (void)state;
    assert_int_equal(parse(&options, error, sizeof(error), "--control-fd=7", NULL), 0);
    assert_int_equal(options.control_fd, 7);
    assert_int_equal(options.poll, WORKER_POLL_ADAPTIVE);
    assert_ptr_equal(options.srtp, srtp_backend_find("native"));
    assert_int_equal(options.cpu_count, 0);
    assert_int_equal(parse(&options, error, sizeof(error), "--control-fd=7", "--cpus=2,4-6"), 0);
    assert_int_equal(options.cpu_count, 4);
    assert_int_equal(options.cpus[0], 2);
    assert_int_equal(options.cpus[3], 6);
    assert_int_equal(parse(&options, error, sizeof(error), "--control-fd=7", "--poll=busy"), 0);
    assert_int_equal(options.poll, WORKER_POLL_BUSY);
    assert_int_equal(parse(&options, error, sizeof(error), "--version", NULL), 0);
    assert_true(options.version);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        error[0] = '\0';
        assert_int_equal(parse(&options, error, sizeof(error), "--control-fd=7", bad[i]), -EINVAL);
        assert_true(strlen(error) > 10);
        assert_null(strchr(error, '\n'));
    }
    assert_int_equal(parse(&options, error, sizeof(error), "--poll=busy", NULL), -EINVAL);
    assert_non_null(strstr(error, "--control-fd"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends_by_signal),
        cmocka_unit_test(test_ends_with_control),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_control_hangs_up),
        cmocka_unit_test(test_segment_of_a_stranger),
        cmocka_unit_test(test_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
