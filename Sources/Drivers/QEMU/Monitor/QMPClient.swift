import Glibc
import SystemPackage
public import LodgeCore

/// One exclusive conversation with QEMU's control monitor: greeting, then a command and its answer at a time.
///
/// Synchronous, with a deadline on every wait. Silence is not death: a deadline that passes says `timeout` and nothing
/// about the guest. After any error but QEMU's own refusal the conversation is over; answers can no longer be told apart.
public struct QMPClient: ~Copyable {
    /// How long QEMU may think, by what it has to do.
    public enum Effort: Sendable {
        /// Answers from memory.
        case query
        /// Plugs, unplugs, opens images.
        case device
        /// Moves data.
        case job

        var patience: Duration {
            switch self {
            case .query: .seconds(5)
            case .device: .seconds(30)
            case .job: .seconds(120)
            }
        }
    }

    let socket: OwnedFD
    var reader = LineReader()
    var events = EventQueue()
    private var lastID: Int64 = 0
    private var isBroken = false

    /// Takes over a connected socket, reads the greeting and leaves the negotiation mode.
    ///
    /// - Parameter ahead: do not wait for the answer to that, which comes before the first command's: one round trip
    ///   less. Not for who only listens: before the answer no event is sent.
    /// - Throws: `busy` when there is no greeting before the deadline: another client is connected, or QEMU hangs.
    public init(
        socket: consuming OwnedFD, ahead: Bool = false, context: OperationContext
    ) throws(LodgeError) {
        self.socket = socket
        do throws(LodgeError) {
            let greeting = try message(context: context, "waiting for QEMU's greeting")
            guard greeting["QMP"] != nil else {
                throw LodgeError(
                    .monitor, "this is not QEMU's monitor", cause: .text(String(greeting.text.prefix(200))))
            }
        } catch  where error.code == .timeout {
            throw LodgeError(
                .busy, "QEMU's monitor did not greet in time: another client is connected, or QEMU hangs",
                hint: "try again; `lodge domstate` tells whether QEMU answers")
        }
        guard ahead else {
            _ = try execute("qmp_capabilities", context: context)
            return
        }
        // An answer with an id that is no longer the last one is passed over.
        lastID += 1
        let text = #"{"execute":"qmp_capabilities","id":\#(lastID)}"# + "\n"
        try send(Array(text.utf8), "qmp_capabilities", context: context)
    }

    /// Runs one command and returns what QEMU returned.
    ///
    /// - Throws: `monitor` with QEMU's error class and text when it refuses.
    public mutating func execute(
        _ command: String, _ arguments: [String: JSONValue] = [:], effort: Effort = .query, context: OperationContext
    ) throws(LodgeError) -> JSONValue {
        var message: [String: JSONValue] = ["execute": .string(command)]
        if !arguments.isEmpty { message["arguments"] = .object(arguments) }
        return try answer(to: message, name: command, effort: effort, context: context)
    }

    /// Sends a caller's own command and returns the whole answer as JSON text, be it a result or QEMU's refusal.
    public mutating func passthrough(_ json: String, context: OperationContext) throws(LodgeError) -> String {
        guard json.utf8.count <= LineReader.limit else {
            throw LodgeError(.invalidArgument, "the command is larger than \(LineReader.limit) bytes")
        }
        guard let value = try? JSONValue(parsing: Array(json.utf8)), case .object(let message) = value,
            let name = (message["execute"] ?? message["exec-oob"])?.string
        else {
            throw LodgeError(
                .invalidArgument, "this is not a QMP command: '\(json.prefix(100))'",
                hint: #"a command is an object such as {"execute":"query-status"}"#)
        }
        var reply: [String: JSONValue] = [:]
        do throws(LodgeError) {
            reply["return"] = try answer(to: message, name: name, effort: .job, context: context)
        } catch {
            guard error.code == .monitor, case .qmp(let kind, let text)? = error.cause else { throw error }
            reply["error"] = ["class": .string(kind), "desc": .string(text)]
        }
        // The caller's own id, in whose place ours was sent.
        reply["id"] = message["id"]
        return JSONValue.object(reply).text
    }

    /// The events that came while answers were awaited, oldest first.
    public mutating func takeEvents() -> [MonitorEvent] { events.takeAll() }

    // MARK: The wire

    private mutating func answer(
        to command: [String: JSONValue], name: String, effort: Effort, context: OperationContext
    ) throws(LodgeError) -> JSONValue {
        guard !isBroken else { throw LodgeError(.monitor, "the conversation with QEMU broke off before '\(name)'") }
        let context = context.until(.after(effort.patience))
        lastID += 1
        var command = command
        command["id"] = .integer(lastID)
        do throws(LodgeError) {
            try send(Array((JSONValue.object(command).text + "\n").utf8), name, context: context)
            while true {
                let message = try message(context: context, "waiting for QEMU's answer to '\(name)'")
                // An answer without an id is QEMU's complaint about what it could not parse.
                if let id = message["id"], id != .integer(lastID) { continue }
                if let result = message["return"] { return result }
                guard let error = message["error"] else { continue }
                let refusal = LodgeError(
                    .monitor, "QEMU refused '\(name)'",
                    cause: .qmp(
                        class: error["class"]?.string ?? "GenericError",
                        text: error["desc"]?.string ?? "no reason given"))
                throw refusal
            }
        } catch {
            if case .qmp? = error.cause {} else { isBroken = true }
            throw error
        }
    }

    /// The next message that is no event; events go to their queue.
    private mutating func message(
        context: OperationContext, _ what: @autoclosure () -> String
    ) throws(LodgeError) -> JSONValue {
        while true {
            while let line = reader.next() {
                if line.isEmpty { continue }
                let message = try JSONValue(parsing: line)
                guard let event = MonitorEvent(message) else { return message }
                events.append(event, bytes: line.count)
            }
            switch try reader.fill(from: socket.raw) {
            case .bytes: try context.check()
            case .nothingYet: try context.wait(for: socket.raw, events: Int16(POLLIN), what())
            case .end: throw LodgeError(.monitor, "QEMU closed its monitor while \(what())")
            }
        }
    }

    private func send(_ bytes: [UInt8], _ name: String, context: OperationContext) throws(LodgeError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let result = attempt {
                unsafe rest.withUnsafeBytes { bytes in
                    unsafe Glibc.send(
                        socket.raw, bytes.baseAddress, bytes.count, CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT))
                }
            }
            switch result {
            case .success(let count): rest = rest.dropFirst(count)
            case .failure(.resourceTemporarilyUnavailable), .failure(.wouldBlock):
                try context.wait(for: socket.raw, events: Int16(POLLOUT), "sending '\(name)' to QEMU")
            case .failure(let errno):
                throw LodgeError(
                    .monitor, "cannot send '\(name)' to QEMU", cause: .errno(errno, call: "send"))
            }
        }
    }
}
