#define _GNU_SOURCE
#include "clinux.h"

#include "answer.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

const uint64_t CL_RESOLVE_BENEATH = RESOLVE_BENEATH, CL_RESOLVE_IN_ROOT = RESOLVE_IN_ROOT,
               CL_RESOLVE_NO_SYMLINKS = RESOLVE_NO_SYMLINKS, CL_RESOLVE_NO_MAGICLINKS = RESOLVE_NO_MAGICLINKS,
               CL_RESOLVE_NO_XDEV = RESOLVE_NO_XDEV;
const uint64_t CL_O_RDONLY = O_RDONLY, CL_O_WRONLY = O_WRONLY, CL_O_RDWR = O_RDWR, CL_O_CREAT = O_CREAT,
               CL_O_EXCL = O_EXCL, CL_O_TRUNC = O_TRUNC, CL_O_NOFOLLOW = O_NOFOLLOW, CL_O_NONBLOCK = O_NONBLOCK,
               CL_O_DIRECTORY = O_DIRECTORY, CL_O_PATH = O_PATH, CL_O_CLOEXEC = O_CLOEXEC;
const int CL_AT_FDCWD = AT_FDCWD, CL_AT_EMPTY_PATH = AT_EMPTY_PATH, CL_AT_SYMLINK_NOFOLLOW = AT_SYMLINK_NOFOLLOW,
          CL_AT_SYMLINK_FOLLOW = AT_SYMLINK_FOLLOW, CL_AT_REMOVEDIR = AT_REMOVEDIR;
const uint32_t CL_RENAME_NOREPLACE = RENAME_NOREPLACE, CL_RENAME_EXCHANGE = RENAME_EXCHANGE;
const int64_t CL_CGROUP2_SUPER_MAGIC = CGROUP2_SUPER_MAGIC, CL_OVERLAYFS_SUPER_MAGIC = OVERLAYFS_SUPER_MAGIC,
              CL_TMPFS_MAGIC = TMPFS_MAGIC;

int cl_openat2(int dir, const char *path, uint64_t flags, uint32_t mode, uint64_t resolve) {
    struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = resolve};
    /* openat2 refuses a mode where nothing can be created. */
    if (flags & (O_CREAT | __O_TMPFILE)) how.mode = mode;
    ANSWER((int)syscall(SYS_openat2, dir, path, &how, sizeof how));
}

int cl_stat_at(int dir, const char *path, int follow, struct cl_stat *out) {
    struct statx s;
    int flags = (follow ? 0 : AT_SYMLINK_NOFOLLOW) | (*path ? 0 : AT_EMPTY_PATH);
    if (statx(dir, path, flags, STATX_BASIC_STATS | STATX_MNT_ID, &s) < 0) return -errno;
    *out = (struct cl_stat){
        .device = makedev(s.stx_dev_major, s.stx_dev_minor),
        .inode = s.stx_ino,
        .mount_id = s.stx_mnt_id,
        .size = s.stx_size,
        .blocks512 = s.stx_blocks,
        .mode = s.stx_mode,
        .links = s.stx_nlink,
        .uid = s.stx_uid,
        .gid = s.stx_gid,
        .device_major = s.stx_rdev_major,
        .device_minor = s.stx_rdev_minor,
        .mtime_seconds = s.stx_mtime.tv_sec,
        .mtime_nanoseconds = s.stx_mtime.tv_nsec,
        .ctime_seconds = s.stx_ctime.tv_sec,
        .ctime_nanoseconds = s.stx_ctime.tv_nsec,
    };
    return 0;
}

static int64_t next(int fd, int64_t position, int64_t size, int whence, int64_t otherwise) {
    off_t found = lseek(fd, position, whence);
    if (found >= 0) return found < size ? found : size;
    if (errno == ENXIO) return size; /* a hole up to the end */
    return errno == EINVAL ? otherwise : -errno;
}
int64_t cl_next_data(int fd, int64_t position, int64_t size) { return next(fd, position, size, SEEK_DATA, position); }
int64_t cl_next_hole(int fd, int64_t position, int64_t size) { return next(fd, position, size, SEEK_HOLE, size); }

int cl_tmpfile_at(int dir, uint32_t mode) { ANSWER(openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode)); }

int cl_link_tmpfile(int fd, int dir, const char *name) {
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ANSWER(linkat(AT_FDCWD, path, dir, name, AT_SYMLINK_FOLLOW));
}

int cl_link_at(int from_dir, const char *from, int to_dir, const char *to) {
    ANSWER(linkat(from_dir, from, to_dir, to, 0));
}
int cl_symlink_at(const char *target, int dir, const char *name) { ANSWER(symlinkat(target, dir, name)); }
ssize_t cl_readlink_at(int dir, const char *path, uint8_t *buffer, size_t size) {
    ANSWER(readlinkat(dir, path, (char *)buffer, size));
}
int cl_mkdir_at(int dir, const char *name, uint32_t mode) { ANSWER(mkdirat(dir, name, mode)); }
int cl_mknod_at(int dir, const char *name, uint32_t mode, uint32_t major, uint32_t minor) {
    ANSWER(mknodat(dir, name, mode, makedev(major, minor)));
}
int cl_unlink_at(int dir, const char *name, int directory) {
    ANSWER(unlinkat(dir, name, directory ? AT_REMOVEDIR : 0));
}
int cl_chown_at(int dir, const char *path, uint32_t uid, uint32_t gid) {
    ANSWER(fchownat(dir, path, uid, gid, AT_SYMLINK_NOFOLLOW | (*path ? 0 : AT_EMPTY_PATH)));
}
int cl_chmod_at(int dir, const char *path, uint32_t mode) { ANSWER(fchmodat(dir, path, mode, 0)); }
int cl_utimes_at(int dir, const char *path, int64_t seconds, uint32_t nanoseconds) {
    struct timespec time = {.tv_sec = seconds, .tv_nsec = nanoseconds};
    struct timespec both[2] = {time, time};
    ANSWER(utimensat(dir, path, both, AT_SYMLINK_NOFOLLOW));
}
int cl_renameat2(int from_dir, const char *from, int to_dir, const char *to, uint32_t flags) {
    ANSWER(renameat2(from_dir, from, to_dir, to, flags));
}

uint32_t cl_major(uint64_t device) { return major(device); }
uint32_t cl_minor(uint64_t device) { return minor(device); }
uint64_t cl_makedev(uint32_t major, uint32_t minor) { return makedev(major, minor); }

int cl_fsync(int fd) { ANSWER(fsync(fd)); }
int cl_syncfs(int fd) { ANSWER(syncfs(fd)); }
int cl_flock(int fd, int exclusive, int wait) {
    int result;
    do result = flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | (wait ? 0 : LOCK_NB));
    while (result < 0 && errno == EINTR);
    ANSWER(result);
}
ssize_t cl_copy_file_range(int from, int to, size_t count) {
    ANSWER(copy_file_range(from, NULL, to, NULL, count, 0));
}
int cl_set_direct(int fd, int on) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0) return -errno;
    ANSWER(fcntl(fd, F_SETFL, on ? flags | O_DIRECT : flags & ~O_DIRECT));
}
int cl_spread_subdirectories(const char *directory) {
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), flags = 0;
    if (fd < 0) return -errno;
    int result = ioctl(fd, FS_IOC_GETFLAGS, &flags);
    if (result == 0 && !(flags & FS_TOPDIR_FL)) {
        flags |= FS_TOPDIR_FL;
        result = ioctl(fd, FS_IOC_SETFLAGS, &flags);
    }
    if (result < 0) result = -errno;
    close(fd);
    return result;
}
int64_t cl_filesystem_type(const char *path) {
    struct statfs s;
    return statfs(path, &s) < 0 ? -errno : (int64_t)s.f_type;
}
