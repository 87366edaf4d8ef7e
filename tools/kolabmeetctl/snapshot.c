#include "tools/kolabmeetctl/snapshot.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/kolabmeetctl/ask.h"

static bool is_alive(uint32_t pid)
{
    return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

/* Copies the blocks of a kind whose handle (behind the first 8 bytes) is not 0, or all when they have none.
 */
static int take_section(struct snapshot *snapshot, const struct statistics *statistics,
                        enum statistics_section_kind kind, size_t bytes, bool has_handle, void **ret_blocks,
                        size_t *ret_count)
{
    uint32_t capacity = statistics_count(statistics, kind);
    uint8_t *blocks = NULL;
    size_t count = 0;
    size_t room = 0;

    for (uint32_t i = 0; i < capacity; i++) {
        const uint8_t *block = statistics_block(statistics, kind, i);
        if (has_handle && __atomic_load_n((const uint64_t *)block + 1, __ATOMIC_RELAXED) == 0)
            continue;
        if (count == room) {
            room = room ? room * 2 : 16;
            uint8_t *larger = reallocarray(blocks, room, bytes);
            if (!larger) {
                free(blocks);
                return -ENOMEM;
            }
            blocks = larger;
        }
        if (statistics_read(statistics, kind, i, blocks + count * bytes, bytes) == 0)
            count++;
        else
            snapshot->unreadable++;
    }
    *ret_blocks = blocks;
    *ret_count = count;
    return 0;
}

static int take_labels(struct snapshot *snapshot, const struct statistics *statistics)
{
    snapshot->labels = calloc(snapshot->transport_count + 1, sizeof *snapshot->labels);
    if (!snapshot->labels)
        return -ENOMEM;
    for (size_t i = 0; i < snapshot->transport_count; i++) {
        struct statistics_label label;
        uint64_t handle = snapshot->transports[i].handle;
        if (statistics_read(statistics, STATISTICS_LABEL, (uint32_t)handle, &label, sizeof label) == 0 &&
            label.handle == handle)
            snapshot->labels[i] = label;
        snapshot->labels[i].room_id[sizeof label.room_id - 1] = 0;
        snapshot->labels[i].peer_id[sizeof label.peer_id - 1] = 0;
    }
    return 0;
}

static int take_all(struct snapshot *snapshot, const struct statistics *statistics)
{
    int err;
    if (statistics_read(statistics, STATISTICS_CONTROL, 0, &snapshot->control, sizeof snapshot->control) != 0)
        snapshot->unreadable++;
    if ((err = take_section(snapshot, statistics, STATISTICS_WORKER, sizeof *snapshot->workers, false,
                            (void **)&snapshot->workers, &snapshot->worker_count)) != 0 ||
        (err = take_section(snapshot, statistics, STATISTICS_STAGE, sizeof *snapshot->stages, false,
                            (void **)&snapshot->stages, &snapshot->stages_count)) != 0 ||
        (err = take_section(snapshot, statistics, STATISTICS_TRANSPORT, sizeof *snapshot->transports, true,
                            (void **)&snapshot->transports, &snapshot->transport_count)) != 0 ||
        (err = take_section(snapshot, statistics, STATISTICS_STREAM, sizeof *snapshot->streams, true,
                            (void **)&snapshot->streams, &snapshot->stream_count)) != 0 ||
        (err = take_section(snapshot, statistics, STATISTICS_CONSUMER, sizeof *snapshot->consumers, true,
                            (void **)&snapshot->consumers, &snapshot->consumer_count)) != 0)
        return err;
    return take_labels(snapshot, statistics);
}

int snapshot_take(const char *path, struct snapshot *ret_snapshot, char *ret_why, size_t why_bytes)
{
    struct snapshot made = {.unreadable = 0};
    struct statistics statistics;
    int err = statistics_open(path, &statistics, ret_why, why_bytes);
    if (err == -ENOENT)
        snprintf(ret_why, why_bytes, "kolabmeetd has not run: there is no %s", path);
    if (err != 0)
        return err;
    err = take_all(&made, &statistics);
    statistics_deinit(&statistics);
    if (err != 0) {
        snprintf(ret_why, why_bytes, "%s", strerror(-err));
        snapshot_deinit(&made);
        return err;
    }
    made.control_alive = is_alive(made.control.control_pid);
    made.forwarder_alive = is_alive(made.control.forwarder_pid);
    *ret_snapshot = made;
    return 0;
}

int snapshot_exit_status(int err)
{
    switch (err) {
    case 0:
        return ASK_OK;
    case -ENOENT:
        return ASK_NO_DAEMON;
    case -EACCES:
    case -EPERM:
        return ASK_DENIED;
    default:
        return ASK_FAILED;
    }
}

void snapshot_deinit(struct snapshot *snapshot)
{
    free(snapshot->workers);
    free(snapshot->stages);
    free(snapshot->transports);
    free(snapshot->labels);
    free(snapshot->streams);
    free(snapshot->consumers);
    memset(snapshot, 0, sizeof *snapshot);
}

static const char *name_of(const char *const *names, size_t count, uint32_t value)
{
    return value < count ? names[value] : "unknown";
}

const char *snapshot_kind_name(uint32_t kind)
{
    static const char *const names[] = {"-", "audio", "video"};
    return name_of(names, sizeof names / sizeof *names, kind);
}

const char *snapshot_codec_name(uint32_t codec)
{
    static const char *const names[] = {"-", "opus", "VP8", "VP9", "H264", "AV1", "audio", "video"};
    return name_of(names, sizeof names / sizeof *names, codec);
}

const char *snapshot_srtp_profile_name(uint32_t profile)
{
    static const char *const names[] = {"none", "AEAD_AES_128_GCM", "AEAD_AES_256_GCM", "AES128_CM_SHA1_80"};
    return name_of(names, sizeof names / sizeof *names, profile);
}
