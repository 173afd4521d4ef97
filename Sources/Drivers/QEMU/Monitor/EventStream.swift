import LodgeCore

/// QEMU's events monitor after the greeting: a socket to be watched and the reader of what comes from it. Nothing is
/// sent any more, so nothing is waited for.
struct EventStream: ~Copyable {
    private let socket: OwnedFD
    private var reader: LineReader
    private var queue: EventQueue

    init(socket: consuming OwnedFD, reader: LineReader, queue: EventQueue) {
        self.socket = socket
        self.reader = reader
        self.queue = queue
    }

    /// To be watched for input.
    var descriptor: CInt { socket.raw }

    /// Reads what is there without waiting. False when QEMU has closed the connection.
    ///
    /// A line that is no event, or no JSON at all, is passed over: a hostile QEMU only harms its own reports. Of a flood
    /// a bounded part is read, so that other guests get their turn; the rest is there to be read at the next call.
    mutating func pump() -> Bool {
        for _ in 0..<64 {
            let filling = try? reader.fill(from: socket.raw)
            while let line = reader.next() {
                if let message = try? JSONValue(parsing: line), let event = MonitorEvent(message) {
                    queue.append(event, bytes: line.count)
                }
            }
            switch filling {
            case .bytes: continue
            case .nothingYet: return true
            case .end, nil: return false
            }
        }
        return true
    }

    mutating func takeEvents() -> [MonitorEvent] { queue.takeAll() }
}

extension QMPClient {
    /// Ends the conversation and keeps the connection for its events.
    consuming func listen() -> EventStream {
        EventStream(socket: socket, reader: reader, queue: events)
    }
}
