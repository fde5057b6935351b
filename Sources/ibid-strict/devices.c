/* /dev/random and /dev/urandom: an opened one becomes a file in memory with so many bytes of the stream. A program that
   reads more than that finds the end of the file instead of something that differs. */
#include "strict.h"

#include <stdarg.h>

enum { DEVICE_BYTES = 4 << 20, HERE = -100, CLOSE_ON_EXEC = 02000000 };

static int names_random(const char *path) {
    for (; *path; path++) {
        const char *text = path, *wanted = "random";
        while (*wanted && *text == *wanted) text++, wanted++;
        if (!*wanted) return 1;
    }
    return 0;
}

/* By its number, whatever the name: character devices 1:8 and 1:9. */
static int is_device(long file) {
    uint64_t status[18];
    if (call(NR_fstat, file, (long)status, 0, 0, 0) < 0) return 0;
#if defined(__x86_64__)
    uint64_t mode = status[3] & 0xffffffff, device = status[5];
#else
    uint64_t mode = status[2] & 0xffffffff, device = status[4];
#endif
    return (mode & 0170000) == 0020000 && (device == 0x108 || device == 0x109);
}

static int same(const char *text, const char *other) {
    while (*text && *text == *other) text++, other++;
    return *text == *other;
}

/* Puts a file in memory in the place of an opened one; without bytes, one that holds the stream. */
static long replace(long file, int flags, const char *bytes, size_t count) {
    static const char name[] = "random";
    unsigned char block[4096];
    long memory = call(NR_memfd_create, (long)name, 1 /* MFD_CLOEXEC */, 0, 0, 0);
    if (memory < 0) return file;
    if (bytes) call(NR_write, memory, (long)bytes, (long)count, 0, 0);
    for (int done = 0; !bytes && done < DEVICE_BYTES; done += (int)sizeof block) {
        random_bytes(block, sizeof block);
        call(NR_write, memory, (long)block, sizeof block, 0, 0);
    }
    call(NR_lseek, memory, 0, 0, 0, 0);
    call(NR_dup3, memory, file, flags & CLOSE_ON_EXEC, 0, 0);
    call(NR_close, memory, 0, 0, 0, 0);
    return file;
}

/* The kernel gives another UUID (RFC 9562, version 4) with each reading of this file. */
static long open_uuid(long file, int flags) {
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[16];
    char text[37];
    random_bytes(bytes, sizeof bytes);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    int length = 0;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text[length++] = '-';
        text[length++] = digits[bytes[i] >> 4];
        text[length++] = digits[bytes[i] & 15];
    }
    text[length++] = '\n';
    return replace(file, flags, text, sizeof text);
}

static int open_at(int directory, const char *path, int flags, unsigned mode) {
    long file = call(NR_openat, directory, (long)path, flags, mode, 0);
    if (file < 0 || !names_random(path) || !is_seeded()) return (int)answer(file);
    COUNT(DRAWS);
    if (is_device(file)) return (int)replace(file, flags, NULL, 0);
    return (int)(same(path, "/proc/sys/kernel/random/uuid") ? open_uuid(file, flags) : file);
}

/* The mode is there when a file may be made (O_CREAT, O_TMPFILE). */
#define MODE(flags, last)                                       \
    unsigned mode = 0;                                          \
    if (flags & (0100 | 020000000)) {                           \
        va_list arguments;                                      \
        va_start(arguments, last);                              \
        mode = va_arg(arguments, unsigned);                     \
        va_end(arguments);                                      \
    }

EXPORT int open(const char *path, int flags, ...) {
    MODE(flags, flags)
    return open_at(HERE, path, flags, mode);
}
EXPORT int open64(const char *path, int flags, ...) {
    MODE(flags, flags)
    return open_at(HERE, path, flags, mode);
}
EXPORT int openat(int directory, const char *path, int flags, ...) {
    MODE(flags, flags)
    return open_at(directory, path, flags, mode);
}
EXPORT int openat64(int directory, const char *path, int flags, ...) {
    MODE(flags, flags)
    return open_at(directory, path, flags, mode);
}
/* With _FORTIFY_SOURCE. */
EXPORT int __open_2(const char *path, int flags) { return open_at(HERE, path, flags, 0); }
EXPORT int __open64_2(const char *path, int flags) { return open_at(HERE, path, flags, 0); }
EXPORT int __openat_2(int directory, const char *path, int flags) { return open_at(directory, path, flags, 0); }
EXPORT int __openat64_2(int directory, const char *path, int flags) { return open_at(directory, path, flags, 0); }

/* Streams are the C library's. It is asked for its own fopen, but for the devices; one too old to have dlsym by itself
   gets all files as descriptors. */
extern void *fdopen(int file, const char *mode);
extern void *dlsym(void *handle, const char *name) __attribute__((weak));
typedef void *opener(const char *path, const char *mode);

static int flags_of(const char *mode) {
    int flags = *mode == 'r' ? 0 : *mode == 'w' ? 01101 : 02101; /* O_CREAT with O_TRUNC or O_APPEND, O_WRONLY */
    for (; *mode && *mode != ','; mode++) {
        if (*mode == '+') flags = (flags & ~3) | 2;
        if (*mode == 'x') flags |= 0200;
        if (*mode == 'e') flags |= CLOSE_ON_EXEC;
    }
    return flags;
}

static void *open_stream(const char *path, const char *mode, const char *function) {
    opener *real = NULL;
    if (!is_seeded() || !names_random(path) || *mode != 'r')
        real = dlsym ? (opener *)dlsym((void *)-1l /* RTLD_NEXT */, function) : NULL;
    if (real) return real(path, mode);
    int file = open_at(HERE, path, flags_of(mode), 0666);
    void *stream = file < 0 ? NULL : fdopen(file, mode);
    if (file >= 0 && !stream) call(NR_close, file, 0, 0, 0, 0);
    return stream;
}

#pragma clang diagnostic ignored "-Wbuiltin-requires-header"
EXPORT void *fopen(const char *path, const char *mode) { return open_stream(path, mode, "fopen"); }
EXPORT void *fopen64(const char *path, const char *mode) { return open_stream(path, mode, "fopen64"); }

/* What goes past the C library's functions, but by its door. */
extern int clock_gettime(int clock, struct moment *time);
extern int gettimeofday(struct moment *time, void *zone);
extern int64_t time(int64_t *result);
extern long getrandom(void *bytes, size_t count, unsigned flags);

EXPORT long syscall(long number, long a, long b, long c, long d, long e, long f) {
    if (number == NR_getrandom) return getrandom((void *)a, (size_t)b, (unsigned)c);
    if (number == NR_clock_gettime) return clock_gettime((int)a, (struct moment *)b);
    if (number == NR_gettimeofday) return gettimeofday((struct moment *)a, (void *)b);
    if (number == NR_time) return time((int64_t *)a);
    return answer(call6(number, a, b, c, d, e, f));
}
