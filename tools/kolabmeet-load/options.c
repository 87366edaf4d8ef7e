#include "tools/kolabmeet-load/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/kolabmeet-load/option_value.h"
#include "tools/kolabmeet-load/srtp_profile.h"

static const char usage[] =
    "usage: kolabmeet-load --url URL --token TOKEN [option…]\n"
    "\n"
    "Plays whole participants against a kolabmeet server, and measures what they receive.\n"
    "\n"
    "  --url=http(s)://HOST:PORT   the server\n"
    "  --token=TOKEN               of its HTTP API (by default AUTH_TOKEN of the environment)\n"
    "  --rooms=1 --publishers=1 --subscribers=1\n"
    "                              publishers and mere subscribers of each room\n"
    "  --no-publisher-subscribe    publishers receive nothing\n"
    "  --audio=RATE[xBYTES]        packets a second and bytes of payload (50x100), or off\n"
    "  --video=RATE[xBYTES][@FPS]  likewise, and frames a second (110x1100@30), or off\n"
    "  --even                      all packets of one size, as no browser sends them\n"
    "  --ramp=50                   joins a second\n"
    "  --churn=0                   subscribers that leave, and others that come, a second of the "
    "measurement\n"
    "  --warmup=1 --duration=10    seconds before and of the measurement\n"
    "  --profile=aes128gcm         SRTP: aes128gcm, aes256gcm or aescm\n"
    "  --srtp-backend=native       who decrypts: native, native-openssl, libsrtp2, …\n"
    "  --dtls-role=client          or server\n"
    "  --feedback=twcc             what receivers send: twcc, remb or none\n"
    "  --nack                      ask for what is lost, and send again what is asked for (RTX)\n"
    "  --lose-received=0 --lose-sent=0\n"
    "                              percent of the media packets to be thrown away, as a bad network would\n"
    "  --check=all                 decrypt all media packets, or only each N-th (--check=N)\n"
    "  --search[=rate|subscribers] find the highest load under the tolerated loss, by scaling the frames a\n"
    "                              second of each publisher, or the subscribers of each room; a step takes\n"
    "                              --duration\n"
    "  --search-loss=0.1           tolerated loss, percent\n"
    "  --search-latency=50         tolerated median of the latency, ms: more is a backlog that grows\n"
    "  --progress                  a line a second\n"
    "  --json=FILE                 the result as JSON, - for standard output\n"
    "  --forwarder-pid=PID --control-pid=PID\n"
    "                              whose CPU time to read\n"
    "  --local=NETWORK/BITS        addresses that are all this machine's (`ip route add local`), to be "
    "shared by\n"
    "                              one socket; by default 127.1.0.0/16 for a server on 127.0.0.0/8;\n"
    "                              off: a socket for each transport\n"
    "  --receive-buffer=KIB        of each socket (by default 1000 MiB of a shared one, 16 MiB of another)\n"
    "  --cpu=N                     pin this program to a CPU\n";

enum id {
    URL = 1000,
    TOKEN,
    ROOMS,
    PUBLISHERS,
    SUBSCRIBERS,
    NO_PUBLISHER_SUBSCRIBE,
    AUDIO,
    VIDEO,
    EVEN,
    RAMP,
    CHURN,
    WARMUP,
    DURATION,
    PROFILE,
    BACKEND,
    DTLS_ROLE,
    FEEDBACK,
    NACK,
    LOSE_RECEIVED,
    LOSE_SENT,
    CHECK,
    SEARCH,
    SEARCH_LOSS,
    SEARCH_LATENCY,
    PROGRESS,
    JSON,
    FORWARDER_PID,
    CONTROL_PID,
    CPU,
    LOCAL,
    RECEIVE_BUFFER,
    HELP,
};

static const struct option names[] = {
    {"url", required_argument, NULL, URL},
    {"token", required_argument, NULL, TOKEN},
    {"rooms", required_argument, NULL, ROOMS},
    {"publishers", required_argument, NULL, PUBLISHERS},
    {"subscribers", required_argument, NULL, SUBSCRIBERS},
    {"no-publisher-subscribe", no_argument, NULL, NO_PUBLISHER_SUBSCRIBE},
    {"audio", required_argument, NULL, AUDIO},
    {"video", required_argument, NULL, VIDEO},
    {"even", no_argument, NULL, EVEN},
    {"ramp", required_argument, NULL, RAMP},
    {"churn", required_argument, NULL, CHURN},
    {"warmup", required_argument, NULL, WARMUP},
    {"duration", required_argument, NULL, DURATION},
    {"profile", required_argument, NULL, PROFILE},
    {"srtp-backend", required_argument, NULL, BACKEND},
    {"dtls-role", required_argument, NULL, DTLS_ROLE},
    {"feedback", required_argument, NULL, FEEDBACK},
    {"nack", no_argument, NULL, NACK},
    {"lose-received", required_argument, NULL, LOSE_RECEIVED},
    {"lose-sent", required_argument, NULL, LOSE_SENT},
    {"check", required_argument, NULL, CHECK},
    {"search", optional_argument, NULL, SEARCH},
    {"search-loss", required_argument, NULL, SEARCH_LOSS},
    {"search-latency", required_argument, NULL, SEARCH_LATENCY},
    {"progress", no_argument, NULL, PROGRESS},
    {"json", required_argument, NULL, JSON},
    {"forwarder-pid", required_argument, NULL, FORWARDER_PID},
    {"control-pid", required_argument, NULL, CONTROL_PID},
    {"cpu", required_argument, NULL, CPU},
    {"local", required_argument, NULL, LOCAL},
    {"receive-buffer", required_argument, NULL, RECEIVE_BUFFER},
    {"help", no_argument, NULL, HELP},
    {0},
};

/* An option with a value that is more than a word. */
static bool take_value(int id, const char *value, struct options *options)
{
    switch (id) {
    case URL:
        return stream_target_parse(value, &options->target) == 0;
    case TOKEN:
        options->token = value;
        return true;
    case ROOMS:
        return option_read_uint(value, 1, 10000, &options->rooms);
    case PUBLISHERS:
        return option_read_uint(value, 1, 10000, &options->publishers);
    case SUBSCRIBERS:
        return option_read_uint(value, 0, 100000, &options->subscribers);
    case AUDIO:
        return option_read_media(value, &options->audio, NULL);
    case VIDEO:
        return option_read_media(value, &options->video, &options->frames_per_second);
    case RAMP:
        return option_read_double(value, 0.1, 10000, &options->ramp);
    case CHURN:
        return option_read_double(value, 0, 1000, &options->churn);
    case WARMUP:
        return option_read_double(value, 0, 3600, &options->warmup_s);
    case DURATION:
        return option_read_double(value, 0.1, 1e6, &options->duration_s);
    case PROFILE:
        return srtp_profile_find(value, &options->profile);
    case BACKEND:
        return option_read_backend(value, &options->backend);
    case DTLS_ROLE:
        return option_read_dtls_role(value, &options->is_dtls_server);
    case FEEDBACK:
        return option_read_feedback(value, &options->feedback);
    case CHECK:
        return option_read_check(value, &options->check_every);
    case SEARCH:
        return option_read_search(value, &options->search);
    case LOSE_RECEIVED:
        return option_read_percent(value, &options->lose_received);
    case LOSE_SENT:
        return option_read_percent(value, &options->lose_sent);
    case SEARCH_LOSS:
        return option_read_percent(value, &options->search_loss);
    case SEARCH_LATENCY:
        return option_read_milliseconds(value, &options->search_latency_ns);
    case JSON:
        options->json_path = value;
        return true;
    case FORWARDER_PID:
        return option_read_int(value, &options->forwarder_pid);
    case CONTROL_PID:
        return option_read_int(value, &options->control_pid);
    case CPU:
        return option_read_int(value, &options->cpu);
    case RECEIVE_BUFFER:
        return option_read_uint(value, 1, 1 << 20, &options->receive_buffer_kib);
    case LOCAL:
        if (strcmp(value, "off") == 0) {
            options->shares_socket = false;
            return true;
        }
        return option_read_network(value, &options->local_network, &options->local_prefix_bits);
    default:
        return false;
    }
}

static bool take(int id, const char *value, struct options *options)
{
    switch (id) {
    case NO_PUBLISHER_SUBSCRIBE:
        options->publishers_subscribe = false;
        return true;
    case EVEN:
        options->is_even = true;
        return true;
    case PROGRESS:
        options->progress = true;
        return true;
    case NACK:
        options->nack = true;
        return true;
    default:
        return take_value(id, value, options);
    }
}

static const char *problem(const struct options *options)
{
    if (options->target.authority[0] == '\0')
        return "--url is missing";
    if (!options->token)
        return "--token is missing";
    if (options->audio.packets_per_second == 0 && options->video.packets_per_second == 0)
        return "neither audio nor video";
    if (options->search == SEARCH_RATE && options->video.packets_per_second == 0)
        return "--search=rate scales video, which is off";
    if (options->search == SEARCH_SUBSCRIBERS && options->subscribers == 0)
        return "--search=subscribers needs a number to begin with";
    return NULL;
}

bool options_parse(int argc, char **argv, struct options *ret_options, int *ret_status)
{
    struct options options = {
        .token = getenv("AUTH_TOKEN"),
        .rooms = 1,
        .publishers = 1,
        .subscribers = 1,
        .publishers_subscribe = true,
        .audio = {50, 100},
        .video = {110, 1100},
        .frames_per_second = 30,
        .ramp = 50,
        .warmup_s = 1,
        .duration_s = 10,
        .profile = SRTP_AEAD_AES_128_GCM,
        .backend = srtp_backend_find("native"),
        .check_every = 1,
        .search_loss = 0.001,
        .search_latency_ns = 50000000,
        .cpu = -1,
        .shares_socket = true,
    };
    int id;
    int place = 0;

    *ret_status = 2;
    optind = 0; /* begins anew, for the tests */
    while ((id = getopt_long(argc, argv, "", names, &place)) != -1) {
        if (id == HELP) {
            fputs(usage, stdout);
            *ret_status = 0;
            return false;
        }
        if (id == '?')
            return false;
        if (!take(id, optarg, &options)) {
            fprintf(stderr, "kolabmeet-load: --%s=%s makes no sense\n", names[place].name,
                    optarg ? optarg : "");
            return false;
        }
    }
    const char *said = optind < argc ? "an argument that is no option" : problem(&options);
    if (said) {
        fprintf(stderr, "kolabmeet-load: %s (see --help)\n", said);
        return false;
    }
    *ret_options = options;
    *ret_status = 0;
    return true;
}

uint32_t options_participants(const struct options *options)
{
    return options->rooms * (options->publishers + options->subscribers);
}

uint64_t options_consumers(const struct options *options)
{
    uint64_t kinds = (options->audio.packets_per_second > 0) + (options->video.packets_per_second > 0);
    uint64_t pairs = (uint64_t)options->subscribers * options->publishers;

    if (options->publishers_subscribe)
        pairs += (uint64_t)options->publishers * (options->publishers - 1);
    return options->rooms * kinds * pairs;
}
