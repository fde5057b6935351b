#include "ccurlshim.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cc_handle {
    CURL *easy;
    cc_body body;
    cc_header header;
    cc_check check;
    void *context;
    int refused;
};

/* libcurl brings some thirty libraries with it, and most commands fetch nothing: it is loaded by the first that does.
   Linked like the others, it would make every start a third slower. */
#define CALLS(call)                                                                                                    \
    call(global_init) call(easy_init) call(easy_cleanup) call(easy_reset) call(easy_setopt) call(easy_getinfo)         \
    call(easy_perform) call(easy_strerror) call(slist_append) call(slist_free_all)
#define MEMBER(name) __typeof__(curl_##name) *name;
static struct { CALLS(MEMBER) } curl;

static char problem[256];

static void load(void) {
    void *library = dlopen("libcurl.so.4", RTLD_LAZY | RTLD_LOCAL);
    if (!library) {
        snprintf(problem, sizeof problem, "%s", dlerror());
        return;
    }
#define FIND(name)                                                                                                     \
    if (!(curl.name = (__typeof__(curl.name))dlsym(library, "curl_" #name)))                                           \
        snprintf(problem, sizeof problem, "libcurl.so.4 lacks curl_" #name);
    CALLS(FIND)
    /* Of this age it is not thread-safe; this is. */
    if (!*problem && curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        snprintf(problem, sizeof problem, "libcurl.so.4 does not start");
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

const char *cc_error(int code) { return curl.easy_strerror((CURLcode)code); }

const char *cc_problem(void) { return *problem ? problem : "no memory for a transfer"; }

cc_handle *cc_new(void) {
    pthread_once(&once, load);
    if (*problem) return NULL;
    cc_handle *handle = calloc(1, sizeof *handle);
    if (!handle) return NULL;
    handle->easy = curl.easy_init();
    if (!handle->easy) {
        free(handle);
        return NULL;
    }
    return handle;
}

void cc_free(cc_handle *handle) {
    curl.easy_cleanup(handle->easy);
    free(handle);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *user) {
    cc_handle *handle = user;
    return handle->body((const uint8_t *)bytes, size * count, handle->context);
}

static size_t on_header(char *bytes, size_t size, size_t count, void *user) {
    cc_handle *handle = user;
    return handle->header((const uint8_t *)bytes, size * count, handle->context);
}

static int on_progress(void *user, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
    cc_handle *handle = user;
    (void)a, (void)b, (void)c, (void)d;
    return handle->check(handle->context);
}

/* Whether an IPv4 address, in host order, is one that everybody reaches. */
static int is_public4(uint32_t a) {
    static const struct { uint32_t network; int bits; } others[] = {
        {0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},  {0xa9fe0000, 16},
        {0xac100000, 12}, {0xc0000000, 24}, {0xc0a80000, 16}, {0xc6120000, 15}, {0xe0000000, 3},
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if ((a ^ others[i].network) >> (32 - others[i].bits) == 0) return 0;
    return 1;
}

static int is_public(const char *text) {
    struct in_addr four;
    struct in6_addr six;
    if (inet_pton(AF_INET, text, &four) == 1) return is_public4(ntohl(four.s_addr));
    if (inet_pton(AF_INET6, text, &six) != 1) return 0;
    if (IN6_IS_ADDR_V4MAPPED(&six)) {
        uint32_t a;
        memcpy(&a, six.s6_addr + 12, 4);
        return is_public4(ntohl(a));
    }
    return (six.s6_addr[0] & 0xe0) == 0x20; /* 2000::/3, all that is given out */
}

/* Called when the connection stands and before anything is sent on it: what a name resolved to is known here. */
static int on_connected(void *user, char *address, char *local, int port, int local_port) {
    cc_handle *handle = user;
    (void)local, (void)port, (void)local_port;
    if (is_public(address)) return CURL_PREREQFUNC_OK;
    handle->refused = 1;
    return CURL_PREREQFUNC_ABORT;
}

static int uses_proxy(const char *given) {
    static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    if (given && *given) return 1;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (value && *value) return 1;
    }
    return 0;
}

int cc_is_passing(int code) {
    switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY: case CURLE_COULDNT_RESOLVE_HOST: case CURLE_COULDNT_CONNECT:
    case CURLE_PARTIAL_FILE: case CURLE_OPERATION_TIMEDOUT: case CURLE_SSL_CONNECT_ERROR: case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR: case CURLE_RECV_ERROR: case CURLE_HTTP2: case CURLE_HTTP2_STREAM: return 1;
    default: return 0;
    }
}

/* Adds "NAME: VALUE" to a list; NULL when memory ran out. */
static struct curl_slist *header(struct curl_slist *list, const char *name, const char *value) {
    size_t length = strlen(name) + strlen(value) + 3;
    char *line = malloc(length);
    if (!line) {
        curl.slist_free_all(list);
        return NULL;
    }
    snprintf(line, length, "%s: %s", name, value);
    struct curl_slist *longer = curl.slist_append(list, line);
    if (!longer) curl.slist_free_all(list);
    free(line);
    return longer;
}

int cc_get(cc_handle *handle, const struct cc_request *request, long *status, char *error) {
    CURL *easy = handle->easy;
    handle->body = request->body;
    handle->header = request->header;
    handle->check = request->check;
    handle->context = request->context;
    curl.easy_reset(easy); /* keeps connections, sessions and the DNS cache */
    error[0] = 0;
    *status = 0;
    handle->refused = 0;
    struct curl_slist *headers = NULL;
    if (request->accept && !(headers = header(headers, "Accept", request->accept))) return CURLE_OUT_OF_MEMORY;
    if (request->authorization && !(headers = header(headers, "Authorization", request->authorization)))
        return CURLE_OUT_OF_MEMORY;
    curl.easy_setopt(easy, CURLOPT_URL, request->url);
    curl.easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl.easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl.easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    if (request->user_agent) curl.easy_setopt(easy, CURLOPT_USERAGENT, request->user_agent);
    if (request->ca_file) curl.easy_setopt(easy, CURLOPT_CAINFO, request->ca_file);
    if (request->client_cert) curl.easy_setopt(easy, CURLOPT_SSLCERT, request->client_cert);
    if (request->proxy) curl.easy_setopt(easy, CURLOPT_PROXY, request->proxy);
    if (request->insecure) {
        curl.easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl.easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (request->decode) curl.easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    curl.easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
    if (request->netrc) curl.easy_setopt(easy, CURLOPT_NETRC_FILE, request->netrc);
    /* Through a proxy the peer is the proxy, which decides for itself whom it connects. */
    if (request->public_only && !uses_proxy(request->proxy)) {
        curl.easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
        curl.easy_setopt(easy, CURLOPT_PREREQDATA, handle);
    }
    curl.easy_setopt(easy, CURLOPT_NOSIGNAL, 1L); /* threads */
    curl.easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl.easy_setopt(easy, CURLOPT_MAXREDIRS, 10L);
    curl.easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, request->connect_seconds);
    curl.easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl.easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, request->stall_seconds);
    curl.easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl.easy_setopt(easy, CURLOPT_BUFFERSIZE, 262144L);
    curl.easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
    curl.easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl.easy_setopt(easy, CURLOPT_WRITEDATA, handle);
    curl.easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl.easy_setopt(easy, CURLOPT_HEADERDATA, handle);
    curl.easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl.easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl.easy_setopt(easy, CURLOPT_XFERINFODATA, handle);
    CURLcode code = curl.easy_perform(easy);
    curl.easy_getinfo(easy, CURLINFO_RESPONSE_CODE, status);
    curl.easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
    curl.easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
    curl.slist_free_all(headers);
    return handle->refused ? CC_REFUSED : (int)code;
}
