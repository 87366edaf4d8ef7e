#include "control/forwarder/handles.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shm/abi.h"

int handles_init(struct handles *handles, uint32_t capacity)
{
    memset(handles, 0, sizeof *handles);
    handles->generations = calloc(capacity, sizeof *handles->generations);
    handles->free_queue = calloc(capacity, sizeof *handles->free_queue);
    handles->live = calloc(capacity, sizeof *handles->live);
    if (!handles->generations || !handles->free_queue || !handles->live) {
        handles_deinit(handles);
        return -ENOMEM;
    }
    handles->capacity = capacity;
    return 0;
}

void handles_deinit(struct handles *handles)
{
    free(handles->generations);
    free(handles->free_queue);
    free(handles->live);
    memset(handles, 0, sizeof *handles);
}

uint64_t handles_take(struct handles *handles)
{
    uint32_t index;

    if (handles->begun < handles->capacity && handles->free_count < HANDLES_REST) {
        index = handles->begun++;
    } else if (handles->free_count > 0) {
        index = handles->free_queue[handles->free_first];
        handles->free_first = (handles->free_first + 1) % handles->capacity;
        handles->free_count--;
    } else {
        return SHM_HANDLE_NONE;
    }
    handles->live[index] = true;
    if (++handles->generations[index] == 0) /* 0 is no generation, also after four thousand million lives */
        handles->generations[index] = 1;
    return shm_handle_make(index, handles->generations[index]);
}

bool handles_is_live(const struct handles *handles, uint64_t handle)
{
    uint32_t index = shm_handle_index(handle);
    return index < handles->capacity && handles->live[index] &&
           handles->generations[index] == shm_handle_generation(handle);
}

void handles_free(struct handles *handles, uint64_t handle)
{
    if (!handles_is_live(handles, handle))
        return;
    handles->live[shm_handle_index(handle)] = false;
    uint32_t last = (handles->free_first + handles->free_count) % handles->capacity;
    handles->free_queue[last] = shm_handle_index(handle);
    handles->free_count++;
}

void handles_reset(struct handles *handles)
{
    for (uint32_t i = 0; i < handles->begun; i++)
        handles_free(handles, shm_handle_make(i, handles->generations[i]));
}

uint32_t handles_in_use(const struct handles *handles)
{
    return handles->begun - handles->free_count;
}
