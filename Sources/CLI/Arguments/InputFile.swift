import Glibc
import Lodge

/// Reads a file that the user named; the reader of XML judges what is in it.
enum InputFile {
    /// One more than the XML reader takes, so that it can say that it is too much.
    private static let limit = 16 << 20 + 1

    static func read(_ name: String) throws(LodgeError) -> (xml: [UInt8], file: String) {
        if name == "-" { return (try bytes(STDIN_FILENO, "standard input"), "standard input") }
        let descriptor = unsafe open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else {
            let code = errno
            throw LodgeError(
                code == ENOENT ? .notFound : .system, "cannot open '\(name)'", cause: .text(Self.text(code)),
                hint: code == ENOENT ? "give the path of a file with XML, or - for standard input" : nil)
        }
        defer { close(descriptor) }
        return (try bytes(descriptor, "'\(name)'"), name)
    }

    private static func bytes(_ descriptor: CInt, _ name: String) throws(LodgeError) -> [UInt8] {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while all.count < limit {
            let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
            if count == 0 { break }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                throw LodgeError(.system, "cannot read \(name)", cause: .text(Self.text(errno)))
            }
            all += buffer.prefix(count)
        }
        return all
    }

    static func text(_ code: CInt) -> String { unsafe String(cString: strerror(code)) }
}
