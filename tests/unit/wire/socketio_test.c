/* socket.io packet heads: what clients send, what attackers send, and writing. */
#include "proto/wire/socketio.h"
#include "wire_test.h"

static void check(const char *data, const struct socketio_packet *expected)
{
    size_t length = strlen(data);
    char *exact = exact_copy(data, length);
    struct socketio_packet p;
    assert_int_equal(socketio_parse(exact, length, &p), 0);
    assert_int_equal(p.type, expected->type);
    assert_int_equal(p.attachments, expected->attachments);
    assert_int_equal(p.has_ack, expected->has_ack);
    assert_true(p.ack == expected->ack);
    const char *name_space = expected->name_space ? expected->name_space : "/";
    assert_int_equal(p.name_space_length, strlen(name_space));
    assert_memory_equal(p.name_space, name_space, p.name_space_length);
    const char *json = expected->json ? expected->json : "";
    assert_int_equal(p.json_length, strlen(json));
    assert_memory_equal(p.json, json, p.json_length);
    free(exact);
}

#define CHECK(data, ...) check(data, &(struct socketio_packet){__VA_ARGS__})

static void test_well_formed(void **state)
{
    (void)state;
    CHECK("0", .type = SOCKETIO_CONNECT);
    CHECK("0{\"token\":1}", .type = SOCKETIO_CONNECT, .json = "{\"token\":1}");
    CHECK("0/admin,", .type = SOCKETIO_CONNECT, .name_space = "/admin");
    CHECK("0/admin", .type = SOCKETIO_CONNECT, .name_space = "/admin");
    CHECK("0/a,{}", .type = SOCKETIO_CONNECT, .name_space = "/a", .json = "{}");
    CHECK("1", .type = SOCKETIO_DISCONNECT);
    CHECK("1/admin,", .type = SOCKETIO_DISCONNECT, .name_space = "/admin");
    CHECK("2[\"request\"]", .type = SOCKETIO_EVENT, .json = "[\"request\"]");
    CHECK("20[\"a,b\"]", .type = SOCKETIO_EVENT, .has_ack = true, .json = "[\"a,b\"]");
    CHECK("2/n,12[\"a\"]", .type = SOCKETIO_EVENT, .name_space = "/n", .has_ack = true, .ack = 12,
          .json = "[\"a\"]");
    CHECK("2/,[]", .type = SOCKETIO_EVENT, .json = "[]");
    CHECK("30[null,{}]", .type = SOCKETIO_ACK, .has_ack = true, .json = "[null,{}]");
    CHECK("39007199254740991[]", .type = SOCKETIO_ACK, .has_ack = true, .ack = SOCKETIO_ACK_MAX,
          .json = "[]");
    CHECK("3007[]", .type = SOCKETIO_ACK, .has_ack = true, .ack = 7, .json = "[]");
    CHECK("4{\"message\":\"no\"}", .type = SOCKETIO_CONNECT_ERROR, .json = "{\"message\":\"no\"}");
    CHECK("4\"no\"", .type = SOCKETIO_CONNECT_ERROR, .json = "\"no\"");
    CHECK("51-[\"a\"]", .type = SOCKETIO_BINARY_EVENT, .attachments = 1, .json = "[\"a\"]");
    CHECK("510-/n,3[\"a\"]", .type = SOCKETIO_BINARY_EVENT, .attachments = 10, .name_space = "/n",
          .has_ack = true, .ack = 3, .json = "[\"a\"]");
    CHECK("61-5[]", .type = SOCKETIO_BINARY_ACK, .attachments = 1, .has_ack = true, .ack = 5, .json = "[]");
}

static void refuse(const char *data, size_t length)
{
    char *exact = exact_copy(data, length);
    struct socketio_packet p = {.ack = 4711};
    assert_int_equal(socketio_parse(exact, length, &p), -EBADMSG);
    assert_true(p.ack == 4711);
    free(exact);
}

static void test_malformed(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "7[]", /* a type nobody knows */
        "a[]",
        "[\"a\"]",
        "2",   /* an event of nothing */
        "2{}", /* whose JSON is no array */
        "2\"a\"",
        "2 [\"a\"]",
        "2null",
        "212",        /* an id and nothing more */
        "2-1[\"a\"]", /* a negative id */
        "21.5[\"a\"]",
        "21e3[\"a\"]",
        "29007199254740992[\"a\"]",     /* 2^53 */
        "29223372036854775808[\"a\"]",  /* 2^63 */
        "218446744073709551616[\"a\"]", /* 2^64 */
        "299999999999999999999999999999999999[\"a\"]",
        "2/n", /* a namespace to the end */
        "2/n,",
        "3[]", /* an acknowledgement of nothing */
        "3{}",
        "35",
        "35{}",
        "01", /* ids where none belong */
        "01{}",
        "0[]",
        "0null",
        "11",
        "1[]",
        "1{}",
        "4",
        "4[]",
        "45{}",
        "5[\"a\"]", /* binary without a count */
        "5-[\"a\"]",
        "5-1-[\"a\"]", /* a negative one */
        "51[\"a\"]",   /* one without an end */
        "51",
        "511-[\"a\"]",                   /* more than allowed */
        "518446744073709551617-[\"a\"]", /* 2^64 + 1 */
        "51-",
        "51-{}",
        "61-[]",
        "51.5-[\"a\"]",
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        refuse(cases[i], strlen(cases[i]));
    refuse("0\0", 2);
    refuse("0\0{}", 4);
    refuse("2\0[]", 4);
    refuse("1\0", 2);
}

static void test_name_space_bound(void **state)
{
    (void)state;
    char data[400] = "2/";
    struct socketio_packet p;
    memset(data + 2, 'n', sizeof data - 2);
    memcpy(data + 1 + 255, ",[]", 3);
    assert_int_equal(socketio_parse(data, 1 + 255 + 3, &p), 0);
    assert_int_equal(p.name_space_length, SOCKETIO_NAMESPACE_MAX);
    data[1 + 255] = 'n';
    memcpy(data + 1 + 256, ",[]", 3);
    refuse(data, 1 + 256 + 3);

    size_t length = 10 * 1024 * 1024;
    char *large = malloc(length);
    assert_non_null(large);
    memset(large, 'n', length);
    memcpy(large, "0/", 2);
    assert_int_equal(socketio_parse(large, length, &p), -EBADMSG);
    free(large);
}

/* No prefix of any well-formed packet reads past its end. */
static void test_truncations(void **state)
{
    (void)state;
    static const char data[] = "510-/name,9007199254740991[\"a\"]";
    for (size_t length = 0; length < sizeof data - 1; length++) {
        char *exact = exact_copy(data, length);
        struct socketio_packet p;
        assert_int_equal(socketio_parse(exact, length, &p), length > 26 ? 0 : -EBADMSG);
        free(exact);
    }
}

static void check_written(const char *expected, const struct socketio_packet *packet)
{
    char buffer[SOCKETIO_PREFIX_MAX];
    size_t length = strlen(expected);
    assert_int_equal(socketio_write_prefix(buffer, sizeof buffer, packet), length);
    assert_memory_equal(buffer, expected, length);
    assert_int_equal(socketio_write_prefix(buffer, length, packet), length);
    assert_int_equal(socketio_write_prefix(buffer, length - 1, packet), -ENOSPC);
}

#define CHECK_WRITTEN(expected, ...) check_written(expected, &(struct socketio_packet){__VA_ARGS__})

static void test_write(void **state)
{
    (void)state;
    CHECK_WRITTEN("40", .type = SOCKETIO_CONNECT);
    CHECK_WRITTEN("41", .type = SOCKETIO_DISCONNECT);
    CHECK_WRITTEN("42", .type = SOCKETIO_EVENT, .name_space = "/", .name_space_length = 1);
    CHECK_WRITTEN("420", .type = SOCKETIO_EVENT, .has_ack = true);
    CHECK_WRITTEN("4312345", .type = SOCKETIO_ACK, .has_ack = true, .ack = 12345);
    CHECK_WRITTEN("42/n,9007199254740991", .type = SOCKETIO_EVENT, .name_space = "/n", .name_space_length = 2,
                  .has_ack = true, .ack = SOCKETIO_ACK_MAX);
    CHECK_WRITTEN("452-", .type = SOCKETIO_BINARY_EVENT, .attachments = 2);
    CHECK_WRITTEN("4610-/n,1", .type = SOCKETIO_BINARY_ACK, .attachments = 10, .name_space = "/n",
                  .name_space_length = 2, .has_ack = true, .ack = 1);
}

static void test_write_refuses(void **state)
{
    (void)state;
    char name[SOCKETIO_NAMESPACE_MAX + 2];
    memset(name, 'n', sizeof name);
    name[0] = '/';
    const struct socketio_packet cases[] = {
        {.type = (enum socketio_type)7},
        {.type = (enum socketio_type) - 1},
        {.type = SOCKETIO_EVENT, .has_ack = true, .ack = SOCKETIO_ACK_MAX + 1},
        {.type = SOCKETIO_CONNECT, .has_ack = true},
        {.type = SOCKETIO_ACK},
        {.type = SOCKETIO_EVENT, .attachments = 1},
        {.type = SOCKETIO_BINARY_EVENT, .attachments = SOCKETIO_ATTACHMENTS_MAX + 1},
        {.type = SOCKETIO_EVENT, .name_space = "n", .name_space_length = 1},
        {.type = SOCKETIO_EVENT, .name_space = "/", .name_space_length = 0},
        {.type = SOCKETIO_EVENT, .name_space = "/a,b", .name_space_length = 4},
        {.type = SOCKETIO_EVENT, .name_space = name, .name_space_length = SOCKETIO_NAMESPACE_MAX + 1},
    };
    char buffer[SOCKETIO_PREFIX_MAX];
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(socketio_write_prefix(buffer, sizeof buffer, &cases[i]), -EINVAL);
    const struct socketio_packet longest = {.type = SOCKETIO_BINARY_ACK,
                                            .attachments = 10,
                                            .name_space = name,
                                            .name_space_length = SOCKETIO_NAMESPACE_MAX,
                                            .has_ack = true,
                                            .ack = SOCKETIO_ACK_MAX};
    assert_int_equal(socketio_write_prefix(buffer, sizeof buffer, &longest), 2 + 3 + 255 + 1 + 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_well_formed),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_name_space_bound),
        cmocka_unit_test(test_truncations),
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_write_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
