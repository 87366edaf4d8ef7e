#include "control/console/console_socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 16

static int make_socket(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

static bool somebody_listens(const struct sockaddr_un *address)
{
    int fd = make_socket();
    if (fd < 0)
        return false;
    /* EAGAIN: somebody does, and is busy. */
    bool listens = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN;
    close(fd);
    return listens;
}

/* Linux gives the file the mode of the socket, less the umask. */
static int listen_at(int fd, const struct sockaddr_un *address)
{
    if (fchmod(fd, 0600) || bind(fd, (const struct sockaddr *)address, sizeof(*address)) ||
        listen(fd, BACKLOG))
        return -errno;
    return 0;
}

static int check(const char *folder, const char *name, struct sockaddr_un *ret_address, char *error,
                 size_t size)
{
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    char *path = ret_address->sun_path;
    int length = snprintf(path, sizeof(ret_address->sun_path), "%s/%s", folder, name);
    if (length < 0 || (size_t)length >= sizeof(ret_address->sun_path)) {
        snprintf(error, size, "RUNTIME_DIR is too long for a socket in it: at most %zu characters",
                 sizeof(ret_address->sun_path) - strlen(name) - 2);
        return -EDOM;
    }
    if (somebody_listens(ret_address)) {
        snprintf(error, size, "%s is another kolabmeetd's: give this one a RUNTIME_DIR of its own", path);
        return -EADDRINUSE;
    }
    return 0;
}

int console_socket_check(const char *folder, const char *name, char *error, size_t size)
{
    struct sockaddr_un address;
    return check(folder, name, &address, error, size);
}

int console_socket_open(const char *folder, const char *name, struct console_socket *ret_socket, char *error,
                        size_t size)
{
    struct console_socket made;
    const char *path = made.address.sun_path;
    int result = check(folder, name, &made.address, error, size);
    if (result)
        return result;
    result = unlink(path) && errno != ENOENT ? -errno : 0;
    made.fd = result ? result : make_socket();
    if (made.fd < 0) {
        snprintf(error, size, "cannot make %s: %s", path, strerror(-made.fd));
        return made.fd;
    }
    result = listen_at(made.fd, &made.address);
    if (!result && stat(path, &made.status))
        result = -errno;
    if (result) {
        snprintf(error, size, "cannot make %s: %s", path, strerror(-result));
        close(made.fd);
        return result;
    }
    *ret_socket = made;
    return 0;
}

void console_socket_remove(const struct console_socket *socket)
{
    struct stat now;
    if (stat(socket->address.sun_path, &now) == 0 && now.st_dev == socket->status.st_dev &&
        now.st_ino == socket->status.st_ino)
        unlink(socket->address.sun_path);
}

bool console_socket_is_trusted(int fd)
{
    struct ucred other;
    socklen_t length = sizeof(other);
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &other, &length) == 0 &&
           (other.uid == 0 || other.uid == geteuid());
}
