/* PID 1 of a container. The kernel treats PID 1 unlike every other process: signals that it does not handle do not
   reach it, and orphans become its children. An analysis expects neither, so it is not PID 1; this is. It waits for the
   word RELEASE on its descriptor, starts the command and sends one report.

   Freestanding: it is copied into every container and started in each, and a C library would take most of that time to
   look at the processor. */
#include "init.h"

#include "csystemcall.h"

#include <asm/unistd.h>
#include <errno.h>
#include <linux/prctl.h>
#include <linux/wait.h>
#include <stddef.h>

enum { SIGNAL_CHILD = 17, SET_MASK = 2, SET_DESCRIPTOR_FLAGS = 2, CLOSE_ON_EXECUTION = 1, MASK_SIZE = 8, LONGEST = 4096 };

/* What a shell gives for a command that is not there, or is there and cannot be executed. */
enum { NOT_FOUND = 127, NOT_EXECUTABLE = 126 };

__attribute__((noreturn)) static void end(int status) {
    for (;;) call(__NR_exit_group, status, 0, 0, 0, 0);
}

/* Only the descriptor that the sandbox made is written to; the command never has it. Other runtimes than crun and runc
   may not hand it on: then the exit status says what it can. */
static void tell(int32_t started, int32_t value) {
    struct init_report seen = {started, value};
    call(__NR_write, INIT_REPORT, (long)&seen, sizeof seen, 0, 0);
}

/* The container was made while ibid still entered the run in its ledger. Where the runtime did not hand the descriptor on,
   ibid had done that before. */
static void wait_for_word(void) {
    char word;
    long got;
    do got = call6(__NR_recvfrom, INIT_REPORT, (long)&word, 1, 0, 0, 0);
    while (got == -EINTR);
    if (got == 0) end(NOT_EXECUTABLE);
}

static const char *find_path(char **environment) {
    for (; *environment; environment++) {
        const char *entry = *environment, *name = "PATH=";
        while (*name && *entry == *name) entry++, name++;
        if (!*name) return entry;
    }
    return "";
}

static int has_slash(const char *text) {
    while (*text && *text != '/') text++;
    return *text != 0;
}

static int execute_at(const char *name, char **command, char **environment) {
    return (int)-call(__NR_execve, (long)name, (long)command, (long)environment, 0, 0);
}

/* execvp(3) without its habit of giving a file of unknown format to a shell. The error number. */
static int execute(char **command, char **environment) {
    if (has_slash(command[0])) return execute_at(command[0], command, environment);
    int error = ENOENT;
    char name[LONGEST];
    for (const char *path = find_path(environment); *path; path += *path == ':') {
        size_t length = 0;
        if (*path == ':') name[length++] = '.'; /* an empty one is the working directory */
        for (; *path && *path != ':'; path++)
            if (length < sizeof name) name[length++] = *path;
        if (length < sizeof name) name[length++] = '/';
        for (const char *from = command[0]; *from && length < sizeof name; from++) name[length++] = *from;
        if (length >= sizeof name) continue;
        name[length] = 0;
        int failed = execute_at(name, command, environment);
        if (failed != ENOENT && failed != ENOTDIR) error = failed;
    }
    return error;
}

static void set_mask(uint64_t blocked) { call(__NR_rt_sigprocmask, SET_MASK, (long)&blocked, 0, MASK_SIZE, 0); }

static long start(char **command, char **environment) {
    set_mask(~0ull);
    long child = call(__NR_clone, SIGNAL_CHILD, 0, 0, 0, 0);
    if (child != 0) return child;
    call(__NR_setsid, 0, 0, 0, 0, 0); /* kill(0, …) of the command must not reach this process */
    set_mask(0);
    int error = execute(command, environment);
    tell(0, error);
    end(error == ENOENT ? NOT_FOUND : NOT_EXECUTABLE);
}

/* The end of the command is the end of the container: the kernel kills what is left when this process exits. */
__attribute__((noreturn)) static void finish(int status) {
    tell(1, status);
    int signal = status & 0x7f;
    end(signal ? 128 + signal : status >> 8 & 0xff);
}

/* Called with what the kernel has put on the stack: the number of arguments, the arguments, the environment. */
__attribute__((noreturn, used)) static void begin(long *stack) {
    long count = stack[0];
    char **arguments = (char **)(stack + 1), **environment = arguments + count + 1;
    if (count < 2) end(NOT_FOUND);
    /* Nobody in the container looks into this process, whoever they are: it holds the sandbox's descriptor. */
    call(__NR_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
    call(__NR_prctl, PR_SET_NAME, (long)"ibid-init", 0, 0, 0);
    call(__NR_fcntl, INIT_REPORT, SET_DESCRIPTOR_FLAGS, CLOSE_ON_EXECUTION, 0, 0);
    wait_for_word();
    long command = start(arguments + 1, environment);
    if (command < 0) {
        tell(0, (int32_t)-command);
        end(NOT_EXECUTABLE);
    }
    uint64_t all = ~0ull;
    for (;;) {
        long signal = call(__NR_rt_sigtimedwait, (long)&all, 0, 0, MASK_SIZE, 0);
        if (signal > 0 && signal != SIGNAL_CHILD) call(__NR_kill, command, signal, 0, 0, 0);
        int status;
        long ended;
        while ((ended = call(__NR_wait4, -1, (long)&status, WNOHANG, 0, 0)) > 0)
            if (ended == command) finish(status);
    }
}

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call begin\n");
#else
__asm__(".globl _start\n_start:\n mov x29, xzr\n mov x30, xzr\n mov x0, sp\n bl begin\n");
#endif
