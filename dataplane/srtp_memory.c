#include "dataplane/srtp_memory.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "dataplane/srtp_session.h"

#define KEYS_OF_A_SESSION 2u

/* A piece that was given back: zeroes behind this. */
struct free_piece {
    struct free_piece *next;
};

struct field {
    uint8_t *pieces;
    size_t piece_bytes;
    uint32_t count;
    uint32_t touched; /* pieces from here on were never taken */
    uint32_t used;
    struct free_piece *free;
};

struct srtp_memory {
    struct field fields[SRTP_MEMORY_COUNT];
};

static size_t field_bytes(const struct field *field)
{
    return field->count * field->piece_bytes;
}

/* Small pages: a large one would make many pieces resident that nobody has. */
static int field_init(struct field *field, size_t piece_bytes, uint32_t count)
{
    field->piece_bytes = (piece_bytes + SHM_CACHE_LINE - 1) / SHM_CACHE_LINE * SHM_CACHE_LINE;
    field->count = count;
    void *pieces = mmap(NULL, field_bytes(field), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pieces == MAP_FAILED)
        return -ENOMEM;
    (void)madvise(pieces, field_bytes(field), MADV_DONTDUMP);
    (void)madvise(pieces, field_bytes(field), MADV_NOHUGEPAGE);
    field->pieces = pieces;
    return 0;
}

int srtp_memory_create(uint32_t sessions, struct srtp_memory **ret_memory)
{
    struct srtp_memory *memory = calloc(1, sizeof(*memory));

    if (!memory)
        return -ENOMEM;
    int error = field_init(&memory->fields[SRTP_MEMORY_SESSION], sizeof(struct srtp_session), sessions);
    if (error == 0)
        error =
            field_init(&memory->fields[SRTP_MEMORY_KEY], SRTP_CIPHER_KEY_BYTES, KEYS_OF_A_SESSION * sessions);
    if (error == 0)
        error = field_init(&memory->fields[SRTP_MEMORY_STREAMS], sizeof(struct srtp_streams), sessions);
    if (error != 0) {
        srtp_memory_destroy(memory);
        return error;
    }
    *ret_memory = memory;
    return 0;
}

void srtp_memory_destroy(struct srtp_memory *memory)
{
    if (!memory)
        return;
    for (unsigned i = 0; i < SRTP_MEMORY_COUNT; i++) {
        struct field *field = &memory->fields[i];
        if (!field->pieces)
            continue;
        explicit_bzero(field->pieces, field->touched * field->piece_bytes);
        munmap(field->pieces, field_bytes(field));
    }
    free(memory);
}

void *srtp_memory_take(struct srtp_memory *memory, enum srtp_memory_kind kind)
{
    struct field *field = &memory->fields[kind];
    struct free_piece *piece = field->free;

    if (piece) {
        field->free = piece->next;
        piece->next = NULL;
    } else if (field->touched < field->count) {
        piece = (struct free_piece *)(void *)(field->pieces + field->touched++ * field->piece_bytes);
    } else {
        return NULL;
    }
    field->used++;
    return piece;
}

void srtp_memory_give(struct srtp_memory *memory, enum srtp_memory_kind kind, void *piece)
{
    struct field *field = &memory->fields[kind];
    struct free_piece *given = piece;

    if (!piece)
        return;
    explicit_bzero(piece, field->piece_bytes);
    given->next = field->free;
    field->free = given;
    field->used--;
}

uint32_t srtp_memory_used(const struct srtp_memory *memory, enum srtp_memory_kind kind)
{
    return memory->fields[kind].used;
}
