/* Files that lead to the kernel, to devices, or to facts about the machine. */
#define _GNU_SOURCE
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROBE(name) static enum verdict name(void)

/* None of the names may be opened so. */
static enum verdict closed(int flags, const char *const *names) {
    for (; *names; names++)
        if (open(*names, flags | O_NONBLOCK | O_NOCTTY) >= 0) {
            note("%s", *names);
            return LEAK;
        }
    return fails(-1);
}
#define CLOSED(probe, flags, ...) \
    PROBE(probe) { return closed(flags, (const char *const[]){__VA_ARGS__, NULL}); }

/* ---- writing ---- */
CLOSED(core_pattern, O_WRONLY, "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/core_pipe_limit")
CLOSED(modprobe_path, O_WRONLY, "/proc/sys/kernel/modprobe")
CLOSED(hotplug_path, O_WRONLY, "/proc/sys/kernel/hotplug", "/sys/kernel/uevent_helper")
CLOSED(kernel_settings, O_WRONLY, "/proc/sys/kernel/panic", "/proc/sys/kernel/sysrq", "/proc/sys/kernel/printk",
       "/proc/sys/kernel/yama/ptrace_scope", "/proc/sys/kernel/dmesg_restrict")
CLOSED(memory_settings, O_WRONLY, "/proc/sys/vm/overcommit_memory", "/proc/sys/vm/drop_caches",
       "/proc/sys/vm/mmap_min_addr", "/proc/sys/vm/panic_on_oom")
CLOSED(file_settings, O_WRONLY, "/proc/sys/fs/protected_symlinks", "/proc/sys/fs/suid_dumpable",
       "/proc/sys/fs/file-max")
CLOSED(binary_formats, O_WRONLY, "/proc/sys/fs/binfmt_misc/register", "/proc/sys/fs/binfmt_misc/status")
CLOSED(namespace_settings, O_WRONLY, "/proc/sys/user/max_user_namespaces", "/proc/sys/kernel/ns_last_pid")
CLOSED(network_settings, O_WRONLY, "/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/core/somaxconn")
CLOSED(system_request, O_WRONLY, "/proc/sysrq-trigger")
CLOSED(interrupt_affinity, O_WRONLY, "/proc/irq/default_smp_affinity", "/proc/irq/0/smp_affinity")
CLOSED(pci_configuration, O_RDWR, "/proc/bus/pci/00/00.0", "/sys/bus/pci/rescan")
CLOSED(release_agent, O_WRONLY, "/sys/fs/cgroup/release_agent", "/sys/fs/cgroup/memory/release_agent",
       "/sys/fs/cgroup/systemd/release_agent", "/sys/fs/cgroup/rdma/release_agent")
CLOSED(cgroup_control, O_WRONLY, "/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/memory/cgroup.procs",
       "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/devices/devices.allow",
       "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/pids/pids.max")
CLOSED(power_state, O_WRONLY, "/sys/power/state", "/sys/kernel/mm/ksm/run", "/sys/kernel/mm/transparent_hugepage/enabled")
CLOSED(firmware_variables, O_RDONLY, "/sys/firmware/efi/efivars", "/sys/firmware/acpi/tables", "/sys/firmware/dmi")
CLOSED(kernel_debugging, O_RDONLY, "/sys/kernel/debug/tracing", "/sys/kernel/tracing/trace", "/sys/kernel/security",
       "/sys/fs/bpf", "/sys/fs/pstore")
CLOSED(disk_facts, O_RDONLY, "/sys/block", "/sys/class/block", "/sys/class/dmi/id/product_uuid", "/sys/class/net",
       "/sys/devices/virtual")
CLOSED(other_exe, O_WRONLY, "/proc/1/exe")
CLOSED(own_exe, O_WRONLY, "/proc/self/exe")

PROBE(out_of_memory_score) {
    int fd = open("/proc/self/oom_score_adj", O_WRONLY);
    return fd < 0 ? fails(fd) : fails(write(fd, "-999", 4));
}
PROBE(cgroup_make) {
    /* Where there is no cgroup file system a directory is just a directory. */
    static const char *const names[][2] = {
        {"/sys/fs/cgroup/memory/probe", "/sys/fs/cgroup/memory/probe/cgroup.procs"},
        {"/sys/fs/cgroup/probe", "/sys/fs/cgroup/probe/cgroup.procs"},
    };
    for (size_t i = 0; i < 2; i++)
        if (mkdir(names[i][0], 0755) == 0 && access(names[i][1], F_OK) == 0) {
            rmdir(names[i][0]);
            note("%s", names[i][0]);
            return LEAK;
        }
    return fails(-1);
}
PROBE(exhaust_descriptors) {
    int count = 0;
    while (count < 100000 && open("/dev/null", O_RDONLY) >= 0) count++;
    note("%d", count);
    return count < 10000 ? SHUT : LEAK;
}
PROBE(map_more_users) {
    int fd = open("/proc/self/uid_map", O_WRONLY);
    return fd < 0 ? fails(fd) : fails(write(fd, "0 0 4294967295\n", 15));
}

/* ---- devices ---- */
CLOSED(memory_devices, O_RDONLY, "/dev/mem", "/dev/kmem", "/dev/port", "/dev/nvram")
CLOSED(kernel_messages, O_RDONLY, "/dev/kmsg")
CLOSED(disk_devices, O_RDONLY, "/dev/sda", "/dev/vda", "/dev/xvda", "/dev/nvme0n1", "/dev/loop0", "/dev/loop-control",
       "/dev/mapper/control", "/dev/dm-0", "/dev/btrfs-control", "/dev/sg0")
CLOSED(virtual_machine_devices, O_RDWR, "/dev/kvm", "/dev/vhost-net", "/dev/vhost-vsock", "/dev/vsock",
       "/dev/hypervisor", "/dev/xen/privcmd")
CLOSED(file_system_devices, O_RDWR, "/dev/fuse", "/dev/autofs", "/dev/cuse")
CLOSED(network_devices, O_RDWR, "/dev/net/tun", "/dev/ppp", "/dev/rfkill")
CLOSED(consoles, O_RDWR, "/dev/console", "/dev/tty", "/dev/tty0", "/dev/tty1", "/dev/ttyS0", "/dev/vcs", "/dev/hvc0")
CLOSED(input_devices, O_RDWR, "/dev/uinput", "/dev/input/event0", "/dev/uhid", "/dev/snd/timer", "/dev/video0",
       "/dev/dri/card0", "/dev/bus/usb/001/001")
CLOSED(processor_registers, O_RDONLY, "/dev/cpu/0/msr", "/dev/cpu/0/cpuid", "/dev/userfaultfd", "/dev/hpet", "/dev/rtc0")
PROBE(push_input) {
    char byte = 'x';
    for (int fd = 0; fd < 3; fd++)
        if (ioctl(fd, TIOCSTI, &byte) == 0) {
            note("descriptor %d", fd);
            return LEAK;
        }
    return fails(-1);
}

/* ---- reading facts ---- */

/* None of the files may hold anything. */
static enum verdict empty(const char *const *names) {
    char bytes[64];
    for (; *names; names++) {
        int fd = open(*names, O_RDONLY | O_NONBLOCK);
        if (fd >= 0 && read(fd, bytes, sizeof bytes) > 0) {
            note("%s", *names);
            return LEAK;
        }
        if (fd >= 0) close(fd);
    }
    note("nothing to read");
    return SHUT;
}
#define EMPTY(probe, ...) \
    PROBE(probe) { return empty((const char *const[]){__VA_ARGS__, NULL}); }
EMPTY(kernel_memory, "/proc/kcore", "/proc/kpagecount", "/proc/kpageflags", "/proc/vmallocinfo", "/proc/iomem",
      "/proc/ioports")
EMPTY(kernel_symbols, "/proc/kallsyms", "/proc/config.gz", "/proc/modules")
EMPTY(kernel_message_file, "/proc/kmsg")
EMPTY(kernel_keys, "/proc/keys", "/proc/key-users")
EMPTY(kernel_timers, "/proc/timer_list", "/proc/sched_debug", "/proc/latency_stats", "/proc/interrupts")
EMPTY(boot_facts, "/proc/cmdline", "/proc/sys/kernel/random/boot_id")
EMPTY(disk_list, "/proc/partitions", "/proc/diskstats", "/proc/swaps", "/proc/mdstat")
EMPTY(product_facts, "/sys/class/dmi/id/sys_vendor", "/sys/devices/virtual/dmi/id/modalias", "/sys/hypervisor/type")
PROBE(hardware_directories) {
    static const char *const names[] = {"/proc/acpi", "/proc/scsi", "/proc/asound", "/sys/firmware"};
    for (size_t i = 0; i < 4; i++) {
        DIR *directory = opendir(names[i]);
        for (struct dirent *entry; directory && (entry = readdir(directory));)
            if (entry->d_name[0] != '.') {
                note("%s/%s", names[i], entry->d_name);
                return LEAK;
            }
    }
    note("nothing to list");
    return SHUT;
}

#define LIST(name) {#name, name}
const struct probe file_probes[] = {
    LIST(core_pattern), LIST(modprobe_path), LIST(hotplug_path), LIST(kernel_settings), LIST(memory_settings),
    LIST(file_settings), LIST(binary_formats), LIST(namespace_settings), LIST(network_settings), LIST(system_request),
    LIST(interrupt_affinity), LIST(pci_configuration), LIST(release_agent), LIST(cgroup_control), LIST(power_state),
    LIST(firmware_variables), LIST(kernel_debugging), LIST(disk_facts), LIST(other_exe), LIST(own_exe),
    LIST(out_of_memory_score), LIST(cgroup_make), LIST(exhaust_descriptors), LIST(map_more_users), LIST(memory_devices), LIST(kernel_messages),
    LIST(disk_devices), LIST(virtual_machine_devices), LIST(file_system_devices), LIST(network_devices),
    LIST(consoles), LIST(input_devices), LIST(processor_registers), LIST(push_input), LIST(kernel_memory),
    LIST(kernel_symbols), LIST(kernel_message_file), LIST(kernel_keys), LIST(kernel_timers), LIST(boot_facts), LIST(disk_list),
    LIST(product_facts), LIST(hardware_directories), {0},
};
