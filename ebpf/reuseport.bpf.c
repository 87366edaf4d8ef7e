/* Spreads the datagrams of one UDP port over the workers' sockets: a known tuple goes to its worker, a STUN
 * message to the worker that the ICE ufrag in its USERNAME names, and everything else to worker 0, which
 * counts and drops it. */
#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "shm/bpf_abi.h"

#define UDP_HEADER_BYTES 8
#define STUN_HEADER_BYTES 20
#define STUN_MAGIC_COOKIE 0x2112A442
#define STUN_USERNAME 0x0006

struct {
    __uint(type, BPF_MAP_TYPE_REUSEPORT_SOCKARRAY);
    __uint(max_entries, BPF_ABI_WORKERS_MAX);
    __type(key, __u32);
    __type(value, __u64);
} sockets SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, BPF_ABI_TUPLES_MAX);
    __type(key, struct bpf_abi_tuple);
    __type(value, __u32);
} tuples SEC(".maps");

static __always_inline int read_source(struct sk_reuseport_md *packet, struct bpf_abi_tuple *ret_tuple)
{
    __be16 port;

    if (bpf_skb_load_bytes(packet, 0, &port, sizeof(port)))
        return -1;
    ret_tuple->port = bpf_ntohs(port);
    if (packet->eth_protocol == bpf_htons(ETH_P_IPV6))
        return bpf_skb_load_bytes_relative(packet, 8, ret_tuple->ip, 16, BPF_HDR_START_NET);
    ret_tuple->ip[10] = ret_tuple->ip[11] = 0xff;
    return bpf_skb_load_bytes_relative(packet, 12, ret_tuple->ip + 12, 4, BPF_HDR_START_NET);
}

static __always_inline int base36(__u8 character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    if (character >= 'a' && character <= 'z')
        return character - 'a' + 10;
    return -1;
}

/* The worker in the first two characters of a STUN message's USERNAME, or -1. */
static __always_inline int worker_of_username(struct sk_reuseport_md *packet)
{
    struct {
        __be16 type;
        __be16 length;
        __be32 cookie;
    } header;
    __u32 offset = UDP_HEADER_BYTES + STUN_HEADER_BYTES;

    if (bpf_skb_load_bytes(packet, UDP_HEADER_BYTES, &header, sizeof(header)) ||
        header.cookie != bpf_htonl(STUN_MAGIC_COOKIE) || bpf_ntohs(header.type) > 0x3fff)
        return -1;
    for (int i = 0; i < BPF_ABI_STUN_ATTRIBUTES; i++) {
        struct {
            __be16 type;
            __be16 length;
            __u8 value[2];
        } __attribute__((packed)) attribute;
        if (bpf_skb_load_bytes(packet, offset, &attribute, sizeof(attribute)))
            return -1;
        if (attribute.type == bpf_htons(STUN_USERNAME)) {
            int high = base36(attribute.value[0]);
            int low = base36(attribute.value[1]);
            return high < 0 || low < 0 ? -1 : high * 36 + low;
        }
        offset += 4 + ((bpf_ntohs(attribute.length) + 3) & ~3u);
    }
    return -1;
}

SEC("sk_reuseport")
int steer(struct sk_reuseport_md *packet)
{
    struct bpf_abi_tuple source = {};
    __u32 worker = 0;

    if (read_source(packet, &source) == 0) {
        __u32 *known = bpf_map_lookup_elem(&tuples, &source);
        int named = known ? (int)*known : worker_of_username(packet);
        if (named > 0)
            worker = (__u32)named;
    }
    if (bpf_sk_select_reuseport(packet, &sockets, &worker, 0) != 0) {
        worker = 0;
        bpf_sk_select_reuseport(packet, &sockets, &worker, 0);
    }
    return SK_PASS;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
