import FoundationEssentials
import Glibc
import Testing

/// A path under the directory for temporary files.
func NSTemporaryPath(_ name: String) -> String { FileManager.default.temporaryDirectory.path() + name }

struct ProgramResult {
    var status: CInt
    var output: String
}

/// Runs a program on the calling thread, so in its network namespace; standard error joins the output.
func run(_ path: String, _ arguments: [String], input: String = "") throws -> ProgramResult {
    var outputs: [CInt] = [0, 0]
    var inputs: [CInt] = [0, 0]
    try #require(pipe(&outputs) == 0 && pipe(&inputs) == 0)
    for end in outputs + inputs { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, inputs[0], 0)
    posix_spawn_file_actions_adddup2(&actions, outputs[1], 1)
    posix_spawn_file_actions_adddup2(&actions, outputs[1], 2)
    // Threads of a worker pool block all signals; programs need theirs (ping counts with SIGALRM).
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { word in word.withCString { strdup($0) } }
    words.append(nil)
    defer { for word in words { free(word) } }
    var pid = pid_t()
    let code = posix_spawn(&pid, path, &actions, &attributes, &words, environ)
    close(outputs[1])
    close(inputs[0])
    try #require(code == 0, "cannot start \(path)")
    _ = Array(input.utf8).withUnsafeBytes { write(inputs[1], $0.baseAddress, $0.count) }
    close(inputs[1])
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
        let count = read(outputs[0], &buffer, buffer.count)
        if count <= 0 { break }
        bytes += buffer.prefix(count)
    }
    close(outputs[0])
    var status: CInt = 0
    waitpid(pid, &status, 0)
    return ProgramResult(status: status, output: String(decoding: bytes, as: UTF8.self))
}
