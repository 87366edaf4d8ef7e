/* Answers as text: aligned, and nothing in them drives a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/kolabmeetctl/render.h"

static char *rendered(const char *json)
{
    char *text = NULL;
    size_t bytes;
    json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
    FILE *out = open_memstream(&text, &bytes);
    assert_non_null(value);
    assert_non_null(out);
    render(out, value);
    fclose(out);
    json_decref(value);
    return text;
}

static void expect(const char *json, const char *text)
{
    char *given = rendered(json);
    assert_string_equal(given, text);
    free(given);
}

static void objects_are_lines_and_lists_are_tables(void **state)
{
    (void)state;
    expect("{\"a\":1,\"longer\":\"x\",\"n\":null,\"r\":0.5,\"e\":[],\"o\":{}}",
           "a       1\nlonger  x\nn       -\nr       0.50\ne       -\no       -\n");
    expect("[{\"id\":\"aa\",\"n\":1},{\"id\":\"b\",\"n\":22,\"x\":true}]",
           "id  n   x\naa  1   -\nb   22  true\n");
    expect("{\"list\":[{\"id\":\"a\"}],\"in\":{\"k\":1},\"words\":[\"x\",\"y\"]}",
           "list:\n  id\n  a\nin:\n  k  1\nwords:\n  x\n  y\n");
    expect("[{\"a\":{\"b\":[1]}}]", "a\n{\"b\":[1]}\n");
    expect("[]", "none\n");
    expect("{\"createdAt\":1700000000}", "createdAt  2023-11-14T22:13:20Z\n");
    expect("[{\"createdAt\":1700000000},{\"createdAt\":9223372036854775807},{\"createdAt\":\"x\"}]",
           "createdAt\n2023-11-14T22:13:20Z\n9223372036854775807\nx\n");
    expect("\"text\"", "text\n");
    expect("[{\"n\":\"\xc3\xbc\",\"m\":1},{\"n\":\"ue\",\"m\":2}]", "n   m\n\xc3\xbc   1\nue  2\n");
}

static void wide_tables_are_cut(void **state)
{
    (void)state;
    json_t *row = json_object(), *rows = json_array();
    for (int i = 0; i < 100; i++) {
        char key[16];
        snprintf(key, sizeof(key), "k%d", i);
        json_object_set_new(row, key, json_integer(i));
    }
    json_array_append_new(rows, row);
    char *json = json_dumps(rows, 0);
    char *text = rendered(json);
    assert_non_null(strstr(text, "k31"));
    assert_null(strstr(text, "k32"));
    free(text);
    free(json);
    json_decref(rows);
}

/* In texts, in keys, in what is nested deep in appData: of C0, DEL, C1, and what turns text around. */
static void nothing_reaches_the_terminal(void **state)
{
    (void)state;
    static const char *const hostile[] = {"\\u001b[2J", "\\n", "\\r",     "\\u0007", "\\u007f",
                                          "\\u009b2J",  "\\t", "\\u202e", "\\u2066"};
    static const char *const places[] = {
        "\"%s\"",
        "{\"k\":\"%s\"}",
        "{\"%s\":1}",
        "{\"%s\":{\"a\":1}}",
        "[{\"k\":\"%s\"}]",
        "[{\"%s\":1}]",
        "[\"%s\"]",
        "[{\"a\":{\"%s\":1}}]",
        "{\"a\":{\"b\":[\"%s\",{}]}}",
    };
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++)
        for (size_t k = 0; k < sizeof(places) / sizeof(places[0]); k++) {
            char json[128];
            const char *place = strstr(places[k], "%s");
            snprintf(json, sizeof(json), "%.*s%s%s", (int)(place - places[k]), places[k], hostile[i],
                     place + 2);
            char *text = rendered(json);
            for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
                assert_true(*c >= 0x20 || *c == '\n');
                assert_true(*c < 0x7f);
            }
            /* A line end of theirs would be one too many. */
            if (strcmp(hostile[i], "\\n") == 0)
                assert_true(strstr(text, "\\x0a") || strstr(text, "\\n"));
            free(text);
        }
    expect("\"J\xc3\xbcrgen \xe2\x82\xac \xf0\x9f\x98\x80\"",
           "J\xc3\xbcrgen \xe2\x82\xac \xf0\x9f\x98\x80\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_lines_and_lists_are_tables),
        cmocka_unit_test(wide_tables_are_cut),
        cmocka_unit_test(nothing_reaches_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
