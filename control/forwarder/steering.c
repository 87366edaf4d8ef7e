#include "control/forwarder/steering.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "ebpf/reuseport.skel.h"
#include "shm/bpf_abi.h"
#include "shm/datagram.h"

struct steering {
    struct reuseport *program;
};

static int ignore_library_log(enum libbpf_print_level level, const char *format, va_list arguments)
{
    (void)level;
    (void)format;
    (void)arguments;
    return 0;
}

static int attach(struct steering *steering, const int *sockets, uint32_t count)
{
    int program = bpf_program__fd(steering->program->progs.steer);

    for (uint32_t worker = 0; worker < count; worker++) {
        uint64_t socket = (uint64_t)sockets[worker];
        int err = bpf_map__update_elem(steering->program->maps.sockets, &worker, sizeof worker, &socket,
                                       sizeof socket, BPF_ANY);
        if (err != 0)
            return err;
    }
    if (setsockopt(sockets[0], SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &program, sizeof program) != 0)
        return -errno;
    return 0;
}

int steering_create(const int *sockets, uint32_t count, struct steering **ret_steering, char *ret_why,
                    size_t why_bytes)
{
    struct steering *made = calloc(1, sizeof *made);
    if (!made)
        return -ENOMEM;
    libbpf_set_print(ignore_library_log);
    made->program = reuseport__open_and_load();
    int err = made->program ? attach(made, sockets, count) : -errno;
    if (err != 0) {
        snprintf(ret_why, why_bytes, "cannot steer packets to workers by BPF: %s", strerror(-err));
        steering_destroy(made);
        return err;
    }
    *ret_steering = made;
    return 0;
}

void steering_destroy(struct steering *steering)
{
    if (!steering)
        return;
    reuseport__destroy(steering->program);
    free(steering);
}

static struct bpf_abi_tuple key_of(const struct shm_address *remote)
{
    struct bpf_abi_tuple key = {.port = remote->port};
    memcpy(key.ip, remote->ip, sizeof key.ip);
    return key;
}

int steering_insert(struct steering *steering, const struct shm_address *remote, uint32_t worker)
{
    struct bpf_abi_tuple key = key_of(remote);
    if (!steering || remote->protocol != SHM_PROTOCOL_UDP)
        return 0;
    return bpf_map__update_elem(steering->program->maps.tuples, &key, sizeof key, &worker, sizeof worker,
                                BPF_ANY);
}

void steering_remove(struct steering *steering, const struct shm_address *remote)
{
    struct bpf_abi_tuple key = key_of(remote);
    if (steering && remote->protocol == SHM_PROTOCOL_UDP)
        (void)bpf_map__delete_elem(steering->program->maps.tuples, &key, sizeof key, 0);
}
