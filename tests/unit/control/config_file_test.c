#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/config.h"

#define LEAST "AUTH_TOKEN=hush-token\nSSL_CERT=none\nWEBRTC_LISTEN_IP=192.0.2.1\n"

static char error[CONFIG_ERROR_MAX];
static char path[64], secret_path[64];

static void write_file(char *name, const char *text, size_t length)
{
    strcpy(name, "/tmp/config_file_test.XXXXXX");
    int file = mkstemp(name);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, length), length);
    close(file);
}

/* With the file, and one option and one variable more (or NULL). */
static int parse(const char *text, const char *option, const char *variable, struct config *ret)
{
    write_file(path, text, strlen(text));
    char config_option[96];
    snprintf(config_option, sizeof(config_option), "--config=%s", path);
    char *options[] = {(char *)"kolabmeetd", config_option, (char *)option, NULL};
    char *environment[] = {(char *)variable, NULL};
    error[0] = '\0';
    int result = config_parse(option ? 3 : 2, options, environment, ret, error, sizeof(error));
    unlink(path);
    return result;
}

static void reads_what_systemd_and_docker_read(void **state)
{
    (void)state;
    struct config config;
    assert_int_equal(parse(LEAST "\n  # a comment\nLISTENING_PORT=443\n\n  PUBLIC_DOMAIN=meet.example.org\n"
                                 "WEBHOOK_URL=http://x/?a=b#c\nMEDIASOUP_NUM_WORKERS=3\nTURN_SERVER=",
                           NULL, NULL, &config),
                     0);
    assert_string_equal(config.auth_token, "hush-token");
    assert_int_equal(config.listening_port, 443);
    assert_string_equal(config.public_domain, "meet.example.org");
    assert_string_equal(config.webhook_url, "http://x/?a=b#c");
    assert_int_equal(config.workers, 3);
    assert_string_equal(config.turn_server, "turn:127.0.0.1:3478?transport=tcp");
    config_deinit(&config);
}

static void option_beats_environment_beats_file(void **state)
{
    (void)state;
    static const char text[] = LEAST "LISTENING_PORT=1\n";
    static const struct {
        const char *option, *variable;
        unsigned port;
    } cases[] = {
        {NULL, NULL, 1},
        {NULL, "LISTENING_PORT=2", 2},
        {NULL, "LISTENING_PORT=", 1},
        {"--listening-port=3", "LISTENING_PORT=2", 3},
        {"--listening-port=", "LISTENING_PORT=2", 12443},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct config config;
        assert_int_equal(parse(text, cases[i].option, cases[i].variable, &config), 0);
        assert_int_equal(config.listening_port, cases[i].port);
        config_deinit(&config);
    }
}

static void errors_name_the_line_and_no_value(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"# x\nAUTH_TOKN=hush\n", "line 2: unknown setting AUTH_TOKN"},
        {"AUTH_TOKEN =hush\n", "line 1: unknown setting AUTH_TOKEN "},
        {"export AUTH_TOKEN=hush\n", "line 1: unknown setting export AUTH_TOKEN"},
        {"AUTH_TOKEN\n", "line 1: not NAME=value"},
        {"AUTH_TOKEN=\"hush\"\n", "line 1: a value has no quotes around it"},
        {"AUTH_TOKEN=hush\\\n", "line 1: a value has no backslashes in it"},
        {"AUTH_TOKEN=hush \n", "line 1: a value has no blanks around it"},
        {"AUTH_TOKEN=hush\r\n", "line 1: a value has no blanks around it"},
        {"AUTH_TOKEN=hush\nAUTH_TOKEN=hush\n", "line 2: the setting is there twice"},
        {"WORKERS=1\nMEDIASOUP_NUM_WORKERS=2\n", "line 2: the setting is there twice"},
        {"\n\nLISTENING_PORT=x\n", "line 3: LISTENING_PORT: \"x\" is no number from 1 to 65535"},
        {LEAST "MAX_JSON_DEPTH=4\n", "line 4: MAX_JSON_DEPTH: \"4\" is no number from 8 to 1000"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct config config = {.workers = 1234};
        assert_int_equal(parse(cases[i].text, NULL, NULL, &config), -EINVAL);
        assert_memory_equal(error, path, strlen(path));
        assert_string_equal(error + strlen(path) + 1, cases[i].error);
        assert_null(strstr(error, "hush"));
        assert_int_equal(config.workers, 1234);
    }
}

static void a_file_that_cannot_be_read(void **state)
{
    (void)state;
    struct config config;
    char *options[] = {(char *)"kolabmeetd", (char *)"--config", (char *)"/nonexistent", NULL};
    char *environment[] = {NULL};
    assert_int_equal(config_parse(3, options, environment, &config, error, sizeof(error)), -EINVAL);
    assert_string_equal(error, "/nonexistent: No such file or directory");
    assert_int_equal(config_parse(2, options, environment, &config, error, sizeof(error)), -EINVAL);
    assert_string_equal(error, "option --config needs a value");
}

static void secrets_out_of_files(void **state)
{
    (void)state;
    struct config config;
    char text[256], variable[128];
    write_file(secret_path, "hush secret\n", 12);
    snprintf(text, sizeof(text), "AUTH_TOKEN_FILE=%s\nSSL_CERT=none\nWEBRTC_LISTEN_IP=192.0.2.1\n",
             secret_path);
    assert_int_equal(parse(text, NULL, NULL, &config), 0);
    assert_string_equal(config.auth_token, "hush secret");
    config_deinit(&config);

    /* The next source wins as for any setting, whether by file or not. */
    assert_int_equal(parse(text, NULL, "AUTH_TOKEN=direct", &config), 0);
    assert_string_equal(config.auth_token, "direct");
    config_deinit(&config);
    snprintf(variable, sizeof(variable), "WEBHOOK_TOKEN_FILE=%s", secret_path);
    assert_int_equal(parse(LEAST "WEBHOOK_TOKEN=x\n", NULL, variable, &config), 0);
    assert_string_equal(config.webhook_token, "hush secret");
    config_deinit(&config);

    strcat(text, "AUTH_TOKEN=both\n");
    assert_int_equal(parse(text, NULL, NULL, &config), -EINVAL);
    assert_string_equal(error, "AUTH_TOKEN and AUTH_TOKEN_FILE are both set");
    unlink(secret_path);
}

static void secrets_that_are_none(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t length;
    } cases[] = {{"", 0}, {"\n", 1}, {"hush\nhush\n", 10}, {"hu\0sh", 5}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct config config;
        char text[256], expected[256];
        write_file(secret_path, cases[i].text, cases[i].length);
        snprintf(text, sizeof(text), LEAST "TURN_STATIC_SECRET_FILE=%s\n", secret_path);
        assert_int_equal(parse(text, NULL, NULL, &config), -EINVAL);
        snprintf(expected, sizeof(expected), "TURN_STATIC_SECRET_FILE: %s: not one line of text",
                 secret_path);
        assert_string_equal(error, expected);
        unlink(secret_path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_systemd_and_docker_read),
        cmocka_unit_test(option_beats_environment_beats_file),
        cmocka_unit_test(errors_name_the_line_and_no_value),
        cmocka_unit_test(a_file_that_cannot_be_read),
        cmocka_unit_test(secrets_out_of_files),
        cmocka_unit_test(secrets_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
