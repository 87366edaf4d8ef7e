/* The command line: what makes sense is taken, what does not is refused in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/kolabmeet-load/options.h"

static struct options options;
static int status;

/* Parses a command line with a server and a token, and this option. */
static bool parse(const char *option)
{
    char *argv[] = {(char *)"kolabmeet-load", (char *)"--url=http://127.0.0.1:8080", (char *)"--token=t",
                    (char *)option, NULL};
    status = -1;
    return options_parse(option ? 4 : 3, argv, &options, &status);
}

static void defaults(void **state)
{
    (void)state;
    assert_true(parse(NULL));
    assert_int_equal(options.rooms, 1);
    assert_true(options.publishers_subscribe);
    assert_true(options.audio.packets_per_second == 50);
    assert_true(options.video.packets_per_second == 110);
    assert_int_equal(options.video.payload_bytes, 1100);
    assert_int_equal(options.profile, SRTP_AEAD_AES_128_GCM);
    assert_int_equal(options.check_every, 1);
    assert_int_equal(options.search, SEARCH_OFF);
    assert_int_equal(options.cpu, -1);
    assert_string_equal(options.target.authority, "127.0.0.1:8080");
    assert_false(options.target.is_tls);
}

static void media(void **state)
{
    (void)state;
    assert_true(parse("--video=600x900@60"));
    assert_true(options.video.packets_per_second == 600 && options.frames_per_second == 60);
    assert_int_equal(options.video.payload_bytes, 900);
    assert_true(parse("--video=60"));
    assert_true(options.video.packets_per_second == 60 && options.frames_per_second == 30);
    assert_true(parse("--audio=off"));
    assert_true(options.audio.packets_per_second == 0);
    assert_true(parse("--audio=33.3x80"));
}

static void words(void **state)
{
    (void)state;
    assert_true(parse("--profile=AESCM"));
    assert_int_equal(options.profile, SRTP_AES128_CM_SHA1_80);
    assert_true(parse("--search"));
    assert_int_equal(options.search, SEARCH_RATE);
    assert_true(parse("--search=subscribers"));
    assert_int_equal(options.search, SEARCH_SUBSCRIBERS);
    assert_true(parse("--check=10"));
    assert_int_equal(options.check_every, 10);
    assert_true(parse("--check=all"));
    assert_int_equal(options.check_every, 1);
    assert_true(parse("--search-loss=1"));
    assert_true(options.search_loss == 0.01);
    assert_true(parse("--search-latency=2.5"));
    assert_int_equal(options.search_latency_ns, 2500000);
    assert_true(parse("--local=10.1.2.0/24"));
    assert_int_equal(options.local_network, 0x0a010200);
    assert_int_equal(options.local_prefix_bits, 24);
    assert_true(parse("--local=off"));
    assert_false(options.shares_socket);
    assert_true(parse("--receive-buffer=64"));
    assert_int_equal(options.receive_buffer_kib, 64);
}

static void nonsense(void **state)
{
    static const char *const lines[] = {
        "--rooms=0",
        "--rooms=-1",
        "--rooms=1x",
        "--publishers=0",
        "--video=20",
        "--video=110x10",
        "--video=110x9999",
        "--video=110@200",
        "--video=x",
        "--audio=50@30",
        "--ramp=0",
        "--duration=nan",
        "--profile=des",
        "--srtp-backend=rot13",
        "--check=0",
        "--feedback=maybe",
        "--search=luck",
        "--search-loss=101",
        "--local=10.0.0.0",
        "--local=x/24",
        "--local=10.0.0.0/31",
        "--receive-buffer=0",
        "--receive-buffer=2000000",
        "--cpu=-1",
        "--nonsense",
        "argument",
        "--url=ftp://x",
    };

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (parse(lines[i]))
            fail_msg("%s was taken", lines[i]);
        assert_int_equal(status, 2);
    }
}

static void what_is_missing(void **state)
{
    char *argv[] = {(char *)"kolabmeet-load", (char *)"--token=t", NULL};

    (void)state;
    assert_false(options_parse(2, argv, &options, &status));
    char *silent[] = {(char *)"kolabmeet-load", (char *)"--url=http://127.0.0.1:1",
                      (char *)"--token=t",      (char *)"--audio=off",
                      (char *)"--video=off",    NULL};
    assert_false(options_parse(5, silent, &options, &status));
    char *blind[] = {(char *)"kolabmeet-load", (char *)"--url=http://127.0.0.1:1",
                     (char *)"--token=t",      (char *)"--video=off",
                     (char *)"--search",       NULL};
    assert_false(options_parse(5, blind, &options, &status));
}

static void targets(void **state)
{
    struct stream_target target;

    (void)state;
    assert_int_equal(stream_target_parse("https://[::1]:12443", &target), 0);
    assert_true(target.is_tls);
    assert_int_equal(target.address.ss_family, AF_INET6);
    assert_string_equal(target.authority, "[::1]:12443");
    assert_int_equal(stream_target_parse("http://127.0.0.1/", &target), 0);
    assert_string_equal(target.authority, "127.0.0.1");
    assert_true(stream_target_parse("127.0.0.1:80", &target) < 0);
    assert_true(stream_target_parse("http://:80", &target) < 0);
    assert_true(stream_target_parse("http://", &target) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults), cmocka_unit_test(media),           cmocka_unit_test(words),
        cmocka_unit_test(nonsense), cmocka_unit_test(what_is_missing), cmocka_unit_test(targets),
    };
    if (!freopen("/dev/null", "w", stderr)) /* the words of refusal */
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
