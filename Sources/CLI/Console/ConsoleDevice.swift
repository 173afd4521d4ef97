import Glibc
import Lodge

/// The host's end of a guest's serial port or console, opened, with the only session's lock on it.
struct ConsoleDevice: ~Copyable {
    let descriptor: CInt

    private init(descriptor: CInt) { self.descriptor = descriptor }

    /// - Parameter force: connect although another session holds it; both then share what the guest says.
    static func open(_ console: ConsoleInfo, force: Bool) throws(LodgeError) -> ConsoleDevice {
        guard let path = console.path else {
            throw LodgeError(
                .unsupported, "\(console.alias) is of type '\(console.type)', which nobody can connect to",
                hint: "a <console type='pty'/> can be connected to")
        }
        switch console.type {
        case "unix":
            return ConsoleDevice(descriptor: try connect(path))
        case "pty":
            let device = ConsoleDevice(descriptor: try openTerminal(path))
            if !force && flock(device.descriptor, LOCK_EX | LOCK_NB) != 0 {
                throw LodgeError(
                    .busy, "somebody else is connected to \(console.alias)",
                    hint: "close that session, or connect beside it with --force")
            }
            return device
        default:
            throw LodgeError(
                .unsupported, "\(console.alias) is of type '\(console.type)', which is not for a person to type at",
                hint: "its output is in \(path)")
        }
    }

    deinit { close(descriptor) }

    private static func openTerminal(_ path: String) throws(LodgeError) -> CInt {
        let descriptor = unsafe Glibc.open(path, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure(path) }
        // Echo and line editing are the guest's own.
        var settings = termios()
        if unsafe tcgetattr(descriptor, &settings) == 0 {
            unsafe cfmakeraw(&settings)
            _ = unsafe tcsetattr(descriptor, TCSANOW, &settings)
        }
        return descriptor
    }

    private static func connect(_ path: String) throws(LodgeError) -> CInt {
        var address = sockaddr_un()
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw LodgeError(.unsupported, "the path of the socket is too long: \(path)")
        }
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw failure(path) }
        let connected = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        // Afterwards, so that connecting itself need not be waited for.
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        guard connected == 0 else {
            let error = failure(path)
            close(descriptor)
            throw error
        }
        return descriptor
    }

    private static func failure(_ path: String) -> LodgeError {
        let code = errno
        return LodgeError(
            code == EACCES ? .permission : .system, "cannot open \(path)", cause: .text(InputFile.text(code)))
    }
}
