/* What a packet costs in SRTP alone: nanoseconds to protect one for each of many receivers, and to unprotect,
 * by profile, size and backend. The backends take turns within a run, so that whatever else the machine does
 * falls on all of them; the best turn counts.
 *
 * usage: srtp_bench [SECONDS]    about how long in all; 20 by default */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dataplane/srtp_memory.h"
#include "dataplane/srtp_native.h"
#include "dataplane/srtp_receive_pool.h"

#define RECEIVERS_MAX 1000u
#define ROUND_PACKETS 8u /* packets received at once, each for all receivers */
#define SEND_BATCH 512u
#define RECEIVE_BATCH 64u
#define BUFFER_BYTES 2048u
#define TURNS 5u
#define CLOCK_PACKETS 4096u /* between two looks at the clock */
#define HEADER_BYTES 20u    /* with a header extension of one word */

struct receiver {
    _Alignas(64) struct srtp_transport_state state;
    struct srtp_send_stream stream;
    struct srtp_session *session;
    uint64_t index; /* of its next packet */
};

struct field {
    const struct srtp_backend *backend;
    struct srtp_receive_head head;
    struct srtp_receive_stream *streams;
    struct srtp_receive_pool *pool;
    struct srtp_memory *memory;
    struct receiver *receivers;
};

static const char *const profile_names[] = {"", "AEAD_AES_128_GCM", "AEAD_AES_256_GCM", "AES128_CM_SHA1_80"};
static uint8_t buffers[SEND_BATCH][BUFFER_BYTES];
static uint8_t plain[ROUND_PACKETS][BUFFER_BYTES];

static void die(const char *what)
{
    fprintf(stderr, "srtp_bench: %s\n", what);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Everyone has one key for both ways, so that what is sent to one can be received from it. */
static void field_init(struct field *field, const struct srtp_backend *backend, enum srtp_profile profile)
{
    *field = (struct field){.backend = backend};
    field->streams = aligned_alloc(64, RECEIVERS_MAX * sizeof(*field->streams));
    field->receivers = aligned_alloc(64, RECEIVERS_MAX * sizeof(*field->receivers));
    if (!field->streams || !field->receivers)
        die("no memory");
    memset(field->streams, 0, RECEIVERS_MAX * sizeof(*field->streams));
    memset(field->receivers, 0, RECEIVERS_MAX * sizeof(*field->receivers));
    if (srtp_receive_pool_create(&field->head, field->streams, RECEIVERS_MAX, &field->pool) != 0 ||
        srtp_memory_create(RECEIVERS_MAX, &field->memory) != 0)
        die("no pool");
    for (uint32_t i = 0; i < RECEIVERS_MAX; i++) {
        uint8_t key[SRTP_KEY_MAX];
        for (unsigned j = 0; j < sizeof(key); j++)
            key[j] = (uint8_t)(i * 31 + (i >> 8) + j * 7);
        struct srtp_place place = {.state = &field->receivers[i].state,
                                   .pool = field->pool,
                                   .memory = field->memory,
                                   .owner = i + 1};
        if (backend->create(profile, key, key, &place, &field->receivers[i].session) != 0)
            die("no session");
    }
}

static void field_deinit(struct field *field)
{
    for (uint32_t i = 0; i < RECEIVERS_MAX; i++)
        field->backend->destroy(field->receivers[i].session);
    srtp_receive_pool_destroy(field->pool);
    srtp_memory_destroy(field->memory);
    free(field->streams);
    free(field->receivers);
}

static void write_header(uint8_t *out, uint64_t index)
{
    static const uint8_t header[HEADER_BYTES] = {0x90, 96, 0,    0,    0, 0, 0,    9, 1, 2,
                                                 3,    4,  0xbe, 0xde, 0, 1, 0x10, 7, 0, 0};
    memcpy(out, header, HEADER_BYTES);
    out[2] = (uint8_t)(index >> 8);
    out[3] = (uint8_t)index;
}

static struct srtp_protect_job job_for(struct receiver *receiver, uint8_t *out, const uint8_t *payload,
                                       uint32_t bytes, uint32_t rewritten)
{
    uint64_t index = receiver->index++;
    write_header(out, index);
    memcpy(out + HEADER_BYTES, payload, rewritten);
    return (struct srtp_protect_job){.session = receiver->session,
                                     .stream = &receiver->stream,
                                     .index = index,
                                     .out = out,
                                     .out_capacity = BUFFER_BYTES,
                                     .head_bytes = HEADER_BYTES + rewritten,
                                     .clear_bytes = HEADER_BYTES,
                                     .tail = payload + rewritten,
                                     .tail_bytes = bytes - HEADER_BYTES - rewritten,
                                     .kind = SRTP_KIND_RTP};
}

static void protect(const struct field *field, struct srtp_protect_job *jobs, uint32_t count)
{
    field->backend->protect(jobs, count);
    for (uint32_t i = 0; i < count; i++) {
        if (jobs[i].status != SRTP_OK)
            die("a packet was not protected");
    }
}

/* A round: each packet to everyone. */
static void protect_round(struct field *field, uint32_t fan_out, uint32_t bytes, uint32_t rewritten)
{
    static struct srtp_protect_job jobs[SEND_BATCH];
    uint32_t count = 0;

    for (uint32_t p = 0; p < ROUND_PACKETS; p++) {
        for (uint32_t r = 0; r < fan_out; r++) {
            jobs[count] = job_for(&field->receivers[r], buffers[count], plain[p], bytes, rewritten);
            if (++count == SEND_BATCH) {
                protect(field, jobs, count);
                count = 0;
            }
        }
    }
    protect(field, jobs, count);
}

/* Rounds until duration_ns are over; nanoseconds a packet. */
static double time_protect(struct field *field, uint32_t fan_out, uint32_t bytes, uint32_t rewritten,
                           uint64_t duration_ns)
{
    uint64_t start = now_ns(), packets = 0, passed;

    do {
        for (uint32_t done = 0; done < CLOCK_PACKETS; done += fan_out * ROUND_PACKETS) {
            protect_round(field, fan_out, bytes, rewritten);
            packets += (uint64_t)fan_out * ROUND_PACKETS;
        }
        passed = now_ns() - start;
    } while (passed < duration_ns);
    return (double)passed / (double)packets;
}

/* Batches as a round receives them, from eight senders. */
static double time_unprotect(struct field *field, uint32_t bytes, uint64_t duration_ns)
{
    static struct srtp_protect_job sealed[SEND_BATCH];
    static struct srtp_unprotect_job jobs[SEND_BATCH];
    uint64_t start = now_ns(), spent = 0, packets = 0;

    do {
        for (uint32_t i = 0; i < SEND_BATCH; i++)
            sealed[i] = job_for(&field->receivers[i % 8], buffers[i], plain[0], bytes, 0);
        protect(field, sealed, SEND_BATCH);
        for (uint32_t i = 0; i < SEND_BATCH; i++)
            jobs[i] = (struct srtp_unprotect_job){.session = sealed[i].session,
                                                  .data = buffers[i],
                                                  .length = sealed[i].length,
                                                  .kind = SRTP_KIND_RTP};
        uint64_t before = now_ns();
        for (uint32_t i = 0; i < SEND_BATCH; i += RECEIVE_BATCH)
            field->backend->unprotect(jobs + i, RECEIVE_BATCH);
        spent += now_ns() - before;
        packets += SEND_BATCH;
        for (uint32_t i = 0; i < SEND_BATCH; i++) {
            if (jobs[i].status != SRTP_OK)
                die("a packet was not unprotected");
        }
    } while (now_ns() - start < duration_ns);
    return (double)spent / (double)packets;
}

struct task {
    const char *name;
    uint32_t fan_out; /* 0: unprotect */
    uint32_t rewritten;
};

static double measure(struct field *field, const struct task *task, uint32_t bytes, uint64_t duration_ns)
{
    return task->fan_out == 0 ? time_unprotect(field, bytes, duration_ns)
                              : time_protect(field, task->fan_out, bytes, task->rewritten, duration_ns);
}

static void print_row(const char *name, uint32_t bytes, const double *best, size_t count)
{
    printf("  %-22s %5u", name, bytes);
    for (size_t i = 0; i < count; i++)
        printf(" %9.0f", best[i]);
    for (size_t i = 0; i + 1 < count; i++)
        printf(" %8.2f", best[count - 1] / best[i]);
    printf("\n");
}

int main(int argc, char **argv)
{
    static const struct srtp_backend *const backends[] = {
#if KM_WITH_IPSEC_MB
        &srtp_native_ipsec_mb,
#endif
        &srtp_native_openssl,
        &srtp_libsrtp2,
    };
    /* Unprotect is first: a receiver follows the indices only from their beginning. */
    static const struct task tasks[] = {
        {"unprotect", 0, 0},
        {"protect, fan-out 1", 1, 0},
        {"protect, fan-out 10", 10, 0},
        {"protect, fan-out 100", 100, 0},
        {"protect, fan-out 1000", 1000, 0},
        {"  the same, 6 rewritten", 1000, 6},
    };
    static const uint32_t sizes[] = {100, 1200};
    enum { BACKENDS = sizeof(backends) / sizeof(backends[0]), TASKS = sizeof(tasks) / sizeof(tasks[0]) };
    double seconds = argc > 1 ? atof(argv[1]) : 20;
    uint64_t duration_ns = (uint64_t)(seconds * 1e9 / (3 * 2 * TASKS * TURNS * BACKENDS));
    static struct field fields[BACKENDS];

    printf("ns per packet; libsrtp2's time in multiples of the other's\n");
    for (enum srtp_profile profile = SRTP_AEAD_AES_128_GCM; profile <= SRTP_AES128_CM_SHA1_80; profile++) {
        printf("%-24s bytes", profile_names[profile]);
        for (size_t i = 0; i < BACKENDS; i++) {
            if (backends[i]->init() != 0)
                die("a backend does not run here");
            uint64_t before = now_ns();
            field_init(&fields[i], backends[i], profile);
            printf(" %s (%.0f us a session)", backends[i]->name,
                   (double)(now_ns() - before) / 1000 / RECEIVERS_MAX);
        }
        printf("\n");
        for (size_t t = 0; t < TASKS; t++) {
            for (size_t s = 0; s < 2; s++) {
                double best[BACKENDS];
                for (size_t turn = 0; turn < TURNS; turn++) {
                    for (size_t i = 0; i < BACKENDS; i++) {
                        double time = measure(&fields[i], &tasks[t], sizes[s], duration_ns);
                        best[i] = turn == 0 || time < best[i] ? time : best[i];
                    }
                }
                print_row(tasks[t].name, sizes[s], best, BACKENDS);
            }
        }
        for (size_t i = 0; i < BACKENDS; i++)
            field_deinit(&fields[i]);
    }
    return 0;
}
