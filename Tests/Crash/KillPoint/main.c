// killpoint: runs a program under ptrace, counts the state-changing system calls of all its threads, and can end it with
// SIGKILL at one of them. Child processes are let go untouched: only the program itself is counted and killed.
//
//   killpoint count -- COMMAND …             one line a point on descriptor 3 (else stderr): K call#N detail
//   killpoint kill K before|after|during -- COMMAND …
//
// before: at the entry of call K, which does not happen. after: at its return. during (only for a call that makes a
// process): when the child exists and has not run yet. Exit status of `kill`: 0 killed there, 3 the program ended
// without reaching K, 2 anything else.
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum when { COUNT, BEFORE, AFTER, DURING };

struct call {
    long number;
    const char *name;
    long seen;
};

// What changes the world outside the process. Reads, waits, memory and threads do not.
static struct call calls[] = {
    {SYS_open, "open", 0},           {SYS_openat, "openat", 0},         {SYS_openat2, "openat2", 0},
    {SYS_creat, "creat", 0},         {SYS_write, "write", 0},           {SYS_writev, "writev", 0},
    {SYS_pwrite64, "pwrite", 0},     {SYS_rename, "rename", 0},         {SYS_renameat, "renameat", 0},
    {SYS_renameat2, "renameat2", 0}, {SYS_unlink, "unlink", 0},         {SYS_unlinkat, "unlinkat", 0},
    {SYS_mkdir, "mkdir", 0},         {SYS_mkdirat, "mkdirat", 0},       {SYS_rmdir, "rmdir", 0},
    {SYS_link, "link", 0},           {SYS_linkat, "linkat", 0},         {SYS_symlink, "symlink", 0},
    {SYS_symlinkat, "symlinkat", 0}, {SYS_truncate, "truncate", 0},     {SYS_ftruncate, "ftruncate", 0},
    {SYS_fsync, "fsync", 0},         {SYS_fdatasync, "fdatasync", 0},   {SYS_chmod, "chmod", 0},
    {SYS_fchmod, "fchmod", 0},       {SYS_fchmodat, "fchmodat", 0},     {SYS_chown, "chown", 0},
    {SYS_fchown, "fchown", 0},       {SYS_fchownat, "fchownat", 0},     {SYS_sendto, "sendto", 0},
    {SYS_sendmsg, "sendmsg", 0},     {SYS_bind, "bind", 0},             {SYS_listen, "listen", 0},
    {SYS_connect, "connect", 0},     {SYS_ioctl, "ioctl", 0},           {SYS_fcntl, "fcntl", 0},
    {SYS_clone, "clone", 0},         {SYS_clone3, "clone3", 0},         {SYS_fork, "fork", 0},
    {SYS_vfork, "vfork", 0},         {SYS_kill, "kill", 0},             {SYS_tgkill, "tgkill", 0},
    {SYS_pidfd_send_signal, "pidfd_send_signal", 0},                    {SYS_setns, "setns", 0},
    {SYS_unshare, "unshare", 0},     {SYS_mount, "mount", 0},           {SYS_umount2, "umount", 0},
};

static pid_t program;

static void read_link(char *into, size_t size, pid_t thread, unsigned long fd) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd/%lu", thread, fd);
    ssize_t length = readlink(path, into, size - 1);
    into[length < 0 ? 0 : length] = 0;
}

static void read_text(char *into, size_t size, pid_t thread, unsigned long address) {
    struct iovec local = {into, size - 1}, remote = {(void *)address, size - 1};
    ssize_t length = process_vm_readv(thread, &local, 1, &remote, 1, 0);
    if (length < 0) {  // the string may end just before an unmapped page
        remote.iov_len = local.iov_len = 4096 - address % 4096 < size - 1 ? 4096 - address % 4096 : size - 1;
        length = process_vm_readv(thread, &local, 1, &remote, 1, 0);
    }
    into[length < 0 ? 0 : length] = 0;
}

static bool makes_thread(pid_t thread, long number, const unsigned long long *args) {
    unsigned long flags = args[0];
    if (number == SYS_clone3) {
        struct iovec local = {&flags, sizeof flags}, remote = {(void *)(unsigned long)args[0], sizeof flags};
        if (process_vm_readv(thread, &local, 1, &remote, 1, 0) != sizeof flags) return false;
    } else if (number != SYS_clone) {
        return false;
    }
    return flags & CLONE_THREAD;
}

// The table's row when the call, with these arguments, changes the world; NULL otherwise. `detail` says on what.
static struct call *state_changing(pid_t thread, long number, const unsigned long long *args, char *detail, size_t size) {
    struct call *row = NULL;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (calls[i].number == number) row = &calls[i];
    if (!row) return NULL;
    detail[0] = 0;
    switch (number) {
    case SYS_open:
    case SYS_openat: {
        int at = number == SYS_openat;
        if (!(args[1 + at] & (O_CREAT | O_TRUNC))) return NULL;
        read_text(detail, size, thread, args[at]);
        break;
    }
    case SYS_write:
    case SYS_writev:
    case SYS_pwrite64:
    case SYS_ftruncate:
    case SYS_fsync:
    case SYS_fdatasync:
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_bind:
    case SYS_listen:
    case SYS_connect:
        if (args[0] == 1 || args[0] == 2) return NULL;
        read_link(detail, size, thread, args[0]);
        if (strstr(detail, "[eventfd]") || strstr(detail, "/dev/pts/") || strstr(detail, "pipe:")) return NULL;
        break;
    case SYS_ioctl: {
        read_link(detail, size, thread, args[0]);
        if (!strstr(detail, "/net/tun") && !strstr(detail, "socket:")) return NULL;
        break;
    }
    case SYS_fcntl:
        if (args[1] != F_OFD_SETLK && args[1] != F_OFD_SETLKW) return NULL;
        read_link(detail, size, thread, args[0]);
        break;
    case SYS_clone:
    case SYS_clone3:
        if (makes_thread(thread, number, args)) return NULL;
        // Only a question whether the kernel has the call: it refuses arguments of this size.
        if (number == SYS_clone3 && args[1] < 64) return NULL;
        break;
    case SYS_rename:
    case SYS_unlink:
    case SYS_mkdir:
    case SYS_rmdir:
        read_text(detail, size, thread, args[0]);
        break;
    case SYS_renameat:
    case SYS_renameat2:
    case SYS_unlinkat:
    case SYS_mkdirat:
        read_text(detail, size, thread, args[1]);
        break;
    }
    return row;
}

static bool is_thread_of_program(pid_t thread) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d", program, thread);
    return access(path, F_OK) == 0;
}

static int end_program(void) {
    kill(program, SIGKILL);
    for (;;) {
        int status;
        pid_t one = waitpid(-1, &status, __WALL);
        if (one < 0 && errno == ECHILD) return 0;
        // A child that was made but not yet let go runs on by itself.
        if (one > 0 && WIFSTOPPED(status) && one != program && !is_thread_of_program(one)) ptrace(PTRACE_DETACH, one, 0, 0);
    }
}

int main(int argc, char **argv) {
    enum when when = COUNT;
    long target = 0;
    int command = 3;
    if (argc >= 4 && !strcmp(argv[1], "count") && !strcmp(argv[2], "--")) {
    } else if (argc >= 6 && !strcmp(argv[1], "kill") && !strcmp(argv[4], "--")) {
        target = strtol(argv[2], NULL, 10);
        when = !strcmp(argv[3], "before") ? BEFORE : !strcmp(argv[3], "after") ? AFTER : DURING;
        command = 5;
    } else {
        fprintf(stderr, "usage: killpoint count -- COMMAND… | killpoint kill K before|after|during -- COMMAND…\n");
        return 2;
    }
    FILE *out = fcntl(3, F_GETFD) >= 0 ? fdopen(3, "w") : stderr;
    if (out != stderr) fcntl(3, F_SETFD, FD_CLOEXEC);

    program = fork();
    if (program < 0) return 2;
    if (program == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        execvp(argv[command], argv + command);
        perror(argv[command]);
        _exit(127);
    }
    int status;
    if (waitpid(program, &status, 0) != program) return 2;
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    if (when == DURING) options |= PTRACE_O_TRACEVFORK | PTRACE_O_TRACEFORK;
    if (ptrace(PTRACE_SETOPTIONS, program, 0, options)) return perror("ptrace"), 2;
    ptrace(PTRACE_CONT, program, 0, 0);

    bool started = false;       // counting begins at the program's own exec
    long point = 0;
    pid_t reached = 0;          // the thread that is inside call `target`
    int code = 0;
    for (;;) {
        pid_t thread = waitpid(-1, &status, __WALL);
        if (thread < 0) break;
        if (WIFEXITED(status) || WIFSIGNALED(status)) {
            if (thread == program) code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            continue;
        }
        int signal = WSTOPSIG(status), event = status >> 16;
        if (event == PTRACE_EVENT_EXEC) {
            started = true;
            ptrace(PTRACE_SYSCALL, thread, 0, 0);
            continue;
        }
        if (event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_CLONE) {
            if (when == DURING && reached == thread) return end_program();
            ptrace(PTRACE_SYSCALL, thread, 0, 0);
            continue;
        }
        if (thread != program && !is_thread_of_program(thread)) {   // a child: let it go
            ptrace(PTRACE_DETACH, thread, 0, 0);
            continue;
        }
        if (signal == (SIGTRAP | 0x80) && started) {
            struct __ptrace_syscall_info info;
            if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) > 0) {
                char detail[256];
                if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
                    struct call *row =
                        state_changing(thread, (long)info.entry.nr, (void *)info.entry.args, detail, sizeof detail);
                    if (row) {
                        point++;
                        row->seen++;
                        if (when == COUNT) fprintf(out, "%ld %s#%ld %s\n", point, row->name, row->seen, detail);
                        if (point == target) {
                            if (when == BEFORE) return end_program();
                            reached = thread;
                        }
                    }
                } else if (info.op == PTRACE_SYSCALL_INFO_EXIT && reached == thread) {
                    if (when == AFTER) return end_program();
                    if (when == DURING) reached = 0;
                }
            }
            ptrace(PTRACE_SYSCALL, thread, 0, 0);
            continue;
        }
        bool own = signal == SIGSTOP && thread != program;  // the first stop of a new thread
        ptrace(started ? PTRACE_SYSCALL : PTRACE_CONT, thread, 0, own || signal == (SIGTRAP | 0x80) ? 0 : signal);
    }
    if (when == COUNT) {
        fflush(out);
        return code;
    }
    return 3;
}
