/* Values of the command line. Each reader returns false, and leaves the output alone, when the text makes no
 * sense. */
#pragma once

#include "tools/kolabmeet-load/options.h"

bool option_read_uint(const char *text, uint32_t min, uint32_t max, uint32_t *ret_value);
bool option_read_int(const char *text, int *ret_value);
bool option_read_double(const char *text, double min, double max, double *ret_value);
bool option_read_percent(const char *text, double *ret_share);
bool option_read_milliseconds(const char *text, uint64_t *ret_ns);

/* RATE[xBYTES][@FPS], or off; ret_frames NULL: no FPS. What is left out stays. */
bool option_read_media(const char *text, struct options_media *ret_media, double *ret_frames);
bool option_read_feedback(const char *text, enum feedback_kind *ret_feedback);
bool option_read_dtls_role(const char *text, bool *ret_is_server);
bool option_read_search(const char *text, enum search_kind *ret_search);
bool option_read_backend(const char *text, const struct srtp_backend **ret_backend);
bool option_read_check(const char *text, uint32_t *ret_check_every);
bool option_read_network(const char *text, uint32_t *ret_network, unsigned *ret_prefix_bits);
