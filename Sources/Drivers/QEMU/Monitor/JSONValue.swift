public import LodgeCore

/// A JSON value as QEMU's monitor speaks it: integers stay integers, objects keep no order.
///
/// Not `Codable`: the parser's bounds hold before anything is allocated, and a reply is read many times faster.
public enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// Parses one whole JSON text.
    ///
    /// - Throws: `monitor` when it is not JSON, nests too deep, has too many values, or a number that fits nowhere.
    public init(parsing bytes: [UInt8]) throws(LodgeError) {
        do throws(JSONParser.Fault) { self = try JSONParser.parse(bytes[...]) } catch {
            let beginning = String(decoding: bytes.prefix(200), as: UTF8.self)
            throw LodgeError(.monitor, "not a JSON text (\(error))", cause: .text(beginning))
        }
    }
}

extension JSONValue {
    public subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members[key]
    }

    public var string: String? {
        guard case .string(let value) = self else { return nil }
        return value
    }

    public var integer: Int64? {
        guard case .integer(let value) = self else { return nil }
        return value
    }

    public var bool: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    public var array: [JSONValue]? {
        guard case .array(let value) = self else { return nil }
        return value
    }

    public var object: [String: JSONValue]? {
        guard case .object(let value) = self else { return nil }
        return value
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral {
    public init(stringLiteral value: String) { self = .string(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
}

extension JSONValue: ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral {
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(Dictionary(elements) { _, last in last })
    }
}
