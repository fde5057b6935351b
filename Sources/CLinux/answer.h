/* The one convention of this target: the result, or -errno. */
#ifndef CLINUX_ANSWER_H
#define CLINUX_ANSWER_H

#include <errno.h>

#define ANSWER(call)                         \
    do {                                     \
        __auto_type answer = (call);         \
        return answer < 0 ? -errno : answer; \
    } while (0)

#endif
