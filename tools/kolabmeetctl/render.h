/* An answer of the daemon as text for people: lists of objects as tables, objects as lines of "key  value".
 * Characters that a terminal would act on are escaped: nicknames come from anybody. */
#pragma once

#include <jansson.h>
#include <stdio.h>

void render(FILE *out, const json_t *value);
/* One text, escaped. */
void render_escaped(FILE *out, const char *text);
