/// The guest's processor: `<cpu>`.
public struct CPUDefinition: Sendable, Hashable {
    public enum Mode: String, XMLValue, CaseIterable, Sendable {
        case custom, maximum
        case hostModel = "host-model"
        case hostPassthrough = "host-passthrough"
    }

    public enum Match: String, XMLValue, CaseIterable, Sendable {
        case minimum, exact, strict
    }

    public enum Check: String, XMLValue, CaseIterable, Sendable {
        case none, partial, full
    }

    /// What happens when the host cannot give the model.
    public enum Fallback: String, XMLValue, CaseIterable, Sendable {
        case allow, forbid
    }

    public struct Topology: Sendable, Hashable {
        public var sockets: UInt16
        public var dies: UInt16?
        public var cores: UInt16
        public var threads: UInt16

        public init(sockets: UInt16 = 1, dies: UInt16? = nil, cores: UInt16 = 1, threads: UInt16 = 1) {
            self.sockets = sockets
            self.dies = dies
            self.cores = cores
            self.threads = threads
        }

        /// Virtual processors in all.
        public var count: UInt64 {
            // Four factors below 2^16 cannot overflow 64 bits.
            UInt64(sockets) * UInt64(dies ?? 1) * UInt64(cores) * UInt64(threads)
        }
    }

    public enum Policy: String, XMLValue, CaseIterable, Sendable {
        case force, require, optional, disable, forbid
    }

    public struct Feature: Sendable, Hashable {
        public var name: String
        public var policy: Policy

        public init(_ name: String, _ policy: Policy = .require) {
            self.name = name
            self.policy = policy
        }
    }

    /// What the guest is told of the processor's caches.
    public enum Cache: Sendable, Hashable {
        case passthrough
        /// A level-3 cache of QEMU's invention.
        case emulate
        case disable
    }

    /// `nil`: not said; QEMU's default processor with what is said beside it.
    public var mode: Mode?
    public var match: Match?
    public var check: Check?
    public var migratable: Bool?
    /// A model's name, for `custom`.
    public var model: String?
    public var fallback: Fallback?
    public var topology: Topology?
    public var features: [Feature] = []
    public var cache: Cache?

    public init(mode: Mode? = nil, model: String? = nil) {
        self.mode = mode
        self.model = model
    }
}

// MARK: - XML

extension CPUDefinition {
    private enum CacheMode: String, XMLValue, CaseIterable {
        case passthrough, emulate, disable
    }

    init(_ reader: ElementReader) throws(LodgeError) {
        mode = reader.attribute("mode")
        match = reader.attribute("match")
        check = reader.attribute("check")
        migratable = reader.onOff("migratable")
        if let element = reader.child("model") {
            fallback = element.attribute("fallback")
            let name = element.text()
            if !name.isEmpty {
                Self.checkName(name, of: element)
                model = name
                // Before there were modes, a model alone said "custom".
                if mode == nil { mode = .custom }
            }
        }
        if mode == .custom, model == nil {
            reader.record("mode='custom' without a model", hint: "add <model>qemu64</model>, or use mode='host-model'")
        }
        if let mode, mode != .custom, model != nil {
            reader.record(
                "a <model> does not go with mode='\(mode.rawValue)'", hint: "remove it, or use mode='custom'")
        }
        topology = reader.child("topology", Topology.init)
        features = reader.children("feature") { element throws(LodgeError) in
            let feature = Feature(try element.required("name"), element.attribute("policy") ?? .require)
            Self.checkName(feature.name, of: element)
            return feature
        }
        if Set(features.map(\.name)).count != features.count {
            reader.record("a feature is named twice in <cpu>", hint: "keep one of them")
        }
        cache = reader.child("cache") { element throws(LodgeError) in
            let level = element.attribute("level", in: UInt8(1)...3)
            switch try element.required("mode", as: CacheMode.self) {
            case .passthrough: return .passthrough
            case .disable: return .disable
            case .emulate:
                guard level == 3 else {
                    throw element.error(
                        "only a cache of level 3 can be emulated", code: .unsupported, hint: "add level='3'")
                }
                return .emulate
            }
        }
    }

    /// Names go into QEMU's `-cpu`, where commas and equal signs mean something.
    private static func checkName(_ name: String, of reader: ElementReader) {
        if !PlainName.isPlain(name) || name.utf8.count > 64 {
            reader.record("'\(excerpt(name))' is not a name of a processor model or feature")
        }
    }

    func write(to writer: inout XMLWriter) {
        writer.element("cpu") { writer in
            writer.attribute("mode", mode)
            writer.attribute("match", match)
            writer.attribute("check", check)
            writer.attribute("migratable", onOff: migratable)
            if model != nil || fallback != nil {
                writer.element("model") {
                    $0.attribute("fallback", fallback)
                    $0.text(model ?? "")
                }
            }
            topology?.write(to: &writer)
            if let cache {
                writer.element("cache") {
                    switch cache {
                    case .passthrough: $0.attribute("mode", CacheMode.passthrough)
                    case .disable: $0.attribute("mode", CacheMode.disable)
                    case .emulate:
                        $0.attribute("level", "3")
                        $0.attribute("mode", CacheMode.emulate)
                    }
                }
            }
            for feature in features {
                writer.element("feature") {
                    $0.attribute("policy", feature.policy)
                    $0.attribute("name", feature.name)
                }
            }
        }
    }
}

extension CPUDefinition.Topology {
    fileprivate init(_ reader: ElementReader) throws(LodgeError) {
        func count(_ name: String) -> UInt16? { reader.attribute(name, in: 1...4096) }
        for name in ["sockets", "cores", "threads"] { _ = try reader.required(name) }
        sockets = count("sockets") ?? 1
        dies = count("dies")
        cores = count("cores") ?? 1
        threads = count("threads") ?? 1
        // Written by newer libvirt; on x86 there are no clusters.
        if let clusters = count("clusters"), clusters != 1 {
            reader.record(
                "clusters='\(clusters)' is not supported", code: .unsupported, hint: "clusters='1' would work",
                attribute: "clusters")
        }
    }

    fileprivate func write(to writer: inout XMLWriter) {
        writer.element("topology") {
            $0.attribute("sockets", sockets)
            $0.attribute("dies", dies)
            $0.attribute("cores", cores)
            $0.attribute("threads", threads)
        }
    }
}
