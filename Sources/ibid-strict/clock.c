/* The time of day, and sleeping. */
#include "strict.h"

enum { WALL = 0, MONOTONIC = 1, PROCESS = 2, THREAD = 3, RAW = 4, WALL_COARSE = 5, MONOTONIC_COARSE = 6, BOOT = 7, TAI = 11 };
enum { ABSOLUTE = 1, NANO = 1000000000 };

/* A microsecond for each look, and what was slept. The time of day counts its own looks: how often an interpreter looks
   at the monotonic clock while its threads take turns is nobody's to know. */
static int64_t wall_looks, other_looks, slept;

/* So few looks that what they count does not show beside what really passes, and more that end a loop which waits for a
   time. */
enum { FEW = 1 << 16, LITTLE = 10, MICROSECOND = 1000 };

static void logical_time(struct moment *time, int64_t start, int64_t *looks, int64_t step, int64_t little) {
    int64_t count = __atomic_add_fetch(looks, step, __ATOMIC_RELAXED);
    int64_t few = count < FEW ? count : FEW;
    int64_t now = few * little + (count - few) * MICROSECOND + __atomic_load_n(&slept, __ATOMIC_RELAXED);
    time->seconds = start + now / NANO;
    time->nanoseconds = now % NANO;
}

static void logical_wall(struct moment *time, int64_t step) {
    logical_time(time, settings.clock, &wall_looks, step, settings.has_small_steps ? LITTLE : MICROSECOND);
}

static void logical_elapsed(struct moment *time, int64_t step) { logical_time(time, 0, &other_looks, step, LITTLE); }

static int is_wall(int clock) { return clock == WALL || clock == WALL_COARSE || clock == TAI; }

int is_logical(int clock) {
    read_settings();
    if (is_wall(clock)) return settings.has_clock;
    return settings.counts_elapsed && (clock <= RAW || clock == MONOTONIC_COARSE || clock == BOOT);
}

EXPORT int clock_gettime(int clock, struct moment *time) {
    COUNT(LOOKS);
    if (!is_logical(clock)) return (int)answer(call(NR_clock_gettime, clock, (long)time, 0, 0, 0));
    if (is_wall(clock)) logical_wall(time, 1);
    else logical_elapsed(time, 1);
    return 0;
}

EXPORT int gettimeofday(struct moment *time, void *zone) {
    (void)zone;
    struct moment now;
    int result = clock_gettime(WALL, &now);
    if (time) {
        time->seconds = now.seconds;
        time->nanoseconds = now.nanoseconds / 1000; /* struct timeval: microseconds */
    }
    return result;
}

EXPORT int64_t time(int64_t *result) {
    struct moment now;
    clock_gettime(WALL, &now);
    if (result) *result = now.seconds;
    return now.seconds;
}

EXPORT int timespec_get(struct moment *time, int base) { return base == 1 && clock_gettime(WALL, time) == 0 ? 1 : 0; }

void time_passed(struct moment span) {
    int64_t whole = (span.nanoseconds + 999999) / 1000000;
    __atomic_fetch_add(&slept, (span.seconds * 1000 + whole) * 1000000, __ATOMIC_RELAXED);
}

/* Sleeps for real, then lets the logical clock go on by the same. A deadline is a little nearer than what the program
   meant, by the time it took to compute it; a whole millisecond is not. */
static long doze(int clock, int flags, const struct moment *request, struct moment *remaining) {
    read_settings();
    if (!settings.has_clock && !settings.counts_elapsed)
        return call(NR_clock_nanosleep, clock, flags, (long)request, (long)remaining, 0);
    struct moment span = *request;
    if (flags & ABSOLUTE) {
        struct moment now;
        if (is_logical(clock)) {
            if (is_wall(clock)) logical_wall(&now, 0);
            else logical_elapsed(&now, 0);
        } else {
            call(NR_clock_gettime, clock, (long)&now, 0, 0, 0);
        }
        span.seconds = request->seconds - now.seconds;
        span.nanoseconds = request->nanoseconds - now.nanoseconds;
        if (span.nanoseconds < 0) span.seconds--, span.nanoseconds += NANO;
        if (span.seconds < 0) return 0;
        remaining = NULL;
    }
    long result = call(NR_clock_nanosleep, MONOTONIC, 0, (long)&span, (long)remaining, 0);
    if (result == 0) time_passed(span);
    return result;
}

EXPORT int clock_nanosleep(int clock, int flags, const struct moment *request, struct moment *remaining) {
    return (int)-doze(clock, flags, request, remaining);
}
EXPORT int nanosleep(const struct moment *request, struct moment *remaining) {
    return (int)answer(doze(MONOTONIC, 0, request, remaining));
}
EXPORT int usleep(unsigned microseconds) {
    struct moment span = {microseconds / 1000000, (int64_t)(microseconds % 1000000) * 1000};
    return (int)answer(doze(MONOTONIC, 0, &span, NULL));
}
EXPORT unsigned sleep(unsigned seconds) {
    struct moment span = {seconds, 0}, left = {0, 0};
    return doze(MONOTONIC, 0, &span, &left) == 0 ? 0 : (unsigned)left.seconds;
}

/* Processor time. */
EXPORT long clock(void) {
    struct moment now;
    clock_gettime(PROCESS, &now);
    return now.seconds * 1000000 + now.nanoseconds / 1000;
}
EXPORT long times(int64_t *buffer) {
    long result = call(NR_times, (long)buffer, 0, 0, 0, 0);
    read_settings();
    if (!settings.counts_elapsed) return answer(result);
    for (int i = 0; buffer && i < 4; i++) buffer[i] = 0;
    struct moment now;
    logical_elapsed(&now, 1);
    return now.seconds * 100 + now.nanoseconds / 10000000;
}
EXPORT int getrusage(int who, int64_t *usage) {
    long result = call(NR_getrusage, who, (long)usage, 0, 0, 0);
    read_settings();
    /* Times, then memory, faults and switches: all of it depends on the moment. */
    for (int i = 0; result == 0 && settings.counts_elapsed && i < 18; i++) usage[i] = 0;
    return (int)answer(result);
}

/* What else the kernel tells of the machine's day: how long it has been up, and how busy. */
EXPORT int getloadavg(double *loads, int count) {
    if (count < 0) return -1;
    read_settings();
    struct { int64_t uptime; uint64_t loads[3], rest[16]; } facts = {0};
    if (!settings.has_clock) call(NR_sysinfo, (long)&facts, 0, 0, 0, 0);
    if (count > 3) count = 3;
    for (int i = 0; i < count; i++) loads[i] = (double)facts.loads[i] / 65536;
    return count;
}
EXPORT int sysinfo(int64_t *facts) {
    long result = call(NR_sysinfo, (long)facts, 0, 0, 0, 0);
    read_settings();
    /* Uptime and loads, then memory that is free, shared, buffered. */
    if (result == 0 && settings.has_clock) {
        for (int i = 0; i < 4; i++) facts[i] = 0;
        facts[5] = facts[4];
        facts[6] = facts[7] = 0;
    }
    return (int)answer(result);
}
