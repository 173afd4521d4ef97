import Glibc
import Lodge
import TestSupport

// A host program that treats its children badly and supervises a guest: it runs the guest, has its QEMU killed twice
// and sees it restarted, then destroys it. It says `ok`, or what was wrong.

let arguments = CommandLine.arguments
guard arguments.count == 3 else { exit(2) }
let (mode, directory) = (arguments[1], arguments[2])

switch mode {
case "plain": break
case "ignore": signal(SIGCHLD, SIG_IGN)
case "reaper": startReaper()
default: exit(2)
}

func require(_ condition: Bool, _ what: String) throws {
    if !condition { throw LodgeError(.system, what) }
}

func supervise() async throws {
    var options = Host.Options(root: try RootDirectory(under: directory))
    options.networkNamespace = try NetworkNamespace.create()
    options.kernelFeatures = .underTest
    let host = try await Host.open(options)
    let xml = """
        <domain type='qemu'><name>watched</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
        <os><type arch='x86_64' machine='q35'>hvm</type></os><on_crash>restart</on_crash></domain>
        """
    let domain = try await host.define(xml: Array(xml.utf8), file: "watched.xml")
    var kills = 0
    var seen: [DomainEvent.Kind] = []
    for await event in try await domain.run() {
        seen.append(event.kind)
        guard event.kind == .started || event.kind == .restarted else { continue }
        if kills < 2 {
            guard let pid = try await domain.info().pid else { throw LodgeError(.system, "no process") }
            kills += 1
            kill(pid, SIGKILL)
        } else {
            try await domain.destroy()
        }
    }
    try require(seen.filter { $0 == .restarted }.count == 2, "restarted other than twice: \(seen)")
    try require(seen.first == .started && seen.last == .stopped, "the events are \(seen)")
    let state = try await domain.status()
    try require(state == DomainStatus(.shutOff, "destroyed"), "afterwards it is \(state)")
    await host.close()
}

do {
    try await supervise()
    print("ok")
} catch {
    print("\(error)")
    exit(1)
}
