/* The plan: `key=value` texts, each ended by a zero byte. */
#define _GNU_SOURCE
#include "sandbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static const char *value_of(const char *entry, const char *key) {
    size_t length = strlen(key);
    return strncmp(entry, key, length) == 0 && entry[length] == '=' ? entry + length + 1 : NULL;
}

static uint32_t number(const char *text) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno || *end || end == text || value > UINT32_MAX) {
        errno = EINVAL;
        fail("read the number '%s' in the plan", text);
    }
    return (uint32_t)value;
}

/* MODE:UID:GID:BYTES, the bytes in hexadecimal. */
static struct bind file(const char *text) {
    struct bind bind = {.read_only = 1};
    char *end;
    errno = 0;
    bind.mode = (uint32_t)strtoul(text, &end, 8);
    if (*end == ':') bind.uid = (uint32_t)strtoul(end + 1, &end, 10);
    if (*end == ':') bind.gid = (uint32_t)strtoul(end + 1, &end, 10);
    if (errno || *end != ':') {
        errno = EINVAL;
        fail("read a file's mode and owner in the plan");
    }
    bind.bytes = end + 1;
    return bind;
}

static void add_entry(struct plan *plan, const char *entry) {
    const char *value;
    if ((value = value_of(entry, "runtime"))) plan->runtime = value;
    else if ((value = value_of(entry, "argument")) && plan->argument_count < MAX_ARGUMENTS)
        plan->arguments[plan->argument_count++] = value;
    else if ((value = value_of(entry, "workspace"))) plan->workspace = value;
    else if ((value = value_of(entry, "layer")) && plan->layer_count < MAX_LAYERS)
        plan->layers[plan->layer_count++] = value;
    else if ((value = value_of(entry, "read-only")) && plan->bind_count < MAX_BINDS)
        plan->binds[plan->bind_count++] = (struct bind){.source = value, .read_only = 1};
    else if ((value = value_of(entry, "sealed")) && plan->bind_count < MAX_BINDS)
        plan->binds[plan->bind_count++] = (struct bind){.source = value, .read_only = 1, .sealed = 1};
    else if ((value = value_of(entry, "writable")) && plan->bind_count < MAX_BINDS)
        plan->binds[plan->bind_count++] = (struct bind){.source = value};
    else if ((value = value_of(entry, "file")) && plan->bind_count < MAX_BINDS)
        plan->binds[plan->bind_count++] = file(value);
    else if ((value = value_of(entry, "config"))) plan->config = value;
    else if ((value = value_of(entry, "join")) && plan->join_count < MAX_GROUPS) plan->join[plan->join_count++] = value;
    else if ((value = value_of(entry, "hide")) && plan->hide_count < 8) plan->hide[plan->hide_count++] = value;
    else if ((value = value_of(entry, "first-id"))) plan->first_id = number(value);
    else if ((value = value_of(entry, "id-count"))) plan->id_count = number(value);
    else if ((value = value_of(entry, "id-map"))) plan->has_id_map = number(value) != 0;
    else if ((value = value_of(entry, "nested"))) plan->nested = number(value) != 0;
    else if ((value = value_of(entry, "lock-cgroups"))) plan->lock_cgroups = number(value) != 0;
    else if ((value = value_of(entry, "own-network"))) plan->own_network = number(value) != 0;
    else if ((value = value_of(entry, "sorted-listings"))) plan->sorted_listings = number(value) != 0;
    else if ((value = value_of(entry, "hand-network"))) plan->hand_network = number(value) != 0;
    else if ((value = value_of(entry, "fixed-addresses"))) plan->fixed_addresses = number(value) != 0;
    else if ((value = value_of(entry, "processors"))) plan->processors = number(value);
    else if ((value = value_of(entry, "processes"))) plan->processes = number(value);
    else if ((value = value_of(entry, "gateway-port"))) plan->gateway_port = (uint16_t)number(value);
    else {
        errno = EINVAL;
        fail("read the plan's '%s'", entry);
    }
}

void read_plan(struct plan *plan) {
    struct stat file;
    if (fstat(PLAN, &file) < 0) fail("read the plan");
    char *bytes = file.st_size > 0 ? mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_PRIVATE, PLAN, 0) : MAP_FAILED;
    if (bytes == MAP_FAILED) fail("map the plan");
    if (bytes[file.st_size - 1] != 0) {
        errno = EINVAL;
        fail("read the plan: it does not end with a zero byte");
    }
    for (const char *entry = bytes; entry < bytes + file.st_size; entry += strlen(entry) + 1) add_entry(plan, entry);
    if (!plan->workspace || !plan->config || plan->id_count == 0 || plan->layer_count == 0) {
        errno = EINVAL;
        fail("read the plan: something is missing");
    }
}
