/* Directories list their names in one order, whatever the file system.

   A kernel's order is that of a hash with a secret of each file system (ext4), of creation backwards (tmpfs), of both
   where an overlay joins them: a step that writes down what it finds would write it otherwise on every machine. So the
   kernel stops each getdents64 of the container and asks this process (seccomp_unotify(2)), which lists the directory
   through the very descriptor of the caller, sorts, and writes the answer into the caller's memory. Nothing of it shows
   inside: no variable, no file, no library; static programs, other C libraries, set-user-id programs and those behind a
   chroot are all served.

   How far a listing has come is the descriptor's own position, as with the kernel, so that what a fork or a dup shares
   is shared here too, and rewinddir and seekdir work. A position is a place in the sorted listing, and the number of
   the listing that is kept for the next call when the answer did not fit in one. */
#define _GNU_SOURCE
#include "sandbox.h"

#include "clinux.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#else
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif
#ifndef MQUEUE_MAGIC
#define MQUEUE_MAGIC 0x19800202
#endif
#define WAKE_HERE 1 /* SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP, since Linux 6.6 */
#define SET_FLAGS SECCOMP_IOW(4, uint64_t)
#define THREAD O_EXCL /* PIDFD_THREAD, since Linux 6.9 */

/* ext4 takes no position beyond 2^42 in a small directory. */
enum { PLACE_BITS = 27, MAX_NUMBER = (1 << 14) - 2, ALIGNMENT = 8 };
static const int64_t END = (1ll << (PLACE_BITS + 14)) - 1; /* nothing more to say, and nothing kept */

/* Who kept more than this would have one step hold all of the machine's memory. What has to go is listed again. */
enum { MAX_KEPT = 64 };
static const size_t MAX_KEPT_BYTES = 128 << 20, MAX_BYTES = (size_t)1 << 30;

struct entry { /* linux_dirent64 */
    uint64_t inode;
    int64_t next;
    unsigned short length;
    unsigned char type;
    char name[];
};

struct listing {
    uint64_t number; /* 0: free */
    dev_t device;
    ino_t inode;
    char *entries; /* sorted, one behind the other */
    size_t size;
};
static struct listing kept[MAX_KEPT]; /* by number */

int sort_listings(void) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getdents64, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
    /* Once a question is taken, no signal but a deadly one makes the caller ask again: it would miss names. */
    int questions = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                                 SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &program);
    /* The caller goes on at once, on this processor. An older kernel wakes it as it wakes others. */
    if (questions >= 0) ioctl(questions, SET_FLAGS, WAKE_HERE);
    return questions;
}

static int processes = -1; /* /proc, which the runtime's own will cover */

void prepare_listings(void) {
    processes = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (processes < 0) fail("open /proc");
}

static int open_of(pid_t thread, const char *name, int flags) {
    char path[64];
    snprintf(path, sizeof path, "%d/%s", thread, name);
    return openat(processes, path, flags | O_CLOEXEC);
}

/* The caller's own file, with its position. */
static int borrow(pid_t thread, int file) {
    /* A pidfd of one who is gone never means another, so the last one is good for the next question. */
    static pid_t known;
    static int pidfd = -1;
    for (int tries = 0; tries < 2; tries++) {
        if (known != thread) {
            if (pidfd >= 0) close(pidfd);
            pidfd = (int)syscall(SYS_pidfd_open, thread, THREAD);
            if (pidfd < 0) {
                /* Older kernels know only first threads; the others nearly always have the same files. */
                char text[4096];
                int status = open_of(thread, "status", O_RDONLY);
                ssize_t got = status < 0 ? -1 : read(status, text, sizeof text - 1);
                if (status >= 0) close(status);
                text[got > 0 ? got : 0] = 0;
                const char *line = strstr(text, "\nTgid:");
                if (line) pidfd = (int)syscall(SYS_pidfd_open, atoi(line + 6), 0);
            }
            if (pidfd < 0) return known = 0, -1;
            known = thread;
        }
        int found = (int)syscall(SYS_pidfd_getfd, pidfd, file, 0);
        if (found >= 0 || errno != ESRCH) return found;
        known = 0;
    }
    return -1;
}

/* What the kernel makes up has no order that a disk could give. */
static int is_made_up(int directory) {
    struct statfs system;
    if (fstatfs(directory, &system) < 0) return 1;
    switch ((uint32_t)system.f_type) {
    case PROC_SUPER_MAGIC:
    case SYSFS_MAGIC:
    case DEVPTS_SUPER_MAGIC:
    case CGROUP_SUPER_MAGIC:
    case CGROUP2_SUPER_MAGIC:
    case MQUEUE_MAGIC: return 1;
    default: return 0;
    }
}

/* The directory itself and the one above come first, as everywhere. */
static int rank(const char *name) { return name[0] != '.' ? 2 : name[1] == 0 ? 0 : name[1] == '.' && name[2] == 0 ? 1 : 2; }

static int by_name(const void *left, const void *right) {
    const char *a = (*(struct entry *const *)left)->name, *b = (*(struct entry *const *)right)->name;
    int order = rank(a) - rank(b);
    return order ? order : strcmp(a, b);
}

/* All that the directory has, unsorted. Returns how many entries, or -1. */
static ssize_t read_all(int directory, char **entries, size_t *used) {
    static char *buffer;
    static size_t size;
    size_t filled = 0, count = 0;
    for (;;) {
        if (size - filled < 32 << 10) {
            size_t larger = size ? size * 2 : 64 << 10;
            char *moved = larger > MAX_BYTES ? NULL : realloc(buffer, larger);
            if (!moved) return -1;
            buffer = moved, size = larger;
        }
        long got = syscall(SYS_getdents64, directory, buffer + filled, size - filled);
        if (got < 0) return -1;
        if (got == 0) break;
        filled += (size_t)got;
    }
    for (size_t place = 0; place < filled; place += ((struct entry *)(buffer + place))->length) count++;
    *entries = buffer;
    *used = filled;
    return (ssize_t)count;
}

/* The whole listing, sorted, in memory of its own. */
static int make_listing(int directory, struct listing *listing) {
    char *entries;
    size_t used;
    if (lseek(directory, 0, SEEK_SET) < 0) return -1;
    ssize_t count = read_all(directory, &entries, &used);
    if (count < 0) return -1;
    struct entry **order = malloc((size_t)(count + 1) * sizeof *order);
    listing->entries = malloc(used + 1);
    if (!order || !listing->entries) return free(order), free(listing->entries), -1;
    char *from = entries;
    for (ssize_t i = 0; i < count; i++, from += order[i - 1]->length) order[i] = (struct entry *)from;
    qsort(order, (size_t)count, sizeof *order, by_name);
    char *to = listing->entries;
    for (ssize_t i = 0; i < count; to += order[i++]->length) memcpy(to, order[i], order[i]->length);
    free(order);
    listing->size = used;
    return 0;
}

static void forget(struct listing *listing) {
    free(listing->entries);
    *listing = (struct listing){0};
}

static struct listing *find_kept(uint64_t number, const struct stat *file) {
    struct listing *listing = &kept[number % MAX_KEPT];
    /* A number comes again after many listings. */
    int is_it = number && listing->number == number && listing->device == file->st_dev && listing->inode == file->st_ino;
    return is_it ? listing : NULL;
}

/* Makes room for one that the next call goes on with: in the place of the oldest, and of more while they are too large. */
static struct listing *keep(struct listing listing, const struct stat *file) {
    static uint64_t last;
    size_t held = listing.size;
    last = last % MAX_NUMBER + 1;
    forget(&kept[last % MAX_KEPT]);
    for (size_t i = 0; i < MAX_KEPT; i++) held += kept[i].size;
    for (size_t i = 1; i < MAX_KEPT && held > MAX_KEPT_BYTES; i++) {
        struct listing *older = &kept[(last + i) % MAX_KEPT];
        held -= older->size;
        forget(older);
    }
    listing.number = last;
    listing.device = file->st_dev;
    listing.inode = file->st_ino;
    kept[last % MAX_KEPT] = listing;
    return &kept[last % MAX_KEPT];
}

static int64_t position(uint64_t number, size_t place) {
    return (int64_t)(number << PLACE_BITS) + (int64_t)(place / ALIGNMENT);
}

/* How many bytes of a listing fit in an answer. */
static size_t fitting(const struct listing *listing, size_t place, size_t room) {
    size_t end = place;
    while (end < listing->size) {
        size_t length = ((struct entry *)(listing->entries + end))->length;
        if (end - place + length > room) break;
        end += length;
    }
    return end - place;
}

/* Says behind each entry where a caller finds the next. */
static void number_entries(struct listing *listing, size_t place, size_t length) {
    for (size_t end = place; end < place + length;) {
        struct entry *entry = (struct entry *)(listing->entries + end);
        end += entry->length;
        entry->next = position(listing->number, end);
    }
}

/* Where a question is answered: the memory of who asked, held so that it cannot be anybody else's. */
static int open_memory(int questions, uint64_t id, pid_t thread) {
    int memory = open_of(thread, "mem", O_RDWR);
    if (memory >= 0 && ioctl(questions, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) < 0) close(memory), memory = -1;
    return memory;
}

enum { KERNEL = 1 }; /* the kernel is to answer */

/* The answer to one question: a number of bytes, an error, or KERNEL (no answer is one byte long). */
static int64_t answer(int questions, const struct seccomp_notif *question, int directory) {
    struct stat file;
    int64_t was = lseek(directory, 0, SEEK_CUR);
    if (was < 0 || was > END || is_made_up(directory) || fstat(directory, &file) < 0 || !S_ISDIR(file.st_mode)) return KERNEL;
    if (was == END) return 0;
    size_t place = (size_t)(was & ((1 << PLACE_BITS) - 1)) * ALIGNMENT, room = (unsigned)question->data.args[2];
    struct listing fresh = {0}, *listing = find_kept((uint64_t)was >> PLACE_BITS, &file);
    if (!listing) {
        if (make_listing(directory, &fresh) < 0) {
            lseek(directory, was, SEEK_SET);
            return was == 0 ? KERNEL : -EIO;
        }
        listing = &fresh;
    }
    /* A directory that is listed anew because its listing had to go may have changed since. */
    size_t start = 0;
    while (start < place && start < listing->size) start += ((struct entry *)(listing->entries + start))->length;
    size_t length = fitting(listing, start, room);
    int is_last = start + length == listing->size;
    int64_t result = length || is_last ? (int64_t)length : -EINVAL;
    if (length && !is_last && listing == &fresh) {
        listing = keep(fresh, &file);
        fresh.entries = NULL;
    }
    number_entries(listing, start, length);
    if (length) {
        int memory = open_memory(questions, question->id, (pid_t)question->pid);
        if (memory < 0 || pwrite(memory, listing->entries + start, length, (off_t)question->data.args[1]) != (ssize_t)length)
            result = -EFAULT;
        if (memory >= 0) close(memory);
    }
    int64_t next = result < 0 ? was : is_last ? END : position(listing->number, start + length);
    /* A file system that does not take this position has the order that it has. */
    if (lseek(directory, next, SEEK_SET) < 0) result = lseek(directory, 0, SEEK_SET) < 0 ? -EIO : KERNEL;
    if (listing != &fresh && (next == END || result == KERNEL)) forget(listing);
    free(fresh.entries);
    return result;
}

void answer_listing(int questions) {
    /* A newer kernel's structures may be larger than those known here. */
    static union {
        struct seccomp_notif value;
        char room[1024];
    } question;
    static union {
        struct seccomp_notif_resp value;
        char room[1024];
    } reply;
    memset(&question, 0, sizeof question);
    if (ioctl(questions, SECCOMP_IOCTL_NOTIF_RECV, &question) < 0) return; /* whoever asked is gone */
    int directory = borrow((pid_t)question.value.pid, (int)question.value.data.args[0]);
    int64_t result = directory < 0 ? KERNEL : answer(questions, &question.value, directory);
    if (directory >= 0) close(directory);
    memset(&reply, 0, sizeof reply);
    reply.value.id = question.value.id;
    if (result == KERNEL) reply.value.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    else if (result < 0) reply.value.error = (int)result;
    else reply.value.val = result;
    ioctl(questions, SECCOMP_IOCTL_NOTIF_SEND, &reply); /* fails when whoever asked is gone by now */
}
