/* The console's socket: who may come, how lines are framed, and what a hostile client gets. */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/console/console.h"
#include "control/log.h"
#include "tests/unit/control/console_stage.h"

struct fixture {
    struct console_stage stage;
    struct console *console;
    char folder[64];
    char path[96];
};

static void open_console(struct fixture *fixture, unsigned idle_ms, unsigned write_ms)
{
    char error[256];
    console_stage_open(&fixture->stage);
    strcpy(fixture->folder, "/tmp/kolabmeet-console-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->path, sizeof(fixture->path), "%s/console", fixture->folder);
    struct console_config config;
    console_config_init(&config);
    config.base = fixture->stage.stage.base;
    config.runtime_dir = fixture->folder;
    config.rooms = fixture->stage.stage.rooms;
    config.drain = fixture->stage.drain;
    config.idle_ms = idle_ms ? idle_ms : config.idle_ms;
    config.write_ms = write_ms ? write_ms : config.write_ms;
    if (console_create(&config, &fixture->console, error, sizeof(error)))
        fail_msg("%s", error);
}

static void close_console(struct fixture *fixture)
{
    console_destroy(fixture->console);
    assert_int_not_equal(access(fixture->path, F_OK), 0);
    assert_int_equal(rmdir(fixture->folder), 0);
    console_stage_close(&fixture->stage);
}

static void turn(struct fixture *fixture)
{
    stage_run(&fixture->stage.stage, 5);
}

static int dial_path(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert_true(strlen(path) < sizeof(address.sun_path));
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

static int dial(struct fixture *fixture)
{
    int fd = dial_path(fixture->path);
    assert_true(fd >= 0);
    turn(fixture);
    return fd;
}

static void put(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* What has come, and whether it is the end. */
static const char *got(struct fixture *fixture, int fd, bool *ret_ended)
{
    static char text[1 << 20];
    size_t length = 0;
    *ret_ended = false;
    for (int i = 0; i < 20; i++) {
        turn(fixture);
        ssize_t more = recv(fd, text + length, sizeof(text) - 1 - length, 0);
        if (more > 0)
            length += (size_t)more;
        else if (more == 0 || errno == ECONNRESET)
            *ret_ended = true;
        if (*ret_ended || (length && text[length - 1] == '\n' && more < 0))
            break;
    }
    text[length] = '\0';
    return text;
}

static void expect_answer(struct fixture *fixture, int fd, const char *answer)
{
    bool ended;
    assert_string_equal(got(fixture, fd, &ended), answer);
    assert_false(ended);
}

static void expect_end(struct fixture *fixture, int fd, const char *word)
{
    bool ended;
    const char *text = got(fixture, fd, &ended);
    if (!strstr(text, word))
        fail_msg("what came does not say \"%s\"", word);
    assert_true(ended);
    close(fd);
}

#define COUNTS "{\"ok\":true,\"result\":{\"rooms\":1,\"peers\":0}}\n"

static void lines_are_answered_in_order_however_they_come(void **state)
{
    (void)state;
    struct fixture fixture;
    open_console(&fixture, 0, 0);
    int fd = dial(&fixture), other = dial(&fixture);
    put(fd, "{\"command\":");
    turn(&fixture);
    put(fd, "\"stats\"}\n");
    expect_answer(&fixture, fd, COUNTS);
    put(fd, "{\"command\":\"stats\"}\r\n{\"command\":\"logLevel\"}\n{\"command\":\"st");
    put(other, "{\"command\":\"stats\"}\n");
    expect_answer(&fixture, other, COUNTS);
    expect_answer(&fixture, fd, COUNTS "{\"ok\":true,\"result\":{\"level\":\"error\"}}\n");
    put(fd, "ats\"}\n\n");
    expect_answer(&fixture, fd,
                  COUNTS "{\"ok\":false,\"code\":\"request\",\"error\":\"the line is no JSON object\"}\n");
    close(fd);
    close(other);
    close_console(&fixture);
}

static void who_shuts_down_its_end_still_gets_answers(void **state)
{
    (void)state;
    struct fixture fixture;
    open_console(&fixture, 0, 0);
    int fd = dial(&fixture);
    put(fd, "{\"command\":\"stats\"}\n{\"command\":\"stats\"}\n{\"command\":\"drain\"}");
    shutdown(fd, SHUT_WR);
    bool ended;
    assert_string_equal(got(&fixture, fd, &ended), COUNTS COUNTS);
    for (int i = 0; i < 20 && !ended; i++)
        got(&fixture, fd, &ended);
    assert_true(ended);
    assert_false(rooms_is_draining(fixture.stage.stage.rooms)); /* that line had no end */
    close(fd);
    close_console(&fixture);
}

static void a_line_has_a_longest(void **state)
{
    (void)state;
    struct fixture fixture;
    open_console(&fixture, 0, 0);
    static char line[CONSOLE_LINE_MAX + 2];
    memset(line, ' ', sizeof(line));
    memcpy(line, "{\"command\":\"stats\"}", 19);
    line[CONSOLE_LINE_MAX] = '\n';
    line[CONSOLE_LINE_MAX + 1] = '\0';
    int fd = dial(&fixture);
    put(fd, line);
    expect_answer(&fixture, fd, COUNTS);
    line[CONSOLE_LINE_MAX] = ' '; /* and no end in sight */
    put(fd, line);
    expect_end(&fixture, fd, "the line is too long");
    fd = dial(&fixture);
    put(fd, "{\"command\":\"stats\"}\n");
    expect_answer(&fixture, fd, COUNTS);
    close(fd);
    close_console(&fixture);
}

static void garbage_is_refused_line_by_line(void **state)
{
    (void)state;
    struct fixture fixture;
    open_console(&fixture, 0, 0);
    int fd = dial(&fixture);
    char garbage[1024];
    uint32_t seed = 1;
    for (int round = 0; round < 50; round++) {
        for (size_t i = 0; i < sizeof(garbage); i++) {
            seed = seed * 1664525 + 1013904223;
            garbage[i] = (char)(seed >> 24);
        }
        garbage[sizeof(garbage) - 1] = '\n';
        assert_true(send(fd, garbage, sizeof(garbage), MSG_NOSIGNAL) > 0);
        bool ended;
        const char *text = got(&fixture, fd, &ended);
        assert_non_null(strstr(text, "\"code\":\"request\""));
        assert_null(strstr(text, "\"ok\":true"));
        assert_false(ended);
    }
    /* What is left of it has been answered by now. */
    bool ended;
    while (*got(&fixture, fd, &ended))
        ;
    put(fd, "{\"command\":\"stats\"}\n");
    expect_answer(&fixture, fd, COUNTS);
    close(fd);
    close_console(&fixture);
}

static void so_many_clients_and_no_more(void **state)
{
    (void)state;
    struct fixture fixture;
    open_console(&fixture, 0, 0);
    int fds[CONSOLE_CLIENTS_MAX];
    for (int i = 0; i < CONSOLE_CLIENTS_MAX; i++)
        fds[i] = dial(&fixture);
    expect_end(&fixture, dial(&fixture), "too many clients");
    put(fds[3], "{\"command\":\"stats\"}\n");
    expect_answer(&fixture, fds[3], COUNTS);
    close(fds[0]);
    turn(&fixture);
    fds[0] = dial(&fixture);
    put(fds[0], "{\"command\":\"stats\"}\n");
    expect_answer(&fixture, fds[0], COUNTS);
    for (int i = 0; i < CONSOLE_CLIENTS_MAX; i++)
        close(fds[i]);
    turn(&fixture);
    close_console(&fixture);
}

static void silence_ends_a_connection(void **state)
{
    (void)state;
    struct fixture fixture;
    open_console(&fixture, 50, 0);
    int silent = dial(&fixture), half = dial(&fixture);
    put(half, "{\"command\"");
    stage_run(&fixture.stage.stage, 200);
    expect_end(&fixture, silent, "");
    expect_end(&fixture, half, "");
    close_console(&fixture);
}

static void who_never_reads_is_closed_and_others_are_served(void **state)
{
    (void)state;
    struct fixture fixture;
    open_console(&fixture, 0, 100);
    for (int i = 0; i < 3000; i++) { /* an answer far larger than what the kernel keeps for a socket */
        struct room *room;
        assert_int_equal(rooms_open(fixture.stage.stage.rooms, &room), 0);
    }
    int deaf = dial(&fixture), other = dial(&fixture);
    for (int i = 0; i < 50; i++)
        put(deaf, "{\"command\":\"rooms\"}\n");
    turn(&fixture);
    put(other, "{\"command\":\"logLevel\"}\n");
    expect_answer(&fixture, other, "{\"ok\":true,\"result\":{\"level\":\"error\"}}\n");
    stage_run(&fixture.stage.stage, 400);
    size_t taken = 0;
    char text[65536];
    ssize_t more;
    while ((more = recv(deaf, text, sizeof(text), 0)) > 0)
        taken += (size_t)more;
    assert_true(more == 0 || errno == ECONNRESET);
    assert_true(taken < 2000000); /* of 50 answers */
    close(deaf);
    close(other);
    close_console(&fixture);
}

static void a_whole_large_answer_arrives(void **state)
{
    (void)state;
    struct fixture fixture;
    open_console(&fixture, 0, 0);
    for (int i = 0; i < 3000; i++) {
        struct room *room;
        assert_int_equal(rooms_open(fixture.stage.stage.rooms, &room), 0);
    }
    int fd = dial(&fixture);
    put(fd, "{\"command\":\"rooms\"}\n");
    bool ended;
    const char *text = got(&fixture, fd, &ended);
    json_t *answer = json_loads(text, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(answer, "result")), 3001);
    json_decref(answer);
    close(fd);
    close_console(&fixture);
}

static void the_socket_is_for_its_owner(void **state)
{
    (void)state;
    struct fixture fixture;
    umask(0);
    open_console(&fixture, 0, 0);
    umask(022);
    struct stat status;
    assert_int_equal(stat(fixture.path, &status), 0);
    assert_true(S_ISSOCK(status.st_mode));
    assert_int_equal(status.st_mode & 07777, 0600);
    close_console(&fixture);
}

/* Also when the file's mode does not keep others away. Only root can try. */
static void other_users_are_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    if (geteuid() != 0)
        skip();
    open_console(&fixture, 0, 0);
    assert_int_equal(chmod(fixture.folder, 0755), 0);
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    for (int mode = 0600; mode <= 0666; mode += 066) {
        assert_int_equal(chmod(fixture.path, (mode_t)mode), 0);
        pid_t child = fork();
        if (child == 0) {
            struct sockaddr_un address = {.sun_family = AF_UNIX};
            strcpy(address.sun_path, fixture.path);
            if (setresuid(65534, 65534, 65534))
                _exit(1);
            int fd = socket(AF_UNIX, SOCK_STREAM, 0);
            if (connect(fd, (const struct sockaddr *)&address, sizeof(address)))
                _exit(errno == EACCES ? 13 : 1);
            char text[256] = "";
            (void)!send(fd, "{\"command\":\"drain\"}\n", 20, MSG_NOSIGNAL);
            (void)!write(pipe_fds[1], "x", 1);
            ssize_t length = recv(fd, text, sizeof(text) - 1, 0);
            _exit(length > 0 && strstr(text, "permission denied") ? 42 : 1);
        }
        int status = -1;
        for (int i = 0; i < 30000 && waitpid(child, &status, WNOHANG) == 0; i++) {
            turn(&fixture);
            usleep(1000); /* the child has time of its own */
        }
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), mode == 0600 ? 13 : 42);
    }
    assert_false(rooms_is_draining(fixture.stage.stage.rooms));
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    close_console(&fixture);
}

static void what_is_in_the_place_of_the_socket(void **state)
{
    (void)state;
    struct fixture fixture;
    char error[256];
    open_console(&fixture, 0, 0);
    struct console_config config;
    console_config_init(&config);
    config.base = fixture.stage.stage.base;
    config.runtime_dir = fixture.folder;
    struct console *second = NULL;
    assert_int_equal(console_create(&config, &second, error, sizeof(error)), -EADDRINUSE);
    assert_non_null(strstr(error, fixture.path));
    assert_null(second);
    turn(&fixture);
    int fd = dial(&fixture); /* the first is unharmed */
    put(fd, "{\"command\":\"stats\"}\n");
    expect_answer(&fixture, fd, COUNTS);
    close(fd);

    /* The file of one that has died is replaced; and not removed by the one that it was taken from. */
    char kept[128], aside[128];
    snprintf(kept, sizeof(kept), "%s.kept", fixture.path);
    snprintf(aside, sizeof(aside), "%s.aside", fixture.path);
    assert_int_equal(rename(fixture.path, kept), 0);
    assert_int_equal(console_create(&config, &second, error, sizeof(error)), 0);
    console_destroy(fixture.console);
    assert_int_equal(access(fixture.path, F_OK), 0);
    fixture.console = second;
    fd = dial_path(kept);
    assert_true(fd < 0); /* nobody listens there any more */
    assert_int_equal(rename(fixture.path, aside), 0);
    assert_int_equal(rename(kept, fixture.path), 0);
    struct console *third = NULL;
    assert_int_equal(console_create(&config, &third, error, sizeof(error)), 0);
    console_destroy(second);
    fixture.console = third;
    fd = dial(&fixture);
    close(fd);
    unlink(aside);
    turn(&fixture);

    char folder[200];
    memset(folder, 'x', sizeof(folder) - 1);
    folder[sizeof(folder) - 1] = '\0';
    config.runtime_dir = folder;
    assert_int_equal(console_create(&config, &second, error, sizeof(error)), -EDOM);
    assert_non_null(strstr(error, "RUNTIME_DIR is too long"));
    config.runtime_dir = "/nonexistent/folder";
    assert_int_equal(console_create(&config, &second, error, sizeof(error)), -ENOENT);
    assert_non_null(strstr(error, "/nonexistent/folder/console"));
    close_console(&fixture);
}

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_answered_in_order_however_they_come),
        cmocka_unit_test(who_shuts_down_its_end_still_gets_answers),
        cmocka_unit_test(a_line_has_a_longest),
        cmocka_unit_test(garbage_is_refused_line_by_line),
        cmocka_unit_test(so_many_clients_and_no_more),
        cmocka_unit_test(silence_ends_a_connection),
        cmocka_unit_test(who_never_reads_is_closed_and_others_are_served),
        cmocka_unit_test(a_whole_large_answer_arrives),
        cmocka_unit_test(the_socket_is_for_its_owner),
        cmocka_unit_test(other_users_are_refused),
        cmocka_unit_test(what_is_in_the_place_of_the_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
