/* The Linux calls that Swift's Glibc module lacks: it is built without _GNU_SOURCE, and variadic functions and macros
   cannot be imported at all.

   One convention: what the kernel would answer, without errno. A result is zero or more; a failure is -errno. */
#ifndef CLINUX_H
#define CLINUX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#pragma clang assume_nonnull begin

/* ---- files ---- */

/* openat2(2); O_CLOEXEC is always added. */
int cl_openat2(int dir, const char *path, uint64_t flags, uint32_t mode, uint64_t resolve);

extern const uint64_t CL_RESOLVE_BENEATH, CL_RESOLVE_IN_ROOT, CL_RESOLVE_NO_SYMLINKS, CL_RESOLVE_NO_MAGICLINKS,
    CL_RESOLVE_NO_XDEV;
extern const uint64_t CL_O_RDONLY, CL_O_WRONLY, CL_O_RDWR, CL_O_CREAT, CL_O_EXCL, CL_O_TRUNC, CL_O_NOFOLLOW,
    CL_O_NONBLOCK, CL_O_DIRECTORY, CL_O_PATH, CL_O_CLOEXEC;
extern const int CL_AT_FDCWD, CL_AT_EMPTY_PATH, CL_AT_SYMLINK_NOFOLLOW, CL_AT_SYMLINK_FOLLOW, CL_AT_REMOVEDIR;

/* A file as statx(2) sees it. */
struct cl_stat {
    uint64_t device; /* of the file system; only good for comparing */
    uint64_t inode, mount_id, size, blocks512;
    uint32_t mode; /* type and permissions */
    uint32_t links, uid, gid;
    uint32_t device_major, device_minor; /* of a device node */
    int64_t mtime_seconds, ctime_seconds;
    uint32_t mtime_nanoseconds, ctime_nanoseconds;
};

/* statx(2) of `path` below `dir`; `path` may be "" to mean `dir` itself. A last symbolic link is not followed unless
   `follow` is set. */
int cl_stat_at(int dir, const char *path, int follow, struct cl_stat *out);

/* The next place of an open file, from `position` on, at which it has data, or a hole; `size` when there is none before.
   A file system that knows no holes has data everywhere. */
int64_t cl_next_data(int fd, int64_t position, int64_t size);
int64_t cl_next_hole(int fd, int64_t position, int64_t size);

/* An unnamed file in a directory (O_TMPFILE), open for reading and writing. */
int cl_tmpfile_at(int dir, uint32_t mode);
/* Gives an unnamed file its name; -EEXIST when the name is taken. */
int cl_link_tmpfile(int fd, int dir, const char *name);

/* linkat(2) that does not follow a last symbolic link. */
int cl_link_at(int from_dir, const char *from, int to_dir, const char *to);
int cl_symlink_at(const char *target, int dir, const char *name);
/* readlinkat(2); the number of bytes, not terminated. */
ssize_t cl_readlink_at(int dir, const char *path, uint8_t *buffer, size_t size);
int cl_mkdir_at(int dir, const char *name, uint32_t mode);
/* mknodat(2): `mode` holds the type too; character device 0:0 is an overlay whiteout. */
int cl_mknod_at(int dir, const char *name, uint32_t mode, uint32_t major, uint32_t minor);
/* unlinkat(2); `directory` removes an empty directory instead. */
int cl_unlink_at(int dir, const char *name, int directory);
/* fchownat(2) that does not follow a last symbolic link; with "" the descriptor itself. */
int cl_chown_at(int dir, const char *path, uint32_t uid, uint32_t gid);
/* fchmodat(2); follows a last symbolic link, as Linux has no other way. */
int cl_chmod_at(int dir, const char *path, uint32_t mode);
/* utimensat(2) of both times that does not follow a last symbolic link. */
int cl_utimes_at(int dir, const char *path, int64_t seconds, uint32_t nanoseconds);

int cl_renameat2(int from_dir, const char *from, int to_dir, const char *to, uint32_t flags);
extern const uint32_t CL_RENAME_NOREPLACE, CL_RENAME_EXCHANGE;

uint32_t cl_major(uint64_t device);
uint32_t cl_minor(uint64_t device);
uint64_t cl_makedev(uint32_t major, uint32_t minor);

int cl_fsync(int fd);
int cl_syncfs(int fd);
/* flock(2): released when the last copy of the descriptor closes. -EWOULDBLOCK when taken and `wait` is not set. */
int cl_flock(int fd, int exclusive, int wait);
ssize_t cl_copy_file_range(int from, int to, size_t count);
/* Whether writes go past the page cache (O_DIRECT): from aligned memory, in aligned lengths. -EINVAL where they cannot. */
int cl_set_direct(int fd, int on);
/* Tells the file system that what is in one subdirectory has nothing to do with what is in another (ext4, chattr +T), so
   that each gets a region of its own. Fails where there is no such hint. */
int cl_spread_subdirectories(const char *directory);
/* The magic number of the file system that holds `path`. */
int64_t cl_filesystem_type(const char *path);
extern const int64_t CL_CGROUP2_SUPER_MAGIC, CL_OVERLAYFS_SUPER_MAGIC, CL_TMPFS_MAGIC;

/* What lies below a directory: disk space, and entries of every kind. */
struct cl_usage {
    int64_t bytes, entries;
};
/* Counts until there are more than `most_entries`; other processes may write there meanwhile. */
int cl_tree_usage(const char *path, int64_t most_entries, struct cl_usage *usage);
/* Disk space of files that a process holds open and that have no name any more. */
int64_t cl_unlinked_bytes(pid_t pid);

/* ---- extended attributes ----
   With size 0 the needed size is returned. None follows a last symbolic link. */

ssize_t cl_llistxattr(const char *path, char *_Nullable buffer, size_t size);
ssize_t cl_lgetxattr(const char *path, const char *name, void *_Nullable buffer, size_t size);
int cl_lsetxattr(const char *path, const char *name, const void *value, size_t size);
int cl_lremovexattr(const char *path, const char *name);
ssize_t cl_flistxattr(int fd, char *_Nullable buffer, size_t size);
ssize_t cl_fgetxattr(int fd, const char *name, void *_Nullable buffer, size_t size);
int cl_fsetxattr(int fd, const char *name, const void *value, size_t size);
/* `name` is one component below `dir`; through /proc/self/fd, as kernels before 6.13 have no getxattrat. */
ssize_t cl_listxattr_at(int dir, const char *name, char *_Nullable buffer, size_t size);
ssize_t cl_getxattr_at(int dir, const char *name, const char *attribute, void *_Nullable buffer, size_t size);
int cl_setxattr_at(int dir, const char *name, const char *attribute, const void *value, size_t size);

/* ---- processes ---- */

struct cl_fd_map {
    int from, to;
};

struct cl_spawn {
    const char *path;
    char *_Nullable const *_Nonnull argv;
    char *_Nullable const *_Nonnull envp;
    const char *_Nullable working_directory;
    const struct cl_fd_map *_Nullable descriptors; /* only these exist in the child */
    size_t descriptor_count;                       /* at most 32 */
    int new_session;
    int death_signal; /* when the parent's thread ends; 0: none */
};

struct cl_child {
    pid_t pid;
    int pidfd;
};

/* Starts a program. The child borrows this thread's memory until exec (vfork), so the cost does not grow with the
   parent's size. On failure `stage` says what failed: a static string. */
int cl_spawn(const struct cl_spawn *request, struct cl_child *child, const char *_Nullable *_Nonnull stage);

struct cl_exit {
    int exited; /* 1: `code` is its exit status; 0: `signal` ended it */
    int code, signal;
    int64_t user_microseconds, system_microseconds, peak_memory_bytes;
};

/* Waits for a child and reaps it, with what it and its waited-for children used. -EAGAIN when it still runs and
   `wait` is not set. */
int cl_wait_pidfd(int pidfd, int wait, struct cl_exit *out);
int cl_pidfd_open(pid_t pid);
int cl_pidfd_signal(int pidfd, int signal);

/* The system call filter of every container: a classic BPF program, as seccomp(2) takes it. Its size in bytes. */
int cl_seccomp_filter(uint8_t *buffer, size_t size);

/* What the filter is made of, for runtimes that make their own from names. Calls that are in neither list do not exist
   (ENOSYS), clone3 neither. */
struct cl_seccomp_socket {
    uint32_t family, protocol; /* first and third argument of socket(2) */
};
struct cl_seccomp_list {
    const char *_Nullable const *_Nonnull allowed; /* names, a null pointer at the end */
    const char *_Nullable const *_Nonnull refused; /* answer EPERM */
    const uint32_t *namespaces;                    /* flags that clone is refused with */
    size_t namespace_count;
    const struct cl_seccomp_socket *sockets; /* what socket is allowed for: others of these families do not exist */
    size_t socket_count;
    const uint32_t *pairs; /* families that socketpair is allowed for */
    size_t pair_count;
    const uint32_t *personalities;
    size_t personality_count;
};
struct cl_seccomp_list cl_seccomp_lists(void);

/* From now on `signal` adds one to an eventfd, instead of ending the process. */
int cl_signal_to_eventfd(int signal, int fd);

/* This process gets `signal` when its parent's thread ends. */
int cl_set_death_signal(int signal);
/* Orphaned descendants become children of this process. */
int cl_set_subreaper(int on);

/* Moves this process, which must have one thread only, into a user namespace of its own. With two commands (argument
   vectors; newuidmap and newgidmap with this process' id) those give it its ids, and on failure `message` has what they
   wrote: -ENOTSUP when no id was mapped, so that `cl_map_one_id` may still be called, -EUSERS when one half was. Without
   commands nothing is mapped yet. */
int cl_new_user_namespace(
    char *_Nullable const *_Nullable map_users, char *_Nullable const *_Nullable map_groups, char *message, size_t size);
/* Maps id 0 of this process' new user namespace to the ids that the process had outside. */
int cl_map_one_id(uint32_t user, uint32_t group);

/* ---- descriptors ---- */

int cl_pipe(int *_Nonnull ends /* 2 */);
int cl_set_pipe_size(int fd, int size);
int cl_socketpair_seqpacket(int *_Nonnull ends /* 2 */);
int cl_memfd(const char *name);
/* Makes a memfd's content final. */
int cl_memfd_seal(int fd);
int cl_eventfd(void);
/* Reads a count without waiting; -EAGAIN when it is zero. */
int64_t cl_eventfd_read(int fd);
int cl_eventfd_signal(int fd);
int cl_set_nonblocking(int fd, int on);
int cl_dup_cloexec(int fd);

/* Sends one descriptor with one byte (SCM_RIGHTS). */
int cl_send_descriptor(int socket, int fd, uint8_t byte);
/* Receives a message of at most `size` bytes and perhaps a descriptor; `fd` is -1 without one. 0: the peer closed. */
ssize_t cl_receive_descriptor(int socket, void *buffer, size_t size, int *fd);

/* ---- sockets: TCP, and none of these waits ---- */

/* Whether a text is an IPv4 or IPv6 address in numbers. */
int cl_is_address(const char *text);
/* A listening socket; with port 0 the kernel chooses one. */
int cl_listen(const char *address, uint16_t *port);
int cl_accept(int listener);
/* A socket that is being connected; it becomes writable, and `cl_socket_error` then says how that went. */
int cl_connect(const char *address, uint16_t port);
int cl_socket_error(int fd);
/* Moves the calling thread, and nothing else, into a network namespace: sockets that it makes from now on are there. */
int cl_enter_network(int fd);

/* ---- the rest ---- */

/* Fills `buffer` from the kernel's generator. */
int cl_random(void *buffer, size_t size);
/* Current and maximum of a resource limit; RLIM_INFINITY is UINT64_MAX. */
int cl_get_rlimit(int resource, uint64_t *soft, uint64_t *hard);
extern const int CL_RLIMIT_CORE, CL_RLIMIT_CPU, CL_RLIMIT_FSIZE, CL_RLIMIT_MEMLOCK, CL_RLIMIT_MSGQUEUE, CL_RLIMIT_NICE,
    CL_RLIMIT_NOFILE, CL_RLIMIT_NPROC, CL_RLIMIT_RTPRIO, CL_RLIMIT_SIGPENDING, CL_RLIMIT_STACK;
/* Gives the calling thread, and the processes that it starts, a host name of their own. */
int cl_own_hostname(const char *name);
/* Leaves the calling thread, and the processes that it starts, one of their processors; how many there were. */
int cl_keep_one_processor(void);
int64_t cl_monotonic_microseconds(void);
int64_t cl_realtime_microseconds(void);
/* The processor's own clock, which libraries without a C library read too (ibid-strict). */
uint64_t cl_ticks(void);

#pragma clang assume_nonnull end
#endif
