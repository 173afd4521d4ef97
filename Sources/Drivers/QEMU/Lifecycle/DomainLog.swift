import Glibc
import LodgeCore
import SystemPackage

/// The log of one domain: QEMU's own words, and between them one line of ours for each start and stop.
///
/// The last of our lines is also what remembers why an inactive domain stopped, so nothing else of a run stays behind.
struct DomainLog {
    let directory: String
    let name: String

    var path: String { "\(directory)/\(name).log" }

    /// At a start, a log longer than this becomes `NAME.log.old`.
    static let rotationSize: Int64 = 4 << 20

    private static let marker = " lodge: "

    /// Opens the log for QEMU's output and says how long it is, so that a failed start can quote what came after.
    func open() throws(LodgeError) -> OwnedFD {
        try Directory.make(directory)
        let flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW
        let file = OwnedFD(
            taking: try syscall("open", "cannot open the log '\(path)'") { unsafe Glibc.open(path, flags, 0o600) })
        guard length(of: file.raw) > Self.rotationSize else { return file }
        _ = unsafe rename(path, path + ".old")
        return OwnedFD(
            taking: try syscall("open", "cannot open the log '\(path)'") { unsafe Glibc.open(path, flags, 0o600) })
    }

    /// How long the log is, by a descriptor of it.
    func length(of file: CInt) -> Int64 { max(0, Int64(lseek(file, 0, SEEK_END))) }

    /// Appends one line of our own. A log that cannot be written must not stop a guest from stopping: failures are dropped.
    func note(_ words: String) {
        guard let file = try? open() else { return }
        let line = Array("\(Timestamp.text(Timestamp.now()))\(Self.marker)\(words)\n".utf8)
        _ = unsafe line.withUnsafeBytes { unsafe write(file.raw, $0.baseAddress, $0.count) }
    }

    /// The last bytes of the log, from `offset` on if that is later; empty when there is none.
    func tail(limit: Int, from offset: Int64 = 0) -> [UInt8] {
        let path = path
        guard
            case .success(let number) = attempt({
                unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
            })
        else { return [] }
        let file = OwnedFD(taking: number)
        let end = length(of: file.raw)
        let start = max(offset, end - Int64(limit), 0)
        guard start < end else { return [] }
        let count = Int(end - start)
        return unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            var read = 0
            while read < count {
                let got = unsafe pread(
                    file.raw, buffer.baseAddress?.advanced(by: read), count - read, Int(start) + read)
                if got <= 0 { break }
                read += got
            }
            filled = read
        }
    }

    /// The words of our last line, such as `stopped, reason=destroyed`.
    func lastNote() -> String? {
        let text = String(decoding: tail(limit: 16 << 10), as: UTF8.self)
        guard let line = text.split(separator: "\n").last(where: { $0.contains(Self.marker) }),
            let mark = line.firstRange(of: Self.marker)
        else { return nil }
        return String(line[mark.upperBound...])
    }

    /// Whether a line is ours rather than QEMU's.
    static func isNote(_ line: some StringProtocol) -> Bool { line.contains(marker) }

    func noteStart(pid: Int32) { note("started, pid=\(pid)") }
    func noteStop(_ reason: String) { note("stopped, reason=\(reason)") }

    /// Why the domain is not active, in virsh's words; `unknown` when the log does not say.
    func lastStop() -> DomainStatus {
        guard let note = lastNote() else { return DomainStatus(.shutOff, "unknown") }
        guard let reason = note.split(separator: "=").last, note.hasPrefix("stopped") else {
            return DomainStatus(.shutOff, "unknown")
        }
        return DomainStatus(reason == "crashed" ? .crashed : .shutOff, String(reason))
    }
}
