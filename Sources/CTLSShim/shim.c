#include "ctlsshim.h"

#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ct_authority {
    SSL_CTX *context;
    EVP_PKEY *key;      /* the authority's */
    EVP_PKEY *leaf_key; /* that of every certificate it gives */
    X509 *certificate;
    BIO *pem;
};

struct ct_session {
    SSL *ssl;
};

/* Adds an extension; issuer and subject give it the key identifiers. */
static int extend(X509 *certificate, X509 *issuer, int nid, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    if (!extension) return 0;
    int added = X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return added;
}

/* A certificate without extensions and signature, good from yesterday for a month: clocks differ, builds end. */
static X509 *blank(EVP_PKEY *key, const char *name) {
    X509 *certificate = X509_new();
    if (!certificate) return NULL;
    unsigned char serial[16];
    BIGNUM *number = RAND_bytes(serial, sizeof serial) == 1 ? BN_bin2bn(serial, sizeof serial, NULL) : NULL;
    X509_NAME *subject = X509_get_subject_name(certificate);
    int ok = number && BN_clear_bit(number, 127) >= 0 && X509_set_version(certificate, 2) &&
             BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) &&
             X509_gmtime_adj(X509_getm_notBefore(certificate), -86400L) &&
             X509_gmtime_adj(X509_getm_notAfter(certificate), 30L * 86400) && X509_set_pubkey(certificate, key) &&
             X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
    BN_free(number);
    if (ok) return certificate;
    X509_free(certificate);
    return NULL;
}

ct_authority *ct_authority_new(void) {
    static const char name[] = "ibid build gateway";
    ct_authority *authority = calloc(1, sizeof *authority);
    if (!authority) return NULL;
    authority->context = SSL_CTX_new(TLS_server_method());
    authority->key = EVP_EC_gen("P-256");
    authority->leaf_key = EVP_EC_gen("P-256");
    authority->pem = BIO_new(BIO_s_mem());
    if (authority->key) authority->certificate = blank(authority->key, name);
    X509 *certificate = authority->certificate;
    int ok = authority->context && authority->leaf_key && authority->pem && certificate &&
             X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) &&
             extend(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE") &&
             extend(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign") &&
             extend(certificate, certificate, NID_subject_key_identifier, "hash") &&
             X509_sign(certificate, authority->key, EVP_sha256()) && PEM_write_bio_X509(authority->pem, certificate);
    if (!ok) {
        ct_authority_free(authority);
        return NULL;
    }
    SSL_CTX_set_options(authority->context, SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(authority->context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(authority->context, SSL_MODE_AUTO_RETRY);
    return authority;
}

void ct_authority_free(ct_authority *authority) {
    SSL_CTX_free(authority->context);
    EVP_PKEY_free(authority->key);
    EVP_PKEY_free(authority->leaf_key);
    X509_free(authority->certificate);
    BIO_free(authority->pem);
    free(authority);
}

const uint8_t *ct_authority_certificate(const ct_authority *authority, size_t *length) {
    char *bytes = NULL;
    *length = (size_t)BIO_get_mem_data(authority->pem, &bytes);
    return (const uint8_t *)bytes;
}

static X509 *certify(ct_authority *authority, const char *host) {
    unsigned char address[16];
    int is_address = inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
    char names[300];
    /* A comma would begin another name. */
    if (strchr(host, ',') || strlen(host) > 253) return NULL;
    snprintf(names, sizeof names, "%s:%s", is_address ? "IP" : "DNS", host);
    X509 *certificate = blank(authority->leaf_key, "ibid build gateway peer");
    int ok = certificate && X509_set_issuer_name(certificate, X509_get_subject_name(authority->certificate)) &&
             extend(certificate, authority->certificate, NID_basic_constraints, "critical,CA:FALSE") &&
             extend(certificate, authority->certificate, NID_key_usage, "critical,digitalSignature") &&
             extend(certificate, authority->certificate, NID_ext_key_usage, "serverAuth") &&
             extend(certificate, authority->certificate, NID_authority_key_identifier, "keyid") &&
             extend(certificate, authority->certificate, NID_subject_alt_name, names) &&
             X509_sign(certificate, authority->key, EVP_sha256());
    if (ok) return certificate;
    X509_free(certificate);
    return NULL;
}

ct_session *ct_accept(ct_authority *authority, int socket, const char *host) {
    sigset_t pipes;
    sigemptyset(&pipes);
    sigaddset(&pipes, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipes, NULL);
    ERR_clear_error();
    X509 *certificate = certify(authority, host);
    ct_session *session = calloc(1, sizeof *session);
    SSL *ssl = session ? SSL_new(authority->context) : NULL;
    int ok = certificate && ssl && SSL_use_certificate(ssl, certificate) == 1 &&
             SSL_use_PrivateKey(ssl, authority->leaf_key) == 1 && SSL_set_fd(ssl, socket) == 1 && SSL_accept(ssl) == 1;
    X509_free(certificate);
    if (ok) {
        session->ssl = ssl;
        return session;
    }
    SSL_free(ssl);
    free(session);
    return NULL;
}

void ct_session_free(ct_session *session) {
    SSL_free(session->ssl);
    free(session);
}

static ssize_t outcome(ct_session *session, int result) {
    if (result > 0) return result;
    return SSL_get_error(session->ssl, result) == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

ssize_t ct_read(ct_session *session, void *bytes, size_t size) {
    ERR_clear_error();
    return outcome(session, SSL_read(session->ssl, bytes, size > 1 << 20 ? 1 << 20 : (int)size));
}

ssize_t ct_write(ct_session *session, const void *bytes, size_t size) {
    ERR_clear_error();
    return outcome(session, SSL_write(session->ssl, bytes, size > 1 << 20 ? 1 << 20 : (int)size));
}
