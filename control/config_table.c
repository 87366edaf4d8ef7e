#include "control/config_table.h"

#include <stdbool.h>
#include <string.h>

#define AT(field) offsetof(struct config, field)

const struct setting config_table[] = {
    {"AUTH_TOKEN", NULL, NULL, SECRET, AT(auth_token), 0, 0, "token of the HTTP API (required)"},
    {"AUTH_TOKEN_FILE", NULL, NULL, SECRET_FILE, AT(auth_token), 0, 0, "file that holds it"},
    {"LISTENING_HOST", NULL, "0.0.0.0", TEXT, AT(listening_host), 0, 0,
     "address of the HTTP and websocket listener"},
    {"LISTENING_PORT", NULL, "12443", NUMBER, AT(listening_port), 1, 65535, "its port"},
    {"PUBLIC_DOMAIN", NULL, "127.0.0.1:12443", TEXT, AT(public_domain), 0, 0,
     "host[:port] of the websocket URL handed to clients"},
    {"SSL_CERT", NULL, NULL, TEXT, AT(ssl_cert), 0, 0,
     "PEM certificate chain, or none for plain HTTP (required)"},
    {"SSL_KEY", NULL, NULL, TEXT, AT(ssl_key), 0, 0, "its PEM key"},
    {"FORCE_WSS", NULL, NULL, FLAG, AT(force_wss), 0, 0,
     "any value: hand out wss: although this server speaks plain HTTP"},
    {"WEBRTC_LISTEN_IP", NULL, NULL, TEXT, AT(webrtc_listen_ip), 0, 0,
     "address that media sockets bind to (required)"},
    {"WEBRTC_ANNOUNCED_ADDRESS", NULL, NULL, TEXT, AT(webrtc_announced_address), 0, 0,
     "address in ICE candidates instead of it, or up to four by commas, e.g. IPv4 and IPv6"},
    {"WEBRTC_LISTEN_PORT", NULL, "44444", NUMBER, AT(webrtc_listen_port), 1, 65535, "media port"},
    {"CODECS", NULL, "opus,VP8,VP9;profile-id=2,H264;profile-level-id=4d0032,H264;profile-level-id=42e01f",
     TEXT, AT(codecs), 0, 0,
     "codecs in order of preference, with parameters by semicolons; also VP9, AV1, PCMU, PCMA, G722"},
    {"INITIAL_OUTGOING_BITRATE", NULL, "1000000", NUMBER, AT(initial_outgoing_bitrate_bps), 0, 1000000000,
     "first estimate of a receiver's bandwidth, bit/s; with 0 there is none: everybody is sent everything"},
    {"MIN_OUTGOING_BITRATE", NULL, "0", NUMBER, AT(min_outgoing_bitrate_bps), 0, 1000000000,
     "what that estimate never falls below, bit/s; 0 is 30 kbit/s"},
    {"MAX_OUTGOING_BITRATE", NULL, "0", NUMBER, AT(max_outgoing_bitrate_bps), 0, 1000000000,
     "what it never exceeds, so that no receiver is sent more video than that, bit/s; 0 is no limit"},
    {"MAX_INCOMING_BITRATE", NULL, "1500000", NUMBER, AT(max_incoming_bitrate_bps), 0, 1000000000,
     "what a client is asked to send no more than, bit/s; beyond four times that is dropped; 0 is no limit"},
    {"PLAIN_PORT_MIN", NULL, "40000", NUMBER, AT(plain_port_min), 1, 65535,
     "first port of plain RTP transports"},
    {"PLAIN_PORT_MAX", NULL, "43999", NUMBER, AT(plain_port_max), 1, 65535,
     "last port of plain RTP transports"},
    {"PLAIN_TARGETS", NULL, "private", TEXT, AT(plain_targets), 0, 0,
     "private, any or none, or addresses and networks by commas, that plain RTP may be sent to"},
    {"DTLS_CERT", NULL, NULL, TEXT, AT(dtls_cert), 0, 0,
     "PEM certificate of DTLS; by default made at the start"},
    {"DTLS_KEY", NULL, NULL, TEXT, AT(dtls_key), 0, 0, "its PEM key"},
    {"TURN_SERVER", NULL, "turn:127.0.0.1:3478?transport=tcp", TEXT, AT(turn_server), 0, 0,
     "TURN URLs by commas, or none"},
    {"TURN_STATIC_SECRET", NULL, NULL, SECRET, AT(turn_static_secret), 0, 0,
     "static-auth-secret of the TURN server"},
    {"TURN_STATIC_SECRET_FILE", NULL, NULL, SECRET_FILE, AT(turn_static_secret), 0, 0, "file that holds it"},
    {"WEBHOOK_URL", NULL, NULL, TEXT, AT(webhook_url), 0, 0, "where events of rooms are posted to"},
    {"WEBHOOK_TOKEN", NULL, NULL, SECRET, AT(webhook_token), 0, 0, "X-Auth-Token of these"},
    {"WEBHOOK_TOKEN_FILE", NULL, NULL, SECRET_FILE, AT(webhook_token), 0, 0, "file that holds it"},
    {"ALLOWED_ORIGINS", NULL, "any", TEXT, AT(allowed_origins), 0, 0,
     "origins by commas of the pages that may use signaling, such as https://meet.example.org, or any"},
    {"TRUSTED_PROXIES", NULL, "127.0.0.0/8,::1", TEXT, AT(trusted_proxies), 0, 0,
     "addresses and networks by commas whose X-Forwarded-For is believed, or none"},
    {"MAX_CONNECTIONS", NULL, "4096", NUMBER, AT(max_connections), 1, 65000, "connections at once, in all"},
    {"MAX_ADDRESS_CONNECTIONS", NULL, "1000", NUMBER, AT(max_address_connections), 0, 65535,
     "of them from one address, that is no trusted proxy; 0 is no limit, here and below"},
    {"MAX_CONNECTION_RATE", NULL, "2000", NUMBER, AT(max_connection_rate), 0, 1000000,
     "new connections a second, in all"},
    {"MAX_ADDRESS_CONNECTION_RATE", NULL, "100", NUMBER, AT(max_address_connection_rate), 0, 1000000,
     "of them from one address"},
    {"MAX_REQUEST_RATE", NULL, "20000", NUMBER, AT(max_request_rate), 0, 1000000,
     "requests of clients a second, in all"},
    {"MAX_ADDRESS_REQUEST_RATE", NULL, "1000", NUMBER, AT(max_address_request_rate), 0, 1000000,
     "of them from one address"},
    {"MAX_ROOMS", NULL, "10000", NUMBER, AT(max_rooms), 1, 1000000, "rooms"},
    {"MAX_ROOM_PEERS", NULL, "1000", NUMBER, AT(max_room_peers), 1, 100000,
     "peers of a room, handed-out places included"},
    {"PLACE_TIMEOUT", NULL, "600", NUMBER, AT(place_timeout_s), 1, 604800,
     "seconds until a place in a room that nobody took expires"},
    {"MAX_MESSAGE_BYTES", NULL, "1000000", NUMBER, AT(max_message_bytes), 10000, 16000000,
     "bytes of a message of signaling"},
    {"MAX_JSON_DEPTH", NULL, "32", NUMBER, AT(max_json_depth), 8, 1000, "nesting of JSON"},
    {"MAX_NICKNAME", NULL, "512", NUMBER, AT(max_nickname), 1, 100000, "characters of a nickname"},
    {"MAX_CHAT_BYTES", NULL, "1000000", NUMBER, AT(max_chat_bytes), 1, 16000000, "bytes of a chat message"},
    {"LAST_N", NULL, "0", NUMBER, AT(last_n), 0, 1000,
     "cameras that each participant is sent: those of the others who spoke last; 0 is all"},
    {"WORKERS", "MEDIASOUP_NUM_WORKERS", NULL, NUMBER, AT(workers), 1, 64,
     "threads of the forwarder; by default one a core"},
    {"CPUS", NULL, NULL, TEXT, AT(cpus), 0, 0,
     "CPUs to pin these threads to, e.g. 2,3 or 4-7; by default not pinned"},
    {"STORE_MIB", NULL, "64", NUMBER, AT(store_mib), 8, 65536,
     "MiB that packets of the last two seconds may take; resident is what they do take"},
    {"STEERING", NULL, "on", SWITCH, AT(steering), 0, 0,
     "on or off: a BPF program brings each packet to its thread, where the system permits it"},
    {"ROUTER_SCALE_SIZE", NULL, "16", IGNORED, 0, 0, 0, "accepted and ignored"},
    {"POLL", NULL, "adaptive", POLL, AT(poll), 0, 0,
     "adaptive, busy or sleep: how the forwarder waits for packets"},
    {"SRTP_BACKEND", NULL, "native", SRTP, AT(srtp_backend), 0, 0,
     "native or libsrtp2: who encrypts; with libsrtp2 a call does not outlive its forwarder"},
    {"RUNTIME_DIR", NULL, "/run/kolabmeet", TEXT, AT(runtime_dir), 0, 0,
     "folder of the statistics and of sockets"},
    {"DEMO", NULL, "off", TEXT, AT(demo), 0, 0,
     "folder of the built demo page, or off; with it, anybody may open rooms, which are theirs, and be a "
     "guest in others"},
    {"FORWARDER", NULL, NULL, TEXT, AT(forwarder), 0, 0,
     "path of " CONFIG_FORWARDER_NAME "; by default beside this program"},
    {"LOG_LEVEL", NULL, "info", LEVEL, AT(log_level), 0, 0, "error, warn, info or debug"},
};

const size_t config_table_count = sizeof(config_table) / sizeof(config_table[0]);
_Static_assert(sizeof(config_table) / sizeof(config_table[0]) <= CONFIG_SETTINGS_MAX, "settings");

static bool is_variable(const char *given, size_t length, const char *name)
{
    return name && strlen(name) == length && memcmp(given, name, length) == 0;
}

static bool is_option(const char *given, size_t length, const char *name)
{
    if (!name || strlen(name) != length)
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = name[i] == '_' ? '-' : (char)(name[i] | 0x20);
        if (given[i] != c)
            return false;
    }
    return true;
}

static int find(const char *given, size_t length, bool (*is)(const char *, size_t, const char *))
{
    for (size_t i = 0; i < config_table_count; i++)
        if (is(given, length, config_table[i].name) || is(given, length, config_table[i].alias))
            return (int)i;
    return -1;
}

int config_table_find_variable(const char *name, size_t length)
{
    return find(name, length, is_variable);
}

int config_table_find_option(const char *name, size_t length)
{
    return find(name, length, is_option);
}
