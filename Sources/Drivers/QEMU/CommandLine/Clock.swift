import Glibc
import LodgeCore

/// `-rtc` and the timers that are devices. Timers that are CPU features stand in `-cpu`.
extension CommandLine {
    mutating func writeClock() {
        let clock = definition.clock
        let rtc = clock.timers.first { $0.name == .rtc }
        let base: String
        switch clock.offset {
        case .utc: base = "utc"
        case .localtime: base = "localtime"
        case .variable(let adjustment, let basis):
            base = Self.moment(inputs.now, plus: adjustment, local: basis == .localtime)
        case .absolute(let start): base = Self.moment(start, plus: 0, local: false)
        }
        let track: String? =
            switch rtc?.track {
            case .guest: "vm"
            case .wall: "host"
            case .realtime: "rt"
            case nil: nil
            }
        list.add(
            "-rtc", nil,
            [("base", base), ("clock", track), ("driftfix", rtc?.tickPolicy == .catchup ? "slew" : nil)])
        if definition.kind == .kvm, let policy = clock.timers.first(where: { $0.name == .pit })?.tickPolicy {
            switch policy {
            case .delay: list.add("-global", "kvm-pit.lost_tick_policy=delay")
            case .discard: list.add("-global", "kvm-pit.lost_tick_policy=discard")
            case .catchup, .merge: break
            }
        }
    }

    /// A date as `-rtc base=` takes it: without a zone.
    private static func moment(_ seconds: Int64, plus adjustment: Int64, local: Bool) -> String {
        let shifted = seconds.addingReportingOverflow(adjustment).partialValue
        let offset = local ? localOffset(at: shifted) : 0
        return String(Timestamp.text(shifted.addingReportingOverflow(offset).partialValue).dropLast())
    }

    /// Seconds that this host's time zone is ahead of UTC.
    private static func localOffset(at seconds: Int64) -> Int64 {
        var time = time_t(seconds)
        var parts = unsafe tm()
        guard unsafe localtime_r(&time, &parts) != nil else { return 0 }
        return Int64(unsafe parts.tm_gmtoff)
    }
}
