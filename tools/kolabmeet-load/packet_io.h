/* The packets of all transports, in batches: what a round receives is decrypted together, what it sends is
 * encrypted together. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/srtp.h"
#include "tools/kolabmeet-load/flow.h"
#include "tools/kolabmeet-load/tally.h"

#define PACKET_IO_PACKET_MAX 1500 /* bytes of a packet to be sent, trailer included */

struct dtls_keys;
struct media_sink;
struct packet_io;
struct transport;
struct udp_socket;

struct packet_io_settings {
    const struct srtp_backend *backend;
    uint32_t check_every; /* of media packets each n-th is decrypted (1: all); of the others the header is
                             believed */
    double lose_received; /* the share of media packets that is thrown away unseen */
    double lose_sent;
    uint32_t streams_max; /* SSRCs that all transports together receive at a time */
    uint32_t transports_max;
};

/* tally is added to. -EIO when the backend does not start. */
int packet_io_create(const struct packet_io_settings *settings, const struct flow_table *flows,
                     struct tally *tally, struct packet_io **ret_io);
void packet_io_destroy(struct packet_io *io);

int packet_io_begin_session(struct packet_io *io, struct transport *transport, const struct dtls_keys *keys);
void packet_io_end_session(struct packet_io *io, struct transport *transport);

/* What the transport receives of these SSRCs is the sink's. After packet_io_begin_session(). */
void packet_io_add_sink(struct packet_io *io, struct transport *transport, struct media_sink *sink);
void packet_io_remove_sink(struct packet_io *io, struct transport *transport, const struct media_sink *sink);

/* The socket is readable. */
void packet_io_receive(struct packet_io *io, struct udp_socket *socket);

/* This socket is read by every packet_io_poll(), without asking whether it is readable. It outlives io's last
 * round. */
void packet_io_share(struct packet_io *io, struct udp_socket *socket);
void packet_io_poll(struct packet_io *io);

/* Reads until nothing waits, and works it off. Not in a handler of packets. */
void packet_io_drain(struct packet_io *io, struct udp_socket *socket);

/* A buffer of PACKET_IO_PACKET_MAX for the next packet to be sent. */
uint8_t *packet_io_buffer(struct packet_io *io);

/* Sends what was written there: bytes, of which clear are the header. stream and index as in
 * struct srtp_protect_job. The transport has a session. */
void packet_io_send_rtp(struct packet_io *io, struct transport *transport, struct srtp_send_stream *stream,
                        uint64_t index, size_t bytes, size_t clear);
void packet_io_send_rtcp(struct packet_io *io, struct transport *transport, size_t bytes);

/* Works off what was received and what is to be sent: at the end of a round, and before a transport or a
 * sink goes. */
void packet_io_flush(struct packet_io *io);
