/* What a container holds on the disk while it runs. Whoever writes there is not trusted, and goes on writing: nothing
   is followed, nothing but directories is opened, and what vanishes meanwhile is not there. */
#define _GNU_SOURCE
#include "clinux.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
    DEEPEST = 200, /* a descriptor for each level; deeper directories are counted and not looked into */
    TMPFS = 0x01021994
};

/* Takes the descriptor over. */
static void add_directory(int fd, int depth, int64_t most_entries, struct cl_usage *usage) {
    DIR *directory = fdopendir(fd);
    if (!directory) {
        close(fd);
        return;
    }
    for (struct dirent *entry; usage->entries <= most_entries && (entry = readdir(directory));) {
        struct stat file;
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        if (fstatat(fd, entry->d_name, &file, AT_SYMLINK_NOFOLLOW) < 0) continue;
        usage->entries++;
        if (!S_ISDIR(file.st_mode)) {
            /* A file with several names lies on the disk once. */
            usage->bytes += (int64_t)file.st_blocks * 512 / (file.st_nlink ? (int64_t)file.st_nlink : 1);
            continue;
        }
        int inner = depth < DEEPEST ? openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
        if (inner >= 0) add_directory(inner, depth + 1, most_entries, usage);
    }
    closedir(directory);
}

int cl_tree_usage(const char *path, int64_t most_entries, struct cl_usage *usage) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return -errno;
    *usage = (struct cl_usage){0, 0};
    add_directory(fd, 0, most_entries, usage);
    return 0;
}

int64_t cl_unlinked_bytes(pid_t pid) {
    char path[64], name[96];
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR *directory = opendir(path);
    int64_t bytes = 0;
    if (!directory) return 0;
    for (struct dirent *entry; (entry = readdir(directory));) {
        struct stat file;
        struct statfs system;
        if (!isdigit((unsigned char)entry->d_name[0])) continue;
        snprintf(name, sizeof name, "%s/%.20s", path, entry->d_name);
        if (stat(name, &file) < 0 || !S_ISREG(file.st_mode) || file.st_nlink > 0) continue;
        /* What lies in memory counts as memory. */
        if (statfs(name, &system) == 0 && system.f_type != TMPFS) bytes += (int64_t)file.st_blocks * 512;
    }
    closedir(directory);
    return bytes;
}
