/* What the BPF programs in ebpf/ and user space share: keys of maps, and how an ICE ufrag names a worker.
 * Included by both, so it knows nothing but fixed-width integers. */
#pragma once

#ifdef __bpf__
#include <linux/types.h>
typedef __u8 bpf_abi_u8;
typedef __u16 bpf_abi_u16;
#else
#include <stdint.h>
typedef uint8_t bpf_abi_u8;
typedef uint16_t bpf_abi_u16;
#endif

#define BPF_ABI_WORKERS_MAX 64
#define BPF_ABI_TUPLES_MAX 65536

/* A STUN message goes by the USERNAME among so many attributes, which comes first, or nearly so, with every
 * known client. */
#define BPF_ABI_STUN_ATTRIBUTES 8

/* A remote address: IPv4 is v4-mapped. The value of the map is the worker's number, 32 bits. */
struct bpf_abi_tuple {
    bpf_abi_u8 ip[16];
    bpf_abi_u16 port; /* host order */
    bpf_abi_u16 reserved;
};
_Static_assert(sizeof(struct bpf_abi_tuple) == 20, "the layout of struct bpf_abi_tuple is ABI");
