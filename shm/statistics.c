#include "shm/statistics.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "shm/segment.h"
#include "shm/seqlock.h"

static const size_t block_bytes[STATISTICS_SECTION_COUNT] = {
    [STATISTICS_CONTROL] = sizeof(struct statistics_control),
    [STATISTICS_LABEL] = sizeof(struct statistics_label),
    [STATISTICS_WORKER] = sizeof(struct statistics_worker),
    [STATISTICS_TRANSPORT] = sizeof(struct statistics_transport),
    [STATISTICS_STREAM] = sizeof(struct statistics_stream),
    [STATISTICS_CONSUMER] = sizeof(struct statistics_consumer),
    [STATISTICS_STAGE] = sizeof(struct statistics_stages),
};

static const char *const drop_names[] = {
#define X(name, text) #name,
    STATISTICS_DROPS(X)
#undef X
};

static const char *const drop_texts[] = {
#define X(name, text) text,
    STATISTICS_DROPS(X)
#undef X
};

const char *statistics_drop_name(uint32_t drop)
{
    return drop < DROP_COUNT ? drop_names[drop] : NULL;
}

const char *statistics_drop_text(uint32_t drop)
{
    return drop < DROP_COUNT ? drop_texts[drop] : NULL;
}

static const char *const stage_names[] = {
#define X(name, text) #name,
    STATISTICS_STAGES(X)
#undef X
};

static const char *const stage_texts[] = {
#define X(name, text) text,
    STATISTICS_STAGES(X)
#undef X
};

static const char *const estimate_names[] = {
#define X(name, text) #name,
    STATISTICS_ESTIMATES(X)
#undef X
};

static const char *const estimate_texts[] = {
#define X(name, text) text,
    STATISTICS_ESTIMATES(X)
#undef X
};

#define ESTIMATES (sizeof(estimate_names) / sizeof(estimate_names[0]))

const char *statistics_estimate_name(uint32_t reason)
{
    return reason < ESTIMATES ? estimate_names[reason] : NULL;
}

const char *statistics_estimate_text(uint32_t reason)
{
    return reason < ESTIMATES ? estimate_texts[reason] : NULL;
}

const char *statistics_delay_name(uint32_t state)
{
    static const char *const names[] = {"normal", "overusing", "underusing"};
    return state < sizeof(names) / sizeof(names[0]) ? names[state] : NULL;
}

const char *statistics_stage_name(uint32_t stage)
{
    return stage < STAGE_COUNT ? stage_names[stage] : NULL;
}

const char *statistics_stage_text(uint32_t stage)
{
    return stage < STAGE_COUNT ? stage_texts[stage] : NULL;
}

static uint64_t lay_out(const uint32_t counts[STATISTICS_SECTION_COUNT],
                        struct statistics_section sections[STATISTICS_SECTION_COUNT])
{
    uint64_t offset = 4096;
    for (int i = 0; i < STATISTICS_SECTION_COUNT; i++) {
        sections[i].offset = offset;
        sections[i].stride = (uint32_t)block_bytes[i];
        sections[i].count = counts[i];
        offset += ((uint64_t)sections[i].stride * sections[i].count + 4095) & ~4095ull;
    }
    return offset;
}

static int map(int fd, uint64_t bytes, int protection, struct shm_statistics_header **ret_header)
{
    void *memory = mmap(NULL, bytes, protection, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        return -errno;
    *ret_header = memory;
    return 0;
}

static int format(int fd, const struct shm_capacities *c, struct statistics *ret_statistics)
{
    const uint32_t counts[STATISTICS_SECTION_COUNT] = {
        [STATISTICS_CONTROL] = 1,         [STATISTICS_LABEL] = c->transports,
        [STATISTICS_WORKER] = c->workers, [STATISTICS_TRANSPORT] = c->transports,
        [STATISTICS_STREAM] = c->streams, [STATISTICS_CONSUMER] = c->consumers,
        [STATISTICS_STAGE] = c->workers,
    };
    struct statistics made = {.fd = fd};
    struct timespec now;

    made.bytes = lay_out(counts, made.sections);
    if (ftruncate(fd, (off_t)made.bytes) != 0)
        return -errno;
    int err = map(fd, made.bytes, PROT_READ | PROT_WRITE, &made.header);
    if (err != 0)
        return err;
    clock_gettime(CLOCK_REALTIME, &now);
    made.header->magic = STATISTICS_MAGIC;
    made.header->version = STATISTICS_VERSION;
    made.header->header_bytes = sizeof *made.header;
    made.header->total_bytes = made.bytes;
    made.header->created_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    memcpy(made.header->sections, made.sections, sizeof made.sections);
    *ret_statistics = made;
    return 0;
}

int statistics_create(const char *folder, const struct shm_capacities *capacities,
                      struct statistics *ret_statistics, char *ret_why, size_t why_bytes)
{
    char path[4096];
    char temporary[4096];
    int err = 0;

    if ((size_t)snprintf(path, sizeof path, "%s/" STATISTICS_FILE, folder) >= sizeof path ||
        (size_t)snprintf(temporary, sizeof temporary, "%s/." STATISTICS_FILE ".%d", folder, (int)getpid()) >=
            sizeof temporary) {
        snprintf(ret_why, why_bytes, "the name of the runtime directory is too long");
        return -ENAMETOOLONG;
    }
    if (mkdir(folder, 0750) != 0 && errno != EEXIST) {
        err = -errno;
        snprintf(ret_why, why_bytes, "runtime directory %s cannot be made: %s", folder, strerror(-err));
        return err;
    }
    (void)unlink(temporary);
    int fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0) {
        err = -errno;
        snprintf(ret_why, why_bytes, "statistics file in %s cannot be made: %s", folder, strerror(-err));
        return err;
    }
    err = format(fd, capacities, ret_statistics);
    if (err == 0 && rename(temporary, path) != 0) {
        err = -errno;
        munmap(ret_statistics->header, ret_statistics->bytes);
    }
    if (err != 0) {
        snprintf(ret_why, why_bytes, "statistics file %s cannot be made: %s", path, strerror(-err));
        (void)unlink(temporary);
        close(fd);
    }
    return err;
}

/* Checks a private copy of the header against the length of the file, then keeps its table of sections. */
static int check(const struct shm_statistics_header *header, uint64_t file_bytes, char *ret_why,
                 size_t why_bytes)
{
    uint32_t counts[STATISTICS_SECTION_COUNT];
    struct statistics_section expected[STATISTICS_SECTION_COUNT];

    for (int i = 0; i < STATISTICS_SECTION_COUNT; i++)
        counts[i] = header->sections[i].count;
    if (header->magic != STATISTICS_MAGIC)
        snprintf(ret_why, why_bytes, "not a statistics file of kolabmeet");
    else if (header->version != STATISTICS_VERSION || header->header_bytes != sizeof *header)
        snprintf(ret_why, why_bytes,
                 "statistics of version %u (%u bytes of header), this program reads %u (%zu)",
                 header->version, header->header_bytes, STATISTICS_VERSION, sizeof *header);
    else if (header->total_bytes != lay_out(counts, expected) || header->total_bytes > file_bytes ||
             memcmp(header->sections, expected, sizeof expected) != 0)
        snprintf(ret_why, why_bytes, "statistics file is damaged or of another build");
    else
        return 0;
    return -EPROTO;
}

static int attach(int fd, int protection, struct statistics *ret_statistics, char *ret_why, size_t why_bytes)
{
    struct statistics made = {.fd = fd};
    struct shm_statistics_header header;
    struct stat status;

    if (fstat(fd, &status) != 0 || pread(fd, &header, sizeof header, 0) != (ssize_t)sizeof header) {
        snprintf(ret_why, why_bytes, "statistics file has no header");
        return -EPROTO;
    }
    int err = check(&header, (uint64_t)status.st_size, ret_why, why_bytes);
    if (err != 0)
        return err;
    made.bytes = header.total_bytes;
    memcpy(made.sections, header.sections, sizeof made.sections);
    err = map(fd, made.bytes, protection, &made.header);
    if (err != 0) {
        snprintf(ret_why, why_bytes, "statistics file cannot be mapped: %s", strerror(-err));
        return err;
    }
    *ret_statistics = made;
    return 0;
}

int statistics_attach(int fd, struct statistics *ret_statistics, char *ret_why, size_t why_bytes)
{
    return attach(fd, PROT_READ | PROT_WRITE, ret_statistics, ret_why, why_bytes);
}

int statistics_open(const char *path, struct statistics *ret_statistics, char *ret_why, size_t why_bytes)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        int err = -errno;
        snprintf(ret_why, why_bytes, "%s: %s", path, strerror(-err));
        return err;
    }
    int err = attach(fd, PROT_READ, ret_statistics, ret_why, why_bytes);
    if (err != 0)
        close(fd);
    return err;
}

void statistics_deinit(struct statistics *statistics)
{
    if (!statistics || !statistics->header)
        return;
    munmap(statistics->header, statistics->bytes);
    close(statistics->fd);
    statistics->header = NULL;
    statistics->fd = -1;
}

uint32_t statistics_count(const struct statistics *statistics, enum statistics_section_kind kind)
{
    return statistics->sections[kind].count;
}

void *statistics_block(const struct statistics *statistics, enum statistics_section_kind kind, uint32_t index)
{
    const struct statistics_section *section = &statistics->sections[kind];
    if (index >= section->count)
        return NULL;
    return (uint8_t *)statistics->header + section->offset + (uint64_t)index * section->stride;
}

/* Every block begins with its sequence and 4 bytes more; the words behind those 8 bytes, and those 4, are
 * content. */
void statistics_publish(const struct statistics *statistics, enum statistics_section_kind kind,
                        uint32_t index, const void *from, size_t bytes)
{
    uint8_t *block = statistics_block(statistics, kind, index);
    uint32_t second;
    if (!block)
        return;
    memcpy(&second, (const uint8_t *)from + 4, sizeof second);
    _Atomic uint32_t *sequence = (_Atomic uint32_t *)block;
    seqlock_write_begin(sequence);
    __atomic_store_n((uint32_t *)block + 1, second, __ATOMIC_RELAXED);
    seqlock_copy(block + 8, (const uint8_t *)from + 8, bytes - 8);
    seqlock_write_end(sequence);
}

int statistics_read(const struct statistics *statistics, enum statistics_section_kind kind, uint32_t index,
                    void *ret_block, size_t bytes)
{
    const void *block = statistics_block(statistics, kind, index);
    if (!block)
        return -ERANGE;
    if (bytes > statistics->sections[kind].stride)
        return -ERANGE;
    return seqlock_read(block, ret_block, block, bytes);
}
