import Glibc
public import LodgeCore
import Logging
import SystemPackage

extension QEMUCapabilities {
    /// Grows with each change of what is asked or how it is written.
    private static let schema: Int64 = 1
    private static let sizeLimit = 256 << 10

    /// What the binary can do: from the cache when that is about this very file, else from the binary itself.
    ///
    /// A cache that is missing, broken or about another file is made anew and never trusted. When it cannot be
    /// written, the answer is as good.
    ///
    /// - Parameter cache: `<root>/cache`; the file is in `capabilities/` below it.
    public static func of(
        _ binary: String, cache: String, context: OperationContext, features: KernelFeatures
    ) throws(LodgeError) -> QEMUCapabilities {
        let key = try CacheKey(binary)
        let directory = "\(cache)/capabilities"
        let file = "\(directory)/\(String(hash(binary), radix: 16)).json"
        if let bytes = try? AtomicFile.read(file, limit: sizeLimit), let json = try? JSONValue(parsing: bytes),
            json["schema"] == .integer(schema), json["key"] == key.json,
            let known = QEMUCapabilities(cached: json, binary: binary)
        {
            return known
        }
        let found = try probe(binary, context: context, features: features)
        do throws(LodgeError) {
            try Directory.make(directory)
            try AtomicFile.write(Array(found.cached(key).text.utf8), to: file, durable: false)
        } catch {
            context.logger.warning("cannot keep what QEMU can do", metadata: ["error": "\(error)"])
        }
        return found
    }

    /// FNV-1a: names the file; the path inside decides.
    private static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    private func cached(_ key: CacheKey) -> JSONValue {
        [
            "schema": .integer(Self.schema), "key": key.json,
            "version": .array([version.major, version.minor, version.micro].map { .integer(Int64($0)) }),
            "package": .string(package),
            "machines": .array(
                machines.map { machine in
                    [
                        .string(machine.name), machine.alias.map { .string($0) } ?? .null, .bool(machine.isDefault),
                        .integer(Int64(machine.maximumCPUs)),
                    ]
                }),
            "devices": .array(devices.sorted().map { .string($0) }),
            "cpus": .array(cpuModels.sorted().map { .string($0) }),
        ]
    }

    private init?(cached json: JSONValue, binary: String) {
        let version = (json["version"]?.array ?? []).compactMap(\.integer).compactMap { Int(exactly: $0) }
        guard version.count == 3, let package = json["package"]?.string, let machines = json["machines"]?.array,
            let devices = Self.strings(json["devices"]), let models = Self.strings(json["cpus"])
        else { return nil }
        var list: [Machine] = []
        for machine in machines {
            guard let parts = machine.array, parts.count == 4, let name = parts[0].string,
                let isDefault = parts[2].bool, let most = parts[3].integer
            else { return nil }
            list.append(Machine(name, alias: parts[1].string, isDefault: isDefault, maximumCPUs: Int(clamping: most)))
        }
        self.init(
            binary: binary, version: Version(version[0], version[1], version[2]), package: package, machines: list,
            devices: Set(devices), cpuModels: Set(models))
    }

    private static func strings(_ json: JSONValue?) -> [String]? {
        guard let values = json?.array else { return nil }
        let strings = values.compactMap(\.string)
        return strings.count == values.count ? strings : nil
    }
}

/// Which file an answer is about. An upgrade changes it, as does another package that brings QEMU a module.
private struct CacheKey {
    let json: JSONValue

    init(_ binary: String) throws(LodgeError) {
        guard let file = Self.identity(of: binary) else {
            throw LodgeError(
                .missingDependency, "there is no '\(binary)'", hint: "install the package qemu-system-x86")
        }
        let prefix = binary.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
            .joined(separator: "/")
        let modules = ["lib/x86_64-linux-gnu/qemu", "lib64/qemu", "lib/qemu"].map { "\(prefix)/\($0)" }
        json = ["path": .string(binary), "file": file, "modules": .array(modules.compactMap(Self.identity))]
    }

    private static func identity(of path: String) -> JSONValue? {
        var status = stat()
        guard case .success = attempt({ unsafe stat(path, &status) }) else { return nil }
        func moment(_ time: timespec) -> JSONValue { .string("\(time.tv_sec).\(time.tv_nsec)") }
        return .array([
            .integer(Int64(status.st_dev & 0x7FFF_FFFF_FFFF_FFFF)),
            .integer(Int64(status.st_ino & 0x7FFF_FFFF_FFFF_FFFF)),
            .integer(Int64(status.st_size)), moment(status.st_mtim), moment(status.st_ctim),
        ])
    }
}
