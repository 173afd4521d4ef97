import Glibc

/// Wall-clock time for records and messages: whole seconds since 1970. Never used to decide anything.
public enum Timestamp {
    public static func now() -> Int64 { Int64(Glibc.time(nil)) }

    /// Milliseconds since 1970, for events.
    public static func milliseconds() -> Int64 {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// `2026-03-01T12:00:00Z`, for any number of seconds.
    public static func text(_ seconds: Int64) -> String {
        let days = floorDivide(seconds, 86400)
        let second = (seconds % 86400 + 86400) % 86400
        // The proleptic Gregorian calendar counted in years that begin on 1 March, so that the leap day comes last.
        let day = days + 719_468
        let era = floorDivide(day, 146_097)
        let ofEra = day - era * 146_097
        let yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * ofYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let date = "\(year)-\(two(month))-\(two(ofYear - (153 * shifted + 2) / 5 + 1))"
        return "\(date)T\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60))Z"
    }

    private static func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }

    private static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        value >= 0 ? value / divisor : -1 - (-1 - value) / divisor
    }
}
