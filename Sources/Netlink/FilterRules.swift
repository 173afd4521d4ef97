public import LodgeCore

/// A base chain with its rules, as values. What nft(8) would compile is put together here from typed parts, so no text
/// from a definition is ever parsed as a rule.
public struct FilterChain: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable {
        case filter, nat
    }

    public enum Hook: UInt32, Sendable, Hashable {
        case input = 1
        case forward = 2
        case postrouting = 4
    }

    public var name: String
    public var kind: Kind
    public var hook: Hook
    /// 0 is `filter`, 100 is `srcnat` (`nf_ip_hook_priorities`).
    public var priority: Int32
    public var rules: [FilterRule]

    public init(name: String, kind: Kind, hook: Hook, priority: Int32, rules: [FilterRule]) {
        self.name = name
        self.kind = kind
        self.hook = hook
        self.priority = priority
        self.rules = rules
    }
}

/// All matches must hold, then the verdict is reached.
public struct FilterRule: Sendable, Hashable {
    public enum Match: Sendable, Hashable {
        /// Came in through the interface of this name.
        case input(String)
        /// Goes out through the interface of this name.
        case output(String)
        case source(IPPrefix)
        case destination(IPPrefix)
        case notDestination(IPPrefix)
        /// Belongs to a connection that was let through, or is about one.
        case established
        case transport(Transport)
    }

    public enum Transport: UInt8, Sendable, Hashable {
        case tcp = 6
        case udp = 17
    }

    public enum Verdict: Sendable, Hashable {
        case accept
        /// Ends this chain only.
        case leave
        /// Answers "port unreachable".
        case reject
        /// The sender becomes the outgoing interface's address; ports only for TCP and UDP.
        case masquerade(ports: ClosedRange<UInt16>?)
        /// The sender becomes one of these addresses.
        case translateSource(ClosedRange<IPAddress>, ports: ClosedRange<UInt16>?)
    }

    public var matches: [Match]
    public var verdict: Verdict

    public init(_ matches: [Match], _ verdict: Verdict) {
        self.matches = matches
        self.verdict = verdict
    }
}
