import FoundationEssentials
import Glibc
import LodgeCore
import LodgeNetlink
import LodgeNetwork
import Testing

/// docs/on-load.md, row by row, on the real kernel. "Another process" is another load: nothing is kept in memory.
@Suite("Networks on load", .enabled(if: geteuid() == 0, Comment(rawValue: needsRoot)))
struct LoadTests {
    /// A started network, something done to it, what load says, and what is so afterwards.
    func after(
        xml: String = natXML, _ harm: @escaping @Sendable (NetworkDriver, UUID, Link) throws -> Void,
        expect outcome: LoadEvent.Outcome?, _ detail: String = "", state: NetworkState = .active,
        location: Testing.SourceLocation = #_sourceLocation
    ) async throws {
        try await withScratch { scratch in
            let uuid = try await scratch.define(xml)
            try await scratch.start(uuid)
            let bridge = try #require(try await scratch.summary(uuid).bridge)
            try await scratch.inside { driver, _ in
                let link = try #require(try NetlinkSession().link(named: bridge))
                try harm(driver, uuid, link)
            }
            let events = try await scratch.load()
            #expect(events.map(\.outcome) == (outcome.map { [$0] } ?? []), "\(events)", sourceLocation: location)
            if let event = events.first { #expect(event.detail.contains(detail), "\(event)", sourceLocation: location) }
            let again = try await scratch.load()
            #expect(
                again.map(\.outcome) == (outcome == .unknown ? [.unknown] : []), "\(again)", sourceLocation: location)
            let summary = try await scratch.summary(uuid)
            #expect(summary.state == state, "\(summary)", sourceLocation: location)
            // Whatever it was, the way out is the usual one.
            if state != .inactive { try await scratch.destroy(uuid) }
            try await scratch.inside { _, _ in
                let session = try NetlinkSession()
                for link in try session.links(kind: "bridge") {
                    try session.deleteLink(index: link.index, kind: "bridge")
                }
            }
            try await scratch.expectNothingLeft(location)
            try await scratch.start(uuid)
            try await scratch.destroy(uuid)
        }
    }

    @Test func healthy() async throws { try await after({ _, _, _ in }, expect: nil) }

    @Test func bridgeDeletedBehindOurBack() async throws {
        try await after(
            { _, _, link in try NetlinkSession().deleteLink(index: link.index, kind: "bridge") }, expect: .undone,
            "bridge is gone", state: .inactive)
    }

    @Test func foreignBridgeOfTheSameName() async throws {
        try await withScratch { scratch in
            let uuid = try await scratch.define(natXML)
            try await scratch.start(uuid)
            try await scratch.inside { _, _ in
                let session = try NetlinkSession()
                let ours = try #require(try session.link(named: "virbr0"))
                try session.deleteLink(index: ours.index, kind: "bridge")
                try session.createBridge(
                    BridgeRequest(
                        name: "virbr0", index: LinkName.randomIndex(), mac: MACAddress.random(), stp: false,
                        forwardDelay: 0))
            }
            let events = try await scratch.load()
            #expect(events.map(\.outcome) == [.undone] && events[0].detail.contains("is not ours"))
            let start = await #expect(throws: LodgeError.self) { try await scratch.start(uuid) }
            #expect(start?.code == .busy)
            try await scratch.inside { _, _ in
                let session = try NetlinkSession()
                let foreign = try #require(try session.link(named: "virbr0"))
                try session.deleteLink(index: foreign.index, kind: "bridge")
            }
            try await scratch.expectNothingLeft()
        }
    }

    @Test func bridgeRenamed() async throws {
        try await after(
            { _, _, link in
                let session = try NetlinkSession()
                try session.set(index: link.index, LinkChange(isUp: false), of: link.name)
                try session.set(index: link.index, LinkChange(name: "other0"), of: link.name)
            }, expect: .repaired, "name")
    }

    @Test func dnsmasqKilled() async throws {
        try await after(
            { driver, uuid, _ in
                let pid = try #require(try driver.info(uuid, context: .forTest).pid)
                #expect(kill(pid, SIGKILL) == 0)
                while try driver.info(uuid, context: .forTest).pid != nil { usleep(1000) }
            }, expect: .repaired, "dnsmasq")
    }

    @Test func rulesFlushed() async throws {
        for command in ["flush ruleset", "flush table inet"] {
            try await after(
                { _, uuid, _ in
                    let words = command == "flush ruleset" ? command : "\(command) \(try Self.table())"
                    #expect(try run("/usr/sbin/nft", [words]).status == 0)
                }, expect: .repaired, "packet filter")
        }
    }

    static func table() throws -> String {
        try #require(try NetlinkSession(.netfilter).filterTables().keys.first?.name)
    }

    @Test func addressesRemoved() async throws {
        try await after(
            { _, _, link in
                let session = try NetlinkSession()
                for address in try session.addresses(index: link.index) {
                    try session.deleteAddress(address.prefix, index: link.index, of: link.name)
                }
            }, expect: .repaired, "addresses")
    }

    @Test func forwardingTurnedOff() async throws {
        try await after(
            { _, _, _ in try LifecycleTests.setForwarding("0") }, expect: .repaired, "IP forwarding")
    }

    @Test func everythingAtOnce() async throws {
        try await after(
            xml: String(decoding: try networkFixture("everything"), as: UTF8.self),
            { driver, uuid, link in
                let pid = try #require(try driver.info(uuid, context: .forTest).pid)
                kill(pid, SIGKILL)
                while try driver.info(uuid, context: .forTest).pid != nil { usleep(1000) }
                #expect(try run("/usr/sbin/nft", ["flush ruleset"]).status == 0)
                try LifecycleTests.setForwarding("0")
                let session = try NetlinkSession()
                for address in try session.addresses(index: link.index) {
                    try session.deleteAddress(address.prefix, index: link.index, of: link.name)
                }
                try session.set(index: link.index, LinkChange(isUp: false), of: link.name)
                try session.set(index: link.index, LinkChange(name: "other0"), of: link.name)
            }, expect: .repaired, "name, addresses, the packet filter table, dnsmasq, IP forwarding")
    }

    // MARK: Records

    static func rewrite(_ driver: NetworkDriver, _ uuid: UUID, _ change: (String) -> String) throws {
        let path = driver.store.runtimeDirectory(.network, uuid) + "/status.json"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let changed = change(text)
        #expect(changed != text)
        try Data(changed.utf8).write(to: URL(filePath: path))
    }

    @Test func recordTruncated() async throws {
        try await after(
            { driver, uuid, _ in try Self.rewrite(driver, uuid) { String($0.prefix($0.count / 2)) } },
            expect: .unknown, "cannot be read", state: .unknown)
    }

    @Test func recordOfANewerSchema() async throws {
        try await after(
            { driver, uuid, _ in
                try Self.rewrite(driver, uuid) { $0.replacing("\"schema\":1", with: "\"schema\":2") }
            }, expect: .unknown, "newer version", state: .unknown)
    }

    @Test func recordOfAnotherBoot() async throws {
        try await withScratch { scratch in
            let uuid = try await scratch.define(isolatedXML)
            try await scratch.start(uuid)
            try await scratch.inside { driver, _ in
                // After a reboot nothing of it is in the kernel.
                let session = try NetlinkSession()
                for link in try session.links(kind: "bridge") {
                    try session.deleteLink(index: link.index, kind: "bridge")
                }
                let filter = try NetlinkSession(.netfilter)
                for table in try filter.filterTables().keys { try filter.deleteFilterTable(table) }
                try Self.rewrite(driver, uuid) {
                    $0.replacing(driver.store.bootID, with: "00000000-0000-4000-8000-000000000000")
                }
            }
            #expect(try await scratch.load() == [])
            #expect(try await scratch.summary(uuid).state == .inactive)
            try await scratch.expectNothingLeft()
            try await scratch.start(uuid)
            try await scratch.destroy(uuid)
        }
    }

    @Test func recordOfAnotherNamespace() async throws {
        try await withScratch { scratch in
            let uuid = try await scratch.define(natXML)
            try await scratch.start(uuid)
            // The same root, opened in another namespace.
            let other = try NetworkNamespace.create()
            let pool = WorkerPool(threads: 1, namespace: other)
            let driver = Scratch.driver(scratch.store, scratch.features, other)
            let (events, list, refusals) = try await pool.run { () throws(LodgeError) in
                let events = try driver.load(context: .forTest)
                let list = try driver.list(context: .forTest)
                var refusals: [String] = []
                for attempt in [driver.start, driver.destroy] {
                    do throws(LodgeError) { try attempt(uuid, .forTest) } catch { refusals.append(error.description) }
                }
                return (events, list, refusals)
            }
            #expect(events.map(\.outcome) == [.unknown] && list.map(\.state) == [.unknown])
            #expect(refusals.count == 2 && refusals[1].contains("nsenter"), "\(refusals)")
            #expect(try await scratch.load() == [], "where it lives it is well")
            try await scratch.destroy(uuid)
            try await scratch.expectNothingLeft()
            await pool.close()
        }
    }

    /// A manager killed between its steps: the record says how far it may have come, the kernel how far it came.
    @Test(arguments: ["record only", "bridge too", "all but the last record", "stopping"])
    func killedOnTheWay(_ point: String) async throws {
        try await withScratch { scratch in
            let uuid = try await scratch.define(natXML)
            try await scratch.start(uuid)
            try await scratch.inside { driver, context in
                try Self.rewrite(driver, uuid) {
                    $0.replacing(
                        "\"phase\":\"running\"", with: "\"phase\":\"\(point == "stopping" ? "stopping" : "preparing")\""
                    )
                }
                guard point == "record only" || point == "bridge too" else { return }
                let pid = try #require(try driver.info(uuid, context: context).pid ?? Self.server(driver, uuid))
                kill(pid, SIGKILL)
                try NetlinkSession(.netfilter).deleteFilterTable(FilterTable(family: "inet", name: try Self.table()))
                guard point == "record only" else { return }
                let link = try #require(try NetlinkSession().link(named: "virbr0"))
                try NetlinkSession().deleteLink(index: link.index, kind: "bridge")
            }
            #expect(try await scratch.load().map(\.outcome) == [.undone])
            try await scratch.expectNothingLeft()
            #expect(try await scratch.load() == [])
            try await scratch.start(uuid)
            try await scratch.destroy(uuid)
        }
    }

    static func server(_ driver: NetworkDriver, _ uuid: UUID) throws -> Int32? {
        try Lease.holder(at: driver.store.runtimeDirectory(.network, uuid) + "/dnsmasq.lease")?.pid
    }
}
