/* Results: rates, limits, and the JSON that scripts read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/kolabmeet-load/report.h"

static struct result result;
static struct options options;

static int start(void **state)
{
    (void)state;
    memset(&result, 0, sizeof result);
    result.seconds = 10;
    result.subscribers = 142;
    result.participants = 144;
    result.sinks = 572;
    result.expected = 1000;
    result.lost = 10;
    result.own_cpu_s = 1;
    result.forwarder = (struct result_process){
        .is_known = true, .cpu_s = 0.0099, .join_cpu_s = 1.44, .resident_bytes = 9000, .start_bytes = 1000};
    for (uint64_t i = 1; i <= 100; i++)
        histogram_add(&result.tally.latency, i * 1000);
    result.tally.forged = 3;
    options = (struct options){.rooms = 1,
                               .publishers = 2,
                               .subscribers = 142,
                               .publishers_subscribe = true,
                               .audio = {50, 100},
                               .video = {110, 1100},
                               .profile = SRTP_AEAD_AES_128_GCM,
                               .backend = srtp_backend_find("libsrtp2")};
    return 0;
}

static void rates(void **state)
{
    (void)state;
    assert_true(result_loss(&result) == 0.01);
    assert_true(result_packets_per_second(&result) == 99);
    assert_float_equal(result_us_per_packet(&result, 0.0099), 10, 1e-9);
    assert_int_equal(result_received(&result), 990);
    result.expected = 0;
    result.lost = 0;
    assert_true(result_loss(&result) == 1);
    assert_true(result_us_per_packet(&result, 1) == 0);
}

static void own_losses_are_not_the_servers(void **state)
{
    (void)state;
    result.own_lost = 500;
    assert_true(result_loss(&result) == 0.02); /* of the 500 others */
    assert_int_equal(result_received(&result), 490);
    assert_true(result_packets_per_second(&result) == 99); /* forwarded they were */
    assert_float_equal(result_us_per_packet(&result, 0.0099), 10, 1e-9);
    result.own_lost = 1000;
    result.lost = 0;
    assert_true(result_loss(&result) == 1); /* nothing is known */
}

static void limits(void **state)
{
    (void)state;
    assert_int_equal(result_limits(&result), 0);
    result.own_cpu_s = 9.5;
    assert_int_equal(result_limits(&result), RESULT_LIMIT_CPU);
    result.own_cpu_s = 9.4;
    result.late_p99_ns = 10000001;
    assert_int_equal(result_limits(&result), RESULT_LIMIT_LATE);
    result.late_p99_ns = 10000000;
    result.socket_drops = 1;
    result.tally.send_failures = 1;
    assert_int_equal(result_limits(&result), RESULT_LIMIT_SOCKET | RESULT_LIMIT_SEND);
    result.socket_drops = 0;
    result.own_lost = 1;
    result.tally.send_failures = 0;
    assert_int_equal(result_limits(&result), RESULT_LIMIT_SOCKET);
}

static double at(const json_t *json, const char *object, const char *name)
{
    const json_t *value = json_object_get(object ? json_object_get(json, object) : json, name);
    assert_non_null(value);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static void json(void **state)
{
    (void)state;
    result.socket_drops = 4;
    result.own_lost = 7;
    result.receive_buffer_bytes = 65536;
    result.is_measured = true;
    result.tally.caught_up = 5;
    json_t *report = report_json(&options, &result);

    assert_non_null(report);
    assert_true(at(report, NULL, "publishers") == 2);
    assert_true(at(report, NULL, "subscribers") == 142);
    assert_true(at(report, NULL, "consumers") == 572);
    assert_float_equal(at(report, NULL, "loss"), 10.0 / 993, 1e-9);
    assert_true(at(report, NULL, "lost") == 10);
    assert_true(at(report, NULL, "lost_own") == 7);
    assert_true(at(report, "counters", "caught_up") == 5);
    assert_true(at(report, "generator", "receive_buffer_bytes") == 65536);
    assert_true(json_is_true(json_object_get(json_object_get(report, "generator"), "counts_packets")));
    assert_true(at(report, NULL, "packets_per_second") == 99);
    assert_true(at(report, NULL, "socket_drops") == 4);
    assert_true(at(report, "latency", "count") == 100);
    assert_float_equal(at(report, "latency", "p50_us"), 50, 0.5);
    assert_true(at(report, "latency", "max_us") == 100);
    assert_true(at(report, "counters", "not_authentic") == 3);
    assert_float_equal(at(report, "forwarder", "us_per_packet"), 10, 1e-6);
    assert_true(at(report, "forwarder", "resident_bytes") == 9000);
    assert_true(json_is_null(json_object_get(report, "control")));
    assert_string_equal(json_string_value(json_object_get(report, "profile")), "aes128gcm");
    assert_string_equal(json_string_value(json_object_get(report, "backend")), "libsrtp2");
    const json_t *found = json_object_get(report, "generator_limits");
    assert_int_equal(json_array_size(found), 1);
    assert_string_equal(json_string_value(json_array_get(found, 0)), "socket");
    json_decref(report);
}

/* Prints into memory; the caller frees nothing. */
static const char *printed(void)
{
    static char text[4096];
    FILE *file = fmemopen(text, sizeof text, "w");
    report_print(file, &options, &result);
    fclose(file);
    return text;
}

static void says_when_it_was_the_limit(void **state)
{
    (void)state;
    assert_null(strstr(printed(), "LIMIT"));
    result.own_cpu_s = 10;
    assert_non_null(strstr(printed(), "THE GENERATOR ITSELF WAS THE LIMIT: it used 95 %"));
    result.own_cpu_s = 1;
    result.own_lost = 3;
    result.socket_drops = 2;
    assert_non_null(
        strstr(printed(), "THE GENERATOR ITSELF WAS THE LIMIT: its own receive buffers overflowed"));
    assert_non_null(strstr(printed(), "10 of 1000 by server or network"));
    assert_non_null(strstr(printed(), "3 in own receive buffers"));
    assert_non_null(strstr(printed(), "2 messages fell (without BPF"));
    result.is_measured = true;
    assert_null(strstr(printed(), "without BPF"));
}

static void numbers_of_consumers(void **state)
{
    (void)state;
    assert_int_equal(options_consumers(&options), 572);
    assert_int_equal(options_participants(&options), 144);
    options.publishers_subscribe = false;
    assert_int_equal(options_consumers(&options), 568);
    options.audio.packets_per_second = 0;
    options.rooms = 3;
    assert_int_equal(options_consumers(&options), 3 * 284);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(rates, start),
        cmocka_unit_test_setup(own_losses_are_not_the_servers, start),
        cmocka_unit_test_setup(limits, start),
        cmocka_unit_test_setup(json, start),
        cmocka_unit_test_setup(says_when_it_was_the_limit, start),
        cmocka_unit_test_setup(numbers_of_consumers, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
