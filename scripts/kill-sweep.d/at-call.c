/* at-call LOG CASE COMMAND...: runs the command and follows all that it starts, to the Nth call by which a kind of
 * process changes something that outlives it. strace has the same, but counts for each thread by itself, so that it
 * cannot name the tenth call of a model's process.
 *
 * CASE is `count` (LOG gets every such call: kind, number, name, and `file` where it is on one), `KIND:N:kill` (the process ends there, as by SIGKILL,
 * without having made the call; all others go on alone), `KIND:N:ENOSPC`, `:EIO` or `:EROFS` (that call fails), and
 * with `+` at its end (all calls from there on fail, in every process). All calls count, and only those on files fail. LOG gets what was done,
 * and first the id of the command's process.
 *
 * KIND is treeyard's verb (`run`, `model-run`, `forkserver`, ...), `supervisor` for what a fork server forks, `job` for
 * what a supervisor starts, until it is another program, or the name of that. */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/filter.h>
#include <linux/ptrace.h>
#include <linux/seccomp.h>

#define NAME 32
#define TASKS 4096
#define KINDS 64

/* Where the file is that a call changes, when it says so by a descriptor: its first argument. */
enum how { BY_NAME, BY_FILE, TALK, CREATES };

static const struct call { long number; enum how how; const char *name; } calls[] = {
#define CALL(how, name) { SYS_##name, how, #name },
    CALL(BY_FILE, write) CALL(BY_FILE, pwrite64) CALL(BY_FILE, writev) CALL(BY_FILE, pwritev) CALL(BY_FILE, pwritev2)
    CALL(BY_FILE, fsync) CALL(BY_FILE, fdatasync) CALL(BY_FILE, ftruncate) CALL(BY_FILE, fallocate)
    CALL(BY_FILE, copy_file_range) CALL(BY_FILE, sendfile) CALL(BY_FILE, fchmod) CALL(BY_FILE, fchown)
    CALL(BY_FILE, fsetxattr) CALL(BY_NAME, setxattr) CALL(BY_NAME, truncate) CALL(BY_NAME, utimensat)
    CALL(BY_NAME, mkdirat) CALL(BY_NAME, renameat2) CALL(BY_NAME, linkat) CALL(BY_NAME, unlinkat)
    CALL(BY_NAME, symlinkat) CALL(BY_NAME, mknodat) CALL(BY_NAME, fchmodat) CALL(CREATES, openat)
    CALL(TALK, sendmsg) CALL(TALK, sendto) CALL(TALK, mount) CALL(TALK, kill) CALL(TALK, pidfd_send_signal)
    CALL(TALK, execve) CALL(TALK, execveat) CALL(TALK, clone) CALL(TALK, clone3) CALL(TALK, exit_group)
#ifdef SYS_rename
    CALL(BY_NAME, mkdir) CALL(BY_NAME, rename) CALL(BY_NAME, link) CALL(BY_NAME, unlink) CALL(BY_NAME, rmdir)
    CALL(BY_NAME, symlink) CALL(BY_NAME, mknod) CALL(BY_NAME, chmod) CALL(TALK, fork) CALL(TALK, vfork)
#endif
#ifdef SYS_renameat
    CALL(BY_NAME, renameat)
#endif
};

enum { CALLS = sizeof calls / sizeof *calls };

static struct task { pid_t id; int known, held; char kind[NAME]; } tasks[TASKS];
static struct { char kind[NAME]; long made; } kinds[KINDS];
static struct { int counts, kills, lasts, started, error; char kind[NAME]; long at; } asked;
static FILE *log_file;
static char program[PATH_MAX];

static void fail(const char *what) { fprintf(stderr, "at-call: %s: %s\n", what, strerror(errno)); exit(125); }

static struct task *task_of(pid_t id) {
    struct task *unused = NULL;
    for (struct task *t = tasks; t < tasks + TASKS; t++) {
        if (t->id == id) return t;
        if (!t->id && !unused) unused = t;
    }
    if (!unused) { errno = EAGAIN; fail("too many processes"); }
    memset(unused, 0, sizeof *unused);
    unused->id = id;
    return unused;
}

static long *made_by(const char *kind) {
    int i = 0;
    while (i < KINDS - 1 && *kinds[i].kind && strcmp(kinds[i].kind, kind)) i++;
    snprintf(kinds[i].kind, NAME, "%s", kind);
    return &kinds[i].made;
}

/* After it became another program. */
static void name_task(struct task *t) {
    char path[64], target[PATH_MAX] = "", line[4096] = "";
    snprintf(path, sizeof path, "/proc/%d/exe", t->id);
    if (readlink(path, target, sizeof target - 1) < 0) return;
    snprintf(path, sizeof path, "/proc/%d/cmdline", t->id);
    FILE *file = fopen(path, "r");
    size_t length = file ? fread(line, 1, sizeof line - 1, file) : 0;
    if (file) fclose(file);
    const char *word = line;
    if (!strcmp(target, program)) {
        const char *second = line + strlen(line) + 1;
        word = second < line + length ? second + strspn(second, "_") : "treeyard";
    }
    const char *slash = strrchr(word, '/');
    snprintf(t->kind, NAME, "%s", slash ? slash + 1 : word);
}

static int is_file(pid_t id, long descriptor) {
    char path[64], target[PATH_MAX] = "";
    snprintf(path, sizeof path, "/proc/%d/fd/%ld", id, descriptor);
    if (readlink(path, target, sizeof target - 1) < 0) return 0;
    int is_device = !strncmp(target, "/dev/", 5) && strncmp(target, "/dev/shm/", 9);
    return *target == '/' && !is_device && strncmp(target, "/proc/", 6) && strncmp(target, "/sys/", 5);
}

/* Whether the file is there that openat is to make if it is not. */
static int is_there(pid_t id, const __u64 *args) {
    char name[PATH_MAX] = "", path[PATH_MAX + 64];
    struct iovec here = { name, sizeof name - 1 }, there = { (void *)(uintptr_t)args[1], sizeof name - 1 };
    if (process_vm_readv(id, &here, 1, &there, 1, 0) <= 0) return 0;
    int folder = (int)args[0];
    if (*name == '/') snprintf(path, sizeof path, "/proc/%d/root%s", id, name);
    else if (folder == AT_FDCWD) snprintf(path, sizeof path, "/proc/%d/cwd/%s", id, name);
    else snprintf(path, sizeof path, "/proc/%d/fd/%d/%s", id, folder, name);
    return !access(path, F_OK);
}

/* A full disk refuses nobody who takes something away, or opens what is there. */
static int can_fail(struct task *t, const struct call *call, const __u64 *args) {
    if (call->how == TALK) return 0;
    if (asked.error == ENOSPC && (strstr(call->name, "unlink") || !strcmp(call->name, "rmdir"))) return 0;
    if (asked.error == ENOSPC && call->how == CREATES && is_there(t->id, args)) return 0;
    return call->how != BY_FILE || is_file(t->id, (long)args[0]);
}

/* Makes the call none at all, and its answer the error. */
static void refuse(struct task *t) {
#if defined __x86_64__
    struct user_regs_struct r;
    struct iovec io = { &r, sizeof r };
    if (ptrace(PTRACE_GETREGSET, t->id, NT_PRSTATUS, &io)) return;
    r.orig_rax = -1;
    r.rax = -asked.error;
    ptrace(PTRACE_SETREGSET, t->id, NT_PRSTATUS, &io);
#elif defined __aarch64__
    int none = -1;
    struct user_regs_struct r;
    struct iovec number = { &none, sizeof none }, io = { &r, sizeof r };
    ptrace(PTRACE_SETREGSET, t->id, NT_ARM_SYSTEM_CALL, &number);
    if (ptrace(PTRACE_GETREGSET, t->id, NT_PRSTATUS, &io)) return;
    r.regs[0] = -asked.error;
    ptrace(PTRACE_SETREGSET, t->id, NT_PRSTATUS, &io);
#else
#error "unknown kind of processor"
#endif
}

static void note(struct task *t, const struct call *call, long number, int on_file) {
    fprintf(log_file, "%s %ld %s%s\n", t->kind, number, call->name, on_file ? " file" : "");
}

/* Whoever looked no further than the kill goes on alone when this process ends. */
static void end_here(struct task *t) {
    fflush(log_file);
    kill(t->id, SIGKILL);
    exit(0);
}

static void at_call(struct task *t) {
    struct ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, t->id, sizeof info, &info) <= 0) return;
    if (info.op != PTRACE_SYSCALL_INFO_ENTRY && info.op != PTRACE_SYSCALL_INFO_SECCOMP) return;
    /* Both begin with the same. */
    const __u64 *args = info.entry.args;
    const struct call *call = calls, *end = calls + CALLS;
    while (call < end && (__u64)call->number != info.entry.nr) call++;
    if (call == end || (call->how == CREATES && !(args[2] & O_CREAT))) return;
    long number = ++*made_by(t->kind);
    int here = !asked.counts && number == asked.at && !strcmp(t->kind, asked.kind);
    if (here) asked.started = 1;
    int fails = asked.error && (here || (asked.started && asked.lasts)) && can_fail(t, call, args);
    if (asked.counts || (here && (asked.kills || fails))) note(t, call, number, asked.counts && can_fail(t, call, args));
    if (here && asked.kills) end_here(t);
    if (here) fflush(log_file);
    if (fails) refuse(t);
}

/* The system stops whoever makes one of the calls, and nobody at any other: that is several times as fast. It needs a
 * tracer as long as anybody lives, so that it is not for kills, after which the others go on alone. */
static void stop_at_calls(void) {
    struct sock_filter filter[2 + 6 * CALLS];
    unsigned short n = 0;
    const struct sock_filter traced = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE), allowed = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (const struct call *call = calls; call < calls + CALLS; call++) {
        filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call->number, 0, call->how == CREATES ? 4 : 1);
        if (call->how == CREATES) {
            filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2]));
            filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_CREAT, 0, 1);
        }
        filter[n++] = traced;
        if (call->how == CREATES) filter[n++] = allowed;
    }
    filter[n++] = allowed;
    struct sock_fprog program = { n, filter };
    if (!syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program)) return;
    /* Only who gives up further rights may do so without being root. */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program)) fail("seccomp");
}

static void go_on(pid_t id, int signal) { ptrace(asked.kills ? PTRACE_SYSCALL : PTRACE_CONT, id, 0, signal); }

static void has_child(struct task *parent, int event) {
    unsigned long id = 0;
    ptrace(PTRACE_GETEVENTMSG, parent->id, 0, &id);
    struct task *child = task_of((pid_t)id);
    int forks = event != PTRACE_EVENT_VFORK;
    const char *kind = parent->kind;
    if (forks && !strcmp(kind, "forkserver")) kind = "supervisor";
    else if (!strcmp(kind, "supervisor")) kind = "job";
    snprintf(child->kind, NAME, "%s", kind);
    child->known = 1;
    if (child->held) go_on(child->id, 0);
}

/* What to do next with a task that has stopped. */
static void stopped(struct task *t, int status) {
    int signal = WSTOPSIG(status), event = status >> 16;
    if (!t->known) { t->held = 1; return; }
    switch (event) {
    case PTRACE_EVENT_FORK: case PTRACE_EVENT_VFORK: case PTRACE_EVENT_CLONE: has_child(t, event); break;
    case PTRACE_EVENT_EXEC: name_task(t); break;
    case PTRACE_EVENT_SECCOMP: at_call(t); break;
    case PTRACE_EVENT_STOP:
        if (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU) {
            ptrace(PTRACE_LISTEN, t->id, 0, 0);
            return;
        }
        break;
    default:
        if (signal != (SIGTRAP | 0x80)) { go_on(t->id, signal); return; }
        at_call(t);
    }
    go_on(t->id, 0);
}

static void read_case(char *text) {
    if (!strcmp(text, "count")) { asked.counts = 1; return; }
    char *number = strchr(text, ':'), *what = number ? strchr(number + 1, ':') : NULL;
    errno = EINVAL;
    if (!what) fail(text);
    snprintf(asked.kind, NAME, "%.*s", (int)(number - text), text);
    asked.at = atol(number + 1);
    asked.lasts = what[strlen(what) - 1] == '+';
    if (!strncmp(what, ":kill", 5)) asked.kills = 1;
    else if (!strncmp(what, ":ENOSPC", 7)) asked.error = ENOSPC;
    else if (!strncmp(what, ":EIO", 4)) asked.error = EIO;
    else if (!strncmp(what, ":EROFS", 6)) asked.error = EROFS;
    else fail(text);
}

int main(int argc, char **argv) {
    if (argc < 4 || !realpath(argv[3], program)) fail("usage: at-call LOG CASE COMMAND...");
    read_case(argv[2]);
    if (!(log_file = fopen(argv[1], "we"))) fail(argv[1]);
    pid_t first = fork(), id;
    if (!first) {
        if (!asked.kills) stop_at_calls();
        raise(SIGSTOP);
        execv(program, argv + 3);
        fail(program);
    }
    fprintf(log_file, "pid %d\n", first);
    int status, code = 125;
    waitpid(first, &status, WUNTRACED);
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP;
    if (ptrace(PTRACE_SEIZE, first, 0, options)) fail("ptrace");
    task_of(first)->known = 1;
    snprintf(task_of(first)->kind, NAME, "start");
    kill(first, SIGCONT);
    while ((id = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
        if (id <= 0) continue;
        if (WIFSTOPPED(status)) { stopped(task_of(id), status); continue; }
        task_of(id)->id = 0;
        if (id == first) code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return code;
}
