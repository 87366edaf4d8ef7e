/* What a forwarded packet costs: the worker's CPU time (user and kernel) for a packet sent, by backend,
 * profile, size and fan-out, beside a floor: a bare loop that makes only the same system calls and ciphers.
 * Both take turns within a run, so that whatever else the machine does falls on both; the best turn counts.
 *
 * A camera sends BURST packets at once (a video frame), by a socket of its own, at no cost to either. Each
 * receiver has an address of its own; a socket that drops all by a filter stands behind all of them.
 *
 * usage: forwarder_bench [--quick] [BURST]    about two minutes; packets of a burst, 4 by default */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/srtp_native.h"
#include "dataplane/srtp_provider.h"
#include "dataplane/worker.h"
#include "tests/bench/camera.h"
#include "tests/bench/forwarder_floor.h"
#include "tests/bench/room.h"

#define RECEIVERS_MAX 1000u
#define TURNS 6u

struct bench {
    const struct srtp_backend *backend;
    enum srtp_profile profile;
    uint32_t fan_out;
    uint32_t bytes; /* of a received packet, SRTP trailer included */
    uint32_t burst;
    bool is_paused; /* all of the consumers */

    char folder[40];
    struct shm_segment segment;
    struct statistics statistics;
    struct worker *worker;
    int media_socket;
    int wakes[2];

    int camera_socket;
    struct camera cameras[2]; /* what the engine hears, what the floor hears */
};

static const char *const profile_names[] = {"", "AEAD_AES_128_GCM", "AEAD_AES_256_GCM", "AES128_CM_SHA1_80"};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "forwarder_bench: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int bound_socket(uint32_t address)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof(name)) != 0)
        die("socket");
    return fd;
}

static struct sockaddr_in name_of(int fd)
{
    struct sockaddr_in name;
    socklen_t bytes = sizeof(name);

    if (getsockname(fd, (struct sockaddr *)&name, &bytes) != 0)
        die("getsockname");
    return name;
}

/* All of 127.0.0.0/8 at one port. */
static int make_sink(void)
{
    struct sock_filter drop[] = {{BPF_RET | BPF_K, 0, 0, 0}};
    struct sock_fprog program = {.len = 1, .filter = drop};
    int fd = bound_socket(INADDR_ANY);

    if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0)
        die("filter");
    return fd;
}

static void make_camera(struct bench *bench)
{
    uint8_t receive[SRTP_KEY_MAX], send[SRTP_KEY_MAX];
    struct sockaddr_in to = name_of(bench->media_socket);

    room_keys(0, receive, send);
    bench->camera_socket = bound_socket(INADDR_LOOPBACK);
    if (connect(bench->camera_socket, (struct sockaddr *)&to, sizeof(to)) != 0)
        die("connect");
    for (unsigned i = 0; i < 2; i++) {
        if (camera_init(&bench->cameras[i], bench->profile, ROOM_CAMERA_SSRC, receive) != 0)
            die("camera");
    }
}

/* Peer 0 is the camera. */
static void fill_room(struct bench *bench, int sink)
{
    struct sockaddr_in name = name_of(bench->camera_socket);
    struct transport *transport = room_add_peer(bench->worker, bench->profile, 0, &name);
    struct producer *camera = transport ? room_add_camera(bench->worker, transport, 0) : NULL;

    for (uint32_t i = 0; i < bench->fan_out; i++) {
        name = floor_receiver_name(sink, i);
        transport = room_add_peer(bench->worker, bench->profile, 1 + i, &name);
        if (!camera || !transport ||
            !room_add_consumer(bench->worker, camera, transport, i, bench->is_paused))
            exit(1);
    }
}

static void bench_init(struct bench *bench, int sink)
{
    const struct shm_capacities capacities = {.workers = 1,
                                              .transports = RECEIVERS_MAX + 1,
                                              .producers = 4,
                                              .streams = 8,
                                              .consumers = RECEIVERS_MAX,
                                              .tuples = 4096,
                                              .command_ring_bytes = 65536,
                                              .event_ring_bytes = 65536,
                                              .punt_ring_bytes = 65536,
                                              .inject_ring_bytes = 65536,
                                              .peer_ring_bytes = 65536,
                                              .store_chunks = 16};
    struct worker_config config = {
        .segment = &bench->segment, .statistics = &bench->statistics, .srtp = bench->backend};
    char why[256] = "";

    strcpy(bench->folder, "/tmp/forwarder-bench-XXXXXX");
    if (!mkdtemp(bench->folder) || shm_segment_create(&capacities, &bench->segment) != 0 ||
        statistics_create(bench->folder, &capacities, &bench->statistics, why, sizeof(why)) != 0)
        die("segment");
    config.media_socket = bench->media_socket = bound_socket(INADDR_LOOPBACK);
    config.wake_fd = bench->wakes[0] = eventfd(0, EFD_NONBLOCK);
    config.control_wake_fd = bench->wakes[1] = eventfd(0, EFD_NONBLOCK);
    if (worker_create(&config, &bench->worker, why, sizeof(why)) != 0)
        die(why);

    make_camera(bench);
    fill_room(bench, sink);
}

static void bench_deinit(struct bench *bench)
{
    char path[80];

    worker_destroy(bench->worker);
    snprintf(path, sizeof(path), "%s/%s", bench->folder, STATISTICS_FILE);
    unlink(path);
    rmdir(bench->folder);
    statistics_deinit(&bench->statistics);
    shm_segment_deinit(&bench->segment, true);
    camera_deinit(&bench->cameras[0]);
    camera_deinit(&bench->cameras[1]);
    close(bench->media_socket);
    close(bench->camera_socket);
    close(bench->wakes[0]);
    close(bench->wakes[1]);
}

static void send_burst(const struct bench *bench, struct camera *camera)
{
    uint8_t data[CAMERA_PACKET_MAX];

    for (uint32_t i = 0; i < bench->burst; i++) {
        if (!camera_write(camera, i, bench->burst, bench->bytes, data) ||
            send(bench->camera_socket, data, bench->bytes, 0) != (ssize_t)bench->bytes)
            die("camera");
    }
}

/* CPU time of a packet sent. */
static double engine_turn(struct bench *bench, uint32_t rounds)
{
    uint64_t before = bench->worker->totals.rtp_forwarded;
    uint64_t spent_ns = 0;

    room_refresh_consent(bench->worker);
    for (uint32_t i = 0; i < rounds; i++) {
        send_burst(bench, &bench->cameras[0]);
        uint64_t begun_ns = cpu_ns();
        worker_round(bench->worker);
        spent_ns += cpu_ns() - begun_ns;
    }
    uint64_t sent = bench->worker->totals.rtp_forwarded - before;
    if (sent != (uint64_t)rounds * bench->burst * bench->fan_out)
        die("not all packets were forwarded");
    return (double)spent_ns / (double)sent;
}

static double floor_turn(struct bench *bench, struct floor *floor, uint32_t rounds)
{
    uint64_t spent_ns = 0;

    for (uint32_t i = 0; i < rounds; i++) {
        send_burst(bench, &bench->cameras[1]);
        uint64_t begun_ns = cpu_ns();
        floor_round(floor, bench->media_socket);
        spent_ns += cpu_ns() - begun_ns;
    }
    return (double)spent_ns / ((double)rounds * bench->burst * bench->fan_out);
}

static void keep_least(double *least, double value)
{
    if (*least == 0 || value < *least)
        *least = value;
}

static void measure(struct bench *bench, int sink, uint32_t packets)
{
    uint32_t rounds = packets / (bench->burst * bench->fan_out) + 1;
    uint8_t receive[SRTP_KEY_MAX], send[SRTP_KEY_MAX];
    double engine = 0, bare = 0;

    bench_init(bench, sink);
    room_keys(0, receive, send);
    struct floor *floor = floor_create(bench->backend, bench->profile, receive, sink, bench->fan_out,
                                       bench->bytes, bench->burst);
    if (!floor)
        die("floor");
    engine_turn(bench, 3); /* warms up, and is the key frame */
    for (unsigned turn = 0; turn < TURNS; turn++) {
        keep_least(&engine, engine_turn(bench, rounds));
        keep_least(&bare, floor_turn(bench, floor, rounds));
    }
    printf("%-10s %-18s %5u %8u %9.0f %9.0f %7.2f\n", bench->backend->name, profile_names[bench->profile],
           bench->bytes, bench->fan_out, engine, bare, engine / bare);
    fflush(stdout);
    floor_destroy(floor);
    bench_deinit(bench);
}

/* What a consumer costs that does not take the packets of a burst. */
static void measure_paused(int sink, uint32_t burst)
{
    static struct bench bench;
    uint64_t least_ns = UINT64_MAX;

    bench = (struct bench){.backend = &srtp_native,
                           .profile = SRTP_AEAD_AES_128_GCM,
                           .fan_out = RECEIVERS_MAX,
                           .bytes = 1200,
                           .burst = burst,
                           .is_paused = true};
    bench_init(&bench, sink);
    for (unsigned i = 0; i < 2000; i++) {
        room_refresh_consent(bench.worker);
        send_burst(&bench, &bench.cameras[0]);
        uint64_t begun_ns = cpu_ns();
        worker_round(bench.worker);
        uint64_t spent_ns = cpu_ns() - begun_ns;
        least_ns = spent_ns < least_ns ? spent_ns : least_ns;
    }
    if (bench.worker->totals.rtp_forwarded != 0 ||
        bench.worker->totals.drops[DROP_consumer_paused] != (uint64_t)2000 * burst * RECEIVERS_MAX)
        die("not all consumers were paused");
    printf("a consumer that does not take a burst of %u: %.1f ns (all of the round, over %u of them)\n",
           burst, (double)least_ns / RECEIVERS_MAX, RECEIVERS_MAX);
    bench_deinit(&bench);
}

int main(int argc, char **argv)
{
    static const struct srtp_backend *const backends[] = {&srtp_native, &srtp_libsrtp2};
    static const uint32_t fan_outs[] = {1, 10, 100, 1000};
    static const uint32_t sizes[] = {100, 1200};
    bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
    const char *burst = argc > 1 + quick ? argv[1 + quick] : "4";
    int sink = make_sink();

    if (srtp_libsrtp2.init() != 0)
        die("libsrtp2");
    printf("%-10s %-18s %5s %8s %9s %9s %7s\n", "backend", "profile", "bytes", "fan-out", "ns/packet",
           "floor ns", "ratio");
    for (unsigned b = 0; b < 2; b++) {
        if (backends[b]->init() != 0)
            die(backends[b]->name);
        for (int profile = SRTP_AEAD_AES_128_GCM; profile <= SRTP_AES128_CM_SHA1_80; profile++) {
            for (unsigned s = 0; s < 2; s++) {
                for (unsigned f = 0; f < 4; f++) {
                    static struct bench bench;
                    if (quick && (b != 0 || profile == SRTP_AEAD_AES_256_GCM))
                        continue;
                    bench = (struct bench){.backend = backends[b],
                                           .profile = (enum srtp_profile)profile,
                                           .fan_out = fan_outs[f],
                                           .bytes = sizes[s],
                                           .burst = (uint32_t)strtoul(burst, NULL, 10)};
                    measure(&bench, sink, quick ? 8000 : 20000);
                }
            }
        }
    }
    measure_paused(sink, (uint32_t)strtoul(burst, NULL, 10));
    return 0;
}
