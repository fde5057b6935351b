// ECDSA on P-256 (FIPS 186-5 section 6.4.2): many signatures of one key.
#include <stdlib.h>

#include "csignatures.h"
#include "arithmetic.h"

// The field, and the order of the group.
static const modulus P = {
    {0xffffffffffffffff, 0x00000000ffffffff, 0x0000000000000000, 0xffffffff00000001},
    0x0000000000000001,
    {{0x0000000000000001, 0xffffffff00000000, 0xffffffffffffffff, 0x00000000fffffffe}},
    {{0x0000000000000003, 0xfffffffbffffffff, 0xfffffffffffffffe, 0x00000004fffffffd}},
};
static const modulus N = {
    {0xf3b9cac2fc632551, 0xbce6faada7179e84, 0xffffffffffffffff, 0xffffffff00000000},
    0xccd1c8aaee00bc4f,
    {{0x0c46353d039cdaaf, 0x4319055258e8617b, 0x0000000000000000, 0x00000000ffffffff}},
    {{0x83244c95be79eea2, 0x4699799c49bd6fa6, 0x2845b2392b6bec59, 0x66e12d94f3d95620}},
};
static const number GENERATOR_X = {{0xf4a13945d898c296, 0x77037d812deb33a0, 0xf8bce6e563a440f2, 0x6b17d1f2e12c4247}};
static const number GENERATOR_Y = {{0xcbb6406837bf51f5, 0x2bce33576b315ece, 0x8ee7eb4a7c0f9e16, 0x4fe342e2fe1a7f9b}};

// An affine point, never the one at infinity; coordinates in Montgomery form.
typedef struct {
    number x, y;
} point;

// multiples[w][k - 1] = k · 2^(WINDOW·w) · base.
typedef point table[WINDOWS][MULTIPLES];

struct ibid_p256_tables {
    table generator, key;
};

// What a sum is at the moment.
enum { NOTHING, POINT, UNUSUAL };

// sums[i] += addends[i] (negated if negative[i]) for all i at the price of one inversion; a null addend leaves its sum
// alone. Where the two have one x (the same point, or its negative) the sum becomes UNUSUAL: honest signatures do
// not get there, and OpenSSL can.
static void add_all(
    point *sums, uint8_t *state, const point *const *addends, const uint8_t *negative, size_t count, number *products) {
    number product = P.one;
    for (size_t i = 0; i < count; i++) {
        if (!addends[i] || state[i] != POINT) continue;
        number difference = subtract(&addends[i]->x, &sums[i].x, &P);
        if (is_zero(&difference)) {
            state[i] = UNUSUAL;
            continue;
        }
        products[i] = product;
        product = multiply(&product, &difference, &P);
    }
    number inverse = invert(&product, &P);
    const number zero = {{0}};
    for (size_t i = count; i-- > 0;) {
        if (!addends[i] || state[i] == UNUSUAL) continue;
        number y = negative[i] ? subtract(&zero, &addends[i]->y, &P) : addends[i]->y;
        if (state[i] == NOTHING) {
            sums[i] = (point){addends[i]->x, y};
            state[i] = POINT;
            continue;
        }
        number difference = subtract(&addends[i]->x, &sums[i].x, &P);
        number slope = multiply(&inverse, &products[i], &P);
        inverse = multiply(&inverse, &difference, &P);
        number rise = subtract(&y, &sums[i].y, &P);
        slope = multiply(&rise, &slope, &P);
        number x = multiply(&slope, &slope, &P);
        x = subtract(&x, &sums[i].x, &P);
        x = subtract(&x, &addends[i]->x, &P);
        number run = subtract(&sums[i].x, &x, &P);
        number new_y = multiply(&slope, &run, &P);
        sums[i] = (point){x, subtract(&new_y, &sums[i].y, &P)};
    }
}

// 2·a; no point of this group has y = 0.
static point twice(const point *a) {
    number square = multiply(&a->x, &a->x, &P);
    number rise = add(&square, &square, &P);
    rise = add(&rise, &square, &P);
    for (int i = 0; i < 3; i++) rise = subtract(&rise, &P.one, &P);
    number run = add(&a->y, &a->y, &P);
    run = invert(&run, &P);
    number slope = multiply(&rise, &run, &P);
    number x = multiply(&slope, &slope, &P);
    x = subtract(&x, &a->x, &P);
    x = subtract(&x, &a->x, &P);
    number y = subtract(&a->x, &x, &P);
    y = multiply(&slope, &y, &P);
    return (point){x, subtract(&y, &a->y, &P)};
}

static int fill(table multiples, point base) {
    number *products = malloc(MULTIPLES * sizeof *products);
    const point **addends = malloc(MULTIPLES * sizeof *addends);
    uint8_t *state = malloc(MULTIPLES), *negative = calloc(MULTIPLES, 1);
    int done = products && addends && state && negative;
    for (int window = 0; done && window < WINDOWS; window++) {
        point *row = multiples[window];
        row[0] = base;
        // From the first `have` multiples the next: (have + k)·base = have·base + k·base.
        for (int have = 1; have < MULTIPLES; have *= 2) {
            for (int k = 1; k < have; k++) {
                row[have + k - 1] = row[k - 1];
                addends[k - 1] = &row[have - 1];
                state[k - 1] = POINT;
            }
            add_all(row + have, state, addends, negative, (size_t)(have - 1), products);
            row[2 * have - 1] = twice(&row[have - 1]);
        }
        base = twice(&row[MULTIPLES - 1]);
    }
    free(products);
    free(addends);
    free(state);
    free(negative);
    return done;
}

struct ibid_p256_tables *ibid_p256_tables_new(const uint8_t bytes[64]) {
    number x = from_big_endian(bytes), y = from_big_endian(bytes + 32);
    if (!is_below(&x, P.m) || !is_below(&y, P.m)) return NULL;
    struct ibid_p256_tables *tables = malloc(sizeof *tables);
    if (!tables) return NULL;
    point key = {to_montgomery(&x, &P), to_montgomery(&y, &P)};
    point generator = {to_montgomery(&GENERATOR_X, &P), to_montgomery(&GENERATOR_Y, &P)};
    if (fill(tables->generator, generator) && fill(tables->key, key)) return tables;
    free(tables);
    return NULL;
}

void ibid_p256_tables_free(struct ibid_p256_tables *tables) { free(tables); }

// Room for one batch.
struct work {
    point *sums;
    number *products, *r, *s;
    const point **addends;
    int16_t (*digits)[2][WINDOWS];
    uint8_t *state, *negative;
};

static void release(struct work *w) {
    free(w->sums);
    free(w->products);
    free(w->r);
    free(w->s);
    free(w->addends);
    free(w->digits);
    free(w->state);
    free(w->negative);
}

static int reserve(struct work *w, size_t count) {
    *w = (struct work){
        malloc(count * sizeof(point)), malloc(count * sizeof(number)), malloc(count * sizeof(number)),
        malloc(count * sizeof(number)), malloc(count * sizeof(point *)), malloc(count * sizeof *w->digits),
        malloc(count), malloc(count),
    };
    return w->sums && w->products && w->r && w->s && w->addends && w->digits && w->state && w->negative;
}

// sums[i] = digits[i][0] · generator + digits[i][1] · key. One window at a time, so that its multiples stay in the cache.
static void combine(const struct ibid_p256_tables *tables, struct work *w, size_t count) {
    for (int window = 0; window < WINDOWS; window++) {
        for (int which = 0; which < 2; which++) {
            const point *row = which ? tables->key[window] : tables->generator[window];
            for (size_t i = 0; i < count; i++) {
                int digit = w->digits[i][which][window];
                w->negative[i] = digit < 0;
                w->addends[i] = digit ? &row[(digit < 0 ? -digit : digit) - 1] : NULL;
                __builtin_prefetch(w->addends[i]);
            }
            add_all(w->sums, w->state, w->addends, w->negative, count, w->products);
        }
    }
}

// One INTEGER of DER: positive, in as few bytes as it takes, below the order and not zero.
static const uint8_t *integer(const uint8_t *at, const uint8_t *end, number *value) {
    if (end - at < 3 || at[0] != 2 || at[1] == 0 || at[1] > 33 || end - at - 2 < at[1]) return NULL;
    size_t length = at[1];
    const uint8_t *bytes = at + 2;
    if (bytes[0] & 0x80 || (bytes[0] == 0 && length > 1 && !(bytes[1] & 0x80))) return NULL;
    if (length == 33 && bytes[0] != 0) return NULL;
    uint8_t padded[32] = {0};
    size_t count = length == 33 ? 32 : length;
    memcpy(padded + 32 - count, bytes + length - count, count);
    *value = from_big_endian(padded);
    return is_below(value, N.m) && !is_zero(value) ? bytes + length : NULL;
}

static int parse(const uint8_t *bytes, size_t length, number *r, number *s) {
    if (length < 8 || length > 72 || bytes[0] != 0x30 || bytes[1] != length - 2) return 0;
    const uint8_t *end = bytes + length, *second = integer(bytes + 2, end, r);
    return second && integer(second, end, s) == end;
}

int ibid_p256_verify(
    const struct ibid_p256_tables *tables, size_t count, const uint8_t *digests, const uint8_t *bytes,
    const uint32_t *offsets, const uint32_t *lengths, uint8_t *valid) {
    memset(valid, 0, count);
    struct work w;
    if (!reserve(&w, count)) {
        release(&w);
        return 0;
    }
    // 1/s for all of them at once.
    number product = N.one;
    for (size_t i = 0; i < count; i++) {
        w.state[i] = parse(bytes + offsets[i], lengths[i], &w.r[i], &w.s[i]) ? NOTHING : UNUSUAL;
        if (w.state[i] == UNUSUAL) continue;
        w.s[i] = to_montgomery(&w.s[i], &N);
        w.products[i] = product;
        product = multiply(&product, &w.s[i], &N);
    }
    number inverse = invert(&product, &N);
    memset(w.digits, 0, count * sizeof *w.digits);
    for (size_t i = count; i-- > 0;) {
        if (w.state[i] == UNUSUAL) continue;
        number one_by_s = multiply(&inverse, &w.products[i], &N);
        inverse = multiply(&inverse, &w.s[i], &N);
        // Section 6.4.2: u = e/s, v = r/s. Neither e nor r is in Montgomery form, so nor are the products.
        number e = from_big_endian(digests + 32 * i);
        number u = multiply(&e, &one_by_s, &N), v = multiply(&w.r[i], &one_by_s, &N);
        digits_of(&u, w.digits[i][0]);
        digits_of(&v, w.digits[i][1]);
    }
    combine(tables, &w, count);
    for (size_t i = 0; i < count; i++) {
        if (w.state[i] != POINT) continue;
        // x modulo the order, which is less than the field and more than half of it.
        number x = from_montgomery(&w.sums[i].x, &P);
        x = reduce_once(x.limb, 0, &N);
        valid[i] = (uint8_t)is_equal(&x, &w.r[i]);
    }
    release(&w);
    return 1;
}

int ibid_p256_combine(const struct ibid_p256_tables *tables, const uint8_t a[32], const uint8_t b[32], uint8_t xy[64]) {
    struct work w;
    int done = reserve(&w, 1);
    if (done) {
        number u = from_big_endian(a), v = from_big_endian(b);
        digits_of(&u, w.digits[0][0]);
        digits_of(&v, w.digits[0][1]);
        w.state[0] = NOTHING;
        combine(tables, &w, 1);
        done = w.state[0] == POINT;
        if (done) {
            number x = from_montgomery(&w.sums[0].x, &P), y = from_montgomery(&w.sums[0].y, &P);
            to_big_endian(&x, xy);
            to_big_endian(&y, xy + 32);
        }
    }
    release(&w);
    return done;
}
