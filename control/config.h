/* The settings of kolabmeetd: one table (config_table.c) of name, default, kind and help, filled from the
 * command line, the environment and a file (config_file.h). Order: option > environment > file > default. An
 * option is the variable's name in lower case with dashes: LISTENING_PORT is --listening-port. An empty value
 * counts as unset, as in the server that this one replaces. Each secret may stand in a file of its own
 * instead, AUTH_TOKEN_FILE for AUTH_TOKEN.
 *
 * Strings belong to the struct; NULL is "unset". Values are never part of an error text unless they are no
 * secret. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "control/log.h"

#define CONFIG_ERROR_MAX 256

enum config_action { CONFIG_RUN, CONFIG_CHECK, CONFIG_SHOW_HELP, CONFIG_SHOW_VERSION };
enum config_srtp { CONFIG_SRTP_NATIVE, CONFIG_SRTP_LIBSRTP2 };

enum config_poll { CONFIG_POLL_ADAPTIVE, CONFIG_POLL_BUSY, CONFIG_POLL_SLEEP };

struct config {
    enum config_action action; /* only with the first two are the rest checked and complete */

    char *auth_token; /* secret */
    char *listening_host;
    unsigned listening_port;
    char *public_domain;
    char *ssl_cert; /* NULL: SSL_CERT=none, plain HTTP */
    char *ssl_key;  /* NULL with ssl_cert */
    bool force_wss;

    char *webrtc_listen_ip;         /* an IPv4 or IPv6 literal */
    char *webrtc_announced_address; /* one or several, as control/announced.h reads them; or NULL */
    unsigned webrtc_listen_port;
    char *codecs; /* as control/ortc/router.h reads them */
    unsigned initial_outgoing_bitrate_bps;
    unsigned min_outgoing_bitrate_bps; /* 0: the estimator's own */
    unsigned max_outgoing_bitrate_bps; /* 0: no limit */
    unsigned max_incoming_bitrate_bps;
    unsigned plain_port_min;
    unsigned plain_port_max;
    char *plain_targets; /* NULL: nobody */
    char *dtls_cert;     /* both or neither */
    char *dtls_key;

    char *turn_server;        /* URLs by commas; NULL: TURN_SERVER=none */
    char *turn_static_secret; /* secret */
    char *webhook_url;
    char *webhook_token; /* secret */

    char *allowed_origins; /* as control/origins.h; NULL: any */
    char *trusted_proxies; /* as control/networks.h reads them; NULL: none */
    unsigned max_connections;
    unsigned max_address_connections; /* 0: no limit, as of all rates */
    unsigned max_connection_rate;     /* a second, as all rates */
    unsigned max_address_connection_rate;
    unsigned max_request_rate;
    unsigned max_address_request_rate;
    unsigned max_rooms;
    unsigned max_room_peers;
    unsigned place_timeout_s;
    unsigned max_message_bytes;
    unsigned max_json_depth;
    unsigned max_nickname; /* characters */
    unsigned max_chat_bytes;
    unsigned last_n; /* 0: no limit */

    unsigned workers; /* number of cores by default */
    char *cpus;       /* list of CPUs to pin them to, or NULL */
    unsigned store_mib;
    bool steering;
    enum config_poll poll;
    enum config_srtp srtp_backend;
    char *runtime_dir;
    char *demo;      /* folder of the built demo page; NULL: DEMO=off */
    char *forwarder; /* path of kolabmeet-forwarder; by default beside the running binary */
    enum log_level log_level;
};

/* Reads the settings. `environment` is a NULL-terminated array of NAME=value, as environ(7). Returns
 *   0              *ret is filled; the caller releases it with config_deinit;
 *   -EINVAL        a setting is missing or malformed, or an option is unknown;
 *   -EADDRNOTAVAIL WEBRTC_LISTEN_IP is missing or no address;
 *   -ENOMEM.
 * On failure *ret is untouched and `error` is one line without a line end. */
int config_parse(int argc, char **argv, char **environment, struct config *ret, char *error, size_t size);

/* Wipes the secrets and frees the strings. The struct may be all zero. */
void config_deinit(struct config *config);

/* The process's exit status for a failure of config_parse: 78 (EX_CONFIG) or 3 for the listen address. */
int config_exit_status(int error);

/* Every setting with its default and one line of help. */
void config_print_help(FILE *out);
