#define _GNU_SOURCE
#include "kvm_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

int lodge_kvm_exit_hlt(void) { return KVM_EXIT_HLT; }

#if defined(__x86_64__)

// A copy of the parent's memory without its other threads: whatever lock they held stays locked, so nothing of libc
// but the bare wrapper of a system call may be used. errno is the child's own copy.
static long ask(int fd, unsigned long request, void *argument) { return syscall(SYS_ioctl, fd, request, argument); }

static void tell(int pipe, int step, int error, int value) {
    struct lodge_kvm_finding finding = {step, error, value};
    (void)syscall(SYS_write, pipe, &finding, sizeof finding);
    syscall(SYS_exit_group, 0);
    __builtin_unreachable();
}

#define TRY(step, expression)                             \
    do {                                                  \
        if ((expression) < 0) tell(pipe, step, errno, 0); \
    } while (0)

static void run_guest(const char *device, int pipe) {
    // Guest memory from address 0: three levels of page tables that map the first 2 MiB onto themselves, and the code.
    enum { PAGE = 4096, LEVEL4 = 0x1000, LEVEL3 = 0x2000, LEVEL2 = 0x3000, CODE = 0x4000, SIZE = 0x5000 };
    long kvm, vm, cpu, size, base, state;

    TRY(LODGE_KVM_OPEN, kvm = syscall(SYS_openat, AT_FDCWD, device, O_RDWR | O_CLOEXEC));
    long version = ask(kvm, KVM_GET_API_VERSION, 0);
    TRY(LODGE_KVM_VERSION, version);
    if (version != KVM_API_VERSION) tell(pipe, LODGE_KVM_VERSION, 0, (int)version);
    TRY(LODGE_KVM_CREATE_VM, vm = ask(kvm, KVM_CREATE_VM, 0));

    TRY(LODGE_KVM_MEMORY,
        base = syscall(SYS_mmap, 0, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    *(volatile uint64_t *)(base + LEVEL4) = LEVEL3 | 3;  // present, writable
    *(volatile uint64_t *)(base + LEVEL3) = LEVEL2 | 3;
    *(volatile uint64_t *)(base + LEVEL2) = 0x83;        // and large
    // mov ecx, 1000000; 1: dec ecx; jnz 1b; hlt. A millisecond on a processor, seconds where each is emulated.
    static const uint8_t code[] = {0xB9, 0x40, 0x42, 0x0F, 0x00, 0xFF, 0xC9, 0x75, 0xFC, 0xF4};
    for (unsigned i = 0; i < sizeof code; i++) ((volatile uint8_t *)(base + CODE))[i] = code[i];
    struct kvm_userspace_memory_region memory = {
        .slot = 0, .guest_phys_addr = 0, .memory_size = SIZE, .userspace_addr = (unsigned long)base};
    // Three pages that older Intel processors want beside the guest's own.
    (void)ask(vm, KVM_SET_TSS_ADDR, (void *)0xFFFBD000UL);
    TRY(LODGE_KVM_MEMORY, ask(vm, KVM_SET_USER_MEMORY_REGION, &memory));

    TRY(LODGE_KVM_CREATE_CPU, cpu = ask(vm, KVM_CREATE_VCPU, 0));
    TRY(LODGE_KVM_MAP_CPU, size = ask(kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
    TRY(LODGE_KVM_MAP_CPU, state = syscall(SYS_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0));

    // 64-bit mode, as every kernel of today runs: a KVM that only emulates the modes before it must not pass.
    struct kvm_sregs special;
    TRY(LODGE_KVM_REGISTERS, ask(cpu, KVM_GET_SREGS, &special));
    special.cr3 = LEVEL4;
    special.cr4 = 1 << 5;                          // physical address extension
    special.cr0 = 1 | 1 << 4 | 1 << 5 | 1U << 31;  // protection, paging
    special.efer = 1 << 8 | 1 << 10;               // long mode
    struct kvm_segment segment = {
        .base = 0, .limit = 0xFFFFFFFF, .selector = 8, .type = 11, .present = 1, .s = 1, .l = 1, .g = 1};
    special.cs = segment;
    segment.selector = 16;
    segment.type = 3;
    segment.l = 0;
    segment.db = 1;
    special.ds = special.es = special.fs = special.gs = special.ss = segment;
    TRY(LODGE_KVM_REGISTERS, ask(cpu, KVM_SET_SREGS, &special));
    struct kvm_regs registers;
    memset(&registers, 0, sizeof registers);
    registers.rip = CODE;
    registers.rflags = 2;  // the bit that is always set
    TRY(LODGE_KVM_REGISTERS, ask(cpu, KVM_SET_REGS, &registers));

    TRY(LODGE_KVM_RUN, ask(cpu, KVM_RUN, 0));
    tell(pipe, LODGE_KVM_DONE, 0, (int)((volatile struct kvm_run *)state)->exit_reason);
}

#else

static void run_guest(const char *device, int pipe) {
    struct lodge_kvm_finding finding = {LODGE_KVM_REGISTERS, ENOSYS, 0};
    (void)device;
    (void)syscall(SYS_write, pipe, &finding, sizeof finding);
    syscall(SYS_exit_group, 0);
}

#endif

int lodge_kvm_probe_start(const char *device, int pipe, int *pidfd) {
    sigset_t all, before;
    sigfillset(&all);
    // No handler of the host program may run in the child; it keeps all signals blocked, and SIGKILL cannot be.
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int number = -1;
    long pid = syscall(SYS_clone, CLONE_PIDFD, 0, &number, 0, 0);
    if (pid == 0) {
        // Descriptors of the host program must not live longer because of us. Before 5.9 they do, for half a second.
        if (pipe > 0) syscall(SYS_close_range, 0U, (unsigned)pipe - 1, 0U);
        syscall(SYS_close_range, (unsigned)pipe + 1, ~0U, 0U);
        run_guest(device, pipe);
        syscall(SYS_exit_group, 1);
        __builtin_unreachable();
    }
    int error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    *pidfd = number;
    errno = error;
    return (int)pid;
}
