#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/gateway/buffer.h"
#include "control/gateway/chunked.h"
#include "control/gateway/http_answer.h"
#include "control/gateway/http_head.h"
#include "control/gateway/websocket.h"
#include "control/utf8.h"

static int parse(const char *text, struct http_head *ret, char *copy, size_t size)
{
    size_t length = strlen(text);

    assert_true(length < size);
    memcpy(copy, text, length + 1);
    return http_head_parse(copy, length, ret);
}

static void head_fields(void **state)
{
    (void)state;
    struct http_head head;
    char copy[1024];

    assert_int_equal(
        parse("POST /p%20q?a=?b HTTP/1.1\r\nhost:h\r\nX-AUTH-TOKEN: t\t\r\nContent-Type: \r\n"
              "Accept-Encoding: gzip\r\nIf-None-Match: W/\"x\"\r\nOrigin: o\r\nContent-Length: 0012\r\n"
              "Expect: 100-Continue\r\nContent-Encoding: br\r\nX-Forwarded-For: a\r\nUnknown: \xff\r\n"
              "x-forwarded-for: b, c\r\n\r\n",
              &head, copy, sizeof(copy)),
        0);
    assert_string_equal(head.method, "POST");
    assert_string_equal(head.path, "/p%20q");
    assert_string_equal(head.query, "a=?b");
    assert_int_equal(head.minor_version, 1);
    assert_string_equal(head.host, "h");
    assert_string_equal(head.auth_token, "t");
    assert_string_equal(head.content_type, "");
    assert_string_equal(head.accept_encoding, "gzip");
    assert_string_equal(head.if_none_match, "W/\"x\"");
    assert_string_equal(head.origin, "o");
    assert_string_equal(head.content_encoding, "br");
    assert_string_equal(head.forwarded_for, "b, c");
    assert_true(head.has_content_length);
    assert_int_equal(head.content_length, 12);
    assert_true(head.expect_continue);
    assert_true(head.keep_alive);
    assert_false(head.chunked);
    assert_false(head.wants_websocket);
}

static void head_statuses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int status;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", 0},
        {"GET / HTTP/1.9\r\n\r\n", 0},
        {"GET https://h/ HTTP/1.1\r\n\r\n", 0},
        {"GET /\r\n\r\n", 400},
        {"GET  / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1 \r\n\r\n", 400},
        {"get / HTTP/1.1\r\n\r\n", 400},
        {"GET x HTTP/1.1\r\n\r\n", 400},
        {"GET http:// HTTP/1.1\r\n\r\n", 400},
        {"GET http:///x HTTP/1.1\r\n\r\n", 400},
        {"GET /\t HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nA: b\nHost: h\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n: b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nnocolon\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nContent-Length: 9999999999999999\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nContent-Length:\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
        {"GET / HTTP/1.1\r\nTransfer-Encoding: identity\r\n\r\n", 501},
        {"GET / HTTP/1.1\r\nExpect: 200-ok\r\n\r\n", 417},
        {"GET / HTTP/2.0\r\n\r\n", 505},
        {"GET / HTTP/11\r\n\r\n", 400},
        {"GET / XTTP/1.1\r\n\r\n", 400},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_head head;
        char copy[1024];
        int status = parse(cases[i].text, &head, copy, sizeof(copy));

        if (status != cases[i].status)
            print_error("%s\n", cases[i].text);
        assert_int_equal(status, cases[i].status);
    }
}

static void head_limits(void **state)
{
    (void)state;
    struct http_head head;
    char text[4096] = "GET / HTTP/1.1\r\n";

    for (int i = 0; i < 100; i++)
        strcat(text, "A: b\r\n");
    strcat(text, "\r\n");
    char *copy = strdup(text);
    assert_int_equal(http_head_parse(copy, strlen(text), &head), 0);
    free(copy);
    text[strlen(text) - 2] = '\0';
    strcat(text, "A: b\r\n\r\n");
    copy = strdup(text);
    assert_int_equal(http_head_parse(copy, strlen(text), &head), 431);
    free(copy);
}

static void head_connection_tokens(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool keep_alive, wants_websocket;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", true, false},
        {"GET / HTTP/1.1\r\nConnection: Close\r\n\r\n", false, false},
        {"GET / HTTP/1.1\r\nConnection: keep-alive\r\nConnection: x,close\r\n\r\n", false, false},
        {"GET / HTTP/1.1\r\nConnection: closed\r\n\r\n", true, false},
        {"GET / HTTP/1.0\r\n\r\n", false, false},
        {"GET / HTTP/1.0\r\nConnection: , keep-alive\r\n\r\n", true, false},
        {"GET / HTTP/1.1\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\n", true, true},
        {"POST / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", true, false},
        {"GET / HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", false, false},
        {"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", true, false},
        {"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", true, false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_head head;
        char copy[1024];

        assert_int_equal(parse(cases[i].text, &head, copy, sizeof(copy)), 0);
        assert_int_equal(head.keep_alive, cases[i].keep_alive);
        assert_int_equal(head.wants_websocket, cases[i].wants_websocket);
    }
}

static void head_end_is_found_across_pieces(void **state)
{
    (void)state;
    static const char text[] = "GET / HTTP/1.1\r\nA: b\r\n\r\nGET";

    for (size_t cut = 0; cut < 24; cut++)
        assert_int_equal(http_head_end(text, cut, cut > 0 ? cut - 1 : 0), 0);
    for (size_t scanned = 0; scanned < 24; scanned++)
        assert_int_equal(http_head_end(text, sizeof(text) - 1, scanned), 24);
    assert_true(http_head_plausible("GE", 2));
    assert_true(http_head_plausible("GET /\x01", 6));
    assert_false(http_head_plausible(" ", 1));
    assert_false(http_head_plausible("GET\r", 4));
    assert_false(http_head_plausible("\x16\x03", 2));
}

/* Decodes with the input cut at every place. */
static void chunked_in_pieces(void **state)
{
    (void)state;
    static const uint8_t body[] = "5\r\nhello\r\n00A ;x=\"y\"\r\n, world...\r\n0\r\nT: r\r\n\r\nNEXT";
    size_t length = sizeof(body) - 1;

    for (size_t cut = 0; cut < length; cut++) {
        struct chunked chunked = {0};
        char out[64] = "";
        size_t out_length = 0, at = 0;
        int result = 0;

        while (result == 0) {
            size_t limit = at < cut ? cut : length;
            const uint8_t *piece;
            size_t used, piece_bytes;
            result = chunked_decode(&chunked, body + at, limit - at, &used, &piece, &piece_bytes);
            assert_true(used > 0 || limit == at);
            memcpy(out + out_length, piece, piece_bytes);
            out_length += piece_bytes;
            at += used;
        }
        assert_int_equal(result, 1);
        assert_string_equal(out, "hello, world...");
        assert_string_equal((const char *)body + at, "NEXT");
    }
}

static void chunked_errors(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "\r\n",          "x\r\n",    "5\n",        "5\r\rhello",        "5\r\nhelloX", "5\r\nhello\n",
        "-5\r\n",        " 5\r\n",   "0x5\r\n",    "1000000000000\r\n", "5;\x01\r\n",  "5;\nhello",
        "0\r\nA: b\n\n", "0\r\n\rx", "1\r\na\r\r", "0\r\nA\x7f: b\r\n",
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct chunked chunked = {0};
        const uint8_t *input = (const uint8_t *)cases[i], *piece;
        size_t left = strlen(cases[i]), used, piece_bytes;
        int result = 0;

        while (result == 0 && left > 0) {
            result = chunked_decode(&chunked, input, left, &used, &piece, &piece_bytes);
            input += used;
            left -= used;
        }
        if (result != -EBADMSG)
            print_error("case %zu\n", i);
        assert_int_equal(result, -EBADMSG);
        assert_int_equal(chunked_decode(&chunked, (const uint8_t *)"0", 1, &used, &piece, &piece_bytes),
                         -EBADMSG);
    }
}

static void chunked_overhead_is_bounded(void **state)
{
    (void)state;
    struct chunked chunked = {0};
    const uint8_t *piece;
    size_t used, piece_bytes;
    char *extension = memset(malloc(20000), 'x', 20000);

    memcpy(extension, "1;", 2);
    assert_int_equal(chunked_decode(&chunked, (uint8_t *)extension, 16000, &used, &piece, &piece_bytes), 0);
    assert_int_equal(chunked_decode(&chunked, (uint8_t *)extension + 2, 4000, &used, &piece, &piece_bytes),
                     -EBADMSG);
    free(extension);
}

static void websocket_handshake_key(void **state)
{
    (void)state;
    char accept[WEBSOCKET_ACCEPT_CHARS + 1];

    /* RFC 6455 section 1.3 */
    assert_true(websocket_accept("dGhlIHNhbXBsZSBub25jZQ==", accept));
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_false(websocket_accept("", accept));
    assert_false(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=", accept));
    assert_false(websocket_accept("dGhlIHNhbXBsZSBub25jZQABCD", accept));
    assert_false(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=A", accept));
    assert_false(websocket_accept("dGhlIHNhbXBsZSBub25j====", accept));
    assert_false(websocket_accept("dGhl!HNhbXBsZSBub25jZQ==", accept));
}

static void websocket_headers(void **state)
{
    (void)state;
    static const uint8_t frame[] = {0x02, 0xff, 0, 0, 0, 0, 0, 1, 2, 3, 9, 8, 7, 6};
    struct websocket_header header;
    uint8_t out[WEBSOCKET_MAX_SERVER_HEADER_BYTES];

    for (size_t length = 0; length < sizeof(frame); length++)
        assert_int_equal(websocket_parse_header(frame, length, &header), 0);
    assert_int_equal(websocket_parse_header(frame, sizeof(frame), &header), 14);
    assert_false(header.final);
    assert_int_equal(header.opcode, WEBSOCKET_BINARY);
    assert_int_equal(header.payload_bytes, 0x10203);
    assert_memory_equal(header.mask, "\x09\x08\x07\x06", 4);

    assert_int_equal(websocket_write_header(out, WEBSOCKET_TEXT, 125), 2);
    assert_memory_equal(out, "\x81\x7d", 2);
    assert_int_equal(websocket_write_header(out, WEBSOCKET_TEXT, 126), 4);
    assert_memory_equal(out, "\x81\x7e\x00\x7e", 4);
    assert_int_equal(websocket_write_header(out, WEBSOCKET_CLOSE, 65536), 10);
    assert_memory_equal(out, "\x88\x7f\0\0\0\0\0\1\0\0", 10);

    uint8_t text[] = "abcdefg";
    websocket_unmask(text, 3, (const uint8_t *)"\1\2\3\4", 0);
    websocket_unmask(text + 3, 4, (const uint8_t *)"\1\2\3\4", 3);
    assert_memory_equal(text, "````ddd", 7);
    assert_true(websocket_close_code_valid(1000));
    assert_true(websocket_close_code_valid(4999));
    assert_false(websocket_close_code_valid(999));
    assert_false(websocket_close_code_valid(1006));
    assert_false(websocket_close_code_valid(1015));
    assert_false(websocket_close_code_valid(5000));
}

static void utf8(void **state)
{
    (void)state;
    static const char *const good[] = {"",
                                       "a",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf",
                                       "x\xe2\x82\xacy"};
    static const char *const bad[] = {
        "\x80",         "\xc0\x80",         "\xc1\xbf",         "\xc2",
        "\xc2\x20",     "\xe0\x9f\xbf",     "\xed\xa0\x80",     "\xe2\x82",
        "\xe2\x82\x20", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xff"};

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(utf8_valid((const uint8_t *)good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(utf8_valid((const uint8_t *)bad[i], strlen(bad[i])));
}

static void buffers(void **state)
{
    (void)state;
    struct buffer buffer = {0};

    for (int i = 0; i < 500; i++) {
        assert_int_equal(buffer_append(&buffer, "0123456789", 10), 0);
        if (i % 50 == 49) {
            buffer_consume(&buffer, 499);
            assert_int_equal(buffer.data[0], '9');
            buffer_consume(&buffer, 1);
            assert_null(buffer.data);
        } else {
            assert_int_equal(strlen((char *)buffer.data), buffer.length);
        }
    }
    assert_int_equal(buffer_append(&buffer, "abc", 3), 0);
    buffer_consume(&buffer, 1);
    assert_int_equal(buffer_append(&buffer, "def", 3), 0);
    assert_string_equal((char *)buffer.data, "bcdef");
    buffer_deinit(&buffer);
    assert_int_equal(buffer.length, 0);
}

static void dates(void **state)
{
    (void)state;
    char date[HTTP_DATE_CHARS + 1];

    /* RFC 9110 section 5.6.7 */
    http_answer_date(784111777, date);
    assert_string_equal(date, "Sun, 06 Nov 1994 08:49:37 GMT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(head_fields),
        cmocka_unit_test(head_statuses),
        cmocka_unit_test(head_limits),
        cmocka_unit_test(head_connection_tokens),
        cmocka_unit_test(head_end_is_found_across_pieces),
        cmocka_unit_test(chunked_in_pieces),
        cmocka_unit_test(chunked_errors),
        cmocka_unit_test(chunked_overhead_is_bounded),
        cmocka_unit_test(websocket_handshake_key),
        cmocka_unit_test(websocket_headers),
        cmocka_unit_test(utf8),
        cmocka_unit_test(buffers),
        cmocka_unit_test(dates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
