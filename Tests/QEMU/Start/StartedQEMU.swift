import Glibc
import LodgeCore
import TestSupport

@testable import LodgeQEMU

/// A real QEMU with a plan's command line, its guest not let go (`-S`), until this value goes.
final class StartedQEMU {
    private let process: LaunchedProcess
    private let directory: ScratchDirectory
    private var client: QMPClient

    /// - Throws: with QEMU's own words when it does not start.
    init(_ plan: LaunchPlan, in directory: ScratchDirectory) throws {
        self.directory = directory
        let control = try UnixSocket.listen(directory("control"))
        let events = try UnixSocket.listen(directory("events"))
        let log = directory("log")
        let output = OwnedFD(taking: open(log, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600))
        var spec = LaunchSpec(executable: plan.arguments[0], arguments: plan.arguments)
        spec.descriptors = [
            .init(source: control.raw, target: LaunchPlan.Descriptor.controlMonitor),
            .init(source: events.raw, target: LaunchPlan.Descriptor.eventsMonitor),
        ]
        spec.standardError = .descriptor(output.raw)
        let sockets = try plan.sockets.map { socket in
            let number = try UnixSocket.listen(socket.path).release()
            spec.descriptors.append(.init(source: number, target: socket.target))
            return number
        }
        defer { for number in sockets { close(number) } }
        let process = try Launcher.launch(spec, features: .underTest)
        try control.close()
        try events.close()
        do {
            let socket = try UnixSocket.connect(directory("control"), context: .test(.seconds(60)))
            client = try QMPClient(socket: socket, context: .test(.seconds(60)))
        } catch {
            _ = try? process.pidfd.signal(SIGKILL)
            _ = try? process.pidfd.wait("ending QEMU", context: .test())
            _ = process.pidfd.exitStatus(features: .underTest)
            let words = try AtomicFile.read(log, limit: 1 << 20).map { String(decoding: $0, as: UTF8.self) } ?? ""
            throw LodgeError(.program, "QEMU did not start: \(words)", cause: .text("\(error)"))
        }
        self.process = process
    }

    deinit {
        _ = try? process.pidfd.signal(SIGKILL)
        _ = try? process.pidfd.wait("ending QEMU", context: .test())
        _ = process.pidfd.exitStatus(features: .underTest)
    }

    @discardableResult
    func ask(_ command: String, _ arguments: [String: JSONValue] = [:]) throws -> JSONValue {
        try client.execute(command, arguments, effort: .device, context: .test(.seconds(60)))
    }

    func property(_ path: String, _ name: String) throws -> JSONValue {
        try ask("qom-get", ["path": .string(path), "property": .string(name)])
    }

    /// The devices with an id, and their QEMU types.
    func devices() throws -> [String: String] {
        var devices: [String: String] = [:]
        for entry in try ask("qom-list", ["path": "/machine/peripheral"]).array ?? [] {
            guard let name = entry["name"]?.string, let type = entry["type"]?.string, type.hasPrefix("child<") else {
                continue
            }
            devices[name] = String(type.dropFirst("child<".count).dropLast())
        }
        return devices
    }

    func nodes() throws -> [String: JSONValue] {
        let nodes = try ask("query-named-block-nodes", ["flat": true]).array ?? []
        return Dictionary(
            nodes.compactMap { node in node["node-name"]?.string.map { ($0, node) } }, uniquingKeysWith: { $1 })
    }

    /// What QEMU said on its standard error.
    var words: String {
        (try? AtomicFile.read(directory("log"), limit: 1 << 20)).flatMap { $0 }
            .map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}

extension DomainDefinition {
    /// The same guest as far as it can be on any host: under TCG, on images and sockets in a scratch directory, with
    /// little memory, and cards on QEMU's own network.
    func portable(in directory: ScratchDirectory) throws -> DomainDefinition {
        var portable = self
        portable.kind = .qemu
        portable.memory = min(memory, .mebibytes(128))
        portable.currentMemory = portable.memory
        portable.devices.emulator = InstalledQEMU.path
        if portable.cpu?.mode == .hostPassthrough { portable.cpu?.mode = .maximum }
        if portable.cpu?.mode == .custom { portable.cpu?.check = nil }
        portable.features?.hyperV = nil
        if portable.features?.ioapic == .kvm { portable.features?.ioapic = nil }
        if portable.os.kernel != nil { portable.os.kernel = try Self.kernel(in: directory) }
        if portable.os.initrd != nil { portable.os.initrd = try Self.file("initrd", in: directory, size: 4096) }
        if portable.os.loader?.kind == .pflash || portable.os.firmware == .efi {
            portable.os.nvram = portable.os.nvram ?? OSDefinition.NVRAM()
            portable.os.nvram?.path = directory("vars.fd")
        }
        for index in portable.devices.disks.indices where portable.devices.disks[index].source != nil {
            let disk = portable.devices.disks[index]
            portable.devices.disks[index].source = .file(
                try Self.image("disk\(index)", disk.format, in: directory))
            // A file system for tests may know no direct I/O.
            if disk.driver?.io == .native { portable.devices.disks[index].driver?.io = .threads }
            if disk.driver?.cache == .some(.none) || disk.driver?.cache == .directsync {
                portable.devices.disks[index].driver?.cache = .writeback
            }
        }
        for index in portable.devices.interfaces.indices {
            portable.devices.interfaces[index].source = .user
            portable.devices.interfaces[index].driver?.backend = nil
        }
        func move(_ backend: inout CharacterBackend, _ name: String) {
            switch backend.source {
            case .file(_, let append): backend.source = .file(path: directory(name), append: append)
            case .unix(.some, _): backend.source = .unix(path: directory(name), mode: .bind)
            case .tcp: backend.source = .null
            case .unix, .pty, .null: break
            }
            if backend.log != nil { backend.log?.file = directory("\(name).log") }
        }
        for index in portable.devices.serials.indices { move(&portable.devices.serials[index].backend, "s\(index)") }
        for index in portable.devices.consoles.indices { move(&portable.devices.consoles[index].backend, "c\(index)") }
        for index in portable.devices.channels.indices { move(&portable.devices.channels[index].backend, "h\(index)") }
        return portable
    }

    private static func kernel(in directory: ScratchDirectory) throws -> String {
        let name = try Directory.names(of: "/boot")?.first { $0.hasPrefix("vmlinuz-") }
        // Any file with a kernel's header would do; none is needed when there is none.
        return name.map { "/boot/\($0)" } ?? InstalledQEMU.path
    }

    static func file(_ name: String, in directory: ScratchDirectory, size: off_t) throws -> String {
        let path = directory(name)
        let file = OwnedFD(taking: open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600))
        guard ftruncate(file.raw, size) == 0 else { throw LodgeError(.system, "cannot make '\(path)'") }
        return path
    }

    static func image(
        _ name: String, _ format: DiskDefinition.Format, in directory: ScratchDirectory
    ) throws -> String {
        guard format == .qcow2 else { return try file(name, in: directory, size: 1 << 20) }
        let path = directory(name)
        let spec = LaunchSpec(
            executable: "/usr/bin/qemu-img", arguments: ["qemu-img", "create", "-q", "-f", "qcow2", path, "1M"])
        let result = try Launcher.run(spec, outputLimit: 4096, context: .test(), features: .underTest)
        guard result.status.isSuccess else { throw LodgeError(.program, result.words) }
        return path
    }
}
