#include "control/gateway/static_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/hex.h"

#define MAX_FILE_BYTES (32 << 20)

static const char *content_type_of(const char *path)
{
    static const struct {
        const char *ending;
        const char *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".ico", "image/x-icon"},
        {".map", "application/json; charset=utf-8"},
        {".json", "application/json; charset=utf-8"},
        {".woff2", "font/woff2"},
    };
    const char *dot = strrchr(path, '.');

    for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++) {
        if (!strcasecmp(dot, types[i].ending))
            return types[i].type;
    }
    return "application/octet-stream";
}

/* Percent-decoding (RFC 3986 section 2.1) that fails on anything a file name must not hold. */
static bool decode_path(const char *path, char *out, size_t size)
{
    size_t length = 0;

    for (; *path; path++) {
        char c = *path;

        if (c == '%') {
            int high = hex_digit(path[1]);
            int low = high < 0 ? -1 : hex_digit(path[2]);
            if (low < 0)
                return false;
            c = (char)(high << 4 | low);
            path += 2;
        }
        bool dot_segment = c == '.' && (length == 0 || out[length - 1] == '/');
        if (c == '\0' || c == '\\' || dot_segment || length + 1 >= size)
            return false;
        out[length++] = c;
    }
    out[length] = '\0';
    return true;
}

static int read_whole(int file, size_t length, struct output_block **ret)
{
    struct output_block *block = output_block_create(length);
    size_t have = 0;

    if (!block)
        return -ENOMEM;
    while (have < length) {
        ssize_t got = read(file, block->data + have, length - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            int error = got < 0 ? -errno : -EIO; /* shorter than a moment ago: it is being written */
            output_block_free(block);
            return error;
        }
        have += (size_t)got;
    }
    *ret = block;
    return 0;
}

int static_file_load(const char *root, const char *path, struct static_file *ret)
{
    char decoded[1024];
    char full[PATH_MAX];
    struct stat status;
    struct static_file file = {0};

    if (path[0] != '/' || !decode_path(path, decoded, sizeof(decoded)))
        return -ENOENT;
    const char *index = decoded[strlen(decoded) - 1] == '/' ? "index.html" : "";
    int length = snprintf(full, sizeof(full), "%s%s%s", root, decoded, index);
    if (length < 0 || (size_t)length >= sizeof(full))
        return -ENAMETOOLONG;

    int descriptor = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return errno == ENOTDIR ? -ENOENT : -errno;
    int result = fstat(descriptor, &status) ? -errno : 0;
    if (!result && S_ISDIR(status.st_mode))
        result = -EISDIR;
    else if (!result && (!S_ISREG(status.st_mode) || status.st_size > MAX_FILE_BYTES))
        result = -ENOENT;
    if (!result)
        result = read_whole(descriptor, (size_t)status.st_size, &file.content);
    close(descriptor);
    if (result)
        return result;

    file.content_type = content_type_of(full);
    snprintf(file.etag, sizeof(file.etag), "\"%llx-%llx%09lx\"", (unsigned long long)status.st_size,
             (unsigned long long)status.st_mtim.tv_sec, (unsigned long)status.st_mtim.tv_nsec);
    *ret = file;
    return 0;
}
