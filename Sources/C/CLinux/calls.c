#define _GNU_SOURCE
#include "clinux.h"

#include <fcntl.h>

int lodge_dup_cloexec(int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, 3); }
