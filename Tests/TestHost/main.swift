import Glibc
import LodgeCore
import Logging
import TestSupport

// A host program that treats its children badly, in which the same must work: started by the tests with the way it
// behaves and a directory. It says `ok`, or what was wrong.

let arguments = CommandLine.arguments
guard arguments.count == 3 else { exit(2) }
let (mode, directory) = (arguments[1], arguments[2])

switch mode {
case "plain": break
case "ignore": signal(SIGCHLD, SIG_IGN)
case "reaper": startReaper()
default: exit(2)
}

func context(_ time: Duration = .seconds(10)) -> OperationContext {
    OperationContext(deadline: .after(time), logger: Logger(label: "host") { _ in SwiftLogNoOpLogHandler() })
}

func require(_ condition: Bool, _ what: String) throws(LodgeError) {
    if !condition { throw LodgeError(.system, what) }
}

func check(_ features: KernelFeatures, lease: String) throws(LodgeError) {
    // Somebody else's reaping leaves the status to what the kernel remembers.
    let remembered: (ExitStatus) -> Bool = { $0 == .exited(3) || (mode != "plain" && !features.pidfdInfoExit) }
    var short = LaunchSpec(executable: "/bin/sh", arguments: ["sh", "-c", "echo said; exit 3"])
    for _ in 0..<10 {
        let process = try Launcher.launch(short, features: features)
        try process.pidfd.wait("waiting for a short program", context: context())
        // What waits for the pid of a dead process here would hang or find another's.
        try require(process.identity.presence(features: features) == .gone, "a dead process counts as alive")
        usleep(2000)
        let status = process.pidfd.exitStatus(features: features)
        try require(remembered(status), "the status of a short program is \(status)")
    }
    let result = try Launcher.run(short, outputLimit: 100, context: context(), features: features)
    try require(result.output == Array("said\n".utf8), "a helper's output is \(result.output)")

    var long = LaunchSpec(executable: "/bin/sleep", arguments: ["sleep", "600"])
    long.lease = .init(path: lease, target: 9)
    let process = try Launcher.launch(long, features: features)
    try require(try Lease.state(at: lease) == .held, "the lease is not held")
    try require(process.identity.presence(features: features) == .alive, "a living process counts as dead")
    try require(try Lease.holder(at: lease)?.pid == process.identity.pid, "the lease names another")
    let ended = try Lease.endHolder(
        at: lease, recorded: process.identity, features: features, context: context())
    try require(ended, "the process was not ended")
    try require(try Lease.state(at: lease) == .free, "the lease is still held")

    short.executable = "/nonexistent"
    for _ in 0..<10 {
        do throws(LodgeError) {
            _ = try Launcher.launch(short, features: features)
            throw LodgeError(.system, "a missing program was started")
        } catch {
            if error.code != .notFound { throw error }
        }
    }
    if mode == "plain" {
        try require(waitpid(-1, nil, WNOHANG | 0x4000_0000 /* __WALL */) < 0, "a child is left to be reaped")
    }
}

do {
    let detected = KernelFeatures.detected()
    for (index, features) in [detected, detected.intersection(.debian12), .none].enumerated() {
        try check(features, lease: "\(directory)/lease\(index)")
    }
    print("ok")
} catch {
    print("\(error)")
    exit(1)
}
