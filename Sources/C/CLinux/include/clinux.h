#ifndef LODGE_CLINUX_H
#define LODGE_CLINUX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Thin wrappers around what Swift cannot call directly: variadic calls, macros, calls that Swift's Glibc does not show.
// Each returns what the call returns (negative: errno is set) unless it says otherwise.

int lodge_dup_cloexec(int fd);
int lodge_set_nonblocking(int fd);
// A close-on-exec, non-blocking event counter.
int lodge_eventfd(void);
// An anonymous file in memory, close-on-exec.
int lodge_memfd(const char *name);
// A close-on-exec pipe.
int lodge_pipe(int fds[2]);
// The file's number in its file system, its links, device and type.
struct lodge_file {
    uint64_t device, inode, links, size, special;
    uint32_t mode, uid;
};
int lodge_stat_fd(int fd, struct lodge_file *file);
int lodge_stat_path(const char *path, int follow, struct lodge_file *file);

// Open file description locks (fcntl(2)): they end with the last descriptor of the description, not with a close in
// some other part of the process.
int lodge_ofd_lock(int fd, int exclusive);
int lodge_ofd_unlock(int fd);
// 1: somebody else holds a lock, 0: nobody does. Takes nothing.
int lodge_ofd_held(int fd);
// Whether somebody has a lock on one byte that an exclusive or a shared one would have to wait for: 1 or 0.
int lodge_ofd_byte_held(int fd, int64_t offset, int exclusive);
// Whether a TCP port of a numeric address can be bound: 1 or 0; 1 too when the address is not numeric.
int lodge_tcp_port_is_free(const char *address, uint16_t port);

// A detached thread with all signals blocked but those that a fault raises, so that no handler of the host runs on it.
// Returns an errno value, 0 for success.
int lodge_thread_start(void (*body)(void *), void *argument, size_t stack);
// A mutex with a condition on the monotonic clock, at an address that stays.
struct lodge_monitor;
struct lodge_monitor *lodge_monitor_new(void);
void lodge_monitor_free(struct lodge_monitor *);
void lodge_monitor_lock(struct lodge_monitor *);
void lodge_monitor_unlock(struct lodge_monitor *);
void lodge_monitor_signal(struct lodge_monitor *);
void lodge_monitor_broadcast(struct lodge_monitor *);
// Waits with the lock held; a negative timeout waits for ever. Returns 0 when the timeout passed, else 1.
int lodge_monitor_wait(struct lodge_monitor *, long milliseconds);

// Network namespaces.
int lodge_enter_network(int fd);
int lodge_unshare_network(void);
int lodge_loopback_up(void);
// The cookie of the network namespace in which the socket was made (SO_NETNS_COOKIE, Linux 5.14).
int lodge_network_cookie(int socket, uint64_t *cookie);

// Process descriptors.
int lodge_pidfd_open(pid_t pid);
int lodge_pidfd_signal(int pidfd, int signal);
// What waitid says: returns 1 with the status, 0 when it has not ended, -1 with errno.
struct lodge_exit {
    int exited;  // 1: exited with `value`; 0: ended by the signal `value`
    int value;
};
int lodge_pidfd_reap(int pidfd, struct lodge_exit *status);
// The status that pidfs keeps after the reaping (PIDFD_GET_INFO with PIDFD_INFO_EXIT, Linux 6.15): 1, 0 when not known.
int lodge_pidfd_exit_info(int pidfd, struct lodge_exit *status);
// Whether descriptors of processes live on pidfs, with inode numbers that are never used twice (Linux 6.9).
int lodge_pidfd_has_inode(int pidfd);

// Probes: 1 when the kernel knows the call and lets us use it.
int lodge_has_clone3(void);
int lodge_has_close_range(void);
int lodge_has_peer_pidfd(void);
int lodge_has_pidfd_info(int pidfd);

// Unix sockets, close-on-exec, non-blocking. Paths of at most 107 bytes.
int lodge_unix_socket(void);
int lodge_unix_bind(int socket, const char *path);
int lodge_unix_connect(int socket, const char *path);
// A non-blocking, close-on-exec connection.
int lodge_accept(int socket);
// Who made the connection: its process descriptor (Linux 6.5), or its pid.
int lodge_peer_pidfd(int socket);
int lodge_peer_pid(int socket);

// epoll(7), one event at a time.
int lodge_epoll(void);
int lodge_epoll_add(int epoll, int fd, uint32_t events, uint64_t token);
int lodge_epoll_remove(int epoll, int fd);
// Returns 1 with token and events, 0 when the time passed.
int lodge_epoll_wait(int epoll, int milliseconds, uint64_t *token, uint32_t *events);

#endif
