#include "tests/netns/link.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    IPV4_PROTOCOL = 9, // offsets
    IPV4_CHECKSUM = 10,
    IPV4_SOURCE = 12,
    IPV4_DESTINATION = 16,
    IPV4_HEADER_MIN = 20,
    UDP_CHECKSUM = 6,
    UDP_HEADER = 8,
    INSIDE_HOST = 2,
};

static int tun_open(const char *name)
{
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    if (ioctl(fd, TUNSETIFF, &request) < 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

// `command` finds the link's number in $N.
static int run(const char *command, unsigned number)
{
    char text[4];
    snprintf(text, sizeof(text), "%u", number & 0xff);
    return setenv("N", text, 1) == 0 && system(command) == 0 ? 0 : -EIO;
}

// In the new namespace, which the calling thread has just entered.
static int far_end(struct link *link)
{
    link->namespace_fd =
        open("/proc/thread-self/ns/net", O_RDONLY); // kept across exec: it is how others get in
    if (link->namespace_fd < 0)
        return -errno;
    link->far_fd = tun_open("client");
    if (link->far_fd < 0)
        return link->far_fd;
    return run("ip link set lo up && ip addr add 10.77.$N.2/24 dev client && ip link set client up && "
               "ip route add default via 10.77.$N.1",
               link->number);
}

int link_init(struct link *link, int home_fd, uint8_t number)
{
    *link = (struct link){
        .namespace_fd = -1, .near_fd = -1, .far_fd = -1, .number = number, .outside_host = INSIDE_HOST};
    for (unsigned i = 0; i < LINK_DIRECTIONS; i++)
        if (direction_init(&link->directions[i], number * 2654435761u + i) < 0)
            return -ENOMEM;
    if (unshare(CLONE_NEWNET) < 0)
        return -errno;
    int result = far_end(link);
    if (setns(home_fd, CLONE_NEWNET) < 0)
        return -errno;
    if (result < 0)
        return result;
    char name[16];
    snprintf(name, sizeof(name), "link%u", number);
    link->near_fd = tun_open(name);
    if (link->near_fd < 0)
        return link->near_fd;
    return run("ip addr add 10.77.$N.1/24 dev link$N && ip link set link$N up", number);
}

void link_deinit(struct link *link)
{
    for (unsigned i = 0; i < LINK_DIRECTIONS; i++)
        direction_deinit(&link->directions[i]);
    const int fds[] = {link->near_fd, link->far_fd, link->namespace_fd};
    for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

// RFC 1624, equation 3, for a change of one 16 bit word.
static void checksum_change(uint8_t *checksum, uint16_t before, uint16_t after)
{
    uint32_t sum = (uint16_t) ~(checksum[0] << 8 | checksum[1]);
    sum += (uint16_t)~before;
    sum += after;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    checksum[0] = (uint8_t)(~sum >> 8);
    checksum[1] = (uint8_t)~sum;
}

// As a NAT does for a client that moved: its UDP has another address outside than it has itself.
static void translate(struct direction_packet *packet, size_t address_offset, uint8_t host)
{
    uint8_t *ip = packet->bytes;
    size_t header = (size_t)(ip[0] & 0x0f) * 4;
    if (packet->size < IPV4_HEADER_MIN || ip[0] >> 4 != 4 || ip[IPV4_PROTOCOL] != IPPROTO_UDP ||
        packet->size < header + UDP_HEADER)
        return;
    uint8_t *low = ip + address_offset + 2;
    uint16_t before = (uint16_t)(low[0] << 8 | low[1]);
    uint16_t after = (uint16_t)(low[0] << 8 | host);
    low[1] = host;
    checksum_change(ip + IPV4_CHECKSUM, before, after);
    uint8_t *checksum = ip + header + UDP_CHECKSUM;
    if (checksum[0] || checksum[1])
        checksum_change(checksum, before, after);
}

void link_receive(struct link *link, unsigned direction, int64_t now_us)
{
    int fd = direction == LINK_DOWN ? link->near_fd : link->far_fd;
    for (;;) {
        struct direction_packet *packet = malloc(sizeof(*packet));
        ssize_t size = packet ? read(fd, packet->bytes, sizeof(packet->bytes)) : -1;
        if (size <= 0) {
            free(packet);
            return;
        }
        packet->size = (uint16_t)size;
        direction_push(&link->directions[direction], packet, now_us);
    }
}

void link_deliver(struct link *link, unsigned direction, int64_t now_us)
{
    struct direction_packet *packet;
    while ((packet = direction_pop(&link->directions[direction], now_us))) {
        // What is still on its way to an address that was left arrives nowhere.
        bool is_lost = false;
        if (direction == LINK_UP)
            translate(packet, IPV4_SOURCE, link->outside_host);
        else if (packet->size >= IPV4_HEADER_MIN && packet->bytes[IPV4_PROTOCOL] == IPPROTO_UDP)
            is_lost = packet->bytes[IPV4_DESTINATION + 3] != link->outside_host;
        if (direction == LINK_DOWN)
            translate(packet, IPV4_DESTINATION, INSIDE_HOST);
        int fd = direction == LINK_DOWN ? link->far_fd : link->near_fd;
        if (!is_lost && write(fd, packet->bytes, packet->size) < 0)
            link->directions[direction].counts.dropped++;
        free(packet);
    }
}
