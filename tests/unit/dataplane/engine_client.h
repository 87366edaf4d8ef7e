/* A client of the worker in engine_rig.h: a socket, and libsrtp2 as the other end of its keys. */
#pragma once

#include "tests/unit/dataplane/engine_rig.h"

/* A peer with a transport: its socket, and the other halves of its keys. */
struct client {
    int socket;
    int workers_socket;         /* that it is connected to */
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

/* What it sends goes to that worker from now on. */
static inline void client_connect(struct client *client, const struct rig *rig)
{
    client->workers_socket = rig->media_socket;
    assert_int_equal(
        connect(client->socket, (const struct sockaddr *)&rig->media_name, sizeof(rig->media_name)), 0);
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
    client_connect(client, rig);
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
    rig_await(client->workers_socket);
    rig_pass_us(RIG_DATAGRAM_US);
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
    const uint8_t *audio_level;
    const uint8_t *dependency; /* descriptor */
    uint8_t dependency_length;
    const uint8_t *payload;
    size_t payload_length;
    uint8_t padding;
};

/* A plain packet. Returns its length. */
static inline size_t rig_write_rtp(uint8_t *data, size_t capacity, const struct rig_rtp *rtp)
{
    struct rtp_ext_item items[5];
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
    if (rtp->audio_level)
        items[count++] = (struct rtp_ext_item){RIG_AUDIO_LEVEL_ID, 1, rtp->audio_level};
    if (rtp->dependency)
        items[count++] = (struct rtp_ext_item){RIG_DEPENDENCY_ID, rtp->dependency_length, rtp->dependency};
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
    return rig_receive(client->socket, client->workers_socket, data, capacity);
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
