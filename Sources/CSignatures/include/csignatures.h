#pragma once
// Many signatures of one key, each verified exactly, several times faster than one by one.
//
// What makes it fast is that the key is the same each time: multiples of it (and of the curve's generator) are
// tabulated once, so that a signature takes 48 point additions and no doubling; and, on P-256, that the additions of a
// whole batch share one inversion (Montgomery's trick). No randomised batch equation: each signature has a verdict of
// its own, which is that of the standard.
//
// For verification only: everything is public, nothing takes care to run in constant time. Every function says only
// "valid" or "not shown to be valid"; the caller puts the latter to OpenSSL, which has the last word.
#include <stddef.h>
#include <stdint.h>

// ECDSA on P-256. `point` is x ‖ y, big-endian; the caller knows that it is on the curve. NULL when memory is short.
struct ibid_p256_tables;
struct ibid_p256_tables *ibid_p256_tables_new(const uint8_t point[64]);
void ibid_p256_tables_free(struct ibid_p256_tables *tables);

// Sets valid[i] to 1 for each DER signature that is valid for its SHA-256 digest, else to 0: `digests` are 32 bytes each,
// the signatures stand in `bytes` at `offsets`. May be called from several threads. 0 when memory is short.
int ibid_p256_verify(
    const struct ibid_p256_tables *tables, size_t count, const uint8_t *digests, const uint8_t *bytes,
    const uint32_t *offsets, const uint32_t *lengths, uint8_t *valid);

// x and y (big-endian) of a·G + b·Q, by the same tables; 0 where the batch would leave it to OpenSSL. For tests.
int ibid_p256_combine(const struct ibid_p256_tables *tables, const uint8_t a[32], const uint8_t b[32], uint8_t xy[64]);

// Ed25519 (RFC 8032, without the cofactor, as OpenSSL does). NULL when the key is no point, or memory is short.
struct ibid_ed25519_tables;
struct ibid_ed25519_tables *ibid_ed25519_tables_new(const uint8_t key[32]);
void ibid_ed25519_tables_free(struct ibid_ed25519_tables *tables);

// Sets valid[i] as above; signatures are 64 bytes each, `hashes` are SHA-512(R ‖ key ‖ message), 64 bytes each.
int ibid_ed25519_verify(
    const struct ibid_ed25519_tables *tables, size_t count, const uint8_t *signatures, const uint8_t *hashes,
    uint8_t *valid);
