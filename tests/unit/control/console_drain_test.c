/* Rooms that are being drained: those that are there go on, nothing new comes. */
#include "tests/unit/control/room_stage.h"

static void nothing_new_while_draining(void **state)
{
    (void)state;
    struct stage stage;
    struct room *room = NULL;
    struct peer *peer = NULL;
    stage_open(&stage, NULL);
    struct peer *place;
    assert_int_equal(room_add_peer(stage.room, ROLE_ALL, &place), 0);
    assert_false(rooms_is_draining(stage.rooms));

    rooms_set_draining(stage.rooms, true);
    assert_true(rooms_is_draining(stage.rooms));
    assert_int_equal(rooms_open(stage.rooms, &room), -ESHUTDOWN);
    assert_null(room);
    assert_int_equal(room_add_peer(stage.room, ROLE_ALL, &peer), -ESHUTDOWN);
    assert_null(peer);
    assert_int_equal(rooms_count(stage.rooms), 1);
    open_websocket(&stage, 1, place); /* who was invited may still come */
    assert_true(place->came);

    rooms_set_draining(stage.rooms, false);
    assert_int_equal(room_add_peer(stage.room, ROLE_ALL, &peer), 0);
    assert_int_equal(rooms_open(stage.rooms, &room), 0);
    assert_ptr_equal(rooms_next(stage.rooms, NULL), stage.room);
    assert_ptr_equal(rooms_next(stage.rooms, stage.room), room);
    assert_null(rooms_next(stage.rooms, room));
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_new_while_draining),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
