#include "control/transport/plain_ports.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "control/forwarder/media_socket.h"
#include "control/ids.h"

struct plain_ports {
    const char *ip;
    uint32_t first; /* even */
    uint32_t pairs;
    uint32_t taken;
    uint32_t next; /* where the search begins */
    bool is_taken[];
};

int plain_ports_create(const char *ip, uint16_t first, uint16_t last, struct plain_ports **ret_ports)
{
    uint32_t even = (uint32_t)first + first % 2;
    uint32_t pairs = even < last ? (last - even + 1u) / 2 : 0;
    struct plain_ports *made = calloc(1, sizeof *made + pairs * sizeof *made->is_taken);
    uint32_t start;

    if (!made)
        return -ENOMEM;
    made->ip = ip;
    made->first = even;
    made->pairs = pairs;
    /* After a restart late packets of before should not meet new transports. */
    if (pairs > 0 && ids_ssrc(&start) == 0)
        made->next = start % pairs;
    *ret_ports = made;
    return 0;
}

void plain_ports_destroy(struct plain_ports *ports)
{
    free(ports);
}

static int open_pair(const char *ip, uint16_t port, int ret_fds[2])
{
    int fds[2];
    int err = media_socket_open(ip, port, &fds[0]);
    if (err != 0)
        return err;
    err = media_socket_open(ip, (uint16_t)(port + 1), &fds[1]);
    if (err != 0) {
        close(fds[0]);
        return err;
    }
    ret_fds[0] = fds[0];
    ret_fds[1] = fds[1];
    return 0;
}

/* Ports that other programs have are passed over. */
int plain_ports_open(struct plain_ports *ports, int ret_fds[2], uint16_t *ret_port)
{
    for (uint32_t i = 0; ports->taken < ports->pairs && i < ports->pairs; i++) {
        uint32_t at = (ports->next + i) % ports->pairs;
        uint16_t port = (uint16_t)(ports->first + 2 * at);
        if (ports->is_taken[at])
            continue;
        int err = open_pair(ports->ip, port, ret_fds);
        if (err == -EADDRINUSE || err == -EACCES)
            continue;
        if (err != 0)
            return err;
        ports->is_taken[at] = true;
        ports->taken++;
        ports->next = (at + 1) % ports->pairs;
        *ret_port = port;
        return 0;
    }
    return -EADDRNOTAVAIL;
}

bool plain_ports_covers(const struct plain_ports *ports, uint16_t port)
{
    return port >= ports->first && (port - ports->first) / 2 < ports->pairs;
}

bool plain_ports_has(const struct plain_ports *ports, uint16_t port)
{
    return plain_ports_covers(ports, port) && ports->is_taken[(port - ports->first) / 2];
}

void plain_ports_release(struct plain_ports *ports, uint16_t port)
{
    if (!plain_ports_has(ports, port))
        return;
    ports->is_taken[(port - ports->first) / 2] = false;
    ports->taken--;
}
