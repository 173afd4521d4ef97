import Glibc
import LodgeCore
import TestSupport
import Testing

@testable import LodgeQEMU

/// What must hold for whatever people write, shown on every fixture.
@Suite struct ResolveFixtureTests {
    @Test func thereAreEnough() { #expect(Fixtures.domains.count >= 10) }

    @Test(arguments: Fixtures.domains)
    func resolvingTwiceChangesNothing(_ name: String) throws {
        let once = try Fixtures.domain(name).resolved(Fixtures.inputs())
        #expect(try once.resolved(Fixtures.inputs()) == once)
    }

    @Test(arguments: Fixtures.domains)
    func theResultSurvivesItsXML(_ name: String) throws {
        let resolved = try Fixtures.domain(name).resolved(Fixtures.inputs())
        let back = try DomainDefinition(xml: Array(resolved.xml().utf8), file: name)
        #expect(back == resolved)
        #expect(try back.resolved(Fixtures.inputs()) == resolved)
    }

    @Test(arguments: Fixtures.domains)
    func noPlaceIsGivenTwice(_ name: String) throws {
        let devices = try Fixtures.domain(name).resolved(Fixtures.inputs()).devices
        let places = devices.pciAddresses.map { address in
            var address = address
            address.multifunction = nil
            return address
        }
        #expect(Set(places).count == places.count)
        let indices = devices.controllers.filter { $0.usb?.masterStartPort == nil }
            .map { "\($0.typeName) \(String(describing: $0.index))" }
        #expect(Set(indices).count == indices.count)
    }

    @Test(arguments: Fixtures.domains)
    func whatWasSaidStays(_ name: String) throws {
        let definition = try Fixtures.domain(name)
        let resolved = try definition.resolved(Fixtures.inputs())
        let given = Set(definition.devices.pciAddresses.map(\.description))
        #expect(given.isSubset(of: Set(resolved.devices.pciAddresses.map(\.description))))
        #expect(resolved.devices.disks.map(\.target) == definition.devices.disks.map(\.target))
        #expect(resolved.devices.interfaces.map(\.mac) == definition.devices.interfaces.map(\.mac))
        #expect(resolved.metadata == definition.metadata)
    }

    @Test(arguments: Fixtures.domains)
    func everyDeviceHasItsPlace(_ name: String) throws {
        let resolved = try Fixtures.domain(name).resolved(Fixtures.inputs())
        // Writing the command line throws for a device without a place.
        _ = try LaunchPlan(
            resolved,
            LaunchInputs(
                emulator: "/usr/bin/qemu-system-x86_64", runDirectory: "/run/lodge/x",
                taps: Set(resolved.devices.interfaces.indices), vncPorts: [0: 5900], now: 0))
    }

    @Test(arguments: Fixtures.domains)
    func everyNameIsGivenOnce(_ name: String) throws {
        let named = try Fixtures.domain(name).resolved(Fixtures.inputs()).withAliases()
        #expect(named.withAliases() == named)
        let devices = named.devices
        var names = devices.disks.map(\.alias) + devices.interfaces.map(\.alias) + devices.serials.map(\.alias)
        names += devices.channels.map(\.alias) + devices.inputs.map(\.alias) + devices.videos.map(\.alias)
        names += devices.rngs.map(\.alias)
        #expect(!names.contains(nil))
        #expect(Set(names).count == names.count)
        // A running guest's definition is read back as it is, and its names are left behind.
        #expect(try DomainDefinition(xml: Array(named.xml().utf8), file: name) == named)
        #expect(named.inactive() == (try Fixtures.domain(name).resolved(Fixtures.inputs())))
    }

    @Test(
        .enabled(if: access(validator, X_OK) == 0, "needs virt-xml-validate of libvirt-clients"),
        arguments: Fixtures.domains)
    func libvirtsValidatorAcceptsTheResult(_ name: String) throws {
        let directory = try ScratchDirectory()
        let file = directory("domain.xml")
        let resolved = try Fixtures.domain(name).resolved(Fixtures.inputs())
        try AtomicFile.write(Array(resolved.xml().utf8), to: file, durable: false)
        var spec = LaunchSpec(executable: validator, arguments: [validator, file, "domain"])
        spec.environment = ["PATH=/usr/bin:/bin"]
        let result = try Launcher.run(spec, outputLimit: 16384, context: .test(.seconds(60)), features: .underTest)
        #expect(result.status.isSuccess, "\(result.words)")
    }
}

private let validator = "/usr/bin/virt-xml-validate"
