import Foundation
import Lodge
import Testing

/// Guests of the installed QEMU from definition to nothing left.
@Suite struct GuestLifecycleTests {
    @Test func startsRunsAndEndsWithNothingLeft() async throws {
        let scratch = try await ScratchHost.open()
        let domain = try await scratch.define(devices: "<serial type='pty'/>")
        #expect(try await scratch.summary(domain)?.state == .shutOff)

        try await domain.start()
        let running = try #require(try await scratch.summary(domain))
        #expect(running.state == .running && running.reason == "booted" && running.id == 1)
        #expect(try await domain.status() == DomainStatus(.running, "booted"))
        #expect(try await domain.info().pid.map { kill($0, 0) } == 0)

        try await domain.suspend()
        #expect(try await domain.status() == DomainStatus(.paused, "user"))
        try await domain.resume()
        #expect(try await domain.status() == DomainStatus(.running, "unpaused"))
        try await domain.reset()

        let pid = try await scratch.pid(of: domain)
        try await domain.destroy()
        #expect(kill(pid, 0) == -1, "QEMU is gone when destroy returns")
        let stopped = try #require(try await scratch.summary(domain))
        #expect(stopped.state == .shutOff && stopped.reason == "destroyed" && stopped.id == nil)
        #expect(scratch.processes().isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.root + "/run/domains").isEmpty)

        try await domain.start()
        #expect(try await scratch.summary(domain)?.id == 2, "each run has its number")
        try await domain.destroy(graceful: true)
        try await domain.undefine()
        #expect(try await scratch.host.domains().isEmpty)
    }

    @Test func aPausedStartWaitsForResume() async throws {
        let scratch = try await ScratchHost.open()
        let domain = try await scratch.define()
        try await domain.start(StartOptions(paused: true))
        #expect(try await domain.status().state == .paused)
        #expect(try await domain.monitor(#"{"execute":"query-status"}"#).contains(#""prelaunch""#))
        try await domain.resume()
        #expect(try await domain.status().state == .running)
        try await domain.destroy()
    }

    @Test func aTransientGuestIsGoneWhenItStops() async throws {
        let scratch = try await ScratchHost.open()
        let domain = try await scratch.host.create(xml: Array(ScratchHost.xml("once").utf8), file: "once.xml")
        #expect(try await scratch.summary(domain)?.persistent == false)
        try await domain.destroy()
        #expect(try await scratch.host.domains().isEmpty)
    }

    @Test func isFoundByNameUUIDAndID() async throws {
        let scratch = try await ScratchHost.open()
        let domain = try await scratch.define()
        try await domain.start()
        for key in ["guest", domain.uuid.uuidString, domain.uuid.uuidString.lowercased(), "1"] {
            #expect(try await scratch.host.domain(key).uuid == domain.uuid, "\(key)")
        }
        let error = await failure { _ = try await scratch.host.domain("nobody") }
        #expect(error?.code == .notFound && error?.hint != nil)
        try await domain.destroy()
    }

    @Test func theLiveDefinitionTellsTerminalsAndPorts() async throws {
        let scratch = try await ScratchHost.open()
        let domain = try await scratch.define(
            devices: """
                <serial type='pty'/><graphics type='vnc' autoport='yes'/>
                <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
                """)
        try await domain.start()
        let console = try #require(try await domain.consoles().first)
        #expect(console.type == "pty" && console.path?.hasPrefix("/dev/pts/") == true)
        let live = try DomainDefinition(xml: Array(try await domain.xml(.live).utf8), file: "live")
        let kept = try DomainDefinition(xml: Array(try await domain.xml(.persistent).utf8), file: "kept")
        #expect(live.id == 1 && kept.id == nil)
        #expect(live.inactive().devices.interfaces == kept.devices.interfaces)
        guard case .vnc(let vnc) = try #require(live.devices.graphics.first) else { return }
        #expect(vnc.port.map { (5900...6899).contains($0) } == true)
        #expect(live.devices.pciAddresses == kept.devices.pciAddresses, "addresses are decided once")
        try await domain.destroy()
    }

    @Test func theChildHasNoRightsAndOnlyItsDescriptors() async throws {
        let scratch = try await ScratchHost.open()
        let domain = try await scratch.define(devices: "<serial type='pty'/>")
        try await domain.start()
        let pid = try await scratch.pid(of: domain)
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            #expect(status.contains("\(set):\t0000000000000000"), "\(set)")
        }
        #expect(status.contains("NoNewPrivs:\t1"))
        #expect(status.contains("Seccomp:\t2"), "-sandbox on")
        let limits = try String(contentsOfFile: "/proc/\(pid)/limits", encoding: .utf8)
        #expect(limits.split(separator: "\n").contains { $0.hasPrefix("Max core file size") && $0.contains(" 0 ") })
        #expect(getsid(pid) == pid)
        try await domain.destroy()
    }

    @Test func nobodyElseNeedsToReapIt() async throws {
        let scratch = try await ScratchHost.open()
        let domain = try await scratch.define()
        try await domain.start()
        let pid = try await scratch.pid(of: domain)
        try await domain.destroy()
        #expect(!FileManager.default.fileExists(atPath: "/proc/\(pid)"), "no zombie either")
    }

    @Test func autostartHappensOnceABoot() async throws {
        let scratch = try await ScratchHost.open()
        let domain = try await scratch.define()
        try await domain.setAutostart(true)
        let second = try await scratch.another()
        #expect(try await scratch.summary(domain, on: second)?.state == .shutOff, "this boot was opened before")
        // A boot later the marker is void.
        try Data("another boot\n".utf8).write(to: URL(fileURLWithPath: scratch.root + "/run/boot"))
        let third = try await scratch.another()
        #expect(third.loadReport.contains { $0.outcome == .autostarted })
        #expect(try await scratch.summary(domain, on: third)?.state == .running)
        try await domain.destroy()
    }

    @Test func startsTheNetworksThatItNeedsWhenAsked() async throws {
        let scratch = try await ScratchHost.open()
        let network = try await scratch.host.defineNetwork(
            xml: Array("<network><name>lan</name><bridge name='lan0'/></network>".utf8), file: "lan.xml")
        let domain = try await scratch.define(
            devices: "<interface type='network'><source network='lan'/><model type='virtio'/></interface>")
        let error = try #require(await failure { try await domain.start() })
        #expect(
            error.code == .invalidState && "\(error)".contains("lan") && error.hint?.contains("net-start lan") == true)
        #expect(try await scratch.summary(domain)?.state == .shutOff)
        try await domain.start(StartOptions(withNetworks: true))
        #expect(try await network.info().active)
        try await domain.destroy()
        try await network.destroy()
        #expect(scratch.processes().isEmpty)
    }
}
