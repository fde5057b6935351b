/* The world outside, as the test describes it:

     secret=TEXT    stands in the environment and on the command line of processes outside, and in a file
     files=A:B:…    paths of the host: the store, the ledger, the key, another run's workspace
     port=N         somebody listens on 127.0.0.1:N, TCP and UDP
     abstract=NAME  somebody listens on this abstract Unix socket */
#define _GNU_SOURCE
#include "probe.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROBE(name) static enum verdict name(void)
#define WORLD(value, name) \
    const char *value = argument(name); \
    if (!value) return NONE

static ssize_t read_file(const char *path, char *bytes, size_t size) {
    int fd = open(path, O_RDONLY | O_NONBLOCK);
    if (fd < 0) return -1;
    ssize_t count = read(fd, bytes, size - 1);
    close(fd);
    if (count >= 0) bytes[count] = 0;
    return count;
}

static int holds(const char *path, const char *text) {
    static char bytes[1 << 16];
    ssize_t count = read_file(path, bytes, sizeof bytes);
    return count > 0 && memmem(bytes, (size_t)count, text, strlen(text)) != NULL;
}

/* ---- files ---- */

/* Every file of the host, by every path that might lead out of the root. */
static enum verdict reach(const char *prefix) {
    WORLD(files, "files");
    char path[4096];
    for (const char *start = files; *start;) {
        size_t length = strcspn(start, ":");
        snprintf(path, sizeof path, "%s%.*s", prefix, (int)length, start);
        if (access(path, F_OK) == 0) {
            note("%s", path);
            return LEAK;
        }
        start += length + (start[length] == ':');
    }
    return fails(-1);
}
PROBE(host_files) { return reach(""); }
PROBE(host_files_above) { return reach("/../../../.."); }
PROBE(host_files_of_1) { return reach("/proc/1/root"); }
PROBE(host_files_of_self) { return reach("/proc/self/root/../.."); }
PROBE(host_files_by_cwd) { return reach("/proc/1/cwd/../../../../../.."); }
PROBE(host_files_by_descriptor) {
    for (int i = 0; i < 20; i++) {
        char prefix[64];
        snprintf(prefix, sizeof prefix, "/proc/self/fd/%d/../../../../../..", i);
        if (reach(prefix) == LEAK) return LEAK;
        snprintf(prefix, sizeof prefix, "/proc/1/fd/%d/../../../../../..", i);
        if (reach(prefix) == LEAK) return LEAK;
    }
    return reach("/proc/self/cwd/../../../../../..");
}
PROBE(host_files_by_chroot) {
    if (!argument("files")) return NONE;
    mkdir("/tmp/probe-root", 0755);
    int outside = open("/", O_RDONLY);
    if (chroot("/tmp/probe-root") < 0) return fails(-1);
    if (fchdir(outside) < 0) return fails(-1);
    for (int i = 0; i < 64; i++)
        if (chdir("..") < 0) break;
    return chroot(".") < 0 ? fails(-1) : reach("");
}

/* ---- processes ---- */

/* A file of any process; PID 1 is nobody's of ours. */
static enum verdict search_processes(const char *name, const char *text) {
    DIR *directory = opendir("/proc");
    char path[300];
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        if (!isdigit((unsigned char)entry->d_name[0]) || atoi(entry->d_name) == getpid() || atoi(entry->d_name) == getppid())
            continue;
        snprintf(path, sizeof path, "/proc/%s/%s", entry->d_name, name);
        if (holds(path, text)) {
            note("%s", path);
            return LEAK;
        }
    }
    note("in no process");
    return SHUT;
}
PROBE(host_environment) {
    WORLD(secret, "secret");
    return search_processes("environ", secret);
}
PROBE(own_environment) {
    WORLD(secret, "secret");
    extern char **environ;
    for (char **entry = environ; *entry; entry++)
        if (strstr(*entry, secret)) {
            note("%s", *entry);
            return LEAK;
        }
    note("not in it");
    return SHUT;
}
PROBE(host_processes) {
    int count = 0;
    char path[300];
    DIR *directory = opendir("/proc");
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        count += isdigit((unsigned char)entry->d_name[0]) && !holds(path, ") Z ");
    }
    note("%d processes", count);
    return count > 3 ? LEAK : SHUT;
}
PROBE(other_descriptors) {
    if (getppid() == 1) return NONE;
    char path[64], target[64];
    for (int fd = 0; fd < 64; fd++) {
        snprintf(path, sizeof path, "/proc/1/fd/%d", fd);
        if (readlink(path, target, sizeof target) >= 0) return note("%s", path), LEAK;
    }
    return fails(-1);
}
PROBE(other_environment) {
    char bytes[64];
    if (getppid() == 1) return NONE;
    return fails(read_file("/proc/1/environ", bytes, sizeof bytes));
}
PROBE(other_memory) {
    if (getppid() == 1) return NONE;
    return fails(open("/proc/1/mem", O_RDONLY));
}

/* ---- what this process was given ---- */
PROBE(inherited_descriptors) {
    DIR *directory = opendir("/proc/self/fd");
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        int fd = atoi(entry->d_name);
        if (isdigit((unsigned char)entry->d_name[0]) && fd > 2 && fd != dirfd(directory)) {
            char path[64], target[256] = "";
            snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
            if (readlink(path, target, sizeof target - 1) >= 0) note("%d is %s", fd, target);
            return LEAK;
        }
    }
    note("only the three");
    return SHUT;
}
PROBE(paths_in_descriptors) {
    for (int fd = 0; fd < 3; fd++) {
        char path[64], target[256] = "";
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        if (readlink(path, target, sizeof target - 1) > 0 && target[0] == '/' && strncmp(target, "/dev/", 5) != 0) {
            note("%d is %s", fd, target);
            return LEAK;
        }
    }
    note("pipes and /dev/null");
    return SHUT;
}
static unsigned long long status_value(const char *key) {
    char bytes[4096], *line;
    if (read_file("/proc/self/status", bytes, sizeof bytes) <= 0 || !(line = strstr(bytes, key))) return ~0ULL;
    return strtoull(line + strlen(key), NULL, key[0] == 'C' ? 16 : 10);
}
static enum verdict is(const char *key, unsigned long long wanted) {
    unsigned long long value = status_value(key);
    note("%llx", value);
    return value == wanted ? SHUT : LEAK;
}
PROBE(effective_capabilities) { return is("CapEff:", 0); }
PROBE(permitted_capabilities) { return is("CapPrm:", 0); }
PROBE(bounding_capabilities) { return is("CapBnd:", 0); }
PROBE(new_privileges) { return is("NoNewPrivs:", 1); }
PROBE(unfiltered_calls) { return is("Seccomp:", 2); }
PROBE(root_is_host_root) {
    char bytes[256] = "";
    unsigned inside = 0, outside = 0;
    read_file("/proc/self/uid_map", bytes, sizeof bytes);
    if (sscanf(bytes, "%u %u", &inside, &outside) != 2) return NONE;
    note("%u is %u", inside, outside);
    return outside == 0 ? LEAK : SHUT;
}
enum verdict gains(const char *program) {
    char bytes[128] = "", wanted[64];
    int ends[2];
    if (access(program, X_OK) < 0 || pipe(ends) < 0) return NONE;
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 1);
        execl(program, program, "privileges", NULL);
        _exit(1);
    }
    close(ends[1]);
    ssize_t count = read(ends[0], bytes, sizeof bytes - 1);
    waitpid(child, NULL, 0);
    snprintf(wanted, sizeof wanted, "%d %d 0000000000000000", geteuid(), getegid());
    note("%s", bytes);
    if (count <= 0) note("not executed");
    return count <= 0 || strncmp(bytes, wanted, strlen(wanted)) == 0 ? SHUT : LEAK;
}
PROBE(set_user_id) { return gains("/probes/setuid"); }
PROBE(set_group_id) { return gains("/probes/setgid"); }
PROBE(file_capabilities) { return gains("/probes/capable"); }

/* ---- the network ---- */

/* A packet that leaves is a leak, whether it is answered or not. */
static enum verdict send_to(int type, const char *host, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);
    inet_pton(AF_INET, host, &address.sin_addr);
    if (fd < 0 || (connect(fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS)) return fails(-1);
    return fails(send(fd, "x", 1, MSG_NOSIGNAL) < 0 && errno != EAGAIN && errno != ENOTCONN ? -1 : 0);
}
PROBE(internet_tcp) { return send_to(SOCK_STREAM, "1.1.1.1", 443); }
PROBE(internet_udp) { return send_to(SOCK_DGRAM, "8.8.8.8", 53); }
PROBE(metadata_service) { return send_to(SOCK_STREAM, "169.254.169.254", 80); }
PROBE(private_network) { return send_to(SOCK_STREAM, "10.0.0.1", 80); }
PROBE(host_listener) {
    WORLD(port, "port");
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return fails(connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address));
}
PROBE(host_abstract_socket) {
    WORLD(name, "abstract");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    memcpy(address.sun_path + 1, name, length);
    return fails(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address,
                         (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length)));
}
PROBE(network_interfaces) {
    struct if_nameindex *list = if_nameindex();
    for (; list && list->if_index; list++)
        if (strcmp(list->if_name, "lo") != 0) {
            note("%s", list->if_name);
            return LEAK;
        }
    note("only lo");
    return SHUT;
}
PROBE(listening_sockets) {
    WORLD(port, "port");
    char hex[16];
    snprintf(hex, sizeof hex, ":%04X ", atoi(port));
    if (holds("/proc/net/tcp", hex)) return note("in /proc/net/tcp"), LEAK;
    WORLD(name, "abstract");
    if (holds("/proc/net/unix", name)) return note("in /proc/net/unix"), LEAK;
    note("not listed");
    return SHUT;
}

/* ---- names of the host ---- */
PROBE(host_paths_in_mounts) {
    WORLD(secret, "secret");
    if (holds("/proc/self/mountinfo", secret)) return note("in mountinfo"), LEAK;
    if (holds("/proc/self/mounts", secret)) return note("in mounts"), LEAK;
    note("no path of the host");
    return SHUT;
}
PROBE(cgroup_path) {
    char bytes[4096];
    read_file("/proc/self/cgroup", bytes, sizeof bytes);
    for (char *line = strtok(bytes, "\n"); line; line = strtok(NULL, "\n")) {
        char *path = strrchr(line, ':');
        if (path && strcmp(path, ":/") != 0) return note("%s", line), LEAK;
    }
    note("/");
    return SHUT;
}
PROBE(host_name) {
    WORLD(host, "host");
    char name[256] = "";
    gethostname(name, sizeof name - 1);
    note("%s", name);
    return strcmp(name, host) == 0 ? LEAK : SHUT;
}
PROBE(shared_memory_of_host) {
    char bytes[4096];
    ssize_t count = read_file("/proc/sysvipc/shm", bytes, sizeof bytes);
    if (count < 0) return fails(-1);
    char *line = strchr(bytes, '\n');
    note("%s", line && line[1] ? "segments are listed" : "none");
    return line && line[1] ? LEAK : SHUT;
}

#define LIST(name) {#name, name}
const struct probe world_probes[] = {
    LIST(host_files), LIST(host_files_above), LIST(host_files_of_1), LIST(host_files_of_self), LIST(host_files_by_cwd),
    LIST(host_files_by_descriptor), LIST(host_files_by_chroot), LIST(host_environment), LIST(own_environment),
    LIST(host_processes), LIST(other_descriptors), LIST(other_environment), LIST(other_memory),
    LIST(inherited_descriptors), LIST(paths_in_descriptors), LIST(effective_capabilities),
    LIST(permitted_capabilities), LIST(bounding_capabilities), LIST(new_privileges), LIST(unfiltered_calls),
    LIST(root_is_host_root), LIST(set_user_id), LIST(set_group_id), LIST(file_capabilities), LIST(internet_tcp),
    LIST(internet_udp), LIST(metadata_service), LIST(private_network), LIST(host_listener),
    LIST(host_abstract_socket), LIST(network_interfaces), LIST(listening_sockets), LIST(host_paths_in_mounts),
    LIST(cgroup_path), LIST(host_name), LIST(shared_memory_of_host), {0},
};
