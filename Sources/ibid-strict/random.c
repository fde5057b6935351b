/* Random bytes: ChaCha20 (RFC 8439) keyed by the seed and the process id, so that two workers do not draw alike. */
#include "strict.h"

static inline uint32_t rotate(uint32_t value, int bits) { return value << bits | value >> (32 - bits); }

#define QUARTER(a, b, c, d)                     \
    a += b, d = rotate(d ^ a, 16);              \
    c += d, b = rotate(b ^ c, 12);              \
    a += b, d = rotate(d ^ a, 8);               \
    c += d, b = rotate(b ^ c, 7)

static void block(uint64_t counter, uint32_t process, uint32_t output[16]) {
    uint32_t start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, (uint32_t)settings.seed,
                          (uint32_t)(settings.seed >> 32), process, 0, 0, 0, 0, 0,
                          (uint32_t)counter, (uint32_t)(counter >> 32), 0, 0};
    uint32_t x[16];
    for (int i = 0; i < 16; i++) x[i] = start[i];
    for (int round = 0; round < 10; round++) {
        QUARTER(x[0], x[4], x[8], x[12]);
        QUARTER(x[1], x[5], x[9], x[13]);
        QUARTER(x[2], x[6], x[10], x[14]);
        QUARTER(x[3], x[7], x[11], x[15]);
        QUARTER(x[0], x[5], x[10], x[15]);
        QUARTER(x[1], x[6], x[11], x[12]);
        QUARTER(x[2], x[7], x[8], x[13]);
        QUARTER(x[3], x[4], x[9], x[14]);
    }
    for (int i = 0; i < 16; i++) output[i] = x[i] + start[i];
}

void random_bytes(unsigned char *bytes, size_t count) {
    static uint64_t counter;
    static uint32_t owner;
    uint32_t process = (uint32_t)call(NR_getpid, 0, 0, 0, 0, 0), words[16];
    /* A child that was forked begins its own stream. */
    if (__atomic_exchange_n(&owner, process, __ATOMIC_RELAXED) != process)
        __atomic_store_n(&counter, 0, __ATOMIC_RELAXED);
    while (count > 0) {
        block(__atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED), process, words);
        size_t part = count < 64 ? count : 64;
        for (size_t i = 0; i < part; i++) *bytes++ = (unsigned char)(words[i / 4] >> (i % 4 * 8));
        count -= part;
    }
}

int is_seeded(void) {
    read_settings();
    return settings.has_seed;
}

EXPORT long getrandom(void *bytes, size_t count, unsigned flags) {
    COUNT(DRAWS);
    if (!is_seeded()) return answer(call(NR_getrandom, (long)bytes, (long)count, flags, 0, 0));
    random_bytes(bytes, count);
    return (long)count;
}
EXPORT int getentropy(void *bytes, size_t count) {
    if (count > 256) return (int)answer(-5 /* EIO */);
    return getrandom(bytes, count, 0) == (long)count ? 0 : -1;
}
EXPORT void arc4random_buf(void *bytes, size_t count) { getrandom(bytes, count, 0); }
EXPORT uint32_t arc4random(void) {
    uint32_t value = 0;
    getrandom(&value, sizeof value, 0);
    return value;
}
EXPORT uint32_t arc4random_uniform(uint32_t bound) {
    if (bound < 2) return 0;
    /* Without the values that would make some results likelier than others. */
    uint32_t least = -bound % bound, value;
    do value = arc4random();
    while (value < least);
    return value % bound;
}

/* C++'s std::random_device, which asks the processor itself: _M_getval of libstdc++. */
EXPORT unsigned _ZNSt13random_device9_M_getvalEv(void *device) {
    (void)device;
    return arc4random();
}
