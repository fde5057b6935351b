/* What Ibid needs of libcurl, which is loaded when it is first asked for. */
#ifndef CCURLSHIM_H
#define CCURLSHIM_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/* One easy handle: it keeps its connections between transfers. */
typedef struct cc_handle cc_handle;

/* Takes a piece of the body; anything but `size` ends the transfer. */
typedef size_t (*cc_body)(const uint8_t *bytes, size_t size, void *_Nullable context);
/* Asked about once a second while a transfer runs; anything but 0 ends it. */
typedef int (*cc_check)(void *_Nullable context);
/* Takes one header line of a response, with its line end; anything but `size` ends the transfer. */
typedef size_t (*cc_header)(const uint8_t *bytes, size_t size, void *_Nullable context);

/* NULL when libcurl cannot be loaded or there is no memory; `cc_problem` then says which. */
cc_handle *_Nullable cc_new(void);
const char *cc_problem(void);
void cc_free(cc_handle *handle);

struct cc_request {
    const char *url;
    const char *_Nullable accept;       /* the Accept header */
    const char *_Nullable user_agent;
    const char *_Nullable ca_file;      /* instead of the system's authorities */
    const char *_Nullable client_cert;
    const char *_Nullable proxy;        /* instead of the environment's */
    const char *_Nullable authorization; /* the Authorization header; curl keeps it from other hosts */
    const char *_Nullable netrc;        /* instead of ~/.netrc */
    int public_only;                    /* refuse addresses of this host and of private networks */
    int insecure;                       /* do not check the server's certificate */
    int decode;                         /* ask for and undo compression in transit */
    long stall_seconds;                 /* give up when nothing came for so long */
    long connect_seconds;
    cc_body body;
    cc_header header;
    cc_check check;
    void *_Nullable context;
};

/* Runs one GET to its end, following redirects. Returns curl's code: 0 is success, whatever the status. `error` gets
   at least one byte and at most 256. */
int cc_get(cc_handle *handle, const struct cc_request *request, long *status, char *error);

/* What cc_get returns when `public_only` refused the address. */
#define CC_REFUSED 1000

/* Whether a failure may be over in a moment. */
int cc_is_passing(int code);

/* The text of one of curl's codes, once there is a handle. */
const char *cc_error(int code);

#pragma clang assume_nonnull end
#endif
