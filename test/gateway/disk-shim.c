/*
 * Preloaded into a gateway of the tests: a disk that is slow, or that fails.
 *  - DISK_WRITE_DELAY_US: each write of SQLite takes so much longer, as on a tired SD card.
 *  - DISK_FAULT_FILE: while this file holds "write" or "sync", writes to (or syncs of) log.db and
 *    its WAL fail with EIO.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int is_log(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return strstr(path, "/log.db") != NULL;
}

static int fails(int fd, const char *what) {
  const char *name = getenv("DISK_FAULT_FILE");
  if (name == NULL || !is_log(fd)) return 0;
  int file = open(name, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  char text[16] = {0};
  ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  return length > 0 && strncmp(text, what, strlen(what)) == 0;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
  const char *delay = getenv("DISK_WRITE_DELAY_US");
  if (delay != NULL) usleep((useconds_t)atoi(delay));
  if (fails(fd, "write")) {
    errno = EIO;
    return -1;
  }
  return REAL(pwrite64)(fd, bytes, count, offset);
}

int fdatasync(int fd) {
  if (fails(fd, "sync")) {
    errno = EIO;
    return -1;
  }
  return REAL(fdatasync)(fd);
}

int fsync(int fd) {
  if (fails(fd, "sync")) {
    errno = EIO;
    return -1;
  }
  return REAL(fsync)(fd);
}
