#include "tools/kolabmeet-load/nack_list.h"

#include <string.h>

static void remove_at(struct nack_list *list, size_t at, size_t count)
{
    list->count = (uint16_t)(list->count - count);
    memmove(&list->missing[at], &list->missing[at + count], (list->count - at) * sizeof list->missing[0]);
}

static void add_gap(struct nack_list *list, int64_t first, int64_t end, uint64_t now_ns)
{
    if (end - first > NACK_LIST_MAX)
        first = end - NACK_LIST_MAX;
    size_t count = (size_t)(end - first);
    if (list->count + count > NACK_LIST_MAX)
        remove_at(list, 0, list->count + count - NACK_LIST_MAX);
    for (int64_t sequence = first; sequence < end; sequence++) {
        list->missing[list->count].sequence = sequence;
        list->missing[list->count].due_ns = now_ns;
        list->missing[list->count].tries = 0;
        list->count++;
    }
}

void nack_list_take(struct nack_list *list, int64_t sequence, uint64_t now_ns)
{
    if (sequence > list->highest) {
        if (list->highest != 0)
            add_gap(list, list->highest + 1, sequence, now_ns);
        list->highest = sequence;
        return;
    }
    for (size_t i = 0; i < list->count; i++)
        if (list->missing[i].sequence == sequence) {
            remove_at(list, i, 1);
            return;
        }
}

size_t nack_list_due(struct nack_list *list, uint64_t now_ns, uint16_t *ret_sequences, size_t max)
{
    size_t due = 0;

    for (size_t i = 0; i < list->count && due < max;) {
        if (list->missing[i].tries == NACK_LIST_TRIES) {
            remove_at(list, i, 1);
            continue;
        }
        if (list->missing[i].due_ns <= now_ns) {
            ret_sequences[due++] = (uint16_t)list->missing[i].sequence;
            list->missing[i].tries++;
            list->missing[i].due_ns = now_ns + NACK_LIST_INTERVAL_NS;
        }
        i++;
    }
    return due;
}
