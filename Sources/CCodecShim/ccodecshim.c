#include "ccodecshim.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <turbojpeg.h>
#include <zstd.h>

/* Few commands compare pictures or columns, so the libraries are loaded by the first that does (as in CCurlShim). */
#define ZSTD_CALLS(call) call(ZSTD_decompress) call(ZSTD_isError) call(ZSTD_getErrorName)
#define JPEG_CALLS(call)                                                                                               \
    call(tjInitDecompress) call(tjDestroy) call(tjDecompressHeader3) call(tjDecompress2) call(tjGetErrorStr2)
#define MEMBER(name) __typeof__(name) *name;
static struct { ZSTD_CALLS(MEMBER) } zstd;
static struct { JPEG_CALLS(MEMBER) } jpeg;

static char zstd_problem[256], jpeg_problem[256];

#define LOAD(functions, calls, file, problem)                                                                          \
    void *library = dlopen(file, RTLD_LAZY | RTLD_LOCAL);                                                              \
    if (!library) {                                                                                                    \
        snprintf(problem, sizeof problem, "%s", dlerror());                                                            \
        return;                                                                                                        \
    }                                                                                                                  \
    calls(functions)

#define FIND_ZSTD(name)                                                                                                \
    if (!(zstd.name = (__typeof__(zstd.name))dlsym(library, #name)))                                                   \
        snprintf(zstd_problem, sizeof zstd_problem, "libzstd.so.1 lacks " #name);
#define FIND_JPEG(name)                                                                                                \
    if (!(jpeg.name = (__typeof__(jpeg.name))dlsym(library, #name)))                                                   \
        snprintf(jpeg_problem, sizeof jpeg_problem, "libturbojpeg.so.0 lacks " #name);

static void load_zstd(void) { LOAD(FIND_ZSTD, ZSTD_CALLS, "libzstd.so.1", zstd_problem) }
static void load_jpeg(void) { LOAD(FIND_JPEG, JPEG_CALLS, "libturbojpeg.so.0", jpeg_problem) }

static int say(char *problem, size_t room, const char *text) {
    snprintf(problem, room, "%s", text);
    return -1;
}

int cc_zstd(void *output, size_t capacity, const void *input, size_t size, size_t *made, char *problem, size_t room) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load_zstd);
    if (zstd_problem[0]) return say(problem, room, zstd_problem);
    *made = zstd.ZSTD_decompress(output, capacity, input, size);
    return zstd.ZSTD_isError(*made) ? say(problem, room, zstd.ZSTD_getErrorName(*made)) : 0;
}

static tjhandle decoder(char *problem, size_t room) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load_jpeg);
    tjhandle handle = jpeg_problem[0] ? NULL : jpeg.tjInitDecompress();
    if (!handle) say(problem, room, jpeg_problem[0] ? jpeg_problem : "there is no memory for its decoder");
    return handle;
}

int cc_jpeg_size(const unsigned char *bytes, size_t size, int *width, int *height, int *inks, char *problem,
                 size_t room) {
    tjhandle handle = decoder(problem, room);
    if (!handle) return -1;
    int sampling, colours;
    int status = jpeg.tjDecompressHeader3(handle, bytes, size, width, height, &sampling, &colours);
    if (status) say(problem, room, jpeg.tjGetErrorStr2(handle));
    *inks = !status && (colours == TJCS_CMYK || colours == TJCS_YCCK);
    jpeg.tjDestroy(handle);
    return status;
}

int cc_jpeg_pixels(const unsigned char *bytes, size_t size, unsigned char *pixels, int width, int height, int inks,
                   char *problem, size_t room) {
    tjhandle handle = decoder(problem, room);
    if (!handle) return -1;
    /* A file of many scans takes long and gives nothing. */
    int flags = TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS;
    int format = inks ? TJPF_CMYK : TJPF_RGBA;
    int status = jpeg.tjDecompress2(handle, bytes, size, pixels, width, 0, height, format, flags);
    if (status) say(problem, room, jpeg.tjGetErrorStr2(handle));
    jpeg.tjDestroy(handle);
    return status;
}
