#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

int cl_own_hostname(const char *name) {
    if (unshare(CLONE_NEWUTS) < 0) return -errno;
    return sethostname(name, strlen(name)) < 0 ? -errno : 0;
}

int cl_keep_one_processor(void) {
    cpu_set_t allowed, one;
    if (sched_getaffinity(0, sizeof allowed, &allowed) < 0) return -errno;
    int count = CPU_COUNT(&allowed);
    CPU_ZERO(&one);
    for (int cpu = CPU_SETSIZE - 1; cpu >= 0; cpu--)
        if (CPU_ISSET(cpu, &allowed)) {
            CPU_SET(cpu, &one);
            break;
        }
    return sched_setaffinity(0, sizeof one, &one) < 0 ? -errno : count;
}
