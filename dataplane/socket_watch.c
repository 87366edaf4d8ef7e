#include "dataplane/socket_watch.h"

#include <linux/sock_diag.h>
#include <sys/socket.h>

bool socket_watch_is_due(struct socket_watch *watch, uint64_t now_us)
{
    if (now_us < watch->next_us)
        return false;
    watch->next_us = now_us + SOCKET_WATCH_INTERVAL_US;
    return true;
}

uint64_t socket_watch_look(struct socket_watch *watch, uint32_t worker, int socket)
{
    struct socket_watch_socket *watched = &watch->sockets[worker];
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t length = sizeof(info);

    if (getsockopt(socket, SOL_SOCKET, SO_MEMINFO, info, &length) == 0) {
        watched->total += (uint32_t)(info[SK_MEMINFO_DROPS] - watched->seen);
        watched->seen = info[SK_MEMINFO_DROPS];
    }
    return watched->total;
}
