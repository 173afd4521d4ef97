import Glibc
public import SystemPackage

/// Runs one system call: takes errno at once, repeats it on EINTR, and throws with the call's name otherwise.
///
/// - Parameters:
///   - call: the call's name, for the error.
///   - message: what was tried, for the error; evaluated only when the call fails.
///   - body: makes the call and returns its result; negative means that errno is set.
@discardableResult
public func syscall<Result: SignedInteger>(
    _ call: StaticString, _ message: @autoclosure () -> String, _ body: () -> Result
) throws(LodgeError) -> Result {
    switch attempt(body) {
    case .success(let result): return result
    case .failure(let errno):
        throw LodgeError(.init(errno), message(), cause: .errno(errno, call: "\(call)"))
    }
}

/// Runs one system call whose failure is an answer, not an error.
public func attempt<Result: SignedInteger>(_ body: () -> Result) -> Swift.Result<Result, Errno> {
    while true {
        let result = body()
        if result >= 0 { return .success(result) }
        let errno = Errno(rawValue: Glibc.errno)
        if errno != .interrupted { return .failure(errno) }
    }
}

extension LodgeError.Code {
    /// The kind of failure that an errno stands for when nothing more is known.
    public init(_ errno: Errno) {
        switch errno {
        case .permissionDenied, .notPermitted: self = .permission
        case .noSuchFileOrDirectory, .noSuchProcess: self = .notFound
        case .fileExists: self = .alreadyExists
        case .resourceBusy, .addressInUse: self = .busy
        case .timedOut: self = .timeout
        default: self = .system
        }
    }
}
