#include "tests/bench/sink_link.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ebpf/packet_sink.skel.h"

#define NEAR_ADDRESS 0x0a4f0001u      /* 10.79.0.1 */
#define RECEIVERS_ADDRESS 0x0a800000u /* 10.128.0.0/9, behind the far end */
#define RECEIVERS_PORT 20000u
#define BUFFER_BYTES (8 << 20) /* as control has it */
#define SENT_BYTES ((size_t)SINK_CAMERAS_MAX * SINK_SENT_PACKETS * sizeof(uint64_t))
#define FLOWS_BYTES ((size_t)SINK_FLOWS_MAX * sizeof(struct sink_flow))

struct sink {
    const struct sink_link *link;
    struct packet_sink *programs;
    enum sink_kind kind;
    struct bpf_tc_hook hook;
    struct sink_flow *flows; /* mapped */
    uint64_t *sent;          /* likewise */
};

__attribute__((format(printf, 3, 4))) static bool fail(char *why, size_t why_bytes, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
    vsnprintf(why, why_bytes, format, arguments);
    va_end(arguments);
    return false;
}

static bool run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static bool run(const char *format, ...)
{
    char command[512];
    va_list arguments;

    va_start(arguments, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
    vsnprintf(command, sizeof(command), format, arguments);
    va_end(arguments);
    return system(command) == 0;
}

/* A new namespace; where the thread was before is to be had again by the descriptor of that one. */
static int enter_new(void)
{
    return unshare(CLONE_NEWNET) == 0 ? open("/proc/thread-self/ns/net", O_RDONLY) : -1;
}

static bool pin_queues(const struct sink_link *link)
{
    for (uint32_t i = 0; i < link->cpu_count; i++) {
        if (!run("echo %x >/sys/class/net/near/queues/tx-%u/xps_cpus", 1u << link->cpus[i], i))
            return false;
    }
    return true;
}

static bool make_pair(const struct sink_link *link)
{
    uint32_t queues = link->cpu_count;

    return run(
        "ip link set lo up && "
        "ip link add near address 02:00:00:00:00:01 numtxqueues %u numrxqueues %u type veth peer name far "
        "address 02:00:00:00:00:02 numtxqueues %u numrxqueues %u netns /proc/%d/fd/%d && "
        "ip addr add 10.79.0.1/30 dev near && ip link set near up && "
        "ip neigh add 10.79.0.2 lladdr 02:00:00:00:00:02 nud permanent dev near && "
        "ip route add 10.128.0.0/9 via 10.79.0.2",
        queues, queues, queues, queues, getpid(), link->far_fd);
}

static bool raise_far_end(void)
{
    return run("ip link set lo up && ip addr add 10.79.0.2/30 dev far && ip link set far up && "
               "ip neigh add 10.79.0.1 lladdr 02:00:00:00:00:01 nud permanent dev far");
}

bool sink_link_open(struct sink_link *link, const uint32_t *cpus, uint32_t cpu_count, char *ret_why,
                    size_t why_bytes)
{
    *link = (struct sink_link){.near_fd = -1, .far_fd = -1, .cpu_count = cpu_count};
    memcpy(link->cpus, cpus, cpu_count * sizeof(*cpus));
    if (unshare(CLONE_NEWNS) != 0)
        return fail(ret_why, why_bytes, "namespaces need root");
    link->far_fd = enter_new();
    link->near_fd = enter_new();
    if (link->far_fd < 0 || link->near_fd < 0)
        return fail(ret_why, why_bytes, "no network namespace: %s", strerror(errno));
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("sysfs", "/sys", "sysfs", 0, NULL) != 0)
        return fail(ret_why, why_bytes, "no sysfs of a namespace: %s", strerror(errno));
    if (!make_pair(link))
        return fail(ret_why, why_bytes, "no pair of veth (package iproute2)");
    if (!pin_queues(link))
        return fail(ret_why, why_bytes, "queues cannot be given to CPUs (XPS)");
    bool raised = setns(link->far_fd, CLONE_NEWNET) == 0 && raise_far_end();
    if (setns(link->near_fd, CLONE_NEWNET) != 0 || !raised)
        return fail(ret_why, why_bytes, "the far end of veth cannot be used");
    return true;
}

static int udp_socket(uint32_t address, uint16_t port)
{
    struct sockaddr_in name = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(address), .sin_port = htons(port)};
    int bytes = BUFFER_BYTES;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof(name)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) != 0) {
        int error = -errno;
        if (fd >= 0)
            close(fd);
        return error;
    }
    return fd;
}

int sink_link_near_socket(uint16_t port)
{
    return udp_socket(NEAR_ADDRESS, port);
}

int sink_link_far_socket(const struct sink_link *link)
{
    if (setns(link->far_fd, CLONE_NEWNET) != 0)
        return -errno;
    int fd = udp_socket(INADDR_ANY, 0);
    return setns(link->near_fd, CLONE_NEWNET) == 0 ? fd : -errno;
}

struct sockaddr_in sink_link_receiver(uint32_t receiver)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(RECEIVERS_ADDRESS + 1 + receiver),
                                .sin_port = htons((uint16_t)(RECEIVERS_PORT + receiver))};
}

/* In the far namespace. */
static int attach(struct sink *sink)
{
    int interface = (int)if_nametoindex("far");

    if (sink->kind == SINK_XDP)
        return bpf_xdp_attach(interface, bpf_program__fd(sink->programs->progs.sink_xdp), XDP_FLAGS_DRV_MODE,
                              NULL);
    DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = interface, .attach_point = BPF_TC_INGRESS);
    DECLARE_LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = bpf_program__fd(sink->programs->progs.sink_tc));
    int error = bpf_tc_hook_create(&hook);
    if (error != 0)
        return error;
    sink->hook = hook;
    return bpf_tc_attach(&hook, &options);
}

static void detach(struct sink *sink)
{
    if (sink->kind == SINK_XDP)
        bpf_xdp_detach((int)if_nametoindex("far"), XDP_FLAGS_DRV_MODE, NULL);
    if (sink->hook.sz == 0)
        return;
    sink->hook.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS; /* else the qdisc would stay */
    bpf_tc_hook_destroy(&sink->hook);
}

static bool map(struct sink *sink, char *why, size_t why_bytes)
{
    int protection = PROT_READ | PROT_WRITE;

    sink->flows = mmap(NULL, FLOWS_BYTES, protection, MAP_SHARED, bpf_map__fd(sink->programs->maps.flows), 0);
    sink->sent = mmap(NULL, SENT_BYTES, protection, MAP_SHARED, bpf_map__fd(sink->programs->maps.sent), 0);
    return (sink->flows != MAP_FAILED && sink->sent != MAP_FAILED) ||
           fail(why, why_bytes, "maps: %s", strerror(errno));
}

static bool start(struct sink *sink, uint32_t cameras, uint32_t receivers, uint32_t first_ssrc, char *why,
                  size_t why_bytes)
{
    sink->programs = packet_sink__open();
    if (!sink->programs)
        return fail(why, why_bytes, "BPF: %s", strerror(errno));
    sink->programs->rodata->first_port = RECEIVERS_PORT;
    sink->programs->rodata->first_ssrc = first_ssrc;
    sink->programs->rodata->receivers = receivers;
    sink->programs->rodata->flow_count = cameras * receivers;
    int error = packet_sink__load(sink->programs);
    if (error != 0)
        return fail(why, why_bytes, "BPF is not permitted: %s", strerror(-error));
    if (!map(sink, why, why_bytes))
        return false;
    error = setns(sink->link->far_fd, CLONE_NEWNET) == 0 ? attach(sink) : -errno;
    if (setns(sink->link->near_fd, CLONE_NEWNET) != 0 || error != 0)
        return fail(why, why_bytes, "no %s at a veth: %s", sink->kind == SINK_XDP ? "XDP" : "tc",
                    strerror(-error));
    return true;
}

struct sink *sink_create(const struct sink_link *link, enum sink_kind kind, uint32_t cameras,
                         uint32_t receivers, uint32_t first_ssrc, char *ret_why, size_t why_bytes)
{
    struct sink *sink = calloc(1, sizeof(*sink));

    if (!sink || cameras > SINK_CAMERAS_MAX || cameras * receivers > SINK_FLOWS_MAX) {
        fail(ret_why, why_bytes, "too many consumers");
        free(sink);
        return NULL;
    }
    sink->link = link;
    sink->kind = kind;
    sink->flows = MAP_FAILED;
    sink->sent = MAP_FAILED;
    if (start(sink, cameras, receivers, first_ssrc, ret_why, why_bytes))
        return sink;
    sink_destroy(sink);
    return NULL;
}

void sink_destroy(struct sink *sink)
{
    if (!sink)
        return;
    if (setns(sink->link->far_fd, CLONE_NEWNET) == 0)
        detach(sink);
    (void)setns(sink->link->near_fd, CLONE_NEWNET);
    if (sink->flows != MAP_FAILED)
        munmap(sink->flows, FLOWS_BYTES);
    if (sink->sent != MAP_FAILED)
        munmap(sink->sent, SENT_BYTES);
    packet_sink__destroy(sink->programs);
    free(sink);
}

const volatile struct sink_flow *sink_flow(const struct sink *sink, uint32_t flow)
{
    return &sink->flows[flow];
}

void sink_note_sent(struct sink *sink, uint32_t camera, uint32_t packet, uint64_t now_ns)
{
    size_t place = (size_t)camera * SINK_SENT_PACKETS + packet % SINK_SENT_PACKETS;
    __atomic_store_n(&sink->sent[place], now_ns, __ATOMIC_RELAXED);
}

/* Adds up 64-bit numbers, so many at key, over all CPUs. */
static bool sum(int map_fd, uint32_t key, uint64_t *sums, size_t count)
{
    int cpus = libbpf_num_possible_cpus();
    uint64_t *values = cpus > 0 ? calloc((size_t)cpus * count, sizeof(*values)) : NULL;
    bool known = values && bpf_map_lookup_elem(map_fd, &key, values) == 0;

    for (size_t i = 0; i < count; i++) {
        sums[i] = 0;
        for (int cpu = 0; known && cpu < cpus; cpu++)
            sums[i] += values[(size_t)cpu * count + i];
    }
    free(values);
    return known;
}

bool sink_totals(const struct sink *sink, struct sink_totals *ret_totals)
{
    return sum(bpf_map__fd(sink->programs->maps.totals), 0, (uint64_t *)ret_totals,
               sizeof(*ret_totals) / sizeof(uint64_t));
}

bool sink_latencies(const struct sink *sink, uint64_t ret_counts[SINK_LATENCY_STEPS])
{
    for (uint32_t step = 0; step < SINK_LATENCY_STEPS; step++) {
        if (!sum(bpf_map__fd(sink->programs->maps.latency), step, &ret_counts[step], 1))
            return false;
    }
    return true;
}
