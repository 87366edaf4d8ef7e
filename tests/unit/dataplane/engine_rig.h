/* A worker with everything around it, in one process: the segment and statistics it is given, control's ends
 * of the rings, and a real socket on loopback. Rounds are run by the test; clients are in engine_client.h.
 *
 * Time is the test's own: it stands still but for rig_pass_us and rig_wait_ms, and a moment for each datagram
 * that a client sends. What was sent over loopback is waited for, so nothing here depends on how fast the
 * machine is. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <poll.h>
#include <sched.h>
#include <srtp2/srtp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/worker.h"
#include "proto/schema/forwarder.pb-c.h"
#include "proto/wire/rtcp.h"
#include "proto/wire/rtcp_feedback.h"
#include "proto/wire/rtcp_report.h"
#include "proto/wire/rtp.h"
#include "proto/wire/rtp_ext.h"
#include "shm/address.h"
#include "tests/unit/dataplane/rig_backend.h"

#ifndef RIG_STORE_CHUNKS
#define RIG_STORE_CHUNKS 16
#endif
#ifndef RIG_WORKERS
#define RIG_WORKERS 2
#endif
#define RIG_MID_ID 1
#define RIG_RID_ID 2
#define RIG_ABS_SEND_TIME_ID 4
#define RIG_TWCC_ID 5
#define RIG_AUDIO_LEVEL_ID 10
#define RIG_DEPENDENCY_ID 12

#define RIG_DATAGRAM_US 10   /* what one that a client sends takes */
#define RIG_ARRIVAL_MS 30000 /* what was sent is there by then, whatever else the machine does */

/* The time of all workers that the test runs. */
static uint64_t rig_now_us = 1000000000;

/* Workers run in threads, by the real clock. */
static bool rig_is_threaded;

struct rig {
    uint32_t index;    /* of the worker; the second of a pair has the first one's memory */
    struct rig *other; /* NULL: there is one */
    int wakes[RIG_WORKERS];
    char folder[64];
    struct shm_segment segment;
    struct statistics statistics;
    int media_socket;
    int worker_wake;
    int control_wake;
    struct sockaddr_in media_name;
    struct worker *worker;

    struct tuple_map tuples;
    struct ring_producer commands;
    struct ring_consumer events;
    struct ring_consumer punts;
    struct ring_producer injects;
    uint64_t sequence;
    uint32_t start_bps;      /* of transports installed from now on: the first estimate */
    unsigned layers_changed; /* events of that kind that were passed over */
};

/* Two of everything that there is for each worker; most tests start one. */
static const struct shm_capacities rig_capacities = {
    .workers = RIG_WORKERS,
    .transports = 16,
    .producers = 16,
    .streams = 32,
    .consumers = 64,
    .tuples = 256,
    .command_ring_bytes = 65536,
    .event_ring_bytes = 65536,
    .punt_ring_bytes = 65536,
    .inject_ring_bytes = 65536,
    .peer_ring_bytes = 65536,
    .store_chunks = RIG_STORE_CHUNKS,
};

static inline uint64_t rig_clock_us(void)
{
    return rig_now_us;
}

static inline void rig_pass_us(uint64_t us)
{
    rig_now_us += us;
}

/* Datagrams over loopback keep their order while all are sent by one CPU: see rig_receive. */
static inline void rig_stay_on_cpu(void)
{
    cpu_set_t cpus;

    CPU_ZERO(&cpus);
    CPU_SET((size_t)sched_getcpu(), &cpus);
    assert_int_equal(sched_setaffinity(0, sizeof(cpus), &cpus), 0);
}

static inline void rig_start_worker(struct rig *rig)
{
    char why[256] = "";
    struct worker_config config = {.index = rig->index,
                                   .segment = &rig->segment,
                                   .statistics = &rig->statistics,
                                   .srtp = rig_srtp,
                                   .media_socket = rig->media_socket,
                                   .wake_fd = rig->worker_wake,
                                   .control_wake_fd = rig->control_wake,
                                   .peer_wake_fds = rig->other ? rig->wakes : NULL,
                                   .poll = WORKER_POLL_SLEEP,
                                   .clock_us = rig_is_threaded ? NULL : rig_clock_us};

    assert_int_equal(worker_create(&config, &rig->worker, why, sizeof(why)), 0);
}

static inline void rig_open(struct rig *rig)
{
    const struct shm_segment *segment = &rig->segment;
    socklen_t name_bytes = sizeof(rig->media_name);

    rig->media_socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    rig->media_name = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(rig->media_socket, (struct sockaddr *)&rig->media_name, name_bytes), 0);
    getsockname(rig->media_socket, (struct sockaddr *)&rig->media_name, &name_bytes);
    rig->worker_wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    rig->control_wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

    tuple_map_init(&rig->tuples, shm_segment_section(segment, SHM_SECTION_TUPLE_MAP),
                   shm_segment_section(segment, SHM_SECTION_TUPLE_INDEX), rig_capacities.tuples,
                   segment->secret);
    ring_producer_init(&rig->commands, shm_segment_at(segment, SHM_SECTION_COMMAND_RING, rig->index), 65536);
    ring_consumer_init(&rig->events, shm_segment_at(segment, SHM_SECTION_EVENT_RING, rig->index), 65536);
    ring_consumer_init(&rig->punts, shm_segment_at(segment, SHM_SECTION_PUNT_RING, rig->index), 65536);
    ring_producer_init(&rig->injects, shm_segment_at(segment, SHM_SECTION_INJECT_RING, rig->index), 65536);
}

static inline void rig_make_memory(struct rig *rig)
{
    char why[256] = "";

    memset(rig, 0, sizeof(*rig));
    if (!rig_is_threaded)
        rig_stay_on_cpu();
    assert_int_equal(srtp_libsrtp2.init(), 0);
    assert_int_equal(rig_srtp->init(), 0);
    snprintf(rig->folder, sizeof(rig->folder), "/tmp/kolabmeet-engine-XXXXXX");
    assert_non_null(mkdtemp(rig->folder));
    assert_int_equal(shm_segment_create(&rig_capacities, &rig->segment), 0);
    assert_int_equal(statistics_create(rig->folder, &rig_capacities, &rig->statistics, why, sizeof(why)), 0);
}

static inline void rig_init(struct rig *rig)
{
    rig_make_memory(rig);
    rig_open(rig);
    rig_start_worker(rig);
}

/* Two workers. Rounds of one are rounds of both. */
static inline void rig_init_pair(struct rig *first, struct rig *second)
{
    rig_make_memory(first);
    *second = *first;
    second->index = 1;
    first->other = second;
    second->other = first;
    rig_open(first);
    rig_open(second);
    first->wakes[0] = second->wakes[0] = first->worker_wake;
    first->wakes[1] = second->wakes[1] = second->worker_wake;
    rig_start_worker(first);
    rig_start_worker(second);
}

static inline void rig_deinit(struct rig *rig)
{
    char path[128];

    worker_destroy(rig->worker);
    close(rig->media_socket);
    close(rig->worker_wake);
    close(rig->control_wake);
    if (rig->index > 0)
        return;
    shm_segment_deinit(&rig->segment, true);
    statistics_deinit(&rig->statistics);
    snprintf(path, sizeof(path), "%s/%s", rig->folder, STATISTICS_FILE);
    unlink(path);
    rmdir(rig->folder);
}

static inline uint64_t rig_drops(const struct rig *rig, enum statistics_drop drop)
{
    return rig->worker->totals.drops[drop];
}

/* Whatever has happened, no packet stops at the line of a consumer that would take it. */
static inline void rig_check_fanouts(const struct rig *rig)
{
    const struct stream_table *table = &rig->worker->streams;

    for (uint32_t i = 0; i < rig_capacities.consumers; i++) {
        const struct consumer *consumer = &table->consumers[i];
        if (consumer->handle == SHM_HANDLE_NONE)
            continue;
        assert_ptr_equal(consumer->producer->fanout.lines[consumer->line].consumer, consumer);
        assert_true(fanout_lets_through(consumer));
    }
}

/* Rounds until there is nothing left to do. */
static inline void rig_rounds(struct rig *rig)
{
    uint32_t work;

    do {
        work = worker_round(rig->worker);
        rig_check_fanouts(rig);
        if (rig->other) {
            work += worker_round(rig->other->worker);
            rig_check_fanouts(rig->other);
        }
    } while (work > 0);
}

/* That much time passes, with what the timers do in it. */
static inline void rig_wait_ms(struct rig *rig, unsigned ms)
{
    for (unsigned passed_ms = 0; passed_ms < ms; passed_ms++) {
        rig_rounds(rig);
        rig_pass_us(1000);
    }
    rig_rounds(rig);
}

/* Until a datagram is there. */
static inline void rig_await(int socket)
{
    struct pollfd fd = {.fd = socket, .events = POLLIN};

    assert_int_equal(poll(&fd, 1, RIG_ARRIVAL_MS), 1);
}

/* The next datagram that was sent to that socket, or 0 when there is none. That is known, and not waited for:
 * a mark is sent after them by the worker's socket, and comes last. */
static inline size_t rig_receive(int socket, int workers_socket, uint8_t *data, size_t capacity)
{
    static uint32_t count;
    const uint32_t mark[2] = {0x6b72616d, ++count};
    struct sockaddr_in name;
    socklen_t name_bytes = sizeof(name);
    bool is_marked = false;

    for (;;) {
        ssize_t length = recv(socket, data, capacity, MSG_DONTWAIT);
        if (length >= 0 && (length != sizeof(mark) || memcmp(data, mark, sizeof(*mark)) != 0))
            return (size_t)length;
        if (length >= 0 && memcmp(data, mark, sizeof(mark)) == 0)
            return 0;
        if (length >= 0)
            continue; /* the mark of a call that was given a datagram instead */
        if (!is_marked) {
            getsockname(socket, (struct sockaddr *)&name, &name_bytes);
            ssize_t sent =
                sendto(workers_socket, mark, sizeof(mark), 0, (struct sockaddr *)&name, name_bytes);
            assert_int_equal(sent, sizeof(mark));
            is_marked = true;
        }
        rig_await(socket);
    }
}

/* The next event, to be freed by km__event__free_unpacked; NULL when there is none. */
static inline Km__Event *rig_next_event(struct rig *rig)
{
    uint8_t record[4096];
    uint32_t length;

    if (ring_pop(&rig->events, record, sizeof(record), &length) != 0)
        return NULL;
    Km__Event *event = km__event__unpack(NULL, length, record);
    assert_non_null(event);
    return event;
}

/* Drops events until one of this kind. */
static inline Km__Event *rig_find_event(struct rig *rig, Km__Event__BodyCase body)
{
    Km__Event *event;

    while ((event = rig_next_event(rig)) && event->body_case != body) {
        rig->layers_changed += event->body_case == KM__EVENT__BODY_LAYERS_CHANGED;
        km__event__free_unpacked(event, NULL);
    }
    return event;
}

/* Sends bytes as a command and returns the error of its Ack (positive errno). Other events are dropped. */
static inline uint32_t rig_command_bytes(struct rig *rig, const void *bytes, uint32_t length,
                                         uint64_t sequence)
{
    assert_int_equal(ring_push(&rig->commands, bytes, length), 0);
    rig_rounds(rig);
    Km__Event *event = rig_find_event(rig, KM__EVENT__BODY_ACK);
    assert_non_null(event);
    assert_int_equal(event->ack->sequence, sequence);
    uint32_t error = event->ack->error;
    if (error != 0)
        assert_true(strlen(event->ack->reason) > 0);
    km__event__free_unpacked(event, NULL);
    return error;
}

static inline uint32_t rig_command(struct rig *rig, Km__Command__BodyCase body, void *message)
{
    uint8_t packed[8192];
    Km__Command command = KM__COMMAND__INIT;

    command.sequence = ++rig->sequence;
    command.body_case = body;
    command.install_transport = message;
    assert_true(km__command__get_packed_size(&command) <= sizeof(packed));
    return rig_command_bytes(rig, packed, (uint32_t)km__command__pack(&command, packed), command.sequence);
}

static inline uint32_t rig_remove(struct rig *rig, Km__Command__BodyCase body, shm_handle handle)
{
    Km__Remove remove = KM__REMOVE__INIT;
    remove.handle = handle;
    return rig_command(rig, body, &remove);
}

static inline uint32_t rig_pause(struct rig *rig, Km__Command__BodyCase body, shm_handle handle, bool paused)
{
    Km__Pause pause = KM__PAUSE__INIT;
    pause.handle = handle;
    pause.paused = paused;
    return rig_command(rig, body, &pause);
}

static inline uint32_t rig_install_transport(struct rig *rig, shm_handle handle)
{
    Km__InstallTransport message = KM__INSTALL_TRANSPORT__INIT;
    message.transport = handle;
    message.ice_ufrag = (char *)"localufrag";
    message.ice_password = (char *)"localpasswordlocalpassword";
    message.initial_outgoing_bitrate_bps = rig->start_bps;
    return rig_command(rig, KM__COMMAND__BODY_INSTALL_TRANSPORT, &message);
}

static inline uint32_t rig_select(struct rig *rig, shm_handle transport, const struct shm_address *address)
{
    Km__SelectTuple message = KM__SELECT_TUPLE__INIT;
    message.transport = transport;
    message.address.data = (uint8_t *)address->ip;
    message.address.len = sizeof(address->ip);
    message.port = address->port;
    message.nominated = true;
    return rig_command(rig, KM__COMMAND__BODY_SELECT_TUPLE, &message);
}

static inline void rig_key(uint8_t *key, size_t bytes, uint8_t seed)
{
    for (size_t i = 0; i < bytes; i++)
        key[i] = (uint8_t)(seed + i * 7);
}

static inline uint32_t rig_install_keys(struct rig *rig, shm_handle transport, enum srtp_profile profile,
                                        uint8_t seed)
{
    Km__InstallKeys message = KM__INSTALL_KEYS__INIT;
    uint8_t receive[SRTP_KEY_MAX], send[SRTP_KEY_MAX];
    size_t bytes = srtp_key_bytes(profile);

    rig_key(receive, bytes, seed);
    rig_key(send, bytes, (uint8_t)(seed + 100));
    message.transport = transport;
    message.profile = (Km__SrtpProfile)profile;
    message.receive_key = (ProtobufCBinaryData){bytes, receive};
    message.send_key = (ProtobufCBinaryData){bytes, send};
    return rig_command(rig, KM__COMMAND__BODY_INSTALL_KEYS, &message);
}

/* A producer of one or more encodings, kind by codec. */
struct rig_producer {
    shm_handle handle;
    shm_handle transport;
    Km__Codec codec;
    uint32_t payload_type;
    uint32_t ssrcs[3]; /* 0: by RID r0, r1, r2 */
    unsigned encodings;
    const char *mid;
    bool is_mirror;          /* of the producer with that handle on the other worker */
    uint32_t spatial_layers; /* of its one encoding; 0: none are spoken of, likewise below */
    uint32_t temporal_layers;
};

static inline uint32_t rig_install_producer(struct rig *rig, const struct rig_producer *producer)
{
    static char *rids[] = {(char *)"r0", (char *)"r1", (char *)"r2"};
    Km__InstallProducer message = KM__INSTALL_PRODUCER__INIT;
    Km__PayloadType type = KM__PAYLOAD_TYPE__INIT;
    Km__PayloadType *types[] = {&type};
    Km__Encoding encodings[3];
    Km__Encoding *encoding_list[3];
    Km__HeaderExtension extensions[6];
    Km__HeaderExtension *extension_list[6];
    Km__Feedback feedback = KM__FEEDBACK__INIT;
    static const struct {
        Km__HeaderExtension__Uri uri;
        uint32_t id;
    } known[] = {{KM__HEADER_EXTENSION__URI__MID, RIG_MID_ID},
                 {KM__HEADER_EXTENSION__URI__RID, RIG_RID_ID},
                 {KM__HEADER_EXTENSION__URI__ABS_SEND_TIME, RIG_ABS_SEND_TIME_ID},
                 {KM__HEADER_EXTENSION__URI__TRANSPORT_WIDE_CC, RIG_TWCC_ID},
                 {KM__HEADER_EXTENSION__URI__AUDIO_LEVEL, RIG_AUDIO_LEVEL_ID},
                 {KM__HEADER_EXTENSION__URI__DEPENDENCY_DESCRIPTOR, RIG_DEPENDENCY_ID}};
    bool audio = producer->codec == KM__CODEC__OPUS;

    feedback.pli = feedback.nack = feedback.transport_cc = true;
    type.codec = producer->codec;
    type.clock_rate = audio ? 48000 : 90000;
    type.payload_type = producer->payload_type;
    type.rtx_payload_type = audio ? 0 : producer->payload_type + 1;
    type.router_payload_type = audio ? 100 : 101;
    type.router_rtx_payload_type = audio ? 0 : 102;
    type.in_band_fec = audio;
    for (unsigned i = 0; i < producer->encodings; i++) {
        km__encoding__init(&encodings[i]);
        encodings[i].stream = shm_handle_make(shm_handle_index(producer->handle) * 3 + i,
                                              shm_handle_generation(producer->handle));
        encodings[i].ssrc = producer->ssrcs[i];
        encodings[i].rtx_ssrc = producer->ssrcs[i] != 0 && !audio ? producer->ssrcs[i] + 1 : 0;
        encodings[i].spatial_layers = producer->spatial_layers;
        encodings[i].temporal_layers = producer->temporal_layers;
        encodings[i].rid = producer->ssrcs[i] == 0 ? rids[i] : (char *)"";
        encoding_list[i] = &encodings[i];
    }
    for (unsigned i = 0; i < 6; i++) {
        km__header_extension__init(&extensions[i]);
        extensions[i].uri = known[i].uri;
        extensions[i].id = known[i].id;
        extension_list[i] = &extensions[i];
    }
    message.producer = producer->handle;
    message.transport = producer->transport;
    message.kind = audio ? KM__MEDIA_KIND__AUDIO : KM__MEDIA_KIND__VIDEO;
    message.type = producer->encodings > 1        ? KM__CONSUMER_TYPE__SIMULCAST
                   : producer->spatial_layers > 1 ? KM__CONSUMER_TYPE__SVC
                                                  : KM__CONSUMER_TYPE__SIMPLE;
    message.mid = (char *)producer->mid;
    message.cname = (char *)"peer-cname";
    message.n_payload_types = 1;
    message.payload_types = types;
    message.n_encodings = producer->encodings;
    message.encodings = encoding_list;
    message.n_header_extensions = 6;
    message.header_extensions = extension_list;
    message.feedback = &feedback;
    if (producer->is_mirror) {
        Km__MirrorProducer mirror = KM__MIRROR_PRODUCER__INIT;
        mirror.producer = &message;
        mirror.worker = 1 - rig->index;
        return rig_command(rig, KM__COMMAND__BODY_MIRROR_PRODUCER, &mirror);
    }
    return rig_command(rig, KM__COMMAND__BODY_INSTALL_PRODUCER, &message);
}

struct rig_consumer {
    shm_handle handle;
    shm_handle transport;
    shm_handle producer;
    uint32_t ssrc;
    uint32_t rtx_ssrc; /* 0: none */
    const char *mid;
    bool paused;
};

static inline uint32_t rig_install_consumer(struct rig *rig, const struct rig_consumer *consumer)
{
    Km__InstallConsumer message = KM__INSTALL_CONSUMER__INIT;
    Km__Feedback feedback = KM__FEEDBACK__INIT;
    Km__HeaderExtension mid = KM__HEADER_EXTENSION__INIT;
    Km__HeaderExtension abs_send_time = KM__HEADER_EXTENSION__INIT;
    Km__HeaderExtension transport_cc = KM__HEADER_EXTENSION__INIT;
    Km__HeaderExtension dependency = KM__HEADER_EXTENSION__INIT;
    Km__HeaderExtension *extensions[] = {&mid, &abs_send_time, &transport_cc, &dependency};

    mid.uri = KM__HEADER_EXTENSION__URI__MID;
    mid.id = 1;
    abs_send_time.uri = KM__HEADER_EXTENSION__URI__ABS_SEND_TIME;
    abs_send_time.id = 3;
    transport_cc.uri = KM__HEADER_EXTENSION__URI__TRANSPORT_WIDE_CC;
    transport_cc.id = 6;
    dependency.uri = KM__HEADER_EXTENSION__URI__DEPENDENCY_DESCRIPTOR;
    dependency.id = RIG_DEPENDENCY_ID;
    message.consumer = consumer->handle;
    message.transport = consumer->transport;
    message.producer = consumer->producer;
    message.ssrc = consumer->ssrc;
    message.rtx_ssrc = consumer->rtx_ssrc;
    message.mid = (char *)consumer->mid;
    message.n_header_extensions = 4;
    message.header_extensions = extensions;
    feedback.nack = feedback.pli = feedback.transport_cc = true;
    message.feedback = &feedback;
    message.priority = 1;
    message.paused = consumer->paused;
    return rig_command(rig, KM__COMMAND__BODY_INSTALL_CONSUMER, &message);
}
