#include "dataplane/zero_pages.h"

#include <sys/mman.h>

void *zero_pages_map(size_t bytes)
{
    void *memory =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED)
        return NULL;
    (void)madvise(memory, bytes, MADV_NOHUGEPAGE); /* a large one would make resident what nobody has */
    return memory;
}

void zero_pages_unmap(void *memory, size_t bytes)
{
    if (memory)
        munmap(memory, bytes);
}
