/* Entering a user namespace. */
#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child that waits for `gate` to close and then becomes the program: it is outside the new namespace, where alone
   the program may write the map of another process. */
static pid_t start_waiting(char *const *command, const int gate[2], int errors) {
    pid_t child = fork();
    if (child != 0) return child;
    char byte;
    char *environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(gate[1]);
    while (read(gate[0], &byte, 1) < 0 && errno == EINTR) {}
    if (dup2(errors, 2) < 0) _exit(126);
    execve(command[0], command, environment);
    _exit(126);
}

static int succeeded(pid_t child) {
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return 0;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int write_text(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    ssize_t written = write(fd, text, strlen(text));
    int failed = written < 0 ? -errno : 0;
    close(fd);
    return failed;
}

int cl_new_user_namespace(char *const *map_users, char *const *map_groups, char *message, size_t size) {
    int gate[2] = {-1, -1}, errors[2] = {-1, -1}, result = 0;
    message[0] = 0;
    if (!map_users || !map_groups) return unshare(CLONE_NEWUSER) < 0 ? -errno : 0;
    if (pipe2(gate, O_CLOEXEC) < 0) return -errno;
    if (pipe2(errors, O_CLOEXEC) < 0) {
        result = -errno;
        close(gate[0]);
        close(gate[1]);
        return result;
    }
    pid_t users = start_waiting(map_users, gate, errors[1]);
    pid_t groups = users < 0 ? -1 : start_waiting(map_groups, gate, errors[1]);
    if (groups < 0 || unshare(CLONE_NEWUSER) < 0) {
        result = -errno;
        if (users > 0) kill(users, SIGKILL);
        if (groups > 0) kill(groups, SIGKILL);
    }
    close(gate[0]);
    close(gate[1]);
    close(errors[1]);
    int mapped_users = users > 0 && succeeded(users), mapped_groups = groups > 0 && succeeded(groups);
    if (result == 0 && !(mapped_users && mapped_groups)) {
        ssize_t got = read(errors[0], message, size - 1);
        message[got > 0 ? got : 0] = 0;
        /* One half alone cannot be taken back. */
        result = mapped_users || mapped_groups ? -EUSERS : -ENOTSUP;
    }
    close(errors[0]);
    return result;
}

int cl_map_one_id(uint32_t user, uint32_t group) {
    char map[64];
    int failed = write_text("/proc/self/setgroups", "deny");
    if (failed) return failed;
    snprintf(map, sizeof map, "0 %u 1\n", user);
    if ((failed = write_text("/proc/self/uid_map", map))) return failed;
    snprintf(map, sizeof map, "0 %u 1\n", group);
    return write_text("/proc/self/gid_map", map);
}
