/* What each command of the console answers and does. */
#include <ctype.h>
#include <unistd.h>

#include "control/log.h"
#include "tests/unit/control/console_stage.h"

static json_t *answer(struct console_stage *console, const char *line)
{
    json_t *given = command_answer(&console->context, line, strlen(line));
    assert_non_null(given);
    return given;
}

__attribute__((format(printf, 2, 3))) static json_t *ask(struct console_stage *console, const char *format,
                                                         ...)
{
    char *line;
    va_list arguments;
    va_start(arguments, format);
    assert_true(vasprintf(&line, format, arguments) >= 0);
    va_end(arguments);
    json_t *given = answer(console, line);
    free(line);
    if (!json_is_true(json_object_get(given, "ok")))
        fail_msg("refused: %s", json_string_value(json_object_get(given, "error")));
    json_t *result = json_incref(json_object_get(given, "result"));
    json_decref(given);
    assert_non_null(result);
    return result;
}

static void expect_refusal(struct console_stage *console, const char *line, const char *code,
                           const char *error)
{
    json_t *given = answer(console, line);
    assert_true(json_is_false(json_object_get(given, "ok")));
    assert_null(json_object_get(given, "result"));
    assert_string_equal(json_string_value(json_object_get(given, "code")), code);
    if (!strstr(json_string_value(json_object_get(given, "error")), error))
        fail_msg("\"%s\" does not say \"%s\"", json_string_value(json_object_get(given, "error")), error);
    json_decref(given);
}

static json_int_t integer(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value))
        fail_msg("no integer %s", key);
    return json_integer_value(value);
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    if (!value)
        fail_msg("no text %s", key);
    return value;
}

static void every_command_is_in_the_help_and_the_other_way_round(void **state)
{
    (void)state;
    struct console_stage console;
    console_stage_open(&console);
    json_t *help = ask(&console, "{\"command\":\"help\"}");
    static const char *const wanted[] = {"help",     "usage",   "stats", "dump",  "rooms", "peers",
                                         "logLevel", "logTags", "kick",  "close", "drain", "undrain"};
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        assert_string_equal(text(json_array_get(help, i), "command"), wanted[i]);
        assert_true(strlen(text(json_array_get(help, i), "help")) > 5);
        assert_non_null(command_find(wanted[i]));
    }
    assert_int_equal(json_array_size(help), sizeof(wanted) / sizeof(wanted[0]));
    json_decref(help);
    help = ask(&console, "{\"command\":\"help\",\"arguments\":[\"dump\"]}");
    assert_int_equal(json_array_size(help), 1);
    assert_string_equal(text(json_array_get(help, 0), "arguments"), "[KIND] ID");
    json_decref(help);
    expect_refusal(&console, "{\"command\":\"help\",\"arguments\":[\"x\"]}", "failed", "no command \"x\"");
    console_stage_close(&console);
}

static void what_is_no_request_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    struct console_stage console;
    console_stage_open(&console);
    char too_many[128] = "{\"command\":\"logTags\",\"arguments\":[\"\"";
    for (int i = 0; i < COMMAND_ARGUMENTS_MAX; i++)
        strcat(too_many, ",\"\"");
    strcat(too_many, "]}");
    const char *const lines[] = {
        "",
        "rooms",
        "{",
        "[]",
        "[\"rooms\"]",
        "null",
        "\"rooms\"",
        "{}",
        "{\"command\":1}",
        "{\"command\":null}",
        "{\"command\":\"rooms\\u0000\"}",
        "{\"command\":\"drain\",\"command\":\"drain\"}",
        "{\"command\":\"drain\",\"arguments\":{}}",
        "{\"command\":\"drain\",\"arguments\":\"x\"}",
        "{\"command\":\"kick\",\"arguments\":[1]}",
        "{\"command\":\"kick\",\"arguments\":[null]}",
        "{\"command\":\"kick\",\"arguments\":[\"a\\u0000b\"]}",
        too_many,
        "{\"command\":\"drain\"} x",
        "{\"command\":\"\xff\"}",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        expect_refusal(&console, lines[i], "request", "");
    expect_refusal(&console, "{\"command\":\"reboot\"}", "usage", "no command \"reboot\"");
    expect_refusal(&console, "{\"command\":\"\"}", "usage", "no command");
    expect_refusal(&console, "{\"command\":\"kick\"}", "usage", "usage: kick PEER");
    expect_refusal(&console, "{\"command\":\"drain\",\"arguments\":[\"now\"]}", "usage", "usage: drain");
    expect_refusal(&console, "{\"command\":\"dump\",\"arguments\":[\"a\",\"b\",\"c\"]}", "usage",
                   "usage: dump");
    assert_false(rooms_is_draining(console.stage.rooms));
    console_stage_close(&console);
}

/* Every prefix of every request, and each with one byte changed: an answer, and no harm. */
static void broken_requests_are_answered(void **state)
{
    (void)state;
    struct console_stage console;
    console_stage_open(&console);
    static const char request[] = "{\"command\":\"dump\",\"arguments\":[\"peer\",\"3f\"]}";
    for (size_t length = 0; length < sizeof(request); length++) {
        json_decref(command_answer(&console.context, request, length));
        for (unsigned byte = 0; byte < 256; byte++) {
            char broken[sizeof(request)];
            memcpy(broken, request, sizeof(request));
            broken[length] = (char)byte;
            json_t *given = command_answer(&console.context, broken, sizeof(request) - 1);
            assert_non_null(given);
            json_decref(given);
        }
    }
    console_stage_close(&console);
}

static void rooms_and_peers_are_listed_and_counted(void **state)
{
    (void)state;
    struct console_stage console;
    console_stage_open(&console);
    struct peer *anna = enter_and_join(&console.stage, 1, ROLE_ALL, "Anna");
    struct room *other;
    struct peer *invited;
    assert_int_equal(rooms_open(console.stage.rooms, &other), 0);
    assert_int_equal(room_add_peer(other, ROLE_SUBSCRIBER, &invited), 0);

    json_t *counts = ask(&console, "{\"command\":\"stats\"}");
    assert_int_equal(integer(counts, "rooms"), 2);
    assert_int_equal(integer(counts, "peers"), 1);
    json_decref(counts);

    json_t *rooms = ask(&console, "{\"command\":\"rooms\"}");
    assert_int_equal(json_array_size(rooms), 2);
    assert_string_equal(text(json_array_get(rooms, 0), "id"), console.stage.room->id);
    assert_int_equal(integer(json_array_get(rooms, 0), "peers"), 1);
    assert_int_equal(integer(json_array_get(rooms, 1), "invited"), 1);
    json_decref(rooms);

    json_t *peers = ask(&console, "{\"command\":\"peers\"}");
    assert_int_equal(json_array_size(peers), 2);
    assert_string_equal(text(json_array_get(peers, 0), "id"), anna->id);
    assert_string_equal(text(json_array_get(peers, 0), "nickname"), "Anna");
    assert_string_equal(text(json_array_get(peers, 0), "state"), "joined");
    assert_string_equal(text(json_array_get(peers, 1), "state"), "invited");
    json_decref(peers);
    peers = ask(&console, "{\"command\":\"peers\",\"arguments\":[\"%s\"]}", other->id);
    assert_int_equal(json_array_size(peers), 1);
    assert_string_equal(text(json_array_get(peers, 0), "id"), invited->id);
    json_decref(peers);
    signaling_close(console.stage.signaling, 1);
    peers = ask(&console, "{\"command\":\"peers\"}");
    assert_string_equal(text(json_array_get(peers, 0), "state"), "away");
    json_decref(peers);
    console_stage_close(&console);
}

static void assert_no_secret(const json_t *value, const struct peer *peer)
{
    char *dumped = json_dumps(value, 0);
    assert_null(strstr(dumped, peer->auth_token));
    for (char *c = dumped; *c; c++)
        *c = (char)tolower(*c);
    assert_null(strstr(dumped, "token"));
    assert_null(strstr(dumped, "password"));
    free(dumped);
}

static void things_are_dumped_and_counted_without_secrets(void **state)
{
    (void)state;
    struct console_stage console;
    struct stage *stage = &console.stage;
    console_stage_open(&console);
    struct peer *anna = enter_and_join(stage, 1, ROLE_ALL, "Anna");
    struct peer *bert = enter_and_join(stage, 2, ROLE_ALL, "Bert");
    make_transport(stage, 2, bert, true);
    const char *transport = make_transport(stage, 1, anna, false);
    struct producer *producer = produce(stage, 1, anna, transport, true);
    struct consumer *consumer = TAILQ_FIRST(&bert->consumers);
    assert_non_null(consumer);

    const struct {
        const char *kind, *id, *key, *numbers_key;
    } things[] = {
        {"room", stage->room->id, "peers", "packetsReceived"},
        {"peer", anna->id, "raisedHand", "transports"},
        {"transport", transport, "iceState", "packetsReceived"},
        {"producer", producer->id, "encodings", "streams"},
        {"consumer", consumer->id, "rtpParameters", "producerId"},
    };
    for (size_t i = 0; i < sizeof(things) / sizeof(things[0]); i++) {
        json_t *dump = ask(&console, "{\"command\":\"dump\",\"arguments\":[\"%s\",\"%s\"]}", things[i].kind,
                           things[i].id);
        assert_non_null(json_object_get(dump, things[i].key));
        assert_no_secret(dump, anna);
        assert_no_secret(dump, bert);
        json_t *without_kind = ask(&console, "{\"command\":\"dump\",\"arguments\":[\"%s\"]}", things[i].id);
        assert_true(json_equal(dump, without_kind));
        json_decref(without_kind);
        json_decref(dump);
        json_t *stats = ask(&console, "{\"command\":\"stats\",\"arguments\":[\"%s\",\"%s\"]}", things[i].kind,
                            things[i].id);
        assert_non_null(json_object_get(stats, things[i].numbers_key));
        assert_no_secret(stats, anna);
        json_decref(stats);
    }
    json_t *room = ask(&console, "{\"command\":\"stats\",\"arguments\":[\"%s\"]}", stage->room->id);
    assert_int_equal(integer(room, "packetsReceived"), 2 * FAKE_PACKETS); /* of two transports */
    json_decref(room);
    json_t *peers = ask(&console, "{\"command\":\"peers\"}");
    assert_no_secret(peers, anna);
    assert_int_equal(integer(json_array_get(peers, 1), "consumers"), 1);
    json_decref(peers);
    console_stage_close(&console);
}

static void workers_go_by_their_number(void **state)
{
    (void)state;
    struct console_stage console;
    console_stage_open(&console);
    json_t *all = ask(&console, "{\"command\":\"stats\",\"arguments\":[\"worker\"]}");
    assert_int_equal(json_array_size(all), 2);
    assert_int_equal(integer(json_array_get(all, 1), "rounds"), 99);
    json_decref(all);
    json_t *one = ask(&console, "{\"command\":\"dump\",\"arguments\":[\"worker\",\"1\"]}");
    assert_int_equal(integer(one, "worker"), 1);
    assert_int_equal(integer(one, "transports"), 5);
    assert_int_equal(integer(one, "forwarderStarts"), 3);
    json_decref(one);
    static const char *const wrong[] = {"2", "-1", "+1", " 1", "1x", "", "99999999999999999999"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char line[128];
        snprintf(line, sizeof(line), "{\"command\":\"dump\",\"arguments\":[\"worker\",\"%s\"]}", wrong[i]);
        expect_refusal(&console, line, "failed", "no worker");
    }
    console_stage_close(&console);
}

static void a_beginning_that_is_unique_is_enough(void **state)
{
    (void)state;
    struct console_stage console;
    console_stage_open(&console);
    struct peer *anna, *bert;
    assert_int_equal(room_add_peer(console.stage.room, ROLE_ALL, &anna), 0);
    assert_int_equal(room_add_peer(console.stage.room, ROLE_ALL, &bert), 0);
    strcpy(anna->id, "3fa00000-0000-4000-8000-000000000000");
    strcpy(bert->id, "3fb00000-0000-4000-8000-000000000000");

    json_t *dump = ask(&console, "{\"command\":\"dump\",\"arguments\":[\"peer\",\"3fb\"]}");
    assert_string_equal(text(dump, "id"), bert->id);
    json_decref(dump);
    dump = ask(&console, "{\"command\":\"dump\",\"arguments\":[\"3fa00000-0000-4\"]}");
    assert_string_equal(text(dump, "id"), anna->id);
    json_decref(dump);
    expect_refusal(&console, "{\"command\":\"dump\",\"arguments\":[\"peer\",\"3f\"]}", "failed",
                   "more than one peer begins with \"3f\"");
    expect_refusal(&console, "{\"command\":\"dump\",\"arguments\":[\"peer\",\"\"]}", "failed", "no peer");
    expect_refusal(&console, "{\"command\":\"dump\",\"arguments\":[\"producer\",\"3fa\"]}", "failed",
                   "no producer begins with \"3fa\"");
    expect_refusal(&console, "{\"command\":\"dump\",\"arguments\":[\"cellar\",\"3fa\"]}", "failed",
                   "\"cellar\" is none of");
    expect_refusal(&console,
                   "{\"command\":\"kick\",\"arguments\":[\"3fa00000-0000-4000-8000-0000000000000\"]}",
                   "failed", "no peer");
    assert_int_equal(console.stage.room->place_count, 2);
    console_stage_close(&console);
}

static void kick_disconnects_one_peer(void **state)
{
    (void)state;
    struct console_stage console;
    console_stage_open(&console);
    struct peer *anna = enter_and_join(&console.stage, 1, ROLE_ALL, "Anna");
    enter_and_join(&console.stage, 2, ROLE_ALL, "Bert");
    char id[IDS_UUID_BYTES];
    memcpy(id, anna->id, sizeof(id));

    json_t *result = ask(&console, "{\"command\":\"kick\",\"arguments\":[\"%s\"]}", id);
    assert_string_equal(text(result, "peerId"), id);
    json_decref(result);
    expect_prefix(1, "42[\"notification\",{\"method\":\"moderator:kickPeer\",\"data\":{}}]");
    expect(1, "41");
    assert_true(fake_sockets[1].closed);
    expectf(2, "42[\"notification\",{\"method\":\"peerClosed\",\"data\":{\"peerId\":\"%s\"}}]", id);
    assert_int_equal(rooms_count_peers(console.stage.rooms), 1);

    struct peer *invited;
    assert_int_equal(room_add_peer(console.stage.room, ROLE_ALL, &invited), 0);
    json_decref(ask(&console, "{\"command\":\"kick\",\"arguments\":[\"%s\"]}", invited->id));
    assert_int_equal(console.stage.room->place_count, 0);
    expect_silence(2);
    console_stage_close(&console);
}

static void close_ends_a_room(void **state)
{
    (void)state;
    struct console_stage console;
    console_stage_open(&console);
    enter_and_join(&console.stage, 1, ROLE_ALL, "Anna");
    json_decref(ask(&console, "{\"command\":\"close\",\"arguments\":[\"%s\"]}", console.stage.room->id));
    expect(1, "42[\"notification\",{\"method\":\"moderator:closeRoom\",\"data\":null}]");
    expect(1, "41");
    assert_int_equal(rooms_count(console.stage.rooms), 0);
    console_stage_close(&console);
}

static void the_level_is_shown_and_set(void **state)
{
    (void)state;
    struct console_stage console;
    console_stage_open(&console);
    log_set_level(LOG_LEVEL_WARN);
    json_t *shown = ask(&console, "{\"command\":\"logLevel\"}");
    assert_string_equal(text(shown, "level"), "warn");
    json_decref(shown);
    json_decref(ask(&console, "{\"command\":\"logLevel\",\"arguments\":[\"error\"]}"));
    assert_int_equal(log_get_level(), LOG_LEVEL_ERROR);
    expect_refusal(&console, "{\"command\":\"logLevel\",\"arguments\":[\"loud\"]}", "failed",
                   "\"loud\" is none");
    assert_int_equal(log_get_level(), LOG_LEVEL_ERROR);
    console_stage_close(&console);
}

static void tags_are_shown_and_set_all_or_none(void **state)
{
    (void)state;
    struct console_stage console;
    console_stage_open(&console);
    log_set_level(LOG_LEVEL_ERROR);
    json_t *tags =
        ask(&console, "{\"command\":\"logTags\",\"arguments\":[\"dtls=debug\",\"room=off\",\"ice=on\"]}");
    assert_string_equal(text(tags, "dtls"), "debug");
    assert_string_equal(text(tags, "room"), "off");
    assert_string_equal(text(tags, "ice"), "on");
    assert_true(log_enabled("dtls", LOG_LEVEL_DEBUG));
    json_decref(tags);
    static const char *const wrong[] = {
        "cellar=on", "dtls", "dtls=", "=on", "dtls=loud", "dtlsdtlsdtlsdtlsdtlsdtlsdtlsdtlsdtls=on"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char line[128];
        snprintf(line, sizeof(line), "{\"command\":\"logTags\",\"arguments\":[\"dtls=on\",\"%s\"]}",
                 wrong[i]);
        expect_refusal(&console, line, "failed", wrong[i]);
    }
    assert_true(log_enabled("dtls", LOG_LEVEL_DEBUG));
    json_decref(ask(&console, "{\"command\":\"logTags\",\"arguments\":[\"dtls=on\",\"room=on\"]}"));
    assert_false(log_enabled("dtls", LOG_LEVEL_DEBUG));
    console_stage_close(&console);
}

static bool offers(struct console_stage *console, const char *words, const char *candidate)
{
    json_t *candidates = ask(console, "{\"command\":\"complete\",\"arguments\":[%s]}", words);
    bool found = false;
    for (size_t i = 0; i < json_array_size(candidates); i++)
        found |= strcmp(json_string_value(json_array_get(candidates, i)), candidate) == 0;
    json_decref(candidates);
    return found;
}

static void words_are_completed(void **state)
{
    (void)state;
    struct console_stage console;
    console_stage_open(&console);
    struct peer *anna;
    assert_int_equal(room_add_peer(console.stage.room, ROLE_ALL, &anna), 0);
    char words[128];
    assert_true(offers(&console, "", "dump"));
    assert_true(offers(&console, "\"d\"", "drain"));
    assert_false(offers(&console, "\"d\"", "rooms"));
    assert_false(offers(&console, "\"\"", "complete"));
    assert_true(offers(&console, "\"dump\",\"pe\"", "peer"));
    assert_true(offers(&console, "\"dump\",\"\"", anna->id));
    snprintf(words, sizeof(words), "\"dump\",\"peer\",\"%.6s\"", anna->id);
    assert_true(offers(&console, words, anna->id));
    snprintf(words, sizeof(words), "\"dump\",\"room\",\"%.6s\"", anna->id);
    assert_false(offers(&console, words, anna->id));
    assert_true(offers(&console, "\"stats\",\"worker\",\"\"", "1"));
    assert_true(offers(&console, "\"close\",\"\"", console.stage.room->id));
    assert_false(offers(&console, "\"close\",\"\"", anna->id));
    assert_true(offers(&console, "\"logLevel\",\"d\"", "debug"));
    assert_true(offers(&console, "\"logTags\",\"ice=on\",\"dtls=\"", "dtls=debug"));
    assert_true(offers(&console, "\"help\",\"ki\"", "kick"));
    assert_false(offers(&console, "\"rooms\",\"\"", "dump"));
    assert_false(offers(&console, "\"kick\",\"x\",\"\"", anna->id));
    assert_false(offers(&console, "\"nothing\",\"\"", "dump"));
    console_stage_close(&console);
}

static void usage_is_of_this_process(void **state)
{
    (void)state;
    struct console_stage console;
    console_stage_open(&console);
    for (int i = 0; i < 2; i++) {
        json_t *usage = ask(&console, "{\"command\":\"usage\"}");
        const json_t *control = json_object_get(usage, "control");
        assert_int_equal(integer(control, "pid"), getpid());
        assert_true(integer(control, "residentBytes") > 100000);
        assert_int_equal(integer(control, "threads"), 1);
        assert_true(json_real_value(json_object_get(control, "cpuPercent")) >= 0);
        assert_true(json_is_null(json_object_get(usage, "forwarder")));
        json_decref(usage);
    }
    console_stage_close(&console);
}

static void drain_ends_the_loop_once_the_rooms_are_gone(void **state)
{
    (void)state;
    struct console_stage console;
    console_stage_open(&console);
    json_t *drained = ask(&console, "{\"command\":\"drain\"}");
    assert_true(json_is_true(json_object_get(drained, "draining")));
    assert_int_equal(integer(drained, "rooms"), 1);
    json_decref(drained);
    struct room *room;
    assert_int_equal(rooms_open(console.stage.rooms, &room), -ESHUTDOWN);

    json_decref(ask(&console, "{\"command\":\"undrain\"}"));
    assert_int_equal(rooms_open(console.stage.rooms, &room), 0);
    room_close(room);
    json_decref(ask(&console, "{\"command\":\"drain\"}"));
    stage_run(&console.stage, 500);
    assert_int_equal(rooms_count(console.stage.rooms), 1); /* it waits for the room */
    json_decref(ask(&console, "{\"command\":\"close\",\"arguments\":[\"%s\"]}", console.stage.room->id));
    assert_false(event_base_got_exit(console.stage.base));
    own_time_run(console.stage.base, 1000);
    assert_true(event_base_got_exit(console.stage.base));
    console_stage_close(&console);
}

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_is_in_the_help_and_the_other_way_round),
        cmocka_unit_test(what_is_no_request_is_refused_and_changes_nothing),
        cmocka_unit_test(broken_requests_are_answered),
        cmocka_unit_test(rooms_and_peers_are_listed_and_counted),
        cmocka_unit_test(things_are_dumped_and_counted_without_secrets),
        cmocka_unit_test(workers_go_by_their_number),
        cmocka_unit_test(a_beginning_that_is_unique_is_enough),
        cmocka_unit_test(kick_disconnects_one_peer),
        cmocka_unit_test(close_ends_a_room),
        cmocka_unit_test(the_level_is_shown_and_set),
        cmocka_unit_test(tags_are_shown_and_set_all_or_none),
        cmocka_unit_test(words_are_completed),
        cmocka_unit_test(usage_is_of_this_process),
        cmocka_unit_test(drain_ends_the_loop_once_the_rooms_are_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
