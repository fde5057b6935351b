#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_DESCRIPTORS 32

enum stage { SESSION, DEATH_SIGNAL, DESCRIPTORS, DIRECTORY, EXEC };
static const char *const stage_names[] = {"setsid", "set the death signal", "place the descriptors", "change the directory", "execute"};

struct failure {
    int error, stage;
};

/* Runs in the child on the parent's memory: only system calls, and nothing that writes to shared state. */
__attribute__((noreturn)) static void start(const struct cl_spawn *request, pid_t parent, int report) {
    enum stage stage;
    sigset_t none;
    for (int i = 1; i < NSIG; i++)
        if (i != SIGKILL && i != SIGSTOP) signal(i, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);

    stage = SESSION;
    if (request->new_session && setsid() < 0) goto fail;
    stage = DEATH_SIGNAL;
    if (request->death_signal) {
        if (prctl(PR_SET_PDEATHSIG, request->death_signal) < 0) goto fail;
        if (getppid() != parent) raise(request->death_signal); /* it had died before the signal was set */
    }

    /* Two passes, as targets may be sources too: lift every source above all targets, then place it. */
    stage = DESCRIPTORS;
    int lifted[MAX_DESCRIPTORS], floor = 3;
    for (size_t i = 0; i < request->descriptor_count; i++)
        if (request->descriptors[i].to >= floor) floor = request->descriptors[i].to + 1;
    if ((report = fcntl(report, F_DUPFD_CLOEXEC, floor)) < 0) _exit(127);
    for (size_t i = 0; i < request->descriptor_count; i++)
        if ((lifted[i] = fcntl(request->descriptors[i].from, F_DUPFD_CLOEXEC, floor)) < 0) goto fail;
    syscall(SYS_close_range, 0, (unsigned)floor - 1, 0);
    for (size_t i = 0; i < request->descriptor_count; i++)
        if (dup2(lifted[i], request->descriptors[i].to) < 0) goto fail;
    if (syscall(SYS_close_range, (unsigned)floor, ~0U, 1U << 2 /* CLOSE_RANGE_CLOEXEC */) < 0) goto fail;

    stage = DIRECTORY;
    if (request->working_directory && chdir(request->working_directory) < 0) goto fail;
    stage = EXEC;
    execve(request->path, request->argv, request->envp);
fail:;
    struct failure failure = {errno, stage};
    ssize_t written = write(report, &failure, sizeof failure);
    (void)written;
    _exit(127);
}

int cl_spawn(const struct cl_spawn *request, struct cl_child *child, const char **stage) {
    int pipe_ends[2];
    sigset_t all, old;
    *stage = "prepare";
    *child = (struct cl_child){-1, -1};
    if (request->descriptor_count > MAX_DESCRIPTORS) return -E2BIG;
    if (pipe2(pipe_ends, O_CLOEXEC) < 0) return -errno;
    /* A signal handler of this program must not run in the child while it shares our memory. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pid_t parent = getpid();
    pid_t pid = vfork();
    if (pid == 0) start(request, parent, pipe_ends[1]);
    int error = errno;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    close(pipe_ends[1]);
    if (pid < 0) {
        close(pipe_ends[0]);
        *stage = "fork";
        return -error;
    }
    struct failure failure;
    ssize_t got;
    do got = read(pipe_ends[0], &failure, sizeof failure);
    while (got < 0 && errno == EINTR);
    close(pipe_ends[0]);
    /* It is not reaped yet, so its number cannot name another process. */
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    int pidfd_error = errno;
    if (got == (ssize_t)sizeof failure || pidfd < 0) {
        if (pidfd >= 0) close(pidfd);
        kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
        *stage = pidfd < 0 ? "pidfd_open" : stage_names[failure.stage];
        return pidfd < 0 ? -pidfd_error : -failure.error;
    }
    *child = (struct cl_child){pid, pidfd};
    *stage = NULL;
    return 0;
}

int cl_wait_pidfd(int pidfd, int wait, struct cl_exit *out) {
    siginfo_t info;
    struct rusage usage;
    memset(&info, 0, sizeof info);
    long result;
    do result = syscall(SYS_waitid, 3 /* P_PIDFD */, pidfd, &info, WEXITED | (wait ? 0 : WNOHANG), &usage);
    while (result < 0 && errno == EINTR);
    if (result < 0) return -errno;
    if (info.si_pid == 0) return -EAGAIN;
    int exited = info.si_code == CLD_EXITED;
    *out = (struct cl_exit){
        .exited = exited,
        .code = exited ? info.si_status : 0,
        .signal = exited ? 0 : info.si_status,
        .user_microseconds = usage.ru_utime.tv_sec * 1000000LL + usage.ru_utime.tv_usec,
        .system_microseconds = usage.ru_stime.tv_sec * 1000000LL + usage.ru_stime.tv_usec,
        .peak_memory_bytes = usage.ru_maxrss * 1024LL,
    };
    return 0;
}

int cl_pidfd_open(pid_t pid) {
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    return fd < 0 ? -errno : fd;
}
int cl_pidfd_signal(int pidfd, int signal) {
    return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}
int cl_set_death_signal(int signal) { return prctl(PR_SET_PDEATHSIG, signal) < 0 ? -errno : 0; }
int cl_set_subreaper(int on) { return prctl(PR_SET_CHILD_SUBREAPER, on) < 0 ? -errno : 0; }

static volatile int signal_descriptors[NSIG];

static void add_one(int signal) {
    int saved = errno;
    uint64_t one = 1;
    ssize_t written = write(signal_descriptors[signal], &one, sizeof one);
    (void)written;
    errno = saved;
}

int cl_signal_to_eventfd(int signal, int fd) {
    if (signal <= 0 || signal >= NSIG) return -EINVAL;
    signal_descriptors[signal] = fd;
    struct sigaction action = {.sa_handler = add_one, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    if (sigaction(signal, &action, NULL) < 0) return -errno;
    /* Whoever started this program may have left it blocked. */
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, signal);
    return -pthread_sigmask(SIG_UNBLOCK, &one, NULL);
}
