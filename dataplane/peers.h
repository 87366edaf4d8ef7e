/* What workers say to one another: packets by reference, datagrams that the kernel gave to the wrong one,
 * requests for key frames, and what a mirror must know of its stream (shm/peer_record.h).
 *
 * A packet stands in the packet store already, and each worker that has consumers of it is told its
 * position. A record that finds its ring full is dropped and counted; a worker that sleeps is
 * woken before this one serves consumers of its own.
 *
 * Rooms share these rings, so that nobody may fill them with words: what a sender's or receiver's RTCP brings
 * is noted, and told by the clock, and the last quarter of a ring is left to media. */
#pragma once

#include "dataplane/port.h"
#include "dataplane/stream_table.h"
#include "shm/packet_store.h"
#include "shm/peer_record.h"
#include "shm/ring.h"

#define PEERS_MAX 64u
#define PEERS_BATCH 64u /* records of one peer taken in one round */

struct flight;
struct worker;

struct peers {
    uint32_t count; /* of workers, this one included */
    uint32_t first; /* whose records are taken first, since datagrams of one may be all that fit in a round */
    uint64_t told;  /* bit n: worker n was told something since it was last looked whether it sleeps */
    struct packet_store store;
    struct ring_producer to[PEERS_MAX];
    struct ring_consumer from[PEERS_MAX];
    int wake_fds[PEERS_MAX];
    uint8_t datagrams[PORT_BATCH][SHM_PACKET_DATA_MAX]; /* taken over in this round */
};

/* wake_fds: eventfds of all workers, NULL with one. -EBADMSG for rings that cannot be. */
int peers_init(struct worker *worker, const int *wake_fds);

/* Tells the producer's followers of a packet that was stored (stored_keep). */
void peers_reference(struct worker *worker, const struct flight *flight);

/* Gives a datagram to the worker that it belongs to. */
void peers_hand_over(struct worker *worker, uint32_t owner, const struct port_packet *packet);

/* stream is a mirror's. */
void peers_request_key_frame(struct worker *worker, struct stream *stream);

/* stream is a mirror's: a receiver here has lost so much of it, in 256ths. Whether there was room to say so.
 */
bool peers_tell_loss(struct worker *worker, const struct stream *stream, uint8_t fraction_lost);

/* The followers of stream's producer are to know its score and clock; those of all producers of transport how
 * its clock stands. */
void peers_note_stream(struct stream *stream);
void peers_note_clock(struct transport *transport);

/* In a transport's turn: tells what was noted, once a stream; what finds no room is told in a later one. */
void peers_turn(struct worker *worker, struct transport *transport);

/* Does what the others said; the datagrams among it are left in ret_packets, valid until the next call. What
 * is forwarded must have left (egress_flush) by then. Returns the number of records. */
uint32_t peers_take(struct worker *worker, struct port_packet ret_packets[PORT_BATCH], uint32_t *ret_count);

/* Wakes those who were told something and sleep. */
void peers_wake(struct worker *worker);

/* As ring_sleep and ring_awake, for all rings of the others. */
bool peers_sleep(struct worker *worker);
void peers_awake(struct worker *worker);
