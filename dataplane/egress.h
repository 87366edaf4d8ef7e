/* The way out: packets are written into the port's send buffers, encrypted all together, and sent.
 *
 * egress_begin gives a job whose `out` is to be filled; egress_commit queues it. What a job's tail points at
 * must stay until egress_flush; packets of the store may not (source), which is looked for when they
 * have been read. Nothing else is begun before the commit or cancel. What a plain transport sends is queued
 * at the commit, as it is. */
#pragma once

#include "dataplane/port.h"
#include "dataplane/transport_table.h"
#include "shm/packet_store.h"

struct worker;

struct egress {
    uint32_t count;
    struct srtp_protect_job jobs[PORT_SEND_BUFFERS];
    struct transport *transports[PORT_SEND_BUFFERS];
    struct packet_place sources[PORT_SEND_BUFFERS];
    uint32_t numbers[PORT_SEND_BUFFERS]; /* transport-wide, or EGRESS_UNNUMBERED */
};

#define EGRESS_UNNUMBERED UINT32_MAX

/* A job for transport with its buffer, or NULL (counted) when nothing can be sent to it. */
struct srtp_protect_job *egress_begin(struct worker *worker, struct transport *transport,
                                      enum srtp_kind kind);
void egress_commit(struct worker *worker);
/* What the job's tail points at may be overwritten before the flush: then the packet is dropped. */
void egress_commit_from(struct worker *worker, const struct packet_place *source);
void egress_cancel(struct worker *worker);
/* The job that was begun carries this transport-wide number: feedback will tell of it. */
void egress_number(struct worker *worker, uint16_t number);

/* The next count packets go to one destination: sends what is queued before, if they would not all fit behind
 * it, so that a run of them is not torn in two messages. */
void egress_keep_together(struct worker *worker, uint32_t count);

/* Encrypts all that was committed and sends it, with what was queued in the clear. */
void egress_flush(struct worker *worker);

/* A buffer for a packet that is sent as it is (STUN, DTLS), of PORT_BUFFER_BYTES. */
uint8_t *egress_begin_clear(struct worker *worker);
void egress_commit_clear(struct worker *worker, uint8_t *buffer, uint32_t length,
                         const struct shm_address *remote);
