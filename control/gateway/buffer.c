#include "control/gateway/buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 1024

int buffer_append(struct buffer *buffer, const void *bytes, size_t length)
{
    size_t needed = buffer->length + length + 1;
    size_t consumed = (size_t)(buffer->data - buffer->memory);

    if (consumed + needed > buffer->capacity) {
        size_t capacity = buffer->capacity ? buffer->capacity : FIRST_CAPACITY;

        while (capacity < needed)
            capacity *= 2;
        uint8_t *memory = malloc(capacity);
        if (!memory)
            return -ENOMEM;
        if (buffer->length > 0)
            memcpy(memory, buffer->data, buffer->length);
        free(buffer->memory);
        buffer->memory = memory;
        buffer->data = memory;
        buffer->capacity = capacity;
    }
    if (length > 0)
        memcpy(buffer->data + buffer->length, bytes, length);
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
    return 0;
}

void buffer_consume(struct buffer *buffer, size_t length)
{
    if (length >= buffer->length) {
        buffer_deinit(buffer);
        return;
    }
    buffer->data += length;
    buffer->length -= length;
}

void buffer_deinit(struct buffer *buffer)
{
    free(buffer->memory);
    *buffer = (struct buffer){0};
}
