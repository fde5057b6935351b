/* A TLS server for the gateway: an authority made for one step, and sessions with the step's own programs.
   OpenSSL's macros and callbacks stay on this side. */
#ifndef CTLSSHIM_H
#define CTLSSHIM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#pragma clang assume_nonnull begin

/* A certificate authority that lives as long as this value; its key never leaves the process. */
typedef struct ct_authority ct_authority;

/* One session of a client. Used by one thread. */
typedef struct ct_session ct_session;

/* A new authority; NULL when OpenSSL fails. */
ct_authority *_Nullable ct_authority_new(void);
void ct_authority_free(ct_authority *authority);

/* Its certificate in PEM form, not terminated; valid as long as the authority. */
const uint8_t *ct_authority_certificate(const ct_authority *authority, size_t *length);

/* Shakes hands with the client on a socket, as `host` (a name or an address). May be called by several threads at once.
   Blocks SIGPIPE for the calling thread, because OpenSSL writes with write(). NULL when it fails. The socket stays the
   caller's. */
ct_session *_Nullable ct_accept(ct_authority *authority, int socket, const char *host);
void ct_session_free(ct_session *session);

/* As read(2) and write(2): the number of bytes, 0 at the end, -1 for a failure. */
ssize_t ct_read(ct_session *session, void *bytes, size_t size);
ssize_t ct_write(ct_session *session, const void *bytes, size_t size);

#pragma clang assume_nonnull end
#endif
