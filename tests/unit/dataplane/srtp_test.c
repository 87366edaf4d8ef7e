/* The SRTP backends behind dataplane/srtp.h: round trips in batches, lengths that lie, forgeries, replays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "dataplane/srtp.h"
#include "proto/wire/bytes.h"

#define TAIL_BYTES 40u
#define SSRC 0x01020304u

static const enum srtp_profile profiles[] = {SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_256_GCM,
                                             SRTP_AES128_CM_SHA1_80};

static const uint8_t head[] = {1, 2, 3, 4};

struct pair {
    const struct srtp_backend *backend;
    enum srtp_profile profile;
    struct srtp_session *a; /* what a sends, b receives */
    struct srtp_session *b;
};

static void pair_init(struct pair *pair, enum srtp_profile profile)
{
    uint8_t one[SRTP_KEY_MAX], two[SRTP_KEY_MAX];

    for (unsigned i = 0; i < SRTP_KEY_MAX; i++) {
        one[i] = (uint8_t)(i * 3 + 1);
        two[i] = (uint8_t)(i * 5 + 2);
    }
    pair->backend = srtp_backend_find("libsrtp2");
    assert_non_null(pair->backend);
    pair->profile = profile;
    assert_int_equal(pair->backend->init(), 0);
    assert_int_equal(pair->backend->create(profile, one, two, NULL, &pair->a), 0);
    assert_int_equal(pair->backend->create(profile, two, one, NULL, &pair->b), 0);
}

static void pair_deinit(struct pair *pair)
{
    pair->backend->destroy(pair->a);
    pair->backend->destroy(pair->b);
}

static void write_header(uint8_t *data, uint16_t sequence)
{
    memset(data, 0, 12);
    data[0] = 0x80;
    data[1] = 100;
    store_be16(data + 2, sequence);
    store_be32(data + 8, SSRC);
}

static void fill(uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        data[i] = (uint8_t)(i * 11);
}

/* A packet with the payload half in the head, half in the tail. Returns its protected length. */
static uint32_t protect_ssrc(struct pair *pair, uint32_t ssrc, uint16_t sequence, uint8_t *out,
                             uint32_t capacity)
{
    uint8_t tail[TAIL_BYTES];

    fill(tail, sizeof(tail));
    write_header(out, sequence);
    store_be32(out + 8, ssrc);
    memcpy(out + 12, head, sizeof(head));
    struct srtp_protect_job job = {.session = pair->a,
                                   .out = out,
                                   .out_capacity = capacity,
                                   .head_bytes = 16,
                                   .clear_bytes = 12,
                                   .tail = tail,
                                   .tail_bytes = sizeof(tail),
                                   .kind = SRTP_KIND_RTP};
    pair->backend->protect(&job, 1);
    assert_int_equal(job.status, SRTP_OK);
    assert_int_equal(job.length, 16 + TAIL_BYTES + srtp_trailer_bytes(pair->profile, SRTP_KIND_RTP));
    return job.length;
}

static uint32_t protect_rtp(struct pair *pair, uint16_t sequence, uint8_t *out, uint32_t capacity)
{
    return protect_ssrc(pair, SSRC, sequence, out, capacity);
}

static enum srtp_status unprotect(struct pair *pair, uint8_t *data, uint32_t *length, enum srtp_kind kind)
{
    struct srtp_unprotect_job job = {.session = pair->b, .data = data, .length = *length, .kind = kind};

    pair->backend->unprotect(&job, 1);
    *length = job.length;
    return job.status;
}

static void test_round_trip(void **state)
{
    (void)state;
    for (unsigned p = 0; p < 3; p++) {
        struct pair pair;
        uint8_t data[256], expected[TAIL_BYTES];

        pair_init(&pair, profiles[p]);
        fill(expected, sizeof(expected));
        for (unsigned i = 0; i < 70; i++) { /* over the wrap of the sequence number */
            uint32_t length = protect_rtp(&pair, (uint16_t)(65500 + i), data, sizeof(data));
            assert_memory_not_equal(data + 16, expected, sizeof(expected));
            assert_int_equal(unprotect(&pair, data, &length, SRTP_KIND_RTP), SRTP_OK);
            assert_int_equal(length, 16 + TAIL_BYTES);
            assert_memory_equal(data + 12, head, sizeof(head));
            assert_memory_equal(data + 16, expected, sizeof(expected));
        }
        pair_deinit(&pair);
    }
}

static void test_round_trip_rtcp(void **state)
{
    static const uint8_t plain[] = {0x81, 201, 0, 1, 1, 2, 3, 4, 0x81, 206, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8};

    (void)state;
    for (unsigned p = 0; p < 3; p++) {
        struct pair pair;
        uint8_t data[128];

        pair_init(&pair, profiles[p]);
        for (unsigned i = 0; i < 5; i++) {
            memcpy(data, plain, sizeof(plain));
            struct srtp_protect_job job = {.session = pair.a,
                                           .out = data,
                                           .out_capacity = sizeof(data),
                                           .head_bytes = sizeof(plain),
                                           .clear_bytes = 8,
                                           .kind = SRTP_KIND_RTCP};
            pair.backend->protect(&job, 1);
            assert_int_equal(job.status, SRTP_OK);
            assert_int_equal(job.length, sizeof(plain) + srtp_trailer_bytes(profiles[p], SRTP_KIND_RTCP));
            assert_memory_not_equal(data + 8, plain + 8, 12);
            uint32_t length = job.length;
            uint8_t copy[128];
            memcpy(copy, data, length);
            assert_int_equal(unprotect(&pair, data, &length, SRTP_KIND_RTCP), SRTP_OK);
            assert_int_equal(length, sizeof(plain));
            assert_memory_equal(data, plain, sizeof(plain));
            length = job.length;
            assert_int_equal(unprotect(&pair, copy, &length, SRTP_KIND_RTCP), SRTP_REPLAYED);
        }
        pair_deinit(&pair);
    }
}

static void test_every_truncation(void **state)
{
    (void)state;
    for (unsigned p = 0; p < 3; p++) {
        struct pair pair;
        uint8_t data[256], torn[256];

        pair_init(&pair, profiles[p]);
        uint32_t whole = protect_rtp(&pair, 1, data, sizeof(data));
        uint32_t trailer = (uint32_t)srtp_trailer_bytes(profiles[p], SRTP_KIND_RTP);
        for (uint32_t cut = 0; cut < whole; cut++) {
            uint32_t length = cut;
            memcpy(torn, data, cut);
            enum srtp_status status = unprotect(&pair, torn, &length, SRTP_KIND_RTP);
            assert_int_equal(status, cut < 12 + trailer ? SRTP_MALFORMED : SRTP_FORGED);
            length = cut;
            memcpy(torn, data, cut);
            assert_true(unprotect(&pair, torn, &length, SRTP_KIND_RTCP) != SRTP_OK);
        }
        /* After all that, the packet itself is still good. */
        assert_int_equal(unprotect(&pair, data, &whole, SRTP_KIND_RTP), SRTP_OK);
        pair_deinit(&pair);
    }
}

static void test_headers_that_lie(void **state)
{
    (void)state;
    for (unsigned p = 0; p < 3; p++) {
        struct pair pair;
        uint8_t data[256], bad[256];

        pair_init(&pair, profiles[p]);
        uint32_t whole = protect_rtp(&pair, 1, data, sizeof(data));
        for (unsigned first = 0; first < 256; first++) {
            uint32_t length = whole;
            memcpy(bad, data, whole);
            bad[0] = (uint8_t)first;
            memset(bad + 12, 0xff, 8); /* an extension of 65,535 words */
            enum srtp_status status = unprotect(&pair, bad, &length, SRTP_KIND_RTP);
            bool too_long = first >> 6 != 2 || (first & 0x10) != 0 || 12 + 4 * (first & 15) > 16 + TAIL_BYTES;
            assert_int_equal(status, too_long ? SRTP_MALFORMED : SRTP_FORGED);
        }
        pair_deinit(&pair);
    }
}

static void test_forged_bits(void **state)
{
    (void)state;
    for (unsigned p = 0; p < 3; p++) {
        struct pair pair;
        uint8_t data[256], forged[256];

        pair_init(&pair, profiles[p]);
        uint32_t whole = protect_rtp(&pair, 1, data, sizeof(data));
        for (uint32_t bit = 16; bit < whole * 8; bit++) {
            uint32_t length = whole;
            memcpy(forged, data, whole);
            forged[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_int_equal(unprotect(&pair, forged, &length, SRTP_KIND_RTP), SRTP_FORGED);
        }
        assert_int_equal(unprotect(&pair, data, &whole, SRTP_KIND_RTP), SRTP_OK);
        pair_deinit(&pair);
    }
}

static void test_replay_window(void **state)
{
    static uint8_t packets[SRTP_REPLAY_WINDOW + 10][128];
    uint8_t copy[128];

    (void)state;
    for (unsigned p = 0; p < 3; p++) {
        struct pair pair;
        uint32_t length = 0;

        pair_init(&pair, profiles[p]);
        for (unsigned i = 0; i < SRTP_REPLAY_WINDOW + 10; i++)
            length = protect_rtp(&pair, (uint16_t)(100 + i), packets[i], sizeof(packets[i]));
        uint32_t opened = length;
        memcpy(copy, packets[SRTP_REPLAY_WINDOW + 9], length);
        assert_int_equal(unprotect(&pair, copy, &opened, SRTP_KIND_RTP), SRTP_OK);
        for (unsigned i = 0; i < SRTP_REPLAY_WINDOW + 9; i++) {
            opened = length;
            memcpy(copy, packets[i], length);
            enum srtp_status status = unprotect(&pair, copy, &opened, SRTP_KIND_RTP);
            assert_int_equal(status, i < 10 ? SRTP_REPLAYED : SRTP_OK);
            opened = length;
            memcpy(copy, packets[i], length);
            assert_int_equal(unprotect(&pair, copy, &opened, SRTP_KIND_RTP), SRTP_REPLAYED);
        }
        pair_deinit(&pair);
    }
}

/* Sent again for a NACK: the same packet comes out, and nothing goes wrong. */
static void test_a_packet_may_be_sent_again(void **state)
{
    (void)state;
    for (unsigned p = 0; p < 3; p++) {
        struct pair pair;
        uint8_t first[256], again[256];

        pair_init(&pair, profiles[p]);
        uint32_t length = protect_rtp(&pair, 7, first, sizeof(first));
        protect_rtp(&pair, 8, again, sizeof(again));
        assert_int_equal(protect_rtp(&pair, 7, again, sizeof(again)), length);
        assert_memory_equal(first, again, length);
        pair_deinit(&pair);
    }
}

static void test_no_room_for_the_trailer(void **state)
{
    (void)state;
    for (unsigned p = 0; p < 3; p++) {
        struct pair pair;
        uint8_t out[128];
        uint32_t need = 12 + (uint32_t)srtp_trailer_bytes(profiles[p], SRTP_KIND_RTP);

        pair_init(&pair, profiles[p]);
        for (uint32_t capacity = 12; capacity <= need; capacity++) {
            memset(out, 0xee, sizeof(out));
            write_header(out, (uint16_t)capacity);
            struct srtp_protect_job job = {
                .session = pair.a, .out = out, .out_capacity = capacity, .head_bytes = 12, .clear_bytes = 12};
            pair.backend->protect(&job, 1);
            assert_int_equal(job.status, capacity < need ? SRTP_FAILED : SRTP_OK);
            for (uint32_t i = capacity; i < sizeof(out); i++)
                assert_int_equal(out[i], 0xee);
        }
        struct srtp_protect_job torn = {
            .session = pair.a, .out = out, .out_capacity = sizeof(out), .head_bytes = 11, .clear_bytes = 11};
        pair.backend->protect(&torn, 1);
        assert_int_equal(torn.status, SRTP_MALFORMED);
        torn.kind = SRTP_KIND_RTCP;
        torn.head_bytes = 7;
        pair.backend->protect(&torn, 1);
        assert_int_equal(torn.status, SRTP_MALFORMED);
        pair_deinit(&pair);
    }
}

/* One bad packet in a batch does not touch the others. */
static void test_batch(void **state)
{
    struct pair pair;
    uint8_t data[8][256];
    struct srtp_unprotect_job jobs[8];

    (void)state;
    pair_init(&pair, SRTP_AEAD_AES_128_GCM);
    for (unsigned i = 0; i < 8; i++) {
        uint32_t length = protect_rtp(&pair, (uint16_t)i, data[i], sizeof(data[i]));
        jobs[i] = (struct srtp_unprotect_job){
            .session = pair.b, .data = data[i], .length = i == 3 ? 5 : length, .kind = SRTP_KIND_RTP};
    }
    data[6][30] ^= 1;
    pair.backend->unprotect(jobs, 8);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(jobs[i].status, i == 3 ? SRTP_MALFORMED : i == 6 ? SRTP_FORGED : SRTP_OK);
    pair.backend->unprotect(jobs, 0);
    pair_deinit(&pair);
}

static enum srtp_status unprotect_copy(struct pair *pair, const uint8_t *data, uint32_t length)
{
    uint8_t copy[256];

    memcpy(copy, data, length);
    return unprotect(pair, copy, &length, SRTP_KIND_RTP);
}

/* So many packets of an SSRC each that nothing is known about. */
static void hear_guests(struct pair *pair, uint32_t first, unsigned count)
{
    uint8_t data[256];

    for (unsigned i = 0; i < count; i++) {
        uint32_t length = protect_ssrc(pair, first + i, 1, data, sizeof(data));
        assert_int_equal(unprotect_copy(pair, data, length), SRTP_OK);
    }
}

/* Of guests the newest are known, of who is kept all is. */
static void test_guests_make_room(void **state)
{
    struct pair pair;
    uint8_t data[256];

    (void)state;
    pair_init(&pair, SRTP_AES128_CM_SHA1_80);
    uint32_t length = protect_rtp(&pair, 5, data, sizeof(data));
    assert_int_equal(unprotect_copy(&pair, data, length), SRTP_OK);
    hear_guests(&pair, 1000, SRTP_GUESTS_MAX - 1);
    assert_int_equal(unprotect_copy(&pair, data, length), SRTP_REPLAYED);
    hear_guests(&pair, 2000, 1);
    assert_int_equal(unprotect_copy(&pair, data, length), SRTP_OK);

    pair.backend->keep(pair.b, SSRC);
    pair.backend->keep(pair.b, 0xdeadbeef);
    hear_guests(&pair, 3000, 2 * SRTP_GUESTS_MAX);
    assert_int_equal(unprotect_copy(&pair, data, length), SRTP_REPLAYED);

    pair.backend->forget(pair.b, SSRC);
    pair.backend->forget(pair.b, 0xdeadbeef);
    assert_int_equal(unprotect_copy(&pair, data, length), SRTP_REPLAYED);
    hear_guests(&pair, 4000, SRTP_GUESTS_MAX);
    assert_int_equal(unprotect_copy(&pair, data, length), SRTP_OK);
    pair_deinit(&pair);
}

static void test_profiles(void **state)
{
    struct srtp_session *session;
    uint8_t key[SRTP_KEY_MAX] = {0};

    (void)state;
    assert_null(srtp_backend_find("rot13"));
    assert_int_equal(srtp_key_bytes(SRTP_AEAD_AES_128_GCM), 28);
    assert_int_equal(srtp_key_bytes(SRTP_AEAD_AES_256_GCM), 44);
    assert_int_equal(srtp_key_bytes(SRTP_AES128_CM_SHA1_80), 30);
    assert_int_equal(srtp_key_bytes((enum srtp_profile)0), 0);
    assert_true(srtp_libsrtp2.create((enum srtp_profile)0, key, key, NULL, &session) < 0);
    assert_true(srtp_libsrtp2.create((enum srtp_profile)17, key, key, NULL, &session) < 0);
    srtp_libsrtp2.destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_round_trip_rtcp),
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_headers_that_lie),
        cmocka_unit_test(test_forged_bits),
        cmocka_unit_test(test_replay_window),
        cmocka_unit_test(test_a_packet_may_be_sent_again),
        cmocka_unit_test(test_no_room_for_the_trailer),
        cmocka_unit_test(test_batch),
        cmocka_unit_test(test_guests_make_room),
        cmocka_unit_test(test_profiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
