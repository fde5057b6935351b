#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/ec.h>
#include <openssl/sha.h>
#include <openssl/params.h>
#include <openssl/ts.h>
