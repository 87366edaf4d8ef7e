/* Every allocation fails in turn: the answer is -ENOMEM, nothing leaks, nothing is returned; and what a
 * request can make the server hold is bounded. */
#include "tests/unit/control/ortc_data.h"

#include <errno.h>
#include <malloc.h>

#include "control/ortc/consume.h"

static size_t allocations_left;
static size_t held_bytes;

static void *limited_malloc(size_t bytes)
{
    if (allocations_left == 0)
        return NULL;
    allocations_left--;
    void *block = malloc(bytes);
    if (block)
        held_bytes += malloc_usable_size(block);
    return block;
}

static void limited_free(void *block)
{
    if (block)
        held_bytes -= malloc_usable_size(block);
    free(block);
}

struct scene {
    json_t *parameters, *capabilities_json;
    struct ortc_router *router;
    struct ortc_capabilities *capabilities;
    struct ortc_producer *producer;
    struct ortc_consumer *consumer;
};

static int make_router(struct scene *scene)
{
    char error[128] = "";
    int result = ortc_router_create(NULL, &scene->router, error, sizeof error);
    assert_int_equal(result != 0, error[0] != '\0');
    return result;
}

static int make_capabilities(struct scene *scene)
{
    return ortc_capabilities_parse(scene->capabilities_json, &scene->capabilities);
}

static int make_producer(struct scene *scene)
{
    return ortc_produce(scene->router, MEDIA_VIDEO, scene->parameters, "fallback", &scene->producer);
}

static int make_consumer(struct scene *scene)
{
    return ortc_consume(scene->producer, scene->capabilities, 0, 1, NULL, &scene->consumer);
}

static void fail_in_turn(struct scene *scene, int (*make)(struct scene *))
{
    size_t held_before = held_bytes, allowed = 0;
    for (;; allowed++) {
        allocations_left = allowed;
        int error = make(scene);
        if (error == 0)
            break;
        assert_int_equal(error, -ENOMEM);
        assert_int_equal(held_bytes, held_before);
    }
    allocations_left = SIZE_MAX;
    assert_true(allowed > 5);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    json_set_alloc_funcs(limited_malloc, limited_free);
    allocations_left = SIZE_MAX;
    json_t *cases = load(ORTC_DATA "consumers.json");
    struct scene scene = {.parameters = json_object_get(json_array_get(cases, 4), "produced"),
                          .capabilities_json = json_object_get(json_array_get(cases, 4), "capabilities")};
    json_t *h264 = json_object_get(json_array_get(cases, 3), "produced");
    size_t held_before = held_bytes;
    fail_in_turn(&scene, make_router);
    fail_in_turn(&scene, make_capabilities);
    fail_in_turn(&scene, make_producer);
    fail_in_turn(&scene, make_consumer);
    ortc_consumer_destroy(scene.consumer);
    ortc_producer_destroy(scene.producer);
    scene.parameters = h264;
    fail_in_turn(&scene, make_producer);
    ortc_producer_destroy(scene.producer);
    ortc_capabilities_destroy(scene.capabilities);
    ortc_router_destroy(scene.router);
    assert_int_equal(held_bytes, held_before);
    json_decref(cases);
    json_set_alloc_funcs(malloc, free);
}

static void largest_producer_is_bounded(void **state)
{
    (void)state;
    json_set_alloc_funcs(limited_malloc, limited_free);
    allocations_left = SIZE_MAX;
    char name[65], value[513];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    json_t *parameters = json_object(), *codecs = json_array();
    for (int i = 0; i < 32; i++) {
        snprintf(name, sizeof name, "%064d", i);
        json_object_set_new(parameters, name, json_string(value));
    }
    for (int i = 0; i < ORTC_MAX_MEDIA_CODECS; i++)
        json_array_append_new(codecs,
                              json_pack("{s:s, s:i, s:i, s:O}", "mimeType", "video/VP8", "payloadType", i,
                                        "clockRate", 90000, "parameters", parameters));
    json_t *json = json_pack("{s:o, s:[{s:i}]}", "codecs", codecs, "encodings", "ssrc", 1);
    json_decref(parameters);
    struct ortc_router *router = router_of(NULL);
    struct ortc_producer *producer = NULL;
    size_t held_before = held_bytes;
    assert_int_equal(ortc_produce(router, MEDIA_VIDEO, json, "fallback", &producer), 0);
    /* Only one of the codecs lives on: they are all one codec of the router. */
    assert_in_range(held_bytes - held_before, 1, 64 * 1024);
    ortc_producer_destroy(producer);
    assert_int_equal(held_bytes, held_before);
    ortc_router_destroy(router);
    json_decref(json);
    assert_int_equal(held_bytes, 0);
    json_set_alloc_funcs(malloc, free);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(largest_producer_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
