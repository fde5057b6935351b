#pragma once
// Arithmetic modulo a prime of 252 to 256 bits. The modulus is a compile-time constant of every caller, so each gets code
// of its own.
#include <stdint.h>
#include <string.h>

#define FLAT static inline __attribute__((always_inline))

typedef unsigned __int128 wide;

// Limbs from the lowest; always less than the modulus.
typedef struct {
    uint64_t limb[4];
} number;

// Montgomery form: x stands as x·2^256 mod m. Modulo 2^255 - 19 a product is folded instead, and x stands as itself;
// `inverse` is 0 there, `one` and `square` are 1.
typedef struct {
    uint64_t m[4];
    uint64_t inverse;  // -1/m modulo 2^64
    number one;        // 2^256 mod m
    number square;     // 2^512 mod m
} modulus;

// r - m when r (with its carry) is not less than m.
FLAT number reduce_once(const uint64_t r[4], uint64_t carry, const modulus *mod) {
    number less;
    uint64_t borrow = 0;
    for (int i = 0; i < 4; i++) {
        wide difference = (wide)r[i] - mod->m[i] - borrow;
        less.limb[i] = (uint64_t)difference;
        borrow = (uint64_t)(difference >> 64) & 1;
    }
    uint64_t keep = carry < borrow ? UINT64_MAX : 0;
    number result;
    for (int i = 0; i < 4; i++) result.limb[i] = (r[i] & keep) | (less.limb[i] & ~keep);
    return result;
}

// a·b/2^256 mod m, row by row; a may be any number below 2^256.
FLAT number multiply_montgomery(const number *a, const number *b, const modulus *mod) {
    uint64_t t[5] = {0};
    for (int i = 0; i < 4; i++) {
        wide sum = 0;
        uint64_t word = b->limb[i];
        for (int j = 0; j < 4; j++) {
            sum = (wide)a->limb[j] * word + t[j] + (uint64_t)(sum >> 64);
            t[j] = (uint64_t)sum;
        }
        wide top = (wide)t[4] + (uint64_t)(sum >> 64);
        if (mod->inverse == 1) {
            // P-256: m + 1 = 2^256 - 2^224 + 2^192 + 2^96, and t[0]·(m + 1) - t[0] needs one product.
            wide high = (wide)t[0] * mod->m[3];
            sum = (wide)t[1] + (t[0] << 32);
            uint64_t low = t[0] >> 32;
            t[0] = (uint64_t)sum;
            sum = (wide)t[2] + low + (uint64_t)(sum >> 64);
            t[1] = (uint64_t)sum;
            sum = (wide)t[3] + (uint64_t)high + (uint64_t)(sum >> 64);
            t[2] = (uint64_t)sum;
            top += (uint64_t)(high >> 64);
        } else {
            uint64_t factor = t[0] * mod->inverse;
            sum = (wide)factor * mod->m[0] + t[0];
            for (int j = 1; j < 4; j++) {
                sum = (wide)factor * mod->m[j] + t[j] + (uint64_t)(sum >> 64);
                t[j - 1] = (uint64_t)sum;
            }
        }
        top += (uint64_t)(sum >> 64);
        t[3] = (uint64_t)top;
        t[4] = (uint64_t)(top >> 64);
    }
    return reduce_once(t, t[4], mod);
}

// a·b mod 2^255 - 19: 2^256 is 38 there.
FLAT number multiply_folding(const number *a, const number *b, const modulus *mod) {
    uint64_t t[8] = {0};
    for (int i = 0; i < 4; i++) {
        wide sum = 0;
        for (int j = 0; j < 4; j++) {
            sum = (wide)a->limb[j] * b->limb[i] + t[i + j] + (uint64_t)(sum >> 64);
            t[i + j] = (uint64_t)sum;
        }
        t[i + 4] = (uint64_t)(sum >> 64);
    }
    wide sum = 0;
    for (int i = 0; i < 4; i++) {
        sum = (wide)t[i + 4] * 38 + t[i] + (uint64_t)(sum >> 64);
        t[i] = (uint64_t)sum;
    }
    // What is left above 2^255 is 19 each.
    uint64_t above = (uint64_t)(sum >> 64) << 1 | t[3] >> 63;
    t[3] &= INT64_MAX;
    sum = above * 19;  // above is at most 79
    for (int i = 0; i < 4; i++) {
        sum += t[i];
        t[i] = (uint64_t)sum;
        sum >>= 64;
    }
    return reduce_once(t, 0, mod);
}

FLAT number multiply(const number *a, const number *b, const modulus *mod) {
    return mod->inverse ? multiply_montgomery(a, b, mod) : multiply_folding(a, b, mod);
}

FLAT number add(const number *a, const number *b, const modulus *mod) {
    uint64_t r[4];
    wide sum = 0;
    for (int i = 0; i < 4; i++) {
        sum = (wide)a->limb[i] + b->limb[i] + (uint64_t)(sum >> 64);
        r[i] = (uint64_t)sum;
    }
    return reduce_once(r, (uint64_t)(sum >> 64), mod);
}

FLAT number subtract(const number *a, const number *b, const modulus *mod) {
    number r;
    uint64_t borrow = 0;
    for (int i = 0; i < 4; i++) {
        wide difference = (wide)a->limb[i] - b->limb[i] - borrow;
        r.limb[i] = (uint64_t)difference;
        borrow = (uint64_t)(difference >> 64) & 1;
    }
    uint64_t mask = 0 - borrow;
    wide sum = 0;
    for (int i = 0; i < 4; i++) {
        sum = (wide)r.limb[i] + (mod->m[i] & mask) + (uint64_t)(sum >> 64);
        r.limb[i] = (uint64_t)sum;
    }
    return r;
}

static inline int is_zero(const number *a) { return (a->limb[0] | a->limb[1] | a->limb[2] | a->limb[3]) == 0; }

static inline int is_equal(const number *a, const number *b) { return memcmp(a, b, sizeof *a) == 0; }

// Whether a is less than the limbs of a modulus.
static inline int is_below(const number *a, const uint64_t m[4]) {
    for (int i = 3; i >= 0; i--)
        if (a->limb[i] != m[i]) return a->limb[i] < m[i];
    return 0;
}

static inline number power(const number *base, const number *exponent, const modulus *mod) {
    number result = mod->one;
    for (int bit = 255; bit >= 0; bit--) {
        result = multiply(&result, &result, mod);
        if (exponent->limb[bit / 64] >> (bit % 64) & 1) result = multiply(&result, base, mod);
    }
    return result;
}

// 1/a by Fermat's little theorem; a is not zero.
static inline number invert(const number *a, const modulus *mod) {
    number exponent = {{mod->m[0] - 2, mod->m[1], mod->m[2], mod->m[3]}};  // the lowest limb of each is above 2
    return power(a, &exponent, mod);
}

static inline number from_montgomery(const number *a, const modulus *mod) {
    number one = {{1, 0, 0, 0}};
    return multiply(a, &one, mod);
}

static inline number to_montgomery(const number *a, const modulus *mod) { return multiply(a, &mod->square, mod); }

static inline number from_big_endian(const uint8_t bytes[32]) {
    number a;
    for (int i = 0; i < 4; i++) {
        uint64_t limb;
        memcpy(&limb, bytes + 24 - 8 * i, 8);
        a.limb[i] = __builtin_bswap64(limb);
    }
    return a;
}

static inline void to_big_endian(const number *a, uint8_t bytes[32]) {
    for (int i = 0; i < 4; i++) {
        uint64_t limb = __builtin_bswap64(a->limb[i]);
        memcpy(bytes + 24 - 8 * i, &limb, 8);
    }
}

// A scalar in digits of WINDOW bits, each from -2^(WINDOW-1) + 1 to 2^(WINDOW-1): half of the multiples are tabulated,
// the others are their negatives.
// (11 bits: more take fewer additions and miss the cache more often.)
#define WINDOW 11
#define WINDOWS 24
#define MULTIPLES (1 << (WINDOW - 1))

static inline void digits_of(const number *scalar, int16_t digits[WINDOWS]) {
    int carry = 0;
    for (int window = 0; window < WINDOWS; window++) {
        int bit = window * WINDOW;
        uint64_t value = scalar->limb[bit / 64] >> (bit % 64);
        if (bit % 64 + WINDOW > 64 && bit / 64 < 3) value |= scalar->limb[bit / 64 + 1] << (64 - bit % 64);
        int digit = (int)(value & ((1 << WINDOW) - 1)) + carry;
        carry = digit > MULTIPLES;
        digits[window] = (int16_t)(carry ? digit - (1 << WINDOW) : digit);
    }
    // 264 bits for a scalar of 256: the last digit is small, and leaves no carry.
}
