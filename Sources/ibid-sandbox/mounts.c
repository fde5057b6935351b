/* The container's root: an overlay of the image's layers and a writable layer. */
#define _GNU_SOURCE
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int clone_tree(const char *path) {
    int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (fd < 0) fail("open %s", path);
    return fd;
}

static void set_attributes(int tree, const char *path, uint64_t attributes, int id_map) {
    struct mount_attr request = {.attr_set = attributes};
    if (id_map >= 0) {
        request.attr_set |= MOUNT_ATTR_IDMAP;
        request.userns_fd = (uint64_t)id_map;
    }
    if (mount_setattr(tree, "", AT_EMPTY_PATH, &request, sizeof request) < 0)
        fail(id_map >= 0 ? "map the ids of %s" : "set the mount attributes of %s", path);
}

static void attach(int tree, const char *target) {
    if (move_mount(tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0) fail("attach %s", target);
    close(tree);
}

static void make_directory(const char *path) {
    if (mkdir(path, 0755) < 0) fail("make %s", path);
}

/* A bind of a file needs a file to sit on. */
static void make_mount_point(int tree, const char *path) {
    struct stat file;
    if (fstatat(tree, "", &file, AT_EMPTY_PATH) < 0) fail("look at the source of %s", path);
    if (S_ISDIR(file.st_mode)) return make_directory(path);
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
    if (fd < 0) fail("make %s", path);
    close(fd);
}

static void write_file(const char *path, const char *bytes, size_t count, mode_t mode) {
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0) fail("make %s", path);
    for (ssize_t written; count > 0; bytes += written, count -= (size_t)written)
        if ((written = write(fd, bytes, count)) <= 0) fail("write %s", path);
    if (fchmod(fd, mode) < 0) fail("set the mode of %s", path);
    close(fd);
}

static int digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

/* The file's bytes go from ibid's memory into this file system of memory, and nowhere else. */
static void make_file(const struct plan *plan, const struct bind *bind, const char *path) {
    static char bytes[512 << 10];
    size_t count = strlen(bind->bytes) / 2;
    if (count > sizeof bytes || bind->uid >= plan->id_count || bind->gid >= plan->id_count) {
        errno = EINVAL;
        fail("make the file %s", path);
    }
    for (size_t i = 0; i < count; i++)
        bytes[i] = (char)(digit(bind->bytes[2 * i]) << 4 | digit(bind->bytes[2 * i + 1]));
    write_file(path, bytes, count, 0600);
    if (chown(path, plan->first_id + bind->uid, plan->first_id + bind->gid) < 0) fail("own %s", path);
    if (chmod(path, bind->mode & 07777) < 0) fail("set the mode of %s", path);
    /* The moment of a run is not for it to see. */
    if (utimensat(AT_FDCWD, path, (struct timespec[2]){{0, 0}, {0, 0}}, 0) < 0) fail("set the time of %s", path);
}

/* On disk, files have the container's plain ids. Layers, workspace and binds are seen through mounts that shift them
   into the range of its user namespace, so nothing is ever copied or chowned. Whoever mounts the overlay must have an
   id inside that range as well, since the overlay makes files of its own (whiteouts, copies) through the same mount. */
static void mount_overlay(const struct plan *plan) {
    char options[4096];
    int length = snprintf(options, sizeof options, "lowerdir=");
    for (size_t i = plan->layer_count; i-- > 0;)
        length += snprintf(options + length, sizeof options - (size_t)length, "%zu%s", i, i ? ":" : "");
    /* volatile: an fsync in the container reaches no disk; what counts is made durable when it enters the store.
       The other options keep the upper directory plain: nothing in it refers to inodes or paths of other layers. */
    snprintf(options + length, sizeof options - (size_t)length,
             ",upperdir=w/upper,workdir=w/work,index=off,xino=off,volatile,%s",
             /* With user attributes the other two are always off, and the kernel refuses to hear of them. */
             plan->nested ? "userxattr" : "redirect_dir=off,metacopy=off");
    if (plan->first_id) act_as(plan->first_id);
    if (mount("ibid", "rootfs", "overlay", MS_NODEV, options) < 0) fail("mount the overlay of %zu layers", plan->layer_count);
    if (plan->first_id) act_as(0);
}

/* Where a bind comes from: a tree of its own and, of a file that is sealed, `/` and its name in that tree. */
struct source {
    int tree;
    const char *name;
};

/* A bind mount shows in /proc/self/mountinfo where its source lies on the host's file system; an overlay does not. So
   the source, or the directory that holds the source, becomes the lower directory of one. */
static void seal(const struct source *from, const char *source, const char *target, size_t index) {
    char below[32], above[32], options[96], inner[400];
    snprintf(below, sizeof below, "sealed/%zu", index);
    snprintf(above, sizeof above, "sealed/%zu.view", index);
    snprintf(options, sizeof options, "lowerdir=%s:sealed/empty", below);
    make_directory(below);
    make_directory(above);
    attach(from->tree, below);
    if (mount("ibid", above, "overlay", MS_RDONLY | MS_NODEV | MS_NOSUID, options) < 0) fail("seal %s", source);
    snprintf(inner, sizeof inner, "%s%s", above, from->name);
    int view = clone_tree(inner);
    make_mount_point(view, target);
    attach(view, target);
}

static struct source open_source(const struct bind *bind) {
    struct stat file;
    char directory[4096];
    if (stat(bind->source, &file) < 0) fail("find %s", bind->source);
    if (!bind->sealed || S_ISDIR(file.st_mode)) return (struct source){clone_tree(bind->source), ""};
    const char *name = strrchr(bind->source, '/');
    snprintf(directory, sizeof directory, "%.*s", (int)(name - bind->source), bind->source);
    return (struct source){clone_tree(directory), name};
}

/* The container's init lies beside this program. */
static int open_init(void) {
    static const char name[] = "ibid-init";
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - sizeof name);
    if (length <= 0) fail("find the sandbox's own file");
    while (length > 0 && path[length - 1] != '/') length--;
    memcpy(path + length, name, sizeof name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) fail("open %s", path);
    return fd;
}

/* It is copied, as the installed file may be closed to other users or on a file system that is mounted without
   execution. */
static void copy_init(int from) {
    int to = open("init", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0555);
    struct stat file;
    if (to < 0 || fstat(from, &file) < 0) fail("copy the container's init");
    for (off_t left = file.st_size; left > 0;) {
        ssize_t sent = sendfile(to, from, NULL, (size_t)left);
        if (sent <= 0) fail("copy the container's init");
        left -= sent;
    }
    close(from);
    close(to);
}

/* A runtime that insists on a cgroup of its own is told by the kernel that it may not have one: ibid's limits and
   counters are on the group that everything of the container is in. */
static void lock_cgroups(void) {
    struct mount_attr request = {.attr_set = MOUNT_ATTR_RDONLY};
    if (mount_setattr(AT_FDCWD, "/sys/fs/cgroup", AT_RECURSIVE, &request, sizeof request) < 0)
        fail("make the cgroups read-only");
}

void build_root(const struct plan *plan) {
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) fail("make the mounts private");
    if (plan->lock_cgroups) lock_cgroups();
    for (size_t i = 0; i < plan->hide_count; i++)
        if (mount("none", plan->hide[i], "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k,mode=755") < 0)
            fail("cover %s", plan->hide[i]);

    /* Every source is opened before the scratch directory is covered, as it may be below it. */
    static int layers[MAX_LAYERS];
    static struct source binds[MAX_BINDS];
    int init = open_init();
    int id_map = plan->first_id ? open_id_map(plan) : -1;
    for (size_t i = 0; i < plan->layer_count; i++) {
        layers[i] = clone_tree(plan->layers[i]);
        set_attributes(layers[i], plan->layers[i], MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV, id_map);
    }
    for (size_t i = 0; i < plan->bind_count; i++) {
        const struct bind *bind = &plan->binds[i];
        if (bind->bytes) continue;
        binds[i] = open_source(bind);
        set_attributes(binds[i].tree, bind->source,
                       MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | (bind->read_only ? MOUNT_ATTR_RDONLY : 0), id_map);
    }
    int workspace = clone_tree(plan->workspace);
    set_attributes(workspace, plan->workspace, MOUNT_ATTR_NODEV, id_map);
    if (id_map >= 0) close(id_map);

    if (mount("ibid", SCRATCH, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") < 0) fail("mount the scratch space");
    if (chdir(SCRATCH) < 0) fail("enter the scratch space");
    umask(022);
    char name[32];
    for (size_t i = 0; i < plan->layer_count; i++) {
        snprintf(name, sizeof name, "%zu", i);
        make_directory(name);
        attach(layers[i], name);
    }
    make_directory("bind");
    make_directory("sealed");
    make_directory("sealed/empty");
    for (size_t i = 0; i < plan->bind_count; i++) {
        snprintf(name, sizeof name, "bind/%zu", i);
        if (plan->binds[i].bytes) {
            make_file(plan, &plan->binds[i], name);
            continue;
        }
        if (plan->binds[i].sealed) {
            seal(&binds[i], plan->binds[i].source, name, i);
            continue;
        }
        make_mount_point(binds[i].tree, name);
        attach(binds[i].tree, name);
    }
    make_directory("w");
    attach(workspace, "w");
    make_directory("bundle");
    write_file("bundle/config.json", plan->config, strlen(plan->config), 0600);
    copy_init(init);
    make_directory("state");
    make_directory("rootfs");
    mount_overlay(plan);
    if (chdir("/") < 0) fail("enter /");
}
