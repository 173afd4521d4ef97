#define _GNU_SOURCE
#include "clinux.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

int lodge_tcp_port_is_free(const char *address, uint16_t port) {
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr *name = (struct sockaddr *)&v4;
    socklen_t length = sizeof v4;
    if (inet_pton(AF_INET, address, &v4.sin_addr) != 1) {
        if (inet_pton(AF_INET6, address, &v6.sin6_addr) != 1) return 1;
        name = (struct sockaddr *)&v6;
        length = sizeof v6;
    }
    int fd = socket(name->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return 1;
    // As QEMU binds it: connections of a server that has just ended do not count.
    int yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    int result = bind(fd, name, length) == 0 && listen(fd, 1) == 0;
    int error = errno;
    close(fd);
    return result || error != EADDRINUSE;
}
