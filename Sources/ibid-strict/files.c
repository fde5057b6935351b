/* Times and inode numbers of files. On both architectures `struct stat` has the inode at 8 and its three times at 72. */
#include "strict.h"

enum { INODE = 8, TIMES = 72, STATX_INODE = 32, STATX_DEVICE = 136, STATX_TIMES = 64, HERE = -100, NO_FOLLOW = 0x100 };

/* Numbers in the order in which files are met. A table that is full leaves numbers as they are. */
static uint64_t inode_number(uint64_t device, uint64_t inode) {
    enum { SIZE = 1 << 14 };
    static struct { uint64_t device, inode, number; } table[SIZE];
    static uint64_t count;
    static int lock;
    while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE)) {}
    uint64_t place = (inode * 0x9E3779B97F4A7C15u ^ device) >> 50, number = inode;
    for (int tries = 0; tries < SIZE; tries++, place = (place + 1) % SIZE) {
        if (table[place].number == 0 && count < SIZE / 2) {
            table[place].device = device;
            table[place].inode = inode;
            table[place].number = ++count;
        }
        if (table[place].device == device && table[place].inode == inode) {
            number = table[place].number;
            break;
        }
        if (table[place].number == 0) break;
    }
    __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
    return number;
}

static void hold(int64_t *seconds, void *nanoseconds, int size) {
    if (*seconds < settings.file_times) return;
    *seconds = settings.file_times;
    if (size == 8) *(int64_t *)nanoseconds = 0;
    else *(uint32_t *)nanoseconds = 0;
}

static int settle(long result, char *status) {
    read_settings();
    if (result == 0 && settings.has_file_times)
        for (int i = 0; i < 3; i++) hold((int64_t *)(status + TIMES + 16 * i), status + TIMES + 16 * i + 8, 8);
    if (result == 0 && settings.numbers_inodes)
        *(uint64_t *)(status + INODE) = inode_number(*(uint64_t *)status, *(uint64_t *)(status + INODE));
    return (int)answer(result);
}

EXPORT int fstatat(int directory, const char *path, char *status, int flags) {
    COUNT(STATUSES);
    return settle(call(NR_newfstatat, directory, (long)path, (long)status, flags, 0), status);
}
EXPORT int stat(const char *path, char *status) { return fstatat(HERE, path, status, 0); }
EXPORT int lstat(const char *path, char *status) { return fstatat(HERE, path, status, NO_FOLLOW); }
EXPORT int fstat(int file, char *status) {
    COUNT(STATUSES);
    return settle(call(NR_fstat, file, (long)status, 0, 0, 0), status);
}
EXPORT int stat64(const char *path, char *status) { return stat(path, status); }
EXPORT int lstat64(const char *path, char *status) { return lstat(path, status); }
EXPORT int fstat64(int file, char *status) { return fstat(file, status); }
EXPORT int fstatat64(int directory, const char *path, char *status, int flags) {
    return fstatat(directory, path, status, flags);
}

/* What programs that were linked with glibc before 2.33 call. */
EXPORT int __xstat(int version, const char *path, char *status) { return (void)version, stat(path, status); }
EXPORT int __lxstat(int version, const char *path, char *status) { return (void)version, lstat(path, status); }
EXPORT int __fxstat(int version, int file, char *status) { return (void)version, fstat(file, status); }
EXPORT int __fxstatat(int version, int directory, const char *path, char *status, int flags) {
    return (void)version, fstatat(directory, path, status, flags);
}
EXPORT int __xstat64(int version, const char *path, char *status) { return (void)version, stat(path, status); }
EXPORT int __lxstat64(int version, const char *path, char *status) { return (void)version, lstat(path, status); }
EXPORT int __fxstat64(int version, int file, char *status) { return (void)version, fstat(file, status); }
EXPORT int __fxstatat64(int version, int directory, const char *path, char *status, int flags) {
    return (void)version, fstatat(directory, path, status, flags);
}

EXPORT int statx(int directory, const char *path, int flags, unsigned mask, char *status) {
    COUNT(STATUSES);
    long result = call(NR_statx, directory, (long)path, flags, mask, (long)status);
    read_settings();
    if (result == 0 && settings.has_file_times)
        for (int i = 0; i < 4; i++)
            hold((int64_t *)(status + STATX_TIMES + 16 * i), status + STATX_TIMES + 16 * i + 8, 4);
    if (result == 0 && settings.numbers_inodes) {
        uint32_t *device = (uint32_t *)(status + STATX_DEVICE);
        uint64_t *inode = (uint64_t *)(status + STATX_INODE);
        *inode = inode_number((uint64_t)device[0] << 32 | device[1], *inode);
    }
    return (int)answer(result);
}
