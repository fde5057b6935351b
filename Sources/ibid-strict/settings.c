#include "strict.h"

/* SwiftPM links every product with the Swift runtime, which this must not load. The driver passes what objects ask for
   in this section to the linker, ahead of the libraries: those that nothing needs are then left out. */
__attribute__((section(".swift1_autolink_entries"), used)) static const char only_needed[] = "-Wl,--as-needed";

struct settings settings;
static int is_read;

static const char *value(const char *entry, const char *name) {
    while (*name)
        if (*entry++ != *name++) return NULL;
    return *entry == '=' ? entry + 1 : NULL;
}

static uint64_t number(const char *text) {
    uint64_t result = 0;
    for (; *text >= '0' && *text <= '9'; text++) result = result * 10 + (uint64_t)(*text - '0');
    return result;
}

struct cost *cost;

static struct cost *share_cost(void) {
    long file = call(NR_openat, -100 /* AT_FDCWD */, (long)COST, 02000002 /* O_RDWR, O_CLOEXEC */, 0, 0);
    if (file < 0) return NULL;
    long page = call6(NR_mmap, 0, 4096, 3 /* read, write */, 1 /* shared */, file, 0);
    call(NR_close, file, 0, 0, 0, 0);
    return IS_ERROR(page) ? NULL : (struct cost *)page;
}

struct visit enter(enum kind kind) {
    struct visit visit = {kind, 0};
    struct cost *page = cost;
    if (page && (__atomic_fetch_add(&page->calls[kind], 1, __ATOMIC_RELAXED) & 15) == 0) visit.began = ticks();
    return visit;
}

void leave(struct visit *visit) {
    if (visit->began) __atomic_fetch_add(&cost->ticks[visit->kind], 16 * (ticks() - visit->began), __ATOMIC_RELAXED);
}

/* A file, not the environment: it is the same for glibc, musl, every library that asks the time while it is being loaded,
   and for children that were given another environment. */
void read_settings(void) {
    char text[1024];
    if (__atomic_load_n(&is_read, __ATOMIC_ACQUIRE)) return;
    struct settings found = {0};
    long file = call(NR_openat, -100 /* AT_FDCWD */, (long)SETTINGS, 02000000 /* O_CLOEXEC */, 0, 0);
    if (file >= 0) {
        long length = call(NR_read, file, (long)text, sizeof text - 1, 0, 0);
        call(NR_close, file, 0, 0, 0, 0);
        text[length < 0 ? 0 : length] = 0;
        const char *found_value;
        for (const char *line = text; *line;) {
            if ((found_value = value(line, "CLOCK"))) found.has_clock = 1, found.clock = (int64_t)number(found_value);
            if ((found_value = value(line, "SEED"))) found.has_seed = 1, found.seed = number(found_value);
            if ((found_value = value(line, "FILE_TIMES")))
                found.has_file_times = 1, found.file_times = (int64_t)number(found_value);
            if ((found_value = value(line, "DIRECTORIES"))) found.directories = (int)number(found_value);
            if (value(line, "ELAPSED")) found.counts_elapsed = 1;
            if (value(line, "SMALL_STEPS")) found.has_small_steps = 1;
            if (value(line, "INODES")) found.numbers_inodes = 1;
            while (*line && *line++ != '\n') {}
        }
    }
    /* Two threads may do this at one time, with the same result. */
    settings = found;
    cost = share_cost();
    __atomic_store_n(&is_read, 1, __ATOMIC_RELEASE);
}

__attribute__((constructor)) static void begin(void) { read_settings(); }

long answer(long result) {
    extern int *__errno_location(void);
    if (result >= 0) return result;
    *__errno_location() = (int)-result;
    return -1;
}
