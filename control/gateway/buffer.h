/* A growing array of bytes that is appended to and consumed from the front, both without moving what stays
 * (but for growth). All zero is empty. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct buffer {
    uint8_t *data; /* the first byte that is not consumed; NULL while nothing was appended */
    size_t length;
    uint8_t *memory; /* what was allocated; equal to data until something is consumed */
    size_t capacity;
};

/* Appends and keeps a NUL, not counted, behind the last byte. -ENOMEM leaves the buffer as it was. */
int buffer_append(struct buffer *buffer, const void *bytes, size_t length);

/* Drops the first `length` bytes. */
void buffer_consume(struct buffer *buffer, size_t length);

/* Frees the bytes; the buffer is empty again. */
void buffer_deinit(struct buffer *buffer);
