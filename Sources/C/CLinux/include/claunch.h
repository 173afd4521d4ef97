#ifndef LODGE_CLAUNCH_H
#define LODGE_CLAUNCH_H

#include <stddef.h>
#include <stdint.h>

// What the child does between clone and exec, in this order. The last one begun is what failed.
enum lodge_step {
    LODGE_STEP_CLONE,
    LODGE_STEP_IDENTITY,
    LODGE_STEP_OPEN_LEASE,
    LODGE_STEP_LOCK_LEASE,
    LODGE_STEP_CHECK_LEASE,
    LODGE_STEP_WRITE_LEASE,
    LODGE_STEP_OPEN_CLAIMS,
    LODGE_STEP_LOCK_CLAIM,
    LODGE_STEP_CHECK_PARENT,
    LODGE_STEP_SESSION,
    LODGE_STEP_SIGNALS,
    LODGE_STEP_DIRECTORY,
    LODGE_STEP_CORE_LIMIT,
    LODGE_STEP_DESCRIPTORS,
    LODGE_STEP_CLOSE,
    LODGE_STEP_BOUNDING_SET,
    LODGE_STEP_CAPABILITIES,
    LODGE_STEP_AMBIENT_SET,
    LODGE_STEP_NO_NEW_PRIVILEGES,
    LODGE_STEP_EXECUTE,
};

struct lodge_launch {
    const char *path;
    char *const *arguments;
    char *const *environment;
    // The parent's pid as it sees itself: the child goes no further under any other.
    int parent;

    // The lease: a directory's descriptor and a name in it, -1 for none.
    int lease_directory;
    const char *lease_name;
    // The number of the file that was made for this start.
    uint64_t lease_inode;
    // Which of `sources` is the lease, to be filled by the child.
    int lease_index;

    // The file of claims, NULL for none, and what is claimed in it: one byte each, for itself or shared with others.
    const char *claims_path;
    int claims_index;
    int claim_count;
    const int64_t *claim_offsets;
    const unsigned char *claim_exclusive;

    // Each source is moved to the target of the same index; nothing else stays open.
    int *sources;
    const int *targets;
    int count;
    // The targets in rising order.
    const int *kept;

    uint64_t capabilities;
    int no_new_privileges;
    // The child is killed when the thread that started it ends.
    int ends_with_caller;
    int use_clone3;
    int use_close_range;

    // Answers: how far the child came, the errno of what failed (0: nothing did), its line of /proc/self/stat.
    volatile int step;
    volatile int error;
    int stat_length;
    // Which claim another process has, when that is the step that failed.
    int failed_claim;
    char stat[1024];
};

// Starts the program and returns its pid when the child has executed it or failed, with its process descriptor in
// `pidfd`. Negative: no child was made, errno is set.
int lodge_start(struct lodge_launch *launch, int *pidfd);

#endif
