/* System calls that no ordinary program makes for one. `tool CALL [ARGUMENT…]` says "MET" when it was let. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

static int is(const char *a, const char *b) { return strcmp(a, b) == 0; }

/* A leading `@` stands for the byte of abstract names. */
static socklen_t address(struct sockaddr_un *to, const char *name) {
    memset(to, 0, sizeof *to);
    to->sun_family = AF_UNIX;
    strncpy(to->sun_path, name, sizeof to->sun_path - 1);
    socklen_t length = offsetof(struct sockaddr_un, sun_path) + strlen(name);
    if (name[0] == '@') to->sun_path[0] = 0; else length++;
    return length;
}

/* Writes what it is sent into a file, for ever. */
static int listen_at(const char *name, const char *file) {
    struct sockaddr_un at;
    socklen_t length = address(&at, name);
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(s, (struct sockaddr *)&at, length) || listen(s, 8)) { perror("listen"); return 1; }
    for (;;) {
        char buffer[256];
        int c = accept(s, 0, 0);
        ssize_t n = read(c, buffer, sizeof buffer);
        int out = open(file, O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (n > 0 && write(out, buffer, n) < 0) return 1;
        close(out);
        close(c);
    }
}

static int send_to(const char *name, int type) {
    struct sockaddr_un at;
    socklen_t length = address(&at, name);
    int s = socket(AF_UNIX, type, 0);
    if (connect(s, (struct sockaddr *)&at, length)) return -1;
    return write(s, "met\n", 4);
}

/* Each copy is a session of its own, starts the next one and ends: whoever looks sees another one. */
static int hop(int seconds) {
    struct timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (;;) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec - begin.tv_sec > seconds) return 0;
        int child = fork();
        if (child > 0) _exit(0);
        if (child == 0) setsid();
        if (child < 0) usleep(1000);
    }
}

static long number(const char *text) { return text ? strtol(text, 0, 0) : 0; }

static long try(const char *call, char **arg) {
    long pid = number(arg[0]);
    char buffer[4096] = {0};
    struct iovec here = {buffer, 64}, there = {(void *)number(arg[0] ? arg[1] : 0), 64};
    if (is(call, "send")) return send_to(arg[0], SOCK_STREAM);
    if (is(call, "datagram")) return send_to(arg[0], SOCK_DGRAM);
    if (is(call, "chmod")) return chmod(arg[0], 0777);
    if (is(call, "setxattr")) return setxattr(arg[0], "user.escape", "1", 1, 0);
    if (is(call, "truncate")) return truncate(arg[0], 0);
    if (is(call, "watch")) return inotify_add_watch(inotify_init(), arg[0], IN_ALL_EVENTS);
    if (is(call, "removexattr")) return removexattr(arg[0], "user.escape");
    if (is(call, "ptrace")) return ptrace(PTRACE_SEIZE, pid, 0, 0);
    if (is(call, "readv")) return process_vm_readv(pid, &here, 1, &there, 1, 0);
    if (is(call, "writev")) return process_vm_writev(pid, &here, 1, &there, 1, 0);
    if (is(call, "getfd")) return syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, pid, 0), 1, 0);
    if (is(call, "pidfd-kill"))
        return syscall(SYS_pidfd_send_signal, syscall(SYS_pidfd_open, pid, 0), SIGTERM, 0, 0);
    if (is(call, "prlimit")) {
        struct rlimit limit = {77, 77};
        return prlimit(pid, RLIMIT_NOFILE, &limit, 0);
    }
    if (is(call, "prlimit-cpu")) {
        struct rlimit limit = {0, 0};
        return prlimit(pid, RLIMIT_CPU, &limit, 0);
    }
    if (is(call, "nice")) return setpriority(PRIO_PROCESS, pid, 19);
    if (is(call, "ionice")) return syscall(SYS_ioprio_set, 1, pid, 3 << 13);
    if (is(call, "affinity")) {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(0, &one);
        return sched_setaffinity(pid, sizeof one, &one);
    }
    if (is(call, "sigio")) {
        int ends[2];
        if (pipe(ends)) return -1;
        fcntl(ends[0], F_SETSIG, SIGKILL);
        fcntl(ends[0], F_SETOWN, pid);
        fcntl(ends[0], F_SETFL, O_ASYNC);
        return write(ends[1], "x", 1) == 1 ? -1 : 0;
    }
    if (is(call, "typing")) return ioctl(0, TIOCSTI, "x");
    if (is(call, "typing-high")) return syscall(SYS_ioctl, 0, 0xffffffff00000000ul | TIOCSTI, "x") ;
    if (is(call, "userns")) return unshare(CLONE_NEWUSER | CLONE_NEWNS);
    if (is(call, "clone3")) return syscall(SYS_clone3, buffer, 88);
    if (is(call, "mount")) return syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, 0);
    if (is(call, "open-tree")) return syscall(SYS_open_tree, AT_FDCWD, "/", 1);
    if (is(call, "handle")) return syscall(SYS_open_by_handle_at, AT_FDCWD, buffer, 0);
    if (is(call, "io_uring")) return syscall(SYS_io_uring_setup, 4, buffer);
    if (is(call, "keys")) return syscall(SYS_keyctl, 11, -4, buffer, 100);
    if (is(call, "bpf")) return syscall(SYS_bpf, 0, buffer, 64);
    if (is(call, "perf")) return syscall(SYS_perf_event_open, buffer, -1, 0, -1, 0);
    if (is(call, "userfault")) return syscall(SYS_userfaultfd, 0);
    if (is(call, "family")) return socket(pid, SOCK_RAW, 0);
    if (is(call, "vsock")) return socket(40, SOCK_STREAM, 0);
    if (is(call, "setid")) {
        int f = open(arg[0], O_WRONLY | O_CREAT, 04755);
        struct stat found;
        return fstat(f, &found) || !(found.st_mode & 04000) ? -1 : 0;
    }
#ifdef __x86_64__
    if (is(call, "x32")) return syscall(0x40000000 | SYS_unshare, CLONE_NEWUSER);
    if (is(call, "x32-ioctl")) return syscall(0x40000000 | 514, 0, TIOCSTI, "x");
    if (is(call, "int80")) {
        long result;
        __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");
        return result;
    }
#endif
    if (is(call, "memfd")) {
        int f = memfd_create("copy", 0), from = open("/bin/cat", O_RDONLY);
        ssize_t n;
        while ((n = read(from, buffer, sizeof buffer)) > 0)
            if (write(f, buffer, n) != n) return -1;
        char *argv[] = {"cat", arg[0], 0}, *env[] = {0};
        return syscall(SYS_execveat, f, "", argv, env, AT_EMPTY_PATH);
    }
    fprintf(stderr, "no such call: %s\n", call);
    exit(2);
}

int main(int count, char **argv) {
    if (count < 2) return 2;
    char *call = argv[1];
    if (is(call, "listen")) return listen_at(argv[2], argv[3]);
    if (is(call, "hop")) return hop(number(argv[2]));
    if (is(call, "traced")) {
        /* Whoever started this one becomes its tracer. */
        printf("%s\n", ptrace(PTRACE_TRACEME, 0, 0, 0) ? "no" : "traced");
        fflush(stdout);
        return raise(SIGSTOP);
    }
    if (is(call, "shm")) {
        int id = shmget(IPC_PRIVATE, 4096, 0600);
        char *at = shmat(id, 0, 0);
        strcpy(at, argv[2]);
        printf("%d\n", id);
        return 0;
    }
    if (is(call, "shm-read")) {
        char *at = shmat(number(argv[2]), 0, 0);
        if (at != (char *)-1) printf("%s\n", at);
        return 0;
    }
    errno = 0;
    long result = try(call, argv + 2);
    if (result >= 0) printf("MET %s\n", call); else printf("%s: %s\n", call, strerror(errno));
    return 0;
}
