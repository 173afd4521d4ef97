import CLibNL
import Glibc
public import LodgeCore
import SystemPackage

/// A packet filter table, as far as presence checks need it.
public struct FilterTable: Sendable, Hashable {
    /// `inet`, `ip`, `ip6`, `bridge`, `arp`, `netdev`.
    public var family: String
    public var name: String

    public init(family: String, name: String) {
        self.family = family
        self.name = name
    }
}

/// nf_tables over netlink: put a table in place, see whether it is whole, take it away.
///
/// Without the `nft` program, which takes 4 ms a call and would have to be installed, and without libnftables, whose
/// licence would bind every embedder. The messages are the kernel's own stable interface.
extension NetlinkSession {
    /// Every table with the number of rules and references in its chains, in one dump.
    ///
    /// The number falls when somebody flushes the table or one of its chains, so it tells a whole table from a half
    /// one. Empty when the kernel has no nf_tables.
    public func filterTables() throws(LodgeError) -> [FilterTable: Int] {
        var uses: [FilterTable: Int] = [:]
        do {
            try dump(filter(NFT_MSG_GETTABLE), "cannot list the packet filter's tables") { message in
                message.append(nfgenmsg())
            } _: { message in
                if let (table, _) = Self.filterEntry(message, name: Int(NFTA_TABLE_NAME.rawValue), use: nil) {
                    uses[table] = 0
                }
            } restart: {
                uses.removeAll()
            }
            guard !uses.isEmpty else { return uses }
            let empty = uses
            try dump(filter(NFT_MSG_GETCHAIN), "cannot list the packet filter's chains") { message in
                message.append(nfgenmsg())
            } _: { message in
                let entry = Self.filterEntry(
                    message, name: Int(NFTA_CHAIN_TABLE.rawValue), use: Int(NFTA_CHAIN_USE.rawValue))
                if let (table, use) = entry { uses[table, default: 0] += use }
            } restart: {
                uses = empty
            }
        } catch {
            if error.isUnknownSubsystem { return [:] }
            throw error
        }
        return uses
    }

    private static func filterEntry(_ message: ReceivedMessage, name: Int, use: Int?) -> (FilterTable, Int)? {
        guard let header = message.payload.load(nfgenmsg.self), let family = filterFamilies[header.nfgen_family] else {
            return nil
        }
        var table: String?
        var count = 0
        message.payload.dropFirst(MemoryLayout<nfgenmsg>.size).forEachAttribute { type, value in
            if type == name { table = value.string }
            if type == use { count = Int(value.bigEndianU32 ?? 0) }
        }
        return table.map { (FilterTable(family: family, name: $0), count) }
    }

    /// Puts a table in place in one transaction: whatever had its name goes, and all of it is there or nothing.
    ///
    /// - Parameter comment: at most 128 bytes; shown by `nft list table`.
    public func replaceFilterTable(_ table: FilterTable, comment: String, chains: [FilterChain]) throws(LodgeError) {
        do {
            // As a rule there is none of that name, and nothing to delete.
            try install(table, comment: comment, chains: chains, replacing: false)
        } catch {
            guard error.code == .alreadyExists else { throw error }
            try install(table, comment: comment, chains: chains, replacing: true)
        }
    }

    private func install(
        _ table: FilterTable, comment: String, chains: [FilterChain], replacing: Bool
    ) throws(LodgeError) {
        var batch = try FilterBatch(family: try Self.number(of: table), session: self)
        if replacing {
            // Adding first makes the deletion succeed also when the table has gone meanwhile.
            try batch.add(NFT_MSG_NEWTABLE, NLM_F_CREATE) { $0.put(NFTA_TABLE_NAME.rawValue, string: table.name) }
            try batch.add(NFT_MSG_DELTABLE) { $0.put(NFTA_TABLE_NAME.rawValue, string: table.name) }
        }
        try batch.add(NFT_MSG_NEWTABLE, NLM_F_CREATE | (replacing ? 0 : NLM_F_EXCL)) { message in
            message.put(NFTA_TABLE_NAME.rawValue, string: table.name)
            let text = Array(comment.utf8.prefix(128)) + [0]
            // libnftnl's user data: type 0 is a comment, then the length.
            message.put(NFTA_TABLE_USERDATA.rawValue, [0, UInt8(text.count)] + text)
        }
        for chain in chains {
            try batch.add(NFT_MSG_NEWCHAIN, NLM_F_CREATE) { message in
                message.put(NFTA_CHAIN_TABLE.rawValue, string: table.name)
                message.put(NFTA_CHAIN_NAME.rawValue, string: chain.name)
                message.nest(NFTA_CHAIN_HOOK.rawValue) { hook in
                    hook.put(NFTA_HOOK_HOOKNUM.rawValue, bigEndian: chain.hook.rawValue)
                    hook.put(NFTA_HOOK_PRIORITY.rawValue, bigEndian: UInt32(bitPattern: chain.priority))
                }
                message.put(NFTA_CHAIN_POLICY.rawValue, bigEndian: 1)
                message.put(NFTA_CHAIN_TYPE.rawValue, string: chain.kind.rawValue)
            }
            for rule in chain.rules {
                try batch.add(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND) { message in
                    message.put(NFTA_RULE_TABLE.rawValue, string: table.name)
                    message.put(NFTA_RULE_CHAIN.rawValue, string: chain.name)
                    message.expressions(of: rule)
                }
            }
        }
        do {
            try batch.commit("cannot set up the packet filter table \(table.family) \(table.name)")
        } catch {
            guard error.isUnknownSubsystem else { throw error }
            var refused = error
            refused.hint = "the kernel needs nf_tables with NAT and reject for inet: 'modprobe nf_tables nft_masq'"
            throw refused
        }
    }

    /// Deletes a table with all that is in it; true when it was there.
    @discardableResult
    public func deleteFilterTable(_ table: FilterTable) throws(LodgeError) -> Bool {
        var batch = try FilterBatch(family: try Self.number(of: table), session: self)
        try batch.add(NFT_MSG_DELTABLE) { $0.put(NFTA_TABLE_NAME.rawValue, string: table.name) }
        do {
            try batch.commit("cannot delete the packet filter table \(table.family) \(table.name)")
        } catch {
            if error.code == .notFound || error.isUnknownSubsystem { return false }
            throw error
        }
        return true
    }

    private static func number(of table: FilterTable) throws(LodgeError) -> UInt8 {
        guard let family = filterFamilies.first(where: { $0.value == table.family })?.key else {
            throw LodgeError(.invalidArgument, "no packet filter family is called '\(table.family)'")
        }
        return family
    }

    fileprivate func filter(_ message: nf_tables_msg_types) -> Int32 {
        NFNL_SUBSYS_NFTABLES << 8 | Int32(message.rawValue)
    }

    private static let filterFamilies: [UInt8: String] = [
        1: "inet", 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6",
    ]
}

/// Messages that nf_tables applies together or not at all.
private struct FilterBatch {
    private let family: UInt8
    private let session: NetlinkSession
    private var bytes: [UInt8]
    private let first: UInt32
    private var last: UInt32

    init(family: UInt8, session: NetlinkSession) throws(LodgeError) {
        self.family = family
        self.session = session
        first = session.nextSequence()
        last = first
        bytes = try Self.mark(NFNL_MSG_BATCH_BEGIN, first)
    }

    mutating func add(
        _ type: nf_tables_msg_types, _ flags: CInt = 0, _ build: (inout MessageWriter) -> Void
    ) throws(LodgeError) {
        var message = try MessageWriter(type: session.filter(type), flags: NLM_F_REQUEST | NLM_F_ACK | flags)
        message.append(nfgenmsg(nfgen_family: family, version: UInt8(NFNETLINK_V0), res_id: 0))
        build(&message)
        last = session.nextSequence()
        bytes += try message.finish(sequence: last)
    }

    consuming func commit(_ what: String) throws(LodgeError) {
        bytes += try Self.mark(NFNL_MSG_BATCH_END, session.nextSequence())
        try session.transaction(bytes, sequences: first...last, what)
    }

    private static func mark(_ type: CInt, _ sequence: UInt32) throws(LodgeError) -> [UInt8] {
        var message = try MessageWriter(type: type, flags: NLM_F_REQUEST)
        message.append(
            nfgenmsg(
                nfgen_family: UInt8(AF_UNSPEC), version: UInt8(NFNETLINK_V0),
                res_id: UInt16(NFNL_SUBSYS_NFTABLES).bigEndian))
        return try message.finish(sequence: sequence)
    }
}

extension LodgeError {
    /// What a kernel without nf_tables answers.
    fileprivate var isUnknownSubsystem: Bool {
        if case .netlink(let errno, _) = cause {
            errno == .invalidArgument || errno == .notSupportedOnSocket || errno == .notSupported
        } else {
            false
        }
    }
}
