#define _GNU_SOURCE
#include "sandbox.h"

#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOG SCRATCH "/log"
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

/* What crun and runc tell themselves when they execute a copy of their own file, so that a container can never write to
   that file through /proc/PID/exe (CVE-2019-5736). They accept a file that is mounted read-only as such a copy, and this
   program gives them one (open_runtime), which spares a copy and a second execution. */
#define CLONED "_LIBCONTAINER_CLONED_BINARY=1"

/* The kernel forgets the death signal whenever file system ids change, so it is set again after that; a parent that
   ended in between has left this process to another one. */
static void die_with_parent(pid_t parent) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) fail("set the death signal");
    if (parent && getppid() != parent) _exit(125);
}

/* What the OCI runtime has no word for, and every process inherits. */
static void hold_still(const struct plan *plan) {
    if (plan->fixed_addresses) {
        int current = personality(0xffffffff);
        if (current < 0 || personality((unsigned long)current | ADDR_NO_RANDOMIZE) < 0) fail("fix the addresses");
    }
    if (plan->processes) {
        /* The user namespace that the runtime makes takes this as the most that all of its users may have (since Linux
           5.14); the limit of each of them is in the bundle. */
        struct rlimit limit;
        if (getrlimit(RLIMIT_NPROC, &limit) < 0) fail("look at the limit of processes");
        if (limit.rlim_cur > plan->processes) limit.rlim_cur = plan->processes;
        if (setrlimit(RLIMIT_NPROC, &limit) < 0) fail("limit the processes");
    }
    if (plan->processors) {
        /* Beginning anywhere, so that containers side by side do not share one processor. */
        cpu_set_t allowed, chosen;
        if (sched_getaffinity(0, sizeof allowed, &allowed) < 0) fail("look at the processors");
        struct timespec now = {0};
        clock_gettime(CLOCK_MONOTONIC, &now);
        int count = CPU_COUNT(&allowed), skip = count ? (int)(now.tv_nsec / 1000 % count) : 0;
        CPU_ZERO(&chosen);
        for (int turn = 0; turn < 2 * CPU_SETSIZE && (uint32_t)CPU_COUNT(&chosen) < plan->processors; turn++) {
            int processor = turn % CPU_SETSIZE;
            if (CPU_ISSET(processor, &allowed) && skip-- <= 0) CPU_SET(processor, &chosen);
        }
        if (sched_setaffinity(0, sizeof chosen, &chosen) < 0) fail("choose the processors");
    }
}

/* How long the machine has been on, and its domain's name, are nothing that a container should know, and no runtime of
   today has a word for both. Every container begins on the second day of a machine's life: an analysis which takes the
   monotonic clock for a large number is right as well. */
static void hide_machine(void) {
    enum { SECOND_DAY = 86400 };
    static const char *const clocks[] = {"monotonic", "boottime"};
    static const clockid_t ids[] = {CLOCK_MONOTONIC, CLOCK_BOOTTIME};
    if (unshare(CLONE_NEWUTS) < 0 || setdomainname("(none)", 6) < 0) fail("forget the domain's name");
    /* For the children of this process. It is no wall, so a kernel without it, or a user who may not, goes without. */
    if (unshare(CLONE_NEWTIME) < 0) return;
    char text[128] = "";
    int length = 0, fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
    for (int i = 0; i < 2; i++) {
        struct timespec now;
        clock_gettime(ids[i], &now);
        length += snprintf(text + length, sizeof text - (size_t)length, "%s %lld 0\n", clocks[i], (long long)SECOND_DAY - now.tv_sec);
    }
    if (fd < 0) return;
    ssize_t written = write(fd, text, (size_t)length);
    (void)written;
    close(fd);
}

/* The last thing before the runtime: it and all below it then ask the sandbox how directories are listed. */
static void hand_out_questions(int channel) {
    int questions = sort_listings();
    if (questions >= 0 && cl_send_descriptor(channel, questions, REPORT_UNSORTED) < 0) fail("hand out the questions");
    if (questions < 0) report(REPORT_UNSORTED, strerror(errno), strlen(strerror(errno)));
    close(questions);
    close(channel);
}

/* PID 1 of the container's outer PID namespace becomes the runtime. */
__attribute__((noreturn)) static void become_runtime(const struct plan *plan, int runtime, int sandbox, int init,
                                                     int channel) {
    die_with_parent(0);
    /* From inside, the parent's id reads as 0 whether it lives or not: its pidfd tells. */
    struct pollfd ended = {.fd = sandbox, .events = POLLIN};
    if (poll(&ended, 1, 0) != 0) _exit(125);
    hold_still(plan);
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0) fail("mount /proc");
    char *arguments[MAX_ARGUMENTS + 2] = {(char *)plan->runtime};
    for (size_t i = 0; i < plan->argument_count; i++) arguments[i + 1] = (char *)plan->arguments[i];
    char *environment[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", CLONED, NULL};
    /* The init's descriptor takes the place of the control socket, which moves away. */
    if ((control = fcntl(CONTROL, F_DUPFD_CLOEXEC, 10)) < 0 || dup2(init, INIT_REPORT) < 0)
        fail("hand on the init's descriptor");
    if (channel >= 0) hand_out_questions(channel);
    execveat(runtime, "", arguments, environment, AT_EMPTY_PATH);
    fail("execute %s", plan->runtime);
}

/* The runtime's file in a mount of its own, which can only be read and is in no directory. */
static int open_runtime(const char *path) {
    struct mount_attr request = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
    int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (fd < 0) fail("open %s", path);
    if (mount_setattr(fd, "", AT_EMPTY_PATH, &request, sizeof request) < 0) fail("make %s read-only", path);
    return fd;
}

static pid_t start_runtime(const struct plan *plan, int runtime, int init, int *pidfd, int *questions) {
    int sandbox = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (sandbox < 0) fail("open the sandbox's own pidfd");
    int channel[2] = {-1, -1};
    if (plan->sorted_listings) {
        prepare_listings();
        if (cl_socketpair_seqpacket(channel) < 0) fail("make a socket pair");
    }
    struct clone_args request = {
        .flags = CLONE_NEWPID | CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)pidfd, .exit_signal = SIGCHLD};
    pid_t child = (pid_t)syscall(SYS_clone3, &request, sizeof request);
    if (child < 0) fail("make a PID namespace");
    if (child == 0) become_runtime(plan, runtime, sandbox, init, channel[1]);
    close(sandbox);
    *questions = -1;
    if (plan->sorted_listings) {
        char byte;
        close(channel[1]);
        cl_receive_descriptor(channel[0], &byte, 1, questions);
        close(channel[0]);
    }
    return child;
}

/* Waits for the runtime's end, and answers questions meanwhile. One word from ibid has the init start the command; any
   other, or its silence for ever, ends the container: PID 1 is not gone before everything in its namespace is. */
static int await(pid_t child, int pidfd, int init, int questions) {
    struct pollfd events[3] = {
        {.fd = pidfd, .events = POLLIN}, {.fd = CONTROL, .events = POLLIN}, {.fd = questions, .events = POLLIN}};
    for (;;) {
        if (poll(events, 3, -1) < 0) {
            if (errno == EINTR) continue;
            fail("wait for the runtime");
        }
        if (events[0].revents) break;
        if (events[1].revents) {
            char word = 0;
            if (recv(CONTROL, &word, 1, MSG_DONTWAIT) == 1 && word == RELEASE) {
                /* One that is not there any more needs no word. */
                ssize_t sent = send(init, &word, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
                (void)sent;
                continue;
            }
            syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
            events[1].fd = -1;
        }
        if (events[2].revents & POLLIN) answer_listing(questions);
        else if (events[2].revents) events[2].fd = -1; /* nobody is left who could ask */
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) fail("reap the runtime");
    return status;
}

/* ibid may put this process into its cgroup while the root is built, and says when the runtime may start. */
static void wait_for_word(void) {
    char byte;
    ssize_t got;
    do got = read(CONTROL, &byte, 1);
    while (got < 0 && errno == EINTR);
    if (got != 1) _exit(125);
}

/* A thread that moves itself is moved at once. For a process that is moved by another the kernel first waits until none
   on the whole machine is forking or ending, and that takes longer than all that happens here. */
static void join_groups(const struct plan *plan) {
    for (size_t i = 0; i < plan->join_count; i++) {
        int fd = open(plan->join[i], O_WRONLY | O_CLOEXEC);
        if (fd < 0 || write(fd, "0", 1) != 1) fail("join %s", plan->join[i]);
        close(fd);
    }
}

static void report_log(void) {
    char text[4000];
    int fd = open(LOG, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    ssize_t got = read(fd, text, sizeof text);
    if (got > 0) report(REPORT_LOG, text, (size_t)got);
    close(fd);
}

/* Every holder of the socket's other end is gone: what is in it is all there will be. */
static void report_init(int fd) {
    struct init_report seen;
    if (recv(fd, &seen, sizeof seen, MSG_DONTWAIT) == (ssize_t)sizeof seen) report(REPORT_INIT, &seen, sizeof seen);
    close(fd);
}

/* proc(5): a process' figures include those of the children that it has waited for, down to the last. */
static void report_written(int fd) {
    char text[1024];
    if (fd < 0) return; /* a kernel that does not count */
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    text[got > 0 ? got : 0] = 0;
    const char *line = strstr(text, "\nwrite_bytes: ");
    if (!line) return;
    int64_t bytes = strtoll(line + 14, NULL, 10);
    report(REPORT_WRITTEN, &bytes, sizeof bytes);
}

int main(int count, char **arguments) {
    static struct plan plan;
    /* A container that only has to start. */
    if (count == 2 && strcmp(arguments[1], "--probe") == 0) return 0;
    pid_t parent = getppid();
    if (fcntl(CONTROL, F_SETFD, FD_CLOEXEC) < 0 || fcntl(PLAN, F_SETFD, FD_CLOEXEC) < 0) return 64;
    die_with_parent(parent);
    read_plan(&plan);
    if (plan.has_id_map && fcntl(ID_MAP, F_SETFD, FD_CLOEXEC) < 0) fail("take the id map");
    join_groups(&plan);

    if (unshare(CLONE_NEWNS) < 0) fail("make a mount namespace");
    int runtime = plan.runtime ? open_runtime(plan.runtime) : -1;
    build_root(&plan);
    die_with_parent(parent);
    /* Before the network: made in it, they would be on the container's list of sockets. */
    int init[2] = {-1, -1};
    if (plan.runtime && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, init) < 0) fail("make a socket pair");
    if (plan.own_network) build_network(&plan);

    int status = 0;
    if (plan.runtime) {
        int pidfd = -1, questions;
        wait_for_word();
        hide_machine();
        int own = open("/proc/self/io", O_RDONLY | O_CLOEXEC); /* the runtime's /proc will cover this one */
        report(REPORT_STARTED, NULL, 0);
        pid_t child = start_runtime(&plan, runtime, init[1], &pidfd, &questions);
        close(init[1]);
        status = await(child, pidfd, init[0], questions);
        report_log();
        report_init(init[0]);
        report_written(own);
    }
    report(REPORT_ENDED, &status, sizeof status);
    return 0;
}
