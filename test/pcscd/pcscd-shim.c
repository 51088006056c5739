/*
 * Preloaded into the pcscd of the tests. What it changes, and why:
 *  - PCSCD_SOCKET: the daemon's socket path is compiled in, so the socket is made here and handed
 *    over as systemd's socket activation would; several pcscd then live side by side.
 *  - The pid file is compiled in too: it becomes memory, so they don't take each other for running.
 *    (Not /dev/null: pcscd sets the file's mode, and that would be everybody's /dev/null.)
 *  - PCSCD_POLL_US: pcscd looks for cards every 400 ms; tests don't have that long.
 *  - vpcd's listening sockets bind to loopback, and its connections don't wait for Nagle (40 ms).
 *  - It dies with the process that started it, however that dies.
 *  - PCSCD_UNPLUGGED: while this file exists, vpcd's readers answer as hardware does whose cable was
 *    pulled: pcscd calls them unavailable.
 *  - PCSCD_HUNG: while this file exists, the readers whose ports are lines of it don't come back from
 *    that question, as hardware that hangs: pcscd waits, and with it whoever asks for the reader.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define PID_FILE "/run/pcscd/pcscd.pid"
#define LISTEN_FD 3
#define POLL_DEFAULT_NS 400000000L

static void die(const char *what) {
  perror(what);
  _exit(70);
}

__attribute__((constructor)) static void activate_socket(void) {
  const char *path = getenv("PCSCD_SOCKET");
  if (path == NULL || getenv("LISTEN_PID") != NULL) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) die("PCSCD_SOCKET is too long");
  strcpy(address.sun_path, path);
  unlink(path);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0 || REAL(bind)(fd, (struct sockaddr *)&address, sizeof address) != 0) die("bind");
  if (listen(fd, 16) != 0 || (fd != LISTEN_FD && dup2(fd, LISTEN_FD) < 0)) die("listen");
  if (fd != LISTEN_FD) close(fd);
  char pid[16];
  snprintf(pid, sizeof pid, "%d", getpid());
  setenv("LISTEN_PID", pid, 1);
  setenv("LISTEN_FDS", "1", 1);
}

int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = va_arg(rest, mode_t);
  va_end(rest);
  if (strcmp(path, PID_FILE) == 0) return memfd_create("pcscd.pid", 0);
  return REAL(open)(path, flags, mode);
}

int chmod(const char *path, mode_t mode) {
  int (*real)(const char *, mode_t) = dlsym(RTLD_NEXT, "chmod");
  return strcmp(path, PID_FILE) == 0 ? 0 : real(path, mode);
}

int remove(const char *path) { return strcmp(path, PID_FILE) == 0 ? 0 : REAL(remove)(path); }

int bind(int fd, const struct sockaddr *address, socklen_t length) {
  if (address->sa_family != AF_INET) return REAL(bind)(fd, address, length);
  struct sockaddr_in loopback = *(const struct sockaddr_in *)address;
  loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return REAL(bind)(fd, (struct sockaddr *)&loopback, sizeof loopback);
}

int accept(int fd, struct sockaddr *address, socklen_t *length) {
  int connection = REAL(accept)(fd, address, length), on = 1;
  if (connection >= 0) setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return connection;
}

static long poll_ns(void) {
  const char *us = getenv("PCSCD_POLL_US");
  return us == NULL ? POLL_DEFAULT_NS : atol(us) * 1000L;
}

int nanosleep(const struct timespec *wanted, struct timespec *rest) {
  struct timespec time = *wanted;
  if (time.tv_sec == 0 && time.tv_nsec == POLL_DEFAULT_NS) time.tv_nsec = poll_ns();
  return REAL(nanosleep)(&time, rest);
}

/* Whether the reader of this driver is named in the file of readers that hang. */
static int is_hung(const char *driver) {
  const char *file = getenv("PCSCD_HUNG");
  FILE *names = file == NULL ? NULL : fopen(file, "r");
  if (names == NULL) return 0;
  char name[256];
  int found = 0;
  while (!found && fgets(name, sizeof name, names) != NULL) {
    name[strcspn(name, "\n")] = 0;
    found = name[0] != 0 && strstr(driver, name) != NULL;
  }
  fclose(names);
  return found;
}

/*
 * vpcd's own question whether a card is there; anything but 0 and 1 is a broken reader. The real one
 * is in that copy of the driver which called: pcscd loads each with local symbols.
 */
int vicc_present(void *context) {
  const char *unplugged = getenv("PCSCD_UNPLUGGED");
  if (unplugged != NULL && access(unplugged, F_OK) == 0) return -1;
  Dl_info caller;
  if (dladdr(__builtin_return_address(0), &caller) == 0) return -1;
  while (is_hung(caller.dli_fname)) usleep(20 * 1000);
  void *driver = dlopen(caller.dli_fname, RTLD_NOW | RTLD_NOLOAD);
  if (driver == NULL) return -1;
  int (*real)(void *) = (int (*)(void *))dlsym(driver, "vicc_present");
  dlclose(driver);
  return real == NULL ? -1 : real(context);
}
