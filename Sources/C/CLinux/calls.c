#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

int lodge_dup_cloexec(int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, 3); }

int lodge_set_nonblocking(int fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 ? flags : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

int lodge_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

int lodge_memfd(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

int lodge_pipe(int fds[2]) { return pipe2(fds, O_CLOEXEC); }

static int fill(int result, const struct stat *status, struct lodge_file *file) {
    if (result == 0) {
        file->device = status->st_dev;
        file->inode = status->st_ino;
        file->links = status->st_nlink;
        file->size = status->st_size > 0 ? (uint64_t)status->st_size : 0;
        file->mode = status->st_mode;
        file->uid = status->st_uid;
        file->special = status->st_rdev;
    }
    return result;
}

int lodge_stat_fd(int fd, struct lodge_file *file) {
    struct stat status;
    return fill(fstat(fd, &status), &status, file);
}

int lodge_stat_path(const char *path, int follow, struct lodge_file *file) {
    struct stat status;
    return fill(fstatat(AT_FDCWD, path, &status, follow ? 0 : AT_SYMLINK_NOFOLLOW), &status, file);
}

int lodge_ofd_lock(int fd, int exclusive) {
    struct flock lock = {.l_type = exclusive ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_OFD_SETLK, &lock);
}

int lodge_ofd_unlock(int fd) {
    struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_OFD_SETLK, &lock);
}

int lodge_ofd_held(int fd) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int result = fcntl(fd, F_OFD_GETLK, &lock);
    return result < 0 ? result : lock.l_type != F_UNLCK;
}

int lodge_ofd_byte_held(int fd, int64_t offset, int exclusive) {
    struct flock lock = {
        .l_type = exclusive ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET, .l_start = offset, .l_len = 1};
    int result = fcntl(fd, F_OFD_GETLK, &lock);
    return result < 0 ? result : lock.l_type != F_UNLCK;
}

int lodge_enter_network(int fd) { return setns(fd, CLONE_NEWNET); }

int lodge_unshare_network(void) { return unshare(CLONE_NEWNET); }

int lodge_loopback_up(void) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return fd;
    struct ifreq request = {.ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING};
    memcpy(request.ifr_name, "lo", 3);
    int result = ioctl(fd, SIOCSIFFLAGS, &request);
    int error = errno;
    close(fd);
    errno = error;
    return result;
}

int lodge_network_cookie(int socket, uint64_t *cookie) {
    socklen_t length = sizeof *cookie;
    return getsockopt(socket, SOL_SOCKET, SO_NETNS_COOKIE, cookie, &length);
}
