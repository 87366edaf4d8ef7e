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

#define LEAST "AUTH_TOKEN=hush-token", "SSL_CERT=none", "WEBRTC_LISTEN_IP=192.0.2.1"

#define ENVIRONMENT(...) ((const char *[]){__VA_ARGS__, NULL})
#define OPTIONS(...) ((const char *[]){"kolabmeetd", __VA_ARGS__, NULL})

static char error[CONFIG_ERROR_MAX];

static int parse(const char **options, const char **environment, struct config *ret)
{
    int count = 0;

    while (options[count])
        count++;
    error[0] = '\0';
    return config_parse(count, (char **)options, (char **)environment, ret, error, sizeof(error));
}

static const char *no_options[] = {"kolabmeetd", NULL};

static void defaults(void **state)
{
    (void)state;
    struct config config;

    assert_int_equal(parse(no_options, ENVIRONMENT(LEAST), &config), 0);
    assert_int_equal(config.action, CONFIG_RUN);
    assert_string_equal(config.auth_token, "hush-token");
    assert_string_equal(config.listening_host, "0.0.0.0");
    assert_int_equal(config.listening_port, 12443);
    assert_string_equal(config.public_domain, "127.0.0.1:12443");
    assert_null(config.ssl_cert);
    assert_null(config.ssl_key);
    assert_false(config.force_wss);
    assert_string_equal(config.webrtc_listen_ip, "192.0.2.1");
    assert_null(config.webrtc_announced_address);
    assert_int_equal(config.webrtc_listen_port, 44444);
    assert_string_equal(
        config.codecs, "opus,VP8,VP9;profile-id=2,H264;profile-level-id=4d0032,H264;profile-level-id=42e01f");
    assert_int_equal(config.initial_outgoing_bitrate_bps, 1000000);
    assert_int_equal(config.min_outgoing_bitrate_bps, 0);
    assert_int_equal(config.max_outgoing_bitrate_bps, 0);
    assert_int_equal(config.max_incoming_bitrate_bps, 1500000);
    assert_int_equal(config.plain_port_min, 40000);
    assert_int_equal(config.plain_port_max, 43999);
    assert_int_equal(config.place_timeout_s, 600);
    assert_string_equal(config.turn_server, "turn:127.0.0.1:3478?transport=tcp");
    assert_null(config.turn_static_secret);
    assert_null(config.webhook_url);
    assert_null(config.webhook_token);
    assert_int_equal(config.workers, sysconf(_SC_NPROCESSORS_ONLN));
    assert_int_equal(config.poll, CONFIG_POLL_ADAPTIVE);
    assert_true(config.steering);
    assert_int_equal(config.store_mib, 64);
    assert_null(config.cpus);
    assert_int_equal(config.srtp_backend, CONFIG_SRTP_NATIVE);
    assert_string_equal(config.runtime_dir, "/run/kolabmeet");
    assert_null(config.demo);
    assert_null(config.dtls_cert);
    assert_int_equal(config.log_level, LOG_LEVEL_INFO);

    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    assert_true(length > 0);
    self[length] = '\0';
    strcpy(strrchr(self, '/'), "/kolabmeet-forwarder");
    assert_string_equal(config.forwarder, self);
    config_deinit(&config);
    assert_null(config.auth_token);
    config_deinit(&config);
}

static void option_beats_environment_beats_default(void **state)
{
    (void)state;
    struct config config;

    assert_int_equal(
        parse(OPTIONS("--listening-port=3", "--force-wss", "--poll", "busy", "--webhook-url=a=b",
                      "--steering=OFF", "--cpus=2,4-7"),
              ENVIRONMENT(LEAST, "LISTENING_PORT=2", "LISTENING_HOST=::1", "POLL=sleep",
                          "PUBLIC_DOMAIN=", "MEDIASOUP_NUM_WORKERS=7", "LISTENING_PORTS=9",
                          "TURN_SERVER=none", "DEMO=/srv/demo", "LOG_LEVEL=DEBUG", "ROUTER_SCALE_SIZE=many"),
              &config),
        0);
    assert_int_equal(config.listening_port, 3);
    assert_string_equal(config.listening_host, "::1");
    assert_true(config.force_wss);
    assert_int_equal(config.poll, CONFIG_POLL_BUSY);
    assert_false(config.steering);
    assert_string_equal(config.cpus, "2,4-7");
    assert_string_equal(config.webhook_url, "a=b");
    assert_string_equal(config.public_domain, "127.0.0.1:12443");
    assert_int_equal(config.workers, 7);
    assert_null(config.turn_server);
    assert_string_equal(config.demo, "/srv/demo");
    assert_int_equal(config.log_level, LOG_LEVEL_DEBUG);
    config_deinit(&config);

    assert_int_equal(parse(OPTIONS("--mediasoup-num-workers=2", "--listening-host="),
                           ENVIRONMENT(LEAST, "WORKERS=4", "LISTENING_HOST=::1", "FORCE_WSS=0"), &config),
                     0);
    assert_int_equal(config.workers, 2);
    assert_string_equal(config.listening_host, "0.0.0.0");
    assert_true(config.force_wss);
    config_deinit(&config);

    assert_int_equal(parse(no_options, ENVIRONMENT(LEAST, "WORKERS=4", "MEDIASOUP_NUM_WORKERS=7"), &config),
                     0);
    assert_int_equal(config.workers, 4);
    config_deinit(&config);
}

static void tls_needs_both_files(void **state)
{
    (void)state;
    struct config config;

    assert_int_equal(parse(no_options,
                           ENVIRONMENT("AUTH_TOKEN=t", "WEBRTC_LISTEN_IP=::1", "SSL_CERT=/c", "SSL_KEY=/k"),
                           &config),
                     0);
    assert_string_equal(config.ssl_cert, "/c");
    assert_string_equal(config.ssl_key, "/k");
    config_deinit(&config);
    assert_int_equal(parse(no_options, ENVIRONMENT(LEAST, "SSL_KEY=/k"), &config), 0);
    assert_null(config.ssl_key);
    config_deinit(&config);
}

static void errors(void **state)
{
    (void)state;
    static const struct {
        const char *variable;
        int result;
        int exit_status;
        const char *text;
    } cases[] = {
        {"AUTH_TOKEN=", -EINVAL, 78, "AUTH_TOKEN is not set"},
        {"SSL_CERT=", -EINVAL, 78, "SSL_CERT is not set: a PEM file, or none for plain HTTP"},
        {"SSL_CERT=/c", -EINVAL, 78, "SSL_KEY is not set, but SSL_CERT is"},
        {"WEBRTC_LISTEN_IP=", -EADDRNOTAVAIL, 3, "WEBRTC_LISTEN_IP is not set"},
        {"WEBRTC_LISTEN_IP=localhost", -EADDRNOTAVAIL, 3, "WEBRTC_LISTEN_IP: \"localhost\" is no IP address"},
        {"LISTENING_PORT=65536", -EINVAL, 78, "LISTENING_PORT: \"65536\" is no number from 1 to 65535"},
        {"LISTENING_PORT=12a", -EINVAL, 78, "LISTENING_PORT: \"12a\" is no number from 1 to 65535"},
        {"LISTENING_PORT=-1", -EINVAL, 78, "LISTENING_PORT: \"-1\" is no number from 1 to 65535"},
        {"WORKERS=99999999999999999999", -EINVAL, 78,
         "WORKERS: \"99999999999999999999\" is no number from 1 to 64"},
        {"POLL=never", -EINVAL, 78,
         "POLL: \"never\" is none of: adaptive, busy or sleep: how the forwarder waits for packets"},
        {"STEERING=yes", -EINVAL, 78,
         "STEERING: \"yes\" is none of: on or off: a BPF program brings each packet to its thread, where the "
         "system permits it"},
        {"STORE_MIB=7", -EINVAL, 78, "STORE_MIB: \"7\" is no number from 8 to 65536"},
        {"CPUS=0,x", -EINVAL, 78, "CPUS: \"0,x\" is no list such as 2,3 or 4-7"},
        {"LOG_LEVEL=loud", -EINVAL, 78, "LOG_LEVEL: \"loud\" is none of: error, warn, info or debug"},
        {"DTLS_KEY=/k", -EINVAL, 78, "DTLS_CERT and DTLS_KEY go together"},
        {"WEBRTC_ANNOUNCED_ADDRESS=192.0.2.1,,192.0.2.2", -EINVAL, 78,
         "WEBRTC_ANNOUNCED_ADDRESS: \"192.0.2.1,,192.0.2.2\" is no list of up to 4 addresses"},
        {"PLAIN_PORT_MIN=50000", -EINVAL, 78, "PLAIN_PORT_MIN is greater than PLAIN_PORT_MAX"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct config config = {.workers = 1234};
        const char *environment[] = {cases[i].variable, LEAST, NULL};

        int result = parse(no_options, environment, &config);
        assert_int_equal(result, cases[i].result);
        assert_string_equal(error, cases[i].text);
        assert_int_equal(config_exit_status(result), cases[i].exit_status);
        assert_int_equal(config.workers, 1234);
    }
}

static void unknown_options_do_not_show_their_value(void **state)
{
    (void)state;
    struct config config;

    assert_int_equal(parse(OPTIONS("--auth-tokn=hush"), ENVIRONMENT(LEAST), &config), -EINVAL);
    assert_string_equal(error, "unknown option --auth-tokn");
    assert_int_equal(parse(OPTIONS("--AUTH-TOKEN=hush"), ENVIRONMENT(LEAST), &config), -EINVAL);
    assert_int_equal(parse(OPTIONS("word"), ENVIRONMENT(LEAST), &config), -EINVAL);
    assert_int_equal(parse(OPTIONS("--workers"), ENVIRONMENT(LEAST), &config), -EINVAL);
    assert_string_equal(error, "option --workers needs a value");
}

static void help_names_every_setting_and_no_secret(void **state)
{
    (void)state;
    static const char *const names[] = {"AUTH_TOKEN",
                                        "LISTENING_HOST",
                                        "LISTENING_PORT",
                                        "PUBLIC_DOMAIN",
                                        "SSL_CERT",
                                        "SSL_KEY",
                                        "FORCE_WSS",
                                        "WEBRTC_LISTEN_IP",
                                        "WEBRTC_ANNOUNCED_ADDRESS",
                                        "WEBRTC_LISTEN_PORT",
                                        "CODECS",
                                        "INITIAL_OUTGOING_BITRATE",
                                        "MIN_OUTGOING_BITRATE",
                                        "MAX_OUTGOING_BITRATE",
                                        "MAX_INCOMING_BITRATE",
                                        "PLAIN_PORT_MIN",
                                        "PLAIN_PORT_MAX",
                                        "PLAIN_TARGETS",
                                        "TURN_SERVER",
                                        "TURN_STATIC_SECRET",
                                        "WEBHOOK_URL",
                                        "WEBHOOK_TOKEN",
                                        "MEDIASOUP_NUM_WORKERS",
                                        "ROUTER_SCALE_SIZE",
                                        "POLL",
                                        "RUNTIME_DIR",
                                        "DEMO",
                                        "DTLS_CERT",
                                        "DTLS_KEY",
                                        "FORWARDER",
                                        "LOG_LEVEL",
                                        "[12443]"};
    struct config config;
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    assert_int_equal(parse(OPTIONS("--help", "--auth-token=hush"), ENVIRONMENT("X=y"), &config), 0);
    assert_int_equal(config.action, CONFIG_SHOW_HELP);
    config_print_help(out);
    fclose(out);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_non_null(strstr(text, names[i]));
    assert_null(strstr(text, "hush"));
    free(text);
    config_deinit(&config);
    assert_int_equal(parse(OPTIONS("--version"), ENVIRONMENT("X=y"), &config), 0);
    assert_int_equal(config.action, CONFIG_SHOW_VERSION);
    config_deinit(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(option_beats_environment_beats_default),
        cmocka_unit_test(tls_needs_both_files),
        cmocka_unit_test(errors),
        cmocka_unit_test(unknown_options_do_not_show_their_value),
        cmocka_unit_test(help_names_every_setting_and_no_secret),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
