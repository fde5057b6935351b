/* PID 1 of a container. The kernel treats PID 1 unlike every other process: signals that it does not handle do not
   reach it, and orphans become its children. An analysis expects neither, so it is not PID 1; this is. */
#define _GNU_SOURCE
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* What a shell gives for a command that is not there, or is there and cannot be executed. */
enum { NOT_FOUND = 127, NOT_EXECUTABLE = 126 };

/* Only the descriptor that the sandbox made is written to; the command never has it. Other runtimes than crun and runc
   may not hand it on: then the exit status says what it can. */
static void tell(int32_t started, int32_t value) {
    struct init_report seen = {started, value};
    ssize_t written = write(INIT_REPORT, &seen, sizeof seen);
    (void)written;
}

/* execvp(3) without its habit of giving a file of unknown format to a shell. */
static int execute(char **command) {
    if (strchr(command[0], '/')) {
        execve(command[0], command, environ);
        return errno;
    }
    const char *path = getenv("PATH");
    int error = ENOENT;
    char name[4096];
    for (const char *start = path ? path : ""; *start;) {
        size_t length = strcspn(start, ":");
        int used = snprintf(name, sizeof name, "%.*s/%s", (int)length, length ? start : ".", command[0]);
        if (length == 0) used = snprintf(name, sizeof name, "./%s", command[0]);
        if (used > 0 && (size_t)used < sizeof name) {
            execve(name, command, environ);
            if (errno != ENOENT && errno != ENOTDIR) error = errno;
        }
        start += length + (start[length] == ':');
    }
    return error;
}

/* The container was made while ibid still entered the run in its ledger. Where the runtime did not hand the descriptor on,
   ibid had done that before. */
static void wait_for_word(void) {
    char word;
    ssize_t got;
    do got = recv(INIT_REPORT, &word, 1, 0);
    while (got < 0 && errno == EINTR);
    if (got == 0) _exit(NOT_EXECUTABLE);
}

static pid_t start(char **command) {
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &all, NULL);
    pid_t child = fork();
    if (child != 0) return child;
    setsid(); /* kill(0, …) of the command must not reach this process */
    sigprocmask(SIG_SETMASK, &none, NULL);
    int error = execute(command);
    tell(0, error);
    _exit(error == ENOENT ? NOT_FOUND : NOT_EXECUTABLE);
}

/* The end of the command is the end of the container: the kernel kills what is left when this process exits. */
__attribute__((noreturn)) static void finish(int status) {
    tell(1, status);
    _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

void be_init(int count, char **arguments) {
    if (count < 2) _exit(NOT_FOUND);
    /* Nobody in the container looks into this process, whoever they are: it holds the sandbox's descriptor. */
    prctl(PR_SET_DUMPABLE, 0);
    prctl(PR_SET_NAME, "ibid-init");
    fcntl(INIT_REPORT, F_SETFD, FD_CLOEXEC);
    wait_for_word();
    pid_t command = start(arguments + 1);
    if (command < 0) {
        tell(0, errno);
        _exit(NOT_EXECUTABLE);
    }
    sigset_t all;
    sigfillset(&all);
    for (;;) {
        siginfo_t info;
        int signal = sigwaitinfo(&all, &info);
        if (signal > 0 && signal != SIGCHLD) kill(command, signal);
        int status;
        pid_t ended;
        while ((ended = waitpid(-1, &status, WNOHANG)) > 0)
            if (ended == command) finish(status);
    }
}
