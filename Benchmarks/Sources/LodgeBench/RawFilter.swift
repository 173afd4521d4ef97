import Glibc

/// The rules that Lodge gives a network, sent to nf_tables without Lodge: one transaction, no program.
struct RawFilter {
    var table: String
    var bridge: String
    /// Three bytes of a /24 that is translated, or nil for a network that leads nowhere.
    var translated: [UInt8]?

    private enum Kind: UInt16 {
        case newTable = 0
        case getTable = 1
        case deleteTable = 2
        case newChain = 3
        case getChain = 4
        case newRule = 6
    }

    private static func message(_ kind: Kind, _ flags: UInt16 = 0) -> NetlinkMessage {
        // NFNL_SUBSYS_NFTABLES, NFPROTO_INET.
        NetlinkMessage(10 << 8 | kind.rawValue, flags: flags, header: [1, 0, 0, 0])
    }

    /// Tables and chains, with the number of rules in each.
    static func dump(_ socket: RawNetlink) throws {
        for kind in [Kind.getTable, .getChain] { try socket.dump(10 << 8 | kind.rawValue, header: [0, 0, 0, 0]) }
    }

    private static func transaction(_ socket: RawNetlink, _ messages: [NetlinkMessage]) throws {
        let mark = { (type: UInt16) in NetlinkMessage(type, flags: 0, header: [0, 0, 0, 10]) }
        try socket.change([mark(0x10)] + messages + [mark(0x11)])
    }

    func delete(_ socket: RawNetlink) throws {
        var message = Self.message(.deleteTable, Flag.acknowledge)
        message.put(1, table)
        try Self.transaction(socket, [message])
    }

    func create(_ socket: RawNetlink) throws {
        var new = Self.message(.newTable, Flag.create)
        new.put(1, table)
        var messages = [new, chain("forward", "filter", hook: 2, priority: 0)]
        let (inwards, outwards) = (meta(6) + compare(name), meta(7) + compare(name))
        messages.append(rule("forward", inwards + outwards + accept))
        if let translated {
            messages.append(rule("forward", inwards + source(translated) + accept))
            messages.append(rule("forward", outwards + target(translated) + established + accept))
        }
        messages += [rule("forward", inwards + reject), rule("forward", outwards + reject)]
        if let translated {
            messages.append(chain("postrouting", "nat", hook: 4, priority: 100))
            let leaves = source(translated) + address(16, translated, equal: false)
            messages.append(rule("postrouting", source(translated) + address(16, [224, 0, 0]) + leave))
            messages.append(rule("postrouting", source(translated) + address(16, [255, 255, 255, 255]) + leave))
            for transport in [UInt8(6), 17] {
                messages.append(rule("postrouting", leaves + meta(16) + compare([transport]) + masquerade))
            }
            messages.append(rule("postrouting", leaves + [Expression("masq") { _ in }]))
        }
        // The last one's acknowledgement says that all is done.
        var last = Self.message(.newTable, Flag.acknowledge)
        last.put(1, table)
        try Self.transaction(socket, messages + [last])
    }

    private func chain(_ name: String, _ type: String, hook: UInt32, priority: UInt32) -> NetlinkMessage {
        var message = Self.message(.newChain, Flag.create)
        message.put(1, table)
        message.put(3, name)
        message.nest(4) { part in
            part.put(1, big: hook)
            part.put(2, big: priority)
        }
        message.put(5, big: 1)
        message.put(7, type)
        return message
    }

    private func rule(_ chain: String, _ expressions: [Expression]) -> NetlinkMessage {
        var message = Self.message(.newRule, Flag.append)
        message.put(1, table)
        message.put(2, chain)
        message.nest(4) { list in
            for expression in expressions {
                list.nest(1) { element in
                    element.put(1, expression.name)
                    element.nest(2, expression.write)
                }
            }
        }
        return message
    }

    private struct Expression {
        let name: String
        let write: (inout NetlinkMessage) -> Void

        init(_ name: String, _ write: @escaping (inout NetlinkMessage) -> Void) {
            self.name = name
            self.write = write
        }
    }

    private var name: [UInt8] { Array((Array(bridge.utf8) + [UInt8](repeating: 0, count: 16)).prefix(16)) }

    private func meta(_ key: UInt32) -> [Expression] {
        [
            Expression("meta") {
                $0.put(1, big: 1)
                $0.put(2, big: key)
            }
        ]
    }

    private func compare(_ bytes: [UInt8], equal: Bool = true) -> [Expression] {
        [
            Expression("cmp") {
                $0.put(1, big: 1)
                $0.put(2, big: equal ? 0 : 1)
                $0.nest(3) { $0.put(1, bytes) }
            }
        ]
    }

    private func source(_ prefix: [UInt8]) -> [Expression] {
        meta(15) + compare([UInt8(AF_INET)]) + address(12, prefix)
    }

    private func target(_ prefix: [UInt8]) -> [Expression] {
        meta(15) + compare([UInt8(AF_INET)]) + address(16, prefix)
    }

    private func address(_ offset: UInt32, _ prefix: [UInt8], equal: Bool = true) -> [Expression] {
        [
            Expression("payload") {
                $0.put(1, big: 1)
                $0.put(2, big: 1)
                $0.put(3, big: offset)
                $0.put(4, big: UInt32(prefix.count))
            }
        ] + compare(prefix, equal: equal)
    }

    private var established: [Expression] {
        [
            Expression("ct") {
                $0.put(1, big: 1)
                $0.put(2, big: 0)
            },
            Expression("bitwise") {
                $0.put(1, big: 1)
                $0.put(2, big: 1)
                $0.put(3, big: 4)
                $0.nest(4) { $0.put(1, raw(UInt32(6))) }
                $0.nest(5) { $0.put(1, [0, 0, 0, 0]) }
            },
        ] + compare([0, 0, 0, 0], equal: false)
    }

    private func immediate(_ register: UInt32, _ value: @escaping (inout NetlinkMessage) -> Void) -> Expression {
        Expression("immediate") {
            $0.put(1, big: register)
            $0.nest(2, value)
        }
    }

    private var accept: [Expression] { [immediate(0) { $0.nest(2) { $0.put(1, big: 1) } }] }
    /// NFT_RETURN.
    private var leave: [Expression] {
        [immediate(0) { $0.nest(2) { $0.put(1, big: UInt32(bitPattern: -5)) } }]
    }
    private var reject: [Expression] {
        [
            Expression("reject") {
                $0.put(1, big: 2)
                $0.put(2, [1])
            }
        ]
    }
    /// To ports from 1024.
    private var masquerade: [Expression] {
        [
            immediate(1) { $0.put(1, [4, 0]) }, immediate(2) { $0.put(1, [255, 255]) },
            Expression("masq") {
                $0.put(1, big: 2)
                $0.put(2, big: 1)
                $0.put(3, big: 2)
            },
        ]
    }
}
