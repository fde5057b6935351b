#include <zlib.h>

/* zlib.h hides this behind a macro, which does not exist for Swift. */
static inline int cz_inflate_init(z_stream *stream, int window_bits) { return inflateInit2(stream, window_bits); }
