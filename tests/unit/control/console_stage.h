/* The console's commands on the stage of rooms: the forwarder's numbers are made up. */
#pragma once

#include "control/console/command.h"
#include "control/console/drain.h"
#include "control/forwarder/numbers.h"
#include "tests/unit/control/room_stage.h"

#define FAKE_PACKETS 17

json_t *numbers_of_transport(const struct forwarder *forwarder, uint64_t transport)
{
    (void)forwarder;
    (void)transport;
    return json_pack("{s:i,s:i}", "packetsReceived", FAKE_PACKETS, "recvBitrate", 1000);
}

json_t *numbers_of_producer(struct forwarder *forwarder, uint64_t producer)
{
    (void)forwarder;
    (void)producer;
    return json_pack("[{s:i}]", "packetCount", FAKE_PACKETS);
}

/* It has sent nothing yet. */
json_t *numbers_of_consumer(const struct forwarder *forwarder, uint64_t consumer)
{
    (void)forwarder;
    (void)consumer;
    return NULL;
}

json_t *numbers_of_worker(const struct forwarder *forwarder, uint32_t worker)
{
    (void)forwarder;
    return json_pack("{s:i,s:i,s:i}", "worker", (int)worker, "transports", 5, "rounds", 99);
}

uint32_t numbers_worker_count(const struct forwarder *forwarder)
{
    (void)forwarder;
    return 2;
}

pid_t numbers_forwarder_pid(const struct forwarder *forwarder)
{
    (void)forwarder;
    return 0;
}

uint32_t numbers_forwarder_starts(const struct forwarder *forwarder)
{
    (void)forwarder;
    return 3;
}

struct console_stage {
    struct stage stage;
    struct drain *drain;
    struct command_context context;
};

static inline void console_stage_open(struct console_stage *console)
{
    memset(console, 0, sizeof(*console));
    stage_open(&console->stage, NULL);
    assert_int_equal(drain_create(console->stage.base, console->stage.rooms, NULL, &console->drain), 0);
    console->context = (struct command_context){.rooms = console->stage.rooms, .drain = console->drain};
}

static inline void console_stage_close(struct console_stage *console)
{
    drain_destroy(console->drain);
    stage_close(&console->stage);
}
