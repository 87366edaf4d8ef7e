/* What processes have used, read from /proc. */
#pragma once

#include <stdint.h>

/* CPU time of all threads of a process that are alive, in nanoseconds; 0 when it cannot be read. */
uint64_t process_usage_cpu_ns(int pid);

/* Resident memory; 0 when it cannot be read. */
uint64_t process_usage_resident_bytes(int pid);
