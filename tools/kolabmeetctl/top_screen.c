#include <inttypes.h>
#include <ncurses.h>

#include "tools/kolabmeetctl/top.h"

#define STREAM_COLUMNS 57 /* of a stream, before its peer; the beginning of an id is enough */
#define STAGES_A_LINE 5u  /* a screen may be 80 columns wide */

static void heading(const char *text)
{
    attron(A_REVERSE);
    printw("%-*s", COLS, text);
    attroff(A_REVERSE);
}

static void draw_worker(const struct worker_rates *rates, size_t number)
{
    const struct statistics_worker *worker = rates->worker;

    printw("%6zu %6" PRIu32 " %6" PRIu32 " %8.0f %7.1f %8.0f %8.1f %7.0f %4.0f%% %3.0f%%\n", number,
           worker->transports, worker->consumers, rates->received_packets, rates->received_bits / 1e6,
           rates->sent_packets, rates->sent_bits / 1e6, rates->drops, 100 * rates->busy,
           100 * rates->in_runs);
    printw("       receive to send: p50 %" PRIu64 " us, p99 %" PRIu64 " us, p99.9 %" PRIu64 " us\n      ",
           histogram_quantile_us(&rates->latency, 0.5), histogram_quantile_us(&rates->latency, 0.99),
           histogram_quantile_us(&rates->latency, 0.999));
    for (uint32_t i = 0; i < STAGE_COUNT; i++) {
        if (i == STAGES_A_LINE)
            addstr("\n      ");
        printw(" %s %.1f%%", statistics_stage_name(i), 100 * rates->stages[i]);
    }
    addch('\n');
}

static void draw_workers(const struct rates *rates)
{
    heading("worker transp consum   in p/s in Mb/s  out p/s out Mb/s drops/s  busy runs");
    for (size_t i = 0; i < rates->worker_count; i++)
        draw_worker(&rates->workers[i], i);
}

static void draw_rooms(const struct rates *rates, size_t most)
{
    heading("room                                 transp streams consumers  in Mb/s out Mb/s");
    for (size_t i = 0; i < rates->room_count && i < most; i++) {
        const struct room_rates *room = &rates->rooms[i];
        printw("%-36.36s %6u %7u %9u %8.2f %8.2f\n", room->room_id[0] ? room->room_id : "-", room->transports,
               room->streams, room->consumers, room->received_bits / 1e6, room->sent_bits / 1e6);
    }
}

static void draw_streams(const struct rates *rates)
{
    heading("stream codec enc consumers     p/s    kb/s lost/s score peer");
    int peer_width = COLS > STREAM_COLUMNS ? COLS - STREAM_COLUMNS : 0;
    for (size_t i = 0; i < rates->stream_count && getcury(stdscr) < LINES - 1; i++) {
        const struct stream_rates *s = &rates->streams[i];
        printw("%6" PRIu32 " %-5s %3" PRIu32 " %9u %7.0f %7.0f %6.0f %5" PRIu32 " %.*s\n",
               (uint32_t)s->stream->handle, snapshot_codec_name(s->stream->codec), s->stream->encoding,
               s->consumers, s->packets, s->bits / 1e3, s->lost, s->stream->score, peer_width,
               s->label ? s->label->peer_id : "-");
    }
}

void top_draw(const struct snapshot *snapshot, const struct rates *rates)
{
    erase();
    printw("kolabmeet: control %s, forwarder %s (%" PRIu32 " starts)   q ends\n%" PRIu32 " rooms, %" PRIu32
           " peers, %zu transports, %zu streams, %zu consumers\n",
           snapshot->control_alive ? "runs" : "is down", snapshot->forwarder_alive ? "runs" : "is down",
           snapshot->control.forwarder_starts, snapshot->control.rooms, snapshot->control.peers,
           snapshot->transport_count, snapshot->stream_count, snapshot->consumer_count);
    draw_workers(rates);
    draw_rooms(rates, LINES > 20 ? (size_t)LINES / 3 : 3);
    draw_streams(rates);
    refresh();
}
