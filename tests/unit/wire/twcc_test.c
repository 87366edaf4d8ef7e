/* Transport-wide feedback: hand-made chunks of every kind, the builder's choices, and round trips. */
#include "proto/wire/bytes.h"
#include "proto/wire/rtcp_feedback.h"
#include "proto/wire/twcc.h"
#include "proto/wire/twcc_builder.h"
#include "wire_test.h"

/* Parses what follows the 20-byte header; the block that ret_feedback points into is *ret_block. */
static int parse_body(uint16_t base, uint16_t count, const void *body, size_t length,
                      struct twcc_feedback *ret_feedback, void **ret_block)
{
    uint8_t bytes[20 + 1500] = {0x8f, 205};
    assert_int_equal(length % 4, 0);
    store_be16(bytes + 2, (uint16_t)((20 + length) / 4 - 1));
    store_be32(bytes + 4, 1);
    store_be32(bytes + 8, 2);
    store_be16(bytes + 12, base);
    store_be16(bytes + 14, count);
    store_be24(bytes + 16, 0xfffffe); /* -2 times 64 ms */
    bytes[19] = 33;
    memcpy(bytes + 20, body, length);
    *ret_block = exact_copy(bytes, 20 + length);
    struct rtcp_iterator iterator;
    struct rtcp_packet packet;
    assert_int_equal(rtcp_begin(&iterator, *ret_block, 20 + length), 0);
    assert_true(rtcp_next(&iterator, &packet));
    return twcc_parse(&packet, ret_feedback);
}

#define LOST INT32_MIN

static void check_body(uint16_t base, const void *body, size_t length, const int32_t *deltas, unsigned count)
{
    struct twcc_feedback feedback;
    struct twcc_iterator iterator;
    struct twcc_status status;
    void *held;
    assert_int_equal(parse_body(base, (uint16_t)count, body, length, &feedback, &held), 0);
    assert_true(feedback.sender_ssrc == 1 && feedback.media_ssrc == 2 && feedback.feedback_count == 33);
    assert_int_equal(feedback.reference_time, -2);
    int64_t arrival_us = -128000;
    twcc_begin(&iterator, &feedback);
    for (unsigned i = 0; i < count; i++) {
        assert_true(twcc_next(&iterator, &status));
        assert_int_equal(status.sequence, (uint16_t)(base + i));
        assert_int_equal(status.received, deltas[i] != LOST);
        if (!status.received)
            continue;
        arrival_us += deltas[i];
        assert_int_equal(status.delta_us, deltas[i]);
        assert_true(status.arrival_us == arrival_us);
    }
    assert_false(twcc_next(&iterator, &status));
    free(held);
}

#define CHECK(base, literal, ...)                                                                            \
    check_body(base, literal, sizeof(literal) - 1, (const int32_t[]){__VA_ARGS__},                           \
               COUNT_OF(((const int32_t[]){__VA_ARGS__})))

static void test_chunks_of_every_kind(void **state)
{
    (void)state;
    /* Run of 3 lost, run of 2 small. */
    CHECK(65534, "\x00\x03\x20\x02\x01\xff\x00\x00", LOST, LOST, LOST, 250, 63750);
    /* Run of 2 large: -1 and 32767 ticks. */
    CHECK(7, "\x40\x02\xff\xff\x7f\xff\x00\x00", -250, 8191750);
    /* One-bit vector 1 0 1 of fourteen. */
    CHECK(7, "\xa8\x00\x04\x08", 1000, LOST, 2000);
    /* Two-bit vector: small, large, lost, small. */
    CHECK(0, "\xd8\x40\x04\xff\xfe\x01\x00\x00", 1000, -500, LOST, 250);
    /* Runs of nothing between. */
    CHECK(0, "\x00\x00\x20\x00\x20\x01\x02\x00", 500);
    /* The run is longer than the count: its rest does not count, and has no delta. */
    CHECK(0, "\x3f\xff\x02\x03", 500, 750);
    /* Reserved symbols behind the last status do not matter. */
    CHECK(0, "\xd7\xff\x02\x03", 500, 750 - 0);
}

static void refuse(uint16_t count, const void *body, size_t length)
{
    struct twcc_feedback feedback = {.status_count = 4711};
    void *held;
    assert_int_equal(parse_body(0, count, body, length, &feedback, &held), -EBADMSG);
    assert_int_equal(feedback.status_count, 4711);
    free(held);
}

#define REFUSE(count, literal) refuse(count, literal, sizeof(literal) - 1)

static void test_counts_that_lie(void **state)
{
    (void)state;
    REFUSE(0, "\x20\x01\x00\x00");     /* reports on nothing */
    REFUSE(1, "");                     /* no chunk */
    REFUSE(3, "\x20\x02\x01\x01");     /* chunks for two: the deltas become a third chunk's first byte */
    REFUSE(3, "\x20\x03\x01\x01");     /* two deltas of three */
    REFUSE(2, "\x40\x02\x00\x01");     /* one large delta of two */
    REFUSE(1, "\x60\x01\x00\x00");     /* a reserved symbol in a run */
    REFUSE(2, "\xf0\x00\x00\x00");     /* in a vector */
    REFUSE(65535, "\x3f\xff\x3f\xff"); /* 16382 statuses of 65535 */
    REFUSE(8191, "\x3f\xff\x00\x00");  /* 8191 deltas in two bytes */

    uint8_t runs[1480];
    for (size_t i = 0; i < sizeof runs; i += 2)
        store_be16(runs + i, 0x3fff);
    refuse(65535, runs, sizeof runs);
    for (size_t i = 0; i < sizeof runs; i += 2)
        store_be16(runs + i, 0x0000); /* runs of nothing that lead nowhere */
    refuse(1, runs, sizeof runs);
}

static void test_all_lost(void **state)
{
    (void)state;
    uint8_t runs[20];
    struct twcc_feedback feedback;
    struct twcc_iterator iterator;
    struct twcc_status status;
    void *held;
    for (size_t i = 0; i < sizeof runs; i += 2)
        store_be16(runs + i, 0x1fff);
    assert_int_equal(parse_body(9, 65535, runs, sizeof runs, &feedback, &held), 0);
    twcc_begin(&iterator, &feedback);
    unsigned count = 0;
    while (twcc_next(&iterator, &status)) {
        assert_false(status.received);
        count++;
    }
    assert_int_equal(count, 65535);
    free(held);
}

static void test_short_packets(void **state)
{
    (void)state;
    uint8_t data[20] = {0x8f, 205, 0, 4};
    struct twcc_feedback feedback;
    struct rtcp_packet packet = {.data = data, .type = RTCP_RTPFB, .count = RTCP_RTPFB_TWCC};
    data[15] = 1;
    for (packet.length = 4; packet.length <= 20; packet.length++)
        assert_int_equal(twcc_parse(&packet, &feedback), -EBADMSG);
}

/* The builder writes these bytes behind the header for these arrivals. */
static void check_built(const struct twcc_builder *builder, const void *body, size_t length)
{
    uint8_t buffer[TWCC_BUILDER_BYTES];
    int written = twcc_builder_write(builder, buffer, sizeof buffer);
    assert_int_equal(written, 20 + length);
    assert_int_equal(twcc_builder_size(builder), written);
    assert_int_equal(twcc_builder_write(builder, buffer, (size_t)written - 1), -ENOSPC);
    assert_memory_equal(buffer + 20, body, length);
}

#define CHECK_BUILT(builder, literal) check_built(builder, literal, sizeof(literal) - 1)

static void test_builder_header(void **state)
{
    (void)state;
    struct twcc_builder b;
    uint8_t buffer[64];
    twcc_builder_init(&b, 0x01020304, 0x05060708, 255, 1000);
    assert_true(twcc_builder_is_empty(&b));
    assert_int_equal(twcc_builder_next_sequence(&b), 1000);
    assert_int_equal(twcc_builder_write(&b, buffer, sizeof buffer), -ENODATA);
    /* 3 * 64 ms and 2.5 ticks. */
    assert_int_equal(twcc_builder_add(&b, 1000, 192625), 0);
    assert_false(twcc_builder_is_empty(&b));
    assert_int_equal(twcc_builder_next_sequence(&b), 1001);
    assert_int_equal(twcc_builder_write(&b, buffer, sizeof buffer), 24);
    assert_memory_equal(buffer,
                        "\xaf\xcd\x00\x05\x01\x02\x03\x04\x05\x06\x07\x08\x03\xe8\x00\x01\x00\x00\x03\xff"
                        "\x20\x01\x02\x01",
                        24);
}

static void test_builder_chunks(void **state)
{
    (void)state;
    struct twcc_builder b;
    /* Fourteen in a row: a run. */
    twcc_builder_init(&b, 1, 2, 0, 0);
    for (uint16_t i = 0; i < 14; i++)
        assert_int_equal(twcc_builder_add(&b, i, i * 250), 0);
    CHECK_BUILT(&b, "\x20\x0e\x00\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01");

    /* Every other one lost: a vector of bits. */
    twcc_builder_init(&b, 1, 2, 0, 0);
    for (uint16_t i = 0; i < 14; i += 2)
        assert_int_equal(twcc_builder_add(&b, i, 0), 0);
    CHECK_BUILT(&b, "\xaa\xaa\x00\x00\x00\x00\x00\x00\x00\x00\x00\x03");

    /* A large delta among small ones: a vector of pairs. */
    twcc_builder_init(&b, 1, 2, 0, 0);
    assert_int_equal(twcc_builder_add(&b, 0, 0), 0);
    assert_int_equal(twcc_builder_add(&b, 1, 64000), 0);
    assert_int_equal(twcc_builder_add(&b, 2, 63750), 0);
    assert_int_equal(twcc_builder_add(&b, 3, 63750), 0);
    CHECK_BUILT(&b, "\xda\x40\x00\x01\x00\xff\xff\x00");

    /* A long loss, reported from the base on: two runs. */
    twcc_builder_init(&b, 1, 2, 0, 65000);
    assert_int_equal(twcc_builder_add(&b, (uint16_t)(65000 + 10000), 250), 0);
    CHECK_BUILT(&b, "\x1f\xff\x07\x11\x20\x01\x01\x01");
}

static void test_builder_refuses(void **state)
{
    (void)state;
    struct twcc_builder b;
    twcc_builder_init(&b, 1, 2, 0, 100);
    assert_int_equal(twcc_builder_add(&b, 99, 1000000), -EINVAL);
    assert_int_equal(twcc_builder_add(&b, (uint16_t)(100 + 32768), 1000000), -EINVAL);
    assert_int_equal(twcc_builder_add(&b, 100, -1), -EINVAL);
    assert_true(twcc_builder_is_empty(&b));
    assert_int_equal(twcc_builder_add(&b, 101, 10000000), 0);
    assert_int_equal(twcc_builder_add(&b, 101, 10000000), -EINVAL);
    assert_int_equal(twcc_builder_add(&b, 100, 10000000), -EINVAL);
    /* Deltas of -32769 and 32768 ticks, and just within. */
    assert_int_equal(twcc_builder_add(&b, 102, 10000000 - 32769 * 250), -ENOSPC);
    assert_int_equal(twcc_builder_add(&b, 102, 10000000 + 32768 * 250), -ENOSPC);
    assert_int_equal(twcc_builder_next_sequence(&b), 102);
    assert_int_equal(twcc_builder_add(&b, 102, 10000000 - 32768 * 250), 0);
    assert_int_equal(twcc_builder_add(&b, 103, 10000000 - 250), 0);
    assert_int_equal(twcc_builder_size(&b), 28);

    /* No more statuses than the count can say. */
    twcc_builder_init(&b, 1, 2, 0, 0);
    assert_int_equal(twcc_builder_add(&b, 32767, 0), 0);
    assert_int_equal(twcc_builder_add(&b, 65534, 0), 0);
    assert_int_equal(twcc_builder_add(&b, 65535, 0), -ENOSPC);
}

struct arrival {
    uint16_t sequence;
    int64_t time_us;
};

/* Writes the builder's packet and checks it, status by status, against the arrivals it was given. */
static void check_round_trip(const struct twcc_builder *builder, const struct arrival *arrivals, size_t count)
{
    uint8_t bytes[TWCC_BUILDER_BYTES];
    int length = twcc_builder_write(builder, bytes, sizeof bytes);
    assert_true(length > 0 && length % 4 == 0);
    uint8_t *packet_bytes = exact_copy(bytes, (size_t)length);
    struct rtcp_iterator packets;
    struct rtcp_packet packet;
    struct twcc_feedback feedback;
    struct twcc_iterator iterator;
    struct twcc_status status;
    assert_int_equal(rtcp_begin(&packets, packet_bytes, (size_t)length), 0);
    assert_true(rtcp_next(&packets, &packet));
    assert_int_equal(twcc_parse(&packet, &feedback), 0);
    assert_int_equal(feedback.base_sequence, builder->base_sequence);
    size_t found = 0;
    uint16_t sequence = feedback.base_sequence;
    twcc_begin(&iterator, &feedback);
    while (twcc_next(&iterator, &status)) {
        assert_int_equal(status.sequence, sequence++);
        if (!status.received)
            continue;
        assert_true(found < count);
        assert_int_equal(status.sequence, arrivals[found].sequence);
        assert_true(status.arrival_us == arrivals[found].time_us / 250 * 250);
        found++;
    }
    assert_int_equal(found, count);
    assert_int_equal(twcc_count_lost(&feedback), feedback.status_count - count);
    assert_int_equal(sequence, builder->next_sequence);
    free(packet_bytes);
}

/* Random losses, delays and reorderings; whenever a packet is full it is checked and the next one goes on. */
static void test_round_trips(void **state)
{
    (void)state;
    uint64_t random = 2026;
    struct twcc_builder builder;
    struct arrival arrivals[TWCC_BUILDER_BYTES];
    size_t count = 0;
    uint16_t sequence = 65000;
    int64_t time_us = 1000000000;
    unsigned loss_percent = 0, jitter = 0, packets = 0;
    twcc_builder_init(&builder, 1, 2, 0, sequence);
    for (unsigned i = 0; i < 400000; i++) {
        if (i % 5000 == 0) {
            loss_percent = (unsigned)(next_random(&random) % 100);
            jitter = (unsigned)(next_random(&random) % 3);
        }
        while (next_random(&random) % 100 < loss_percent)
            sequence++;
        if (next_random(&random) % 20000 == 0)
            sequence = (uint16_t)(sequence + next_random(&random) % 32000);
        time_us += (int64_t)(next_random(&random) % (jitter == 0 ? 2000 : 80000));
        if (jitter == 2)
            time_us -= (int64_t)(next_random(&random) % 80000);
        if (next_random(&random) % 5000 == 0)
            time_us += 20000000;
        if (time_us < 0)
            time_us = 0;

        int result = twcc_builder_add(&builder, sequence, time_us);
        if (result == -ENOSPC) {
            check_round_trip(&builder, arrivals, count);
            packets++;
            twcc_builder_init(&builder, 1, 2, (uint8_t)packets, twcc_builder_next_sequence(&builder));
            count = 0;
            result = twcc_builder_add(&builder, sequence, time_us);
        }
        assert_int_equal(result, 0);
        arrivals[count++] = (struct arrival){sequence++, time_us};
        assert_true(twcc_builder_size(&builder) <= TWCC_BUILDER_BYTES);
    }
    check_round_trip(&builder, arrivals, count);
    assert_true(packets > 100);
}

/* The worst for chunks: every arrival stands between two losses longer than a run. */
static void test_full_of_chunks(void **state)
{
    (void)state;
    struct twcc_builder builder;
    struct arrival arrivals[16];
    size_t count = 0;
    twcc_builder_init(&builder, 1, 2, 0, 0);
    for (uint16_t sequence = 8192; twcc_builder_add(&builder, sequence, 0) == 0; sequence += 8193)
        arrivals[count++] = (struct arrival){sequence, 0};
    assert_int_equal(count, 7);
    check_round_trip(&builder, arrivals, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunks_of_every_kind),
        cmocka_unit_test(test_counts_that_lie),
        cmocka_unit_test(test_all_lost),
        cmocka_unit_test(test_short_packets),
        cmocka_unit_test(test_builder_header),
        cmocka_unit_test(test_builder_chunks),
        cmocka_unit_test(test_builder_refuses),
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_full_of_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
