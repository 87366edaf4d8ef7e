/* Installing and removing a table row under the seqlock of its head (shm/rows.h). Only the owning worker
 * writes, so it reads without. */
#pragma once

#include <stdbool.h>

#include "shm/rows.h"
#include "shm/segment.h"

/* Whether handle may be born in row: 0, -EEXIST while another lives there, -ESTALE for a handle of the past.
 */
int row_check_free(const struct shm_row *row, shm_handle handle);

/* Makes row the life of handle, with the bytes behind the head copied from initial (a row of the same size).
 */
void row_install(struct shm_row *row, const struct shm_row *initial, size_t row_bytes, shm_handle handle,
                 uint32_t worker);

/* Ends the life in row; nothing of it stays, keys included. */
void row_remove(struct shm_row *row, size_t row_bytes);

/* Whether row lives and belongs to worker. A row that its former owner died in the middle of is freed. */
bool row_adopt(struct shm_row *row, size_t row_bytes, uint32_t worker);

/* The first row from index on whose memory was ever touched; the section's count when there is none. Looking
 * at a table of a quarter million rows must not make its pages resident. */
uint32_t row_next_touched(const struct shm_segment *segment, enum shm_section_kind kind, uint32_t index);
