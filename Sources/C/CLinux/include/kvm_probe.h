#ifndef LODGE_KVM_PROBE_H
#define LODGE_KVM_PROBE_H

#include <stdint.h>

// What the child did last before it ended, and what it found.
enum lodge_kvm_step {
    LODGE_KVM_OPEN = 1,
    LODGE_KVM_VERSION,
    LODGE_KVM_CREATE_VM,
    LODGE_KVM_MEMORY,
    LODGE_KVM_CREATE_CPU,
    LODGE_KVM_MAP_CPU,
    LODGE_KVM_REGISTERS,
    LODGE_KVM_RUN,
    LODGE_KVM_DONE,
};
struct lodge_kvm_finding {
    int32_t step;
    int32_t error;  // an errno value, 0 when the step itself succeeded
    int32_t value;  // of VERSION: the version; of DONE: the exit reason
};

// Starts a child that runs a guest of a few instructions in 64-bit mode on the device, a counting loop and hlt, and
// writes one finding into the pipe. The loop tells a processor from a KVM that emulates each instruction, which would
// take hours to boot a kernel.
//
// The child is a fork without a signal to its parent (exit_signal 0), makes raw system calls only, and holds no
// descriptor but the pipe's. Returns its pid and stores its pidfd; negative: errno is set. Killing and reaping it is
// the caller's: KVM_RUN may spin.
int lodge_kvm_probe_start(const char *device, int pipe, int *pidfd);

// KVM_EXIT_HLT
int lodge_kvm_exit_hlt(void);

#endif
