/* Packet for packet the same as libsrtp2, both ways, with every provider. KM_SRTP_PACKETS: how many of each
 * profile, when not as few as an ordinary run has time for. */
#include "srtp_rig.h"

#define BATCH 128u
#define SSRCS 3u
#define GAP_MAX 5000u /* several in a row still make less than half a turn, beyond which only ours follows   \
                       */

static uint32_t packet_count(void)
{
    const char *wanted = getenv("KM_SRTP_PACKETS");
    return wanted ? (uint32_t)strtoul(wanted, NULL, 10) : 20000;
}

/* One end of ours and one of libsrtp2, with the same keys: they must send the same. */
struct twins {
    struct peer ours;
    struct peer theirs;
    struct prng prng;
    uint64_t highest[SSRCS];
};

static void random_packet(struct twins *twins, struct packet *packet, unsigned stream, uint64_t index)
{
    struct prng *prng = &twins->prng;
    uint32_t csrcs = prng_below(prng, 4) == 0 ? prng_below(prng, 16) : 0;
    bool extended = prng_below(prng, 2) == 0;
    uint32_t words = extended ? prng_below(prng, 12) : 0;
    uint32_t header = 12 + 4 * csrcs + (extended ? 4 + 4 * words : 0);

    packet_write(packet, 0x1000 + stream, index, 0);
    prng_fill(prng, packet->data + 4, 4);
    packet->data[0] = (uint8_t)(0x80 | (extended ? 0x10 : 0) | csrcs);
    packet->data[1] = (uint8_t)prng_next(prng);
    packet->length = header + (prng_below(prng, 2) == 0 ? prng_below(prng, 64) : prng_below(prng, 1400));
    prng_fill(prng, packet->data + 12, packet->length - 12);
    if (extended) {
        packet->data[12 + 4 * csrcs + 2] = (uint8_t)(words >> 8);
        packet->data[12 + 4 * csrcs + 3] = (uint8_t)words;
    }
}

/* Mostly the next one; sometimes a gap, sometimes one that a gap left. */
static uint64_t random_index(struct twins *twins, unsigned stream, bool *ret_is_late)
{
    uint32_t die = prng_below(&twins->prng, 100);

    *ret_is_late = false;
    if (die == 0)
        return twins->highest[stream] += 1 + prng_below(&twins->prng, 20000);
    if (die < 5)
        return twins->highest[stream] += 2;
    if (die < 8 && twins->highest[stream] > 0) {
        *ret_is_late = true;
        return twins->highest[stream] - 1;
    }
    return ++twins->highest[stream];
}

struct flight {
    struct packet theirs;
    struct packet out;  /* ours: the head */
    struct packet tail; /* the rest */
    unsigned stream;
    bool is_late;
};

static struct srtp_protect_job rtp_job(struct twins *twins, struct flight *flight)
{
    struct packet *packet = &flight->theirs;
    flight->stream = prng_below(&twins->prng, SSRCS);
    uint64_t index = random_index(twins, flight->stream, &flight->is_late);
    random_packet(twins, packet, flight->stream, index);
    uint32_t header = (uint32_t)srtp_rtp_header_bytes(packet->data, packet->length, 0);
    uint32_t payload = packet->length - header;
    uint32_t head = header;
    switch (prng_below(&twins->prng, 3)) {
    case 0:
        head += prng_below(&twins->prng, payload + 1);
        break;
    case 1:
        head += payload < 6 ? payload : 6;
        break;
    default:
        break;
    }
    memcpy(flight->out.data, packet->data, head);
    flight->tail.length = packet->length - head;
    memcpy(flight->tail.data, packet->data + head, flight->tail.length);
    return (struct srtp_protect_job){.session = twins->ours.session,
                                     .stream = &twins->ours.memory.send[flight->stream],
                                     .window = &twins->ours.memory.sent[flight->stream],
                                     .index = index,
                                     .out = flight->out.data,
                                     .out_capacity = head + flight->tail.length + SRTP_TRAILER_MAX,
                                     .head_bytes = head,
                                     .clear_bytes = header,
                                     .tail = flight->tail.data,
                                     .tail_bytes = flight->tail.length,
                                     .kind = SRTP_KIND_RTP};
}

static struct srtp_protect_job rtcp_job(struct twins *twins, struct flight *flight)
{
    struct packet *packet = &flight->theirs;
    packet_write_rtcp(packet, 0x77, 8 + prng_below(&twins->prng, 400));
    prng_fill(&twins->prng, packet->data + 8, packet->length - 8);
    flight->out = *packet;
    flight->is_late = false;
    return (struct srtp_protect_job){.session = twins->ours.session,
                                     .out = flight->out.data,
                                     .out_capacity = packet->length + SRTP_TRAILER_MAX,
                                     .head_bytes = packet->length,
                                     .clear_bytes = 8,
                                     .kind = SRTP_KIND_RTCP};
}

/* A number that a gap did not leave was used: ours refuses, and theirs is not asked. */
static uint32_t send_batch(struct twins *twins, uint32_t count)
{
    static struct flight flights[BATCH];
    struct srtp_protect_job jobs[BATCH];
    uint32_t refused = 0;

    for (uint32_t i = 0; i < count; i++)
        jobs[i] =
            prng_below(&twins->prng, 8) == 0 ? rtcp_job(twins, &flights[i]) : rtp_job(twins, &flights[i]);
    twins->ours.backend->protect(jobs, count);
    for (uint32_t i = 0; i < count; i++) {
        struct packet *theirs = &flights[i].theirs;
        if (jobs[i].status != SRTP_OK) {
            assert_true(flights[i].is_late);
            refused++;
            continue;
        }
        enum srtp_status status = jobs[i].kind == SRTP_KIND_RTP
                                      ? protect(&twins->theirs, theirs, flights[i].stream, jobs[i].index)
                                      : protect_rtcp(&twins->theirs, theirs);
        assert_int_equal(status, SRTP_OK);
        assert_int_equal(jobs[i].length, theirs->length);
        assert_memory_equal(flights[i].out.data, theirs->data, theirs->length);
    }
    return refused;
}

static void sends_the_same(const struct srtp_backend *backend, enum srtp_profile profile, uint32_t count)
{
    static struct twins twins;
    uint32_t refused = 0;

    memset(&twins, 0, sizeof(twins));
    twins.prng.state = 0x5eed + profile;
    peer_init(&twins.ours, backend, profile, 1, 2);
    peer_init(&twins.theirs, &srtp_libsrtp2, profile, 1, 2);
    twins.ours.memory.state.rtcp_next = 1; /* where libsrtp2 begins */
    for (unsigned i = 0; i < SSRCS; i++)
        twins.highest[i] = 100 * i;
    for (uint32_t done = 0; done < count;) {
        uint32_t batch = 1 + prng_below(&twins.prng, BATCH);
        refused += send_batch(&twins, batch);
        done += batch;
    }
    assert_true(refused < count / 25);
    peer_deinit(&twins.ours);
    peer_deinit(&twins.theirs);
}

/* What the network does: loses, repeats, forges, and brings out of order. */
static uint32_t disturb(struct prng *prng, struct packet *packets, enum srtp_kind *kinds, uint32_t count)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t die = prng_below(prng, 40);
        if (die == 0)
            continue;
        packets[kept] = packets[i];
        kinds[kept] = kinds[i];
        if (die == 1) {
            packets[kept].data[prng_below(prng, packets[kept].length)] ^=
                (uint8_t)(1 + prng_below(prng, 255));
        } else if (die == 2) {
            packets[kept].length = prng_below(prng, packets[kept].length);
        } else if (die == 3 && kept > 0) {
            uint32_t at = prng_below(prng, kept);
            packets[kept] = packets[at];
            kinds[kept] = kinds[at];
        } else if (die < 12 && kept > 0) {
            uint32_t at = kept - 1 - prng_below(prng, kept < 20 ? kept : 20);
            struct packet packet = packets[at];
            enum srtp_kind kind = kinds[at];
            packets[at] = packets[kept];
            kinds[at] = kinds[kept];
            packets[kept] = packet;
            kinds[kept] = kind;
        }
        kept++;
    }
    return kept;
}

struct counts {
    uint32_t accepted;
    uint32_t refused;
};

static void receive_batch(struct twins *twins, const struct packet *packets, const enum srtp_kind *kinds,
                          uint32_t count, struct counts *counts)
{
    static struct packet ours[BATCH];
    struct srtp_unprotect_job jobs[BATCH];

    for (uint32_t i = 0; i < count; i++) {
        ours[i] = packets[i];
        jobs[i] = (struct srtp_unprotect_job){
            .session = twins->ours.session, .data = ours[i].data, .length = ours[i].length, .kind = kinds[i]};
    }
    twins->ours.backend->unprotect(jobs, count);
    for (uint32_t i = 0; i < count; i++) {
        struct packet theirs;
        enum srtp_status status = unprotect(&twins->theirs, &packets[i], kinds[i], &theirs);
        assert_int_equal(jobs[i].status == SRTP_OK, status == SRTP_OK);
        if (status != SRTP_OK) {
            counts->refused++;
            continue;
        }
        counts->accepted++;
        assert_int_equal(jobs[i].length, theirs.length);
        assert_memory_equal(ours[i].data, theirs.data, theirs.length);
    }
}

static void receives_the_same(const struct srtp_backend *backend, enum srtp_profile profile, uint32_t count)
{
    static struct twins twins;
    static struct peer sender;
    static struct packet packets[BATCH];
    enum srtp_kind kinds[BATCH];
    struct counts counts = {0};

    memset(&twins, 0, sizeof(twins));
    twins.prng.state = 0xfeed + profile;
    peer_init(&twins.ours, backend, profile, 1, 2);
    peer_init(&twins.theirs, &srtp_libsrtp2, profile, 1, 2);
    peer_init(&sender, &srtp_native_openssl, profile, 2, 1);
    for (uint32_t done = 0; done < count; done += BATCH) {
        for (uint32_t i = 0; i < BATCH; i++) {
            unsigned stream = prng_below(&twins.prng, SSRCS);
            kinds[i] = prng_below(&twins.prng, 8) == 0 ? SRTP_KIND_RTCP : SRTP_KIND_RTP;
            if (kinds[i] == SRTP_KIND_RTCP) {
                packet_write_rtcp(&packets[i], 0x77 + stream, 8 + prng_below(&twins.prng, 400));
                assert_int_equal(protect_rtcp(&sender, &packets[i]), SRTP_OK);
            } else {
                uint64_t index = twins.highest[stream]++;
                if (prng_below(&twins.prng, 200) == 0)
                    twins.highest[stream] += prng_below(&twins.prng, GAP_MAX);
                random_packet(&twins, &packets[i], stream, index);
                assert_int_equal(protect(&sender, &packets[i], stream, index), SRTP_OK);
            }
        }
        uint32_t kept = disturb(&twins.prng, packets, kinds, BATCH);
        for (uint32_t at = 0; at < kept;) {
            uint32_t batch = 1 + prng_below(&twins.prng, kept - at);
            receive_batch(&twins, packets + at, kinds + at, batch, &counts);
            at += batch;
        }
    }
    assert_true(counts.accepted > count / 10 * 7);
    assert_true(counts.refused > count / 50);
    peer_deinit(&twins.ours);
    peer_deinit(&twins.theirs);
    peer_deinit(&sender);
}

static void is_libsrtp2_to_the_byte(void **state)
{
    (void)state;
    uint32_t count = packet_count();

    for (const struct srtp_backend *const *backend = native_backends(); *backend; backend++) {
        for (unsigned i = 0; i < 3; i++)
            sends_the_same(*backend, all_profiles[i], count);
    }
}

static void accepts_what_libsrtp2_accepts(void **state)
{
    (void)state;
    uint32_t count = packet_count();

    for (const struct srtp_backend *const *backend = native_backends(); *backend; backend++) {
        for (unsigned i = 0; i < 3; i++)
            receives_the_same(*backend, all_profiles[i], count);
    }
}

/* Every length from none to beyond a block of anything, sealed by one provider and opened by the other. */
static void every_length_with_every_provider(void **state)
{
    (void)state;
    static struct peer sender, receiver;
    struct packet packet, plain;

    for (unsigned i = 0; i < 3; i++) {
        for (const struct srtp_backend *const *from = native_backends(); *from; from++) {
            for (const struct srtp_backend *const *to = native_backends(); *to; to++) {
                peer_init(&sender, *from, all_profiles[i], 1, 2);
                peer_init(&receiver, *to, all_profiles[i], 2, 1);
                for (uint32_t bytes = 0; bytes <= 1500; bytes++) {
                    packet_write(&packet, 5, bytes, bytes);
                    plain = packet;
                    assert_int_equal(protect(&sender, &packet, 0, bytes), SRTP_OK);
                    assert_int_equal(unprotect(&receiver, &packet, SRTP_KIND_RTP, &packet), SRTP_OK);
                    assert_int_equal(packet.length, plain.length);
                    assert_memory_equal(packet.data, plain.data, plain.length);
                    packet_write_rtcp(&packet, 5, 8 + bytes);
                    plain = packet;
                    assert_int_equal(protect_rtcp(&sender, &packet), SRTP_OK);
                    assert_int_equal(unprotect(&receiver, &packet, SRTP_KIND_RTCP, &packet), SRTP_OK);
                    assert_int_equal(packet.length, plain.length);
                    assert_memory_equal(packet.data, plain.data, plain.length);
                }
                peer_deinit(&sender);
                peer_deinit(&receiver);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_libsrtp2_to_the_byte),
        cmocka_unit_test(accepts_what_libsrtp2_accepts),
        cmocka_unit_test(every_length_with_every_provider),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
