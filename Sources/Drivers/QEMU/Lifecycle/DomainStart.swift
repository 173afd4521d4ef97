import FoundationEssentials
import Glibc
import LodgeCore

/// One start on its way: named, made, launched, greeted, let go.
struct DomainStart {
    private let driver: QEMUDriver
    private let context: OperationContext
    private let paused: Bool
    private let uuid: UUID
    private let emulator: String
    private var definition: DomainDefinition
    private var record: StatusRecord
    private let interfaces: [InterfacePlan]
    private let claims: [Claim]
    private let plan: LaunchPlan

    /// Decides everything and writes the record; makes nothing else. Needs the object's lock.
    init(
        _ driver: QEMUDriver, _ definition: DomainDefinition, persistent: Bool, paused: Bool,
        context: OperationContext
    ) throws(LodgeError) {
        self.driver = driver
        self.context = context
        self.paused = paused
        self.definition = definition.withAliases()
        uuid = try driver.identity(of: definition)
        let store = driver.store

        var plans: [InterfacePlan] = []
        for request in try driver.interfaceRequests(definition) {
            plans.append(try driver.interfaces.plan(request, context: context))
        }
        interfaces = plans
        let disks = try DiskClaims(definition)
        let ports = try VNCPorts(definition, namespace: driver.namespace, store: store)
        claims = disks.claims + ports.claims
        emulator = try driver.emulator(of: definition)
        plan = try LaunchPlan(
            definition,
            LaunchInputs(
                emulator: emulator, runDirectory: store.runtimeDirectory(.domain, uuid),
                taps: Set(plans.filter { $0.tapName != nil }.map(\.index)), vncPorts: ports.chosen,
                now: Timestamp.now()))

        record = StatusRecord(
            boot: store.bootID, kind: .domain, uuid: uuid, name: definition.name,
            id: try store.nextDomainID(context: context), persistent: persistent,
            namespace: driver.namespace.cookie, state: DomainState.paused.rawValue, reason: "starting up",
            resources: plans.flatMap(\.resources) + disks.resources + ports.resources)
        for (index, port) in ports.chosen { self.definition.setVNCPort(port, at: index) }
        try store.writeRecord(&record)
    }

    /// Makes what the record names and starts the guest. What fails is undone before the error is thrown.
    mutating func carryOut(_ beforeRunning: QEMUDriver.BeforeRunning) throws(LodgeError) -> StatusRecord {
        let log = driver.log(of: record.name)
        var before: Int64 = 0
        do throws(LodgeError) {
            try prepareVariables()
            let output = try log.open()
            before = log.length(of: output.raw)
            try launch(output)
            try greet(beforeRunning)
            return record
        } catch {
            var failure = error
            // What QEMU said explains more than that its monitor closed.
            let words = Self.lastWords(log.tail(limit: 8 << 10, from: before))
            if !words.isEmpty, failure.code != .timeout, failure.code != .cancelled {
                failure = LodgeError(
                    .program, failure.message, object: record.reference,
                    cause: .program(name: "QEMU", status: "said", output: words), hint: failure.hint)
            }
            if failure.object == nil { failure.object = record.reference }
            do throws(LodgeError) { try driver.takeAway(record, reason: "failed", context: context) } catch {
                failure.others.append(error)
            }
            throw failure
        }
    }

    private static func lastWords(_ bytes: [UInt8]) -> String {
        // QEMU tells of each terminal that it makes, which explains nothing.
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
            .filter { !$0.contains("char device redirected to") && !DomainLog.isNote($0) }.suffix(5)
        return lines.map { line in
            // The time that `-msg timestamp=on` puts before each line says nothing here.
            guard let end = line.firstIndex(of: "Z"), line.first?.isNumber == true else { return String(line) }
            return String(line[line.index(after: end)...].drop { $0 == " " || $0 == ":" })
        }.joined(separator: "\n")
    }

    /// The guest's own firmware variables, made from the template on the first start.
    private func prepareVariables() throws(LodgeError) {
        guard let nvram = definition.os.nvram, let path = nvram.path, let template = nvram.template,
            try !AtomicFile.exists(path)
        else { return }
        guard let bytes = try AtomicFile.read(template, limit: 64 << 20) else {
            throw LodgeError(
                .notFound, "the firmware's template '\(template)' does not exist", object: record.reference,
                hint: "apt-get install ovmf")
        }
        try Directory.make(Self.parent(of: path))
        try AtomicFile.write(bytes, to: path, durable: true)
    }

    private static func parent(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }

    private mutating func launch(_ output: borrowing OwnedFD) throws(LodgeError) {
        var spec = LaunchSpec(executable: emulator, arguments: plan.arguments, environment: Self.environment)
        spec.standardOutput = .descriptor(output.raw)
        spec.standardError = .descriptor(output.raw)
        spec.lease = .init(path: driver.leasePath(uuid), target: LaunchPlan.Descriptor.lease)
        spec.claims = .init(path: driver.store.claimsPath, target: LaunchPlan.Descriptor.claims, claims: claims)
        var ends = HandedOver()
        let monitors = [
            (path: driver.controlSocket(uuid), target: LaunchPlan.Descriptor.controlMonitor),
            (path: driver.eventsSocket(uuid), target: LaunchPlan.Descriptor.eventsMonitor),
        ]
        for (path, target) in monitors + plan.sockets.map({ (path: $0.path, target: $0.target) }) {
            spec.descriptors.append(.init(source: ends.keep(try UnixSocket.listen(path, backlog: 4)), target: target))
        }
        for interface in interfaces where interface.tapName != nil {
            guard let target = plan.taps[interface.index] else { continue }
            let attached = try driver.interfaces.attach(interface, context: context)
            spec.descriptors.append(.init(source: ends.keep(attached.takeTap()), target: target))
        }
        do throws(LodgeError) {
            let process = try Launcher.launch(spec, features: driver.features)
            record.process = process.identity
            driver.log(of: record.name).noteStart(pid: process.identity.pid)
            _ = consume ends
        } catch {
            throw driver.naming(holderOf: error, uuid: uuid, record: record)
        }
    }

    /// QEMU gets nothing of the caller's environment: what is in it is not ours to hand on.
    private static let environment = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"]

    /// From QEMU's greeting to the guest's first instruction.
    private mutating func greet(_ beforeRunning: QEMUDriver.BeforeRunning) throws(LodgeError) {
        var monitor = try driver.connect(uuid, patience: QEMUDriver.startPatience, context: context)
        let terminals = plan.terminals.isEmpty ? [:] : try monitor.terminals(context: context)
        for step in plan.finish {
            _ = try monitor.execute(step.command, step.arguments, effort: .device, context: context)
        }
        definition.id = record.id.map { Int32(clamping: $0) }
        definition.setTerminals(terminals, runDirectory: driver.store.runtimeDirectory(.domain, uuid))
        try driver.store.writeLiveXML(.domain, uuid, definition.xml())
        try beforeRunning(record)
        if paused {
            let status = try monitor.queryStatus(context: context)
            record.enter(status.state, "starting up")
        } else {
            try monitor.cont(context: context)
            record.enter(.running, "booted")
        }
        record.phase = .running
        try driver.store.writeRecord(&record)
    }
}

/// Taps and sockets that are handed to QEMU, open until it has them: closing the last descriptor takes a tap away.
private struct HandedOver: ~Copyable {
    private var numbers: [CInt] = []

    mutating func keep(_ descriptor: consuming OwnedFD) -> CInt {
        let number = descriptor.release()
        numbers.append(number)
        return number
    }

    deinit { for number in numbers { _ = OwnedFD(taking: number) } }
}
