#include "dataplane/row.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "shm/seqlock.h"

int row_check_free(const struct shm_row *row, shm_handle handle)
{
    uint32_t generation = shm_handle_generation(handle);

    if (row->state != SHM_ROW_FREE)
        return -EEXIST;
    return (int32_t)(generation - row->generation) > 0 ? 0 : -ESTALE;
}

void row_install(struct shm_row *row, const struct shm_row *initial, size_t row_bytes, shm_handle handle,
                 uint32_t worker)
{
    seqlock_write_begin(&row->sequence);
    memcpy((uint8_t *)row + sizeof(*row), (const uint8_t *)initial + sizeof(*row), row_bytes - sizeof(*row));
    row->generation = shm_handle_generation(handle);
    row->state = SHM_ROW_LIVE;
    row->worker = worker;
    seqlock_write_end(&row->sequence);
}

void row_remove(struct shm_row *row, size_t row_bytes)
{
    seqlock_write_begin(&row->sequence);
    row->state = SHM_ROW_FREE;
    explicit_bzero((uint8_t *)row + sizeof(*row), row_bytes - sizeof(*row));
    seqlock_write_end(&row->sequence);
}

bool row_adopt(struct shm_row *row, size_t row_bytes, uint32_t worker)
{
    if (row->state == SHM_ROW_FREE || row->worker != worker)
        return false;
    if (atomic_load_explicit(&row->sequence, memory_order_relaxed) & 1) {
        row_remove(row, row_bytes);
        return false;
    }
    return true;
}

uint32_t row_next_touched(const struct shm_segment *segment, enum shm_section_kind kind, uint32_t index)
{
    const struct shm_section *section = &segment->sections[kind];

    if (index >= section->count)
        return section->count;
    off_t at = (off_t)(section->offset + (uint64_t)index * section->stride);
    off_t data = lseek(segment->fd, at, SEEK_DATA);
    if (data < 0)
        return errno == ENXIO ? section->count : index;
    if (data <= at)
        return index;
    uint64_t skipped = ((uint64_t)(data - at)) / section->stride;
    return skipped < section->count - index ? index + (uint32_t)skipped : section->count;
}
