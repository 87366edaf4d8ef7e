/* The handshake: descriptors arrive, and every stranger on either side is refused with a reason. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/endpoint.h"
#include "shm/segment.h"

struct joiner {
    int socket;
    int err;
    struct shm_descriptors descriptors;
    char why[300];
};

static void *join_thread(void *context)
{
    struct joiner *j = context;
    j->err = endpoint_join(j->socket, 4, 2000, &j->descriptors, j->why, sizeof j->why);
    return NULL;
}

static void descriptors_arrive(void **state)
{
    (void)state;
    int pair[2];
    struct joiner j = {.err = 1};
    struct shm_hello hello;
    struct shm_descriptors ours = {.workers = 2};
    char why[300];
    pthread_t thread;

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    j.socket = pair[1];
    ours.segment = eventfd(100, 0);
    ours.statistics = eventfd(101, 0);
    for (unsigned i = 0; i < 2; i++) {
        ours.media_socket[i] = eventfd(10 + i, 0);
        ours.worker_wake[i] = eventfd(20 + i, 0);
        ours.control_wake[i] = eventfd(30 + i, 0);
    }
    assert_int_equal(pthread_create(&thread, NULL, join_thread, &j), 0);
    assert_int_equal(endpoint_receive_hello(pair[0], &hello), 0);
    assert_int_equal(endpoint_check(&hello, why, sizeof why), 0);
    assert_int_equal(hello.workers_max, 4);
    assert_int_equal(hello.pid, getpid());
    assert_int_equal(endpoint_send_welcome(pair[0], &ours), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);

    assert_int_equal(j.err, 0);
    assert_int_equal(j.descriptors.workers, 2);
    const struct {
        int fd;
        uint64_t value;
    } expected[] = {{j.descriptors.segment, 100},        {j.descriptors.statistics, 101},
                    {j.descriptors.media_socket[1], 11}, {j.descriptors.worker_wake[0], 20},
                    {j.descriptors.worker_wake[1], 21},  {j.descriptors.control_wake[1], 31}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        uint64_t value = 0;
        assert_int_equal(read(expected[i].fd, &value, sizeof value), sizeof value);
        assert_int_equal(value, expected[i].value);
    }
    endpoint_close_descriptors(&j.descriptors);
    endpoint_close_descriptors(&ours);
    close(pair[0]);
    close(pair[1]);
}

static void a_connection_arrives_with_its_address(void **state)
{
    (void)state;
    int pair[2];
    struct shm_handover got;
    int fds[SHM_HANDOVER_DESCRIPTORS];
    uint64_t value;
    struct shm_address remote = {.ip = {1, 2, 3}, .port = 4, .protocol = SHM_PROTOCOL_TCP, .scope = 5};

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    assert_int_equal(endpoint_receive_handover(pair[1], &got, fds), -EAGAIN);
    int ours = eventfd(42, 0);
    assert_int_equal(endpoint_send_connection(pair[0], &remote, 3, ours), 0);
    close(ours);
    assert_int_equal(endpoint_receive_handover(pair[1], &got, fds), 0);
    assert_int_equal(got.worker, 3);
    assert_memory_equal(&got.remote, &remote, sizeof remote);
    assert_int_equal(got.kind, SHM_HANDOVER_CONNECTION);
    assert_int_equal(read(fds[0], &value, sizeof value), sizeof value);
    assert_int_equal(value, 42);
    close(fds[0]);

    assert_int_equal(send(pair[0], &got, sizeof got, 0), sizeof got); /* without a descriptor */
    assert_int_equal(endpoint_receive_handover(pair[1], &got, fds), -EPROTO);
    assert_int_equal(send(pair[0], "x", 1, 0), 1);
    assert_int_equal(endpoint_receive_handover(pair[1], &got, fds), -EPROTO);
    close(pair[0]);
    assert_int_equal(endpoint_receive_handover(pair[1], &got, fds), -ECONNRESET);
    close(pair[1]);
}

static void plain_sockets_arrive_in_pairs(void **state)
{
    (void)state;
    int pair[2];
    struct shm_handover got;
    int fds[SHM_HANDOVER_DESCRIPTORS];
    uint64_t value;
    int ours[2] = {eventfd(1, 0), eventfd(2, 0)};

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    assert_int_equal(endpoint_send_plain(pair[0], shm_handle_make(7, 2), 1, ours), 0);
    close(ours[0]);
    close(ours[1]);
    assert_int_equal(endpoint_receive_handover(pair[1], &got, fds), 0);
    assert_int_equal(got.kind, SHM_HANDOVER_PLAIN);
    assert_int_equal(got.transport, shm_handle_make(7, 2));
    assert_int_equal(got.worker, 1);
    for (uint64_t i = 0; i < 2; i++) {
        assert_int_equal(read(fds[i], &value, sizeof value), sizeof value);
        assert_int_equal(value, i + 1);
        close(fds[i]);
    }
    got.kind = 99;
    assert_int_equal(send(pair[0], &got, sizeof got, 0), sizeof got);
    assert_int_equal(endpoint_receive_handover(pair[1], &got, fds), -EPROTO);
    close(pair[0]);
    close(pair[1]);
}

static void a_refusal_is_told_in_words(void **state)
{
    (void)state;
    int pair[2];
    struct joiner j = {.err = 1};
    struct shm_hello hello;
    pthread_t thread;

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    j.socket = pair[1];
    assert_int_equal(pthread_create(&thread, NULL, join_thread, &j), 0);
    assert_int_equal(endpoint_receive_hello(pair[0], &hello), 0);
    assert_int_equal(endpoint_send_refusal(pair[0], -EPROTO, "you are too old"), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(j.err, -EPROTO);
    assert_string_equal(j.why, "control refused: you are too old");
    close(pair[0]);
    close(pair[1]);
}

static void every_difference_is_named(void **state)
{
    (void)state;
    struct shm_hello good;
    struct shm_hello hello;
    char why[300] = "";

    endpoint_hello(&good, 1);
    assert_int_equal(endpoint_check(&good, why, sizeof why), 0);
    hello = good;
    hello.magic++;
    assert_int_equal(endpoint_check(&hello, why, sizeof why), -EPROTO);
    assert_non_null(strstr(why, "magic"));
    hello = good;
    hello.abi_version++;
    assert_int_equal(endpoint_check(&hello, why, sizeof why), -EPROTO);
    char expected[80];
    snprintf(expected, sizeof expected, "ABI version %u, this control speaks %u", SHM_ABI_VERSION + 1,
             SHM_ABI_VERSION);
    assert_non_null(strstr(why, expected));
    hello = good;
    hello.hello_bytes--;
    assert_int_equal(endpoint_check(&hello, why, sizeof why), -EPROTO);
    for (int i = 0; i < SHM_SIZE_COUNT; i++) {
        assert_int_not_equal(good.sizes[i], 0);
        hello = good;
        hello.sizes[i] += 8;
        assert_int_equal(endpoint_check(&hello, why, sizeof why), -EPROTO);
        assert_non_null(strstr(why, "bytes"));
    }
}

static void a_stranger_on_the_socket_is_refused(void **state)
{
    (void)state;
    int pair[2];
    struct shm_hello hello;
    struct joiner j = {.err = 1};
    struct shm_descriptors none;
    char why[300];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    assert_int_equal(send(pair[1], "GET / HTTP/1.0", 14, 0), 14);
    assert_int_equal(endpoint_receive_hello(pair[0], &hello), -EPROTO);
    assert_int_equal(send(pair[0], "HTTP/1.0 400", 12, 0), 12);
    j.socket = pair[1];
    join_thread(&j);
    assert_int_equal(j.err, -EPROTO);
    assert_int_equal(endpoint_join(pair[1], 1, 10, &none, why, sizeof why), -ETIMEDOUT);
    close(pair[0]);
    assert_true(endpoint_join(pair[1], 1, 10, &none, why, sizeof why) < 0);
    close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptors_arrive),
        cmocka_unit_test(a_connection_arrives_with_its_address),
        cmocka_unit_test(plain_sockets_arrive_in_pairs),
        cmocka_unit_test(a_refusal_is_told_in_words),
        cmocka_unit_test(every_difference_is_named),
        cmocka_unit_test(a_stranger_on_the_socket_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
