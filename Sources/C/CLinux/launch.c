#define _GNU_SOURCE
#include "claunch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <linux/securebits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// The child shares the parent's memory until exec, and with it the thread-local storage of the calling thread. So it
// makes raw system calls only, which return -errno, and touches nothing but its stack and the launch structure.

#if defined(__x86_64__)

static long raw6(long number, long a, long b, long c, long d, long e, long f) {
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

// clone or clone3: the child runs the body on the stack that the arguments name, the parent returns.
static __attribute__((noinline)) long spawn(long number, long a, long b, long c, long (*body)(void *), void *argument) {
    long result;
    register long (*function)(void *) __asm__("r12") = body;
    register void *parameter __asm__("r13") = argument;
    register long none4 __asm__("r10") = 0;
    register long none5 __asm__("r8") = 0;
    __asm__ volatile(
        "syscall\n\t"
        "test %%rax, %%rax\n\t"
        "jnz 1f\n\t"
        "xor %%ebp, %%ebp\n\t"
        "mov %%r13, %%rdi\n\t"
        "call *%%r12\n\t"
        "mov %%eax, %%edi\n\t"
        "mov %[leave], %%eax\n\t"
        "syscall\n\t"
        "ud2\n"
        "1:"
        : "=a"(result)
        : "0"(number), "D"(a), "S"(b), "d"(c), "r"(none4), "r"(none5), "r"(function), "r"(parameter),
          [leave] "i"(SYS_exit_group)
        : "rcx", "r11", "memory");
    return result;
}

#elif defined(__aarch64__)

static long raw6(long number, long a, long b, long c, long d, long e, long f) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}

static __attribute__((noinline)) long spawn(long number, long a, long b, long c, long (*body)(void *), void *argument) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = 0;
    register long x4 __asm__("x4") = 0;
    register long (*function)(void *) __asm__("x19") = body;
    register void *parameter __asm__("x20") = argument;
    __asm__ volatile(
        "svc #0\n\t"
        "cbnz x0, 1f\n\t"
        "mov x29, xzr\n\t"
        "mov x0, x20\n\t"
        "blr x19\n\t"
        "mov x8, %[leave]\n\t"
        "svc #0\n\t"
        "brk #1\n"
        "1:"
        : "+r"(x0)
        : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(function), "r"(parameter), [leave] "i"(SYS_exit_group)
        : "memory");
    return x0;
}

#else
#error "Lodge knows how to start processes on x86_64 and aarch64"
#endif

#define raw(number, a, b, c) raw6(number, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define raw_prctl(option, a, b) raw6(SYS_prctl, option, (long)(a), (long)(b), 0, 0, 0)

// Names what comes next, for the parent, and leaves with the error when it fails.
#define STEP(name) (launch->step = LODGE_STEP_##name)
#define TRY(expression)                      \
    do {                                     \
        long outcome_ = (expression);        \
        if (outcome_ < 0) return outcome_;   \
    } while (0)

static long read_identity(struct lodge_launch *launch) {
    STEP(IDENTITY);
    long file = raw6(SYS_openat, AT_FDCWD, (long)"/proc/self/stat", O_RDONLY | O_CLOEXEC, 0, 0, 0);
    TRY(file);
    long length = raw(SYS_read, file, launch->stat, sizeof launch->stat);
    raw(SYS_close, file, 0, 0);
    TRY(length);
    launch->stat_length = (int)length;
    return 0;
}

static long take_lease(struct lodge_launch *launch) {
    STEP(OPEN_LEASE);
    // The program gets a description that can only be read: it cannot write another pid into its lease through it.
    long lease = raw6(
        SYS_openat, launch->lease_directory, (long)launch->lease_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0, 0, 0);
    TRY(lease);
    long writer = raw6(
        SYS_openat, launch->lease_directory, (long)launch->lease_name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0, 0, 0);
    TRY(writer);
    STEP(LOCK_LEASE);
    struct flock lock;
    lock.l_type = F_RDLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = 0;
    lock.l_len = 0;
    lock.l_pid = 0;
    TRY(raw(SYS_fcntl, lease, F_OFD_SETLK, &lock));
    // Whoever takes a dead maker's lease away first makes it unwritable or removes it, then looks at the lock. So
    // either the lock is seen there, or the change is seen here.
    STEP(CHECK_LEASE);
    struct stat status;
    TRY(raw(SYS_fstat, lease, &status, 0));
    // Another file of that name is the lease of a later start.
    if (status.st_ino != launch->lease_inode || status.st_nlink == 0 || !(status.st_mode & S_IWUSR)) return -ECANCELED;
    STEP(WRITE_LEASE);
    long written = raw(SYS_write, writer, launch->stat, launch->stat_length);
    TRY(written);
    if (written != launch->stat_length) return -ENOSPC;
    raw(SYS_close, writer, 0, 0);
    launch->sources[launch->lease_index] = (int)lease;
    return 0;
}

// Claims last as long as the open file description that the program keeps, as the lease does.
static long take_claims(struct lodge_launch *launch) {
    STEP(OPEN_CLAIMS);
    long claims = raw6(SYS_openat, AT_FDCWD, (long)launch->claims_path, O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0, 0, 0);
    TRY(claims);
    STEP(LOCK_CLAIM);
    for (int index = 0; index < launch->claim_count; index++) {
        struct flock lock;
        lock.l_type = launch->claim_exclusive[index] ? F_WRLCK : F_RDLCK;
        lock.l_whence = SEEK_SET;
        lock.l_start = launch->claim_offsets[index];
        lock.l_len = 1;
        lock.l_pid = 0;
        launch->failed_claim = index;
        TRY(raw(SYS_fcntl, claims, F_OFD_SETLK, &lock));
    }
    launch->sources[launch->claims_index] = (int)claims;
    return 0;
}

static long reset_signals(void) {
    // The kernel's struct sigaction, all zero: SIG_DFL, no flags, no mask.
    long zero[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    // SIGKILL and SIGSTOP refuse; that an ignored signal stays ignored over exec is why this is done at all.
    for (int signal = 1; signal <= 64; signal++) raw6(SYS_rt_sigaction, signal, (long)zero, 0, 8, 0, 0);
    return 0;
}

static long move_descriptors(struct lodge_launch *launch) {
    STEP(DESCRIPTORS);
    if (launch->count == 0) return 0;
    // First out of the way of all targets, then each to its place: right for any permutation.
    int above = launch->kept[launch->count - 1] + 1;
    for (int index = 0; index < launch->count; index++) {
        long moved = raw(SYS_fcntl, launch->sources[index], F_DUPFD_CLOEXEC, above);
        TRY(moved);
        launch->sources[index] = (int)moved;
    }
    // dup3 without O_CLOEXEC: these are what the program is to have.
    for (int index = 0; index < launch->count; index++)
        TRY(raw(SYS_dup3, launch->sources[index], launch->targets[index], 0));
    return 0;
}

static int is_kept(const struct lodge_launch *launch, long number) {
    for (int index = 0; index < launch->count; index++)
        if (launch->kept[index] == number) return 1;
    return 0;
}

struct entry {
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

static long close_one_by_one(const struct lodge_launch *launch) {
    long directory = raw6(SYS_openat, AT_FDCWD, (long)"/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0, 0);
    TRY(directory);
    _Alignas(struct entry) char buffer[2048];
    for (;;) {
        long length = raw(SYS_getdents64, directory, buffer, sizeof buffer);
        TRY(length);
        if (length == 0) break;
        for (long at = 0; at < length;) {
            const struct entry *entry = (const struct entry *)(buffer + at);
            at += entry->length;
            long number = 0;
            const char *digit = entry->name;
            while (*digit >= '0' && *digit <= '9') number = number * 10 + (*digit++ - '0');
            if (digit == entry->name || number == directory || is_kept(launch, number)) continue;
            raw(SYS_close, number, 0, 0);
        }
    }
    // All targets are taken by now, so its number is none of them.
    return raw(SYS_close, directory, 0, 0);
}

static long close_ranges(const struct lodge_launch *launch) {
    unsigned first = 0;
    for (int index = 0; index < launch->count; index++) {
        unsigned kept = (unsigned)launch->kept[index];
        if (kept > first) TRY(raw(SYS_close_range, first, kept - 1, 0));
        first = kept + 1;
    }
    return raw(SYS_close_range, first, ~0U, 0);
}

static long drop_capabilities(struct lodge_launch *launch) {
    STEP(BOUNDING_SET);
    for (int capability = 0; capability < 64; capability++) {
        if (launch->capabilities >> capability & 1) continue;
        long result = raw_prctl(PR_CAPBSET_DROP, capability, 0);
        // EINVAL: behind the last that this kernel has. EPERM: without CAP_SETPCAP, when there is nothing to drop
        // that no_new_privs would let it gain.
        if (result == -EINVAL || result == -EPERM) break;
        TRY(result);
    }
    raw_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0);
    STEP(CAPABILITIES);
    // User 0 is a user like any other for the program. Refused without CAP_SETPCAP, as above.
    long bits = raw_prctl(PR_GET_SECUREBITS, 0, 0);
    if (bits >= 0) raw_prctl(PR_SET_SECUREBITS, bits | SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, 0);
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    for (int half = 0; half < 2; half++) {
        uint32_t set = (uint32_t)(launch->capabilities >> (32 * half));
        data[half].effective = set;
        data[half].permitted = set;
        data[half].inheritable = set;
    }
    TRY(raw(SYS_capset, &header, data, 0));
    STEP(AMBIENT_SET);
    for (int capability = 0; capability < 64; capability++)
        if (launch->capabilities >> capability & 1)
            TRY(raw_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability));
    return 0;
}

static long prepare_and_execute(struct lodge_launch *launch) {
    TRY(read_identity(launch));
    if (launch->lease_directory >= 0) TRY(take_lease(launch));
    if (launch->claims_path) TRY(take_claims(launch));
    STEP(CHECK_PARENT);
    // Before the look at the parent, so that its end is seen either there or by the kernel.
    if (launch->ends_with_caller) TRY(raw_prctl(PR_SET_PDEATHSIG, SIGKILL, 0));
    if (raw(SYS_getppid, 0, 0, 0) != launch->parent) return -ESRCH;
    STEP(SESSION);
    TRY(raw(SYS_setsid, 0, 0, 0));
    STEP(SIGNALS);
    TRY(reset_signals());
    STEP(DIRECTORY);
    raw(SYS_umask, 077, 0, 0);
    TRY(raw(SYS_chdir, "/", 0, 0));
    STEP(CORE_LIMIT);
    const struct rlimit none = {0, 0};
    TRY(raw6(SYS_prlimit64, 0, RLIMIT_CORE, (long)&none, 0, 0, 0));
    TRY(move_descriptors(launch));
    STEP(CLOSE);
    TRY(launch->use_close_range ? close_ranges(launch) : close_one_by_one(launch));
    TRY(drop_capabilities(launch));
    STEP(NO_NEW_PRIVILEGES);
    if (launch->no_new_privileges) TRY(raw_prctl(PR_SET_NO_NEW_PRIVS, 1, 0));
    STEP(EXECUTE);
    const uint64_t no_signals = 0;
    TRY(raw6(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, (long)&no_signals, 0, 8, 0, 0));
    return raw(SYS_execve, launch->path, launch->arguments, launch->environment);
}

static long child(void *argument) {
    struct lodge_launch *launch = argument;
    launch->error = (int)-prepare_and_execute(launch);
    return 127;
}

int lodge_start(struct lodge_launch *launch, int *pidfd) {
    const size_t size = 64 << 10;
    long page = sysconf(_SC_PAGESIZE);
    char *stack = mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) return -1;
    if (mprotect(stack, page, PROT_NONE) < 0) {
        int error = errno;
        munmap(stack, size + page);
        errno = error;
        return -1;
    }
    launch->step = LODGE_STEP_CLONE;
    launch->error = 0;
    launch->stat_length = 0;
    *pidfd = -1;

    // No handler of the host may run in the child, in the host's memory: all signals are blocked over the clone, those
    // of the C library too, and the child puts all dispositions back before it unblocks any.
    const uint64_t all = ~0ULL;
    uint64_t before = 0;
    raw6(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, (long)&all, (long)&before, 8, 0, 0);
    long pid = -ENOSYS;
    if (launch->use_clone3) {
        struct clone_args arguments = {
            .flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
            .pidfd = (uint64_t)(uintptr_t)pidfd,
            .stack = (uint64_t)(uintptr_t)(stack + page),
            .stack_size = size,
        };
        pid = spawn(SYS_clone3, (long)&arguments, sizeof arguments, 0, child, launch);
    }
    // A filter that does not know clone3 says ENOSYS or EPERM.
    if (pid == -ENOSYS || pid == -EPERM) {
        long flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD;  // and 0 for the exit signal
        pid = spawn(SYS_clone, flags, (long)(stack + page + size), (long)pidfd, child, launch);
    }
    raw6(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, (long)&before, 0, 8, 0, 0);
    munmap(stack, size + page);
    if (pid < 0) {
        errno = (int)-pid;
        return -1;
    }
    return (int)pid;
}
