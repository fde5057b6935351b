/* ibid-strict: what a run with `determinism = "strict"` has preloaded (LD_PRELOAD).

   It stands between a program and its C library and gives the same answers on every run: the time of day, random
   bytes, times of files. Everything else is the kernel's: elapsed time, sleeps, timeouts.

   Freestanding: raw system calls, no memory of its own but static and what it maps, nothing asked of the C library but
   the place of errno and, for streams, its own functions. So one file serves glibc and musl. What does not load shared
   libraries, or makes system calls itself (static Go and Rust programs), or reads the processor's own generator (RDRAND),
   is not reached.

   Settings are lines of a file that the run finds (SETTINGS), so that a child which was given an empty environment has
   them too:
     CLOCK=SECONDS        the time of day begins here and goes on by a microsecond with each look at it, and by what is
                          slept, so that loops which wait for a time end
     SEED=NUMBER          random bytes are ChaCha20 keyed by this and the process id
     FILE_TIMES=SECONDS   times of files that are not older read as this
     DIRECTORIES=NUMBER   1: directories list their names in order; 2: in the opposite order
   and, for finding out what an analysis depends on, not in any profile:
     ELAPSED=1            monotonic and processor clocks count looks, as the time of day does
     SMALL_STEPS=1        the time of day goes on by less with each look, so that how many there were does not show
     INODES=1             inode numbers in the order in which the process meets files */
#ifndef STRICT_H
#define STRICT_H

#include "csystemcall.h"

#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))
#define HIDDEN __attribute__((visibility("hidden")))

struct moment {
    int64_t seconds, nanoseconds;
};

#define SETTINGS "/.ibid/settings"
#define COST "/.ibid/cost"

struct settings {
    int has_clock, has_seed, has_file_times, directories, counts_elapsed, numbers_inodes, has_small_steps;
    int64_t clock, file_times;
    uint64_t seed;
};
extern HIDDEN struct settings settings;

/* Reads the settings once; every entry point may be called before the constructors have run. */
HIDDEN void read_settings(void);

/* What this library costs: calls of each kind, and the time they took, counted in a file that all processes of the run
   share and Ibid reads afterwards. Every sixteenth call is timed. */
enum kind { LOOKS, DRAWS, STATUSES, LISTINGS, KINDS };
struct cost {
    uint64_t calls[KINDS], ticks[KINDS];
};
extern HIDDEN struct cost *cost;

struct visit {
    enum kind kind;
    uint64_t began;
};
HIDDEN struct visit enter(enum kind kind);
HIDDEN void leave(struct visit *visit);
/* Counts the block that it stands in. */
#define COUNT(kind) struct visit visit __attribute__((cleanup(leave), unused)) = enter(kind)

/* Lets the logical clocks go on by what was slept or waited, in whole milliseconds. */
HIDDEN void time_passed(struct moment span);

/* Whether a clock is not the kernel's. */
HIDDEN int is_logical(int clock);

/* The result of a system call as the C library gives it: -1 and errno. */
HIDDEN long answer(long result);

/* Whether random bytes come from the seed. */
HIDDEN int is_seeded(void);
HIDDEN void random_bytes(unsigned char *bytes, size_t count);

#if defined(__x86_64__)
enum { NR_read = 0, NR_close = 3, NR_fstat = 5, NR_getpid = 39, NR_nanosleep = 35, NR_clock_gettime = 228,
       NR_clock_nanosleep = 230, NR_openat = 257, NR_newfstatat = 262, NR_getrandom = 318, NR_memfd_create = 319,
       NR_statx = 332, NR_write = 1, NR_lseek = 8, NR_times = 100, NR_getrusage = 98, NR_mmap = 9,
       NR_munmap = 11, NR_mremap = 25, NR_dup3 = 292, NR_getdents64 = 217, NR_uname = 63, NR_time = 201,
       NR_gettimeofday = 96, NR_sysinfo = 99, NR_ppoll = 271, NR_pselect6 = 270, NR_epoll_pwait = 281 };
static inline uint64_t ticks(void) { return __builtin_ia32_rdtsc(); }
#elif defined(__aarch64__)
enum { NR_read = 63, NR_close = 57, NR_fstat = 80, NR_getpid = 172, NR_nanosleep = 101, NR_clock_gettime = 113,
       NR_clock_nanosleep = 115, NR_openat = 56, NR_newfstatat = 79, NR_getrandom = 278, NR_memfd_create = 279,
       NR_statx = 291, NR_write = 64, NR_lseek = 62, NR_times = 153, NR_getrusage = 165, NR_mmap = 222,
       NR_munmap = 215, NR_mremap = 216, NR_dup3 = 24, NR_getdents64 = 61, NR_uname = 160, NR_time = -1,
       NR_gettimeofday = 169, NR_sysinfo = 179, NR_ppoll = 73, NR_pselect6 = 72, NR_epoll_pwait = 22 };
static inline uint64_t ticks(void) {
    uint64_t value;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(value));
    return value;
}
#else
#error "the strict profile knows the system calls of x86-64 and arm64"
#endif
/* So many bytes of zeros, or an error. */
static inline long map_memory(size_t bytes) {
    return call6(NR_mmap, 0, (long)bytes, 3 /* read, write */, 0x22 /* private, anonymous */, -1, 0);
}

#endif
