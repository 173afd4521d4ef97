#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

// From the kernel's include/uapi/linux/pidfd.h and magic.h, which Debian 12's headers do not have.
#define LODGE_PIDFS_MAGIC 0x50494446
#define LODGE_PIDFD_INFO_PID (1ULL << 0)
#define LODGE_PIDFD_INFO_EXIT (1ULL << 3)
struct lodge_pidfd_info {
    uint64_t mask, cgroup;
    uint32_t pid, tgid, ppid;
    uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
    int32_t exit_code;
};
_Static_assert(sizeof(struct lodge_pidfd_info) == 64, "the first published size");
#define LODGE_PIDFD_GET_INFO _IOWR(0xFF, 11, struct lodge_pidfd_info)
#define LODGE_SO_PEERPIDFD 77
#define LODGE_P_PIDFD 3

int lodge_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int lodge_pidfd_signal(int pidfd, int signal) { return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0); }

int lodge_pidfd_reap(int pidfd, struct lodge_exit *status) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    // __WALL: until exec the exit signal of our children is 0, which makes them "clone children" (wait(2)).
    int result = waitid((idtype_t)LODGE_P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | __WALL);
    if (result < 0) return result;
    if (info.si_pid == 0) return 0;
    status->exited = info.si_code == CLD_EXITED;
    status->value = info.si_status;
    return 1;
}

int lodge_pidfd_exit_info(int pidfd, struct lodge_exit *status) {
    struct lodge_pidfd_info info;
    memset(&info, 0, sizeof info);
    info.mask = LODGE_PIDFD_INFO_EXIT;
    if (ioctl(pidfd, LODGE_PIDFD_GET_INFO, &info) < 0 || !(info.mask & LODGE_PIDFD_INFO_EXIT)) return 0;
    status->exited = WIFEXITED(info.exit_code);
    status->value = status->exited ? WEXITSTATUS(info.exit_code) : WTERMSIG(info.exit_code);
    return 1;
}

int lodge_pidfd_has_inode(int pidfd) {
    struct statfs status;
    return fstatfs(pidfd, &status) == 0 && status.f_type == LODGE_PIDFS_MAGIC;
}

// A probe leaves errno as it found it: it is no call that can fail.
#define PROBE(expression)            \
    do {                             \
        int before = errno;          \
        int answer = (expression);   \
        errno = before;              \
        return answer;               \
    } while (0)

// Both refuse these arguments with EINVAL when they exist; ENOSYS, or EPERM from a seccomp filter, when not.
int lodge_has_clone3(void) { PROBE(syscall(SYS_clone3, NULL, 0) < 0 && errno == EINVAL); }

int lodge_has_close_range(void) { PROBE(syscall(SYS_close_range, 1U, 0U, 0U) < 0 && errno == EINVAL); }

int lodge_has_peer_pidfd(void) {
    int before = errno, pair[2], answer = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0) {
        int pidfd = -1;
        socklen_t length = sizeof pidfd;
        answer = getsockopt(pair[0], SOL_SOCKET, LODGE_SO_PEERPIDFD, &pidfd, &length) == 0;
        if (answer && pidfd >= 0) close(pidfd);
        close(pair[0]);
        close(pair[1]);
    }
    errno = before;
    return answer;
}

int lodge_has_pidfd_info(int pidfd) {
    struct lodge_pidfd_info info;
    memset(&info, 0, sizeof info);
    info.mask = LODGE_PIDFD_INFO_PID | LODGE_PIDFD_INFO_EXIT;
    PROBE(ioctl(pidfd, LODGE_PIDFD_GET_INFO, &info) == 0 && info.mask & LODGE_PIDFD_INFO_PID);
}
