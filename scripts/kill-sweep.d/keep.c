/* keep SECONDS COMMAND...: runs the command and gives its exit code, unless something that it started, however
 * detached, still lives so many seconds after it: that is named, ended, and the exit code is 99. */
#define _GNU_SOURCE
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Ends the children, and so becomes the parent of theirs. */
static void end_all(int tells) {
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", getpid(), getpid());
    FILE *children = fopen(path, "r");
    int id;
    while (children && fscanf(children, "%d", &id) == 1) {
        snprintf(path, sizeof path, "/proc/%d/cmdline", id);
        FILE *file = fopen(path, "r");
        size_t length = file ? fread(line, 1, sizeof line - 1, file) : 0;
        if (file) fclose(file);
        for (size_t i = 0; i < length; i++) if (!line[i]) line[i] = ' ';
        line[length] = 0;
        if (tells && length) fprintf(stderr, "left: %d %s\n", id, line);
        kill(id, SIGKILL);
    }
    if (children) fclose(children);
}

int main(int argc, char **argv) {
    if (argc < 3) return 125;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid_t command = fork(), id;
    if (!command) { execvp(argv[2], argv + 2); perror(argv[2]); _exit(127); }
    int status, code = 125, over = 0;
    time_t end = 0;
    struct timespec pause = { 0, 10 * 1000 * 1000 };
    while ((id = waitpid(-1, &status, over ? WNOHANG : 0)) >= 0) {
        if (id == command) {
            code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            over = 1;
            end = time(NULL) + atoi(argv[1]);
        }
        if (id) continue;
        if (time(NULL) > end) { end_all(code != 99); code = 99; }
        nanosleep(&pause, NULL);
    }
    return code;
}
