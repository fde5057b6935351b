/* What somebody tries who has read the source of the sandbox: of what answers listings of directories (listing.c), of the
   init (ibid-init), of what makes a network that can be entered from outside (network.c). */
#define _GNU_SOURCE
#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/random.h>
#include <linux/rtnetlink.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROBE(name) static enum verdict name(void)

/* ---- listings: the sandbox writes them into the caller's memory ---- */

struct entry { /* linux_dirent64 */
    uint64_t inode;
    int64_t next;
    unsigned short length;
    unsigned char type;
    char name[];
};
enum { FILES = 300, NAMES = FILES + 2 };
#define PLACE "/tmp/probe-seams"

static long list_into(int fd, void *bytes, unsigned long size) { return syscall(SYS_getdents64, fd, bytes, size); }

/* A directory of files 0 to 299, made once. */
static int open_place(void) {
    char name[64];
    mkdir(PLACE, 0755);
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, PLACE "/%d", i);
        int file = open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
        if (file >= 0) close(file);
    }
    return open(PLACE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Takes up what one call gave; whether it is well formed and every name is of that directory and new. */
static int take_up(const char *bytes, long count, unsigned char *seen) {
    for (long place = 0; place < count;) {
        const struct entry *entry = (const struct entry *)(bytes + place);
        if (count - place < 24 || entry->length < 24 || entry->length > count - place) return 0;
        if (!memchr(entry->name, 0, entry->length - offsetof(struct entry, name))) return 0;
        char *end;
        long number = !strcmp(entry->name, ".") ? FILES : !strcmp(entry->name, "..") ? FILES + 1 : strtol(entry->name, &end, 10);
        if (number < 0 || number >= NAMES || seen[number]++) return 0;
        place += entry->length;
    }
    return 1;
}

static int is_complete(const unsigned char *seen) {
    for (int i = 0; i < NAMES; i++)
        if (!seen[i]) return 0;
    return 1;
}

/* Whoever answered before must still do so. */
static enum verdict still_lists(void) {
    static char bytes[1024];
    unsigned char seen[NAMES] = {0};
    long count;
    int fd = open_place();
    while ((count = list_into(fd, bytes, sizeof bytes)) > 0)
        if (!take_up(bytes, count, seen)) return note("a listing is damaged"), LEAK;
    close(fd);
    if (count < 0 || !is_complete(seen)) return note("a listing is not whole: %s", strerrorname_np(errno)), LEAK;
    note("listed as before");
    return SHUT;
}

PROBE(listing_bad_pointers) {
    int fd = open_place();
    void *gone = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(gone, 4096);
    uint64_t addresses[] = {0, 1, 4095, (uintptr_t)gone, 0x7ffffffff000, 0x800000000000, 0x8000000000000000,
                            0xffff888000000000, 0xffffffff81000000, 0xffffffffff600000, 0xfffffffffffff000, ~0ull};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        lseek(fd, 0, SEEK_SET);
        if (list_into(fd, (void *)addresses[i], 4096) >= 0 || errno != EFAULT)
            return note("%llx: %s", (unsigned long long)addresses[i], strerrorname_np(errno)), LEAK;
    }
    return still_lists();
}
PROBE(listing_across_pages) {
    int fd = open_place();
    char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(pages + 4096, 4096);
    for (int left = 1; left < 200; left += 7) {
        lseek(fd, 0, SEEK_SET);
        long count = list_into(fd, pages + 4096 - left, 4096);
        if (count > left) return note("%ld bytes in %d", count, left), LEAK;
    }
    return still_lists();
}
/* By force, through what the sandbox may write and the caller may not. */
static enum verdict list_over(const char *path, int protection) {
    char before[64], after[64];
    int fd = open_place(), file = open(path, O_RDONLY);
    ssize_t size = file < 0 ? -1 : pread(file, before, sizeof before, 0);
    if (size <= 0) return NONE;
    static const int kinds[] = {MAP_SHARED, MAP_PRIVATE};
    for (int i = 0; i < 2; i++) {
        void *page = mmap(NULL, 4096, protection, kinds[i], file, 0);
        if (page == MAP_FAILED) continue;
        lseek(fd, 0, SEEK_SET);
        long count = list_into(fd, page, 4096);
        if (kinds[i] == MAP_SHARED && count > 0) return note("%ld bytes", count), LEAK;
        if (pread(file, after, sizeof after, 0) != size || memcmp(before, after, (size_t)size)) return note("%s", path), LEAK;
    }
    return still_lists();
}
PROBE(listing_over_input) { return list_over("/inputs/file", PROT_READ); }
PROBE(listing_over_image) { return list_over("/proc/self/exe", PROT_READ | PROT_EXEC); }
PROBE(listing_over_init) { return access("/dev/ibid-init", R_OK) < 0 ? NONE : list_over("/dev/ibid-init", PROT_READ); }
PROBE(listing_sizes) {
    static unsigned char room[128 << 10];
    int fd = open_place();
    for (unsigned size = 0; size < 24; size++)
        if (list_into(fd, room, size) >= 0 || errno != EINVAL) return note("%u bytes", size), LEAK;
    static const unsigned long sizes[] = {24, (1ul << 32) | 24, 1ul << 31, 0xffffffff, ~0ul};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        memset(room, 0xaa, sizeof room);
        lseek(fd, 0, SEEK_SET);
        long count = list_into(fd, room, sizes[i]);
        /* An overflow is refused by some kernels. */
        if (count > 64 << 10 || (i < 2 && count > 24)) return note("%ld bytes for %lx", count, sizes[i]), LEAK;
        for (size_t at = count > 0 ? (size_t)count : 0; at < sizeof room; at++)
            if (room[at] != 0xaa) return note("wrote beyond its answer"), LEAK;
    }
    return still_lists();
}
PROBE(listing_positions) {
    static char bytes[2048];
    int fd = open_place();
    uint64_t number = 1;
    for (int i = 0; i < 2000; i++) {
        number = number * 6364136223846793005u + 1442695040888963407u;
        unsigned char seen[NAMES] = {0};
        /* A place in a kept listing, another listing's number, and anything at all. */
        int64_t position = i % 3 == 0 ? (int64_t)(number >> 50) : (int64_t)(number >> (i % 3 == 1 ? 23 : 1));
        if (lseek(fd, position, SEEK_SET) < 0) continue;
        long count = list_into(fd, bytes, i % 2 ? 96 : sizeof bytes);
        if (count > 0 && !take_up(bytes, count, seen)) return note("from %lld", (long long)position), LEAK;
    }
    return still_lists();
}
PROBE(listing_other_kinds) {
    char bytes[4096];
    int pipes[2], sockets[2];
    if (pipe(pipes) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) < 0) return NONE;
    mkdir("/tmp/probe-gone", 0755);
    int gone = open("/tmp/probe-gone", O_RDONLY | O_DIRECTORY);
    rmdir("/tmp/probe-gone");
    int kinds[] = {-1, 9999, 1 << 30, pipes[0], sockets[0], gone, open("/proc/self/exe", O_RDONLY), open("/tmp", O_PATH),
                   memfd_create("probe", 0), eventfd(0, 0), open("/dev/null", O_RDWR), open("/proc/self/maps", O_RDONLY)};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (list_into(kinds[i], bytes, sizeof bytes) > 0) return note("kind %zu", i), LEAK;
    return still_lists();
}

/* Another thread changes what the sandbox looks at, until `stop`. */
static volatile int stop;
static int target, directory, other;
static char *changing;
static void *change_descriptor(void *unused) {
    int pipes[2];
    if (pipe(pipes) < 0) return unused;
    for (int i = 0; !stop; i++) dup2(i % 3 == 0 ? directory : i % 3 == 1 ? pipes[0] : other, target);
    return unused;
}
static void *change_memory(void *unused) {
    static const int protections[] = {PROT_NONE, PROT_READ | PROT_WRITE, PROT_READ};
    for (int i = 0; !stop; i++)
        mmap(changing, 8192, protections[i % 3], MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return unused;
}
static void *change_files(void *unused) {
    for (int i = 0; !stop; i++) {
        char name[64];
        snprintf(name, sizeof name, PLACE "/%d", i % FILES);
        unlink(name);
        close(open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    }
    return unused;
}
PROBE(listing_descriptor_races) {
    static char bytes[2048];
    pthread_t thread;
    directory = open_place();
    other = open("/proc/self", O_RDONLY | O_DIRECTORY);
    target = dup(directory);
    pthread_create(&thread, NULL, change_descriptor, NULL);
    for (int i = 0; i < 1000; i++) {
        long count = list_into(target, bytes, sizeof bytes);
        for (long place = 0; place < count;) {
            const struct entry *entry = (const struct entry *)(bytes + place);
            if (entry->length < 24 || entry->length > count - place) return note("damaged"), LEAK;
            place += entry->length;
        }
        lseek(target, 0, SEEK_SET);
    }
    stop = 1;
    pthread_join(thread, NULL);
    return still_lists();
}
PROBE(listing_memory_races) {
    pthread_t thread;
    int fd = open_place();
    changing = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_create(&thread, NULL, change_memory, NULL);
    for (int i = 0; i < 500; i++) {
        lseek(fd, 0, SEEK_SET);
        list_into(fd, changing + 2048, 6144);
    }
    stop = 1;
    pthread_join(thread, NULL);
    return still_lists();
}
PROBE(listing_changes) {
    static char bytes[512];
    pthread_t thread;
    int fd = open_place();
    pthread_create(&thread, NULL, change_files, NULL);
    for (int i = 0; i < 30; i++) {
        long count;
        lseek(fd, 0, SEEK_SET);
        while ((count = list_into(fd, bytes, sizeof bytes)) > 0) {
            unsigned char seen[NAMES] = {0};
            if (!take_up(bytes, count, seen)) return note("damaged"), LEAK;
        }
    }
    stop = 1;
    pthread_join(thread, NULL);
    return still_lists();
}
PROBE(listing_deaths) {
    for (int i = 0; i < 40; i++) {
        pid_t child = fork();
        if (child == 0) {
            static char bytes[256];
            int fd = open(PLACE, O_RDONLY | O_DIRECTORY);
            for (;;) {
                list_into(fd, bytes, sizeof bytes);
                lseek(fd, 0, SEEK_SET);
            }
        }
        usleep(200 + 37 * (useconds_t)i);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    return still_lists();
}
/* More begun at one time than are kept. */
PROBE(listing_crowd) {
    enum { CROWD = 100 };
    static unsigned char seen[CROWD][NAMES];
    static char bytes[CROWD][3072];
    int fds[CROWD], left = CROWD;
    fds[0] = open_place();
    for (int i = 1; i < CROWD; i++) fds[i] = open(PLACE, O_RDONLY | O_DIRECTORY);
    while (left > 0) {
        left = 0;
        for (int i = 0; i < CROWD; i++) {
            long count = list_into(fds[i], bytes[i], sizeof bytes[i]);
            if (count < 0 || !take_up(bytes[i], count, seen[i])) return note("of %d: %s", i, strerrorname_np(errno)), LEAK;
            left += count > 0;
        }
    }
    for (int i = 0; i < CROWD; i++)
        if (!is_complete(seen[i])) return note("%d is not whole", i), LEAK;
    return still_lists();
}
/* A thread with files of its own asks for a number that means something else to its process. */
static void *list_own(void *found) {
    char bytes[4096];
    unsigned char seen[NAMES] = {0};
    if (unshare(CLONE_FILES) < 0) return found;
    int fd = open(PLACE, O_RDONLY | O_DIRECTORY);
    dup2(fd, target);
    long count = list_into(target, bytes, sizeof bytes);
    *(int *)found = count > 0 && take_up(bytes, count, seen) ? 1 : -1;
    return found;
}
PROBE(listing_of_thread) {
    pthread_t thread;
    int found = 0;
    close(open_place());
    target = open("/proc/self", O_RDONLY | O_DIRECTORY);
    pthread_create(&thread, NULL, list_own, &found);
    pthread_join(thread, NULL);
    if (found < 0) return note("another's directory"), LEAK;
    return still_lists();
}

/* ---- the init ---- */
#define OTHER if (getppid() == 1) { note("the probe is PID 1"); return NONE; }
PROBE(init_robust_list) {
    OTHER
    void *head;
    size_t size;
    return fails(syscall(SYS_get_robust_list, 1, &head, &size));
}
static int is_gone(pid_t process) {
    for (int i = 0; i < 3000; i++) {
        if (kill(process, 0) < 0 && errno == ESRCH) return 1;
        usleep(1000);
    }
    return 0;
}
static pid_t make_orphan(void) {
    pid_t *orphan = mmap(NULL, sizeof *orphan, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child = fork();
    if (child == 0) {
        pid_t grandchild = fork();
        if (grandchild > 0) *orphan = grandchild;
        _exit(0);
    }
    waitpid(child, NULL, 0);
    return *orphan;
}
PROBE(init_flooded) {
    OTHER
    static const int signals[] = {SIGCHLD, SIGWINCH, SIGURG};
    for (int i = 0; i < 20000; i++) {
        union sigval value = {.sival_int = i};
        sigqueue(1, signals[i % 3], value);
    }
    if (!is_gone(make_orphan())) return note("it reaps no more"), LEAK;
    note("it goes on");
    return SHUT;
}
PROBE(init_orphans) {
    OTHER
    enum { ORPHANS = 100 };
    pid_t orphans[ORPHANS];
    for (int i = 0; i < ORPHANS; i++) orphans[i] = make_orphan();
    for (int i = 0; i < ORPHANS; i++)
        if (!is_gone(orphans[i])) return note("%d is left", orphans[i]), LEAK;
    note("all reaped");
    return SHUT;
}

/* ---- privileges by other ways ---- */
PROBE(own_maps) {
    /* Not projid_map, which is anybody's to write once: project ids change in the first user namespace alone. */
    static const char *const names[] = {"uid_map", "gid_map", "timens_offsets"};
    static const char *const texts[] = {"0 0 1\n", "0 0 1\n", "monotonic 7 0\n"};
    for (int i = 0; i < 3; i++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/%s", names[i]);
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd >= 0 && write(fd, texts[i], strlen(texts[i])) >= 0) return note("%s", names[i]), LEAK;
    }
    return fails(-1);
}
PROBE(random_pool) {
    static const unsigned long requests[] = {RNDADDTOENTCNT, RNDZAPENTCNT, RNDCLEARPOOL, RNDRESEEDCRNG};
    int fd = open("/dev/random", O_RDWR), bits = 1;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        if (ioctl(fd, requests[i], &bits) >= 0) return note("request %lx", requests[i]), LEAK;
    return fails(-1);
}
PROBE(forged_sender) {
    int ends[2];
    struct ucred somebody = {.pid = 1, .uid = 4321, .gid = 4321};
    union { struct cmsghdr header; char bytes[CMSG_SPACE(sizeof somebody)]; } about = {
        .header = {CMSG_LEN(sizeof somebody), SOL_SOCKET, SCM_CREDENTIALS}};
    struct iovec part = {"x", 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &about, .msg_controllen = sizeof about};
    memcpy(CMSG_DATA(&about.header), &somebody, sizeof somebody);
    return socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) < 0 ? NONE : fails(sendmsg(ends[0], &message, 0));
}
/* The filter looks at one half of a register. */
PROBE(clone_high_bits) {
    static const uint64_t highs[] = {0, 1ull << 32, 0xffffffff00000000};
    static const uint64_t flags[] = {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWUSER | CLONE_NEWPID};
    for (size_t i = 0; i < 12; i++) {
        long child = syscall(SYS_clone, highs[i / 4] | flags[i % 4] | SIGCHLD, 0, 0, 0, 0);
        if (child == 0) _exit(0);
        if (child > 0) return note("%llx", (unsigned long long)(highs[i / 4] | flags[i % 4])), LEAK;
    }
    return fails(-1);
}
PROBE(set_id_by_descriptor) {
    char path[64];
    int fd = open("/probes/setuid", O_PATH);
    if (fd < 0) return NONE;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return gains(path);
}

/* ---- the network, also where the sandbox made it ---- */
static enum verdict lists_sockets(const char *path, int is_own) {
    char line[512];
    FILE *file = fopen(path, "re");
    if (!file || !fgets(line, sizeof line, file)) return SHUT;
    while (fgets(line, sizeof line, file)) {
        /* The kernel's own routing sockets have no process. */
        unsigned protocol = 0, process = 1;
        if (is_own && sscanf(line, "%*s %u %u", &protocol, &process) == 2 && process == 0) continue;
        fclose(file);
        return note("%s: %.100s", path, line), LEAK;
    }
    fclose(file);
    note("none");
    return SHUT;
}
PROBE(unix_sockets_of_others) { return lists_sockets("/proc/net/unix", 0); }
PROBE(internet_sockets_of_others) {
    static const char *const names[] = {"tcp", "tcp6", "udp", "udp6", "raw", "raw6", "icmp", "packet"};
    for (int i = 0; i < 8; i++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/net/%s", names[i]);
        if (lists_sockets(path, 0) == LEAK) return LEAK;
    }
    note("none");
    return SHUT;
}
PROBE(netlink_sockets_of_others) { return lists_sockets("/proc/net/netlink", 1); }
PROBE(forced_socket_options) {
    static const int options[] = {SO_DEBUG, SO_MARK, SO_RCVBUFFORCE, SO_SNDBUFFORCE};
    int fd = socket(AF_INET, SOCK_DGRAM, 0), one = 1;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (setsockopt(fd, SOL_SOCKET, options[i], &one, sizeof one) >= 0) return note("option %d", options[i]), LEAK;
    return fails(-1);
}
PROBE(make_address) {
    struct { struct nlmsghdr header; struct { uint8_t family, prefix, flags, scope; uint32_t index; } body;
             struct rtattr name; uint32_t address; } request = {
        .header = {sizeof request, RTM_NEWADDR, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE, 1, 0},
        .body = {AF_INET, 8, 0, 0, 1}, .name = {8, 2 /* IFA_LOCAL */}, .address = htonl(0x0a000001)};
    struct { struct nlmsghdr header; struct nlmsgerr error; char rest[512]; } reply = {0};
    int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    if (fd < 0 || send(fd, &request, sizeof request, 0) < 0 || recv(fd, &reply, sizeof reply, 0) < 0) return fails(-1);
    errno = -reply.error.error;
    return refused(errno ? -1 : 0);
}

#define LIST(name) {#name, name}
const struct probe seam_probes[] = {
    LIST(listing_bad_pointers), LIST(listing_across_pages), LIST(listing_over_input), LIST(listing_over_image),
    LIST(listing_over_init), LIST(listing_sizes), LIST(listing_positions), LIST(listing_other_kinds),
    LIST(listing_descriptor_races), LIST(listing_memory_races), LIST(listing_changes), LIST(listing_deaths),
    LIST(listing_crowd), LIST(listing_of_thread), LIST(init_robust_list), LIST(init_flooded), LIST(init_orphans),
    LIST(own_maps), LIST(random_pool), LIST(forged_sender), LIST(clone_high_bits), LIST(set_id_by_descriptor),
    LIST(unix_sockets_of_others), LIST(internet_sockets_of_others), LIST(netlink_sockets_of_others),
    LIST(forced_socket_options), LIST(make_address), {0},
};
