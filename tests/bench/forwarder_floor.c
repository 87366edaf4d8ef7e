#include "tests/bench/forwarder_floor.h"

#include <arpa/inet.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "dataplane/port.h"
#include "dataplane/srtp_native.h"
#include "dataplane/srtp_provider.h"
#include "tests/bench/camera.h"

#define HEAD_BYTES 32u /* RTP header with its extensions, as the engine writes it */
#define DESCRIPTOR_BYTES 4u
#define MESSAGES PORT_SEND_BUFFERS

struct receiver {
    struct srtp_cipher_key *key; /* native */
    srtp_t context;              /* libsrtp2 */
    uint16_t sequence;
};

struct floor {
    bool native;
    const struct srtp_provider *provider;
    enum srtp_profile profile;
    uint32_t fan_out;
    uint32_t burst;
    uint32_t plain_bytes; /* of a packet that is sent */
    uint32_t sent_bytes;
    struct srtp_cipher_key *camera_key;
    srtp_t camera_context;
    struct receiver *receivers;
    struct sockaddr_in *names;

    struct mmsghdr received[PORT_BATCH];
    struct iovec received_vectors[PORT_BATCH];
    struct sockaddr_in received_names[PORT_BATCH];
    uint8_t received_data[PORT_BATCH][PORT_BUFFER_BYTES];

    struct mmsghdr messages[MESSAGES];
    struct iovec vectors[PORT_SEND_BUFFERS];
    struct srtp_cipher_job jobs[PORT_SEND_BUFFERS];
    _Alignas(struct cmsghdr) uint8_t controls[MESSAGES][CMSG_SPACE(sizeof(uint16_t))];
    uint8_t buffers[PORT_SEND_BUFFERS][PORT_BUFFER_BYTES];
};

struct sockaddr_in floor_receiver_name(int sink, uint32_t receiver)
{
    struct sockaddr_in name;
    socklen_t bytes = sizeof(name);

    getsockname(sink, (struct sockaddr *)&name, &bytes);
    name.sin_addr.s_addr = htonl(0x7f010000u + 1 + receiver);
    return name;
}

/* NULL when it cannot be expanded. */
static struct srtp_cipher_key *make_key(const struct floor *floor, const uint8_t *key)
{
    struct srtp_cipher_key *made = aligned_alloc(SHM_CACHE_LINE, SRTP_CIPHER_KEY_BYTES);

    if (made && floor->provider->key_init(floor->profile, key, key, made) != 0) {
        free(made);
        return NULL;
    }
    return made;
}

static void free_key(const struct floor *floor, struct srtp_cipher_key *key)
{
    if (key)
        floor->provider->key_deinit(key);
    free(key);
}

static bool make_receiver(struct floor *floor, struct receiver *receiver, uint32_t number)
{
    uint8_t key[SRTP_KEY_MAX];

    for (unsigned i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)(number * 13 + (number >> 8) + i * 5);
    if (floor->native) {
        receiver->key = make_key(floor, key);
        return receiver->key != NULL;
    }
    receiver->context = camera_srtp_context(floor->profile, key, true);
    return receiver->context != NULL;
}

struct floor *floor_create(const struct srtp_backend *backend, enum srtp_profile profile,
                           const uint8_t *receive_key, int sink, uint32_t fan_out, uint32_t bytes,
                           uint32_t burst)
{
    struct floor *floor = aligned_alloc(64, (sizeof(*floor) + 63) / 64 * 64);
    uint32_t trailer = (uint32_t)srtp_trailer_bytes(profile, SRTP_KIND_RTP);

    if (!floor)
        return NULL;
    memset(floor, 0, sizeof(*floor));
    floor->native = backend != &srtp_libsrtp2;
    floor->provider = srtp_provider_choose();
    floor->profile = profile;
    floor->fan_out = fan_out;
    floor->burst = burst;
    floor->plain_bytes = bytes - trailer - 12 + HEAD_BYTES;
    floor->sent_bytes = floor->plain_bytes + trailer;
    floor->receivers = calloc(fan_out, sizeof(*floor->receivers));
    floor->names = calloc(fan_out, sizeof(*floor->names));
    if (floor->native)
        floor->camera_key = make_key(floor, receive_key);
    else
        floor->camera_context = camera_srtp_context(profile, receive_key, false);
    for (uint32_t i = 0; i < fan_out; i++) {
        floor->names[i] = floor_receiver_name(sink, i);
        if (!make_receiver(floor, &floor->receivers[i], i)) {
            floor_destroy(floor);
            return NULL;
        }
    }
    for (uint32_t i = 0; i < PORT_BATCH; i++) {
        floor->received_vectors[i] = (struct iovec){floor->received_data[i], PORT_BUFFER_BYTES};
        floor->received[i].msg_hdr = (struct msghdr){.msg_name = &floor->received_names[i],
                                                     .msg_namelen = sizeof(floor->received_names[i]),
                                                     .msg_iov = &floor->received_vectors[i],
                                                     .msg_iovlen = 1};
    }
    uint16_t segment = (uint16_t)floor->sent_bytes;
    for (uint32_t i = 0; i < PORT_SEND_BUFFERS; i++) {
        struct msghdr *header = &floor->messages[i].msg_hdr;
        floor->vectors[i] = (struct iovec){floor->buffers[i], floor->sent_bytes};
        floor->buffers[i][0] = 0x90;
        floor->buffers[i][12] = 0xbe;
        floor->buffers[i][13] = 0xde;
        floor->buffers[i][15] = (HEAD_BYTES - 16) / 4;
        header->msg_namelen = sizeof(struct sockaddr_in);
        header->msg_control = burst > 1 ? floor->controls[i] : NULL;
        header->msg_controllen = burst > 1 ? sizeof(floor->controls[i]) : 0;
        if (burst > 1) {
            struct cmsghdr *control = CMSG_FIRSTHDR(header);
            control->cmsg_level = SOL_UDP;
            control->cmsg_type = UDP_SEGMENT;
            control->cmsg_len = CMSG_LEN(sizeof(segment));
            memcpy(CMSG_DATA(control), &segment, sizeof(segment));
        }
    }
    return floor;
}

void floor_destroy(struct floor *floor)
{
    if (!floor)
        return;
    for (uint32_t i = 0; i < floor->fan_out; i++) {
        free_key(floor, floor->receivers[i].key);
        if (floor->receivers[i].context)
            srtp_dealloc(floor->receivers[i].context);
    }
    free_key(floor, floor->camera_key);
    if (floor->camera_context)
        srtp_dealloc(floor->camera_context);
    free(floor->receivers);
    free(floor->names);
    free(floor);
}

static void open_all(struct floor *floor, uint32_t count)
{
    uint32_t tag = srtp_tag_bytes(floor->profile);

    for (uint32_t i = 0; i < count; i++) {
        uint8_t *data = floor->received_data[i];
        uint32_t length = floor->received[i].msg_len;
        if (!floor->native) {
            int bytes = (int)length;
            srtp_unprotect(floor->camera_context, data, &bytes);
            continue;
        }
        /* Not authentic, since the vector is not right: the work is the same. */
        floor->jobs[i] = (struct srtp_cipher_job){.key = floor->camera_key,
                                                  .text = data + 12,
                                                  .head_bytes = length - 12 - tag,
                                                  .authenticated = data,
                                                  .authenticated_bytes = 12};
        if (floor->profile == SRTP_AES128_CM_SHA1_80)
            floor->jobs[i].authenticated_bytes = length - tag + 4;
    }
    if (floor->native)
        floor->provider->open(floor->jobs, count);
}

static void send_all(struct floor *floor, int socket, uint32_t messages)
{
    for (uint32_t i = 0; i < messages;) {
        int sent = sendmmsg(socket, &floor->messages[i], messages - i, MSG_DONTWAIT);
        i += sent > 0 ? (uint32_t)sent : 1;
    }
}

static void seal(struct floor *floor, uint32_t i, struct receiver *receiver, const uint8_t *plain)
{
    uint8_t *out = floor->buffers[i];
    const uint8_t *tail = plain + 12 + DESCRIPTOR_BYTES;
    uint32_t tail_bytes = floor->plain_bytes - HEAD_BYTES - DESCRIPTOR_BYTES;

    receiver->sequence++;
    out[2] = (uint8_t)(receiver->sequence >> 8);
    out[3] = (uint8_t)receiver->sequence;
    if (!floor->native) {
        int bytes = (int)floor->plain_bytes;
        memcpy(out + HEAD_BYTES + DESCRIPTOR_BYTES, tail, tail_bytes);
        srtp_protect(receiver->context, out, &bytes);
        return;
    }
    floor->jobs[i] = (struct srtp_cipher_job){.key = receiver->key,
                                              .text = out + HEAD_BYTES,
                                              .head_bytes = DESCRIPTOR_BYTES,
                                              .tail = tail,
                                              .tail_bytes = tail_bytes,
                                              .authenticated = out,
                                              .authenticated_bytes = HEAD_BYTES,
                                              .iv = {[6] = out[2], [7] = out[3]}};
    if (floor->profile == SRTP_AES128_CM_SHA1_80)
        floor->jobs[i].authenticated_bytes = floor->plain_bytes + 4;
}

static void finish(struct floor *floor, int socket, uint32_t packets, uint32_t messages)
{
    uint32_t tag = srtp_tag_bytes(floor->profile);

    if (floor->native) {
        floor->provider->seal(floor->jobs, packets);
        for (uint32_t i = 0; i < packets; i++)
            memcpy(floor->buffers[i] + floor->plain_bytes, floor->jobs[i].tag, tag);
    }
    send_all(floor, socket, messages);
}

void floor_round(struct floor *floor, int socket)
{
    int received = recvmmsg(socket, floor->received, PORT_BATCH, MSG_DONTWAIT, NULL);
    uint32_t packets = 0;
    uint32_t messages = 0;

    if (received <= 0)
        return;
    open_all(floor, (uint32_t)received);
    for (uint32_t r = 0; r < floor->fan_out; r++) {
        struct msghdr *header = &floor->messages[messages++].msg_hdr;
        header->msg_name = &floor->names[r];
        header->msg_iov = &floor->vectors[packets];
        header->msg_iovlen = (size_t)received;
        for (int p = 0; p < received; p++)
            seal(floor, packets++, &floor->receivers[r], floor->received_data[p]);
        if (packets + (uint32_t)received > PORT_SEND_BUFFERS) {
            finish(floor, socket, packets, messages);
            packets = messages = 0;
        }
    }
    finish(floor, socket, packets, messages);
}
