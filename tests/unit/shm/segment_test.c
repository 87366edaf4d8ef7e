/* The segment: created, sealed, attached, and every stranger refused with a reason. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/ring.h"
#include "shm/segment.h"

static struct shm_capacities small(void)
{
    struct shm_capacities c = shm_capacities_default(2);
    c.transports = c.producers = c.streams = 16;
    c.consumers = 64;
    c.tuples = 64;
    c.command_ring_bytes = c.event_ring_bytes = c.punt_ring_bytes = c.inject_ring_bytes = 4096;
    c.peer_ring_bytes = 4096;
    c.store_chunks = 2;
    return c;
}

static void both_sides_see_the_same_memory(void **state)
{
    (void)state;
    struct shm_capacities capacities = small();
    struct shm_segment ours;
    struct shm_segment theirs;
    char why[200] = "";

    assert_int_equal(shm_segment_create(&capacities, &ours), 0);
    assert_int_equal(shm_segment_attach(dup(ours.fd), &theirs, why, sizeof why), 0);
    assert_int_equal(theirs.capacities.consumers, 64);
    for (int kind = 0; kind < SHM_SECTION_COUNT; kind++) {
        uint8_t *here = shm_segment_at(&ours, kind, 0);
        uint8_t *there = shm_segment_at(&theirs, kind, 0);
        assert_non_null(here);
        assert_int_equal((uintptr_t)here % SHM_CACHE_LINE, 0);
        assert_null(shm_segment_at(&ours, kind, ours.sections[kind].count));
        uint8_t *last = shm_segment_at(&ours, kind, ours.sections[kind].count - 1);
        assert_true(last + ours.sections[kind].stride <= (uint8_t *)ours.header + ours.bytes);
        here[0] = (uint8_t)(kind + 1);
        assert_int_equal(there[0], kind + 1);
    }
    shm_segment_deinit(&theirs, false);
    shm_segment_deinit(&ours, true);
}

static void rings_are_ready_for_use(void **state)
{
    (void)state;
    struct shm_capacities capacities = small();
    struct shm_segment segment;
    struct ring_producer producer;
    struct ring_consumer consumer;
    uint8_t data[8];
    uint32_t length;

    assert_int_equal(shm_segment_create(&capacities, &segment), 0);
    for (uint32_t worker = 0; worker < 2; worker++) {
        struct shm_ring *ring = shm_segment_at(&segment, SHM_SECTION_COMMAND_RING, worker);
        assert_int_equal(ring_producer_init(&producer, ring, 4096), 0);
        assert_int_equal(ring_consumer_init(&consumer, ring, 4096), 0);
        assert_int_equal(ring_push(&producer, &worker, 4), 0);
        assert_int_equal(ring_pop(&consumer, data, sizeof data, &length), 0);
        assert_memory_equal(data, &worker, 4);
    }
    shm_segment_deinit(&segment, true);
}

static void cannot_be_resized(void **state)
{
    (void)state;
    struct shm_capacities capacities = small();
    struct shm_segment segment;
    assert_int_equal(shm_segment_create(&capacities, &segment), 0);
    assert_int_equal(ftruncate(segment.fd, 0), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(segment.fd, (off_t)segment.bytes * 2), -1);
    assert_int_equal(errno, EPERM);
    shm_segment_deinit(&segment, false);
}

static void nonsense_capacities_are_refused(void **state)
{
    (void)state;
    struct shm_segment segment = {.fd = -2};
    struct shm_capacities c = small();
    c.workers = 0;
    assert_int_equal(shm_segment_create(&c, &segment), -EINVAL);
    c = small();
    c.tuples = 63;
    assert_int_equal(shm_segment_create(&c, &segment), -EINVAL);
    c = small();
    c.punt_ring_bytes = 5000;
    assert_int_equal(shm_segment_create(&c, &segment), -EINVAL);
    assert_int_equal(segment.fd, -2);
}

static void assert_refused(const struct shm_segment *segment, const char *reason)
{
    struct shm_segment theirs = {.fd = -2};
    char why[200] = "";
    int fd = dup(segment->fd);
    assert_int_equal(shm_segment_attach(fd, &theirs, why, sizeof why), -EPROTO);
    assert_non_null(strstr(why, reason));
    assert_int_equal(theirs.fd, -2);
    assert_int_equal(close(fd), 0); /* still ours */
}

static void strangers_are_refused_with_the_reason(void **state)
{
    (void)state;
    struct shm_capacities capacities = small();
    struct shm_segment segment;
    assert_int_equal(shm_segment_create(&capacities, &segment), 0);
    struct shm_header good = *segment.header;

    segment.header->magic ^= 1;
    assert_refused(&segment, "magic");
    *segment.header = good;
    segment.header->abi_version++;
    assert_refused(&segment, "ABI version");
    *segment.header = good;
    segment.header->header_bytes += 8;
    assert_refused(&segment, "header");
    *segment.header = good;
    segment.header->capacities.consumers *= 2;
    assert_refused(&segment, "bytes");
    *segment.header = good;
    segment.header->capacities.tuples = 3;
    assert_refused(&segment, "capacities");
    *segment.header = good;
    segment.header->sections[SHM_SECTION_CONSUMER].stride += 64;
    assert_refused(&segment, "laid out");
    *segment.header = good;
    shm_segment_deinit(&segment, false);

    struct shm_segment unsealed = {.fd = memfd_create("test", MFD_CLOEXEC)};
    assert_refused(&unsealed, "header");
    assert_int_equal(ftruncate(unsealed.fd, 8192), 0);
    assert_refused(&unsealed, "sealed");
    close(unsealed.fd);
}

static void wiping_leaves_nothing(void **state)
{
    (void)state;
    struct shm_capacities capacities = small();
    struct shm_segment segment;
    uint8_t byte = 1;
    assert_int_equal(shm_segment_create(&capacities, &segment), 0);
    uint64_t offset = segment.sections[SHM_SECTION_TRANSPORT].offset;
    *(uint8_t *)shm_segment_section(&segment, SHM_SECTION_TRANSPORT) = 0x5e;
    int fd = dup(segment.fd);
    assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
    assert_int_equal(byte, 0x5e);
    shm_segment_deinit(&segment, true);
    assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
    assert_int_equal(byte, 0);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_see_the_same_memory),
        cmocka_unit_test(rings_are_ready_for_use),
        cmocka_unit_test(cannot_be_resized),
        cmocka_unit_test(nonsense_capacities_are_refused),
        cmocka_unit_test(strangers_are_refused_with_the_reason),
        cmocka_unit_test(wiping_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
