/* The pool of receive streams, over lives. */
#include "srtp_rig.h"

#define STREAMS 64u

static void goes_on_with_what_was_left(void **state)
{
    (void)state;
    static struct srtp_receive_stream streams[STREAMS];
    static struct srtp_receive_head head;
    struct srtp_receive_stream *mine[STREAMS];
    struct srtp_receive_pool *pool;

    assert_int_equal(srtp_receive_pool_create(&head, streams, STREAMS, &pool), 0);
    for (uint32_t i = 0; i < 20; i++) {
        mine[i] = srtp_receive_pool_take(pool, 1 + i % 3, i);
        assert_non_null(mine[i]);
    }
    srtp_receive_pool_give(pool, mine[4]);
    assert_int_equal(mine[4]->owner, 0);
    assert_int_equal(srtp_receive_pool_free_count(pool), STREAMS - 19);
    srtp_receive_pool_destroy(pool);

    assert_int_equal(srtp_receive_pool_create(&head, streams, STREAMS, &pool), 0);
    assert_int_equal(srtp_receive_pool_free_count(pool), STREAMS - 19);
    uint32_t seen = 0;
    struct srtp_receive_stream *stream;
    while ((stream = srtp_receive_pool_claim(pool, 2)) != NULL) {
        assert_int_equal(stream->owner, 2);
        assert_int_equal(stream->ssrc % 3, 1);
        seen++;
    }
    assert_int_equal(seen, 6); /* 1, 7, 10, 13, 16, 19 */
    assert_null(srtp_receive_pool_claim(pool, 77));
    srtp_receive_pool_sweep(pool);
    assert_int_equal(srtp_receive_pool_free_count(pool), STREAMS - 6);
    for (uint32_t i = 0; i < STREAMS - 6; i++)
        assert_non_null(srtp_receive_pool_take(pool, 9, i));
    assert_null(srtp_receive_pool_take(pool, 9, 1000));
    srtp_receive_pool_destroy(pool);
}

static void believes_no_mark_beyond_its_end(void **state)
{
    (void)state;
    static struct srtp_receive_stream streams[STREAMS];
    struct srtp_receive_head head = {.high_water = UINT32_MAX};
    struct srtp_receive_pool *pool;

    assert_int_equal(srtp_receive_pool_create(&head, streams, STREAMS, &pool), 0);
    assert_int_equal(srtp_receive_pool_free_count(pool), STREAMS);
    srtp_receive_pool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_on_with_what_was_left),
        cmocka_unit_test(believes_no_mark_beyond_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
