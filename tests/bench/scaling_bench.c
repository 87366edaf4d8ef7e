/* What a second worker is worth to one room: packets a second of one worker and of two, each with a core of
 * its own, at saturation. Receivers cost the kernel a look (packet_sink.bpf.c) and no socket; the cameras are
 * light, since a packet of theirs makes hundreds. README.md beside says what is printed; tests/bench/scaling
 * starts it. */
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/srtp_native.h"
#include "tests/bench/scaling_measure.h"

#define SKIPPED 77
#define TURNS_MAX 99u
#define SIZES_MAX 8u
#define CASES 4u

struct options {
    uint32_t sizes[SIZES_MAX]; /* receivers */
    uint32_t size_count;
    uint32_t cpus[2];
    uint32_t turns;
    uint32_t cameras;
    uint32_t burst;
    uint32_t bytes;
    uint32_t rate; /* packets sent a second by all workers; 0: as many as they can */
    double seconds;
    enum sink_kind sink;
};

struct measured_case {
    const char *name;
    enum scaling_layout layout;
    uint32_t workers;
};

static const struct measured_case cases[CASES] = {
    {"one worker", SCALING_FIRST, 1},
    {"two, cameras on the first", SCALING_FIRST, 2},
    {"two, cameras on each", SCALING_EACH, 2},
    {"two, a room on each", SCALING_APART, 2},
};

static const char usage[] =
    "usage: tests/bench/scaling [option…]\n"
    "\n"
    "Packets a second that one worker and two workers send to one room, each worker on a core of its own. "
    "Needs\n"
    "root, two CPUs, veth and BPF; exit status 77 with the reason where it cannot run, 1 when a packet was "
    "lost.\n"
    "\n"
    "  --receivers=N[,N…]  of each camera, at most 1000 (100,1000)\n"
    "  --cameras=N         each sends one burst after another; at most 32 (8)\n"
    "  --burst=N           packets that a camera sends at once, at most 16 (4)\n"
    "  --bytes=N           of a packet, SRTP trailer included, 100 to 1200 (1200)\n"
    "  --seconds=S         measured in each turn, at most 20 (2)\n"
    "  --turns=N           all cases, one after another, so many times (3)\n"
    "  --rate=N            packets a second are sent, and latency is measured (0: as many as the workers "
    "can)\n"
    "  --sink=xdp|tc       how packets are taken at the far end of veth: xdp has the sender cut messages "
    "into\n"
    "                      packets, as before a network card that cannot; tc takes them whole (xdp)\n"
    "  --cpus=A,B          of the two workers; the cameras are on the second (0,1)\n"
    "  --bin=DIR           with scaling_bench in it (build/release/tests/bench)\n";

static _Noreturn void misuse(const char *text)
{
    fprintf(stderr, "scaling: %s\n%s", text, usage);
    exit(2);
}

static uint32_t number(const char *text, uint32_t least, uint32_t most)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (end == text || *end != '\0' || value < least || value > most)
        misuse("a number is out of its range");
    return (uint32_t)value;
}

/* Numbers with commas between them. Returns how many. */
static uint32_t numbers(char *text, uint32_t *ret_values, uint32_t capacity, uint32_t least, uint32_t most)
{
    uint32_t count = 0;
    char *rest = NULL;

    for (char *part = strtok_r(text, ",", &rest); part; part = strtok_r(NULL, ",", &rest)) {
        if (count == capacity)
            misuse("too many numbers");
        ret_values[count++] = number(part, least, most);
    }
    return count;
}

static double seconds(const char *text)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end != '\0' || !(value >= 0.01 && value <= 20))
        misuse("--seconds is out of its range");
    return value;
}

static enum sink_kind sink_kind(const char *text)
{
    if (strcmp(text, "xdp") != 0 && strcmp(text, "tc") != 0)
        misuse("--sink is xdp or tc");
    return text[0] == 'x' ? SINK_XDP : SINK_TC;
}

static void read_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {{"receivers", required_argument, NULL, 'r'},
                                          {"cameras", required_argument, NULL, 'c'},
                                          {"burst", required_argument, NULL, 'b'},
                                          {"bytes", required_argument, NULL, 'y'},
                                          {"seconds", required_argument, NULL, 's'},
                                          {"turns", required_argument, NULL, 't'},
                                          {"rate", required_argument, NULL, 'R'},
                                          {"sink", required_argument, NULL, 'k'},
                                          {"cpus", required_argument, NULL, 'p'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1) {
        switch (option) {
        case 'r':
            options->size_count = numbers(optarg, options->sizes, SIZES_MAX, 2, SCALING_RECEIVERS_MAX);
            break;
        case 'c':
            options->cameras = number(optarg, 1, SINK_CAMERAS_MAX / 2);
            break;
        case 'b':
            options->burst = number(optarg, 1, SCALING_BURST_MAX);
            break;
        case 'y':
            options->bytes = number(optarg, 100, 1200);
            break;
        case 's':
            options->seconds = seconds(optarg);
            break;
        case 't':
            options->turns = number(optarg, 1, TURNS_MAX);
            break;
        case 'R':
            options->rate = number(optarg, 0, 100000000);
            break;
        case 'k':
            options->sink = sink_kind(optarg);
            break;
        case 'p':
            if (numbers(optarg, options->cpus, 2, 0, 31) != 2)
                misuse("--cpus takes two");
            break;
        case 'h':
            fputs(usage, stdout);
            exit(0);
        default:
            fputs(usage, stderr);
            exit(2);
        }
    }
    if (optind != argc || options->size_count == 0)
        misuse("what is not an option is not understood");
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return left < right ? -1 : left > right;
}

static double median(double *values, uint32_t count)
{
    qsort(values, count, sizeof(*values), compare);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static void print_head(const struct options *options)
{
    printf(
        "%u cameras, bursts of %u packets of %u bytes, AEAD_AES_128_GCM (native), %s at the far end of veth, "
        "CPUs %u and %u\n\n",
        options->cameras, options->burst, options->bytes, options->sink == SINK_XDP ? "XDP" : "tc",
        options->cpus[0], options->cpus[1]);
    printf("%9s %-26s %9s %7s  %-9s %-9s %6s", "receivers", "case", "packets/s", "ns each", "CPU %", "idle %",
           "source");
    printf(options->rate > 0 ? " %23s %21s\n" : "\n", "latency p50, p99, p99.9", "inside p50, p99");
}

static void print_figures(const struct options *options, uint32_t receivers, const struct measured_case *of,
                          const struct scaling_figures *figures)
{
    const struct scaling_worker_figures *workers = figures->workers;
    char cpu[16], idle[16];

    snprintf(cpu, sizeof(cpu), "%.0f", workers[0].cpu * 100);
    snprintf(idle, sizeof(idle), "%.1f", workers[0].idle * 100);
    if (of->workers == 2) {
        snprintf(cpu, sizeof(cpu), "%.0f %.0f", workers[0].cpu * 100, workers[1].cpu * 100);
        snprintf(idle, sizeof(idle), "%.1f %.1f", workers[0].idle * 100, workers[1].idle * 100);
    }
    printf("%9u %-26s %9.0f %7.0f  %-9s %-9s %5.1f%%", receivers, of->name, figures->packets_per_s,
           figures->ns_per_packet, cpu, idle, figures->source_cpu * 100);
    if (options->rate > 0)
        printf("   %5.2f %5.2f %5.2f ms %9.2f %5.2f ms", scaling_latency_ms(figures, 0.5),
               scaling_latency_ms(figures, 0.99), scaling_latency_ms(figures, 0.999),
               (double)histogram_quantile_us(&figures->inside, 0.5) / 1000.0,
               (double)histogram_quantile_us(&figures->inside, 0.99) / 1000.0);
    putchar('\n');
    fflush(stdout);
}

/* By case and turn. */
struct series {
    double packets_per_s[CASES][TURNS_MAX];
    double ns_per_packet[CASES][TURNS_MAX];
};

static double median_ratio(const double *values, const double *of, uint32_t count)
{
    double ratios[TURNS_MAX];

    for (uint32_t i = 0; i < count; i++)
        ratios[i] = values[i] / of[i];
    return median(ratios, count);
}

/* Ratios are of one turn each, then their median. Of what a packet costs: how much of two cores is left for
 * packets, however much of them the workers had. */
static void print_summary(const struct options *options, uint32_t receivers, struct series *series)
{
    if (options->rate > 0)
        return;
    for (uint32_t i = 1; i < CASES; i++)
        printf("%9u %-26s %.2f times the packets/s of one worker; CPU of a packet %.2f times\n", receivers,
               cases[i].name,
               median_ratio(series->packets_per_s[i], series->packets_per_s[0], options->turns),
               median_ratio(series->ns_per_packet[i], series->ns_per_packet[0], options->turns));
    putchar('\n');
}

static bool measure_case(const struct options *options, const struct sink_link *link, uint32_t receivers,
                         const struct measured_case *of, struct scaling_figures *figures)
{
    struct scaling_plan plan = {.layout = of->layout,
                                .sink = options->sink,
                                .workers = of->workers,
                                .cameras = options->cameras,
                                .receivers = receivers,
                                .burst = options->burst,
                                .bytes = options->bytes};
    /* Of rooms apart, a burst goes to the receivers of one. */
    uint32_t packets = options->burst * (of->layout == SCALING_APART ? receivers / 2 : receivers);
    uint32_t bursts_per_s = options->rate > 0 ? options->rate / packets + 1 : 0;
    char why[256];

    if (scaling_measure(&plan, link, bursts_per_s, options->seconds, figures, why, sizeof(why))) {
        print_figures(options, receivers, of, figures);
        return true;
    }
    fprintf(stderr, "scaling: %u receivers, %s: %s\n", receivers, of->name, why);
    return false;
}

static bool measure_size(const struct options *options, const struct sink_link *link, uint32_t receivers)
{
    static struct scaling_figures figures;
    static struct series series;

    for (uint32_t turn = 0; turn < options->turns; turn++) {
        for (uint32_t i = 0; i < CASES; i++) {
            if (!measure_case(options, link, receivers, &cases[i], &figures))
                return false;
            series.packets_per_s[i][turn] = figures.packets_per_s;
            series.ns_per_packet[i][turn] = figures.ns_per_packet;
        }
    }
    print_summary(options, receivers, &series);
    return true;
}

static int skip(const char *why)
{
    printf("skipped: %s\n", why);
    return SKIPPED;
}

static bool has_cpus(const struct options *options)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof(set), &set) == 0 && options->cpus[0] != options->cpus[1] &&
           CPU_ISSET(options->cpus[0], &set) && CPU_ISSET(options->cpus[1], &set);
}

int main(int argc, char **argv)
{
    struct options options = {.sizes = {100, 1000},
                              .size_count = 2,
                              .cpus = {0, 1},
                              .turns = 3,
                              .cameras = 8,
                              .burst = 4,
                              .bytes = 1200,
                              .seconds = 2};
    struct sink_link link;
    char why[256];

    read_options(argc, argv, &options);
    if (!has_cpus(&options))
        return skip("there are not two CPUs");
    if (!sink_link_open(&link, options.cpus, 2, why, sizeof(why)))
        return skip(why);
    struct sink *sink = sink_create(&link, options.sink, 1, 2, 0, why, sizeof(why));
    if (!sink)
        return skip(why);
    sink_destroy(sink);
    if (srtp_libsrtp2.init() != 0 || srtp_native.init() != 0) {
        fprintf(stderr, "scaling: SRTP cannot be initialised\n");
        return 1;
    }
    print_head(&options);
    for (uint32_t i = 0; i < options.size_count; i++) {
        if (!measure_size(&options, &link, options.sizes[i]))
            return 1;
    }
    return 0;
}
