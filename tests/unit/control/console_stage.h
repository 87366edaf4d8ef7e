/* The console's commands on the stage of rooms: the forwarder's numbers are made up. */
#pragma once

#include "control/console/command.h"
#include "control/console/drain.h"
#include "control/forwarder/numbers.h"
#include "tests/unit/control/room_stage.h"

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
