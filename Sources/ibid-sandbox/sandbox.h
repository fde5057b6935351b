/* ibid-sandbox: turns a plan into one container, and leaves nothing behind.

   ibid has threads, and a process with threads cannot enter most namespaces. So ibid spawns this small program, which
   does everything that needs privileges:

     ibid                     reads the output, watches the clock and the cgroup
      └ ibid-sandbox          own mount namespace; overlay over id-mapped layers; waits
         └ runtime (crun)     PID 1 of an own PID namespace
            └ init            PID 1 of the container: ibid-init
               └ the command

   Whoever dies, everything below dies too: each level has asked for SIGKILL when its parent ends, and the end of PID 1
   ends its whole namespace. The mounts live in the mount namespace and go with its last process. */
#ifndef SANDBOX_H
#define SANDBOX_H

#include "../ibid-init/init.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Descriptors that ibid places, besides 0, 1 and 2, which are the command's own. The last one only where the plan says
   so: a user namespace that another sandbox made. */
enum { CONTROL = 3, PLAN = 4, ID_MAP = 5 };

/* A directory that is in every file system, that everybody may pass through, and that nothing here needs once all
   sources are open: the sandbox covers it, in its own mount namespace, with a file system of its own. A path below the
   caller's home would not do: the container's root is an ordinary user to the host and cannot pass a 0700 directory. */
#define SCRATCH "/tmp"

enum { MAX_LAYERS = 500 /* the kernel's OVL_MAX_STACK */, MAX_BINDS = 1000, MAX_ARGUMENTS = 32, MAX_GROUPS = 8 };

struct bind {
    const char *source; /* NULL for a file that lies in memory only */
    int read_only;
    int sealed; /* read-only, and shown without its path on the host */
    const char *bytes; /* of such a file, in hexadecimal */
    uint32_t mode, uid, gid;
};

/* What ibid asks for; the texts point into the plan's bytes. */
struct plan {
    const char *runtime; /* absolute path; absent: set everything up, then end (a probe) */
    const char *arguments[MAX_ARGUMENTS]; /* what the runtime is called with, after its own name */
    size_t argument_count;
    const char *config;    /* the text of the bundle's config.json */
    const char *workspace; /* directory of upper and work */
    const char *layers[MAX_LAYERS]; /* lowest first */
    size_t layer_count;
    struct bind binds[MAX_BINDS]; /* appear as SCRATCH/bind/<index> */
    size_t bind_count;
    const char *join[MAX_GROUPS]; /* files of control groups that take in the thread which writes to them */
    size_t join_count;
    const char *hide[8]; /* directories to cover with an empty file system */
    size_t hide_count;
    uint32_t first_id, id_count; /* the container's ids 0… are first_id… on the host; 0: files have them on disk too */
    int has_id_map;              /* ID_MAP maps these ids */
    int nested;                  /* in a user namespace already: overlays may not use trusted attributes */
    int lock_cgroups;            /* the runtime may look at cgroups and not change them */
    int own_network;             /* make the network namespace here, and not in the runtime */
    int fixed_addresses;         /* no randomised address space */
    uint32_t processors;         /* run on so many processors; 0: on all */
    uint32_t processes;          /* of all its users together, with ibid's own; 0: any number */
    int sorted_listings;         /* directories list their names in one order */
    uint16_t gateway_port;       /* with own_network: listen on 127.0.0.1:port and hand the socket to ibid */
    int hand_network;            /* with own_network: hand the namespace to ibid */
};

/* plan.c */
void read_plan(struct plan *plan);

/* report.c: messages to ibid over CONTROL, one packet each; the first byte is the kind. */
enum {
    REPORT_FAILED = 'E',  /* text: what failed; the sandbox ends */
    REPORT_ID_MAP = 'M',  /* carries a user namespace that maps the container's ids */
    REPORT_GATEWAY = 'G', /* carries the listening socket */
    REPORT_UNSORTED = 'U', /* text: why directories are listed as the file system has them */
    REPORT_NETWORK = 'N', /* carries the network namespace */
    REPORT_STARTED = 'S', /* the runtime starts now */
    REPORT_LOG = 'L',     /* text: what the runtime logged */
    REPORT_WRITTEN = 'W', /* int64_t: bytes that everything in the container had a disk write */
    REPORT_INIT = 'I',    /* struct init_report: what the container's init saw, when it could say so */
    REPORT_ENDED = 'X',   /* int: the runtime's wait status; everything in the container is gone */
};
extern int control; /* where reports go */
void report(char kind, const void *bytes, size_t count);
void report_descriptor(char kind, int fd);
__attribute__((noreturn, format(printf, 1, 2))) void fail(const char *format, ...); /* appends strerror(errno) */

/* users.c */
int open_id_map(const struct plan *plan); /* a user namespace's descriptor, to map mounts with */
void act_as(uint32_t id);                 /* file system ids, with all capabilities kept */

/* mounts.c */
void build_root(const struct plan *plan);

/* listing.c */
void prepare_listings(void);        /* before the runtime starts, for whoever is going to answer */
int sort_listings(void);            /* from now on this process and its children ask; the descriptor of their questions */
void answer_listing(int questions); /* the next one */

/* network.c */
void build_network(const struct plan *plan);

#endif
