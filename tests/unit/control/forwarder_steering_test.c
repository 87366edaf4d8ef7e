/* Several sockets on one port: what is known goes to its worker, checks go where their ufrag says, the rest
 * to 0. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/forwarder/media_socket.h"
#include "control/forwarder/steering.h"
#include "proto/wire/stun_write.h"
#include "shm/address.h"

#define WORKERS 3

static int sockets[WORKERS];
static struct steering *steering;
static struct sockaddr_storage server;
static socklen_t server_length = sizeof server;
static int client = -1;

static uint16_t free_port(const char *ip)
{
    int fd;
    char error[200];
    struct sockaddr_storage name;
    socklen_t length = sizeof name;
    assert_int_equal(media_sockets_open(ip, 0, &fd, 1, error, sizeof error), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &length), 0);
    close(fd);
    return ntohs(((struct sockaddr_in *)&name)->sin_port);
}

static void set_up(const char *ip)
{
    char error[200];
    assert_int_equal(media_sockets_open(ip, free_port(ip), sockets, WORKERS, error, sizeof error), 0);
    int err = steering_create(sockets, WORKERS, &steering, error, sizeof error);
    if (err == -EPERM || err == -EACCES) {
        print_message("skipped: %s\n", error);
        skip();
    }
    assert_int_equal(err, 0);
    server_length = sizeof server;
    assert_int_equal(getsockname(sockets[0], (struct sockaddr *)&server, &server_length), 0);
    client = socket(server.ss_family, SOCK_DGRAM, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&server, server_length), 0);
}

static int tear_down(void **state)
{
    (void)state;
    steering_destroy(steering);
    steering = NULL;
    for (int i = 0; i < WORKERS; i++)
        close(sockets[i]);
    close(client);
    return 0;
}

/* The worker at whose socket it arrives. */
static int worker_of(const void *data, size_t length)
{
    struct pollfd wait[WORKERS];
    uint8_t received[2048];

    assert_int_equal(send(client, data, length, 0), length);
    for (int i = 0; i < WORKERS; i++)
        wait[i] = (struct pollfd){.fd = sockets[i], .events = POLLIN};
    assert_int_equal(poll(wait, WORKERS, 30000), 1);
    for (int i = 0; i < WORKERS; i++)
        if (wait[i].revents & POLLIN) {
            assert_int_equal(recv(sockets[i], received, sizeof received, 0), length);
            return i;
        }
    return -1;
}

static int worker_of_check(const char *username)
{
    uint8_t bytes[400];
    const struct stun_binding_request request = {.transaction_id = (const uint8_t *)"transaction",
                                                 .username = username,
                                                 .username_length = strlen(username),
                                                 .priority = 1};
    int length = stun_write_binding_request(bytes, sizeof bytes, &request, NULL);
    assert_true(length > 0);
    return worker_of(bytes, (size_t)length);
}

static void steer_all(const char *ip)
{
    static const uint8_t rtp[40] = {0x80, 100};
    struct sockaddr_storage own;
    socklen_t length = sizeof own;
    struct shm_address remote;

    set_up(ip);
    assert_int_equal(getsockname(client, (struct sockaddr *)&own, &length), 0);
    assert_true(shm_address_from_sockaddr((struct sockaddr *)&own, &remote));

    assert_int_equal(worker_of_check("01abcdefghij:peer"), 1);
    assert_int_equal(worker_of_check("02abcdefghij:peer"), 2);
    assert_int_equal(worker_of_check("00abcdefghij:peer"), 0);
    assert_int_equal(worker_of_check("zzabcdefghij:peer"), 0); /* there is no such worker */
    assert_int_equal(worker_of_check("!?abcdefghij:peer"), 0);
    assert_int_equal(worker_of(rtp, sizeof rtp), 0);
    assert_int_equal(worker_of(rtp, 1), 0);
    assert_int_equal(worker_of(rtp, 0), 0);

    assert_int_equal(steering_insert(steering, &remote, 2), 0);
    assert_int_equal(worker_of(rtp, sizeof rtp), 2);
    assert_int_equal(worker_of_check("01abcdefghij:peer"),
                     2); /* a known tuple is its worker's, whatever it sends */
    steering_remove(steering, &remote);
    assert_int_equal(worker_of(rtp, sizeof rtp), 0);
}

static void ipv4_is_steered(void **state)
{
    (void)state;
    steer_all("127.0.0.1");
}

static void ipv6_is_steered(void **state)
{
    (void)state;
    steer_all("::1");
}

static void truncated_checks_go_to_worker_0(void **state)
{
    (void)state;
    uint8_t bytes[400];
    const struct stun_binding_request request = {.transaction_id = (const uint8_t *)"transaction",
                                                 .username = "02abcdefghij:peer",
                                                 .username_length = 17,
                                                 .priority = 1};
    set_up("127.0.0.1");
    int length = stun_write_binding_request(bytes, sizeof bytes, &request, NULL);
    for (size_t cut = 0; cut <= (size_t)length; cut++)
        assert_int_equal(worker_of(bytes, cut), cut < 26 ? 0 : 2);
}

static void a_port_in_use_is_an_error(void **state)
{
    (void)state;
    char error[200] = "";
    int more[WORKERS] = {-1, -1, -1};
    set_up("127.0.0.1");
    uint16_t port = ntohs(((struct sockaddr_in *)&server)->sin_port);
    assert_int_equal(media_sockets_open("127.0.0.1", port, more, WORKERS, error, sizeof error), -EADDRINUSE);
    assert_non_null(strstr(error, "in use"));
    assert_int_equal(more[0], -1);
    assert_int_equal(media_sockets_open("not an address", port, more, WORKERS, error, sizeof error), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(ipv4_is_steered, tear_down),
        cmocka_unit_test_teardown(ipv6_is_steered, tear_down),
        cmocka_unit_test_teardown(truncated_checks_go_to_worker_0, tear_down),
        cmocka_unit_test_teardown(a_port_in_use_is_an_error, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
