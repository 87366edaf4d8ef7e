#include "tools/kolabmeet-load/buffer.h"

#include <stdlib.h>
#include <string.h>

#include "tools/kolabmeet-load/memory.h"

void buffer_deinit(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){0};
}

void buffer_append(struct buffer *buffer, const void *data, size_t length)
{
    if (length == 0)
        return;
    if (buffer->length + length > buffer->capacity) {
        buffer->capacity = 2 * (buffer->length + length);
        buffer->data = memory_resize(buffer->data, buffer->capacity, 1);
    }
    memcpy(buffer->data + buffer->length, data, length);
    buffer->length += length;
}

void buffer_take(struct buffer *buffer, size_t length)
{
    buffer->length -= length;
    memmove(buffer->data, buffer->data + length, buffer->length);
}
