#include "ccurlshim.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct cc_handle {
    CURL *easy;
    cc_body body;
    cc_header header;
    cc_check check;
    void *context;
};

const char *cc_version(void) { return curl_version(); }
const char *cc_error(int code) { return curl_easy_strerror((CURLcode)code); }

static pthread_once_t once = PTHREAD_ONCE_INIT;
static void set_up(void) { curl_global_init(CURL_GLOBAL_DEFAULT); }

cc_handle *cc_new(void) {
    /* curl_global_init of this age is not thread-safe; this is. */
    pthread_once(&once, set_up);
    cc_handle *handle = calloc(1, sizeof *handle);
    if (!handle) return NULL;
    handle->easy = curl_easy_init();
    if (!handle->easy) {
        free(handle);
        return NULL;
    }
    return handle;
}

void cc_free(cc_handle *handle) {
    curl_easy_cleanup(handle->easy);
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

int cc_get(cc_handle *handle, const struct cc_request *request, long *status, char *error) {
    CURL *easy = handle->easy;
    handle->body = request->body;
    handle->header = request->header;
    handle->check = request->check;
    handle->context = request->context;
    curl_easy_reset(easy); /* keeps connections, sessions and the DNS cache */
    error[0] = 0;
    *status = 0;
    struct curl_slist *headers = NULL;
    if (request->accept) {
        size_t length = strlen(request->accept) + sizeof "Accept: ";
        char *line = malloc(length);
        if (!line) return CURLE_OUT_OF_MEMORY;
        strcpy(line, "Accept: ");
        strcat(line, request->accept);
        headers = curl_slist_append(NULL, line);
        free(line);
        if (!headers) return CURLE_OUT_OF_MEMORY;
    }
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    if (request->user_agent) curl_easy_setopt(easy, CURLOPT_USERAGENT, request->user_agent);
    if (request->ca_file) curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca_file);
    if (request->client_cert) curl_easy_setopt(easy, CURLOPT_SSLCERT, request->client_cert);
    if (request->proxy) curl_easy_setopt(easy, CURLOPT_PROXY, request->proxy);
    if (request->insecure) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (request->decode) curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L); /* threads */
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, 10L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, request->connect_seconds);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, request->stall_seconds);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 262144L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, handle);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, handle);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, handle);
    CURLcode code = curl_easy_perform(easy);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, status);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    return code;
}
