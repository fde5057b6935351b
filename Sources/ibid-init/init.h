/* What the sandbox and the container's init have between them. */
#ifndef INIT_H
#define INIT_H

#include <stdint.h>

/* The init's name in a container. */
#define INIT_PATH "/dev/ibid-init"

/* The descriptor that the runtime hands on to it: the first after the command's own. */
enum { INIT_REPORT = 3 };

/* ibid's word, handed on to the init, that the command may start. */
enum { RELEASE = '>' };

/* What the init sends, once. */
struct init_report {
    int32_t started; /* 1: `value` is the command's wait status; 0: the error number of its execution */
    int32_t value;
};

#endif
