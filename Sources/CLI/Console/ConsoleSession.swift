import Glibc
import Lodge

/// A person at a terminal and a guest's console, each getting what the other says, until ^], the guest's end or a
/// signal.
enum ConsoleSession {
    /// ^], as virsh has it.
    private static let escape: UInt8 = 0x1D
    /// So many bytes wait for the guest at most; what is typed beyond is lost, as on a real serial line.
    private static let limit = 65536

    static func attach(to domain: Domain, device: String?, force: Bool, _ output: Output) async throws {
        let consoles = try await domain.consoles()
        let found = device.map { name in consoles.first { $0.alias == name } } ?? consoles.first { $0.path != nil }
        guard let console = found ?? (device == nil ? consoles.first : nil) else {
            throw LodgeError(
                .notFound, device.map { "there is no console '\($0)'" } ?? "it has no console",
                object: ObjectReference(.domain, domain.name),
                hint: consoles.isEmpty
                    ? "add a <console type='pty'/>" : "there is \(consoles.map(\.alias).joined(separator: ", "))")
        }
        let device = try ConsoleDevice.open(console, force: force)
        let signals = try Signals.descriptor()
        defer { close(signals) }
        let end = try inRawMode {
            try output.line("Connected to domain '\(domain.name)'\r\nEscape character is ^] (Ctrl + ])\r")
            return try converse(device.descriptor, signals)
        }
        try output.line("")
        switch end {
        case .escape: break
        case .guest: output.note("the guest's end of the console was closed")
        case .signal: throw QuietFailure()
        }
    }

    private static func inRawMode(_ body: () throws -> End) throws -> End {
        let terminal = try RawTerminal.enter()
        let end = try body()
        _ = consume terminal
        return end
    }

    private enum End { case escape, guest, signal }

    private static func converse(_ guest: CInt, _ signals: CInt) throws -> End {
        var buffer = [UInt8](repeating: 0, count: 4096)
        // What the guest has not taken yet: it may be paused, and the escape character must work all the same.
        var pending: [UInt8] = []
        var waiting = [STDIN_FILENO, guest, signals].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        while true {
            waiting[1].events = Int16(POLLIN) | (pending.isEmpty ? 0 : Int16(POLLOUT))
            if unsafe poll(&waiting, nfds_t(waiting.count), -1) < 0 {
                if errno == EINTR { continue }
                throw LodgeError(.system, "cannot wait for the console", cause: .text(InputFile.text(errno)))
            }
            if waiting[2].revents != 0 { return .signal }
            if waiting[1].revents & ~Int16(POLLOUT) != 0 {
                let count = unsafe read(guest, &buffer, buffer.count)
                if count > 0 {
                    try Output.write(Array(buffer.prefix(count)), to: STDOUT_FILENO)
                } else if count == 0 || !isPassing(errno) {
                    return .guest
                }
            }
            if waiting[0].revents != 0 {
                let count = unsafe read(STDIN_FILENO, &buffer, buffer.count)
                if count == 0 || (count < 0 && !isPassing(errno)) { return .escape }
                let typed = buffer.prefix(max(0, count))
                let text = typed.prefix { $0 != escape }
                if text.count < typed.count { return .escape }
                if pending.count < limit { pending += text }
            }
            if !pending.isEmpty {
                let count = unsafe Glibc.write(guest, pending, pending.count)
                if count > 0 { pending.removeFirst(count) } else if !isPassing(errno) { return .guest }
            }
        }
    }

    /// Whether the error says: not now.
    private static func isPassing(_ code: CInt) -> Bool { code == EAGAIN || code == EINTR }
}
