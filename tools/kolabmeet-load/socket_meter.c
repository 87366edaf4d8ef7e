#include "tools/kolabmeet-load/socket_meter.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "ebpf/packet_meter.skel.h"
#include "tools/kolabmeet-load/memory.h"

#define PORTS 65536u
#define PLACES_MAX (1u << 20)

struct socket_meter {
    struct packet_meter *program;
    const uint64_t *packets; /* by place */
    uint32_t places;
};

static int ignore_library_log(enum libbpf_print_level level, const char *format, va_list arguments)
{
    (void)level;
    (void)format;
    (void)arguments;
    return 0;
}

static size_t map_bytes(const struct socket_meter *meter)
{
    return meter->places * sizeof(uint64_t);
}

static int load(struct socket_meter *meter, uint32_t address_mask)
{
    libbpf_set_print(ignore_library_log);
    meter->program = packet_meter__open();
    if (!meter->program)
        return -errno;
    meter->program->rodata->address_mask = address_mask;
    int error = bpf_map__set_max_entries(meter->program->maps.packets, meter->places);
    if (error == 0)
        error = packet_meter__load(meter->program);
    if (error != 0)
        return error;
    void *packets =
        mmap(NULL, map_bytes(meter), PROT_READ, MAP_SHARED, bpf_map__fd(meter->program->maps.packets), 0);
    if (packets == MAP_FAILED)
        return -errno;
    meter->packets = packets;
    return 0;
}

int socket_meter_create(uint32_t address_mask, struct socket_meter **ret_meter)
{
    if (address_mask >= PLACES_MAX)
        return -E2BIG;
    struct socket_meter *meter = memory_take(1, sizeof *meter);
    meter->places = address_mask != 0 ? address_mask + 1 : PORTS;
    int error = load(meter, address_mask);
    if (error != 0) {
        socket_meter_destroy(meter);
        return error;
    }
    *ret_meter = meter;
    return 0;
}

void socket_meter_destroy(struct socket_meter *meter)
{
    if (!meter)
        return;
    if (meter->packets)
        munmap((void *)meter->packets, map_bytes(meter));
    packet_meter__destroy(meter->program);
    free(meter);
}

int socket_meter_attach(const struct socket_meter *meter, int socket)
{
    int program = bpf_program__fd(meter->program->progs.meter);
    return setsockopt(socket, SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof program) != 0 ? -errno : 0;
}

uint64_t socket_meter_read(const struct socket_meter *meter, uint32_t place)
{
    return __atomic_load_n(&meter->packets[place], __ATOMIC_RELAXED);
}
