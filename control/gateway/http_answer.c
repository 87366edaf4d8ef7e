#include "control/gateway/http_answer.h"

#include <stdio.h>
#include <string.h>

const char *http_answer_reason(unsigned status)
{
    static const struct {
        unsigned status;
        const char *reason;
    } reasons[] = {
        {100, "Continue"},
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {204, "No Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {413, "Payload Too Large"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Entity"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].status == status)
            return reasons[i].reason;
    }
    return "Unknown";
}

void http_answer_date(time_t time, char ret_date[HTTP_DATE_CHARS + 1])
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm tm;
    char date[64];

    gmtime_r(&time, &tm);
    snprintf(date, sizeof(date), "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday,
             months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
    memcpy(ret_date, date, HTTP_DATE_CHARS);
    ret_date[HTTP_DATE_CHARS] = '\0';
}

struct output_block *http_answer_head(const struct http_answer *answer)
{
    char content_type[256] = "";
    char content_length[48] = "";
    char connection[64] = "Connection: close\r\n";
    char date[HTTP_DATE_CHARS + 1];
    const char *fields = answer->fields ? answer->fields : "";
    const char *reason = http_answer_reason(answer->status);

    if (answer->content_type)
        snprintf(content_type, sizeof(content_type), "Content-Type: %.200s\r\n", answer->content_type);
    if (answer->has_content_length)
        snprintf(content_length, sizeof(content_length), "Content-Length: %zu\r\n", answer->content_length);
    if (answer->keep_alive_s)
        snprintf(connection, sizeof(connection), "Connection: keep-alive\r\nKeep-Alive: timeout=%u\r\n",
                 answer->keep_alive_s);
    http_answer_date(time(NULL), date);

    size_t size = strlen(fields) + 1024;
    struct output_block *block = output_block_create(size);
    if (!block)
        return NULL;
    int length = snprintf((char *)block->data, size,
                          "HTTP/1.1 %u %s\r\n"
                          "Strict-Transport-Security: max-age=15552000; includeSubDomains\r\n"
                          "%s%s%sDate: %s\r\n%s\r\n",
                          answer->status, reason, fields, content_type, content_length, date, connection);
    block->length = (size_t)length;
    return block;
}
