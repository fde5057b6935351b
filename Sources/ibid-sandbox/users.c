/* User ids: the map between the container's and the host's. */
#define _GNU_SOURCE
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h> /* SIGCHLD */
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void write_map(pid_t pid, const char *file, uint32_t first_id, uint32_t id_count) {
    char path[64], line[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
    int length = snprintf(line, sizeof line, "0 %u %u\n", first_id, id_count);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, line, (size_t)length) != length) fail("write %s", path);
    close(fd);
}

/* A user namespace exists as long as a process or a descriptor refers to it: a child that has ended and is not yet reaped
   is enough to write the maps, and nobody has to wait until it runs once more. ibid keeps it for those that come. */
int open_id_map(const struct plan *plan) {
    if (plan->has_id_map) return ID_MAP;
    struct clone_args arguments = {.flags = CLONE_NEWUSER | CLONE_VFORK, .exit_signal = SIGCHLD};
    pid_t child = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
    if (child < 0) fail("make a user namespace");
    if (child == 0) _exit(0);
    write_map(child, "uid_map", plan->first_id, plan->id_count);
    write_map(child, "gid_map", plan->first_id, plan->id_count);
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/user", child);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) fail("open %s", path);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
    report_descriptor(REPORT_ID_MAP, fd);
    return fd;
}

/* The kernel takes effective capabilities away when the file system uid stops being 0; they are raised again, as the
   overlay keeps the credentials of whoever mounts it and needs them for its work directory. */
void act_as(uint32_t id) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) < 0) fail("read the capabilities");
    setfsgid(id);
    setfsuid(id);
    if ((uint32_t)setfsuid((uid_t)-1) != id) {
        errno = EPERM;
        fail("take the file system id %u", id);
    }
    if (syscall(SYS_capset, &header, data) < 0) fail("raise the capabilities again");
}
