import CLinux
import Glibc
public import LodgeCore
import SystemPackage

extension QEMUCapabilities {
    /// How long a QEMU without a machine may take to answer: it is there in 20 ms.
    private static let patience = Duration.seconds(20)

    /// Starts the binary without a machine and asks it over its monitor.
    ///
    /// - Throws: `program` with QEMU's own words when it does not start; `monitor` or `timeout` when it does not answer
    ///   as QEMU does.
    public static func probe(
        _ binary: String, context: OperationContext, features: KernelFeatures
    ) throws(LodgeError) -> QEMUCapabilities {
        let context = context.until(.after(patience))
        var ends: [CInt] = [-1, -1]
        try syscall("socketpair", "cannot make a pair of sockets") {
            unsafe socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
        }
        let ours = OwnedFD(taking: ends[0])
        let theirs = OwnedFD(taking: ends[1])
        let words = OwnedFD(
            taking: try syscall("memfd_create", "cannot make a file in memory") { unsafe lodge_memfd("lodge-words") })
        var spec = LaunchSpec(
            executable: binary,
            arguments: [
                binary, "-machine", "none", "-nodefaults", "-no-user-config", "-display", "none", "-S",
                "-chardev", "socket,id=control,fd=3", "-mon", "chardev=control,mode=control",
            ])
        spec.descriptors = [.init(source: theirs.raw, target: 3)]
        spec.standardError = .descriptor(words.raw)
        // It does not leave when its monitor closes.
        spec.endsWithCaller = true
        let process = try Launcher.launch(spec, features: features)
        // Else its end would never be seen on our socket.
        try theirs.close()
        let answer: QEMUCapabilities
        do throws(LodgeError) {
            answer = try ask(binary, ours, context: context)
        } catch {
            end(process, features: features)
            guard error.code != .cancelled, error.code != .timeout else { throw error }
            let said = Self.text(of: words)
            guard !said.isEmpty else { throw error }
            throw LodgeError(
                .program, "'\(binary)' does not answer as QEMU does",
                cause: .program(name: binary, status: "failed", output: said),
                hint: "try `\(binary) -version`")
        }
        end(process, features: features)
        return answer
    }

    private static func ask(
        _ binary: String, _ socket: consuming OwnedFD, context: OperationContext
    ) throws(LodgeError) -> QEMUCapabilities {
        var client = try QMPClient(socket: socket, context: context)
        let version = try client.execute("query-version", context: context)
        func number(_ name: String) -> Int? { version["qemu"]?[name]?.integer.flatMap { Int(exactly: $0) } }
        guard let major = number("major"), let minor = number("minor"), let micro = number("micro") else {
            throw LodgeError(.monitor, "QEMU does not tell its version")
        }
        let machines = try client.execute("query-machines", context: context).array ?? []
        let types =
            try client.execute(
                "qom-list-types", ["implements": "device", "abstract": false], context: context
            ).array ?? []
        let models = try client.execute("query-cpu-definitions", context: context).array ?? []
        return QEMUCapabilities(
            binary: binary, version: Version(major, minor, micro), package: version["package"]?.string ?? "",
            machines: machines.compactMap(Machine.init),
            devices: knownDevices.intersection(types.compactMap { $0["name"]?.string }),
            cpuModels: Set(models.compactMap { $0["name"]?.string }))
    }

    /// It has nothing to lose, so it is killed rather than asked to leave.
    private static func end(_ process: borrowing LaunchedProcess, features: KernelFeatures) {
        _ = try? process.pidfd.signal(SIGKILL)
        var polled = pollfd(fd: process.pidfd.descriptor, events: Int16(POLLIN), revents: 0)
        _ = attempt { unsafe poll(&polled, 1, 5000) }
        _ = process.pidfd.exitStatus(features: features)
    }

    /// The last of what it said on its standard error.
    private static func text(of file: borrowing OwnedFD) -> String {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let descriptor = file.raw
        let count = attempt {
            unsafe bytes.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress, $0.count, 0) }
        }
        guard case .success(let count) = count else { return "" }
        let text = String(decoding: bytes.prefix(count), as: UTF8.self)
        return text.split(whereSeparator: \.isNewline).joined(separator: "\n")
    }
}

extension QEMUCapabilities.Machine {
    fileprivate init?(_ json: JSONValue) {
        guard let name = json["name"]?.string, let most = json["cpu-max"]?.integer else { return nil }
        self.init(
            name, alias: json["alias"]?.string, isDefault: json["is-default"]?.bool ?? false,
            maximumCPUs: Int(clamping: most))
    }
}
