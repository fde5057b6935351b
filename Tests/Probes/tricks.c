/* What somebody tries who knows how containers were left before: published escapes, and the seams of this one. */
#define _GNU_SOURCE
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <net/if.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define PROBE(name) static enum verdict name(void)
#define INIT "/dev/ibid-init"

/* ---- everything below a directory of /proc, whatever this kernel has there ---- */
static enum verdict search_writable(const char *directory, int depth) {
    DIR *list = opendir(directory);
    enum verdict verdict = SHUT;
    for (struct dirent *entry; list && verdict == SHUT && (entry = readdir(list));) {
        char path[4096];
        struct stat file;
        if (entry->d_name[0] == '.' || (depth == 0 && (strspn(entry->d_name, "0123456789") || !strcmp(entry->d_name, "sys"))))
            continue;
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        if (lstat(path, &file) < 0) continue;
        if (S_ISDIR(file.st_mode)) verdict = search_writable(path, depth + 1);
        if (!S_ISREG(file.st_mode)) continue; /* a mask is a device */
        int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0) continue;
        note("%s", path);
        close(fd);
        verdict = LEAK;
    }
    if (list) closedir(list);
    return verdict;
}
PROBE(any_kernel_setting) { return search_writable("/proc/sys", 1); }
PROBE(any_file_of_proc) { return search_writable("/proc", 0); }
PROBE(any_file_of_init) { return getppid() == 1 ? NONE : search_writable("/proc/1", 1); }
PROBE(anything_in_sys) { return search_writable("/sys/kernel", 1) ?: search_writable("/sys/fs", 1) ?: search_writable("/sys/module", 1); }

/* ---- the container's init: CVE-2019-5736 and its relatives ---- */
PROBE(init_write) { return fails(open(INIT, O_WRONLY)); }
PROBE(init_truncate) { return fails(truncate(INIT, 0)); }
PROBE(init_mode) { return fails(chmod(INIT, 0777)); }
PROBE(init_remove) { return fails(unlink(INIT)); }
PROBE(init_replace) {
    int fd = open("/dev/probe-init", O_CREAT | O_WRONLY, 0755);
    if (fd < 0) return fails(fd);
    enum verdict verdict = fails(rename("/dev/probe-init", INIT));
    unlink("/dev/probe-init");
    return verdict;
}
PROBE(init_link) { return fails(link(INIT, "/tmp/probe-init")); }
PROBE(init_attribute) { return fails(setxattr(INIT, "user.probe", "x", 1, 0)); }
PROBE(init_exe_of_child) {
    if (access(INIT, X_OK) < 0) return NONE;
    pid_t child = fork();
    if (child == 0) {
        execl(INIT, INIT, "/probes/probe", "wait", NULL);
        _exit(1);
    }
    usleep(100000); /* until it is the other program, which may not be looked into */
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/exe", child);
    enum verdict verdict = fails(open(path, O_WRONLY));
    int by_path = open(path, O_PATH);
    if (verdict == SHUT && by_path >= 0) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", by_path);
        verdict = fails(open(path, O_RDWR));
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return verdict;
}
PROBE(own_exe_by_descriptor) {
    char path[64];
    int fd = open("/proc/self/exe", O_PATH);
    if (fd < 0) return fails(fd);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return fails(open(path, O_WRONLY | O_TRUNC));
}
PROBE(init_killed) {
    if (getppid() == 1) return NONE;
    kill(1, SIGKILL); /* the end of this list, if it were heard */
    kill(1, SIGSTOP);
    note("not heard");
    return SHUT;
}
PROBE(init_directories) {
    static const char *const names[] = {"/proc/1/root", "/proc/1/cwd", "/proc/1/fd", "/proc/1/map_files", "/proc/1/task/1/fd"};
    if (getppid() == 1) return NONE;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (open(names[i], O_RDONLY | O_DIRECTORY) >= 0) return note("%s", names[i]), LEAK;
    return fails(-1);
}

/* ---- leaked descriptors: CVE-2024-21626 ---- */
PROBE(directories_by_descriptor) {
    for (int fd = 0; fd < 256; fd++) {
        char path[64];
        struct stat file;
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        if (stat(path, &file) == 0 && S_ISDIR(file.st_mode)) return note("%s", path), LEAK;
    }
    note("none");
    return SHUT;
}
PROBE(working_directory_inside) {
    char path[4096] = "";
    struct stat top, above;
    if (!getcwd(path, sizeof path) || path[0] != '/') return note("'%s'", path), LEAK;
    /* From inside, `..` of the root is the root; from a directory outside one climbs to another. */
    for (int i = 0; i < 100 && chdir("..") == 0; i++) {}
    if (stat("/", &top) < 0 || stat(".", &above) < 0) return NONE;
    note("%s", path);
    return top.st_ino == above.st_ino && top.st_dev == above.st_dev ? SHUT : LEAK;
}

/* ---- system calls ---- */
PROBE(trace_oneself) { return fails(ptrace(PTRACE_TRACEME, 0, NULL, NULL)); }
PROBE(trace_child) {
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    enum verdict verdict = fails(ptrace(PTRACE_ATTACH, child, NULL, NULL));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return verdict;
}
PROBE(handle_of_name) {
    struct { struct file_handle handle; char bytes[128]; } name = {.handle = {.handle_bytes = 128}};
    int mount;
    return fails(name_to_handle_at(AT_FDCWD, "/", &name.handle, &mount, 0));
}
PROBE(io_uring_others) {
    if (syscall(SYS_io_uring_enter, -1, 0, 0, 0, NULL, 0) < 0 && errno == EBADF) return note("let through"), LEAK;
    return refused(syscall(SYS_io_uring_register, -1, 0, NULL, 0));
}
#if defined(__x86_64__)
PROBE(segment_table) {
    char bytes[64];
    return refused(syscall(SYS_modify_ldt, 0, bytes, sizeof bytes));
}
PROBE(x32_others) {
    static const long calls[] = {SYS_bpf, SYS_ptrace, SYS_unshare, SYS_mount, SYS_keyctl, 512, 520, 534, 545, 547};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (syscall(0x40000000 | calls[i], -1, -1, -1, -1, -1) >= 0 || errno != ENOSYS) return note("call %ld", calls[i]), LEAK;
    return fails(-1);
}
/* By the numbers of 32-bit Linux: getpid, ptrace, mount, socketcall, keyctl, unshare, bpf. */
PROBE(others_of_32_bits) {
    static const long calls[] = {26, 21, 102, 288, 310, 357, 359};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        long result;
        __asm__ volatile("int $0x80" : "=a"(result) : "a"(calls[i]), "b"(0L), "c"(0L), "d"(0L)
                         : "memory", "r8", "r9", "r10", "r11");
        if (result != -ENOSYS && result != -EPERM) return note("call %ld: %ld", calls[i], result), LEAK;
    }
    note("ENOSYS");
    return SHUT;
}
#endif
/* Every flag of clone3 that makes a namespace, and the ways to a process' other namespaces. */
PROBE(clone3_any) {
    static const uint64_t flags[] = {0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        struct { uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls; } request = {
            .flags = flags[i], .exit_signal = SIGCHLD};
        long child = syscall(SYS_clone3, &request, sizeof request);
        if (child == 0) _exit(0);
        if (child > 0) return note("%llx", (unsigned long long)flags[i]), LEAK;
    }
    return fails(-1);
}
PROBE(new_mount_calls) {
    /* listmount, statmount, open_tree_attr and whatever comes next. */
    for (long call = 457; call < 512; call++) {
        long result = syscall(call, 0, 0, 0, 0, 0, 0);
        if (result >= 0 || (errno != ENOSYS && errno != EPERM)) return note("call %ld: %s", call, strerrorname_np(errno)), LEAK;
    }
    return fails(-1);
}
PROBE(map_null_page) {
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return fails(page == MAP_FAILED ? -1 : 0);
}
PROBE(unseccomp) {
    if (prctl(PR_GET_SECCOMP) != 2) return note("no filter"), LEAK;
    return fails(prctl(PR_SET_SECCOMP, 0));
}
PROBE(memory_map_of_process) { return fails(prctl(PR_SET_MM, PR_SET_MM_EXE_FILE, open("/bin/sh", O_RDONLY), 0, 0)); }
PROBE(drop_no_new_privileges) { return fails(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0)); }
PROBE(ambient_capabilities) { return fails(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 21, 0, 0)); }
PROBE(terminal_tricks) {
    static const unsigned long requests[] = {TIOCSTI, TIOCLINUX, TIOCCONS, TIOCSCTTY, 0x4B3A /* KDSETMODE */};
    for (int fd = 0; fd < 3; fd++)
        for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
            char bytes[8] = {2};
            if (ioctl(fd, requests[i], bytes) == 0) return note("%lx of %d", requests[i], fd), LEAK;
        }
    return fails(-1);
}

/* ---- sockets ---- */
PROBE(any_family) {
    for (int family = 0; family < 64; family++) {
        if (family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK) continue;
        for (int type = 1; type < 7; type++) {
            int ends[2];
            if (socket(family, type, 0) >= 0) return note("family %d", family), LEAK;
            if (errno != EPERM && errno != ENOSYS) return note("family %d: %s", family, strerrorname_np(errno)), LEAK;
            if (socketpair(family, type, 0, ends) == 0) return note("pair of family %d", family), LEAK;
            if (errno != EPERM && errno != ENOSYS) return note("pair of %d: %s", family, strerrorname_np(errno)), LEAK;
        }
    }
    return fails(-1);
}
PROBE(kernel_interfaces_by_netlink) {
    /* The answer counts: libaudit, and with it useradd, gives up on any other. */
    for (int protocol = 1; protocol < 32; protocol++)
        if (socket(AF_NETLINK, SOCK_RAW, protocol) >= 0 || errno != EPROTONOSUPPORT) return note("protocol %d", protocol), LEAK;
    return fails(-1);
}
PROBE(rare_internet_protocols) {
    static const int protocols[] = {33 /* DCCP */, 132 /* SCTP */, 262 /* MPTCP */, 256 /* SMC */, 115 /* L2TP */};
    static const int families[] = {AF_INET, AF_INET6};
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_DCCP};
    for (size_t i = 0; i < 5 * 2 * 4; i++)
        if (socket(families[i % 2], types[i / 2 % 4], protocols[i / 8]) >= 0)
            return note("protocol %d", protocols[i / 8]), LEAK;
    return fails(-1);
}
PROBE(packet_filter_tables) {
    char bytes[256] = {0};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd < 0 ? fails(fd) : fails(setsockopt(fd, 0, 64 /* IPT_SO_SET_REPLACE */, bytes, sizeof bytes));
}
PROBE(service_sockets) {
    static const char *const names[] = {"/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock",
        "/run/podman/podman.sock", "/run/dbus/system_bus_socket", "/run/systemd/private", "/run/systemd/notify",
        "/run/systemd/journal/stdout", "/dev/log", "/tmp/.X11-unix/X0", "/run/nscd/socket"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        strcpy(address.sun_path, names[i]);
        if (connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address) == 0 || errno != ENOENT)
            return note("%s", names[i]), LEAK;
    }
    return fails(-1);
}

/* ---- memory, queues and semaphores of the host ---- */
PROBE(host_segment) {
    const char *key = argument("shm");
    return key ? fails(shmget((key_t)atoi(key), 1, 0)) : NONE;
}
PROBE(host_segments_by_index) {
    for (int id = 0; id < 64; id++)
        if (shmat(id, NULL, SHM_RDONLY) != (void *)-1) return note("%d", id), LEAK;
    return fails(-1);
}
PROBE(host_semaphores) {
    const char *key = argument("shm");
    return key ? fails(semget((key_t)atoi(key), 1, 0)) : NONE;
}
PROBE(host_queue) {
    const char *name = argument("secret");
    char path[300];
    snprintf(path, sizeof path, "/%s", name ? name : "none");
    return name ? fails((long)mq_open(path, O_RDONLY)) : NONE;
}
PROBE(host_shared_file) {
    const char *name = argument("secret");
    char path[300];
    snprintf(path, sizeof path, "/%s", name ? name : "none");
    return name ? fails(shm_open(path, O_RDONLY, 0)) : NONE;
}

/* ---- what was given to be read only ---- */
static enum verdict input_write(const char *path) {
    return access("/inputs/file", F_OK) < 0 ? NONE : fails(open(path, O_WRONLY));
}
PROBE(input_write_plain) { return input_write("/inputs/file"); }
PROBE(input_write_by_root) { return input_write("/proc/self/root/inputs/file"); }
PROBE(input_write_by_descriptor) {
    char path[64];
    int fd = open("/inputs/file", O_RDONLY);
    if (fd < 0) return NONE;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return input_write(path);
}
PROBE(input_truncate) { return access("/inputs/file", F_OK) < 0 ? NONE : fails(truncate("/inputs/file", 0)); }
PROBE(input_mode) { return access("/inputs/file", F_OK) < 0 ? NONE : fails(chmod("/inputs/file", 0666)); }
PROBE(input_time) { return access("/inputs/file", F_OK) < 0 ? NONE : fails(utimensat(AT_FDCWD, "/inputs/file", NULL, 0)); }
PROBE(input_attribute) { return access("/inputs/file", F_OK) < 0 ? NONE : fails(setxattr("/inputs/file", "user.x", "x", 1, 0)); }
PROBE(input_link) { return access("/inputs/file", F_OK) < 0 ? NONE : fails(link("/inputs/file", "probe-input")); }
PROBE(input_rename) { return access("/inputs/file", F_OK) < 0 ? NONE : fails(rename("/inputs/file", "/inputs/other")); }
PROBE(input_remove) { return access("/inputs/file", F_OK) < 0 ? NONE : fails(unlink("/inputs/file")); }
PROBE(input_map) {
    int fd = open("/inputs/file", O_RDONLY);
    if (fd < 0) return NONE;
    return fails(mmap(NULL, 1, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
}

/* ---- facts ---- */
PROBE(same_namespaces) {
    const char *host = argument("namespaces");
    static const char *const names[] = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};
    if (!host) return NONE;
    for (size_t i = 0; i < 8; i++) {
        char path[64], target[64] = "";
        snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
        if (readlink(path, target, sizeof target - 1) > 0 && strstr(host, target)) return note("%s", target), LEAK;
    }
    note("eight others");
    return SHUT;
}
PROBE(time_since_boot) {
    const char *host = argument("uptime");
    struct sysinfo facts;
    struct timespec now;
    double seconds = 0;
    FILE *file = fopen("/proc/uptime", "r");
    if (!host || sysinfo(&facts) < 0 || !file || fscanf(file, "%lf", &seconds) != 1) return NONE;
    clock_gettime(CLOCK_BOOTTIME, &now);
    note("%ld, %ld, %.0f", facts.uptime, (long)now.tv_sec, seconds);
    long times[] = {facts.uptime, (long)now.tv_sec, (long)seconds};
    for (size_t i = 0; i < 3; i++)
        if (labs(times[i] - atol(host)) < 600) return LEAK;
    return SHUT;
}
static enum verdict none_is(const char *wanted, const char *const *names) {
    char bytes[128];
    for (; *names; names++) {
        int fd = open(*names, O_RDONLY | O_NONBLOCK);
        ssize_t count = fd < 0 ? 0 : read(fd, bytes, sizeof bytes);
        if (fd >= 0) close(fd);
        if (count > 0 && memmem(bytes, (size_t)count, wanted, strlen(wanted))) return note("%s", *names), LEAK;
    }
    note("in no file");
    return SHUT;
}
PROBE(machine_identity) {
    const char *machine = argument("machine");
    return !machine ? NONE : none_is(machine, (const char *const[]){"/etc/machine-id", "/var/lib/dbus/machine-id",
        "/run/machine-id", "/proc/sys/kernel/random/boot_id", "/etc/hostid", NULL});
}
PROBE(host_name_in_files) {
    const char *host = argument("host");
    return !host ? NONE : none_is(host, (const char *const[]){"/etc/hostname", "/etc/hosts", "/etc/mailname",
        "/proc/sys/kernel/hostname", NULL});
}
PROBE(domain_name) {
    struct utsname name;
    uname(&name);
    note("%s", name.domainname);
    return strcmp(name.domainname, "(none)") == 0 || !*name.domainname ? SHUT : LEAK;
}
PROBE(more_facts) {
    static const char *const names[] = {"/proc/locks", "/proc/softirqs", "/proc/zoneinfo", "/proc/buddyinfo",
        "/proc/schedstat", "/proc/mtrr", "/proc/slabinfo", "/proc/pagetypeinfo", "/proc/vmallocinfo", "/proc/driver/rtc",
        "/proc/bus/pci/devices", "/proc/bus/input/devices", "/proc/pressure/cpu", "/proc/fs/jbd2", "/proc/self/stack"};
    char bytes[64];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int fd = open(names[i], O_RDONLY | O_NONBLOCK);
        if (fd >= 0 && read(fd, bytes, sizeof bytes) > 0) return note("%s", names[i]), LEAK;
        if (fd >= 0) close(fd);
    }
    for (const char *const *name = (const char *const[]){"/proc/irq", "/proc/bus", "/proc/fs", "/proc/driver", NULL}; *name; name++) {
        DIR *directory = opendir(*name);
        for (struct dirent *entry; directory && (entry = readdir(directory));)
            if (entry->d_name[0] != '.') return note("%s/%s", *name, entry->d_name), LEAK;
    }
    note("nothing to read");
    return SHUT;
}
PROBE(limits_of_caller) {
    /* A run's limits are its own: what the caller's session may do (real-time priorities) is not handed on. */
    struct { int resource; const char *name; unsigned long most; } limits[] = {
        {13, "nice", 0}, {14, "rtprio", 0}, {4, "core", 0}, {8, "memlock", 8 << 20}, {12, "msgqueue", 819200}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct { unsigned long soft, hard; } limit;
        if (syscall(SYS_prlimit64, 0, limits[i].resource, NULL, &limit) == 0 && limit.hard > limits[i].most)
            return note("%s %lu", limits[i].name, limit.hard), LEAK;
    }
    note("its own");
    return SHUT;
}
PROBE(ignored_signals) {
    for (int signal = 1; signal < 32; signal++) {
        struct sigaction action;
        if (sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN) return note("signal %d", signal), LEAK;
    }
    sigset_t blocked;
    sigprocmask(SIG_SETMASK, NULL, &blocked);
    note("none");
    return sigisemptyset(&blocked) ? SHUT : LEAK;
}

#define LIST(name) {#name, name}
const struct probe trick_probes[] = {
    LIST(any_kernel_setting), LIST(any_file_of_proc), LIST(any_file_of_init), LIST(anything_in_sys), LIST(init_write),
    LIST(init_truncate), LIST(init_mode), LIST(init_remove), LIST(init_replace), LIST(init_link), LIST(init_attribute),
    LIST(init_exe_of_child), LIST(own_exe_by_descriptor), LIST(init_killed), LIST(init_directories),
    LIST(directories_by_descriptor), LIST(working_directory_inside), LIST(trace_oneself), LIST(trace_child),
    LIST(handle_of_name), LIST(io_uring_others),
#if defined(__x86_64__)
    LIST(segment_table), LIST(x32_others), LIST(others_of_32_bits),
#endif
    LIST(clone3_any), LIST(new_mount_calls), LIST(map_null_page), LIST(unseccomp), LIST(memory_map_of_process),
    LIST(drop_no_new_privileges), LIST(ambient_capabilities), LIST(terminal_tricks), LIST(any_family),
    LIST(kernel_interfaces_by_netlink), LIST(rare_internet_protocols), LIST(packet_filter_tables), LIST(service_sockets),
    LIST(host_segment), LIST(host_segments_by_index), LIST(host_semaphores), LIST(host_queue), LIST(host_shared_file),
    LIST(input_write_plain), LIST(input_write_by_root), LIST(input_write_by_descriptor), LIST(input_truncate),
    LIST(input_mode), LIST(input_time), LIST(input_attribute), LIST(input_link), LIST(input_rename), LIST(input_remove),
    LIST(input_map), LIST(same_namespaces), LIST(time_since_boot), LIST(machine_identity), LIST(host_name_in_files),
    LIST(domain_name), LIST(more_facts), LIST(limits_of_caller), LIST(ignored_signals), {0},
};
