#define _GNU_SOURCE
#include "sandbox.h"

#include "clinux.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

int control = CONTROL;

void report(char kind, const void *bytes, size_t count) {
    struct iovec parts[2] = {{&kind, 1}, {(void *)bytes, count}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = count ? 2 : 1};
    ssize_t sent;
    do sent = sendmsg(control, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0) _exit(125); /* nobody listens any more: there is nothing left to do */
}

void report_descriptor(char kind, int fd) {
    int sent = cl_send_descriptor(control, fd, (uint8_t)kind);
    if (sent < 0) {
        errno = -sent;
        fail("hand out a descriptor");
    }
}

void fail(const char *format, ...) {
    int error = errno;
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0) length = 0;
    if ((size_t)length < sizeof text) snprintf(text + length, sizeof text - (size_t)length, ": %s", strerror(error));
    report(REPORT_FAILED, text, strlen(text));
    _exit(125);
}
