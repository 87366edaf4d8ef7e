/* Request heads, and the rule that what is accepted is one message only to everybody. */
#include <stdlib.h>
#include <string.h>

#include "control/gateway/http_head.h"
#include "tests/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_head head;
    char *bytes = malloc(size + 1);
    size_t end = size > 0 ? http_head_end((const char *)data, size, 0) : 0;

    if (!bytes)
        return 0;
    memcpy(bytes, data, size);
    bytes[size] = '\0';
    bool plausible = http_head_plausible(bytes, size);
    if (end > 0) {
        /* The end is found as well when the bytes come one by one. */
        size_t found = 0;
        for (size_t have = 1; have <= size && !found; have++)
            found = http_head_end((const char *)data, have, have - 1);
        MUST(found == end);
        if (http_head_parse(bytes, end, &head) == 0) {
            MUST(plausible);
            MUST(head.path[0] == '/' || !strcmp(head.path, "*"));
            MUST(strlen(head.method) + strlen(head.path) + strlen(head.query) < end);
            MUST(!(head.chunked && head.has_content_length));
            MUST(head.content_length == 0 || head.has_content_length);
        }
    }
    free(bytes);
    return 0;
}
