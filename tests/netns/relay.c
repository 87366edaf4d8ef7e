// usage: netns-relay NAME…
//
// Makes a network namespace and a link to it for each NAME, in the order of the numbers in their addresses
// (10.77.1.2, …), prints the file descriptors of the namespaces as `{"NAME": FD, …}`, and carries packets
// until its standard input ends. Others enter a namespace by /proc/PID/fd/FD. Commands are lines:
//
//   set NAME down|up [rate=BIT/S] [queue=MS] [delay=US] [jitter=US] [reorder=PPM] [hold=US]    what is left
//   out stays read NAME down|up      prints, and then forgets, what passed roam NAME HOST         from now on
//   its UDP has the address 10.77.N.HOST outside
//
// Each is answered by one line: ok, JSON, or error.

#include "tests/netns/link.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum {
    LINKS_MAX = 8,
    LINE_MAX_BYTES = 512,
};

static struct link links[LINKS_MAX];
static char **names;
static unsigned link_count;

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static struct link *find_link(const char *name)
{
    for (unsigned i = 0; name && i < link_count; i++)
        if (strcmp(names[i], name) == 0)
            return &links[i];
    return NULL;
}

static int set_value(struct direction_settings *settings, const char *word)
{
    char name[16];
    uint64_t value;
    if (sscanf(word, "%15[a-z]=%" SCNu64, name, &value) != 2)
        return -EINVAL;
    if (strcmp(name, "rate") == 0)
        settings->rate_bps = value;
    else if (strcmp(name, "queue") == 0)
        settings->queue_ms = (uint32_t)value;
    else if (strcmp(name, "delay") == 0)
        settings->delay_us = (uint32_t)value;
    else if (strcmp(name, "jitter") == 0)
        settings->jitter_us = (uint32_t)value;
    else if (strcmp(name, "reorder") == 0)
        settings->reorder_ppm = (uint32_t)value;
    else if (strcmp(name, "hold") == 0)
        settings->hold_us = (uint32_t)value;
    else
        return -EINVAL;
    return 0;
}

static int command_set(struct direction *direction, char **rest)
{
    struct direction_settings settings = direction->settings;
    for (char *word; (word = strtok_r(NULL, " ", rest));)
        if (set_value(&settings, word) < 0)
            return -EINVAL;
    direction->settings = settings;
    puts("ok");
    return 0;
}

static void command_read(struct direction *direction)
{
    const struct direction_counts *counts = &direction->counts;
    printf("{\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"dropped\":%" PRIu64
           ",\"queueP50Ms\":%u,\"queueP95Ms\":%u,\"queueMaxMs\":%u}\n",
           counts->packets, counts->bytes, counts->dropped, direction_quantile_ms(counts, 0.5),
           direction_quantile_ms(counts, 0.95), direction_quantile_ms(counts, 1.0));
    direction_counts_reset(direction);
}

static int command(char *line)
{
    char *rest;
    const char *verb = strtok_r(line, " ", &rest);
    struct link *link = find_link(strtok_r(NULL, " ", &rest));
    const char *where = strtok_r(NULL, " ", &rest);
    if (!verb || !link || !where)
        return -EINVAL;
    if (strcmp(verb, "roam") == 0) {
        link->outside_host = (uint8_t)strtoul(where, NULL, 10);
        puts("ok");
        return 0;
    }
    unsigned index = strcmp(where, "down") == 0 ? LINK_DOWN : LINK_UP;
    if (strcmp(verb, "set") == 0)
        return command_set(&link->directions[index], &rest);
    if (strcmp(verb, "read") != 0)
        return -EINVAL;
    command_read(&link->directions[index]);
    return 0;
}

// Returns false at the end of the input.
static bool take_commands(void)
{
    static char buffer[LINE_MAX_BYTES];
    static size_t used;
    ssize_t count = read(STDIN_FILENO, buffer + used, sizeof(buffer) - used);
    if (count <= 0)
        return count < 0 && (errno == EAGAIN || errno == EINTR);
    used += (size_t)count;
    for (char *end; (end = memchr(buffer, '\n', used));) {
        *end = '\0';
        if (command(buffer) < 0)
            puts("error");
        used -= (size_t)(end + 1 - buffer);
        memmove(buffer, end + 1, used);
    }
    fflush(stdout);
    return used < sizeof(buffer);
}

static void carry(void)
{
    struct pollfd fds[1 + LINKS_MAX * 2] = {{.fd = STDIN_FILENO, .events = POLLIN}};
    for (unsigned i = 0; i < link_count; i++) {
        fds[1 + 2 * i + LINK_DOWN] = (struct pollfd){.fd = links[i].near_fd, .events = POLLIN};
        fds[1 + 2 * i + LINK_UP] = (struct pollfd){.fd = links[i].far_fd, .events = POLLIN};
    }
    for (;;) {
        int64_t next_us = INT64_MAX;
        int64_t now = now_us();
        for (unsigned i = 0; i < link_count * 2; i++) {
            link_deliver(&links[i / 2], i % 2, now);
            int64_t due_us = direction_next_us(&links[i / 2].directions[i % 2]);
            next_us = due_us < next_us ? due_us : next_us;
        }
        int64_t wait_us = next_us > now ? next_us - now : 0;
        struct timespec wait = {.tv_sec = wait_us / 1000000, .tv_nsec = wait_us % 1000000 * 1000};
        if (ppoll(fds, 1 + link_count * 2, next_us == INT64_MAX ? NULL : &wait, NULL) < 0 && errno != EINTR)
            return;
        if (fds[0].revents && !take_commands())
            return;
        now = now_us();
        for (unsigned i = 0; i < link_count * 2; i++)
            if (fds[1 + i].revents)
                link_receive(&links[i / 2], i % 2, now);
    }
}

int main(int argc, char **argv)
{
    link_count = (unsigned)argc - 1;
    names = argv + 1;
    int home_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (link_count < 1 || link_count > LINKS_MAX || home_fd < 0) {
        fprintf(stderr, "usage: netns-relay NAME… (at most %d)\n", LINKS_MAX);
        return 2;
    }
    // Timers as exact as the kernel has them: what is late here is jitter of the link.
    prctl(PR_SET_TIMERSLACK, 1UL);
    for (unsigned i = 0; i < link_count; i++) {
        int result = link_init(&links[i], home_fd, (uint8_t)(i + 1));
        if (result < 0) {
            fprintf(stderr, "netns-relay: %s: %s\n", names[i], strerror(-result));
            return 1;
        }
    }
    for (unsigned i = 0; i < link_count; i++)
        printf("%s\"%s\":%d", i ? "," : "{", names[i], links[i].namespace_fd);
    puts("}");
    fflush(stdout);
    carry();
    for (unsigned i = 0; i < link_count; i++)
        link_deinit(&links[i]);
    return 0;
}
