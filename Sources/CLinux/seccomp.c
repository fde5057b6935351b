/* The system call filter of a container, as the classic BPF program that the kernel takes.

   The list has the shape of moby's profile (github.com/moby/profiles, seccomp/default.json, Apache-2.0) with nothing
   gated on capabilities: those are the kernel's own check. What is allowed is named here, what is known to be dangerous
   answers EPERM, and what nobody has heard of answers ENOSYS, so that a C library that tries a new call falls back to
   the old one. A call with structures that a filter cannot look into (clone3, io_uring) is refused as a whole. */
#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
/* Older forms that newer architectures were never given. */
#define ALLOWED_HERE(X)                                                                                            \
    X(access) X(alarm) X(arch_prctl) X(chmod) X(chown) X(creat) X(dup2) X(epoll_create) X(epoll_ctl_old)           \
    X(epoll_wait) X(epoll_wait_old) X(eventfd) X(fork) X(futimesat) X(getdents) X(getpgrp) X(getrlimit)            \
    X(inotify_init) X(lchown) X(link) X(lstat) X(mkdir) X(mknod) X(newfstatat) X(open) X(pause)      \
    X(pipe) X(poll) X(readlink) X(rename) X(renameat) X(rmdir) X(select) X(sendfile) X(signalfd) X(stat) X(symlink)\
    X(sync_file_range) X(sysfs) X(time) X(unlink) X(ustat) X(utime) X(utimes) X(vfork)
#define REFUSED_HERE(X) X(_sysctl) X(create_module) X(get_kernel_syms) X(ioperm) X(iopl) X(modify_ldt) X(query_module) X(uselib)
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#define ALLOWED_HERE(X) X(newfstatat) X(renameat) X(sendfile) X(sync_file_range)
#define REFUSED_HERE(X)
#else
#error "no system call list for this architecture"
#endif

#define ALLOWED(X)                                                                                                  \
    X(accept) X(accept4) X(adjtimex) X(bind) X(brk) X(cachestat) X(capget) X(capset) X(chdir) X(chroot)             \
    X(clock_adjtime) X(clock_getres) X(clock_gettime) X(clock_nanosleep) X(close) X(close_range) X(connect)         \
    X(copy_file_range) X(dup) X(dup3) X(epoll_create1) X(epoll_ctl) X(epoll_pwait) X(epoll_pwait2) X(eventfd2)      \
    X(execve) X(execveat) X(exit) X(exit_group) X(faccessat) X(faccessat2) X(fadvise64) X(fallocate)                \
    X(fanotify_mark) X(fchdir) X(fchmod) X(fchmodat) X(fchown) X(fchownat) X(fcntl) X(fdatasync) X(fgetxattr)       \
    X(flistxattr) X(flock) X(fremovexattr) X(fsetxattr) X(fstat) X(fstatfs) X(fsync) X(ftruncate) X(futex)          \
    X(futex_waitv) X(get_mempolicy) X(get_robust_list) X(getcpu) X(getcwd) X(getdents64) X(getegid) X(geteuid)      \
    X(getgid) X(getgroups) X(getitimer) X(getpeername) X(getpgid) X(getpid) X(getppid) X(getpriority) X(getrandom)  \
    X(getresgid) X(getresuid) X(getrusage) X(getsid) X(getsockname) X(getsockopt) X(gettid) X(gettimeofday)         \
    X(getuid) X(getxattr) X(inotify_add_watch) X(inotify_init1) X(inotify_rm_watch) X(io_cancel) X(io_destroy)      \
    X(io_getevents) X(io_pgetevents) X(io_setup) X(io_submit) X(ioctl) X(ioprio_get) X(ioprio_set) X(kill)          \
    X(landlock_add_rule) X(landlock_create_ruleset) X(landlock_restrict_self) X(lgetxattr) X(linkat) X(listen)      \
    X(listxattr) X(llistxattr) X(lremovexattr) X(lseek) X(lsetxattr) X(madvise) X(membarrier) X(memfd_create)       \
    X(mincore) X(mkdirat) X(mknodat) X(mlock) X(mlock2) X(mlockall) X(mmap) X(mprotect) X(mq_getsetattr)            \
    X(mq_notify) X(mq_open) X(mq_timedreceive) X(mq_timedsend) X(mq_unlink) X(mremap) X(msgctl) X(msgget)           \
    X(msgrcv) X(msgsnd) X(msync) X(munlock) X(munlockall) X(munmap) X(nanosleep) X(openat)     \
    X(openat2) X(pidfd_open) X(pidfd_send_signal) X(pipe2) X(pkey_alloc) X(pkey_free) X(pkey_mprotect) X(ppoll)     \
    X(prctl) X(pread64) X(preadv) X(preadv2) X(prlimit64) X(process_mrelease) X(pselect6) X(pwrite64)     \
    X(pwritev) X(pwritev2) X(read) X(readahead) X(readlinkat) X(readv) X(recvfrom) X(recvmmsg) X(recvmsg)           \
    X(remap_file_pages) X(removexattr) X(renameat2) X(restart_syscall) X(rseq) X(rt_sigaction) X(rt_sigpending)     \
    X(rt_sigprocmask) X(rt_sigqueueinfo) X(rt_sigreturn) X(rt_sigsuspend) X(rt_sigtimedwait) X(rt_tgsigqueueinfo)   \
    X(sched_get_priority_max) X(sched_get_priority_min) X(sched_getaffinity) X(sched_getattr) X(sched_getparam)     \
    X(sched_getscheduler) X(sched_rr_get_interval) X(sched_setaffinity) X(sched_setattr) X(sched_setparam)          \
    X(sched_setscheduler) X(sched_yield) X(seccomp) X(semctl) X(semget) X(semop) X(semtimedop) X(sendmmsg)          \
    X(sendmsg) X(sendto) X(set_robust_list) X(set_tid_address) X(setfsgid) X(setfsuid) X(setgid) X(setgroups)       \
    X(setitimer) X(setpgid) X(setpriority) X(setregid) X(setresgid) X(setresuid) X(setreuid) X(setrlimit)           \
    X(setsid) X(setsockopt) X(setuid) X(setxattr) X(shmat) X(shmctl) X(shmdt) X(shmget) X(shutdown)                 \
    X(sigaltstack) X(signalfd4) X(splice) X(statfs) X(statx) X(symlinkat) X(sync) X(syncfs)           \
    X(sysinfo) X(tee) X(tgkill) X(timer_create) X(timer_delete) X(timer_getoverrun) X(timer_gettime)                \
    X(timer_settime) X(timerfd_create) X(timerfd_gettime) X(timerfd_settime) X(times) X(tkill) X(truncate)          \
    X(umask) X(uname) X(unlinkat) X(utimensat) X(vmsplice) X(wait4) X(waitid) X(write) X(writev)

#define REFUSED(X)                                                                                                  \
    X(acct) X(add_key) X(bpf) X(clock_settime) X(delete_module) X(fanotify_init) X(finit_module) X(fsconfig)        \
    X(fsmount) X(fsopen) X(fspick) X(init_module) X(io_uring_enter) X(io_uring_register) X(io_uring_setup) X(kcmp)  \
    X(kexec_file_load) X(kexec_load) X(keyctl) X(lookup_dcookie) X(mbind) X(memfd_secret) X(migrate_pages)          \
    X(mount) X(mount_setattr) X(move_mount) X(move_pages) X(name_to_handle_at) X(nfsservctl) X(open_by_handle_at) X(open_tree)           \
    X(perf_event_open) X(pidfd_getfd) X(pivot_root) X(process_madvise) X(process_vm_readv) X(process_vm_writev)     \
    X(ptrace) X(quotactl) X(quotactl_fd) X(reboot) X(request_key) X(set_mempolicy) X(set_mempolicy_home_node) X(setdomainname) \
    X(sethostname) X(setns) X(settimeofday) X(swapoff) X(swapon) X(syslog) X(umount2) X(unshare) X(userfaultfd)     \
    X(vhangup)

#ifndef SYS_cachestat
#define SYS_cachestat 451 /* the same number on every architecture; newer than the headers of Debian 12 */
#endif

#define NUMBER(name) SYS_##name,
static const int allowed_calls[] = {ALLOWED(NUMBER) ALLOWED_HERE(NUMBER)};
static const int refused_calls[] = {REFUSED(NUMBER) REFUSED_HERE(NUMBER)};
#define NAME(name) #name,
static const char *const allowed_names[] = {ALLOWED(NAME) ALLOWED_HERE(NAME) NULL};
static const char *const refused_names[] = {REFUSED(NAME) REFUSED_HERE(NAME) NULL};

/* Flags of clone(2). */
static const uint32_t namespaces[] = {CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                                      CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET};
/* Local sockets, TCP, UDP and ping, and the routing socket that lists interfaces. AF_VSOCK reaches the hypervisor
   whatever the network namespace is, AF_ALG reaches kernel code with a history (CVE-2026-31431), and so do the rarer
   protocols of the families that are here; nothing else is of use to an analysis. Protocol 0 is the usual one. */
static const struct cl_seccomp_socket sockets[] = {
    {AF_UNIX, 0},          {AF_UNIX, AF_UNIX},       {AF_INET, 0},          {AF_INET, IPPROTO_ICMP},
    {AF_INET, IPPROTO_TCP}, {AF_INET, IPPROTO_UDP},  {AF_INET6, 0},         {AF_INET6, IPPROTO_TCP},
    {AF_INET6, IPPROTO_UDP}, {AF_INET6, IPPROTO_ICMPV6}, {AF_NETLINK, NETLINK_ROUTE},
};
static const uint32_t pairs[] = {AF_UNIX};
/* Linux, 32-bit Linux, the short inode form, and the question what it is. Address randomisation may be switched off
   for oneself. */
static const uint32_t personalities[] = {0, 0x8, 0x20000, 0x20008, 0x40000, 0xffffffff};
#define COUNT(array) (sizeof(array) / sizeof *(array))

struct cl_seccomp_list cl_seccomp_lists(void) {
    return (struct cl_seccomp_list){
        .allowed = allowed_names, .refused = refused_names,
        .namespaces = namespaces, .namespace_count = COUNT(namespaces),
        .sockets = sockets, .socket_count = COUNT(sockets),
        .pairs = pairs, .pair_count = COUNT(pairs),
        .personalities = personalities, .personality_count = COUNT(personalities),
    };
}

enum { MAX_INSTRUCTIONS = 2048 };

struct program {
    struct sock_filter code[MAX_INSTRUCTIONS];
    size_t length;
};

static void emit(struct program *program, struct sock_filter instruction) {
    if (program->length < MAX_INSTRUCTIONS) program->code[program->length] = instruction;
    program->length++;
}
static void load(struct program *program, size_t offset) {
    emit(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}
/* Goes on with the next instruction when the test holds, and leaves out `skip` otherwise. */
static void unless(struct program *program, uint16_t test, uint32_t value, uint8_t skip) {
    emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | test | BPF_K, value, 0, skip));
}
static void answer(struct program *program, uint32_t action) {
    emit(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

#define ALLOW SECCOMP_RET_ALLOW
#define ERROR(number) (SECCOMP_RET_ERRNO | (number))
#define LOW_HALF(index) (offsetof(struct seccomp_data, args) + 8 * (index)) /* both architectures are little-endian */

static int by_number(const void *left, const void *right) { return *(const int *)left - *(const int *)right; }

/* One answer for a set of calls: neighbouring numbers share one test of a range. */
static void answer_all(struct program *program, const int *calls, size_t count, uint32_t action) {
    int sorted[512];
    if (count > 512) abort();
    memcpy(sorted, calls, count * sizeof *calls);
    qsort(sorted, count, sizeof *sorted, by_number);
    for (size_t first = 0; first < count;) {
        size_t last = first;
        while (last + 1 < count && sorted[last + 1] <= sorted[last] + 1) last++;
        unless(program, BPF_JGE, (uint32_t)sorted[first], 2);
        emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)sorted[last], 1, 0));
        answer(program, action);
        first = last + 1;
    }
}

/* A call that is allowed for some values of its first argument. */
static void answer_values(struct program *program, uint32_t call, const uint32_t *values, size_t count) {
    unless(program, BPF_JEQ, call, (uint8_t)(2 + 2 * count));
    load(program, LOW_HALF(0));
    for (size_t i = 0; i < count; i++) {
        unless(program, BPF_JEQ, values[i], 1);
        answer(program, ALLOW);
    }
    answer(program, ERROR(EPERM));
}

/* Another family is refused; another protocol of a family that is here is not supported: libaudit, which useradd asks,
   takes that for a kernel without auditing, and anything else for a reason to give up. */
static void answer_sockets(struct program *program) {
    enum { EACH = 5 };
    unless(program, BPF_JEQ, SYS_socket, (uint8_t)(EACH * COUNT(sockets) + 1 + 2 * COUNT(sockets) + 1));
    for (size_t i = 0; i < COUNT(sockets); i++) {
        load(program, LOW_HALF(0));
        unless(program, BPF_JEQ, sockets[i].family, 3);
        load(program, LOW_HALF(2));
        unless(program, BPF_JEQ, sockets[i].protocol, 1);
        answer(program, ALLOW);
    }
    load(program, LOW_HALF(0));
    for (size_t i = 0; i < COUNT(sockets); i++) {
        unless(program, BPF_JEQ, sockets[i].family, 1);
        answer(program, ERROR(EPROTONOSUPPORT));
    }
    answer(program, ERROR(EPERM));
}

static void answer_clone(struct program *program) {
    uint32_t any = 0;
    for (size_t i = 0; i < COUNT(namespaces); i++) any |= namespaces[i];
    unless(program, BPF_JEQ, SYS_clone, 4);
    load(program, LOW_HALF(0));
    unless(program, BPF_JSET, any, 1);
    answer(program, ERROR(EPERM));
    answer(program, ALLOW);
    unless(program, BPF_JEQ, SYS_clone3, 1);
    answer(program, ERROR(ENOSYS)); /* the C library then uses clone */
}

int cl_seccomp_filter(uint8_t *buffer, size_t size) {
    struct program program = {.length = 0};
    load(&program, offsetof(struct seccomp_data, arch));
    unless(&program, BPF_JEQ, ARCHITECTURE, 1);
    emit(&program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0));
    answer(&program, ERROR(ENOSYS)); /* programs for another architecture have other numbers */
    load(&program, offsetof(struct seccomp_data, nr));
    answer_all(&program, allowed_calls, COUNT(allowed_calls), ALLOW);
    answer_all(&program, refused_calls, COUNT(refused_calls), ERROR(EPERM));
    answer_clone(&program);
    answer_sockets(&program);
    answer_values(&program, SYS_socketpair, pairs, COUNT(pairs));
    answer_values(&program, SYS_personality, personalities, COUNT(personalities));
    answer(&program, ERROR(ENOSYS));
    if (program.length > MAX_INSTRUCTIONS || program.length * sizeof *program.code > size) return -E2BIG;
    memcpy(buffer, program.code, program.length * sizeof *program.code);
    return (int)(program.length * sizeof *program.code);
}
