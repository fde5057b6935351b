#include "cgit2shim.h"
#include <git2.h>

/* Debian's libgit2 speaks TLS through mbedtls, and when it is set up it has mbedtls parse every certificate authority of
   the machine: two milliseconds, in a program that never has libgit2 use the network (git does that). This definition
   is found before that of mbedtls: libgit2 knows no authority, and would trust no server. */
int mbedtls_x509_crt_parse_file(void *chain, const char *path);
int mbedtls_x509_crt_parse_file(void *chain, const char *path) {
    (void)chain, (void)path;
    return 0;
}

int cg_set_strict_hash(int on) { return git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, on); }

int cg_allow_extensions(void) {
    const char *names[] = {"worktreeconfig", "partialclone", "preciousobjects"};
    return git_libgit2_opts(GIT_OPT_SET_EXTENSIONS, names, sizeof names / sizeof names[0]);
}
