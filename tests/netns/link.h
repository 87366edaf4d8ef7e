// A link between this network namespace and a new one: a TUN device at each end, 10.77.N.1 here and 10.77.N.2
// there, which is the other end's default route. The namespace has no name: it ends with the processes in it,
// however they end.
#pragma once

#include "tests/netns/direction.h"

#include <stdint.h>

enum {
    LINK_DOWN, // to the new namespace
    LINK_UP,
    LINK_DIRECTIONS,
};

struct link {
    int namespace_fd;
    int near_fd; // TUN devices
    int far_fd;
    uint8_t number;
    uint8_t outside_host; // the last byte of the address that UDP from there is seen with
    struct direction directions[LINK_DIRECTIONS];
};

// `home_fd` is the namespace that the caller is in. Number is 1 to 254. Returns 0 or negative errno.
int link_init(struct link *link, int home_fd, uint8_t number);
void link_deinit(struct link *link);

// Takes in what waits in the device where `direction` begins, and lets out what has arrived at its end.
void link_receive(struct link *link, unsigned direction, int64_t now_us);
void link_deliver(struct link *link, unsigned direction, int64_t now_us);
