/// A source of random numbers for the guest: `<rng>`. Always virtio.
public struct RNGDefinition: Sendable, Hashable {
    public enum Backend: Sendable, Hashable {
        /// A device of the host, `/dev/urandom` as a rule.
        case random(String)
        /// QEMU's own generator.
        case builtin
    }

    /// At most so many bytes in so many milliseconds.
    public struct Rate: Sendable, Hashable {
        public var bytes: UInt32
        /// Milliseconds; `nil` is a second.
        public var period: UInt32?

        public init(bytes: UInt32, period: UInt32? = nil) {
            self.bytes = bytes
            self.period = period
        }
    }

    public var backend: Backend
    public var rate: Rate?
    public var alias: String?
    public var address: PCIAddress?

    public init(_ backend: Backend) { self.backend = backend }
}

extension RNGDefinition {
    private enum Model: String, XMLValue, CaseIterable {
        case virtio

        static var refused: [String: String] {
            [
                "virtio-transitional": "model='virtio' would work",
                "virtio-non-transitional": "model='virtio' would work",
            ]
        }
    }

    private enum BackendKind: String, XMLValue, CaseIterable {
        case random, builtin

        static var refused: [String: String] { ["egd": "<backend model='random'>/dev/urandom</backend> would work"] }
    }

    public init(_ reader: ElementReader) throws(LodgeError) {
        _ = try reader.required("model", as: Model.self)
        guard let element = reader.child("backend") else {
            throw reader.error(
                "<rng> has no <backend>", hint: "add <backend model='random'>/dev/urandom</backend>")
        }
        switch try element.required("model", as: BackendKind.self) {
        case .random: backend = .random(element.text().isEmpty ? "/dev/random" : element.pathText())
        case .builtin: backend = .builtin
        }
        rate = reader.child("rate") { rate throws(LodgeError) in
            guard let bytes = rate.attribute("bytes", in: 1...UInt32.max) else {
                return Rate(bytes: try rate.required("bytes"))
            }
            return Rate(bytes: bytes, period: rate.attribute("period", in: 1...UInt32.max))
        }
        alias = reader.alias()
        address = reader.pciAddress()
    }

    public func write(to writer: inout XMLWriter) {
        writer.element("rng") { writer in
            writer.attribute("model", Model.virtio)
            if let rate {
                writer.element("rate") {
                    $0.attribute("bytes", rate.bytes)
                    $0.attribute("period", rate.period)
                }
            }
            writer.element("backend") {
                switch backend {
                case .random(let path):
                    $0.attribute("model", BackendKind.random)
                    $0.text(path)
                case .builtin: $0.attribute("model", BackendKind.builtin)
                }
            }
            writer.alias(alias)
            writer.address(address)
        }
    }
}
