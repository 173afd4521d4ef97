/// The guest's clock and timers: `<clock>`.
public struct ClockDefinition: Sendable, Hashable {
    public enum Basis: String, XMLValue, CaseIterable, Sendable {
        case utc, localtime
    }

    public enum Offset: Sendable, Hashable {
        case utc
        /// The host's local time.
        case localtime
        /// So many seconds from the basis.
        case variable(adjustment: Int64, basis: Basis)
        /// Seconds since 1970 at each start.
        case absolute(start: Int64)
    }

    public struct Timer: Sendable, Hashable {
        public enum Name: String, XMLValue, CaseIterable, Sendable {
            case rtc, pit, hpet, tsc, kvmclock, hypervclock

            public static var refused: [String: String] {
                ["platform": "remove the timer", "armvtimer": "remove the timer"]
            }
        }

        /// What becomes of ticks that the guest missed.
        public enum TickPolicy: String, XMLValue, CaseIterable, Sendable {
            case delay, catchup, merge, discard
        }

        /// What the RTC follows.
        public enum Track: String, XMLValue, CaseIterable, Sendable {
            case guest, wall, realtime

            public static var refused: [String: String] { ["boot": "track='guest' would work"] }
        }

        public var name: Name
        public var isPresent: Bool?
        public var tickPolicy: TickPolicy?
        /// Of the RTC.
        public var track: Track?
        /// Of the TSC, in Hz.
        public var frequency: UInt64?

        public init(_ name: Name, isPresent: Bool? = nil, tickPolicy: TickPolicy? = nil) {
            self.name = name
            self.isPresent = isPresent
            self.tickPolicy = tickPolicy
        }
    }

    public var offset: Offset
    public var timers: [Timer] = []

    public init(_ offset: Offset = .utc) { self.offset = offset }

    public func timer(_ name: Timer.Name) -> Timer? { timers.first { $0.name == name } }
}

// MARK: - XML

extension ClockDefinition {
    private enum OffsetName: String, XMLValue, CaseIterable {
        case utc, localtime, variable, absolute

        static var refused: [String: String] {
            ["timezone": "offset='variable' with the zone's distance in seconds as adjustment would work"]
        }
    }

    init(_ reader: ElementReader) throws(LodgeError) {
        switch try reader.required("offset", as: OffsetName.self) {
        case .utc:
            offset = .utc
            Self.readAdjustment(reader, basis: .utc)
        case .localtime:
            offset = .localtime
            Self.readAdjustment(reader, basis: .localtime)
        case .variable:
            offset = .variable(
                adjustment: reader.attribute("adjustment") ?? 0, basis: reader.attribute("basis") ?? .utc)
        case .absolute:
            _ = try reader.required("start")
            offset = .absolute(start: reader.attribute("start", in: Int64(0)...253_402_300_799) ?? 0)
        }
        timers = reader.children("timer", Timer.init)
        if Set(timers.map(\.name)).count != timers.count {
            reader.record("a timer is named twice in <clock>", hint: "keep one of them")
        }
    }

    /// `reset` asks for what happens anyway: the guest's changes of its clock do not outlive it.
    private static func readAdjustment(_ reader: ElementReader, basis: Basis) {
        guard let text = reader.attribute("adjustment"), text != "reset" else { return }
        reader.record(
            "adjustment='\(excerpt(text))' does not go with offset='\(basis.rawValue)'", code: .unsupported,
            hint: "offset='variable' basis='\(basis.rawValue)' would work", attribute: "adjustment")
    }

    func write(to writer: inout XMLWriter) {
        writer.element("clock") { writer in
            switch offset {
            case .utc: writer.attribute("offset", OffsetName.utc)
            case .localtime: writer.attribute("offset", OffsetName.localtime)
            case .variable(let adjustment, let basis):
                writer.attribute("offset", OffsetName.variable)
                writer.attribute("adjustment", adjustment)
                writer.attribute("basis", basis)
            case .absolute(let start):
                writer.attribute("offset", OffsetName.absolute)
                writer.attribute("start", start)
            }
            for timer in timers { timer.write(to: &writer) }
        }
    }
}

extension ClockDefinition.Timer {
    fileprivate init(_ reader: ElementReader) throws(LodgeError) {
        name = try reader.required("name")
        isPresent = reader.yesNo("present")
        switch name {
        case .rtc:
            tickPolicy = reader.attribute("tickpolicy")
            track = reader.attribute("track")
        case .pit, .hpet: tickPolicy = reader.attribute("tickpolicy")
        case .tsc: frequency = reader.attribute("frequency", in: 1...UInt64.max)
        case .kvmclock, .hypervclock: break
        }
        let allowed: [TickPolicy] =
            switch name {
            case .rtc: [.delay, .catchup]
            case .pit: [.delay, .catchup, .discard]
            case .hpet: [.delay]
            default: []
            }
        if let tickPolicy, !allowed.contains(tickPolicy) {
            let words = allowed.map { "'\($0.rawValue)'" }.joined(separator: " or ")
            reader.record(
                "tickpolicy='\(tickPolicy.rawValue)' is not supported for '\(name.rawValue)'", code: .unsupported,
                hint: "\(words) would work", attribute: "tickpolicy")
        }
    }

    fileprivate func write(to writer: inout XMLWriter) {
        writer.element("timer") {
            $0.attribute("name", name)
            $0.attribute("track", track)
            $0.attribute("tickpolicy", tickPolicy)
            $0.attribute("frequency", frequency)
            $0.attribute("present", yesNo: isPresent)
        }
    }
}
