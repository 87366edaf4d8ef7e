/* A socket filter that lets all pass, and counts the packets that reach a socket by their destination, before
 * its receive buffer takes or refuses them. The kernel's own count of what it refused is of messages, each of
 * which may be many packets (UDP_GRO), and of all who share the socket. */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define IPV4_DESTINATION_OFFSET 16
#define UDP_DESTINATION_OFFSET 2
#define WHOLE_PACKET 0xffffffffu

/* The place is what these bits of the IPv4 destination are; 0: the destination port. */
const volatile __u32 address_mask = 0;

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 65536);
    __type(key, __u32);
    __type(value, __u64);
} packets SEC(".maps");

static __always_inline int read_place(struct __sk_buff *message, __u32 *ret_place)
{
    __be32 address;
    __be16 port;

    if (address_mask != 0) {
        if (bpf_skb_load_bytes_relative(message, IPV4_DESTINATION_OFFSET, &address, sizeof(address),
                                        BPF_HDR_START_NET))
            return -1;
        *ret_place = bpf_ntohl(address) & address_mask;
        return 0;
    }
    if (bpf_skb_load_bytes(message, UDP_DESTINATION_OFFSET, &port, sizeof(port)))
        return -1;
    *ret_place = bpf_ntohs(port);
    return 0;
}

SEC("socket")
int meter(struct __sk_buff *message)
{
    __u32 place;

    if (read_place(message, &place) == 0) {
        __u64 *count = bpf_map_lookup_elem(&packets, &place);
        if (count)
            __sync_fetch_and_add(count, message->gso_segs > 1 ? message->gso_segs : 1);
    }
    return WHOLE_PACKET;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
