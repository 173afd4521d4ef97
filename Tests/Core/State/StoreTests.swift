import FoundationEssentials
import Glibc
import LodgeCore
import TestSupport
import Testing

@Suite struct StoreTests {
    let scratch: ScratchRoot
    var store: Store { scratch.store }
    init() throws { scratch = try ScratchRoot() }

    private func record(_ kind: ObjectKind = .domain, _ uuid: UUID = UUID(), name: String = "a") -> StatusRecord {
        StatusRecord(boot: store.bootID, kind: kind, uuid: uuid, name: name, persistent: true)
    }

    @Test func keepsDefinitions() throws {
        #expect(try store.definitionNames(.domain) == [])
        #expect(try store.readDefinition(.domain, "a") == nil)
        try store.writeDefinition(.domain, "b", "<b/>")
        try store.writeDefinition(.domain, "a", "<a/>")
        try store.writeDefinition(.network, "default", "<network/>")
        try store.writeDefinition(.domain, "autostart", "<x/>")
        #expect(try store.definitionNames(.domain) == ["a", "autostart", "b"])
        #expect(try store.readDefinition(.domain, "a") == Array("<a/>".utf8))
        try store.setAutostart(.domain, "a", true)
        try store.setAutostart(.domain, "a", true)
        #expect(try store.isAutostart(.domain, "a"))
        #expect(try store.autostartNames(.domain) == ["a"])
        #expect(try store.removeDefinition(.domain, "a"))
        #expect(try !store.removeDefinition(.domain, "a"))
        #expect(try store.autostartNames(.domain) == [])
        #expect(try store.definitionNames(.domain) == ["autostart", "b"])
    }

    @Test(arguments: ["../x", "", ".", "..", "a/b", ".tmp-x", "a\nb", "a\u{0}b", String(repeating: "x", count: 300)])
    func refusesNames(_ name: String) throws {
        #expect(throws: LodgeError.self) { try store.writeDefinition(.domain, name, "x") }
        #expect(throws: LodgeError.self) { try store.readDefinition(.domain, name) }
        #expect(throws: LodgeError.self) { try store.setAutostart(.domain, name, true) }
        #expect(throws: LodgeError.self) { try store.removeDefinition(.domain, name) }
    }

    @Test func keepsRecords() throws {
        var record = record()
        record.resources = [
            .link(name: "t0", index: 1 << 20, kind: "tun", mac: MACAddress("52:54:00:00:00:01")),
            .link(name: "t1", index: 3, kind: "bridge", mac: nil), .port(link: "t0", of: "br\"0"),
            .nftTable(family: "inet", name: "lodge_x", rules: 5), .hostLink(name: "br0"),
            .address(index: 268_435_457, prefix: "10.0.0.1/24"), .process(role: "dnsmasq", lease: "dnsmasq.lease"),
            .sysctl(key: "net.ipv4.ip_forward"), .tcpPort(5900),
            .disk(device: 1, inode: .max, path: "/a", shared: true),
            .disk(device: 1, inode: 2, path: "/a\n", shared: false), .pci(address: "0000:00:01.0", driver: nil),
            .file(path: "/x"),
        ]
        record.id = 4
        record.namespace = .max
        record.process = ProcessIdentity(pid: 7, startTime: .max, inode: 5, namespace: 9)
        record.state = "running"
        record.reason = "a\"b\\c\n\u{1}\u{7f}é\u{2028}😀/\r\t\u{8}\u{c}"
        #expect(try store.readRecord(.domain, record.uuid) == .absent)
        try store.writeRecord(&record)
        #expect(record.generation == 1)
        #expect(try store.readRecord(.domain, record.uuid) == .record(record))
        try store.writeRecord(&record)
        #expect(record.generation == 2)
        #expect(try store.readRecord(.domain, record.uuid) == .record(record))
        #expect(try store.runtimeUUIDs(.domain) == [record.uuid])
        #expect(try store.runtimeUUIDs(.network) == [])
        try store.writeLiveXML(.domain, record.uuid, "<live/>")
        #expect(try store.readLiveXML(.domain, record.uuid) == Array("<live/>".utf8))
        try store.removeRuntime(.domain, record.uuid)
        try store.removeRuntime(.domain, record.uuid)
        #expect(try store.readRecord(.domain, record.uuid) == .absent)
        #expect(try store.runtimeUUIDs(.domain) == [])
    }

    @Test func otherBootsAndOthersRecordsAreTold() throws {
        var old = record()
        old.boot = "another"
        try store.writeRecord(&old)
        #expect(try store.readRecord(.domain, old.uuid) == .otherBoot(old))
        var misplaced = record()
        try store.writeRecord(&misplaced)
        let other = UUID()
        #expect(rename(store.runtimeDirectory(.domain, misplaced.uuid), store.runtimeDirectory(.domain, other)) == 0)
        guard case .unreadable = try store.readRecord(.domain, other) else { return #expect(Bool(false)) }
    }

    @Test func quarantineKeepsTheObjectUnknown() throws {
        var record = record()
        try store.writeRecord(&record)
        let path = store.runtimeDirectory(.domain, record.uuid) + "/status.json"
        #expect(truncate(path, 40) == 0)
        guard case .unreadable = try store.readRecord(.domain, record.uuid) else { return #expect(Bool(false)) }
        let kept = try store.quarantine(.domain, record.uuid)
        #expect(try AtomicFile.read(kept, limit: 100)?.count == 40)
        for _ in 0..<2 {
            guard case .unreadable = try store.readRecord(.domain, record.uuid) else { return #expect(Bool(false)) }
            try store.quarantine(.domain, record.uuid)
        }
        try store.writeRecord(&record)
        #expect(try store.readRecord(.domain, record.uuid) == .record(record))
        try store.removeRuntime(.domain, record.uuid)
        #expect(try store.readRecord(.domain, record.uuid) == .absent)
    }

    @Test func locksNameTheirHolder() throws {
        let uuid = UUID()
        let lock = try store.lock(.domain, uuid, operation: "start", context: .test())
        #expect(store.isLocked(.domain, uuid) && !store.isLocked(.network, uuid))
        if try store.tryLock(.domain, uuid, operation: "x") != nil { Issue.record("locked twice") }
        let error = #expect(throws: LodgeError.self) {
            _ = try store.lock(.domain, uuid, operation: "stop", context: .test(.milliseconds(10)))
        }
        #expect(error?.message.contains("'start'") == true)
        try store.unlockForEver(lock)
        #expect(try Directory.names(of: scratch.root.run + "/locks") == [])
        let odd = try store.lockResource("if:a*/\"%d", operation: "x", context: .test())
        #expect(try Directory.names(of: scratch.root.run + "/locks") == ["resource-if:a%2a%2f%22%25d"])
        _ = consume odd
        #expect(throws: LodgeError.self) {
            _ = try store.lockResource(String(repeating: "/", count: 100), operation: "x", context: .test())
        }
    }

    @Test func numbersDomains() throws {
        #expect(try (1...3).map { _ in try store.nextDomainID(context: .test()) } == [1, 2, 3])
        var running = record()
        running.id = 41
        try store.writeRecord(&running)
        try AtomicFile.write(Array("garbage".utf8), to: scratch.root.run + "/next-id", durable: false)
        #expect(try store.nextDomainID(context: .test()) == 42)
        try AtomicFile.write(Array("another\n900\n".utf8), to: scratch.root.run + "/next-id", durable: false)
        #expect(try store.nextDomainID(context: .test()) == 42)
        let full = "\(store.bootID)\n\(Int.max)\n"
        try AtomicFile.write(Array(full.utf8), to: scratch.root.run + "/next-id", durable: false)
        #expect(throws: LodgeError.self) { try store.nextDomainID(context: .test()) }
    }

    @Test func oneOpeningIsTheFirst() async throws {
        let root = scratch.root
        let firsts = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    let pool = WorkerPool(threads: 1, namespace: nil)
                    return try await pool.run { () throws(LodgeError) in
                        try Store(root: root, features: .underTest).firstOpenSinceBoot(context: .test())
                    }
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(firsts == 1)
        #expect(try !store.firstOpenSinceBoot(context: .test()))
        try AtomicFile.write(Array("another\n".utf8), to: root.run + "/boot", durable: false)
        #expect(try store.firstOpenSinceBoot(context: .test()))
        #expect(try !store.firstOpenSinceBoot(context: .test()))
    }

    @Test func refusesARootThatOthersMayWrite() throws {
        #expect(chmod(scratch.root.run, 0o777) == 0)
        #expect(throws: LodgeError.self) { try Store(root: scratch.root, features: .underTest) }
        #expect(chmod(scratch.root.run, 0o700) == 0)
        _ = try Store(root: scratch.root, features: .underTest)
        #expect(throws: LodgeError.self) { try RootDirectory(under: "relative") }
        #expect(throws: LodgeError.self) { try RootDirectory(under: "/a\nb") }
    }

    @Test func usersHaveTheirOwn() throws {
        let user = try RootDirectory.user(environment: ["HOME": "/h", "XDG_RUNTIME_DIR": "/r", "XDG_DATA_HOME": "x"])
        #expect(user.etc == "/h/.config/lodge" && user.run == "/r/lodge" && user.lib == "/h/.local/share/lodge")
        #expect(throws: LodgeError.self) { try RootDirectory.user(environment: [:]) }
    }
}
