/* A sender whose codec can add redundancy learns what his receivers lose. */
#include "tests/unit/dataplane/engine_pair.h"

#include "dataplane/receiver_loss.h"

static void report_loss(struct call *call, struct rig *rig, uint8_t fraction)
{
    struct rtcp_report_block block = {.ssrc = BOB_AUDIO_SSRC, .fraction_lost = fraction};
    uint8_t report[64];
    int length = rtcp_write_rr(report, sizeof(report), 1, &block, 1);

    client_send_rtcp(&call->bob, rig, report, (size_t)length);
}

/* What the next receiver report says to alice. */
static uint8_t told_to_alice(struct call *call)
{
    struct rig_packet packet;
    struct rtcp_packet part;
    struct rtcp_report_block block;

    client_count_rtcp(&call->alice, RTCP_RR, -1, &packet, &part);
    for (unsigned i = 0; i < 40; i++) {
        rig_wait_ms(&call->rig, 50);
        if (client_count_rtcp(&call->alice, RTCP_RR, -1, &packet, &part) > 0)
            break;
    }
    assert_true(rtcp_report_block(&part, 0, &block));
    assert_int_equal(block.ssrc, ALICE_AUDIO_SSRC);
    assert_int_equal(block.cumulative_lost, 0);
    return block.fraction_lost;
}

static void send_some(struct call *call, uint16_t *sequence)
{
    for (unsigned i = 0; i < 3; i++, ++*sequence)
        send_audio(call, *sequence, *sequence * 960u);
}

static void check(struct call *call, struct rig *rig)
{
    uint16_t sequence = 1;

    send_some(call, &sequence);
    report_loss(call, rig, 40);
    report_loss(call, rig, 13);
    send_some(call, &sequence);
    assert_int_equal(told_to_alice(call), 40);
}

static void test_the_worst_loss_is_told(void **state)
{
    struct call call;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    consume_audio(&call);
    check(&call, &call.rig);
    call_deinit(&call);
}

static void test_of_another_worker_too(void **state)
{
    struct pair pair;

    (void)state;
    pair_init(&pair);
    pair_consume(&pair);
    check(&pair.call, &pair.second);
    pair_deinit(&pair);
}

/* Reports without end are no reason to say more; the worst of them is said in the end. */
static void test_another_worker_is_told_now_and_then(void **state)
{
    struct pair pair;

    (void)state;
    pair_init(&pair);
    pair_consume(&pair);
    send_audio(&pair.call, 1, 960);
    struct worker *worker = pair.second.worker;
    uint64_t before = worker->peers.to[0].head, begin_us = worker->now_us;
    for (unsigned i = 0; i < 500; i++)
        report_loss(&pair.call, &pair.second, i == 250 ? 77 : 3);
    uint64_t told = (worker->peers.to[0].head - before) / SHM_CACHE_LINE;
    assert_in_range(told, 1, (worker->now_us - begin_us) / RECEIVER_LOSS_TELL_US + 1);
    rig_wait_ms(&pair.second, RECEIVER_LOSS_TELL_US / 1000);
    report_loss(&pair.call, &pair.second, 0);
    const struct producer *audio = producer_find(&pair.call.rig.worker->streams, pair.call.audio);
    assert_int_equal(receiver_loss_worst(&audio->streams[0]->loss, worker->now_us), 77);
    pair_deinit(&pair);
}

static void test_it_is_forgotten(void **state)
{
    struct receiver_loss loss = {0};
    uint64_t now_us = 90000000;

    (void)state;
    assert_int_equal(receiver_loss_worst(&loss, now_us), 0);
    receiver_loss_note(&loss, 30, now_us);
    receiver_loss_note(&loss, 20, now_us + 1000);
    assert_int_equal(receiver_loss_worst(&loss, now_us + RECEIVER_LOSS_LASTS_US), 30);
    assert_int_equal(receiver_loss_worst(&loss, now_us + 2 * RECEIVER_LOSS_LASTS_US + 1), 0);

    /* One that goes on losing is never forgotten between two reports. */
    for (unsigned i = 0; i < 100; i++, now_us += 5000000) {
        receiver_loss_note(&loss, (uint8_t)(20 + i % 7), now_us);
        assert_in_range(receiver_loss_worst(&loss, now_us + 4999999), 20, 30);
    }
    receiver_loss_note(&loss, 0, now_us + RECEIVER_LOSS_LASTS_US);
    receiver_loss_note(&loss, 5, now_us + 2 * RECEIVER_LOSS_LASTS_US + 1);
    assert_int_equal(receiver_loss_worst(&loss, now_us + 2 * RECEIVER_LOSS_LASTS_US + 2), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_worst_loss_is_told),
        cmocka_unit_test(test_of_another_worker_too),
        cmocka_unit_test(test_another_worker_is_told_now_and_then),
        cmocka_unit_test(test_it_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
