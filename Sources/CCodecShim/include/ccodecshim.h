#ifndef CCODECSHIM_H
#define CCODECSHIM_H

#include <stddef.h>

/* Unpacks frames of Zstandard. Returns 0 and the length of what came out, or -1 and why not. */
int cc_zstd(void *output, size_t capacity, const void *input, size_t size, size_t *made, char *problem, size_t room);

/* A JPEG's size, and whether it is of four inks. Returns 0, or -1 and why not. */
int cc_jpeg_size(const unsigned char *bytes, size_t size, int *width, int *height, int *inks, char *problem,
                 size_t room);

/* Its pixels, four bytes each: red, green, blue and 255, or four inks. Returns 0, or -1 and why not; also for what the
   library reads with a warning, since it made up what was missing. */
int cc_jpeg_pixels(const unsigned char *bytes, size_t size, unsigned char *pixels, int width, int height, int inks,
                   char *problem, size_t room);

#endif
