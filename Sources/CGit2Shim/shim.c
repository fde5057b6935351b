#include "cgit2shim.h"
#include <git2.h>

int cg_set_strict_hash(int on) { return git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, on); }

int cg_allow_extensions(void) {
    const char *names[] = {"worktreeconfig", "partialclone", "preciousobjects"};
    return git_libgit2_opts(GIT_OPT_SET_EXTENSIONS, names, sizeof names / sizeof names[0]);
}
