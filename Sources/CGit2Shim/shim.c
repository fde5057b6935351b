#include "cgit2shim.h"
#include <git2.h>
int cg_set_strict_hash(int on) { return git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, on); }
