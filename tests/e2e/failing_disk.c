/* A disk that fails: loaded before libc (LD_PRELOAD), it makes calls on files below LUYTRE_FAULT_FOLDER fail as
 * the file LUYTRE_FAULT_PLAN says. Each line of the plan is `PROBABILITY CALLS PART`: calls of these names
 * (with commas between) on paths that hold this part, or end with it if it ends with `$`, fail so often. A write
 * that fails may also be a short one.
 * The plan may come, change and go while the program runs; without it nothing fails. See failing_disk.py. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define LINES_MAX 16
#define PATH_BYTES 4096
#define ASK_EVERY_NS 20000000L

static struct line {
    double probability;
    char calls[200], part[200];
} lines[LINES_MAX];
static int lines_count;
static long asked_at;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *folder, *plan;
static __thread unsigned dice;

__attribute__((constructor)) static void begin(void) {
    folder = getenv("LUYTRE_FAULT_FOLDER");
    plan = getenv("LUYTRE_FAULT_PLAN");
}

static long now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000L + now.tv_nsec;
}

/* Reads the plan again if that was long enough ago; with bare system calls, which do not come back here. */
static void read_plan(void) {
    if (now_ns() - asked_at < ASK_EVERY_NS) return;
    asked_at = now_ns();
    lines_count = 0;
    int file = syscall(SYS_openat, AT_FDCWD, plan, O_RDONLY | O_CLOEXEC, 0);
    if (file < 0) return;
    char text[LINES_MAX * 420], *rest;
    long length = syscall(SYS_read, file, text, sizeof text - 1);
    syscall(SYS_close, file);
    text[length > 0 ? length : 0] = 0;
    for (char *at = strtok_r(text, "\n", &rest); at && lines_count < LINES_MAX; at = strtok_r(NULL, "\n", &rest)) {
        struct line *line = &lines[lines_count];
        if (sscanf(at, "%lf %199s %199s", &line->probability, line->calls, line->part) == 3) lines_count++;
    }
}

static int is_in(const char *list, const char *name) {
    size_t length = strlen(name);
    for (const char *at = list; (at = strstr(at, name)); at += length)
        if ((at == list || at[-1] == ',') && (at[length] == 0 || at[length] == ',')) return 1;
    return 0;
}

static int fits(const char *path, const char *part) {
    size_t length = strlen(part), whole = strlen(path);
    if (length == 0 || part[length - 1] != '$') return strstr(path, part) != NULL;
    return whole >= length - 1 && strncmp(path + whole - (length - 1), part, length - 1) == 0;
}

static int is_meant(const char *path) { return folder && plan && strncmp(path, folder, strlen(folder)) == 0; }

static int fails(const char *call, const char *path) {
    int failed = 0;
    if (!is_meant(path)) return 0;
    pthread_mutex_lock(&lock);
    read_plan();
    if (!dice) dice = (unsigned)now_ns() ^ (unsigned)syscall(SYS_gettid) * 2654435761u;
    for (int at = 0; at < lines_count && !failed; at++)
        failed = is_in(lines[at].calls, call) && fits(path, lines[at].part) &&
                 rand_r(&dice) < lines[at].probability * ((double)RAND_MAX + 1);
    pthread_mutex_unlock(&lock);
    if (failed) errno = EIO;
    return failed;
}

static int fails_on(const char *call, int file) {
    char link[40], path[PATH_BYTES];
    if (!folder || !plan) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    long length = syscall(SYS_readlink, link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return fails(call, path);
}

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

ssize_t write(int file, const void *bytes, size_t count) {
    REAL(ssize_t, "write", int, const void *, size_t);
    if (!fails_on("write", file)) return real(file, bytes, count);
    return count > 1 && rand_r(&dice) % 2 ? real(file, bytes, count / 2) : (errno = EIO, -1);
}

ssize_t writev(int file, const struct iovec *parts, int count) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    return fails_on("write", file) ? -1 : real(file, parts, count);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    if (!fails_on("write", file)) return real(file, bytes, count, offset);
    return count > 1 && rand_r(&dice) % 2 ? real(file, bytes, count / 2, offset) : (errno = EIO, -1);
}

ssize_t read(int file, void *bytes, size_t count) {
    REAL(ssize_t, "read", int, void *, size_t);
    return fails_on("read", file) ? -1 : real(file, bytes, count);
}

ssize_t pread64(int file, void *bytes, size_t count, off64_t offset) {
    REAL(ssize_t, "pread64", int, void *, size_t, off64_t);
    return fails_on("read", file) ? -1 : real(file, bytes, count, offset);
}

/* A sync that fails has synced nothing. */
int fsync(int file) {
    REAL(int, "fsync", int);
    return fails_on("sync", file) ? -1 : real(file);
}

int fdatasync(int file) {
    REAL(int, "fdatasync", int);
    return fails_on("sync", file) ? -1 : real(file);
}

int ftruncate64(int file, off64_t length) {
    REAL(int, "ftruncate64", int, off64_t);
    return fails_on("truncate", file) ? -1 : real(file, length);
}

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    return fails("rename", to) ? -1 : real(from, to);
}

int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    return fails("unlink", path) ? -1 : real(path);
}

static int open_it(const char *path, int flags, mode_t mode) {
    REAL(int, "open64", const char *, int, ...);
    return fails(flags & O_CREAT ? "create" : "open", path) ? -1 : real(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return open_it(path, flags, mode);
}

int open(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return open_it(path, flags, mode);
}
