/* Waiting with a time limit by a logical clock: the kernel waits as long as was meant, and what was waited has then passed
   on that clock, too. Without that a loop which waits for its next appointment (asyncio, say) would wait for ever, as its
   clock hardly goes on. Where time is real, the C library's own functions do it, which threads can be cancelled in. */
#include "strict.h"

enum { WALL = 0, MONOTONIC = 1, NANO = 1000000000, TIMED_OUT = 110, YEARS = 200000000 };

extern void *dlsym(void *handle, const char *name) __attribute__((weak));
typedef long waiting(long, long, long, long, long, long);

/* The C library's, where time is real or the wait has no limit. */
#define PASS_ON(condition, function, a, b, c, d, e, f)                                                     \
    read_settings();                                                                                       \
    static waiting *real;                                                                                  \
    if (!real && dlsym) real = (waiting *)dlsym((void *)-1l /* RTLD_NEXT */, function);                    \
    if (real && (condition)) return (int)real((long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

#define IS_REAL !settings.counts_elapsed

/* Counts what was waited when nothing happened meanwhile. */
static int waited(long result, struct moment span) {
    if (result == 0) time_passed(span);
    return (int)answer(result);
}

static struct moment of_milliseconds(long count) {
    return (struct moment){count / 1000, (count % 1000) * 1000000};
}

EXPORT int poll(void *files, unsigned long count, int timeout) {
    PASS_ON(IS_REAL || timeout <= 0, "poll", files, count, timeout, 0, 0, 0);
    struct moment span = of_milliseconds(timeout), left = span;
    return waited(call(NR_ppoll, (long)files, (long)count, timeout < 0 ? 0 : (long)&left, 0, 8), span);
}

EXPORT int ppoll(void *files, unsigned long count, const struct moment *timeout, const void *signals) {
    PASS_ON(IS_REAL || !timeout, "ppoll", files, count, timeout, signals, 0, 0);
    struct moment span = timeout ? *timeout : (struct moment){0, 0}, left = span;
    return waited(call(NR_ppoll, (long)files, (long)count, timeout ? (long)&left : 0, (long)signals, 8), span);
}

EXPORT int epoll_pwait(int queue, void *events, int most, int timeout, const void *signals) {
    PASS_ON(IS_REAL || timeout <= 0, "epoll_pwait", queue, events, most, timeout, signals, 0);
    return waited(call6(NR_epoll_pwait, queue, (long)events, most, timeout, (long)signals, 8),
                  of_milliseconds(timeout < 0 ? 0 : timeout));
}

EXPORT int epoll_wait(int queue, void *events, int most, int timeout) {
    PASS_ON(IS_REAL || timeout <= 0, "epoll_wait", queue, events, most, timeout, 0, 0);
    return epoll_pwait(queue, events, most, timeout, NULL);
}

EXPORT int pselect(int count, void *in, void *out, void *errors, const struct moment *timeout, const void *signals) {
    PASS_ON(IS_REAL || !timeout, "pselect", count, in, out, errors, timeout, signals);
    struct moment span = timeout ? *timeout : (struct moment){0, 0}, left = span;
    struct { const void *set; size_t size; } mask = {signals, 8};
    return waited(call6(NR_pselect6, count, (long)in, (long)out, (long)errors, timeout ? (long)&left : 0, (long)&mask), span);
}

EXPORT int select(int count, void *in, void *out, void *errors, struct moment *timeout) {
    PASS_ON(IS_REAL || !timeout, "select", count, in, out, errors, timeout, 0);
    struct moment span = timeout ? *timeout : (struct moment){0, 0};
    span.nanoseconds *= 1000; /* struct timeval: microseconds */
    return pselect(count, in, out, errors, timeout ? &span : NULL, NULL);
}

/* The kernel's deadline for one of a logical clock; `span` is how far it is. */
static struct moment kernel_deadline(int clock, const struct moment *deadline, struct moment *span) {
    extern int clock_gettime(int clock, struct moment *time);
    struct moment logical, now;
    clock_gettime(clock, &logical);
    call(NR_clock_gettime, clock, (long)&now, 0, 0, 0);
    span->seconds = deadline->seconds - logical.seconds;
    span->nanoseconds = deadline->nanoseconds - logical.nanoseconds;
    if (span->nanoseconds < 0) span->seconds--, span->nanoseconds += NANO;
    if (span->seconds < 0) span->seconds = span->nanoseconds = 0;
    now.seconds += span->seconds;
    now.nanoseconds += span->nanoseconds;
    if (now.nanoseconds >= NANO) now.seconds++, now.nanoseconds -= NANO;
    return now;
}

EXPORT int sem_clockwait(void *semaphore, int clock, const struct moment *deadline) {
    extern int *__errno_location(void);
    PASS_ON(!is_logical(clock), "sem_clockwait", semaphore, clock, deadline, 0, 0, 0);
    if (!real) return (int)answer(-38 /* ENOSYS: a C library without it */);
    struct moment span, until = kernel_deadline(clock, deadline, &span);
    int result = (int)real((long)semaphore, clock, (long)&until, 0, 0, 0);
    if (result != 0 && *__errno_location() == TIMED_OUT) time_passed(span);
    return result;
}

EXPORT int sem_timedwait(void *semaphore, const struct moment *deadline) {
    extern int *__errno_location(void);
    PASS_ON(!is_logical(WALL), "sem_timedwait", semaphore, deadline, 0, 0, 0, 0);
    if (!real) return (int)answer(-38);
    struct moment span, until = kernel_deadline(WALL, deadline, &span);
    int result = (int)real((long)semaphore, (long)&until, 0, 0, 0, 0);
    if (result != 0 && *__errno_location() == TIMED_OUT) time_passed(span);
    return result;
}

/* Short waits are those of an interpreter for its turn, which nobody sees: how many of them there are is chance. */
static int waited_for_signal(int result, struct moment span) {
    if (result == TIMED_OUT && (span.seconds > 0 || span.nanoseconds >= NANO / 10)) time_passed(span);
    return result;
}

EXPORT int pthread_cond_clockwait(void *condition, void *mutex, int clock, const struct moment *deadline) {
    PASS_ON(!is_logical(clock), "pthread_cond_clockwait", condition, mutex, clock, deadline, 0, 0);
    if (!real) return 22 /* EINVAL: a C library without it */;
    struct moment span, until = kernel_deadline(clock, deadline, &span);
    return waited_for_signal((int)real((long)condition, (long)mutex, clock, (long)&until, 0, 0), span);
}

/* Of two functions of this name glibc's later one; dlsym may give the other. */
static waiting *timed_wait(void) {
    extern void *dlvsym(void *handle, const char *name, const char *version) __attribute__((weak));
#if defined(__x86_64__)
    static const char version[] = "GLIBC_2.3.2";
#else
    static const char version[] = "GLIBC_2.17";
#endif
    void *found = dlvsym ? dlvsym((void *)-1l, "pthread_cond_timedwait", version) : NULL;
    if (!found && !dlvsym && dlsym) found = dlsym((void *)-1l, "pthread_cond_timedwait");
    return (waiting *)found;
}

EXPORT int pthread_cond_timedwait(void *condition, void *mutex, const struct moment *deadline) {
    static waiting *real;
    if (!real) real = timed_wait();
    if (!real) return 22 /* EINVAL */;
    read_settings();
    /* A condition has a clock, which nobody tells; but days since 1970 are many and those since the start few. */
    int clock = deadline->seconds > YEARS ? WALL : MONOTONIC;
    if (!is_logical(clock)) return (int)real((long)condition, (long)mutex, (long)deadline, 0, 0, 0);
    struct moment span, until = kernel_deadline(clock, deadline, &span);
    return waited_for_signal((int)real((long)condition, (long)mutex, (long)&until, 0, 0, 0), span);
}
