/* The libcurl calls Swift cannot import: curl_easy_setopt and curl_easy_getinfo are variadic. */
#ifndef CCURLSHIM_H
#define CCURLSHIM_H
const char *cc_version(void);
#endif
