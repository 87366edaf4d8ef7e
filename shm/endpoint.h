/* The handshake between control and a forwarder, over a SOCK_SEQPACKET socket that both hold.
 *
 * The forwarder says hello: magic, ABI version, and the size of every struct and message it was built with.
 * Control compares with its own. It answers with a welcome that carries the descriptors (segment, statistics,
 * one media socket and two eventfds a worker), or with a refusal in words. Nobody maps anything of a
 * stranger.
 *
 * After the welcome control hands over more descriptors, each to the worker that it is for: a TCP connection
 * on which it has seen a valid check, and the two sockets of a plain transport. */
#pragma once

#include <stddef.h>

#include "shm/abi.h"
#include "shm/datagram.h"

#define SHM_ENDPOINT_WORKERS_MAX 64u

/* The sizes compared, in this order. A new struct is a new row at the end. */
enum shm_endpoint_size {
    SHM_SIZE_HEADER,
    SHM_SIZE_RING,
    SHM_SIZE_DATAGRAM,
    SHM_SIZE_TUPLE_SLOT,
    SHM_SIZE_TRANSPORT_ROW,
    SHM_SIZE_PRODUCER_ROW,
    SHM_SIZE_STREAM_ROW,
    SHM_SIZE_CONSUMER_ROW,
    SHM_SIZE_STATISTICS,
    SHM_SIZE_PEER_RECORD,
    SHM_SIZE_PACKET,
    SHM_SIZE_HANDOVER,
    SHM_SIZE_COUNT
};

struct shm_hello {
    uint64_t magic;
    uint32_t abi_version;
    uint32_t hello_bytes;
    uint32_t pid;
    uint32_t workers_max;
    uint32_t sizes[16]; /* by enum shm_endpoint_size */
    char version[32];   /* the program's, for people */
};

struct shm_welcome {
    uint64_t magic;
    uint32_t error; /* 0, or a positive errno: then reason says why and no descriptor comes */
    uint32_t workers;
    char reason[240];
};

enum shm_handover_kind {
    SHM_HANDOVER_CONNECTION = 1, /* one descriptor: a connected socket */
    SHM_HANDOVER_PLAIN = 2,      /* two: bound sockets of a plain transport, for RTP and for RTCP */
};

#define SHM_HANDOVER_DESCRIPTORS 2u /* at most */

struct shm_handover {
    uint64_t magic;
    shm_handle transport;      /* of SHM_HANDOVER_PLAIN */
    struct shm_address remote; /* of SHM_HANDOVER_CONNECTION */
    uint32_t worker;
    uint32_t kind; /* enum shm_handover_kind */
};
SHM_STATIC_SIZE(struct shm_handover, 48);

/* What a welcome hands over; all owned by the receiver. */
struct shm_descriptors {
    int segment;
    int statistics;
    uint32_t workers;
    int media_socket[SHM_ENDPOINT_WORKERS_MAX]; /* bound UDP sockets */
    int worker_wake[SHM_ENDPOINT_WORKERS_MAX];  /* eventfd: control -> worker */
    int control_wake[SHM_ENDPOINT_WORKERS_MAX]; /* eventfd: worker -> control */
};

/* This build's hello. */
void endpoint_hello(struct shm_hello *ret_hello, uint32_t workers_max);

/* 0, or -EPROTO with the first difference in words. */
int endpoint_check(const struct shm_hello *hello, char *ret_why, size_t why_bytes);

/* Forwarder: sends the hello and waits up to timeout_ms for the answer. -EPROTO with control's reason when
 * refused, -ETIMEDOUT, -ECONNRESET, or the errno of a system call. */
int endpoint_join(int socket, uint32_t workers_max, int timeout_ms, struct shm_descriptors *ret_descriptors,
                  char *ret_why, size_t why_bytes);

/* Control: reads one hello (the socket is readable). -EPROTO when it is not one. */
int endpoint_receive_hello(int socket, struct shm_hello *ret_hello);
int endpoint_send_welcome(int socket, const struct shm_descriptors *descriptors);
int endpoint_send_refusal(int socket, int error, const char *reason);

/* Control; these never block: -EAGAIN. Descriptors stay the caller's. */
int endpoint_send_connection(int socket, const struct shm_address *remote, uint32_t worker, int fd);
int endpoint_send_plain(int socket, shm_handle transport, uint32_t worker, const int fds[2]);
/* Forwarder: reads one, whose descriptors, as many as its kind says, are the caller's then. -EAGAIN when none
 * waits, -ECONNRESET when control has gone, -EPROTO for anything else. */
int endpoint_receive_handover(int socket, struct shm_handover *ret_handover,
                              int ret_fds[SHM_HANDOVER_DESCRIPTORS]);

void endpoint_close_descriptors(struct shm_descriptors *descriptors);
