/* System calls that an analysis has no use for. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <linux/reboot.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define PROBE(name) static enum verdict name(void)
#define FAILS(name, expression) PROBE(name) { return fails(expression); }
#define REFUSED(name, expression) PROBE(name) { return refused(expression); }

/* ---- namespaces and mounts ---- */
#define UNSHARE(name, flag) FAILS(unshare_##name, unshare(flag))
UNSHARE(user, CLONE_NEWUSER)
UNSHARE(mount, CLONE_NEWNS)
UNSHARE(pid, CLONE_NEWPID)
UNSHARE(net, CLONE_NEWNET)
UNSHARE(ipc, CLONE_NEWIPC)
UNSHARE(uts, CLONE_NEWUTS)
UNSHARE(cgroup, CLONE_NEWCGROUP)
UNSHARE(time, 0x80)
PROBE(clone_user) {
    long child = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    if (child == 0) _exit(0);
    return fails(child);
}
PROBE(clone3_user) {
    struct { uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls; } request = {
        .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
    long child = syscall(SYS_clone3, &request, sizeof request);
    if (child == 0) _exit(0);
    return fails(child);
}
static enum verdict enter(const char *name, int flag) {
    int fd = open(name, O_RDONLY);
    return fd < 0 ? fails(fd) : fails(setns(fd, flag));
}
PROBE(setns_mount) { return enter("/proc/self/ns/mnt", CLONE_NEWNS); }
PROBE(setns_net_of_1) { return enter("/proc/1/ns/net", CLONE_NEWNET); }
PROBE(setns_user_of_1) { return enter("/proc/1/ns/user", CLONE_NEWUSER); }
PROBE(setns_pid) { return enter("/proc/self/ns/pid", CLONE_NEWPID); }
PROBE(setns_pidfd) {
    int fd = (int)syscall(SYS_pidfd_open, 1, 0);
    return fd < 0 ? fails(fd) : fails(setns(fd, CLONE_NEWNS | CLONE_NEWNET));
}
FAILS(mount_tmpfs, mount("none", "/tmp", "tmpfs", 0, NULL))
FAILS(mount_proc, mount("none", "/tmp", "proc", 0, NULL))
FAILS(mount_sysfs, mount("none", "/tmp", "sysfs", 0, NULL))
FAILS(mount_cgroup, mount("none", "/tmp", "cgroup", 0, "memory"))
FAILS(mount_cgroup2, mount("none", "/tmp", "cgroup2", 0, NULL))
FAILS(mount_bind, mount("/", "/tmp", NULL, MS_BIND | MS_REC, NULL))
FAILS(mount_overlay, mount("none", "/tmp", "overlay", 0, "lowerdir=/dev:/tmp"))
FAILS(mount_binfmt, mount("none", "/tmp", "binfmt_misc", 0, NULL))
FAILS(remount_root, mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL))
FAILS(mount_shared, mount(NULL, "/", NULL, MS_SHARED | MS_REC, NULL))
FAILS(unmount, umount2("/dev/shm", 0))
FAILS(unmount_proc_mask, umount2("/proc/kcore", MNT_DETACH))
FAILS(pivot, syscall(SYS_pivot_root, "/tmp", "/tmp"))
FAILS(change_root, chroot("/tmp"))
FAILS(fs_open, syscall(SYS_fsopen, "tmpfs", 0))
FAILS(fs_pick, syscall(SYS_fspick, AT_FDCWD, "/", 0))
FAILS(tree_open, syscall(SYS_open_tree, AT_FDCWD, "/", 1 /* OPEN_TREE_CLONE */))
REFUSED(fs_mount, syscall(SYS_fsmount, -1, 0, 0))
REFUSED(fs_config, syscall(SYS_fsconfig, -1, 0, 0, 0, 0))
REFUSED(mount_move, syscall(SYS_move_mount, -1, "", -1, "", 0))
PROBE(mount_attributes) {
    uint64_t none[4] = {0};
    return refused(syscall(SYS_mount_setattr, -1, "", AT_EMPTY_PATH, none, sizeof none));
}
PROBE(handle_open) {
    struct { struct file_handle handle; char bytes[128]; } name = {.handle = {.handle_bytes = 128}};
    int mount = 0, root = open("/", O_RDONLY);
    if (name_to_handle_at(AT_FDCWD, "/", &name.handle, &mount, 0) < 0) name.handle.handle_bytes = 8;
    return refused(syscall(SYS_open_by_handle_at, root, &name.handle, O_RDONLY));
}

/* ---- the kernel ---- */
REFUSED(load_module, syscall(SYS_init_module, "x", 1, ""))
REFUSED(load_module_file, syscall(SYS_finit_module, 0, "", 0))
REFUSED(unload_module, syscall(SYS_delete_module, "none", O_NONBLOCK))
REFUSED(kexec, syscall(SYS_kexec_load, 0, 0, NULL, 0xffff0000UL))
REFUSED(kexec_file, syscall(SYS_kexec_file_load, -1, -1, 0UL, "", 0xffffUL))
REFUSED(restart, syscall(SYS_reboot, 0, 0, 0, NULL))
REFUSED(swap_on, syscall(SYS_swapon, "/none", 0))
REFUSED(swap_off, syscall(SYS_swapoff, "/none"))
REFUSED(accounting, syscall(SYS_acct, "/none/none"))
REFUSED(quota, syscall(SYS_quotactl, 0x80000200UL, "/none", 0, NULL))
FAILS(kernel_log, klogctl(3, (char[64]){0}, 64))
FAILS(kernel_log_size, klogctl(10, NULL, 0))
FAILS(hostname, sethostname("probe", 5))
FAILS(domainname, setdomainname("probe", 5))
FAILS(hang_up, vhangup())
#if defined(__x86_64__)
FAILS(io_privileges, syscall(SYS_iopl, 3))
FAILS(io_ports, syscall(SYS_ioperm, 0x80, 1, 1))
FAILS(x32_calls, syscall(0x40000000 | SYS_getpid))
PROBE(calls_of_32_bits) {
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
    if (result < 0) errno = (int)-result;
    return fails(result < 0 ? -1 : result);
}
#endif
FAILS(system_time, syscall(SYS_settimeofday, NULL, NULL))
PROBE(clock_set) {
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return refused(syscall(SYS_clock_settime, CLOCK_REALTIME, (struct timespec[]){{0, 0}}));
}
PROBE(clock_adjust) {
    struct timex state = {0};
    if (adjtimex(&state) < 0) return fails(-1);
    state.modes = ADJ_STATUS;
    return fails(adjtimex(&state));
}
REFUSED(alarm_timer, syscall(SYS_timerfd_create, CLOCK_REALTIME_ALARM, 0))
REFUSED(personality_bsd, personality(PER_BSD))
REFUSED(personality_low_map, personality(0x0200000 /* ADDR_COMPAT_LAYOUT */ | 0x0100000 /* MMAP_PAGE_ZERO */))

/* ---- interfaces with a history ---- */
PROBE(bpf) {
    union bpf_attr request = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
    return refused(syscall(SYS_bpf, BPF_MAP_CREATE, &request, sizeof request));
}
FAILS(userfault, syscall(SYS_userfaultfd, 0))
FAILS(userfault_user, syscall(SYS_userfaultfd, 1))
PROBE(performance_events) {
    struct perf_event_attr request = {.type = PERF_TYPE_SOFTWARE, .size = sizeof request, .exclude_kernel = 1};
    return fails(syscall(SYS_perf_event_open, &request, 0, -1, -1, 0));
}
PROBE(io_uring) {
    struct io_uring_params request = {0};
    return fails(syscall(SYS_io_uring_setup, 4, &request));
}
FAILS(key_add, syscall(SYS_add_key, "user", "probe", "x", 1, -2))
FAILS(key_request, syscall(SYS_request_key, "user", "probe", NULL, 0))
FAILS(key_ring, syscall(SYS_keyctl, 0, -3, 1))
FAILS(key_session, syscall(SYS_keyctl, 1, NULL))
FAILS(fanotify, syscall(SYS_fanotify_init, 0, 0))
FAILS(secret_memory, syscall(SYS_memfd_secret, 0))
REFUSED(memory_policy, syscall(SYS_set_mempolicy, 0, NULL, 0))
REFUSED(memory_bind, syscall(SYS_mbind, NULL, 0, 0, NULL, 0, 0))
REFUSED(pages_move, syscall(SYS_move_pages, 1, 0, NULL, NULL, NULL, 0))
REFUSED(pages_migrate, syscall(SYS_migrate_pages, 1, 0, NULL, NULL))
REFUSED(directory_cookie, syscall(SYS_lookup_dcookie, 0, NULL, 0))

/* ---- other processes; only PID 1 is not one of ours ---- */
#define OTHER if (getppid() == 1) { note("the probe is PID 1"); return NONE; }
PROBE(trace) { OTHER return fails(ptrace(PTRACE_SEIZE, 1, NULL, NULL)); }
PROBE(read_memory) {
    OTHER
    char byte;
    struct iovec local = {&byte, 1}, remote = {(void *)0x400000, 1};
    return fails(process_vm_readv(1, &local, 1, &remote, 1, 0));
}
PROBE(write_memory) {
    OTHER
    struct iovec local = {"", 0}, remote = {(void *)0x400000, 0};
    return refused(process_vm_writev(1, &local, 1, &remote, 1, 0));
}
PROBE(compare_processes) { OTHER return fails(syscall(SYS_kcmp, 1, getpid(), 0, 0, 0)); }
PROBE(take_descriptor) {
    OTHER
    int fd = (int)syscall(SYS_pidfd_open, 1, 0);
    for (int i = 0; fd >= 0 && i < 64; i++)
        if (syscall(SYS_pidfd_getfd, fd, i, 0) >= 0) {
            note("descriptor %d of PID 1", i);
            return LEAK;
        }
    return fails(-1);
}
PROBE(advise_process) {
    OTHER
    int fd = (int)syscall(SYS_pidfd_open, 1, 0);
    return refused(syscall(SYS_process_madvise, fd, NULL, 0, 0, 0));
}

/* ---- privileges ---- */
FAILS(become_other_user, syscall(SYS_setresuid, 1234, 1234, 1234))
FAILS(become_other_group, syscall(SYS_setresgid, 1234, 1234, 1234))
FAILS(take_groups, syscall(SYS_setgroups, 1, (gid_t[]){42}))
PROBE(raise_capabilities) {
    struct { uint32_t version; int pid; } header = {0x20080522, 0};
    struct { uint32_t effective, permitted, inheritable; } data[2] = {{1 << 21, 1 << 21, 0}, {0, 0, 0}};
    return fails(syscall(SYS_capset, &header, data));
}
FAILS(raise_priority, setpriority(PRIO_PROCESS, 0, -5))
PROBE(real_time) {
    struct sched_param request = {.sched_priority = 1};
    return fails(sched_setscheduler(0, SCHED_FIFO, &request));
}
FAILS(real_time_disk, syscall(SYS_ioprio_set, 1, 0, 1 << 13))
static enum verdict raise_limit(int resource) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) < 0) return fails(-1);
    if (limit.rlim_max == RLIM_INFINITY) {
        note("it is unlimited");
        return LEAK;
    }
    limit.rlim_max++;
    return fails(setrlimit(resource, &limit));
}
PROBE(raise_open_files) { return raise_limit(RLIMIT_NOFILE); }
PROBE(raise_file_size) { return raise_limit(RLIMIT_FSIZE); }
PROBE(dump_core) { return raise_limit(RLIMIT_CORE); }
static enum verdict make_node(mode_t type, unsigned major, unsigned minor) {
    return fails(mknod("/tmp/probe-node", type | 0600, makedev(major, minor)));
}
PROBE(make_memory_device) { return make_node(S_IFCHR, 1, 1); }
PROBE(make_disk_device) { return make_node(S_IFBLK, 254, 0); }
static enum verdict mark(const char *name, const char *value) {
    int fd = open("/tmp/probe-mark", O_CREAT | O_RDWR, 0600);
    return fd < 0 ? NONE : fails(fsetxattr(fd, name, value, strlen(value), 0));
}
PROBE(trusted_attribute) { return mark("trusted.overlay.opaque", "y"); }
PROBE(capability_attribute) { return mark("security.capability", "\1\0\0\2"); }
PROBE(give_away_file) {
    int fd = open("/tmp/probe-owner", O_CREAT | O_RDWR, 0600);
    return fd < 0 ? NONE : fails(fchown(fd, 4321, 4321));
}
PROBE(immutable_file) {
    int fd = open("/tmp/probe-flags", O_CREAT | O_RDWR, 0600), flags = 0x10;
    return fd < 0 ? NONE : fails(ioctl(fd, _IOW('f', 2, long), &flags));
}

/* ---- sockets ---- */
#define SOCKET(name, family, type, protocol) FAILS(socket_##name, socket(family, type, protocol))
SOCKET(raw, AF_INET, SOCK_RAW, 1)
SOCKET(raw6, AF_INET6, SOCK_RAW, 58)
SOCKET(packet, AF_PACKET, SOCK_RAW, 0x0300)
SOCKET(packet_datagram, AF_PACKET, SOCK_DGRAM, 0x0300)
SOCKET(vsock, AF_VSOCK, SOCK_STREAM, 0)
SOCKET(algorithms, AF_ALG, SOCK_SEQPACKET, 0)
SOCKET(xdp, AF_XDP, SOCK_RAW, 0)
SOCKET(can, AF_CAN, SOCK_RAW, 1)
SOCKET(bluetooth, AF_BLUETOOTH, SOCK_RAW, 1)
SOCKET(tipc, AF_TIPC, SOCK_STREAM, 0)
SOCKET(rds, AF_RDS, SOCK_SEQPACKET, 0)
SOCKET(keys, AF_KEY, SOCK_RAW, 2)
SOCKET(kcm, AF_KCM, SOCK_DGRAM, 0)
SOCKET(nfc, AF_NFC, SOCK_SEQPACKET, 0)
SOCKET(x25, AF_X25, SOCK_SEQPACKET, 0)
SOCKET(smc, AF_SMC, SOCK_STREAM, 0)
/* Makes an interface, and hears the kernel's answer. */
PROBE(make_interface) {
    struct { struct nlmsghdr header; struct ifinfomsg body; struct rtattr name; char text[8]; } request = {
        .header = {sizeof request, RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE, 1, 0},
        .body = {.ifi_family = AF_UNSPEC}, .name = {4 + 6, IFLA_IFNAME}, .text = "probe"};
    struct { struct nlmsghdr header; struct nlmsgerr error; char rest[512]; } answer = {0};
    int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    if (fd < 0 || send(fd, &request, sizeof request, 0) < 0 || recv(fd, &answer, sizeof answer, 0) < 0) return fails(-1);
    errno = -answer.error.error;
    return refused(errno ? -1 : 0);
}
PROBE(raise_interface) {
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_PROMISC};
    return fails(ioctl(socket(AF_INET, SOCK_DGRAM, 0), SIOCSIFFLAGS, &request));
}

#define LIST(name) {#name, name}
const struct probe call_probes[] = {
    LIST(unshare_user), LIST(unshare_mount), LIST(unshare_pid), LIST(unshare_net), LIST(unshare_ipc),
    LIST(unshare_uts), LIST(unshare_cgroup), LIST(unshare_time), LIST(clone_user), LIST(clone3_user),
    LIST(setns_mount), LIST(setns_net_of_1), LIST(setns_user_of_1), LIST(setns_pid), LIST(setns_pidfd),
    LIST(mount_tmpfs), LIST(mount_proc), LIST(mount_sysfs), LIST(mount_cgroup), LIST(mount_cgroup2), LIST(mount_bind),
    LIST(mount_overlay), LIST(mount_binfmt), LIST(remount_root), LIST(mount_shared), LIST(unmount),
    LIST(unmount_proc_mask), LIST(pivot), LIST(change_root), LIST(fs_open), LIST(fs_pick), LIST(tree_open),
    LIST(fs_mount), LIST(fs_config), LIST(mount_move), LIST(mount_attributes), LIST(handle_open), LIST(load_module),
    LIST(load_module_file), LIST(unload_module), LIST(kexec), LIST(kexec_file), LIST(restart), LIST(swap_on),
    LIST(swap_off), LIST(accounting), LIST(quota), LIST(kernel_log), LIST(kernel_log_size), LIST(hostname),
    LIST(domainname), LIST(hang_up),
#if defined(__x86_64__)
    LIST(io_privileges), LIST(io_ports), LIST(x32_calls), LIST(calls_of_32_bits),
#endif
    LIST(system_time), LIST(clock_set), LIST(clock_adjust), LIST(alarm_timer), LIST(personality_bsd),
    LIST(personality_low_map), LIST(bpf), LIST(userfault), LIST(userfault_user), LIST(performance_events),
    LIST(io_uring), LIST(key_add), LIST(key_request), LIST(key_ring), LIST(key_session), LIST(fanotify),
    LIST(secret_memory), LIST(memory_policy), LIST(memory_bind), LIST(pages_move), LIST(pages_migrate),
    LIST(directory_cookie), LIST(trace), LIST(read_memory), LIST(write_memory), LIST(compare_processes),
    LIST(take_descriptor), LIST(advise_process), LIST(become_other_user), LIST(become_other_group),
    LIST(take_groups), LIST(raise_capabilities), LIST(raise_priority), LIST(real_time), LIST(real_time_disk),
    LIST(raise_open_files), LIST(raise_file_size), LIST(dump_core), LIST(make_memory_device), LIST(make_disk_device),
    LIST(trusted_attribute), LIST(capability_attribute), LIST(give_away_file), LIST(immutable_file), LIST(socket_raw),
    LIST(socket_raw6), LIST(socket_packet), LIST(socket_packet_datagram), LIST(socket_vsock), LIST(socket_algorithms),
    LIST(socket_xdp), LIST(socket_can), LIST(socket_bluetooth), LIST(socket_tipc), LIST(socket_rds), LIST(socket_keys),
    LIST(socket_kcm), LIST(socket_nfc), LIST(socket_x25), LIST(socket_smc), LIST(make_interface),
    LIST(raise_interface), {0},
};
