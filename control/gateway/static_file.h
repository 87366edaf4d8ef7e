/* Files of one folder, for the demo page. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "control/gateway/output.h"

struct static_file {
    struct output_block *content;
    const char *content_type;
    char etag[48]; /* of size and modification time, with its quotes */
};

/* Loads the file that `path` names below `root`; path is percent-encoded and starts with '/', and one that
 * ends with '/' means its index.html. Returns 0 (the caller frees content) or -ENOENT   there is none, or its
 * name has a segment that starts with a dot, a backslash, or a NUL; -EISDIR   it is a folder: the client is
 * to be sent to the same path with a slash; another errno. Links are followed: the folder's owner answers for
 * them. */
int static_file_load(const char *root, const char *path, struct static_file *ret);
