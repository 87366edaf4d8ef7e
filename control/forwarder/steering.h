/* Steering: which worker's socket a datagram arrives at, when several are bound to one port with
 * SO_REUSEPORT.
 *
 * The program is ebpf/reuseport.bpf.c. Without the right to load it the kernel spreads by a hash of the
 * addresses, and workers hand what is not theirs to one another. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct shm_address;
struct steering;

/* sockets[n] belongs to worker n. Everything lasts until steering_destroy; the sockets stay the caller's. The
 * errno of the system call, with a line in ret_why. */
int steering_create(const int *sockets, uint32_t count, struct steering **ret_steering, char *ret_why,
                    size_t why_bytes);
void steering_destroy(struct steering *steering);

/* Datagrams from remote go to worker from now on. NULL steering: nothing to do. */
int steering_insert(struct steering *steering, const struct shm_address *remote, uint32_t worker);
void steering_remove(struct steering *steering, const struct shm_address *remote);
