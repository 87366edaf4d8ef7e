/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing over U+10FFFF. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at `text` (length > 0), or 0 if there is no valid one. */
size_t utf8_char_bytes(const uint8_t *text, size_t length);

bool utf8_valid(const uint8_t *text, size_t length);
