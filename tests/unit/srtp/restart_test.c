/* Processes that are killed at any moment, and others that go on with what they left: no index is used twice,
 * and a peer that knows nothing of it accepts everything. */
#include "srtp_rig.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIVES 25
#define LOG_PACKETS 60000u
#define LOG_BYTES 120u
#define SSRC 0x0a0b0c0du

struct entry {
    uint64_t index;
    enum srtp_kind kind;
    uint32_t length;
    uint8_t data[LOG_BYTES];
};

/* What the processes share, and what went out to the network. */
struct world {
    struct peer_memory memory;
    uint32_t sent;
    struct entry log[LOG_PACKETS];
};

static void publish(struct world *world, const struct srtp_protect_job *job)
{
    uint32_t at = __atomic_load_n(&world->sent, __ATOMIC_ACQUIRE);

    if (at == LOG_PACKETS)
        return;
    struct entry *entry = &world->log[at];
    entry->index = job->index;
    entry->kind = job->kind;
    entry->length = job->length;
    memcpy(entry->data, job->out, job->length);
    __atomic_store_n(&world->sent, at + 1, __ATOMIC_RELEASE);
}

/* One life: attaches, and sends until it is killed. */
static void live(struct world *world, const struct srtp_backend *backend, uint64_t seed)
{
    struct prng prng = {.state = seed};
    struct srtp_receive_pool *pool;
    struct srtp_session *session;
    struct srtp_send_stream *stream = &world->memory.send[0];
    static struct packet packets[32];
    struct srtp_protect_job jobs[32];

    if (srtp_receive_pool_create(&world->memory.head, world->memory.streams, PEER_STREAMS, &pool) != 0)
        _exit(1);
    struct srtp_place place = {.state = &world->memory.state, .pool = pool, .owner = PEER_OWNER};
    if (srtp_memory_create(1, &place.memory) != 0)
        _exit(1);
    if (backend->attach(&place, &session) != 0)
        _exit(2);
    for (;;) {
        uint32_t count = 1 + prng_below(&prng, 32);
        uint64_t next = stream->next;
        for (uint32_t i = 0; i < count; i++) {
            bool is_rtcp = prng_below(&prng, 10) == 0;
            if (!is_rtcp && prng_below(&prng, 20) == 0)
                next += prng_below(&prng, 10);
            uint64_t index =
                !is_rtcp && next > 9 && prng_below(&prng, 20) == 0 ? next - prng_below(&prng, 9) : next++;
            if (is_rtcp)
                packet_write_rtcp(&packets[i], SSRC, 8 + prng_below(&prng, 60));
            else
                packet_write(&packets[i], SSRC, index, prng_below(&prng, 60));
            prng_fill(&prng, packets[i].data + 12, is_rtcp ? 0 : packets[i].length - 12);
            jobs[i] = (struct srtp_protect_job){.session = session,
                                                .stream = stream,
                                                .window = &world->memory.sent[0],
                                                .index = index,
                                                .out = packets[i].data,
                                                .out_capacity = PACKET_BYTES,
                                                .head_bytes = packets[i].length,
                                                .clear_bytes = is_rtcp ? 8 : 12,
                                                .kind = is_rtcp ? SRTP_KIND_RTCP : SRTP_KIND_RTP};
        }
        backend->protect(jobs, count);
        for (uint32_t i = 0; i < count; i++) {
            if (jobs[i].status == SRTP_OK)
                publish(world, &jobs[i]);
        }
    }
}

static void kill_and_go_on(struct world *world, const struct srtp_backend *backend, struct prng *prng)
{
    for (unsigned life = 0; life < LIVES; life++) {
        uint64_t seed = 1 + ((uint64_t)prng_next(prng) << 32 | life);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            live(world, backend, seed);
        usleep(1000 + prng_below(prng, 4000));
        assert_int_equal(kill(child, SIGKILL), 0);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status)); /* it had no reason to end by itself */
    }
}

static void check_log(const struct world *world, enum srtp_profile profile)
{
    static uint8_t used[1 << 20];
    static struct peer receiver;

    memset(used, 0, sizeof(used));
    peer_init(&receiver, &srtp_libsrtp2, profile, 2, 1);
    assert_true(world->sent > 500);
    for (uint32_t i = 0; i < world->sent; i++) {
        const struct entry *entry = &world->log[i];
        struct packet packet = {.length = entry->length};
        memcpy(packet.data, entry->data, entry->length);
        if (entry->kind == SRTP_KIND_RTP) {
            assert_true(entry->index < sizeof(used));
            assert_int_equal(used[entry->index], 0);
            used[entry->index] = 1;
        }
        assert_int_equal(unprotect(&receiver, &packet, entry->kind, NULL), SRTP_OK);
    }
    peer_deinit(&receiver);
}

static void killed_senders_use_no_index_twice(void **state)
{
    (void)state;
    struct prng prng = {.state = 4711};
    struct peer first;
    struct world *world =
        mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(world, MAP_FAILED);
    for (const struct srtp_backend *const *backend = native_backends(); *backend; backend++) {
        for (unsigned i = 0; i < 3; i++) {
            peer_init(&first, *backend, all_profiles[i], 1, 2);
            memset(world, 0, sizeof(*world));
            world->memory = first.memory;
            peer_deinit(&first);
            kill_and_go_on(world, *backend, &prng);
            check_log(world, all_profiles[i]);
        }
    }
    munmap(world, sizeof(*world));
}

/* The receiver is another process every now and then, of the other backend even. */
static void receivers_go_on_over_wraps(void **state)
{
    (void)state;
    static struct peer sender, receiver;
    static struct packet recent[64];
    struct prng prng = {.state = 12};
    struct packet packet;
    const struct srtp_backend *const *backends = native_backends();
    unsigned count = 0, turn = 0;

    while (backends[count])
        count++;
    for (unsigned i = 0; i < 3; i++) {
        peer_init(&sender, &srtp_native_openssl, all_profiles[i], 1, 2);
        peer_init(&receiver, backends[0], all_profiles[i], 2, 1);
        for (uint64_t index = 1000; index < 0x20000; index += 1 + prng_below(&prng, 20)) {
            packet_write(&packet, SSRC, index, 20);
            assert_int_equal(protect(&sender, &packet, 0, index), SRTP_OK);
            assert_int_equal(unprotect(&receiver, &packet, SRTP_KIND_RTP, NULL), SRTP_OK);
            recent[index % 64] = packet;
            if (prng_below(&prng, 300) == 0) {
                struct peer_memory memory = receiver.memory;
                peer_deinit(&receiver);
                peer_adopt(&receiver, backends[turn++ % count], &memory);
                assert_int_equal(srtp_receive_pool_free_count(receiver.pool), PEER_STREAMS - 1);
                for (unsigned j = 0; j < 64; j++) {
                    if (recent[j].length > 0)
                        assert_int_equal(unprotect(&receiver, &recent[j], SRTP_KIND_RTP, NULL),
                                         SRTP_REPLAYED);
                }
            }
        }
        memset(recent, 0, sizeof(recent));
        peer_deinit(&sender);
        peer_deinit(&receiver);
    }
}

static void nothing_is_attached_to_without_keys(void **state)
{
    (void)state;
    static struct peer peer;
    struct srtp_session *session;

    peer_init(&peer, &srtp_native_openssl, SRTP_AEAD_AES_128_GCM, 1, 2);
    struct srtp_place place = peer_place(&peer);
    place.owner = PEER_OWNER + 1;
    assert_int_equal(peer.backend->attach(&place, &session), -ENOKEY);
    place.owner = PEER_OWNER;
    peer.backend->retire(peer.session);
    peer.session = NULL;
    assert_int_equal(peer.backend->attach(&place, &session), -ENOKEY);
    peer.memory.state.profile = 77;
    assert_int_equal(peer.backend->attach(&place, &session), -ENOKEY);
    static const uint8_t nothing[sizeof(struct srtp_session_keys)];
    assert_memory_equal(&peer.memory.state.send, nothing, sizeof(nothing));
    assert_int_equal(srtp_libsrtp2.attach(&place, &session), -ENOTSUP);
    peer_deinit(&peer);
}

/* New keys on the same transport: everything begins anew, for both. */
static void new_keys_begin_anew(void **state)
{
    (void)state;
    static struct peer sender, receiver;
    struct packet packet;
    uint8_t key[SRTP_KEY_MAX], other[SRTP_KEY_MAX];

    peer_init(&sender, &srtp_native_openssl, SRTP_AEAD_AES_128_GCM, 1, 2);
    for (uint64_t index = 70000; index < 70010; index++) {
        packet_write(&packet, SSRC, index, 20);
        assert_int_equal(protect(&sender, &packet, 0, index), SRTP_OK);
    }
    sender.backend->retire(sender.session);
    fill_key(key, 3);
    fill_key(other, 4);
    struct srtp_place place = peer_place(&sender);
    assert_int_equal(sender.backend->create(SRTP_AEAD_AES_128_GCM, key, other, &place, &sender.session), 0);
    peer_init(&receiver, &srtp_libsrtp2, SRTP_AEAD_AES_128_GCM, 4, 3);
    for (uint64_t index = 5; index < 10; index++) {
        packet_write(&packet, SSRC, index, 20);
        assert_int_equal(protect(&sender, &packet, 0, index), SRTP_OK);
        assert_int_equal(unprotect(&receiver, &packet, SRTP_KIND_RTP, NULL), SRTP_OK);
    }
    peer_deinit(&sender);
    peer_deinit(&receiver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_senders_use_no_index_twice),
        cmocka_unit_test(receivers_go_on_over_wraps),
        cmocka_unit_test(nothing_is_attached_to_without_keys),
        cmocka_unit_test(new_keys_begin_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
