import FoundationEssentials
import Glibc
import LodgeCore
import LodgeNetlink
import LodgeNetwork
import Logging
import Testing

let isolatedXML = "<network><name>lab</name><bridge stp='off'/></network>"
let natXML = """
    <network><name>default</name><forward mode='nat'/><bridge name='virbr0' stp='off'/>
    <ip address='192.168.122.1' netmask='255.255.255.0'><dhcp><range start='192.168.122.2' end='192.168.122.254'/></dhcp></ip>
    </network>
    """

@Suite("Networks from definition to nothing", .enabled(if: geteuid() == 0, Comment(rawValue: needsRoot)))
struct LifecycleTests {
    @Test(arguments: ["default", "isolated", "open", "everything"])
    func startAndDestroyLeaveNothing(_ name: String) async throws {
        try await withScratch { scratch in
            let xml = String(decoding: try networkFixture(name), as: UTF8.self)
            let uuid = try await scratch.define(xml)
            var summary = try await scratch.summary(uuid)
            #expect(summary.state == .inactive && summary.persistent && !summary.autostart)
            for _ in 0..<2 {
                try await scratch.start(uuid)
                summary = try await scratch.summary(uuid)
                #expect(summary.state == .active && summary.persistent, "\(summary)")
                let bridge = try #require(summary.bridge)
                try await scratch.inside { driver, _ in
                    let session = try NetlinkSession()
                    let link = try #require(try session.link(named: bridge))
                    #expect(link.kind == "bridge" && link.isUp && link.alias == NetworkPlan.alias(of: uuid))
                    #expect(
                        link.mac
                            == (try NetworkDefinition(
                                xml: Array(driver.xml(uuid, .live, context: .forTest).utf8), file: "x"
                            ).mac))
                }
                let again = await #expect(throws: LodgeError.self) { try await scratch.start(uuid) }
                #expect(again?.code == .invalidState)
                #expect(try await scratch.load() == [], "a healthy network needs nothing")
                try await scratch.destroy(uuid)
                try await scratch.expectNothingLeft()
                let gone = await #expect(throws: LodgeError.self) { try await scratch.destroy(uuid) }
                #expect(gone?.code == .invalidState)
            }
            try await scratch.perform { (driver, context) throws(LodgeError) in
                try driver.undefine(uuid, context: context)
            }
            #expect(
                try await scratch.perform { (driver, context) throws(LodgeError) in try driver.list(context: context) }
                    == [])
        }
    }

    @Test func definitionsKeepWhatWasDecided() async throws {
        try await withScratch { scratch in
            let one = try await scratch.define("<network><name>one</name></network>")
            let two = try await scratch.define("<network><name>two</name></network>")
            #expect(try await scratch.summary(one).bridge == "virbr0")
            #expect(try await scratch.summary(two).bridge == "virbr1")
            let text = try await scratch.perform { (driver, context) throws(LodgeError) in
                try driver.xml(one, .effective, context: context)
            }
            #expect(text.contains("<uuid>\(one.lowercased)</uuid>") && text.contains("<mac address='52:54:00:"))
            // The same again with its UUID keeps all; without, the name is taken.
            #expect(try await scratch.define(text) == one)
            let taken = await #expect(throws: LodgeError.self) {
                try await scratch.define("<network><name>one</name></network>")
            }
            #expect(taken?.code == .alreadyExists && taken?.hint?.contains("<uuid>") == true)
            let bridge = await #expect(throws: LodgeError.self) {
                try await scratch.define("<network><name>three</name><bridge name='virbr1'/></network>")
            }
            #expect(bridge?.message.contains("'two'") == true && bridge?.hint?.contains("virbr2") == true)
            let found = try await scratch.perform { (driver, context) throws(LodgeError) in
                [try driver.find("two", context: context).uuid, try driver.find(two.uuidString, context: context).uuid]
            }
            #expect(found == [two, two])
            let missing = await #expect(throws: LodgeError.self) {
                try await scratch.perform { (driver, context) throws(LodgeError) in
                    _ = try driver.find("../etc/passwd", context: context)
                }
            }
            #expect(missing?.code == .notFound)
        }
    }

    @Test func transientNetworksAreForgotten() async throws {
        try await withScratch { scratch in
            let uuid = try await scratch.perform { (driver, context) throws(LodgeError) in
                try driver.create(xml: Array(natXML.utf8), file: "net.xml", context: context).uuid
            }
            let summary = try await scratch.summary(uuid)
            #expect(summary.state == .active && !summary.persistent)
            // Defined while it runs, it becomes persistent, and undefined transient again.
            #expect(
                try await scratch.define(natXML.replacing("<name>", with: "<uuid>\(uuid.lowercased)</uuid><name>"))
                    == uuid)
            #expect(try await scratch.summary(uuid).persistent)
            try await scratch.perform { (driver, context) throws(LodgeError) in
                try driver.undefine(uuid, context: context)
            }
            #expect(try await !scratch.summary(uuid).persistent)
            try await scratch.destroy(uuid)
            try await scratch.expectNothingLeft()
            #expect(
                try await scratch.perform { (driver, context) throws(LodgeError) in try driver.list(context: context) }
                    == [])
        }
    }

    @Test func autostart() async throws {
        try await withScratch { scratch in
            let uuid = try await scratch.define(isolatedXML)
            try await scratch.perform { (driver, context) throws(LodgeError) in
                try driver.setAutostart(uuid, true, context: context)
            }
            #expect(try await scratch.summary(uuid).autostart)
            for expected in [LoadEvent.Outcome.autostarted, nil] {
                let events = try await scratch.perform { (driver, context) throws(LodgeError) in
                    try driver.autostart(context: context)
                }
                #expect(events.first?.outcome == expected)
            }
            try await scratch.destroy(uuid)
        }
    }

    @Test func conflictsNameBothSides() async throws {
        try await withScratch { scratch in
            let first = try await scratch.define(natXML)
            try await scratch.start(first)
            let second = try await scratch.define(
                "<network><name>second</name><ip address='192.168.0.1' prefix='16'/></network>")
            let subnet = await #expect(throws: LodgeError.self) { try await scratch.start(second) }
            #expect(subnet?.code == .busy && subnet?.message.contains("network 'default' (bridge 'virbr0')") == true)
            #expect(subnet?.hint?.contains("/24, which is free") == true)
            try await scratch.inside { _, _ in
                try NetlinkSession().createBridge(
                    BridgeRequest(
                        name: "br7", index: LinkName.randomIndex(), mac: MACAddress.random(), stp: false,
                        forwardDelay: 0))
            }
            let third = try await scratch.define("<network><name>third</name><bridge name='br7'/></network>")
            let name = await #expect(throws: LodgeError.self) { try await scratch.start(third) }
            #expect(name?.message.contains("the host's bridge 'br7'") == true && name?.hint?.contains("virbr1") == true)
            try await scratch.destroy(first)
            try await scratch.inside { _, _ in
                let link = try #require(try NetlinkSession().link(named: "br7"))
                #expect(link.alias == nil, "it was not touched")
                try NetlinkSession().deleteLink(index: link.index, kind: "bridge")
            }
            try await scratch.expectNothingLeft()
        }
    }

    @Test func hostBridgeIsUsedAndLeftAlone() async throws {
        try await withScratch { scratch in
            let uuid = try await scratch.define(
                "<network><name>lan</name><forward mode='bridge'/><bridge name='br0'/></network>")
            let missing = await #expect(throws: LodgeError.self) { try await scratch.start(uuid) }
            #expect(missing?.code == .notFound)
            try await scratch.inside { _, _ in
                try NetlinkSession().createBridge(
                    BridgeRequest(
                        name: "br0", index: LinkName.randomIndex(), mac: MACAddress.random(), stp: false,
                        forwardDelay: 0))
            }
            try await scratch.start(uuid)
            let summary = try await scratch.summary(uuid)
            #expect(summary.state == .active && summary.bridge == "br0")
            try await scratch.destroy(uuid)
            #expect(try await scratch.inside { _, _ in try NetlinkSession().link(named: "br0") } != nil)
        }
    }

    @Test func forwardingIsHeldAndRestored() async throws {
        try await withScratch { scratch in
            func value() async throws -> String {
                try await scratch.inside { _, _ in
                    let bytes = try AtomicFile.read("/proc/sys/net/ipv4/ip_forward", limit: 9) ?? []
                    return String(decoding: bytes, as: UTF8.self).filter(\.isNumber)
                }
            }
            let one = try await scratch.define(
                "<network><name>one</name><forward mode='route'/><ip address='10.1.0.1' prefix='24'/><dns enable='no'/></network>"
            )
            let two = try await scratch.define(
                "<network><name>two</name><forward mode='route'/><ip address='10.2.0.1' prefix='24'/><dns enable='no'/></network>"
            )
            try await scratch.inside { _, _ in try Self.setForwarding("0") }
            try await scratch.start(one)
            #expect(try await value() == "1")
            try await scratch.start(two)
            try await scratch.destroy(one)
            #expect(try await value() == "1", "the other needs it")
            try await scratch.destroy(two)
            #expect(try await value() == "0")
            try await scratch.inside { _, _ in try Self.setForwarding("1") }
            try await scratch.start(one)
            try await scratch.destroy(one)
            #expect(try await value() == "1", "it was on before")
            try await scratch.expectNothingLeft()
        }
    }

    static func setForwarding(_ value: String) throws {
        let file = try #require(fopen("/proc/sys/net/ipv4/ip_forward", "w"))
        fputs(value, file)
        fclose(file)
    }

    @Test func withoutDnsmasqNothingIsLeft() async throws {
        try await withScratch { scratch in
            let uuid = try await scratch.define(natXML)
            let error = try await scratch.inside { driver, context in
                let driver = NetworkDriver(
                    store: driver.store, features: scratch.features, searchPath: ["/nowhere"],
                    namespace: scratch.namespace, logger: context.logger)
                return #expect(throws: LodgeError.self) { try driver.start(uuid, context: context) }
            }
            #expect(error?.code == .missingDependency && error?.hint?.contains("dnsmasq-base") == true)
            try await scratch.expectNothingLeft()
        }
    }

    @Test func portTakenByAnother() async throws {
        try await withScratch { scratch in
            let uuid = try await scratch.define(natXML)
            let error = try await scratch.inside { driver, context in
                let taken = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
                defer { close(taken) }
                var address = sockaddr_in()
                address.sin_family = sa_family_t(AF_INET)
                address.sin_port = UInt16(53).bigEndian
                let bound = withUnsafePointer(to: &address) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(taken, $0, 16) }
                }
                try #require(bound == 0 && listen(taken, 1) == 0)
                return #expect(throws: LodgeError.self) { try driver.start(uuid, context: context) }
            }
            #expect(error?.code == .busy, "\(error?.description ?? "")")
            #expect(error?.object?.name == "default")
            try await scratch.expectNothingLeft()
        }
    }
}

extension OperationContext {
    static var forTest: OperationContext {
        OperationContext(
            deadline: .after(.seconds(30)), logger: Logger(label: "t", factory: { _ in SwiftLogNoOpLogHandler() }))
    }
}
