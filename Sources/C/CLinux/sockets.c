#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LODGE_SO_PEERPIDFD 77

int lodge_unix_socket(void) {
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static int fill_address(struct sockaddr_un *address, const char *path) {
    size_t length = strlen(path);
    if (length >= sizeof address->sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, length);
    return 0;
}

int lodge_unix_bind(int socket, const char *path) {
    struct sockaddr_un address;
    // The socket's own mode is what its file gets, less the umask, which is the host's.
    if (fill_address(&address, path) < 0 || fchmod(socket, 0600) < 0) return -1;
    return bind(socket, (struct sockaddr *)&address, sizeof address);
}

int lodge_unix_connect(int socket, const char *path) {
    struct sockaddr_un address;
    if (fill_address(&address, path) < 0) return -1;
    return connect(socket, (struct sockaddr *)&address, sizeof address);
}

int lodge_accept(int socket) { return accept4(socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK); }

int lodge_peer_pidfd(int socket) {
    int pidfd = -1;
    socklen_t length = sizeof pidfd;
    return getsockopt(socket, SOL_SOCKET, LODGE_SO_PEERPIDFD, &pidfd, &length) < 0 ? -1 : pidfd;
}

int lodge_peer_pid(int socket) {
    struct ucred peer;
    socklen_t length = sizeof peer;
    return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0 ? -1 : peer.pid;
}

int lodge_epoll(void) { return epoll_create1(EPOLL_CLOEXEC); }

int lodge_epoll_add(int epoll, int fd, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = events, .data.u64 = token};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

int lodge_epoll_remove(int epoll, int fd) { return epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL); }

int lodge_epoll_wait(int epoll, int milliseconds, uint64_t *token, uint32_t *events) {
    struct epoll_event event;
    int count = epoll_wait(epoll, &event, 1, milliseconds);
    if (count == 1) {
        *token = event.data.u64;
        *events = event.events;
    }
    return count;
}
