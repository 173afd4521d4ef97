import CLibNL
import Glibc
import LodgeCore

/// Rules as the kernel's little machine wants them: load into a register, compare, decide
/// (`include/uapi/linux/netfilter/nf_tables.h`). Numbers are in network order.
extension MessageWriter {
    mutating func put(_ type: some BinaryInteger, bigEndian value: UInt32) { put(type, u32: value.bigEndian) }

    /// The list of expressions of one rule.
    mutating func expressions(of rule: FilterRule) {
        nest(NFTA_RULE_EXPRESSIONS.rawValue) { list in
            // What stands in the network header is only meaningful once the family is known.
            var family: IPAddress.Family?
            for match in rule.matches { list.match(match, &family) }
            list.verdict(rule.verdict)
        }
    }

    private mutating func match(_ match: FilterRule.Match, _ family: inout IPAddress.Family?) {
        switch match {
        case .input(let name): interface(NFT_META_IIFNAME, name)
        case .output(let name): interface(NFT_META_OIFNAME, name)
        case .source(let prefix): address(prefix, isSource: true, equal: true, &family)
        case .destination(let prefix): address(prefix, isSource: false, equal: true, &family)
        case .notDestination(let prefix): address(prefix, isSource: false, equal: false, &family)
        case .transport(let transport):
            meta(NFT_META_L4PROTO)
            compare([transport.rawValue])
        case .established:
            expression("ct") { ct in
                ct.put(NFTA_CT_DREG.rawValue, bigEndian: NFT_REG_1.rawValue)
                ct.put(NFTA_CT_KEY.rawValue, bigEndian: NFT_CT_STATE.rawValue)
            }
            // NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED), in host order.
            let bits: UInt32 = 1 << 1 | 1 << 2
            let mask = unsafe withUnsafeBytes(of: bits) { unsafe Array($0) }
            self.mask(mask)
            compare([0, 0, 0, 0], equal: false)
        }
    }

    private mutating func interface(_ key: nft_meta_keys, _ name: String) {
        meta(key)
        compare(Array((Array(name.utf8) + Array(repeating: 0, count: 16)).prefix(16)))
    }

    private mutating func address(
        _ prefix: IPPrefix, isSource: Bool, equal: Bool, _ family: inout IPAddress.Family?
    ) {
        if family != prefix.family {
            meta(NFT_META_NFPROTO)
            compare([UInt8(prefix.family == .ipv4 ? AF_INET : AF_INET6)])
            family = prefix.family
        }
        guard prefix.length > 0 else { return }
        let bytes = prefix.network.address.bytes
        let isWhole = prefix.length.isMultiple(of: 8)
        let count = isWhole ? prefix.length / 8 : bytes.count
        let offset =
            switch (prefix.family, isSource) {
            case (.ipv4, true): 12
            case (.ipv4, false): 16
            case (.ipv6, true): 8
            case (.ipv6, false): 24
            }
        expression("payload") { payload in
            payload.put(NFTA_PAYLOAD_DREG.rawValue, bigEndian: NFT_REG_1.rawValue)
            payload.put(NFTA_PAYLOAD_BASE.rawValue, bigEndian: NFT_PAYLOAD_NETWORK_HEADER.rawValue)
            payload.put(NFTA_PAYLOAD_OFFSET.rawValue, bigEndian: UInt32(offset))
            payload.put(NFTA_PAYLOAD_LEN.rawValue, bigEndian: UInt32(count))
        }
        if !isWhole { mask(prefix.netmask.bytes) }
        compare(Array(bytes.prefix(count)), equal: equal)
    }

    private mutating func verdict(_ verdict: FilterRule.Verdict) {
        switch verdict {
        case .accept: decide(1)
        case .leave: decide(UInt32(bitPattern: NFT_RETURN.rawValue))
        case .reject:
            expression("reject") { reject in
                reject.put(NFTA_REJECT_TYPE.rawValue, bigEndian: NFT_REJECT_ICMPX_UNREACH.rawValue)
                reject.put(NFTA_REJECT_ICMP_CODE.rawValue, u8: UInt8(NFT_REJECT_ICMPX_PORT_UNREACH.rawValue))
            }
        case .masquerade(let ports):
            if let ports { load(ports, into: NFT_REG_1, and: NFT_REG_2) }
            expression("masq") { masq in
                guard ports != nil else { return }
                masq.put(NFTA_MASQ_FLAGS.rawValue, bigEndian: Self.portsGiven)
                masq.put(NFTA_MASQ_REG_PROTO_MIN.rawValue, bigEndian: NFT_REG_1.rawValue)
                masq.put(NFTA_MASQ_REG_PROTO_MAX.rawValue, bigEndian: NFT_REG_2.rawValue)
            }
        case .translateSource(let addresses, let ports):
            load(addresses.lowerBound.bytes, into: NFT_REG_1)
            load(addresses.upperBound.bytes, into: NFT_REG_2)
            if let ports { load(ports, into: NFT_REG_3, and: NFT_REG_4) }
            expression("nat") { nat in
                nat.put(NFTA_NAT_TYPE.rawValue, bigEndian: NFT_NAT_SNAT.rawValue)
                nat.put(
                    NFTA_NAT_FAMILY.rawValue,
                    bigEndian: UInt32(addresses.lowerBound.family == .ipv4 ? AF_INET : AF_INET6))
                nat.put(NFTA_NAT_REG_ADDR_MIN.rawValue, bigEndian: NFT_REG_1.rawValue)
                nat.put(NFTA_NAT_REG_ADDR_MAX.rawValue, bigEndian: NFT_REG_2.rawValue)
                guard ports != nil else { return }
                nat.put(NFTA_NAT_FLAGS.rawValue, bigEndian: Self.portsGiven)
                nat.put(NFTA_NAT_REG_PROTO_MIN.rawValue, bigEndian: NFT_REG_3.rawValue)
                nat.put(NFTA_NAT_REG_PROTO_MAX.rawValue, bigEndian: NFT_REG_4.rawValue)
            }
        }
    }

    /// `NF_NAT_RANGE_PROTO_SPECIFIED`.
    private static var portsGiven: UInt32 { 2 }

    // MARK: Single expressions

    private mutating func expression(_ name: String, _ body: (inout MessageWriter) -> Void) {
        nest(NFTA_LIST_ELEM.rawValue) { element in
            element.put(NFTA_EXPR_NAME.rawValue, string: name)
            element.nest(NFTA_EXPR_DATA.rawValue, body)
        }
    }

    private mutating func meta(_ key: nft_meta_keys) {
        expression("meta") { meta in
            meta.put(NFTA_META_DREG.rawValue, bigEndian: NFT_REG_1.rawValue)
            meta.put(NFTA_META_KEY.rawValue, bigEndian: key.rawValue)
        }
    }

    private mutating func compare(_ bytes: [UInt8], equal: Bool = true) {
        expression("cmp") { compare in
            compare.put(NFTA_CMP_SREG.rawValue, bigEndian: NFT_REG_1.rawValue)
            compare.put(NFTA_CMP_OP.rawValue, bigEndian: equal ? NFT_CMP_EQ.rawValue : NFT_CMP_NEQ.rawValue)
            compare.nest(NFTA_CMP_DATA.rawValue) { $0.put(NFTA_DATA_VALUE.rawValue, bytes) }
        }
    }

    private mutating func mask(_ mask: [UInt8]) {
        expression("bitwise") { bitwise in
            bitwise.put(NFTA_BITWISE_SREG.rawValue, bigEndian: NFT_REG_1.rawValue)
            bitwise.put(NFTA_BITWISE_DREG.rawValue, bigEndian: NFT_REG_1.rawValue)
            bitwise.put(NFTA_BITWISE_LEN.rawValue, bigEndian: UInt32(mask.count))
            bitwise.nest(NFTA_BITWISE_MASK.rawValue) { $0.put(NFTA_DATA_VALUE.rawValue, mask) }
            bitwise.nest(NFTA_BITWISE_XOR.rawValue) {
                $0.put(NFTA_DATA_VALUE.rawValue, [UInt8](repeating: 0, count: mask.count))
            }
        }
    }

    private mutating func decide(_ code: UInt32) {
        expression("immediate") { immediate in
            immediate.put(NFTA_IMMEDIATE_DREG.rawValue, bigEndian: NFT_REG_VERDICT.rawValue)
            immediate.nest(NFTA_IMMEDIATE_DATA.rawValue) { data in
                data.nest(NFTA_DATA_VERDICT.rawValue) { $0.put(NFTA_VERDICT_CODE.rawValue, bigEndian: code) }
            }
        }
    }

    private mutating func load(_ bytes: [UInt8], into register: nft_registers) {
        expression("immediate") { immediate in
            immediate.put(NFTA_IMMEDIATE_DREG.rawValue, bigEndian: register.rawValue)
            immediate.nest(NFTA_IMMEDIATE_DATA.rawValue) { $0.put(NFTA_DATA_VALUE.rawValue, bytes) }
        }
    }

    private mutating func load(_ ports: ClosedRange<UInt16>, into low: nft_registers, and high: nft_registers) {
        for (port, register) in [(ports.lowerBound, low), (ports.upperBound, high)] {
            load([UInt8(port >> 8), UInt8(port & 0xff)], into: register)
        }
    }
}
