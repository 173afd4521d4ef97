import Glibc
import Lodge

/// Something that the measuring itself could not do.
struct Failure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }

    /// With the reason that the last call gave.
    init(errno what: String) { description = "\(what): \(String(cString: strerror(errno)))" }
}

/// Progress, which is not part of the table.
func say(_ text: String) {
    let line = text + "\n"
    _ = write(2, line, line.utf8.count)
}

/// A closure that a thread can be handed.
private final class Box {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
}

/// Runs a body on a thread of its own inside a network namespace, and waits for it.
func inside<T>(_ namespace: NetworkNamespace, _ body: @escaping () throws -> T) throws -> T {
    var outcome: Result<T, any Error>?
    let box = Box {
        outcome = Result {
            try namespace.enter()
            return try body()
        }
    }
    var thread = pthread_t()
    let argument = Unmanaged.passRetained(box)
    let error = pthread_create(
        &thread, nil,
        { argument in
            guard let argument else { return nil }
            let box = Unmanaged<Box>.fromOpaque(argument).takeRetainedValue()
            box.body()
            return nil
        }, argument.toOpaque())
    guard error == 0 else {
        argument.release()
        throw Failure("cannot make a thread: \(String(cString: strerror(error)))")
    }
    pthread_join(thread, nil)
    guard let outcome else { throw Failure("a thread ended without a word") }
    return try outcome.get()
}

/// A program started with posix_spawn(3), as plainly as can be.
struct Spawned {
    let pid: pid_t

    /// - Parameter descriptors: what the program gets besides 0, 1 and 2, by their numbers there. The sources must lie
    ///   above all of those numbers.
    init(
        _ words: [String], standardOutput: Int32? = nil, standardError: Int32? = nil,
        _ descriptors: [Int32: Int32] = [:]
    )
        throws
    {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0)
        for (number, given) in [(Int32(1), standardOutput), (2, standardError)] {
            if let given {
                posix_spawn_file_actions_adddup2(&actions, given, number)
            } else {
                posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_WRONLY, 0)
            }
        }
        for (target, source) in descriptors { posix_spawn_file_actions_adddup2(&actions, source, target) }
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for word in arguments { free(word) } }
        var pid: pid_t = 0
        let error = posix_spawn(&pid, words[0], &actions, nil, &arguments, environ)
        guard error == 0 else { throw Failure("cannot start \(words[0]): \(String(cString: strerror(error)))") }
        self.pid = pid
    }

    /// Waits for its end. Its exit code, or 128 and the signal.
    @discardableResult
    func wait() -> Int32 {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
        return status & 0x7f == 0 ? status >> 8 & 0xff : 128 + status & 0x7f
    }

    func end() {
        kill(pid, SIGKILL)
        wait()
    }
}

/// A whole small file.
func contents(_ path: String) throws -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw Failure(errno: "cannot read \(path)") }
    defer { close(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 8192)
    while true {
        let count = read(file, &chunk, chunk.count)
        guard count > 0 else { return bytes }
        bytes += chunk[..<count]
    }
}

func write(_ text: String, to path: String) throws {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw Failure(errno: "cannot write \(path)") }
    defer { close(file) }
    guard write(file, text, text.utf8.count) == text.utf8.count else { throw Failure(errno: "cannot write \(path)") }
}

/// Moves a descriptor to a number above all that a program's arguments name, close-on-exec.
func far(_ descriptor: Int32) -> Int32 {
    let moved = fcntl(descriptor, F_DUPFD_CLOEXEC, 200)
    close(descriptor)
    return moved
}
