#include <inttypes.h>
#include <ncurses.h>

#include "tools/kolabmeetctl/top.h"

static void heading(const char *text)
{
    attron(A_REVERSE);
    printw("%-*s", COLS, text);
    attroff(A_REVERSE);
}

static void draw_worker(const struct worker_rates *rates, size_t number)
{
    const struct statistics_worker *worker = rates->worker;

    printw("%6zu %6" PRIu32 " %8" PRIu32 " %9.0f %8.1f %9.0f %8.1f %7.0f %5.1f%% %5.0f%% %6" PRIu64
           " %6" PRIu64 " %6" PRIu64 "\n",
           number, worker->transports, worker->consumers, rates->received_packets, rates->received_bits / 1e6,
           rates->sent_packets, rates->sent_bits / 1e6, rates->drops, 100 * rates->busy, 100 * rates->in_runs,
           histogram_quantile_us(&rates->latency, 0.5), histogram_quantile_us(&rates->latency, 0.99),
           histogram_quantile_us(&rates->latency, 0.999));
    printw("       ");
    for (uint32_t i = 0; i < STAGE_COUNT; i++)
        printw(" %s %.1f%%", statistics_stage_name(i), 100 * rates->stages[i]);
    addch('\n');
}

static void draw_workers(const struct rates *rates)
{
    heading("worker transp consumer    in p/s in Mb/s   out p/s out Mb/s drops/s  busy  runs p50 us p99 us "
            "p99.9");
    for (size_t i = 0; i < rates->worker_count; i++)
        draw_worker(&rates->workers[i], i);
}

static void draw_rooms(const struct rates *rates, size_t most)
{
    heading("room                                     transp streams consumers  in Mb/s out Mb/s");
    for (size_t i = 0; i < rates->room_count && i < most; i++) {
        const struct room_rates *room = &rates->rooms[i];
        printw("%-40.39s %6u %7u %9u %8.2f %8.2f\n", room->room_id[0] ? room->room_id : "-", room->transports,
               room->streams, room->consumers, room->received_bits / 1e6, room->sent_bits / 1e6);
    }
}

static void draw_streams(const struct rates *rates)
{
    heading("stream codec enc consumers     p/s    kb/s lost/s score peer");
    for (size_t i = 0; i < rates->stream_count && getcury(stdscr) < LINES - 1; i++) {
        const struct stream_rates *s = &rates->streams[i];
        printw("%6" PRIu32 " %-5s %3" PRIu32 " %9u %7.0f %7.0f %6.0f %5" PRIu32 " %.39s\n",
               (uint32_t)s->stream->handle, snapshot_codec_name(s->stream->codec), s->stream->encoding,
               s->consumers, s->packets, s->bits / 1e3, s->lost, s->stream->score,
               s->label ? s->label->peer_id : "-");
    }
}

void top_draw(const struct snapshot *snapshot, const struct rates *rates)
{
    erase();
    printw("kolabmeet: control %s, forwarder %s (%" PRIu32 " starts), %" PRIu32 " rooms, %" PRIu32
           " peers, %zu transports, %zu streams, %zu consumers   q ends\n",
           snapshot->control_alive ? "runs" : "is down", snapshot->forwarder_alive ? "runs" : "is down",
           snapshot->control.forwarder_starts, snapshot->control.rooms, snapshot->control.peers,
           snapshot->transport_count, snapshot->stream_count, snapshot->consumer_count);
    draw_workers(rates);
    draw_rooms(rates, LINES > 20 ? (size_t)LINES / 3 : 3);
    draw_streams(rates);
    refresh();
}
