import CLinux

/// How a process ended.
public enum ExitStatus: Sendable, Hashable, CustomStringConvertible {
    case exited(Int32)
    case signaled(Int32)
    /// It ended, and who reaped it did not tell. An exit status is the parent's alone.
    case unknown

    init(_ status: lodge_exit) {
        self = status.exited == 1 ? .exited(status.value) : .signaled(status.value)
    }

    public var isSuccess: Bool { self == .exited(0) }

    public var description: String {
        switch self {
        case .exited(let code): "exited with status \(code)"
        case .signaled(let signal): "was ended by signal \(signal)"
        case .unknown: "ended with a status that is not known"
        }
    }
}
