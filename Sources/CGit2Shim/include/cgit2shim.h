/* The libgit2 calls Swift cannot import: variadic options. */
#ifndef CGIT2SHIM_H
#define CGIT2SHIM_H
/* Verify each object's id against its bytes when it is read (on by default in libgit2). 0 or a libgit2 error code. */
int cg_set_strict_hash(int on);
/* libgit2 1.5 refuses repositories with extensions that it was not told of. These three change nothing about how
   objects are read: per-worktree settings (sparse checkouts), partial clones, and "do not delete objects". */
int cg_allow_extensions(void);
#endif
