import Glibc

/// A thread that reaps whatever child ends, as process managers do.
public func startReaper() {
    var thread = pthread_t()
    pthread_create(&thread, nil, { _ in while true { if waitpid(-1, nil, 0) < 0 { usleep(500) } } }, nil)
}
