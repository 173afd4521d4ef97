#ifndef LODGE_CLINUX_H
#define LODGE_CLINUX_H

// Thin wrappers around what Swift cannot call directly: variadic calls and macros.
// Each returns what the call returns and leaves errno alone.

int lodge_dup_cloexec(int fd);

#endif
