public import SystemPackage

/// The one error of Lodge: what was tried, on what, where in the input, why it failed, and what would work.
///
/// The cause stays data (`Errno`, QEMU's error class, a program's own words) so that callers can decide on it;
/// ``description`` is the text for people.
public struct LodgeError: Error, Sendable {
    public var code: Code
    /// What was tried or is wrong, as a sentence without a full stop.
    public var message: String
    /// The object concerned, when one is.
    public var object: ObjectReference?
    /// Where in the input the reason stands.
    public var location: SourceLocation?
    public var cause: Cause?
    /// What would work instead, as a sentence without a full stop.
    public var hint: String?
    /// Further errors of the same input or operation, each complete in itself.
    public var others: [LodgeError]

    public init(
        _ code: Code, _ message: String, object: ObjectReference? = nil, at location: SourceLocation? = nil,
        cause: Cause? = nil, hint: String? = nil, others: [LodgeError] = []
    ) {
        self.code = code
        self.message = message
        self.object = object
        self.location = location
        self.cause = cause
        self.hint = hint
        self.others = others
    }

    /// The kind of failure. Extensible: compare with the constants, never switch exhaustively.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let rawValue: String
        public init(_ rawValue: String) { self.rawValue = rawValue }
        public var description: String { rawValue }

        /// A value given by the caller is out of range or malformed.
        public static let invalidArgument = Code("invalid-argument")
        /// XML that is not well formed, or has a value that its element does not allow.
        public static let invalidXML = Code("invalid-xml")
        /// An element, attribute, value or feature that is understood but not offered here.
        public static let unsupported = Code("unsupported")
        /// No such object or file.
        public static let notFound = Code("not-found")
        /// The name or UUID is taken.
        public static let alreadyExists = Code("already-exists")
        /// The object is not in a state that allows the operation.
        public static let invalidState = Code("invalid-state")
        /// Somebody else holds what is needed: a lock, a disk, a port, a monitor.
        public static let busy = Code("busy")
        /// A deadline passed.
        public static let timeout = Code("timeout")
        /// The caller's task was cancelled.
        public static let cancelled = Code("cancelled")
        /// A right is missing.
        public static let permission = Code("permission")
        /// A system call failed.
        public static let system = Code("system")
        /// A program that Lodge started (QEMU, dnsmasq, nft) failed.
        public static let program = Code("program")
        /// QEMU refused a monitor command.
        public static let monitor = Code("monitor")
        /// A record or cache that is not what Lodge wrote.
        public static let corrupt = Code("corrupt")
        /// A program or kernel feature that is needed is missing.
        public static let missingDependency = Code("missing-dependency")
    }

    /// Why, as data.
    public enum Cause: Sendable, Equatable {
        /// A system call and its errno.
        case errno(Errno, call: String)
        /// A netlink request refused by the kernel, with the kernel's own extended text if it gave one.
        case netlink(Errno, text: String?)
        /// QEMU's answer to a monitor command.
        case qmp(class: String, text: String)
        /// A program's last words and how it ended.
        case program(name: String, status: String, output: String)
        /// A text from a library (expat, a decoder).
        case text(String)
    }
}

/// A place in a text: 1-based line and column.
public struct SourceLocation: Hashable, Sendable, CustomStringConvertible {
    public var file: String
    public var line: Int
    public var column: Int

    public init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    public var description: String { "\(file):\(line):\(column)" }
}

/// Names an object in errors, records and events.
public struct ObjectReference: Hashable, Sendable, CustomStringConvertible {
    public var kind: ObjectKind
    public var name: String

    public init(_ kind: ObjectKind, _ name: String) {
        self.kind = kind
        self.name = name
    }

    public var description: String { "\(kind.rawValue) '\(name)'" }
}

/// The kinds of object that Lodge keeps.
public enum ObjectKind: String, Sendable, Codable, CaseIterable {
    case domain
    case network

    /// The directory's name in the root: `domains`, `networks`.
    public var directory: String { rawValue + "s" }
}

extension LodgeError: CustomStringConvertible {
    /// `file:line:column: object: message: cause`, and the hint on a line of its own.
    public var description: String {
        var text = ""
        if let location { text += "\(location): " }
        if let object { text += "\(object): " }
        text += message
        if let cause { text += ": \(cause)" }
        if let hint { text += "\nhint: \(hint)" }
        for other in others { text += "\n\(other)" }
        return text
    }
}

extension LodgeError.Cause: CustomStringConvertible {
    public var description: String {
        switch self {
        case .errno(let errno, let call): "\(call): \(errno)"
        case .netlink(let errno, let text): text.map { "\($0) (\(errno))" } ?? "\(errno)"
        case .qmp(let name, let text): "\(text) (\(name))"
        case .program(let name, let status, let output):
            output.isEmpty ? "\(name) \(status)" : "\(name) \(status): \(output)"
        case .text(let text): text
        }
    }
}
