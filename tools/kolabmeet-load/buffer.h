/* Bytes that grow at the end and are taken from the front. */
#pragma once

#include <stddef.h>

/* All zeroes is empty. */
struct buffer {
    char *data;
    size_t length;
    size_t capacity;
};

void buffer_deinit(struct buffer *buffer);
void buffer_append(struct buffer *buffer, const void *data, size_t length);
void buffer_take(struct buffer *buffer, size_t length);
