/* Counts what this program allocates while counts_allocations is true: everything that is asked of malloc,
 * by whatever library. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

static bool counts_allocations;
static unsigned allocations;

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif

#ifdef HAS_SANITIZER

int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *));

static void on_malloc(const volatile void *block, size_t bytes)
{
    (void)block;
    (void)bytes;
    allocations += counts_allocations;
}

static void on_free(const volatile void *block)
{
    (void)block;
}

__attribute__((constructor)) static void install_hooks(void)
{
    (void)__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
}

#else

/* glibc's own, behind the names that this program takes for itself. */
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *block, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

void *malloc(size_t bytes)
{
    allocations += counts_allocations;
    return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    allocations += counts_allocations;
    return __libc_calloc(count, bytes);
}

void *realloc(void *block, size_t bytes)
{
    allocations += counts_allocations;
    return __libc_realloc(block, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    allocations += counts_allocations;
    return __libc_memalign(alignment, bytes);
}

#endif
