/* The worker's promise that its loop allocates nothing, whatever a round of a running call has to do. */
#include "tests/unit/dataplane/allocation_count.h"

#include "dataplane/worker.h"

/* The rig's rounds are those in which allocations count. */
static uint32_t counted_round(struct worker *worker)
{
    counts_allocations = true;
    uint32_t work = worker_round(worker);
    counts_allocations = false;
    return work;
}

#define worker_round counted_round

#include "tests/unit/dataplane/engine_call.h"

#include "proto/wire/stun_write.h"
#include "tests/unit/wire/hmac_sha1.h"

#define FRAMES 40

static void ask_for(struct call *call, uint16_t sequence)
{
    uint8_t nack[64];
    int length = rtcp_write_nack(nack, sizeof(nack), 1, BOB_VIDEO_SSRC, &sequence, 1);

    assert_true(length > 0);
    client_send_rtcp(&call->bob, &call->rig, nack, (size_t)length);
}

static bool bob_gets(struct call *call, uint32_t ssrc)
{
    struct rig_packet packet;
    struct rtp_header header;
    bool found = false;

    while (client_receive_rtp(&call->bob, &packet, &header))
        found |= header.ssrc == ssrc;
    return found;
}

static void check_consent(struct client *client, struct rig *rig)
{
    static const uint8_t transaction[STUN_TRANSACTION_ID_BYTES] = "transaction!";
    static const char password[] = "localpasswordlocalpassword", username[] = "localufrag:remote";
    const struct stun_key key = {(const uint8_t *)password, strlen(password), hmac_sha1_by_hand};
    const struct stun_binding_request request = {.transaction_id = transaction,
                                                 .username = username,
                                                 .username_length = strlen(username),
                                                 .priority = 1,
                                                 .tiebreaker = 5,
                                                 .controlling = true};
    uint64_t answered = rig->worker->totals.stun_answered;
    uint8_t data[256];

    int length = stun_write_binding_request(data, sizeof(data), &request, &key);
    assert_true(length > 0);
    client_send_raw(client, rig, data, (size_t)length);
    assert_int_equal(rig->worker->totals.stun_answered, answered + 1);
    while (client_receive_raw(client, data, sizeof(data)) > 0) {
    }
}

/* All that happens in a call of some seconds; sent: packets of audio before. */
static void talk(struct call *call, unsigned sent)
{
    struct rig_packet packet;
    struct rtcp_packet part;
    struct rtp_header header;

    send_frame(call, true);
    assert_true(bob_gets(call, BOB_VIDEO_SSRC));
    for (unsigned i = 0; i < FRAMES; i++) {
        send_frame(call, false);
        assert_true(client_receive_rtp(&call->bob, &packet, &header));
        assert_int_equal(header.ssrc, BOB_VIDEO_SSRC);
        send_audio(call, (uint16_t)(sent + i), 960u * (sent + i));
        assert_true(bob_gets(call, BOB_AUDIO_SSRC));
        rig_wait_ms(&call->rig, 20);
        if (i % 8 != 0)
            continue;
        ask_for(call, header.sequence);
        assert_true(bob_gets(call, BOB_VIDEO_RTX_SSRC));
        check_consent(&call->alice, &call->rig);
        check_consent(&call->bob, &call->rig);
        call->sequence++; /* a frame that got lost: it is asked for */
        call->picture++;
    }
    assert_true(call->rig.worker->totals.rounds > FRAMES);
    rig_wait_ms(&call->rig, 2000);
    assert_true(client_count_rtcp(&call->bob, RTCP_SR, -1, &packet, &part) > 0);
}

static void rounds_of_a_call_allocate_nothing(void **state)
{
    static struct call call;

    (void)state;
    call_init(&call, SRTP_AEAD_AES_128_GCM, SRTP_AES128_CM_SHA1_80);
    consume_audio(&call);
    consume_video(&call, false);
    assert_true(allocations > 0); /* a command may: so they are counted */
    talk(&call, 0);               /* what a thread makes once is there */
    allocations = 0;
    talk(&call, FRAMES);
    assert_int_equal(allocations, 0);
    call_deinit(&call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rounds_of_a_call_allocate_nothing)};

    return (rig_use(&srtp_native) || cmocka_run_group_tests_name("native", tests, NULL, NULL) ||
            rig_use(&srtp_native_openssl) ||
            cmocka_run_group_tests_name("native-openssl", tests, NULL, NULL));
}
