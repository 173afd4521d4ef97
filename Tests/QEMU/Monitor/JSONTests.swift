import LodgeCore
import Testing

@testable import LodgeQEMU

@Suite struct JSONTests {
    @Test func comesBackEqual() throws {
        for text in [
            "null", "true", "-1", "9223372036854775807", "-9223372036854775808", "1.5", "\"\"", "[]", "{}",
            #"{"a":[1,{"b":"c"}],"d":"\"\\\n"}"#, #""größe 日本 \u0001""#,
        ] {
            let value = try JSONValue(parsing: Array(text.utf8))
            #expect(try JSONValue(parsing: Array(value.text.utf8)) == value)
        }
    }

    @Test func readsEscapes() throws {
        #expect(try JSONValue(parsing: Array(#""\u00e4\n\t\/\ud83d\ude00""#.utf8)) == "ä\n\t/😀")
        // Half a pair, alone or before something else, is replaced and nothing behind it is lost.
        #expect(try JSONValue(parsing: Array(#""\ud83dx""#.utf8)) == "\u{FFFD}x")
        #expect(try JSONValue(parsing: Array(#""\ud83d\u0041""#.utf8)) == "\u{FFFD}A")
        #expect(try JSONValue(parsing: [0x22, 0xFF, 0x22]) == "\u{FFFD}")
    }

    @Test func refusesWhatIsNotJSON() {
        for text in [
            "", " ", "nul", "tru", "+1", "01", "1.", ".5", "1e", "--1", "\"", "\"\\x\"", "\"\\u12\"", "[1,]", "[1 2]",
            "{\"a\"}", "{\"a\":}", "{a:1}", "{\"a\":1,}", "1 2", "'a'", "\"\n\"", "1e400", "NaN",
            String(repeating: "9", count: 600),
        ] {
            #expect(throws: LodgeError.self, "\(text)") { try JSONValue(parsing: Array(text.utf8)) }
        }
    }

    /// Every prefix and every single changed byte of a real answer is read or refused, never a trap.
    @Test func survivesDamage() {
        let text = Array(#"{"return":[{"a":-1.5e3,"b":"\u00e4\\","c":[true,null]},{}],"id":12}"#.utf8)
        for end in text.indices { _ = try? JSONValue(parsing: Array(text[..<end])) }
        for index in text.indices {
            for byte in [UInt8(0), 0x22, 0x5C, 0x7B, 0x5D, 0xFF, 0x2D, 0x75] {
                var damaged = text
                damaged[index] = byte
                _ = try? JSONValue(parsing: damaged)
            }
        }
    }
}
