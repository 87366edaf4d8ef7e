#include "shm/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "shm/history.h"
#include "shm/liveness.h"
#include "shm/packet_store.h"
#include "shm/ring.h"
#include "shm/rows.h"
#include "shm/tuple_map.h"

#define SECTION_ALIGNMENT 4096u
#define STORE_CHUNKS_MAX (1u << 24) /* half a TiB */
#define SEALS (F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)

static bool is_power_of_two(uint32_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

uint32_t shm_store_chunks(uint32_t store_mib, uint32_t workers)
{
    uint64_t chunks = ((uint64_t)store_mib << 20) / SHM_CHUNK_BYTES / workers;
    return chunks < STORE_CHUNKS_MAX / workers ? (uint32_t)chunks : STORE_CHUNKS_MAX / workers;
}

struct shm_capacities shm_capacities_default(uint32_t workers)
{
    return (struct shm_capacities){
        .workers = workers,
        .transports = 8192,
        .producers = 16384,
        .streams = 16384,
        .consumers = 262144,
        .tuples = 65536,
        .command_ring_bytes = 4u << 20,
        .event_ring_bytes = 1u << 20,
        .punt_ring_bytes = 1u << 20,
        .inject_ring_bytes = 1u << 20,
        .peer_ring_bytes = 128u << 10,
        .store_chunks = shm_store_chunks(SHM_STORE_MIB, workers),
    };
}

uint32_t shm_segment_srtp_streams(const struct shm_capacities *capacities)
{
    return SRTP_STATE_RECEIVE_STREAMS(capacities->streams, capacities->transports);
}

static bool capacities_are_sane(const struct shm_capacities *c)
{
    return c->workers > 0 && c->workers <= 64 && c->transports > 0 && c->producers > 0 && c->streams > 0 &&
           c->consumers > 0 && is_power_of_two(c->tuples) && is_power_of_two(c->command_ring_bytes) &&
           is_power_of_two(c->event_ring_bytes) && is_power_of_two(c->punt_ring_bytes) &&
           is_power_of_two(c->inject_ring_bytes) && is_power_of_two(c->peer_ring_bytes) &&
           c->streams <= 1u << 24 && c->transports <= 1u << 22 && c->store_chunks >= 2 &&
           c->store_chunks <= STORE_CHUNKS_MAX / c->workers;
}

static uint64_t align_up(uint64_t value, uint64_t alignment)
{
    return (value + alignment - 1) / alignment * alignment;
}

/* Fills the table of sections, and answers the size of the whole: the same capacities give the same layout.
 */
static uint64_t lay_out(const struct shm_capacities *c, struct shm_section sections[SHM_SECTION_COUNT])
{
    const struct {
        uint64_t stride;
        uint32_t count;
    } wanted[SHM_SECTION_COUNT] = {
        [SHM_SECTION_LIVENESS] = {sizeof(struct shm_liveness), SHM_LIVENESS_WORKER(c->workers)},
        [SHM_SECTION_COMMAND_RING] = {SHM_RING_BYTES(c->command_ring_bytes), c->workers},
        [SHM_SECTION_EVENT_RING] = {SHM_RING_BYTES(c->event_ring_bytes), c->workers},
        [SHM_SECTION_PUNT_RING] = {SHM_RING_BYTES(c->punt_ring_bytes), c->workers},
        [SHM_SECTION_INJECT_RING] = {SHM_RING_BYTES(c->inject_ring_bytes), c->workers},
        [SHM_SECTION_TUPLE_MAP] = {sizeof(struct shm_tuple_slot), c->tuples},
        [SHM_SECTION_TUPLE_INDEX] = {sizeof(struct shm_tuple_index),
                                     (c->tuples + SHM_TUPLE_ENTRIES - 1) / SHM_TUPLE_ENTRIES},
        [SHM_SECTION_TRANSPORT] = {sizeof(struct shm_transport_row), c->transports},
        [SHM_SECTION_PRODUCER] = {sizeof(struct shm_producer_row), c->producers},
        [SHM_SECTION_STREAM] = {sizeof(struct shm_stream_row), c->streams},
        [SHM_SECTION_CONSUMER] = {sizeof(struct shm_consumer_row), c->consumers},
        [SHM_SECTION_PEER_RING] = {SHM_RING_BYTES(c->peer_ring_bytes), c->workers * c->workers},
        [SHM_SECTION_STORE_HEAD] = {sizeof(struct shm_store_head), c->workers},
        [SHM_SECTION_STORE_CHUNKS] = {sizeof(struct shm_store_chunk) * (uint64_t)c->store_chunks, c->workers},
        [SHM_SECTION_STORE] = {SHM_CHUNK_BYTES, c->workers * c->store_chunks},
        [SHM_SECTION_HISTORY] = {sizeof(struct shm_history), c->streams},
        [SHM_SECTION_SRTP_HEAD] = {sizeof(struct srtp_receive_head), c->workers},
        [SHM_SECTION_SRTP_RECEIVE] = {sizeof(struct srtp_receive_stream),
                                      c->workers * shm_segment_srtp_streams(c)},
        [SHM_SECTION_TWCC] = {sizeof(struct twcc_feedback_state), c->transports},
    };
    uint64_t offset = align_up(sizeof(struct shm_header), SECTION_ALIGNMENT);

    for (int i = 0; i < SHM_SECTION_COUNT; i++) {
        sections[i].offset = offset;
        sections[i].stride = (uint32_t)align_up(wanted[i].stride, SHM_CACHE_LINE);
        sections[i].count = wanted[i].count;
        offset = align_up(offset + (uint64_t)sections[i].stride * sections[i].count, SECTION_ALIGNMENT);
    }
    return offset;
}

/* Keys are in there: keep pages out of swap and core dumps as far as the limits allow. */
static int map(int fd, uint64_t bytes, struct shm_header **ret_header)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        return -errno;
    (void)madvise(memory, bytes, MADV_DONTDUMP);
    (void)mlock2(memory, bytes, MLOCK_ONFAULT);
    *ret_header = memory;
    return 0;
}

static void format(struct shm_segment *segment)
{
    struct shm_header *header = segment->header;
    const struct shm_capacities *c = &segment->capacities;
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    header->magic = SHM_MAGIC;
    header->abi_version = SHM_ABI_VERSION;
    header->header_bytes = sizeof *header;
    header->total_bytes = segment->bytes;
    header->created_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    memcpy(header->secret, segment->secret, sizeof header->secret);
    header->capacities = *c;
    memcpy(header->sections, segment->sections, sizeof header->sections);
    for (uint32_t i = 0; i < c->workers; i++) {
        ring_format(shm_segment_at(segment, SHM_SECTION_COMMAND_RING, i), c->command_ring_bytes);
        ring_format(shm_segment_at(segment, SHM_SECTION_EVENT_RING, i), c->event_ring_bytes);
        ring_format(shm_segment_at(segment, SHM_SECTION_PUNT_RING, i), c->punt_ring_bytes);
        ring_format(shm_segment_at(segment, SHM_SECTION_INJECT_RING, i), c->inject_ring_bytes);
    }
    for (uint32_t i = 0; i < c->workers * c->workers; i++)
        ring_format(shm_segment_at(segment, SHM_SECTION_PEER_RING, i), c->peer_ring_bytes);
}

int shm_segment_create(const struct shm_capacities *capacities, struct shm_segment *ret_segment)
{
    struct shm_segment made = {.fd = -1, .capacities = *capacities};
    int err;

    if (!capacities_are_sane(capacities))
        return -EINVAL;
    if (getrandom(made.secret, sizeof made.secret, 0) != sizeof made.secret)
        return -EIO;
    made.bytes = lay_out(capacities, made.sections);
    made.fd = memfd_create("kolabmeet", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (made.fd < 0)
        return -errno;
    if (ftruncate(made.fd, (off_t)made.bytes) != 0 || fcntl(made.fd, F_ADD_SEALS, SEALS) != 0)
        err = -errno;
    else
        err = map(made.fd, made.bytes, &made.header);
    if (err != 0) {
        close(made.fd);
        return err;
    }
    format(&made);
    *ret_segment = made;
    return 0;
}

/* The header is copied before it is looked at: it may still change under us. */
static int check(const struct shm_header *header, uint64_t file_bytes, char *ret_why, size_t why_bytes)
{
    struct shm_section expected[SHM_SECTION_COUNT];

    if (header->magic != SHM_MAGIC)
        snprintf(ret_why, why_bytes, "not a kolabmeet segment (wrong magic)");
    else if (header->abi_version != SHM_ABI_VERSION)
        snprintf(ret_why, why_bytes, "the segment has ABI version %u, this program %u", header->abi_version,
                 SHM_ABI_VERSION);
    else if (header->header_bytes != sizeof *header)
        snprintf(ret_why, why_bytes, "the segment's header has %u bytes, this program's %zu",
                 header->header_bytes, sizeof *header);
    else if (!capacities_are_sane(&header->capacities))
        snprintf(ret_why, why_bytes, "the segment's capacities make no sense");
    else if (header->total_bytes != lay_out(&header->capacities, expected) ||
             header->total_bytes > file_bytes)
        snprintf(ret_why, why_bytes, "the segment says %llu bytes and has %llu",
                 (unsigned long long)header->total_bytes, (unsigned long long)file_bytes);
    else if (memcmp(header->sections, expected, sizeof expected) != 0)
        snprintf(ret_why, why_bytes, "the segment's sections are laid out otherwise than this program's");
    else
        return 0;
    return -EPROTO;
}

int shm_segment_attach(int fd, struct shm_segment *ret_segment, char *ret_why, size_t why_bytes)
{
    struct shm_segment made = {.fd = fd};
    struct shm_header header;
    struct stat status;
    int seals = fcntl(fd, F_GET_SEALS);

    if (fstat(fd, &status) != 0 || pread(fd, &header, sizeof header, 0) != (ssize_t)sizeof header) {
        snprintf(ret_why, why_bytes, "the segment has no header");
        return -EPROTO;
    }
    if (seals < 0 || (seals & SEALS) != SEALS) {
        snprintf(ret_why, why_bytes, "the segment is not sealed against growing and shrinking");
        return -EPROTO;
    }
    int err = check(&header, (uint64_t)status.st_size, ret_why, why_bytes);
    if (err != 0)
        return err;
    made.bytes = header.total_bytes;
    memcpy(made.secret, header.secret, sizeof made.secret);
    made.capacities = header.capacities;
    memcpy(made.sections, header.sections, sizeof made.sections);
    err = map(fd, made.bytes, &made.header);
    if (err != 0) {
        snprintf(ret_why, why_bytes, "the segment cannot be mapped: %s", strerror(-err));
        return err;
    }
    *ret_segment = made;
    return 0;
}

void shm_segment_deinit(struct shm_segment *segment, bool wipe)
{
    if (!segment || !segment->header)
        return;
    if (wipe) /* gives the pages back too, which writing zeros over sparse ones would not */
        (void)fallocate(segment->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)segment->bytes);
    munmap(segment->header, segment->bytes);
    close(segment->fd);
    segment->header = NULL;
    segment->fd = -1;
}

void *shm_segment_at(const struct shm_segment *segment, enum shm_section_kind kind, uint32_t index)
{
    const struct shm_section *section = &segment->sections[kind];
    if (index >= section->count)
        return NULL;
    return (uint8_t *)segment->header + section->offset + (uint64_t)index * section->stride;
}

void *shm_segment_section(const struct shm_segment *segment, enum shm_section_kind kind)
{
    return shm_segment_at(segment, kind, 0);
}
