/* The receivers of a bench, at the far end of a veth pair: each packet of media is looked at, counted for its
 * consumer, and dropped before a socket costs anything. By XDP every packet comes alone, as from a network
 * card that cannot segment UDP; by tc a message of many packets comes whole, as it is handed to one that can.
 *
 * A consumer is known by its SSRC, its receiver by the destination port. What a consumer is sent begins with
 * its camera's first packet, so its sequence number says which packet of the camera this is, and when that
 * was sent. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "tests/bench/sink_abi.h"

#define HEADERS_BYTES (sizeof(struct ethhdr) + sizeof(struct iphdr) + sizeof(struct udphdr))
#define PACKETS_MAX 64 /* of a message */
#define RTCP_TYPE_FIRST 192
#define RTCP_TYPE_LAST 223

const volatile __u16 first_port;
const volatile __u32 first_ssrc;
const volatile __u32 receivers; /* of each camera: of as many consumers */
const volatile __u32 flow_count;

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, SINK_FLOWS_MAX);
    __type(key, __u32);
    __type(value, struct sink_flow);
} flows SEC(".maps");

/* When each camera sent each of its newest packets, CLOCK_MONOTONIC in ns. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, SINK_CAMERAS_MAX *SINK_SENT_PACKETS);
    __type(key, __u32);
    __type(value, __u64);
} sent SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct sink_totals);
} totals SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, SINK_LATENCY_STEPS);
    __type(key, __u32);
    __type(value, __u64);
} latency SEC(".maps");

struct headers {
    struct ethhdr ethernet;
    struct iphdr ip;
    struct udphdr udp;
} __attribute__((packed));

struct rtp {
    __u8 flags;
    __u8 type;
    __be16 sequence;
    __be32 timestamp;
    __be32 ssrc;
} __attribute__((packed));

static __always_inline int is_to_receiver(const struct headers *headers, __u32 *ret_receiver)
{
    if (headers->ethernet.h_proto != bpf_htons(ETH_P_IP) || headers->ip.ihl != 5 ||
        headers->ip.protocol != IPPROTO_UDP)
        return 0;
    *ret_receiver = (__u32)bpf_ntohs(headers->udp.dest) - first_port;
    return *ret_receiver < receivers;
}

static __always_inline void note_latency(__u32 camera, __u16 packet, __u64 now_ns)
{
    __u32 place = camera * SINK_SENT_PACKETS + (packet & (SINK_SENT_PACKETS - 1));
    __u64 *sent_ns = bpf_map_lookup_elem(&sent, &place);

    if (!sent_ns)
        return;
    __u64 steps = (now_ns - *sent_ns) / 1000 / SINK_LATENCY_STEP_US;
    __u32 step = steps < SINK_LATENCY_STEPS ? (__u32)steps : SINK_LATENCY_STEPS - 1;
    __u64 *count = bpf_map_lookup_elem(&latency, &step);
    if (count)
        ++*count;
}

static __always_inline void note(struct sink_totals *total, const struct rtp *rtp, __u32 receiver,
                                 __u64 now_ns)
{
    if (rtp->type >= RTCP_TYPE_FIRST && rtp->type <= RTCP_TYPE_LAST) {
        total->rtcp++;
        return;
    }
    __u32 number = bpf_ntohl(rtp->ssrc) - first_ssrc;
    __u16 sequence = bpf_ntohs(rtp->sequence);
    struct sink_flow *flow = number < flow_count ? bpf_map_lookup_elem(&flows, &number) : 0;
    if (!flow || number % receivers != receiver) {
        total->strays++;
        return;
    }
    total->media++;
    if (flow->packets == 0)
        flow->first = sequence;
    else if (sequence != (__u16)(flow->last + 1))
        flow->misplaced++;
    flow->last = sequence;
    flow->packets++;
    note_latency(number / receivers, (__u16)(sequence - flow->first), now_ns);
}

static __always_inline struct sink_totals *own_totals(void)
{
    __u32 zero = 0;
    return bpf_map_lookup_elem(&totals, &zero);
}

SEC("xdp")
int sink_xdp(struct xdp_md *frame)
{
    const struct headers *headers = (void *)(long)frame->data;
    const struct rtp *rtp = (const void *)(headers + 1);
    struct sink_totals *total = own_totals();
    __u32 receiver;

    if ((const void *)(rtp + 1) > (void *)(long)frame->data_end || !total ||
        !is_to_receiver(headers, &receiver))
        return XDP_PASS;
    note(total, rtp, receiver, bpf_ktime_get_ns());
    return XDP_DROP;
}

SEC("tc")
int sink_tc(struct __sk_buff *message)
{
    struct sink_totals *total = own_totals();
    struct headers headers;
    struct rtp rtp;
    __u32 receiver;

    if (bpf_skb_load_bytes(message, 0, &headers, sizeof(headers)) || !total ||
        !is_to_receiver(&headers, &receiver))
        return TC_ACT_OK;
    __u64 now_ns = bpf_ktime_get_ns();
    __u32 packets = message->gso_segs > 1 ? message->gso_segs : 1;
    __u32 bytes = message->gso_size;
    for (__u32 i = 0; i < PACKETS_MAX && i < packets; i++) {
        if (bpf_skb_load_bytes(message, HEADERS_BYTES + i * bytes, &rtp, sizeof(rtp)))
            break;
        note(total, &rtp, receiver, now_ns);
    }
    return TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
