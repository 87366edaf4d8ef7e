#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <errno.h>

#include "control/config.h"
#include "control/startup_check.h"

static char said[4096], warned[4096];

static void note(void *context, bool is_warning, const char *line)
{
    (void)context;
    char *where = is_warning ? warned : said;
    strcat(where, line);
    strcat(where, "\n");
}

static void check(const char *const *settings)
{
    const char *environment[24] = {"AUTH_TOKEN=hush",
                                   "SSL_CERT=/c",
                                   "SSL_KEY=/k",
                                   "WEBRTC_LISTEN_IP=203.0.113.1",
                                   "PUBLIC_DOMAIN=meet.example.org",
                                   "TURN_SERVER=none"};
    /* Of a setting that is there twice the first counts. */
    const char *all[32];
    size_t count = 0;
    for (size_t i = 0; settings && settings[i]; i++)
        all[count++] = settings[i];
    for (size_t i = 0; environment[i]; i++)
        all[count++] = environment[i];
    all[count] = NULL;
    struct config config;
    char error[CONFIG_ERROR_MAX];
    char *options[] = {(char *)"kolabmeetd", NULL};
    assert_int_equal(config_parse(1, options, (char **)all, &config, error, sizeof(error)), 0);
    said[0] = warned[0] = '\0';
    startup_check_reach(&config, note, NULL);
    config_deinit(&config);
}

#define SETTINGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_good_settings(void **state)
{
    (void)state;
    check(NULL);
    assert_string_equal(said, "clients are sent to wss://meet.example.org\n"
                              "clients get the candidates udp and tcp 203.0.113.1 port 44444\n");
    assert_string_equal(warned, "");
    check(SETTINGS("TURN_SERVER=turn:turn.example.org?transport=tcp,turns:turn.example.org",
                   "TURN_STATIC_SECRET=hush", "WEBRTC_LISTEN_IP=::", "WEBRTC_ANNOUNCED_ADDRESS=2001:db8::1",
                   "WEBRTC_LISTEN_PORT=5000"));
    assert_non_null(strstr(said, "candidates udp and tcp 2001:db8::1 port 5000\n"));
    assert_string_equal(warned, "");
    check(SETTINGS("WEBRTC_LISTEN_IP=::", "WEBRTC_ANNOUNCED_ADDRESS=203.0.113.1, 2001:db8::1"));
    assert_non_null(strstr(said, "candidates udp and tcp 203.0.113.1 port 44444\n"));
    assert_non_null(strstr(said, "candidates udp and tcp 2001:db8::1 port 44444\n"));
    assert_string_equal(warned, "");
    /* The port for media over TCP is the HTTP server's. */
    check(SETTINGS("WEBRTC_LISTEN_PORT=12443"));
    assert_non_null(strstr(said, "candidate udp 203.0.113.1 port 12443\n"));
}

static void test_warnings(void **state)
{
    (void)state;
    static const struct {
        const char *settings[5];
        const char *warning;
    } cases[] = {
        {{"WEBRTC_LISTEN_IP=0.0.0.0"}, "no client can send media to 0.0.0.0: set WEBRTC_ANNOUNCED_ADDRESS\n"},
        {{"WEBRTC_LISTEN_IP=::"}, "no client can send media to ::: set WEBRTC_ANNOUNCED_ADDRESS\n"},
        {{"WEBRTC_LISTEN_IP=127.0.0.1"}, "only clients on this machine can send media to 127.0.0.1\n"},
        {{"WEBRTC_ANNOUNCED_ADDRESS=::1", "WEBRTC_LISTEN_IP=::"},
         "only clients on this machine can send media to ::1\n"},
        {{"WEBRTC_ANNOUNCED_ADDRESS=meet.example.org"},
         "WEBRTC_ANNOUNCED_ADDRESS: meet.example.org is no IP address; browsers ignore candidates with "
         "names\n"},
        {{"WEBRTC_ANNOUNCED_ADDRESS=2001:db8::1"},
         "the media sockets of 203.0.113.1 cannot receive what is sent to 2001:db8::1\n"},
        {{"WEBRTC_LISTEN_IP=0.0.0.0", "WEBRTC_ANNOUNCED_ADDRESS=203.0.113.1,2001:db8::1"},
         "the media sockets of 0.0.0.0 cannot receive what is sent to 2001:db8::1\n"},
        {{"WEBRTC_LISTEN_IP=::", "WEBRTC_ANNOUNCED_ADDRESS=203.0.113.1,::1"},
         "only clients on this machine can send media to ::1\n"},
        {{"TURN_SERVER=turn:turn.example.org"},
         "TURN_STATIC_SECRET is not set: clients get no TURN server\n"},
        {{"TURN_STATIC_SECRET=hush"}, "TURN_STATIC_SECRET is set, but TURN_SERVER is none\n"},
        {{"TURN_STATIC_SECRET=hush", "TURN_SERVER=turn:127.0.0.1:3478"},
         "TURN_SERVER: only clients on this machine can reach turn:127.0.0.1:3478\n"},
        {{"TURN_STATIC_SECRET=hush", "TURN_SERVER=turn:a.example.org,b.example.org"},
         "TURN_SERVER: b.example.org is no URL of turn: or turns:\n"},
        {{"PUBLIC_DOMAIN=localhost:12443"},
         "PUBLIC_DOMAIN: only clients on this machine can reach localhost:12443\n"},
        {{"PUBLIC_DOMAIN=0.0.0.0:12443"}, "PUBLIC_DOMAIN: no client can go to 0.0.0.0:12443\n"},
        {{"PUBLIC_DOMAIN=[::]"}, "PUBLIC_DOMAIN: no client can go to [::]\n"},
        {{"SSL_CERT=none"},
         "browsers refuse ws: on a page of https:; with TLS ended in front set FORCE_WSS\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check(cases[i].settings);
        assert_string_equal(warned, cases[i].warning);
        assert_null(strstr(warned, "hush"));
    }
}

static void test_a_server_for_this_machine_only(void **state)
{
    (void)state;
    check(SETTINGS("LISTENING_HOST=127.0.0.1", "WEBRTC_LISTEN_IP=127.0.0.1", "PUBLIC_DOMAIN=127.0.0.1:12443",
                   "SSL_CERT=none", "TURN_SERVER=turn:127.0.0.1:3478", "TURN_STATIC_SECRET=hush"));
    assert_string_equal(warned, "");
}

static void test_private_address(void **state)
{
    (void)state;
    check(SETTINGS("WEBRTC_LISTEN_IP=192.168.1.2"));
    assert_string_equal(warned, "");
    assert_non_null(strstr(said, "192.168.1.2 is a private address"));
}

static void test_settings_that_name_what_is_not_there(void **state)
{
    (void)state;
    static const struct {
        const char *setting, *error;
    } cases[] = {
        {"CODECS=opus,H266", "H266"},
        {"TRUSTED_PROXIES=10.0.0.0/99", "TRUSTED_PROXIES: not a list of addresses and networks"},
        {"SSL_CERT=/nonexistent/c", "/nonexistent/c"},
        {"DTLS_CERT=/nonexistent/d", "/nonexistent/d"},
        {"WEBHOOK_URL=ftp://x/", "WEBHOOK_URL: not a URL of http: or https:"},
        {"FORWARDER=/nonexistent/f", "FORWARDER: /nonexistent/f: No such file or directory"},
    };
    char *options[] = {(char *)"kolabmeetd", NULL};
    for (size_t i = 0; i <= sizeof(cases) / sizeof(cases[0]); i++) {
        bool is_fine = i == sizeof(cases) / sizeof(cases[0]);
        const char *environment[] = {is_fine ? "X=y" : cases[i].setting,
                                     "AUTH_TOKEN=hush",
                                     "SSL_CERT=none",
                                     "SSL_KEY=/k",
                                     "DTLS_KEY=/k",
                                     "WEBRTC_LISTEN_IP=::1",
                                     "FORWARDER=/bin/sh",
                                     NULL};
        if (!is_fine && strncmp(cases[i].setting, "DTLS", 4) != 0)
            environment[4] = "X=y";
        if (is_fine)
            environment[4] = "X=y";
        struct config config;
        char error[CONFIG_ERROR_MAX];
        assert_int_equal(config_parse(1, options, (char **)environment, &config, error, sizeof(error)), 0);
        assert_int_equal(startup_check_settings(&config, error, sizeof(error)), is_fine ? 0 : -EINVAL);
        if (!is_fine)
            assert_non_null(strstr(error, cases[i].error));
        config_deinit(&config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_settings),
        cmocka_unit_test(test_warnings),
        cmocka_unit_test(test_a_server_for_this_machine_only),
        cmocka_unit_test(test_private_address),
        cmocka_unit_test(test_settings_that_name_what_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
