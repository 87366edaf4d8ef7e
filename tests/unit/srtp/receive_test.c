/* What a receiver takes and refuses: wraps, reordering, replays, gaps, forgeries, lengths that cannot be, and
 * SSRCs without end. */
#include "srtp_rig.h"

#define SSRC 0x01020304u

struct pair {
    struct peer sender;
    struct peer receiver;
};

static void pair_init(struct pair *pair, const struct srtp_backend *backend, enum srtp_profile profile)
{
    peer_init(&pair->sender, &srtp_native_openssl, profile, 1, 2);
    peer_init(&pair->receiver, backend, profile, 2, 1);
}

static void pair_deinit(struct pair *pair)
{
    peer_deinit(&pair->sender);
    peer_deinit(&pair->receiver);
}

/* Runs a test with every backend and profile. */
static void everywhere(void (*test)(struct pair *pair))
{
    static struct pair pair;

    for (const struct srtp_backend *const *backend = native_backends(); *backend; backend++) {
        for (unsigned i = 0; i < 3; i++) {
            pair_init(&pair, *backend, all_profiles[i]);
            test(&pair);
            pair_deinit(&pair);
        }
    }
}

/* Packet index of SSRC, as the sender makes it. */
static struct packet sealed(struct pair *pair, uint32_t ssrc, uint64_t index)
{
    struct packet packet;
    packet_write(&packet, ssrc, index, 40);
    memset(pair->sender.memory.send, 0, sizeof(pair->sender.memory.send)); /* the test asks what it likes */
    memset(pair->sender.memory.sent, 0, sizeof(pair->sender.memory.sent));
    assert_int_equal(protect(&pair->sender, &packet, 0, index), SRTP_OK);
    return packet;
}

static enum srtp_status deliver(struct pair *pair, uint64_t index)
{
    struct packet packet = sealed(pair, SSRC, index);
    return unprotect(&pair->receiver, &packet, SRTP_KIND_RTP, NULL);
}

static void wraps(struct pair *pair)
{
    for (uint64_t index = 0xff00; index < 0x10100; index++)
        assert_int_equal(deliver(pair, index), SRTP_OK);
    for (uint64_t index = 0xff00; index < 0x10100; index++)
        assert_int_equal(deliver(pair, index), SRTP_REPLAYED);
}

static void loses_the_wrap(struct pair *pair)
{
    assert_int_equal(deliver(pair, 0xfff0), SRTP_OK);
    assert_int_equal(deliver(pair, 0x10010), SRTP_OK); /* 0xfff1 to 0x1000f are late */
    assert_int_equal(deliver(pair, 0xffff), SRTP_OK);
    assert_int_equal(deliver(pair, 0x10000), SRTP_OK);
    assert_int_equal(deliver(pair, 0xfff1), SRTP_OK);
    assert_int_equal(deliver(pair, 0xffff), SRTP_REPLAYED);
    for (uint64_t turn = 2; turn < 6; turn++) {
        assert_int_equal(deliver(pair, (turn << 16) - 0x7000), SRTP_OK);
        assert_int_equal(deliver(pair, (turn << 16) + 0x10), SRTP_OK);
    }
}

static void reorders_within_the_window(struct pair *pair)
{
    assert_int_equal(deliver(pair, 5000), SRTP_OK);
    assert_int_equal(deliver(pair, 5000 - 1023), SRTP_OK);
    assert_int_equal(deliver(pair, 5000 - 1023), SRTP_REPLAYED);
    assert_int_equal(deliver(pair, 5000 - 1024), SRTP_REPLAYED);
    assert_int_equal(deliver(pair, 6000), SRTP_OK);
    assert_int_equal(deliver(pair, 5000), SRTP_REPLAYED);
    assert_int_equal(deliver(pair, 4999), SRTP_OK);
    assert_int_equal(deliver(pair, 4999), SRTP_REPLAYED);
}

/* A guess by the sequence number alone would take these for packets of long ago. */
static void outlives_long_gaps(struct pair *pair)
{
    uint64_t index = 0x10000 + 100;

    assert_int_equal(deliver(pair, 100), SRTP_OK);
    assert_int_equal(deliver(pair, 0x8000), SRTP_OK);
    assert_int_equal(deliver(pair, index), SRTP_OK);
    static const uint32_t gaps[] = {0x7fff, 0x8000, 0x8001, 40000, 60000, 0x10000 - 1100};
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++) {
            index += gaps[i];
            if (deliver(pair, index) != SRTP_OK)
                fail_msg("a gap of %u was not outlived", gaps[i]);
            assert_int_equal(deliver(pair, index), SRTP_REPLAYED);
        }
    }
}

static void takes_twins_once(struct pair *pair)
{
    struct packet packets[6];
    struct srtp_unprotect_job jobs[6];
    static const uint64_t indices[6] = {0xffff, 0x10000, 0xffff, 0x10001, 0x10000, 0x10002};
    static const enum srtp_status expected[6] = {SRTP_OK, SRTP_OK,       SRTP_REPLAYED,
                                                 SRTP_OK, SRTP_REPLAYED, SRTP_OK};

    /* The very first packets, in one batch, with the wrap between them. */
    for (unsigned i = 0; i < 6; i++) {
        packets[i] = sealed(pair, SSRC, indices[i]);
        jobs[i] = (struct srtp_unprotect_job){.session = pair->receiver.session,
                                              .data = packets[i].data,
                                              .length = packets[i].length,
                                              .kind = SRTP_KIND_RTP};
    }
    pair->receiver.backend->unprotect(jobs, 6);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(jobs[i].status, expected[i]);
}

static void forgeries_change_nothing(struct pair *pair)
{
    struct packet packet, bad;
    struct peer_memory before;

    for (uint64_t index = 0; index < 30; index++)
        assert_int_equal(deliver(pair, index), SRTP_OK);
    before = pair->receiver.memory;
    packet = sealed(pair, SSRC, 1000);
    for (uint32_t bit = 0; bit < 8 * packet.length; bit++) {
        bad = packet;
        bad.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(unprotect(&pair->receiver, &bad, SRTP_KIND_RTP, NULL), SRTP_OK);
    }
    packet_write_rtcp(&packet, SSRC, 60);
    assert_int_equal(protect_rtcp(&pair->sender, &packet), SRTP_OK);
    for (uint32_t bit = 0; bit < 8 * packet.length; bit++) {
        bad = packet;
        bad.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(unprotect(&pair->receiver, &bad, SRTP_KIND_RTCP, NULL), SRTP_OK);
    }
    assert_memory_equal(&before, &pair->receiver.memory, sizeof(before));
    assert_int_equal(unprotect(&pair->receiver, &packet, SRTP_KIND_RTCP, NULL), SRTP_OK);
    assert_int_equal(unprotect(&pair->receiver, &packet, SRTP_KIND_RTCP, NULL), SRTP_REPLAYED);
    assert_int_equal(deliver(pair, 1000), SRTP_OK);
}

/* In memory of exactly the packet's length, so that a sanitizer sees every byte too many. */
static enum srtp_status unprotect_exactly(struct pair *pair, const uint8_t *data, uint32_t length,
                                          enum srtp_kind kind)
{
    uint8_t *copy = malloc(length + 1);
    assert_non_null(copy);
    memcpy(copy + 1, data, length);
    struct srtp_unprotect_job job = {
        .session = pair->receiver.session, .data = copy + 1, .length = length, .kind = kind};
    pair->receiver.backend->unprotect(&job, 1);
    free(copy);
    return job.status;
}

static void truncations_are_refused(struct pair *pair)
{
    struct packet packet = sealed(pair, SSRC, 7);
    struct prng prng = {.state = 11};

    for (uint32_t length = 0; length <= 60 && length < packet.length; length++) {
        assert_int_not_equal(unprotect_exactly(pair, packet.data, length, SRTP_KIND_RTP), SRTP_OK);
        assert_int_not_equal(unprotect_exactly(pair, packet.data, length, SRTP_KIND_RTCP), SRTP_OK);
    }
    for (uint32_t round = 0; round < 3000; round++) {
        uint8_t bytes[200];
        uint32_t length = prng_below(&prng, sizeof(bytes));
        prng_fill(&prng, bytes, length);
        if (length > 0)
            bytes[0] = (uint8_t)(0x80 | (bytes[0] & 0x3f));
        if (length > 15 && prng_below(&prng, 2) == 0)
            bytes[14] = 0; /* an extension that may fit */
        assert_int_not_equal(unprotect_exactly(pair, bytes, length, SRTP_KIND_RTP), SRTP_OK);
        assert_int_not_equal(unprotect_exactly(pair, bytes, length, SRTP_KIND_RTCP), SRTP_OK);
    }
    assert_int_equal(unprotect_exactly(pair, packet.data, packet.length, SRTP_KIND_RTP), SRTP_OK);
}

static void hostile_jobs_are_refused(struct pair *pair)
{
    struct packet packet;
    struct srtp_unprotect_job huge = {
        .session = pair->receiver.session, .data = packet.data, .length = UINT32_MAX, .kind = SRTP_KIND_RTP};
    pair->receiver.backend->unprotect(&huge, 1);
    assert_int_equal(huge.status, SRTP_MALFORMED);

    struct peer *sender = &pair->receiver; /* it can send as well, and is of the backend at test */
    packet_write(&packet, SSRC, 1, 100);
    struct srtp_protect_job good = protect_job(sender, &packet, 1, 1), job = good;
    job.out_capacity = packet.length + 9;
    sender->backend->protect(&job, 1);
    assert_int_equal(job.status, SRTP_FAILED);
    job = good;
    job.tail = packet.data;
    job.tail_bytes = UINT32_MAX - 50;
    sender->backend->protect(&job, 1);
    assert_int_equal(job.status, SRTP_FAILED);
    job = good;
    job.clear_bytes = 16;
    sender->backend->protect(&job, 1);
    assert_int_equal(job.status, SRTP_MALFORMED);
    job = good;
    job.head_bytes = 11;
    sender->backend->protect(&job, 1);
    assert_int_equal(job.status, SRTP_MALFORMED);
    job = good;
    job.index = 2; /* not what the header says */
    sender->backend->protect(&job, 1);
    assert_int_equal(job.status, SRTP_MALFORMED);
    job = good;
    job.stream = NULL;
    sender->backend->protect(&job, 1);
    assert_int_equal(job.status, SRTP_MALFORMED);
    assert_int_equal(sender->memory.send[1].next, 0); /* none of them took the index */
    job = good;
    sender->backend->protect(&job, 1);
    assert_int_equal(job.status, SRTP_OK);
    packet_write(&packet, SSRC, 1, 100);
    job = good;
    sender->backend->protect(&job, 1);
    assert_int_equal(job.status, SRTP_FAILED); /* used */
    sender->memory.state.rtcp_next = 0x7fffffff;
    packet_write_rtcp(&packet, SSRC, 40);
    assert_int_equal(protect_rtcp(sender, &packet), SRTP_OK);
    packet_write_rtcp(&packet, SSRC, 40);
    assert_int_equal(protect_rtcp(sender, &packet), SRTP_FAILED); /* the key is worn out */
}

static uint32_t taken(const struct peer *peer)
{
    return PEER_STREAMS - srtp_receive_pool_free_count(peer->pool);
}

static void made_up_ssrcs_push_each_other_out(struct pair *pair)
{
    struct packet packet;

    for (uint64_t index = 0; index < 10; index++)
        assert_int_equal(deliver(pair, 0xfff8 + index), SRTP_OK);
    pair->receiver.backend->keep(pair->receiver.session, SSRC);
    for (uint32_t i = 0; i < 0x10000; i++) {
        packet = sealed(pair, 0x80000000u + i * 7919, 1);
        assert_int_equal(unprotect(&pair->receiver, &packet, SRTP_KIND_RTP, NULL), SRTP_OK);
        assert_true(taken(&pair->receiver) <= 1 + SRTP_GUESTS_MAX);
    }
    assert_int_equal(taken(&pair->receiver), 1 + SRTP_GUESTS_MAX);
    for (uint64_t index = 0; index < 10; index++)
        assert_int_equal(deliver(pair, 0xfff8 + index), SRTP_REPLAYED); /* it was never pushed out */
    assert_int_equal(deliver(pair, 0x10100), SRTP_OK);

    pair->receiver.backend->forget(pair->receiver.session, SSRC);
    assert_int_equal(taken(&pair->receiver), SRTP_GUESTS_MAX);
    assert_int_equal(deliver(pair, 0x10100), SRTP_REPLAYED); /* now the newest guest */
    for (uint32_t i = 0; i < SRTP_GUESTS_MAX; i++) {
        packet = sealed(pair, 0x70000000u + i, 1);
        assert_int_equal(unprotect(&pair->receiver, &packet, SRTP_KIND_RTP, NULL), SRTP_OK);
    }
    assert_int_equal(deliver(pair, 1), SRTP_OK); /* a stranger again */
}

static void residents_are_bounded_too(struct pair *pair)
{
    struct packet packet;

    for (uint32_t i = 0; i < 1000; i++) {
        packet = sealed(pair, 1000 + i, 1);
        assert_int_equal(unprotect(&pair->receiver, &packet, SRTP_KIND_RTP, NULL), SRTP_OK);
        pair->receiver.backend->keep(pair->receiver.session, 1000 + i);
    }
    assert_int_equal(taken(&pair->receiver), SRTP_RESIDENTS_MAX + SRTP_GUESTS_MAX);
    for (uint32_t i = 0; i < SRTP_RESIDENTS_MAX; i++) {
        packet = sealed(pair, 1000 + i, 1);
        assert_int_equal(unprotect(&pair->receiver, &packet, SRTP_KIND_RTP, NULL), SRTP_REPLAYED);
    }
    pair->receiver.backend->retire(pair->receiver.session);
    pair->receiver.session = NULL;
    assert_int_equal(taken(&pair->receiver), 0);
    assert_int_equal(pair->receiver.memory.state.profile, 0);
}

/* A pool that others have emptied: own guests make room, and without one nothing is accepted. */
static void an_empty_pool_is_survived(struct pair *pair)
{
    struct packet packet;

    while (srtp_receive_pool_free_count(pair->receiver.pool) > 2)
        assert_non_null(srtp_receive_pool_take(pair->receiver.pool, 99, 1));
    for (uint32_t i = 0; i < 10; i++) {
        packet = sealed(pair, 1000 + i, 1);
        assert_int_equal(unprotect(&pair->receiver, &packet, SRTP_KIND_RTP, NULL), SRTP_OK);
    }
    pair->receiver.backend->keep(pair->receiver.session, 1008);
    pair->receiver.backend->keep(pair->receiver.session, 1009);
    packet = sealed(pair, 1010, 1);
    assert_int_equal(unprotect(&pair->receiver, &packet, SRTP_KIND_RTP, NULL), SRTP_FAILED);
    packet = sealed(pair, 1009, 2);
    assert_int_equal(unprotect(&pair->receiver, &packet, SRTP_KIND_RTP, NULL), SRTP_OK);
}

#define EVERYWHERE(name)                                                                                     \
    static void test_##name(void **state)                                                                    \
    {                                                                                                        \
        (void)state;                                                                                         \
        everywhere(name);                                                                                    \
    }

EVERYWHERE(wraps)
EVERYWHERE(loses_the_wrap)
EVERYWHERE(reorders_within_the_window)
EVERYWHERE(outlives_long_gaps)
EVERYWHERE(takes_twins_once)
EVERYWHERE(forgeries_change_nothing)
EVERYWHERE(truncations_are_refused)
EVERYWHERE(hostile_jobs_are_refused)
EVERYWHERE(made_up_ssrcs_push_each_other_out)
EVERYWHERE(residents_are_bounded_too)
EVERYWHERE(an_empty_pool_is_survived)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wraps),
        cmocka_unit_test(test_loses_the_wrap),
        cmocka_unit_test(test_reorders_within_the_window),
        cmocka_unit_test(test_outlives_long_gaps),
        cmocka_unit_test(test_takes_twins_once),
        cmocka_unit_test(test_forgeries_change_nothing),
        cmocka_unit_test(test_truncations_are_refused),
        cmocka_unit_test(test_hostile_jobs_are_refused),
        cmocka_unit_test(test_made_up_ssrcs_push_each_other_out),
        cmocka_unit_test(test_residents_are_bounded_too),
        cmocka_unit_test(test_an_empty_pool_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
