/// Which processors may a thread run on? Linux only; its C library hides these calls from Swift.
#define _GNU_SOURCE

#include "include/attar_kernels.h"

#if defined(__linux__)

#include <sched.h>

size_t attar_processors_allowed(int *processors, size_t capacity) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 0;
    size_t count = 0;
    for (int processor = 0; processor < CPU_SETSIZE && count < capacity; processor++) {
        if (CPU_ISSET(processor, &set)) processors[count++] = processor;
    }
    return count;
}

bool attar_bind_thread(int thread, const int *processors, size_t count) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (size_t i = 0; i < count; i++) {
        if (processors[i] < 0 || processors[i] >= CPU_SETSIZE) return false;
        CPU_SET(processors[i], &set);
    }
    return sched_setaffinity(thread, sizeof set, &set) == 0;
}

#else

size_t attar_processors_allowed(int *processors, size_t capacity) { return (void)processors, (void)capacity, 0; }

bool attar_bind_thread(int thread, const int *processors, size_t count) {
    return (void)thread, (void)processors, (void)count, false;
}

#endif
