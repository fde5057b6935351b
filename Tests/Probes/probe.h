/* Tries to get out of a container, in as many ways as there are probes. One line for each on stdout:

     name <TAB> shut | LEAK | none <TAB> what was seen

   `shut`: it was refused. `LEAK`: it was not. `none`: there was nothing to try, for example no other process.

   Probes only look whether a door opens: none changes the machine when it does. Each runs in a process of its own with
   a deadline, so that a crash is an answer too. Arguments are `name=value` texts about the world outside, which the
   test knows and the container must not (see world.c). */
#ifndef PROBE_H
#define PROBE_H

#include <stddef.h>

enum verdict { SHUT, LEAK, NONE };

struct probe {
    const char *name;
    enum verdict (*run)(void);
};

/* Lists end with a probe without a name. */
extern const struct probe call_probes[], file_probes[], world_probes[], trick_probes[], seam_probes[];

/* What was seen; the last note of a probe is printed. */
__attribute__((format(printf, 1, 2))) void note(const char *format, ...);

/* A system call's result: an error shuts the door. */
enum verdict fails(long result);
/* The same for a call that is made with arguments which could not succeed: only a refusal counts, not a complaint about
   the arguments, which would show that the call was let through. */
enum verdict refused(long result);

/* Whether a program of the image, executed, has privileges that its caller has not. */
enum verdict gains(const char *program);

/* The value of an argument; NULL when it is absent. */
const char *argument(const char *name);

#endif
