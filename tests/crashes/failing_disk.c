/* A disk that fails at the Nth operation, loaded before libc (LD_PRELOAD) into a process that keeps a store.
 *
 * It counts what is done to files whose path begins with a prefix: writes, changes of length and waits for the disk.
 * At the Nth the process is killed, before the operation or in the middle of a write; or the machine stops: then any
 * part of what was written since the last wait for the disk is lost, in any order; or the operation fails, and so do
 * some of those behind it. Deletions of files and entries of folders count as being on the disk at once.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { NOTHING, KILL, TEAR, POWER, FULL, EIO_WRITE, EIO_SYNC };
enum { SECTOR = 512, PATH = 4096 };

static char prefix[PATH];
static int kind;
static long at, span, seed, operations;
static volatile long struck;

/* What is not on the disk yet: a write (length > 0) or a change of length, with what was there before. */
struct change {
    struct change *earlier;
    char path[PATH];
    off_t offset, size_before, size_after;
    size_t length, length_before;
    char *bytes, *before;
};
static struct change *newest;

#define NEXT(type, name) static type real; if (!real) real = (type)dlsym(RTLD_NEXT, name)

typedef ssize_t (*pwrite_type)(int, const void *, size_t, off_t);
typedef ssize_t (*write_type)(int, const void *, size_t);
typedef int (*sync_type)(int);
typedef int (*truncate_type)(int, off_t);

static ssize_t real_pwrite(int fd, const void *data, size_t length, off_t offset) {
    NEXT(pwrite_type, "pwrite64");
    return real(fd, data, length, offset);
}

static int real_truncate(int fd, off_t length) {
    NEXT(truncate_type, "ftruncate64");
    return real(fd, length);
}

/* Ask for faults from now on. `operation` counts from 1; `count` is for how many operations the disk fails. */
void disk_arm(const char *watched, int what, long operation, long count, long random_seed) {
    snprintf(prefix, sizeof prefix, "%s", watched);
    kind = what, at = operation, span = count, seed = random_seed;
    operations = struck = 0;
}

/* How many operations there were since then, and how many of them failed. */
long disk_operations(void) { return operations; }
long disk_struck(void) { return struck; }

static int watches(int fd, char *path) {
    char link[64];
    if (!*prefix) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strncmp(path, prefix, strlen(prefix)) == 0;
}

static unsigned long draw(void) {
    static unsigned long state;
    if (!state) state = 88172645463325252UL ^ (unsigned long)seed * 2654435761UL ^ (unsigned long)at << 32;
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state;
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static off_t size_of(int fd) {
    struct stat found;
    return fstat(fd, &found) ? 0 : found.st_size;
}

static void note(int fd, const char *path, const void *data, size_t length, off_t offset, off_t size_after) {
    if (kind != POWER) return;
    struct change *made = calloc(1, sizeof *made);
    strcpy(made->path, path);
    made->earlier = newest, newest = made;
    made->offset = offset, made->length = length;
    made->size_before = size_of(fd);
    made->size_after = size_after > made->size_before || !length ? size_after : made->size_before;
    off_t reach = length ? (off_t)length : made->size_before - offset;
    if (reach > 0) {
        made->before = malloc((size_t)reach);
        char own[64];
        snprintf(own, sizeof own, "/proc/self/fd/%d", fd);
        int reader = open(own, O_RDONLY);
        ssize_t found = pread(reader, made->before, (size_t)reach, offset);
        close(reader);
        made->length_before = found > 0 ? (size_t)found : 0;
    }
    if (length) made->bytes = memcpy(malloc(length), data, length);
}

/* Bring the files to what is on the disk for sure, then let any sectors of the later writes be there. */
static void lose(struct change *change) {
    if (!change) return;
    int fd = open(change->path, O_RDWR);
    if (fd >= 0) {
        if (change->length_before) real_pwrite(fd, change->before, change->length_before, change->offset);
        real_truncate(fd, change->size_before);
    }
    lose(change->earlier);
    if (fd < 0) return;
    if (!change->length && draw() % 2) real_truncate(fd, change->size_after);
    int whole = draw() % 3;
    for (size_t done = 0; done < change->length; done += SECTOR) {
        size_t part = change->length - done < SECTOR ? change->length - done : SECTOR;
        if (whole == 0 || (whole == 1 && draw() % 2))
            real_pwrite(fd, change->bytes + done, part, change->offset + (off_t)done);
    }
    close(fd);
}

static void forget(const char *path) {
    for (struct change **place = &newest; *place;) {
        struct change *change = *place;
        if (strcmp(change->path, path)) {
            place = &change->earlier;
        } else {
            *place = change->earlier;
            free(change->bytes), free(change->before), free(change);
        }
    }
}

static int fails(void) { return operations >= at && operations < at + span; }

/* Count an operation; die at it if that is asked for. A torn write has its first part written. */
static void reach(int fd, const void *data, size_t length, off_t offset) {
    if (++operations != at) return;
    if (kind == POWER) lose(newest);
    if (kind == TEAR && length > 1) real_pwrite(fd, data, 1 + draw() % (length - 1), offset);
    if (kind == KILL || kind == TEAR || kind == POWER) die();
}

static ssize_t refused(int error) {
    struck++;
    errno = error;
    return -1;
}

ssize_t pwrite64(int fd, const void *data, size_t length, off_t offset) {
    char path[PATH];
    if (!watches(fd, path)) return real_pwrite(fd, data, length, offset);
    reach(fd, data, length, offset);
    if (kind == FULL && fails()) {
        if (operations == at && length > 1) return struck++, real_pwrite(fd, data, length / 2, offset);
        return refused(ENOSPC);
    }
    if (kind == EIO_WRITE && fails()) return refused(EIO);
    note(fd, path, data, length, offset, offset + (off_t)length);
    return real_pwrite(fd, data, length, offset);
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return pwrite64(fd, data, length, offset); }

ssize_t write(int fd, const void *data, size_t length) {
    NEXT(write_type, "write");
    char path[PATH];
    if (!watches(fd, path)) return real(fd, data, length);
    off_t offset = lseek(fd, 0, SEEK_CUR);
    ssize_t done = pwrite64(fd, data, length, offset);
    if (done > 0) lseek(fd, offset + done, SEEK_SET);
    return done;
}

int ftruncate64(int fd, off_t length) {
    char path[PATH];
    if (!watches(fd, path)) return real_truncate(fd, length);
    reach(fd, NULL, 0, 0);
    if (kind == EIO_WRITE && fails()) return (int)refused(EIO);
    note(fd, path, NULL, 0, length < size_of(fd) ? length : size_of(fd), length);
    return real_truncate(fd, length);
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

static int synced(int fd, sync_type real) {
    char path[PATH];
    if (!watches(fd, path)) return real(fd);
    reach(fd, NULL, 0, 0);
    if (kind == EIO_SYNC && fails()) return (int)refused(EIO);
    forget(path);
    return 0; /* the process or the machine stops here only if we let it */
}

int fsync(int fd) {
    NEXT(sync_type, "fsync");
    return synced(fd, real);
}

int fdatasync(int fd) {
    NEXT(sync_type, "fdatasync");
    return synced(fd, real);
}
