import Glibc
public import LodgeCore
import Logging

/// A directory of the test's own, removed with this value.
public final class ScratchDirectory: Sendable {
    public let path: String

    public init(_ prefix: String = "lodge-test") throws {
        var template = Array("/tmp/\(prefix)-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw LodgeError(.system, "cannot make a scratch directory") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? Directory.remove(path) }

    public func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }
}

/// A scratch root directory with a store in it.
public final class ScratchRoot: Sendable {
    public let directory: ScratchDirectory
    public let root: RootDirectory
    public let store: Store

    public init(features: KernelFeatures = .underTest) throws {
        directory = try ScratchDirectory("lodge-root")
        root = try RootDirectory(under: directory.path)
        store = try Store(root: root, features: features)
    }
}

extension KernelFeatures {
    /// What the tests may use: what the kernel has, less what `LODGE_TEST_KERNEL` takes away (`6.1`: what is newer
    /// than Debian 12's kernel; `none`: everything).
    public static var underTest: KernelFeatures {
        switch getenv("LODGE_TEST_KERNEL").map({ String(cString: $0) }) {
        case "6.1": detected().intersection(.debian12)
        case "none": .none
        default: detected()
        }
    }
}

extension OperationContext {
    /// A context for a test: a minute, and no log.
    public static func test(_ time: Duration = .seconds(60)) -> OperationContext {
        OperationContext(deadline: .after(time), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }
}
