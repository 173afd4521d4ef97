import FoundationEssentials
import Glibc
import LodgeCore
import LodgeNetlink
import LodgeNetwork
import Testing

/// Times beside the same work done bare, in one run. Asked for with LODGE_MEASURE=1, in a release build.
@Suite("Measured", .enabled(if: getenv("LODGE_MEASURE") != nil, "LODGE_MEASURE is not set"), .serialized)
struct MeasureTests {
    static func milliseconds(_ body: () throws -> Void) rethrows -> Double {
        let time = try ContinuousClock().measure(body)
        return Double(time.components.attoseconds) / 1e15 + Double(time.components.seconds) * 1e3
    }

    static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    static func report(_ what: String, bare: [(Double, Double)], ours: [(Double, Double)]) {
        func line(_ name: String, _ values: [(Double, Double)]) -> (Double, Double) {
            let (start, stop) = (median(values.map(\.0)), median(values.map(\.1)))
            return (start, stop)
        }
        let (a, b) = (line("bare", bare), line("ours", ours))
        func text(_ value: Double) -> String { String((value * 100).rounded() / 100) }
        print(
            "\(what): start \(text(a.0)) bare, \(text(b.0)) ours, x\(text(b.0 / a.0)); destroy \(text(a.1)) bare, "
                + "\(text(b.1)) ours, x\(text(b.1 / a.1))")
    }

    /// The same kernel work by hand: bridge, address, up; rules through netlink; dnsmasq until its sockets are bound.
    static func bare(_ plan: NetworkPlan, _ directory: String) throws -> (Double, Double) {
        let bridge = try #require(plan.bridge)
        var pid = pid_t()
        let start = try milliseconds {
            let session = try NetlinkSession()
            try session.createBridge(bridge)
            for prefix in plan.addresses { try session.addAddress(prefix, index: bridge.index, of: bridge.name) }
            try session.set(index: bridge.index, LinkChange(isUp: true), of: bridge.name)
            if let filter = plan.filter {
                try NetlinkSession(.netfilter).replaceFilterTable(filter.table, comment: "", chains: filter.chains)
            }
            guard let dnsmasq = plan.dnsmasq else { return }
            try Data(dnsmasq.configuration.utf8).write(to: URL(filePath: directory + "/bare.conf"))
            var ends: [CInt] = [0, 0]
            pipe(&ends)
            var actions = posix_spawn_file_actions_t()
            posix_spawn_file_actions_init(&actions)
            posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
            posix_spawn_file_actions_addclose(&actions, ends[0])
            posix_spawn_file_actions_addclose(&actions, ends[1])
            let words = [
                "dnsmasq", "--conf-file=\(directory)/bare.conf", "--dhcp-leasefile=\(directory)/bare.leases",
                "--log-facility=\(directory)/bare.log",
            ]
            var arguments: [UnsafeMutablePointer<CChar>?] = words.map { word in word.withCString { strdup($0) } }
            arguments.append(nil)
            posix_spawn(&pid, "/usr/sbin/dnsmasq", &actions, nil, &arguments, environ)
            close(ends[1])
            var byte: UInt8 = 0
            while read(ends[0], &byte, 1) > 0 {}
            close(ends[0])
        }
        let stop = try milliseconds {
            if pid > 0 {
                kill(pid, SIGKILL)
                waitpid(pid, nil, 0)
            }
            if let filter = plan.filter { try NetlinkSession(.netfilter).deleteFilterTable(filter.table) }
            try NetlinkSession().deleteLink(index: bridge.index, kind: "bridge")
        }
        return (start, stop)
    }

    @Test(arguments: [
        ("isolated", isolatedXML), ("nat with DHCP", natXML),
        ("open", "<network><name>o</name><forward mode='open'/><bridge name='virbro' stp='off'/></network>"),
    ])
    func startAndDestroy(_ what: String, _ xml: String) async throws {
        try await withScratch { scratch in
            let uuid = try await scratch.define(xml)
            let path = scratch.path
            try await scratch.inside { driver, context in
                let definition = try NetworkDefinition(
                    xml: Array(driver.xml(uuid, .persistent, context: context).utf8), file: "x")
                var bare: [(Double, Double)] = []
                var ours: [(Double, Double)] = []
                for _ in 0..<15 {
                    let plan = try NetworkPlan(definition, uuid: uuid, index: LinkName.randomIndex(), resolvers: [])
                    bare.append(try Self.bare(plan, path))
                    ours.append(
                        (
                            try Self.milliseconds { try driver.start(uuid, context: context) },
                            try Self.milliseconds { try driver.destroy(uuid, context: context) }
                        ))
                }
                Self.report(what, bare: bare, ours: ours)
            }
        }
    }

    @Test(arguments: [10, 100, 500])
    func load(_ count: Int) async throws {
        try await withScratch { scratch in
            try await scratch.inside { driver, context in
                let started = try Self.milliseconds {
                    for number in 0..<count {
                        let xml = """
                            <network><name>n\(number)</name><forward mode='nat'/><bridge name='lb\(number)' stp='off'/>
                            <dns enable='no'/><ip address='10.\(number / 200).\(number % 200).1' prefix='24'/></network>
                            """
                        _ = try driver.create(xml: Array(xml.utf8), file: "x", context: context)
                    }
                }
                let bare = try Self.milliseconds {
                    let session = try NetlinkSession()
                    _ = try session.links(kind: "bridge")
                    _ = try session.addresses()
                    _ = try NetlinkSession(.netfilter).filterTables()
                }
                var loads: [Double] = []
                var lists: [Double] = []
                for _ in 0..<5 {
                    loads.append(
                        try Self.milliseconds {
                            let events = try driver.load(context: context)
                            #expect(events == [])
                        })
                    lists.append(
                        try Self.milliseconds {
                            let count_ = try driver.list(context: context).count
                            #expect(count_ == count)
                        })
                }
                print(
                    "\(count) networks: created in \(started) ms; kernel dumps \(bare) ms, load \(Self.median(loads)) ms, "
                        + "list \(Self.median(lists)) ms")
            }
        }
    }
}
