/* What a container holds on the disk while it runs. Whoever writes there is not trusted, and goes on writing: nothing
   is followed, nothing but directories is opened, and what vanishes meanwhile is not there. */
#define _GNU_SOURCE
#include "clinux.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
    MOST_OPEN = 64, /* directories at a time, however deep the tree is */
    TMPFS = 0x01021994
};

/* A directory on the way down; closed, and with a place to go on from, when it is far above. */
struct level {
    DIR *directory;
    long place;
    dev_t device;
    ino_t inode;
};

struct walk {
    struct level *levels;
    size_t depth, room; /* levels in use; levels there is memory for */
};

/* Takes the descriptor over. */
static int descend(struct walk *walk, int fd) {
    struct stat file;
    if (walk->depth == walk->room) {
        size_t room = walk->room ? 2 * walk->room : MOST_OPEN;
        struct level *levels = realloc(walk->levels, room * sizeof *levels);
        if (levels) walk->levels = levels, walk->room = room;
    }
    DIR *directory = walk->depth < walk->room && fstat(fd, &file) == 0 ? fdopendir(fd) : NULL;
    if (!directory) {
        close(fd);
        return -1;
    }
    if (walk->depth >= MOST_OPEN) {
        struct level *far = &walk->levels[walk->depth - MOST_OPEN];
        if (far->directory) {
            far->place = telldir(far->directory);
            closedir(far->directory);
            far->directory = NULL;
        }
    }
    walk->levels[walk->depth++] = (struct level){directory, 0, file.st_dev, file.st_ino};
    return 0;
}

/* Back to the directory above. When it is not there any more, as somebody has moved this one, all is given up: what is
   not counted now will be the next time. */
static void ascend(struct walk *walk) {
    DIR *left = walk->levels[--walk->depth].directory;
    struct level *above = walk->depth ? &walk->levels[walk->depth - 1] : NULL;
    if (above && !above->directory) {
        struct stat file;
        int fd = openat(dirfd(left), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int same = fd >= 0 && fstat(fd, &file) == 0 && file.st_dev == above->device && file.st_ino == above->inode;
        if (same && (above->directory = fdopendir(fd))) {
            seekdir(above->directory, above->place);
        } else {
            if (fd >= 0) close(fd);
            walk->depth = 0; /* those above are closed as well */
        }
    }
    closedir(left);
}

int cl_tree_usage(const char *path, int64_t most_entries, struct cl_usage *usage) {
    struct walk walk = {0};
    int root = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (root < 0) return -errno;
    *usage = (struct cl_usage){0, 0};
    if (descend(&walk, root) < 0) return -ENOMEM;
    while (walk.depth > 0) {
        DIR *directory = walk.levels[walk.depth - 1].directory;
        struct dirent *entry = usage->entries <= most_entries ? readdir(directory) : NULL;
        struct stat file;
        if (!entry) {
            ascend(&walk);
            continue;
        }
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        if (fstatat(dirfd(directory), entry->d_name, &file, AT_SYMLINK_NOFOLLOW) < 0) continue;
        usage->entries++;
        if (!S_ISDIR(file.st_mode)) {
            /* A file with several names lies on the disk once. */
            usage->bytes += (int64_t)file.st_blocks * 512 / (file.st_nlink ? (int64_t)file.st_nlink : 1);
            continue;
        }
        int inner = openat(dirfd(directory), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (inner >= 0) (void)descend(&walk, inner);
    }
    free(walk.levels);
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
