// Ed25519 (RFC 8032 section 5.1.7): many signatures of one key.
#include <stdlib.h>

#include "csignatures.h"
#include "arithmetic.h"

// The field, and the order of the base point.
static const modulus Q = {
    {0xffffffffffffffed, 0xffffffffffffffff, 0xffffffffffffffff, 0x7fffffffffffffff},
    0,  // not in Montgomery form
    {{1}},
    {{1}},
};
static const modulus L = {
    {0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0x0000000000000000, 0x1000000000000000},
    0xd2b51da312547e1b,
    {{0xd6ec31748d98951d, 0xc6ef5bf4737dcf70, 0xfffffffffffffffe, 0x0fffffffffffffff}},
    {{0xa40611e3449c0f01, 0xd00e1ba768859347, 0xceec73d217f5be65, 0x0399411b7c309a3d}},
};
// d of the curve, the square root of -1.
static const number D = {{0x75eb4dca135978a3, 0x00700a4d4141d8ab, 0x8cc740797779e898, 0x52036cee2b6ffe73}};
static const number ROOT = {{0xc4ee1b274a0ea0b0, 0x2f431806ad2fe478, 0x2b4d00993dfbd7a7, 0x2b8324804fc1df0b}};
static const uint8_t BASE[32] = {
    0x58, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
    0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66};

// x = X/Z, y = Y/Z, x·y = T/Z (section 5.1.4).
typedef struct {
    number x, y, z, t;
} point;

// A tabulated point: y + x, y - x, 2·d·x·y.
typedef struct {
    number sum, difference, product;
} multiple;

typedef multiple table[WINDOWS][MULTIPLES];

struct ibid_ed25519_tables {
    table base, key;  // of the base point, and of the negative of the key
};

static number little_endian(const uint8_t bytes[32]) {
    number a;
    memcpy(&a, bytes, 32);
    return a;
}

// a + b, or a - b: complete, so no case needs care.
FLAT point plus(const point *a, const multiple *b, int negative) {
    number low = subtract(&a->y, &a->x, &Q), high = add(&a->y, &a->x, &Q);
    number left = multiply(&low, negative ? &b->sum : &b->difference, &Q);
    number right = multiply(&high, negative ? &b->difference : &b->sum, &Q);
    number c = multiply(&a->t, &b->product, &Q), d = add(&a->z, &a->z, &Q);
    number e = subtract(&right, &left, &Q), h = add(&right, &left, &Q);
    number f = negative ? add(&d, &c, &Q) : subtract(&d, &c, &Q), g = negative ? subtract(&d, &c, &Q) : add(&d, &c, &Q);
    return (point){multiply(&e, &f, &Q), multiply(&g, &h, &Q), multiply(&f, &g, &Q), multiply(&e, &h, &Q)};
}

static multiple tabulated(const number *x, const number *y) {
    number product = multiply(x, y, &Q), d = add(&D, &D, &Q);
    return (multiple){add(y, x, &Q), subtract(y, x, &Q), multiply(&product, &d, &Q)};
}

// Section 5.1.3; 0 when the bytes are no point.
static int decode(const uint8_t bytes[32], number *x, number *y) {
    number encoded = little_endian(bytes);
    int sign = (int)(encoded.limb[3] >> 63);
    encoded.limb[3] &= INT64_MAX;
    if (!is_below(&encoded, Q.m)) return 0;
    *y = encoded;
    number square = multiply(y, y, &Q), u = subtract(&square, &Q.one, &Q), v = multiply(&square, &D, &Q);
    v = add(&v, &Q.one, &Q);
    // u/v to the power of (q + 3)/8 is a root of u/v, or of -u/v; v is never zero.
    number ratio = invert(&v, &Q);
    ratio = multiply(&u, &ratio, &Q);
    number exponent = {{0xfffffffffffffffe, UINT64_MAX, UINT64_MAX, 0x0fffffffffffffff}};
    *x = power(&ratio, &exponent, &Q);
    number check = multiply(x, x, &Q);
    if (!is_equal(&check, &ratio)) *x = multiply(x, &ROOT, &Q);
    check = multiply(x, x, &Q);
    if (!is_equal(&check, &ratio)) return 0;
    if (is_zero(x) && sign) return 0;
    const number zero = {{0}};
    if ((int)(x->limb[0] & 1) != sign) *x = subtract(&zero, x, &Q);
    return 1;
}

static int fill(table multiples, number x, number y) {
    point *row = malloc(MULTIPLES * sizeof *row);
    number *products = malloc(MULTIPLES * sizeof *products);
    for (int window = 0; row && products && window < WINDOWS; window++) {
        multiple base = tabulated(&x, &y);
        row[0] = (point){x, y, Q.one, multiply(&x, &y, &Q)};
        for (int k = 1; k < MULTIPLES; k++) row[k] = plus(&row[k - 1], &base, 0);
        number product = Q.one;
        for (int k = 0; k < MULTIPLES; k++) {
            products[k] = product;
            product = multiply(&product, &row[k].z, &Q);
        }
        number inverse = invert(&product, &Q);
        for (int k = MULTIPLES; k-- > 0;) {
            number one_by_z = multiply(&inverse, &products[k], &Q);
            inverse = multiply(&inverse, &row[k].z, &Q);
            row[k].x = multiply(&row[k].x, &one_by_z, &Q);
            row[k].y = multiply(&row[k].y, &one_by_z, &Q);
            multiples[window][k] = tabulated(&row[k].x, &row[k].y);
        }
        // The last multiple once more gives the next window's base.
        const point *last = &row[MULTIPLES - 1];
        point affine = {last->x, last->y, Q.one, multiply(&last->x, &last->y, &Q)};
        point next = plus(&affine, &multiples[window][MULTIPLES - 1], 0);
        number one_by_z = invert(&next.z, &Q);
        x = multiply(&next.x, &one_by_z, &Q);
        y = multiply(&next.y, &one_by_z, &Q);
    }
    int done = row && products;
    free(row);
    free(products);
    return done;
}

struct ibid_ed25519_tables *ibid_ed25519_tables_new(const uint8_t key[32]) {
    number x, y, base_x, base_y;
    const number zero = {{0}};
    if (!decode(key, &x, &y) || !decode(BASE, &base_x, &base_y)) return NULL;
    struct ibid_ed25519_tables *tables = malloc(sizeof *tables);
    if (!tables) return NULL;
    if (fill(tables->base, base_x, base_y) && fill(tables->key, subtract(&zero, &x, &Q), y)) return tables;
    free(tables);
    return NULL;
}

void ibid_ed25519_tables_free(struct ibid_ed25519_tables *tables) { free(tables); }

// 64 bytes modulo the order: high · 2^256 + low.
static number scalar_of(const uint8_t hash[64]) {
    number low = little_endian(hash), high = little_endian(hash + 32);
    high = multiply(&high, &L.square, &L);  // high · 2^256
    low = to_montgomery(&low, &L);
    low = from_montgomery(&low, &L);
    return add(&high, &low, &L);
}

int ibid_ed25519_verify(
    const struct ibid_ed25519_tables *tables, size_t count, const uint8_t *signatures, const uint8_t *hashes,
    uint8_t *valid) {
    memset(valid, 0, count);
    point *sums = malloc(count * sizeof *sums);
    number *products = malloc(count * sizeof *products);
    int16_t(*digits)[2][WINDOWS] = malloc(count * sizeof *digits);
    int done = sums && products && digits;
    if (done) {
        memset(digits, 0, count * sizeof *digits);
        for (size_t i = 0; i < count; i++) {
            sums[i] = (point){{{0}}, Q.one, Q.one, {{0}}};
            number s = little_endian(signatures + 64 * i + 32), h = scalar_of(hashes + 64 * i);
            // Section 5.1.7, step 1; a signature that fails it is valid for nothing.
            valid[i] = (uint8_t)is_below(&s, L.m);
            if (!valid[i]) continue;
            digits_of(&s, digits[i][0]);
            digits_of(&h, digits[i][1]);
        }
        // s·B - h·A, one window at a time, so that its multiples stay in the cache.
        for (int window = 0; window < WINDOWS; window++) {
            for (int which = 0; which < 2; which++) {
                const multiple *row = which ? tables->key[window] : tables->base[window];
                for (size_t i = 0; i < count; i++) {
                    int digit = digits[i][which][window], ahead = digits[i + 8 < count ? i + 8 : i][which][window];
                    __builtin_prefetch(&row[ahead > 0 ? ahead - 1 : ahead < 0 ? -ahead - 1 : 0]);
                    if (digit > 0) sums[i] = plus(&sums[i], &row[digit - 1], 0);
                    if (digit < 0) sums[i] = plus(&sums[i], &row[-digit - 1], 1);
                }
            }
        }
        number product = Q.one;
        for (size_t i = 0; i < count; i++) {
            products[i] = product;
            product = multiply(&product, &sums[i].z, &Q);
        }
        number inverse = invert(&product, &Q);
        for (size_t i = count; i-- > 0;) {
            number one_by_z = multiply(&inverse, &products[i], &Q);
            inverse = multiply(&inverse, &sums[i].z, &Q);
            number x = multiply(&sums[i].x, &one_by_z, &Q), y = multiply(&sums[i].y, &one_by_z, &Q);
            y.limb[3] |= x.limb[0] << 63;
            // The bytes of R, not the point: as OpenSSL, and without a second decoding.
            valid[i] &= (uint8_t)(memcmp(&y, signatures + 64 * i, 32) == 0);
        }
    }
    free(sums);
    free(products);
    free(digits);
    return done;
}
