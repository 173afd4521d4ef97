import LodgeCore
public import Logging

extension FirmwareDescriptor {
    /// Where descriptions are, the first one's files masking those of the same name in the others.
    ///
    /// - Parameter configuration: the user's own configuration directory (`~/.config`), for guests that are not root's.
    public static func directories(configuration: String? = nil) -> [String] {
        let system = ["/etc/qemu/firmware", "/usr/share/qemu/firmware"]
        return configuration.map { ["\($0)/qemu/firmware"] + system } ?? system
    }

    /// Reads all descriptions that name UEFI in raw images, best first: in the order of their file names.
    ///
    /// A file that is empty masks those of its name and says nothing itself. One that cannot be read is passed over
    /// with a note in the log.
    public static func installed(in directories: [String] = directories(), logger: Logger) -> [FirmwareDescriptor] {
        var files: [String: String] = [:]
        for directory in directories {
            guard let names = try? Directory.names(of: directory) else { continue }
            for name in names.sorted().prefix(fileLimit) where name.hasSuffix(".json") && files[name] == nil {
                files[name] = "\(directory)/\(name)"
            }
        }
        return files.sorted { $0.key < $1.key }.compactMap { _, path in
            do throws(LodgeError) {
                guard let bytes = try AtomicFile.read(path, limit: sizeLimit), !bytes.isEmpty else { return nil }
                return FirmwareDescriptor(file: path, try JSONValue(parsing: bytes))
            } catch {
                logger.warning("passing over a firmware description", metadata: ["error": "\(error)"])
                return nil
            }
        }
    }

    private static let fileLimit = 256
    private static let sizeLimit = 256 << 10

    /// Nil when it is of another kind than UEFI in raw flash images.
    private init?(file: String, _ json: JSONValue) {
        guard json["interface-types"]?.array?.contains("uefi") == true, let mapping = json["mapping"],
            mapping["device"] == "flash", let executable = Self.image(mapping["executable"])
        else { return nil }
        let mode = mapping["mode"]?.string ?? "split"
        let template = Self.image(mapping["nvram-template"])
        // "combined" is one writable image for code and variables.
        guard mode == "split" && template != nil || mode == "stateless" else { return nil }
        let targets = (json["targets"]?.array ?? []).compactMap { target -> Target? in
            guard let architecture = target["architecture"]?.string else { return nil }
            return Target(
                architecture: architecture, machines: (target["machines"]?.array ?? []).compactMap(\.string))
        }
        self.init(
            file: file, executable: executable, template: mode == "split" ? template : nil, targets: targets,
            features: Set((json["features"]?.array ?? []).compactMap(\.string)))
    }

    private static func image(_ json: JSONValue?) -> String? {
        guard let path = json?["filename"]?.string, path.hasPrefix("/"), path.utf8.count <= 4095,
            !path.utf8.contains(0), json?["format"] == "raw"
        else { return nil }
        return path
    }
}
