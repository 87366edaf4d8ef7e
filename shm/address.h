/* Between the kernel's socket addresses and the one that tables and rings hold: IPv6, IPv4 as v4-mapped. */
#pragma once

#include <sys/socket.h>

#include "shm/datagram.h"

#define SHM_ADDRESS_TEXT_BYTES 46

/* False (and untouched) for families other than IPv4 and IPv6. */
bool shm_address_from_sockaddr(const struct sockaddr *name, struct shm_address *ret_address);

/* The address of a datagram or a table as text: of a v4-mapped one the IPv4 address. */
const char *shm_address_text(const uint8_t ip[16], char ret_text[SHM_ADDRESS_TEXT_BYTES]);

/* As the family itself tells: a v4-mapped address becomes AF_INET. Returns the length of the name.
 *
 * Both ways the protocol goes where the kernel has zeros: sin_zero[0] or sin6_flowinfo. */
socklen_t shm_address_to_sockaddr(const struct shm_address *address, struct sockaddr_storage *ret_name);

/* As a socket of that family needs it: AF_INET6 takes v4-mapped addresses, AF_INET only those (0 otherwise).
 */
socklen_t shm_address_to_family(const struct shm_address *address, int family,
                                struct sockaddr_storage *ret_name);
