import Glibc
import LodgeCore
import Synchronization

/// A scripted peer that speaks QMP as badly as the script says: silent, dripping, flooding, dying.
///
/// It listens on a socket and serves one connection on a thread of its own.
public final class FakeQEMU: Sendable {
    /// One thing that it does, in order.
    public enum Step: Sendable {
        /// Sends QEMU's greeting.
        case greet
        case send(String)
        /// Sends a text so many times.
        case flood(String, times: Int)
        /// Sends a text a byte at a time, with a pause between.
        case drip(String, Duration)
        /// Reads a whole line, and answers with what comes of it.
        case answer(@Sendable (_ line: String) -> String)
        case wait(Duration)
        /// Closes the connection. Without it the connection stays open and silent.
        case close
    }

    public static let greeting =
        #"{"QMP":{"version":{"qemu":{"micro":22,"minor":2,"major":7},"package":""},"capabilities":["oob"]}}"# + "\n"

    /// What it was sent, line by line.
    public var received: [String] { lines.withLock { $0 } }

    private let lines = Mutex<[String]>([])
    private let peer: CInt

    /// The other end of the connection, for a client. Once only.
    public let client: CInt

    public init(_ steps: [Step]) throws {
        var ends: [CInt] = [-1, -1]
        guard socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw LodgeError(.system, "cannot make a pair of sockets")
        }
        client = ends[0]
        peer = ends[1]
        let thread = Unmanaged.passRetained(Work(fake: self, steps: steps))
        var id = pthread_t()
        guard
            pthread_create(
                &id, nil,
                { argument in
                    guard let argument else { return nil }
                    Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().run()
                    return nil
                }, thread.toOpaque()) == 0
        else {
            thread.release()
            throw LodgeError(.system, "cannot start a thread")
        }
        pthread_detach(id)
    }

    private final class Work {
        let fake: FakeQEMU
        let steps: [Step]

        init(fake: FakeQEMU, steps: [Step]) {
            self.fake = fake
            self.steps = steps
        }

        func run() { fake.serve(steps) }
    }

    private func serve(_ steps: [Step]) {
        for step in steps {
            switch step {
            case .greet: send(Self.greeting)
            case .send(let text): send(text)
            case .flood(let text, let times): for _ in 0..<times where !send(text) { return close() }
            case .drip(let text, let pause):
                for byte in text.utf8 {
                    guard send(String(decoding: [byte], as: UTF8.self)) else { return close() }
                    sleep(pause)
                }
            case .answer(let make):
                guard let line = readLine() else { return close() }
                lines.withLock { $0.append(line) }
                send(make(line))
            case .wait(let time): sleep(time)
            case .close: return close()
            }
        }
        // Silent, until the client leaves.
        while readLine() != nil {}
        close()
    }

    private func sleep(_ time: Duration) {
        usleep(UInt32(clamping: time / .microseconds(1) < 1 ? 1 : Int64(time / .microseconds(1))))
    }

    private func close() { Glibc.close(peer) }

    @discardableResult
    private func send(_ text: String) -> Bool {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(peer, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private func readLine() -> String? {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while read(peer, &byte, 1) == 1 {
            if byte == 0x0A { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
        return nil
    }
}

extension FakeQEMU {
    /// An answer that returns a JSON text to whatever was asked, under the id of the question.
    public static func returning(_ json: String) -> Step {
        .answer { #"{"return":\#(json),"id":\#(id(of: $0))}"# + "\n" }
    }

    /// The number behind `"id":` in a command.
    public static func id(of line: String) -> String {
        guard let range = line.firstRange(of: #""id":"#) else { return "null" }
        return String(line[range.upperBound...].prefix { $0.isNumber })
    }
}
