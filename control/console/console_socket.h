/* The console's socket in the file system, and who is on its other end. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/un.h>

struct console_socket {
    int fd;
    struct sockaddr_un address;
    struct stat status; /* of the file, to know it again */
};

/* Whether there may be such a socket there, and no living process has it. Errors as console_create. */
int console_socket_check(const char *folder, const char *name, char *error, size_t size);

/* Listens, with mode 0600 from the first moment. A socket that nobody listens on any more is replaced. Errors
 * as console_create. */
int console_socket_open(const char *folder, const char *name, struct console_socket *ret_socket, char *error,
                        size_t size);
/* Removes the file, if it is still this one; the descriptor stays open. */
void console_socket_remove(const struct console_socket *socket);

/* Whether the other end of a connection may give orders: root, or who this process runs as. */
bool console_socket_is_trusted(int fd);
