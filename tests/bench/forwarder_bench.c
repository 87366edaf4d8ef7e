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
#include <netinet/udp.h>
#include <srtp2/srtp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/commands.h"
#include "dataplane/forward.h"
#include "dataplane/srtp_native.h"
#include "dataplane/srtp_provider.h"
#include "dataplane/worker.h"
#include "proto/wire/bytes.h"
#include "shm/address.h"
#include "tests/bench/forwarder_floor.h"

#define RECEIVERS_MAX 1000u
#define TURNS 6u
#define CAMERA_SSRC 0x1234u

struct camera {
    srtp_t srtp;
    uint16_t sequence;
    uint32_t timestamp;
    uint16_t picture;
};

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

static void make_keys(uint32_t peer, uint8_t receive[SRTP_KEY_MAX], uint8_t send[SRTP_KEY_MAX])
{
    for (unsigned i = 0; i < SRTP_KEY_MAX; i++) {
        receive[i] = (uint8_t)(peer * 31 + (peer >> 8) + i * 7);
        send[i] = (uint8_t)(receive[i] ^ 0x5a);
    }
}

/* Peer 0 is the camera. */
static struct transport *add_peer(struct bench *bench, uint32_t peer, const struct sockaddr_in *name)
{
    struct worker *worker = bench->worker;
    shm_handle handle = shm_handle_make(peer, 1);
    struct shm_transport_row row = {.rtcp_ssrc = 5};
    struct transport *transport;
    struct shm_address address;
    uint8_t receive[SRTP_KEY_MAX], send[SRTP_KEY_MAX];

    make_keys(peer, receive, send);
    shm_address_from_sockaddr((const struct sockaddr *)name, &address);
    if (tuple_map_insert(&worker->tuples, &address, handle, 0) != 0 ||
        transport_install(&worker->transports, &bench->segment, handle, &row, worker->now_us, &transport) !=
            0 ||
        transport_set_keys(&worker->transports, transport, bench->profile, receive, send) != 0)
        die("transport");
    transport_select(transport, &address, true, worker->now_us);
    return transport;
}

static struct producer *add_producer(struct bench *bench, struct transport *camera)
{
    Km__InstallProducer message = KM__INSTALL_PRODUCER__INIT;
    Km__PayloadType type = KM__PAYLOAD_TYPE__INIT;
    Km__PayloadType *types[] = {&type};
    Km__Encoding encoding = KM__ENCODING__INIT;
    Km__Encoding *encodings[] = {&encoding};
    struct shm_producer_row row;
    struct shm_stream_row streams[MEDIA_ENCODINGS_MAX];
    struct producer *producer;
    const char *reason = "";

    type.codec = KM__CODEC__VP8;
    type.clock_rate = 90000;
    type.payload_type = 96;
    type.router_payload_type = 101;
    encoding.stream = shm_handle_make(0, 1);
    encoding.ssrc = CAMERA_SSRC;
    encoding.rid = (char *)"";
    message.producer = shm_handle_make(0, 1);
    message.transport = camera->handle;
    message.kind = KM__MEDIA_KIND__VIDEO;
    message.mid = (char *)"0";
    message.cname = (char *)"camera";
    message.n_payload_types = message.n_encodings = 1;
    message.payload_types = types;
    message.encodings = encodings;
    if (commands_read_producer(&message, &row, streams, &reason) != 0 ||
        producer_install(&bench->worker->streams, camera, message.producer, &row, streams, &producer) != 0)
        die("producer");
    return producer;
}

static void add_consumer(struct bench *bench, struct producer *producer, struct transport *transport,
                         uint32_t number)
{
    static const Km__HeaderExtension__Uri uris[] = {KM__HEADER_EXTENSION__URI__MID,
                                                    KM__HEADER_EXTENSION__URI__ABS_SEND_TIME,
                                                    KM__HEADER_EXTENSION__URI__TRANSPORT_WIDE_CC};
    Km__InstallConsumer message = KM__INSTALL_CONSUMER__INIT;
    Km__HeaderExtension extensions[3];
    Km__HeaderExtension *list[3];
    struct shm_consumer_row row;
    struct consumer *consumer;
    const char *reason = "";

    for (unsigned i = 0; i < 3; i++) {
        km__header_extension__init(&extensions[i]);
        extensions[i].uri = uris[i];
        extensions[i].id = 1 + 2 * i;
        list[i] = &extensions[i];
    }
    message.consumer = shm_handle_make(number, 1);
    message.transport = transport->handle;
    message.producer = producer->handle;
    message.ssrc = 1000 + number;
    message.paused = bench->is_paused;
    message.mid = (char *)"0";
    message.n_header_extensions = 3;
    message.header_extensions = list;
    if (commands_read_consumer(bench->worker, &message, producer, &row, &reason) != 0 ||
        consumer_install(&bench->worker->streams, transport, producer, message.consumer, &row, &consumer) !=
            0)
        die("consumer");
    forward_begin(bench->worker, consumer);
}

static void make_camera(struct bench *bench)
{
    uint8_t receive[SRTP_KEY_MAX], send[SRTP_KEY_MAX];
    struct sockaddr_in to = name_of(bench->media_socket);

    make_keys(0, receive, send);
    bench->camera_socket = bound_socket(INADDR_LOOPBACK);
    if (connect(bench->camera_socket, (struct sockaddr *)&to, sizeof(to)) != 0)
        die("connect");
    for (unsigned i = 0; i < 2; i++)
        bench->cameras[i] = (struct camera){.srtp = floor_srtp_context(bench->profile, receive, true)};
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
                                              .store_slots = 256};
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
    struct sockaddr_in name = name_of(bench->camera_socket);
    struct transport *camera = add_peer(bench, 0, &name);
    struct producer *producer = add_producer(bench, camera);
    for (uint32_t i = 0; i < bench->fan_out; i++) {
        name = floor_receiver_name(sink, i);
        add_consumer(bench, producer, add_peer(bench, 1 + i, &name), i);
    }
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
    srtp_dealloc(bench->cameras[0].srtp);
    srtp_dealloc(bench->cameras[1].srtp);
    close(bench->media_socket);
    close(bench->camera_socket);
    close(bench->wakes[0]);
    close(bench->wakes[1]);
}

/* A frame: VP8 with 15-bit picture ids, the first one a key frame. */
static void send_burst(const struct bench *bench, struct camera *camera)
{
    bool is_key = camera->picture == 0;

    for (uint32_t i = 0; i < bench->burst; i++) {
        uint8_t data[2048] = {0x80, (uint8_t)(96 | (i + 1 == bench->burst ? 0x80 : 0))};
        store_be16(data + 2, camera->sequence++);
        store_be32(data + 4, camera->timestamp);
        store_be32(data + 8, CAMERA_SSRC);
        const uint8_t descriptor[] = {(uint8_t)(i == 0 ? 0x90 : 0x80), 0x80,
                                      (uint8_t)(0x80 | camera->picture >> 8), (uint8_t)camera->picture,
                                      is_key && i == 0 ? 0x10 : 0x11};
        memcpy(data + 12, descriptor, sizeof(descriptor));
        int length = (int)(bench->bytes - srtp_trailer_bytes(bench->profile, SRTP_KIND_RTP));
        if (srtp_protect(camera->srtp, data, &length) != srtp_err_status_ok ||
            send(bench->camera_socket, data, (size_t)length, 0) != length)
            die("camera");
    }
    camera->timestamp += 3000;
    camera->picture = (uint16_t)((camera->picture + 1) & 0x7fff);
}

/* As if every receiver had just sent a check: making a thousand of them can take longer than consent lasts.
 */
static void refresh_consent(struct bench *bench)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    for (uint32_t i = 0; i <= bench->fan_out; i++)
        bench->worker->transports.transports[i].row->consent_us =
            (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* CPU time of a packet sent. */
static double engine_turn(struct bench *bench, uint32_t rounds)
{
    uint64_t before = bench->worker->totals.rtp_forwarded;
    uint64_t spent_ns = 0;

    refresh_consent(bench);
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
    make_keys(0, receive, send);
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
        refresh_consent(&bench);
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
