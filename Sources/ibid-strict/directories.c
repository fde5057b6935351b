/* Directories list their names in one order, whatever the file system. Whoever opens one here reads and closes it here. */
#include "strict.h"

struct entry { /* as getdents64 gives it, and struct dirent of 64-bit glibc and musl */
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

struct directory {
    int file, is_read;
    char *entries;
    struct entry **order;
    size_t used, size, count, next;
};

enum { PAGE = 4096, FIRST = 64 << 10, FLAGS = 0200000 | 02000000 | 04000 /* O_DIRECTORY, O_CLOEXEC, O_NONBLOCK */ };

static int compare(const struct entry *left, const struct entry *right) {
    const unsigned char *a = (const unsigned char *)left->name, *b = (const unsigned char *)right->name;
    while (*a && *a == *b) a++, b++;
    int order = (*a > *b) - (*a < *b);
    return settings.directories == 2 ? -order : order;
}

static void sift(struct entry **heap, size_t root, size_t count) {
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && compare(heap[child], heap[child + 1]) < 0) child++;
        if (compare(heap[root], heap[child]) >= 0) return;
        struct entry *other = heap[root];
        heap[root] = heap[child];
        heap[child] = other;
    }
}

/* In place: a directory of a million names must not overflow a thread's stack. */
static void sort(struct entry **entries, size_t count) {
    for (size_t root = count / 2; root-- > 0;) sift(entries, root, count);
    for (size_t last = count; last-- > 1;) {
        struct entry *largest = entries[0];
        entries[0] = entries[last];
        entries[last] = largest;
        sift(entries, 0, last);
    }
}

static void forget(struct directory *directory) {
    if (directory->entries) call(NR_munmap, (long)directory->entries, (long)directory->size, 0, 0, 0);
    if (directory->order) call(NR_munmap, (long)directory->order, (long)(directory->count * sizeof(void *)), 0, 0, 0);
    directory->entries = NULL, directory->order = NULL;
    directory->used = directory->size = directory->count = directory->next = 0;
    directory->is_read = 0;
}

static long read_all(struct directory *directory) {
    COUNT(LISTINGS);
    long result = map_memory(FIRST);
    if (IS_ERROR(result)) return result;
    directory->entries = (char *)result;
    directory->size = FIRST;
    while ((result = call(NR_getdents64, directory->file, (long)(directory->entries + directory->used),
                          (long)(directory->size - directory->used), 0, 0)) > 0) {
        directory->used += (size_t)result;
        if (directory->size - directory->used >= PAGE) continue;
        result = call(NR_mremap, (long)directory->entries, (long)directory->size, (long)directory->size * 2, 1, 0);
        if (IS_ERROR(result)) return result;
        directory->entries = (char *)result;
        directory->size *= 2;
    }
    if (result < 0) return result;
    size_t count = 0, place;
    for (place = 0; place < directory->used; count++) place += ((struct entry *)(directory->entries + place))->length;
    if (count > 0) {
        result = map_memory(count * sizeof(void *));
        if (IS_ERROR(result)) return result;
        directory->order = (struct entry **)result;
    }
    directory->count = count;
    for (place = count = 0; place < directory->used; count++) {
        directory->order[count] = (struct entry *)(directory->entries + place);
        place += directory->order[count]->length;
    }
    if (settings.directories) sort(directory->order, count);
    directory->is_read = 1;
    return 0;
}

EXPORT void *fdopendir(int file) {
    read_settings();
    /* Asks for nothing, and fails as it should for what is no directory. */
    long result = call(NR_getdents64, file, 0, 0, 0, 0);
    if (result < 0 && result != -22 /* EINVAL: the buffer is too small */) return (void)answer(result), NULL;
    result = map_memory(PAGE);
    if (IS_ERROR(result)) return (void)answer(result), NULL;
    struct directory *directory = (struct directory *)result;
    directory->file = file;
    return directory;
}

EXPORT void *opendir(const char *path) {
    long file = call(NR_openat, -100 /* AT_FDCWD */, (long)path, FLAGS, 0, 0);
    if (file < 0) return (void)answer(file), NULL;
    void *directory = fdopendir((int)file);
    if (!directory) call(NR_close, file, 0, 0, 0, 0);
    return directory;
}

EXPORT int closedir(struct directory *directory) {
    int file = directory->file;
    forget(directory);
    call(NR_munmap, (long)directory, PAGE, 0, 0, 0);
    return (int)answer(call(NR_close, file, 0, 0, 0, 0));
}

EXPORT struct entry *readdir(struct directory *directory) {
    if (!directory->is_read) {
        long result = read_all(directory);
        if (result < 0) {
            size_t next = directory->next;
            forget(directory);
            directory->next = next;
            answer(result);
            return NULL;
        }
    }
    if (directory->next >= directory->count) return NULL;
    struct entry *entry = directory->order[directory->next++];
    entry->offset = (int64_t)directory->next;
    return entry;
}
EXPORT struct entry *readdir64(struct directory *directory) { return readdir(directory); }

EXPORT int readdir_r(struct directory *directory, char *entry, char **result) {
    const char *found = (const char *)readdir(directory);
    *result = found ? entry : NULL;
    for (size_t i = 0; found && i < ((const struct entry *)found)->length; i++) entry[i] = found[i];
    return 0;
}
EXPORT int readdir64_r(struct directory *directory, char *entry, char **result) {
    return readdir_r(directory, entry, result);
}

EXPORT void rewinddir(struct directory *directory) {
    forget(directory);
    call(NR_lseek, directory->file, 0, 0, 0, 0);
}
EXPORT long telldir(struct directory *directory) { return (long)directory->next; }
EXPORT void seekdir(struct directory *directory, long place) { directory->next = (size_t)place; }
EXPORT int dirfd(struct directory *directory) { return directory->file; }
