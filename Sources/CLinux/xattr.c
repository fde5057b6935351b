#define _GNU_SOURCE
#include "clinux.h"

#include "answer.h"

#include <limits.h>
#include <stdio.h>
#include <sys/xattr.h>

ssize_t cl_llistxattr(const char *path, char *buffer, size_t size) { ANSWER(llistxattr(path, buffer, size)); }
ssize_t cl_lgetxattr(const char *path, const char *name, void *buffer, size_t size) {
    ANSWER(lgetxattr(path, name, buffer, size));
}
int cl_lsetxattr(const char *path, const char *name, const void *value, size_t size) {
    ANSWER(lsetxattr(path, name, value, size, 0));
}
int cl_lremovexattr(const char *path, const char *name) { ANSWER(lremovexattr(path, name)); }
ssize_t cl_flistxattr(int fd, char *buffer, size_t size) { ANSWER(flistxattr(fd, buffer, size)); }
ssize_t cl_fgetxattr(int fd, const char *name, void *buffer, size_t size) {
    ANSWER(fgetxattr(fd, name, buffer, size));
}
int cl_fsetxattr(int fd, const char *name, const void *value, size_t size) {
    ANSWER(fsetxattr(fd, name, value, size, 0));
}

/* The link /proc/self/fd/N leads to the directory itself, whatever happened to its path since. */
static int path_at(char *out, size_t size, int dir, const char *name) {
    int length = snprintf(out, size, "/proc/self/fd/%d/%s", dir, name);
    return length < 0 || (size_t)length >= size ? -ENAMETOOLONG : 0;
}

ssize_t cl_listxattr_at(int dir, const char *name, char *buffer, size_t size) {
    char path[PATH_MAX];
    int failed = path_at(path, sizeof path, dir, name);
    return failed ? failed : cl_llistxattr(path, buffer, size);
}
ssize_t cl_getxattr_at(int dir, const char *name, const char *attribute, void *buffer, size_t size) {
    char path[PATH_MAX];
    int failed = path_at(path, sizeof path, dir, name);
    return failed ? failed : cl_lgetxattr(path, attribute, buffer, size);
}
int cl_setxattr_at(int dir, const char *name, const char *attribute, const void *value, size_t size) {
    char path[PATH_MAX];
    int failed = path_at(path, sizeof path, dir, name);
    return failed ? failed : cl_lsetxattr(path, attribute, value, size);
}
