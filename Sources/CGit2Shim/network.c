/* libgit2's connections of its own: TLS, SSH and Kerberos, with five libraries behind them. Ibid has git do all
   networking, so where libgit2 is part of the program (a release build) these definitions stand in for its own, which
   then stay out of it; a libgit2 that is loaded keeps its own and is never asked for them. */
#include "cgit2shim.h"
#include <git2.h>
#include <git2/sys/stream.h>
#include <git2/sys/transport.h>

static int absent(void) {
    git_error_set_str(GIT_ERROR_NET, "libgit2 has no network here");
    return -1;
}

int git_mbedtls_stream_global_init(void);
int git_mbedtls_stream_global_init(void) { return 0; }
int git_transport_ssh_global_init(void);
int git_transport_ssh_global_init(void) { return 0; }

int git_mbedtls__set_cert_location(const char *file, const char *path);
int git_mbedtls__set_cert_location(const char *file, const char *path) { return (void)file, (void)path, absent(); }

int git_mbedtls_stream_new(git_stream **out, const char *host, const char *port);
int git_mbedtls_stream_new(git_stream **out, const char *host, const char *port) {
    return (void)out, (void)host, (void)port, absent();
}

int git_mbedtls_stream_wrap(git_stream **out, git_stream *in, const char *host);
int git_mbedtls_stream_wrap(git_stream **out, git_stream *in, const char *host) {
    return (void)out, (void)in, (void)host, absent();
}

int git_http_auth_negotiate(void **out, const void *url);
int git_http_auth_negotiate(void **out, const void *url) { return (void)out, (void)url, absent(); }

int git_smart_subtransport_ssh(git_smart_subtransport **out, git_transport *owner, void *param) {
    return (void)out, (void)owner, (void)param, absent();
}

int git_transport_ssh_with_paths(git_transport **out, git_remote *owner, void *payload) {
    return (void)out, (void)owner, (void)payload, absent();
}
