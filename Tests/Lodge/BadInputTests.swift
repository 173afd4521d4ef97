import Foundation
import Lodge
import TestSupport
import Testing

/// What is wrong comes back as a clear error; nothing is left behind and nothing is lost.
@Suite struct BadInputTests {
    private func refusal(
        devices: String = "", rest: String = "", on scratch: ScratchHost? = nil
    ) async throws -> (LodgeError, ScratchHost) {
        let host = if let scratch { scratch } else { try await ScratchHost.open() }
        let domain = try await host.define("bad", devices: devices, rest: rest)
        let error = try #require(await failure { try await domain.start() })
        #expect(try await host.summary(domain)?.state == .shutOff)
        #expect(!FileManager.default.fileExists(atPath: host.runDirectory(domain)), "nothing is left behind")
        try await domain.undefine()
        return (error, host)
    }

    @Test func aMissingDiskIsNamedWithTheCommandThatMakesIt() async throws {
        let (error, _) = try await refusal(
            devices: """
                <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/nonexistent/a,b.img'/>
                <target dev='vda' bus='virtio'/></disk>
                """)
        #expect(error.code == .notFound && error.message.contains("/nonexistent/a,b.img"))
        #expect(error.hint?.contains("qemu-img create -f qcow2") == true)
    }

    @Test func qemuSpeaksForItselfWhenItGivesUp() async throws {
        let scratch = try await ScratchHost.open()
        let image = scratch.directory("broken.img")
        try Data("this is no image".utf8).write(to: URL(fileURLWithPath: image))
        let (error, _) = try await refusal(
            devices: """
                <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='\(image)'/>
                <target dev='vda' bus='virtio'/></disk>
                """, on: scratch)
        #expect(error.code == .program)
        #expect("\(error)".contains("not in qcow2 format"), "\(error)")
    }

    @Test func aDiskInUseNamesTheGuestThatHasIt() async throws {
        let scratch = try await ScratchHost.open()
        let image = scratch.directory("disk.img")
        #expect(FileManager.default.createFile(atPath: image, contents: Data(count: 1 << 20)))
        func disk(_ path: String, _ more: String = "") -> String {
            """
            <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='\(path)'/>
            <target dev='vda' bus='virtio'/>\(more)</disk>
            """
        }
        let first = try await scratch.define("first", devices: disk(image))
        try await first.start()
        // The same file by another name is the same disk.
        let link = scratch.directory("link.img")
        #expect(Glibc.link(image, link) == 0)
        let (error, _) = try await refusal(devices: disk(link), on: scratch)
        #expect(error.code == .busy && error.hint?.contains("first") == true, "\(error)")
        try await first.destroy()

        let second = try await scratch.define("second", devices: disk(link))
        try await second.start()
        try await second.destroy()
    }

    @Test func aTakenPortIsRefusedAndAFreeOneFound() async throws {
        let scratch = try await ScratchHost.open()
        let first = try await scratch.define("first", devices: "<graphics type='vnc' port='5905' autoport='no'/>")
        try await first.start()
        let (error, _) = try await refusal(devices: "<graphics type='vnc' port='5905' autoport='no'/>", on: scratch)
        #expect(error.code == .busy && error.message.contains("5905"))
        try await first.destroy()
    }

    @Test func kvmThatDoesNotRunSaysWhatWasFound() async throws {
        let scratch = try await ScratchHost.open()
        guard try await !scratch.host.version().kvmUsable else { return }
        let xml = ScratchHost.xml("fast", type: "kvm")
        let error = try #require(
            await failure { _ = try await scratch.host.define(xml: Array(xml.utf8), file: "fast.xml") })
        #expect("\(error)".contains("kvm") && "\(error)".contains("type='qemu'"), "\(error)")
    }

    @Test func withoutQEMUItSaysWhatToInstall() async throws {
        let scratch = try await ScratchHost.open()
        var options = try ScratchHost.options(scratch.directory, scratch.namespace)
        options.searchPath = ["/nonexistent"]
        let host = try await Host.open(options)
        let xml = ScratchHost.xml("bare")
        let error = try #require(await failure { _ = try await host.define(xml: Array(xml.utf8), file: "bare.xml") })
        #expect(error.code == .missingDependency && error.hint?.contains("qemu-system-x86") == true)
    }

    @Test(arguments: ["../x", "a/b", ".", "..", "", "x\ny", ".hidden"])
    func aNameThatIsNoFileNameIsRefused(_ name: String) async throws {
        let scratch = try await ScratchHost.open()
        let escaped = name.replacingOccurrences(of: "\n", with: "&#10;")
        let xml = ScratchHost.xml(escaped)
        let error = try #require(
            await failure { _ = try await scratch.host.define(xml: Array(xml.utf8), file: "bad.xml") })
        #expect([.invalidXML, .invalidArgument].contains(error.code) && error.location?.line == 2, "\(error)")
        #expect(await failure { _ = try await scratch.host.domain(name) }?.code == .notFound)
        #expect(try await scratch.host.domains().isEmpty)
    }

    @Test func aTakenNameIsNotOverwritten() async throws {
        let scratch = try await ScratchHost.open()
        let domain = try await scratch.define(rest: "<title>the first</title>")
        let xml = ScratchHost.xml("guest", rest: "<uuid>\(UUID().uuidString)</uuid>")
        let error = try #require(
            await failure { _ = try await scratch.host.define(xml: Array(xml.utf8), file: "x.xml") })
        #expect(error.code == .alreadyExists && "\(error)".contains(domain.uuid.uuidString.lowercased()))
        #expect(try await domain.xml().contains("the first"))
    }

    @Test func aFullDiskLosesNothing() async throws {
        let scratch = try await ScratchHost.open()
        let small = scratch.directory("small")
        try FileManager.default.createDirectory(atPath: small, withIntermediateDirectories: true)
        guard mount("tmpfs", small, "tmpfs", 0, "size=256k") == 0 else { return }
        defer { umount2(small, CInt(MNT_DETACH)) }
        var options = Host.Options(root: try RootDirectory(under: small))
        options.networkNamespace = scratch.namespace
        let host = try await Host.open(options)
        let domain = try await host.define(xml: Array(ScratchHost.xml("kept").utf8), file: "kept.xml")
        let before = try await domain.xml()
        var filler = [UInt8](repeating: 0, count: 1 << 20)
        filler.withUnsafeMutableBytes { bytes in
            let file = open(small + "/filler", O_WRONLY | O_CREAT, 0o600)
            while write(file, bytes.baseAddress, 4096) > 0 {}
            close(file)
        }
        let changed = ScratchHost.xml("kept", rest: "<title>changed</title>")
        #expect(await failure { _ = try await host.define(xml: Array(changed.utf8), file: "kept.xml") } != nil)
        #expect(await failure { try await domain.start() } != nil)
        #expect(try await domain.xml() == before, "what was kept is as it was")
        #expect(scratch.processes().isEmpty)
        unlink(small + "/filler")
        try await domain.start()
        try await domain.destroy()
    }

    @Test func aBadMonitorCommandIsTheCallersFault() async throws {
        let scratch = try await ScratchHost.open()
        let domain = try await scratch.define()
        try await domain.start()
        #expect(await failure { _ = try await domain.monitor("query-status") }?.code == .invalidArgument)
        #expect(try await domain.monitor(#"{"execute":"no-such-thing"}"#).contains("CommandNotFound"))
        #expect(try await domain.status().state == .running)
        try await domain.destroy()
    }
}
