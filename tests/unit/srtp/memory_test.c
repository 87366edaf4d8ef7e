/* What a session takes of memory, and when. */
#include "tests/unit/srtp/srtp_rig.h"

#include "dataplane/srtp_session.h"

#define SSRC 0x1234u
#define SESSIONS 24u

static uint32_t used_keys(const struct peer *peer)
{
    return srtp_memory_used(peer->keys, SRTP_MEMORY_KEY);
}

static void pieces_are_zeroes_and_run_out_where_it_was_said(void **state)
{
    struct srtp_memory *memory;
    uint8_t *keys[4];
    static const uint8_t zeroes[SRTP_CIPHER_KEY_BYTES];

    (void)state;
    assert_int_equal(srtp_memory_create(2, &memory), 0);
    for (unsigned i = 0; i < 4; i++) {
        keys[i] = srtp_memory_take(memory, SRTP_MEMORY_KEY);
        assert_non_null(keys[i]);
        assert_int_equal((uintptr_t)keys[i] % SHM_CACHE_LINE, 0);
        assert_memory_equal(keys[i], zeroes, sizeof(zeroes));
        memset(keys[i], 0xaa, SRTP_CIPHER_KEY_BYTES);
    }
    assert_null(srtp_memory_take(memory, SRTP_MEMORY_KEY));
    assert_int_equal(srtp_memory_used(memory, SRTP_MEMORY_KEY), 4);

    srtp_memory_give(memory, SRTP_MEMORY_KEY, keys[1]);
    srtp_memory_give(memory, SRTP_MEMORY_KEY, keys[2]);
    srtp_memory_give(memory, SRTP_MEMORY_KEY, NULL);
    assert_memory_equal(keys[1] + sizeof(void *), zeroes, SRTP_CIPHER_KEY_BYTES - sizeof(void *));
    assert_int_equal(srtp_memory_used(memory, SRTP_MEMORY_KEY), 2);
    for (unsigned i = 2; i > 0; i--) {
        uint8_t *key = srtp_memory_take(memory, SRTP_MEMORY_KEY);
        assert_ptr_equal(key, keys[i]);
        assert_memory_equal(key, zeroes, sizeof(zeroes));
    }
    assert_null(srtp_memory_take(memory, SRTP_MEMORY_KEY));
    srtp_memory_destroy(memory);
    srtp_memory_destroy(NULL);
}

/* Who only receives media never has a key for what would come from it, and the other way round; RTCP, which
 * both send and receive, has none that stays. */
static void keys_are_expanded_when_a_packet_comes(void **state)
{
    static struct peer sender, receiver;
    struct packet packet;

    (void)state;
    for (const struct srtp_backend *const *backend = native_backends(); *backend; backend++) {
        peer_init(&sender, *backend, SRTP_AEAD_AES_128_GCM, 1, 2);
        peer_init(&receiver, *backend, SRTP_AEAD_AES_128_GCM, 2, 1);
        packet_write_rtcp(&packet, SSRC, 40);
        assert_int_equal(protect_rtcp(&sender, &packet), SRTP_OK);
        assert_int_equal(unprotect(&receiver, &packet, SRTP_KIND_RTCP, NULL), SRTP_OK);
        packet_write_rtcp(&packet, SSRC, 40);
        assert_int_equal(protect_rtcp(&receiver, &packet), SRTP_OK);
        assert_int_equal(unprotect(&sender, &packet, SRTP_KIND_RTCP, NULL), SRTP_OK);
        assert_int_equal(used_keys(&sender), 0);
        assert_int_equal(used_keys(&receiver), 0);

        for (uint64_t index = 1; index < 4; index++) {
            packet_write(&packet, SSRC, index, 20);
            assert_int_equal(protect(&sender, &packet, 0, index), SRTP_OK);
            assert_int_equal(unprotect(&receiver, &packet, SRTP_KIND_RTP, NULL), SRTP_OK);
        }
        assert_int_equal(used_keys(&sender), 1);
        assert_int_equal(used_keys(&receiver), 1);
        assert_int_equal(srtp_memory_used(receiver.keys, SRTP_MEMORY_STREAMS), 0);

        receiver.backend->retire(receiver.session);
        receiver.session = NULL;
        assert_int_equal(used_keys(&receiver), 0);
        assert_int_equal(srtp_memory_used(receiver.keys, SRTP_MEMORY_SESSION), 0);
        peer_deinit(&sender);
        peer_deinit(&receiver);
    }
}

/* A sender of more streams than a receiver ever has. */
static void many_streams_take_more(void **state)
{
    static struct peer sender, receiver;
    struct packet packet;

    (void)state;
    peer_init(&sender, &srtp_native_openssl, SRTP_AEAD_AES_128_GCM, 1, 2);
    peer_init(&receiver, &srtp_native_openssl, SRTP_AEAD_AES_128_GCM, 2, 1);
    for (uint32_t i = 0; i < 4 * SRTP_STREAMS_FEW; i++) {
        for (uint64_t index = 1; index < 3; index++) {
            memset(&sender.memory.send[0], 0, sizeof(sender.memory.send[0]));
            packet_write(&packet, SSRC + i, index, 20);
            assert_int_equal(protect(&sender, &packet, 0, index), SRTP_OK);
            assert_int_equal(unprotect(&receiver, &packet, SRTP_KIND_RTP, NULL), SRTP_OK);
        }
        receiver.backend->keep(receiver.session, SSRC + i);
        assert_int_equal(srtp_memory_used(receiver.keys, SRTP_MEMORY_STREAMS), i >= SRTP_STREAMS_FEW);
    }
    assert_int_equal(receiver.session->stream_count, 4 * SRTP_STREAMS_FEW);
    for (uint32_t i = 0; i < 4 * SRTP_STREAMS_FEW; i++)
        assert_non_null(srtp_session_find(receiver.session, SSRC + i));
    receiver.backend->destroy(receiver.session);
    receiver.session = NULL;
    assert_int_equal(srtp_memory_used(receiver.keys, SRTP_MEMORY_STREAMS), 0);
    peer_deinit(&sender);
    peer_deinit(&receiver);
}

/* More sessions in a batch than keys of RTCP are kept at a time, RTP among them. */
static void rtcp_of_many_sessions_in_a_batch(void **state)
{
    static struct peer senders[SESSIONS], receivers[SESSIONS];
    static struct packet packets[3 * SESSIONS];
    struct srtp_protect_job out[3 * SESSIONS];
    struct srtp_unprotect_job in[3 * SESSIONS];

    (void)state;
    for (const struct srtp_backend *const *backend = native_backends(); *backend; backend++) {
        for (enum srtp_profile profile = SRTP_AEAD_AES_128_GCM; profile <= SRTP_AES128_CM_SHA1_80;
             profile++) {
            for (uint32_t i = 0; i < SESSIONS; i++) {
                peer_init(&senders[i], *backend, profile, 1, (uint8_t)(2 + i));
                peer_init(&receivers[i], *backend, profile, (uint8_t)(2 + i), 1);
            }
            for (uint32_t i = 0; i < 3 * SESSIONS; i++) {
                struct peer *sender = &senders[i % SESSIONS];
                bool is_rtp = i / SESSIONS == 1;
                if (is_rtp)
                    packet_write(&packets[i], SSRC, 7, 30);
                else
                    packet_write_rtcp(&packets[i], SSRC, 40);
                out[i] = (struct srtp_protect_job){.session = sender->session,
                                                   .stream = &sender->memory.send[0],
                                                   .index = 7,
                                                   .out = packets[i].data,
                                                   .out_capacity = PACKET_BYTES,
                                                   .head_bytes = packets[i].length,
                                                   .clear_bytes = is_rtp ? 12 : 8,
                                                   .kind = is_rtp ? SRTP_KIND_RTP : SRTP_KIND_RTCP};
            }
            (*backend)->protect(out, 3 * SESSIONS);
            for (uint32_t i = 0; i < 3 * SESSIONS; i++) {
                assert_int_equal(out[i].status, SRTP_OK);
                in[i] = (struct srtp_unprotect_job){.session = receivers[i % SESSIONS].session,
                                                    .data = packets[i].data,
                                                    .length = out[i].length,
                                                    .kind = out[i].kind};
            }
            (*backend)->unprotect(in, 3 * SESSIONS);
            for (uint32_t i = 0; i < 3 * SESSIONS; i++) {
                assert_int_equal(in[i].status, SRTP_OK);
                assert_int_equal(in[i].length, out[i].head_bytes);
            }
            for (uint32_t i = 0; i < SESSIONS; i++) {
                peer_deinit(&senders[i]);
                peer_deinit(&receivers[i]);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zeroes_and_run_out_where_it_was_said),
        cmocka_unit_test(keys_are_expanded_when_a_packet_comes),
        cmocka_unit_test(many_streams_take_more),
        cmocka_unit_test(rtcp_of_many_sessions_in_a_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
