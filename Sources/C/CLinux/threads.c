#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

struct start {
    void (*body)(void *);
    void *argument;
};

static void *begin(void *argument) {
    struct start start = *(struct start *)argument;
    free(argument);
    start.body(start.argument);
    return NULL;
}

int lodge_thread_start(void (*body)(void *), void *argument, size_t stack) {
    struct start *start = malloc(sizeof *start);
    if (!start) return ENOMEM;
    *start = (struct start){body, argument};
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (error) {
        free(start);
        return error;
    }
    sigset_t blocked;
    sigfillset(&blocked);
    const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) sigdelset(&blocked, faults[i]);
    error = pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    if (!error) error = pthread_attr_setstacksize(&attributes, stack);
    if (!error) error = pthread_attr_setsigmask_np(&attributes, &blocked);
    pthread_t thread;
    if (!error) error = pthread_create(&thread, &attributes, begin, start);
    pthread_attr_destroy(&attributes);
    if (error) free(start);
    return error;
}

struct lodge_monitor {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
};

struct lodge_monitor *lodge_monitor_new(void) {
    struct lodge_monitor *monitor = malloc(sizeof *monitor);
    if (!monitor) abort();
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&monitor->mutex, NULL);
    pthread_cond_init(&monitor->condition, &attributes);
    pthread_condattr_destroy(&attributes);
    return monitor;
}

void lodge_monitor_free(struct lodge_monitor *monitor) {
    pthread_cond_destroy(&monitor->condition);
    pthread_mutex_destroy(&monitor->mutex);
    free(monitor);
}

void lodge_monitor_lock(struct lodge_monitor *monitor) { pthread_mutex_lock(&monitor->mutex); }
void lodge_monitor_unlock(struct lodge_monitor *monitor) { pthread_mutex_unlock(&monitor->mutex); }
void lodge_monitor_signal(struct lodge_monitor *monitor) { pthread_cond_signal(&monitor->condition); }
void lodge_monitor_broadcast(struct lodge_monitor *monitor) { pthread_cond_broadcast(&monitor->condition); }

int lodge_monitor_wait(struct lodge_monitor *monitor, long milliseconds) {
    if (milliseconds < 0) return pthread_cond_wait(&monitor->condition, &monitor->mutex), 1;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += milliseconds / 1000;
    until.tv_nsec += milliseconds % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec += 1;
        until.tv_nsec -= 1000000000;
    }
    return pthread_cond_timedwait(&monitor->condition, &monitor->mutex, &until) != ETIMEDOUT;
}
