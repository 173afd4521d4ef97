import FoundationEssentials
import LodgeCore
import LodgeNetwork
import Testing

/// The whole table of what a record and the world say together.
@Suite("What is active")
struct VerdictTests {
    static let here: UInt64 = 7

    static func record(_ phase: StatusRecord.Phase, namespace: UInt64? = here) -> StatusRecord {
        StatusRecord(
            boot: "b", kind: .network, uuid: UUID(), name: "n", persistent: true, namespace: namespace, phase: phase)
    }

    static func presence(
        _ bridge: NetworkPresence.Bridge = .ours, locked: Bool = false, addresses: NetworkPresence.Part = .whole,
        filter: NetworkPresence.Part = .whole, dnsmasq: NetworkPresence.Part = .whole,
        forwarding: NetworkPresence.Part = .whole
    ) -> NetworkPresence {
        NetworkPresence(
            isLocked: locked, namespace: here, bridge: bridge, addresses: addresses, filter: filter, dnsmasq: dnsmasq,
            forwarding: forwarding)
    }

    static let table: [(RecordReading, NetworkPresence, NetworkVerdict)] = [
        (.absent, presence(), .inactive),
        (.absent, presence(locked: true), .inWork),
        (.otherBoot(record(.running)), presence(), .inactive),
        (.otherBoot(record(.preparing)), presence(.absent), .inactive),
        (.unreadable("x"), presence(), .unknown("its record cannot be read: x")),
        (.newerSchema(9), presence(), .unknown("its record is of schema 9, from a newer version")),
        (.record(record(.preparing)), presence(), .undo("its start was not finished")),
        (.record(record(.preparing)), presence(locked: true), .inWork),
        (.record(record(.stopping)), presence(), .undo("its end was not finished")),
        (.record(record(.stopping)), presence(locked: true), .inWork),
        (
            .record(record(.running, namespace: 8)), presence(.absent),
            .unknown("it was started in another network namespace")
        ),
        (
            .record(record(.preparing, namespace: 8)), presence(.absent),
            .unknown("it was started in another network namespace")
        ),
        (.record(record(.running)), presence(), .active),
        (.record(record(.running)), presence(locked: true), .active),
        (.record(record(.running)), presence(.absent), .undo("its bridge is gone")),
        (
            .record(record(.running)), presence(.foreign("y is not ours")),
            .undo("its bridge is gone, and y is not ours")
        ),
        (.record(record(.running)), presence(.renamed("z")), .damaged([.name])),
        (.record(record(.running)), presence(addresses: .missing), .damaged([.addresses])),
        (.record(record(.running)), presence(filter: .missing), .damaged([.filter])),
        (.record(record(.running)), presence(dnsmasq: .missing), .damaged([.dnsmasq])),
        (.record(record(.running)), presence(forwarding: .missing), .damaged([.forwarding])),
        (
            .record(record(.running)),
            presence(.renamed("z"), addresses: .missing, filter: .missing, dnsmasq: .missing, forwarding: .missing),
            .damaged(NetworkDefect.allCases)
        ),
    ]

    @Test(arguments: table.indices)
    func verdict(_ row: Int) {
        let (reading, presence, expected) = Self.table[row]
        #expect(reconcile(reading, presence) == expected)
    }
}
