/* The forwarder's numbers of one thing, for administrators: its block of the statistics file as JSON, with
 * the keys of mediasoup's getStats where it has them. All are new references, NULL when there are none (yet).
 * Times of the wall clock and addresses are in, secrets are not. */
#pragma once

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

struct forwarder;

json_t *numbers_of_transport(const struct forwarder *forwarder, uint64_t transport);
/* An array with one object a stream, that is an encoding, which has packets. */
json_t *numbers_of_producer(struct forwarder *forwarder, uint64_t producer);
json_t *numbers_of_consumer(const struct forwarder *forwarder, uint64_t consumer);
/* With every drop that happened, by name. */
json_t *numbers_of_worker(const struct forwarder *forwarder, uint32_t worker);

uint32_t numbers_worker_count(const struct forwarder *forwarder);
/* 0 while none runs. */
pid_t numbers_forwarder_pid(const struct forwarder *forwarder);
/* How often control has started one. */
uint32_t numbers_forwarder_starts(const struct forwarder *forwarder);
