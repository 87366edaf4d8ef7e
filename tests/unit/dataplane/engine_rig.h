/* A worker with everything around it, in one process: the segment and statistics it is given, control's ends
 * of the rings, a real socket on loopback, and clients that speak SRTP by libsrtp2. Rounds are run by the
 * test. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <poll.h>
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

#define RIG_MID_ID 1
#define RIG_RID_ID 2
#define RIG_ABS_SEND_TIME_ID 4
#define RIG_TWCC_ID 5
#define RIG_AUDIO_LEVEL_ID 10

struct rig {
    uint32_t index;    /* of the worker */
    struct rig *other; /* of the other worker of a pair, with the same memory; NULL: there is one */
    bool is_second;    /* memory is the other's */
    int wakes[2];      /* of both */
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
    unsigned layers_changed; /* events of that kind that were passed over */
};

/* A peer with a transport: its socket, and the other halves of its keys. */
struct client {
    int socket;
    struct shm_address address; /* as the worker sees it */
    shm_handle transport;
    srtp_t out;
    srtp_t in;
};

struct rig_packet {
    uint8_t data[2048];
    size_t length;
    bool rtcp;
};

/* Two of everything that there is for each worker; most tests start one. */
static const struct shm_capacities rig_capacities = {
    .workers = 2,
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
    .store_slots = 256,
};

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
                                   .poll = WORKER_POLL_SLEEP};

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

    tuple_map_init(&rig->tuples, shm_segment_section(segment, SHM_SECTION_TUPLE_MAP), rig_capacities.tuples);
    ring_producer_init(&rig->commands, shm_segment_at(segment, SHM_SECTION_COMMAND_RING, rig->index), 65536);
    ring_consumer_init(&rig->events, shm_segment_at(segment, SHM_SECTION_EVENT_RING, rig->index), 65536);
    ring_consumer_init(&rig->punts, shm_segment_at(segment, SHM_SECTION_PUNT_RING, rig->index), 65536);
    ring_producer_init(&rig->injects, shm_segment_at(segment, SHM_SECTION_INJECT_RING, rig->index), 65536);
}

static inline void rig_make_memory(struct rig *rig)
{
    char why[256] = "";

    memset(rig, 0, sizeof(*rig));
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
    second->is_second = true;
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
    if (rig->is_second)
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

/* Rounds until there is nothing left to do. */
static inline void rig_rounds(struct rig *rig)
{
    uint32_t work;

    do {
        work = worker_round(rig->worker);
        if (rig->other)
            work += worker_round(rig->other->worker);
    } while (work > 0);
}

/* Rounds for that long, with what the timers do in it. */
static inline void rig_wait_ms(struct rig *rig, unsigned ms)
{
    for (unsigned i = 0; i < ms / 5; i++) {
        rig_rounds(rig);
        usleep(5000);
    }
    rig_rounds(rig);
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

static inline srtp_t client_context(enum srtp_profile profile, srtp_ssrc_type_t direction, uint8_t seed)
{
    uint8_t key[SRTP_KEY_MAX];
    srtp_policy_t policy = {.ssrc.type = direction, .key = key, .window_size = 1024, .allow_repeat_tx = 1};
    srtp_t context;

    rig_key(key, srtp_key_bytes(profile), seed);
    if (profile == SRTP_AEAD_AES_128_GCM) {
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
    } else if (profile == SRTP_AEAD_AES_256_GCM) {
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp);
    } else {
        srtp_crypto_policy_set_rtp_default(&policy.rtp);
        srtp_crypto_policy_set_rtcp_default(&policy.rtcp);
    }
    assert_int_equal(srtp_create(&context, &policy), srtp_err_status_ok);
    return context;
}

/* A socket of its own, connected to the worker's. */
static inline void client_open(struct client *client, const struct rig *rig)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t name_bytes = sizeof(name);

    memset(client, 0, sizeof(*client));
    client->socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(client->socket, (struct sockaddr *)&name, sizeof(name)), 0);
    getsockname(client->socket, (struct sockaddr *)&name, &name_bytes);
    assert_true(shm_address_from_sockaddr((struct sockaddr *)&name, &client->address));
    assert_int_equal(
        connect(client->socket, (const struct sockaddr *)&rig->media_name, sizeof(rig->media_name)), 0);
}

/* A transport at row index, connected: tuple, selected pair, keys. */
static inline void client_join(struct client *client, struct rig *rig, uint32_t index,
                               enum srtp_profile profile)
{
    uint8_t seed = (uint8_t)(index * 10 + 1);

    client_open(client, rig);
    client->transport = shm_handle_make(index, 1);
    assert_int_equal(rig_install_transport(rig, client->transport), 0);
    assert_int_equal(tuple_map_insert(&rig->tuples, &client->address, client->transport, rig->index), 0);
    assert_int_equal(rig_select(rig, client->transport, &client->address), 0);
    assert_int_equal(rig_install_keys(rig, client->transport, profile, seed), 0);
    client->out = client_context(profile, ssrc_any_outbound, seed);
    client->in = client_context(profile, ssrc_any_inbound, (uint8_t)(seed + 100));
}

static inline void client_close(struct client *client)
{
    if (client->out)
        srtp_dealloc(client->out);
    if (client->in)
        srtp_dealloc(client->in);
    close(client->socket);
}

static inline void client_send_raw(struct client *client, struct rig *rig, const void *data, size_t length)
{
    assert_int_equal(send(client->socket, data, length, 0), (int)length);
    rig_rounds(rig);
}

struct rig_rtp {
    uint32_t ssrc;
    uint8_t payload_type;
    uint16_t sequence;
    uint32_t timestamp;
    bool marker;
    const char *mid; /* NULL: no extension; likewise the next */
    const char *rid;
    const uint16_t *transport_sequence;
    const uint8_t *payload;
    size_t payload_length;
    uint8_t padding;
};

/* A plain packet. Returns its length. */
static inline size_t rig_write_rtp(uint8_t *data, size_t capacity, const struct rig_rtp *rtp)
{
    struct rtp_ext_item items[3];
    uint8_t number[2];
    size_t count = 0;
    struct rtp_header header = {.payload_type = rtp->payload_type,
                                .marker = rtp->marker,
                                .sequence = rtp->sequence,
                                .timestamp = rtp->timestamp,
                                .ssrc = rtp->ssrc,
                                .has_padding = rtp->padding > 0};
    if (rtp->mid)
        items[count++] =
            (struct rtp_ext_item){RIG_MID_ID, (uint8_t)strlen(rtp->mid), (const uint8_t *)rtp->mid};
    if (rtp->rid)
        items[count++] =
            (struct rtp_ext_item){RIG_RID_ID, (uint8_t)strlen(rtp->rid), (const uint8_t *)rtp->rid};
    if (rtp->transport_sequence) {
        store_be16(number, *rtp->transport_sequence);
        items[count++] = (struct rtp_ext_item){RIG_TWCC_ID, 2, number};
    }
    header.has_extension = count > 0;
    rtp_write_fixed_header(data, &header);
    size_t length = RTP_FIXED_HEADER_BYTES;
    length += (size_t)rtp_ext_write(data + length, capacity - length, items, count, RTP_EXT_FORM_AUTO);
    if (rtp->payload_length > 0)
        memcpy(data + length, rtp->payload, rtp->payload_length);
    length += rtp->payload_length;
    memset(data + length, 0, rtp->padding);
    length += rtp->padding;
    if (rtp->padding > 0)
        data[length - 1] = rtp->padding;
    return length;
}

static inline size_t client_protect(struct client *client, uint8_t *data, size_t length, bool rtcp)
{
    int bytes = (int)length;
    srtp_err_status_t status =
        rtcp ? srtp_protect_rtcp(client->out, data, &bytes) : srtp_protect(client->out, data, &bytes);
    assert_int_equal(status, srtp_err_status_ok);
    return (size_t)bytes;
}

static inline void client_send_rtp(struct client *client, struct rig *rig, const struct rig_rtp *rtp)
{
    uint8_t data[2048];
    size_t length = rig_write_rtp(data, sizeof(data) - 64, rtp);

    client_send_raw(client, rig, data, client_protect(client, data, length, false));
}

static inline void client_send_rtcp(struct client *client, struct rig *rig, const uint8_t *rtcp,
                                    size_t length)
{
    uint8_t data[2048];

    memcpy(data, rtcp, length);
    client_send_raw(client, rig, data, client_protect(client, data, length, true));
}

/* The next datagram as it came, or 0 when none waits. */
static inline size_t client_receive_raw(struct client *client, uint8_t *data, size_t capacity)
{
    struct pollfd fd = {.fd = client->socket, .events = POLLIN};

    if (poll(&fd, 1, 20) <= 0)
        return 0;
    ssize_t length = recv(client->socket, data, capacity, 0);
    assert_true(length > 0);
    return (size_t)length;
}

/* The next packet, decrypted. False when none waits. One that does not decrypt fails the test. */
static inline bool client_receive(struct client *client, struct rig_packet *ret_packet)
{
    size_t length = client_receive_raw(client, ret_packet->data, sizeof(ret_packet->data));

    if (length == 0)
        return false;
    int bytes = (int)length;
    ret_packet->rtcp = ret_packet->data[1] >= 192 && ret_packet->data[1] <= 223;
    srtp_err_status_t status = ret_packet->rtcp ? srtp_unprotect_rtcp(client->in, ret_packet->data, &bytes)
                                                : srtp_unprotect(client->in, ret_packet->data, &bytes);
    assert_int_equal(status, srtp_err_status_ok);
    ret_packet->length = (size_t)bytes;
    return true;
}

/* The next RTP packet, over RTCP in between. */
static inline bool client_receive_rtp(struct client *client, struct rig_packet *ret_packet,
                                      struct rtp_header *ret_header)
{
    while (client_receive(client, ret_packet)) {
        if (ret_packet->rtcp)
            continue;
        assert_int_equal(rtp_parse(ret_packet->data, ret_packet->length, ret_header), 0);
        return true;
    }
    return false;
}

/* How many RTCP packets of that type and format are waiting; the last one is left in ret_packet. All is read.
 */
static inline unsigned client_count_rtcp(struct client *client, uint8_t type, int format,
                                         struct rig_packet *ret_packet, struct rtcp_packet *ret_part)
{
    struct rig_packet packet;
    unsigned count = 0;

    while (client_receive(client, &packet)) {
        struct rtcp_iterator iterator;
        struct rtcp_packet part;
        if (!packet.rtcp)
            continue;
        assert_int_equal(rtcp_begin(&iterator, packet.data, packet.length), 0);
        while (rtcp_next(&iterator, &part)) {
            if (part.type != type || (format >= 0 && part.count != format))
                continue;
            count++;
            *ret_packet = packet;
            *ret_part = part;
            ret_part->data = ret_packet->data + (part.data - packet.data);
        }
    }
    return count;
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
    bool is_mirror; /* of the producer with that handle on the other worker */
};

static inline uint32_t rig_install_producer(struct rig *rig, const struct rig_producer *producer)
{
    static char *rids[] = {(char *)"r0", (char *)"r1", (char *)"r2"};
    Km__InstallProducer message = KM__INSTALL_PRODUCER__INIT;
    Km__PayloadType type = KM__PAYLOAD_TYPE__INIT;
    Km__PayloadType *types[] = {&type};
    Km__Encoding encodings[3];
    Km__Encoding *encoding_list[3];
    Km__HeaderExtension extensions[5];
    Km__HeaderExtension *extension_list[5];
    Km__Feedback feedback = KM__FEEDBACK__INIT;
    static const struct {
        Km__HeaderExtension__Uri uri;
        uint32_t id;
    } known[] = {{KM__HEADER_EXTENSION__URI__MID, RIG_MID_ID},
                 {KM__HEADER_EXTENSION__URI__RID, RIG_RID_ID},
                 {KM__HEADER_EXTENSION__URI__ABS_SEND_TIME, RIG_ABS_SEND_TIME_ID},
                 {KM__HEADER_EXTENSION__URI__TRANSPORT_WIDE_CC, RIG_TWCC_ID},
                 {KM__HEADER_EXTENSION__URI__AUDIO_LEVEL, RIG_AUDIO_LEVEL_ID}};
    bool audio = producer->codec == KM__CODEC__OPUS;

    feedback.pli = feedback.nack = feedback.transport_cc = true;
    type.codec = producer->codec;
    type.clock_rate = audio ? 48000 : 90000;
    type.payload_type = producer->payload_type;
    type.rtx_payload_type = audio ? 0 : producer->payload_type + 1;
    type.router_payload_type = audio ? 100 : 101;
    type.router_rtx_payload_type = audio ? 0 : 102;
    for (unsigned i = 0; i < producer->encodings; i++) {
        km__encoding__init(&encodings[i]);
        encodings[i].stream = shm_handle_make(shm_handle_index(producer->handle) * 3 + i,
                                              shm_handle_generation(producer->handle));
        encodings[i].ssrc = producer->ssrcs[i];
        encodings[i].rtx_ssrc = producer->ssrcs[i] != 0 && !audio ? producer->ssrcs[i] + 1 : 0;
        encodings[i].rid = producer->ssrcs[i] == 0 ? rids[i] : (char *)"";
        encoding_list[i] = &encodings[i];
    }
    for (unsigned i = 0; i < 5; i++) {
        km__header_extension__init(&extensions[i]);
        extensions[i].uri = known[i].uri;
        extensions[i].id = known[i].id;
        extension_list[i] = &extensions[i];
    }
    message.producer = producer->handle;
    message.transport = producer->transport;
    message.kind = audio ? KM__MEDIA_KIND__AUDIO : KM__MEDIA_KIND__VIDEO;
    message.type = producer->encodings > 1 ? KM__CONSUMER_TYPE__SIMULCAST : KM__CONSUMER_TYPE__SIMPLE;
    message.mid = (char *)producer->mid;
    message.cname = (char *)"peer-cname";
    message.n_payload_types = 1;
    message.payload_types = types;
    message.n_encodings = producer->encodings;
    message.encodings = encoding_list;
    message.n_header_extensions = 5;
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
    const char *mid;
    bool paused;
};

static inline uint32_t rig_install_consumer(struct rig *rig, const struct rig_consumer *consumer)
{
    Km__InstallConsumer message = KM__INSTALL_CONSUMER__INIT;
    Km__HeaderExtension mid = KM__HEADER_EXTENSION__INIT;
    Km__HeaderExtension abs_send_time = KM__HEADER_EXTENSION__INIT;
    Km__HeaderExtension transport_cc = KM__HEADER_EXTENSION__INIT;
    Km__HeaderExtension *extensions[] = {&mid, &abs_send_time, &transport_cc};

    mid.uri = KM__HEADER_EXTENSION__URI__MID;
    mid.id = 1;
    abs_send_time.uri = KM__HEADER_EXTENSION__URI__ABS_SEND_TIME;
    abs_send_time.id = 3;
    transport_cc.uri = KM__HEADER_EXTENSION__URI__TRANSPORT_WIDE_CC;
    transport_cc.id = 6;
    message.consumer = consumer->handle;
    message.transport = consumer->transport;
    message.producer = consumer->producer;
    message.ssrc = consumer->ssrc;
    message.mid = (char *)consumer->mid;
    message.cname = (char *)"peer-cname";
    message.n_header_extensions = 3;
    message.header_extensions = extensions;
    message.priority = 1;
    message.paused = consumer->paused;
    return rig_command(rig, KM__COMMAND__BODY_INSTALL_CONSUMER, &message);
}
